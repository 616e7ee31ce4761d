"""The offline desk's command line: open a bundle, read and find the cases, answer them, and write the answers' bundle.

    python -m scripts.desk --casebook DIR [--home GNUPGHOME] open BUNDLE

No text is ever an argument, where other users of the computer could see it: answers come from a file or standard input.
"""

import argparse
import gc
import sys

if __name__ == "__main__":
    # What is loaded stays until the end; to look through it for garbage takes as long as many a command.
    gc.disable()
    # sqlite-utils would load it where it is installed, which takes longer than most commands.
    sys.modules["numpy"] = None  # type: ignore[assignment]  # what Python itself puts there for "not to be found"

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from dropbox import campaign
from dropbox.errors import CasedropError
from dropbox.label import LANGUAGES
from scripts.desk.case import case_name
from scripts.desk.casebook.casebook import Casebook, create
from scripts.desk.commands import acts, answering, inquiry
from scripts.desk.disk import keeping
from scripts.desk.evidence import write_out
from scripts.desk.identity import (
    DeskError,
    at_desk,
    named_reviewers,
    opener,
    own_case,
    today,
    working,
)
from scripts.desk.importing.open_bundle import open_bundle
from scripts.desk.outbox.outbox import export_replies, take_back
from scripts.desk.screen.cases import file_values, files_table, unopened_values
from scripts.desk.screen.output import print_json, print_rich, progress_bar, stages

# The one that this desk came with, as the server did.
CAMPAIGN = Path(campaign.__file__).with_name("campaign.toml")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code: 1 after an error, which is one sentence on standard error."""
    asked = _parser().parse_args(arguments)
    try:
        return asked.run(asked) or 0
    except CasedropError as why:
        print(why, file=sys.stderr)
        return 1
    except OSError as why:
        print(f"{why.filename or 'The output'}: {why.strerror}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; what was done is kept, and the command can be run again.", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="desk",
        description="The offline desk: open, read and answer cases.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--casebook", type=Path, required=True, metavar="DIR", help="the casebook's directory"
    )
    parser.add_argument(
        "--home",
        type=Path,
        metavar="GNUPGHOME",
        help="gpg's directory with the reviewer's secret keys",
    )
    parser.add_argument(
        "--reviewer",
        default="",
        metavar="FINGERPRINT",
        help="who works, when there are several secret keys",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[argparse.Namespace], int | None], text: str, *aliases: str
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(
            name, aliases=aliases, help=text, description=text, allow_abbrev=False
        )
        added.set_defaults(run=run)
        return added

    init = command("init", _init, "make an empty casebook")
    init.add_argument(
        "--server-key",
        required=True,
        metavar="HEX",
        help="the server's export public key, 64 hex digits",
    )
    init.add_argument(
        "--campaign", type=Path, default=CAMPAIGN, help="the campaign file that the server uses"
    )
    init.add_argument(
        "--desk",
        type=int,
        required=True,
        metavar="N",
        help="this desk's number, from 0; no two the same",
    )
    init.add_argument(
        "--keys", type=Path, metavar="DIR", help="the reviewers' public keys, with FINGERPRINTS"
    )
    bundle = command(
        "import", _import, "verify an export bundle and open what is new in it", "open"
    )
    bundle.add_argument("bundle", type=Path)
    acts.add_commands(command)
    inquiry.add_commands(command)
    files = command("files", _files, "list a case's files, or write them out")
    reply = command("answer", _answer, "queue an answer to one case or to many")
    answering.answer_options(reply)
    outbox = command("outbox", _outbox, "what waits to leave, and how long; take back an answer")
    answering.outbox_options(outbox)
    files.add_argument("case", help="its number, such as C-0001")
    reply.add_argument(
        "--labels", choices=LANGUAGES, default="en", help="the language of the labels"
    )
    files.add_argument(
        "--out", type=Path, metavar="DIR", help="write them here, byte for byte, under safe names"
    )
    export = command("export-replies", _export, "write the queued answers as a signed bundle")
    answering.export_options(export)
    for added in (init, bundle, files, reply, outbox, export):
        added.add_argument("--json", action="store_true", help="for programs")
    return parser


def _init(asked: argparse.Namespace) -> None:
    try:
        server_key = bytes.fromhex(asked.server_key)
    except ValueError:
        raise DeskError("The server's export key is 64 hex digits.") from None
    reviewers = named_reviewers(asked)
    create(
        asked.casebook,
        server_key=server_key,
        campaign=asked.campaign,
        desk=asked.desk,
        reviewers=reviewers,
    )
    if asked.json:
        print_json({"reviewers": list(reviewers), "disk": keeping(asked.casebook)})
        return
    print(f"An empty casebook was made in {asked.casebook}, for {len(reviewers)} reviewers.")
    acts.warn(asked.casebook)


def _import(asked: argparse.Namespace) -> None:
    with working(asked) as casebook, progress_bar() as bar:
        opened = open_bundle(
            casebook,
            asked.bundle,
            opener(asked),
            today=today(),
            progress=stages(bar),
        )
    if asked.json:
        print_json({**asdict(opened), "unopened": unopened_values(opened.unopened)})
        return
    print(
        f"Bundle {opened.number}: {opened.blocks} blocks; {opened.parts} new parts, {opened.cases} new cases and "
        f"{opened.files} files opened; {opened.known} parts known before; {opened.unreferenced} blocks that no report "
        "names were left out."
    )
    for one in unopened_values(opened.unopened):
        print(f"Not opened, block {one['block']}: {one['reason']}")
    acts.warn(asked.casebook)


def _files(asked: argparse.Namespace) -> None:
    with working(asked) as casebook:
        case = own_case(casebook, asked.case)
        if asked.out is not None:
            for one, path in zip(case.files, write_out(casebook, case, asked.out), strict=True):
                casebook.note("export", case.name, plain=one.attachment.sha256)
                print(path)
            return
        casebook.viewed(case)
        if asked.json:
            print_json(file_values(case.files))
        else:
            print_rich(files_table(case.files))


def _answer(asked: argparse.Namespace) -> None:
    if asked.templates:
        with Casebook.open(asked.casebook) as casebook:
            templates = casebook.campaign.answers
        if asked.json:
            print_json(
                [{"template": one.code, "label": one.text, "text": one.body} for one in templates]
            )
        else:
            print_rich(answering.templates_table(templates, asked.labels))
        return
    text = answering.given_text(asked)
    with working(asked) as casebook:
        for name in asked.cases:
            own_case(casebook, name)
        written = answering.letters(casebook, asked, text, today=today())
    if asked.json:
        print_json([{"case": one.case.name, "language": one.language} for one in written])
    else:
        print(answering.queued_said(written))


def _outbox(asked: argparse.Namespace) -> None:
    if asked.remove is not None:
        with working(asked) as casebook:
            for name in [
                case_name(one.case) for one in casebook.queued() if one.id == asked.remove
            ]:
                own_case(casebook, name)
            taken = take_back(casebook, asked.remove, today=today())
        if asked.json:
            print_json(
                {"number": taken.id, "case": case_name(taken.case), "day": taken.day.isoformat()}
            )
        else:
            print(f"The answer to {case_name(taken.case)} of {taken.day} is taken back.")
        return
    with Casebook.open(asked.casebook) as casebook:
        values = (
            answering.left_values(casebook.left())
            if asked.left
            else answering.outbox_values(casebook.queued(), today())
        )
    if asked.json:
        print_json(values)
    else:
        print_rich(
            answering.values_table(values)
            if values
            else "Nothing has left."
            if asked.left
            else "Nothing waits."
        )


def _export(asked: argparse.Namespace) -> None:
    with working(asked) as casebook:
        answering.confirm_leaving(casebook, yes=asked.yes)
        signer = asked.signer or at_desk(casebook)
        gone = export_replies(casebook, asked.out, opener(asked), today=today(), signer=signer)
    if asked.json:
        print_json(asdict(gone))
        return
    print(
        f"Reply bundle {gone.bundle} with {gone.answers} answers among {gone.replies} replies is in {asked.out}."
    )
    if gone.waiting:
        print(f"A bundle holds no more; {gone.waiting} answers wait for the next one.")


if __name__ == "__main__":
    gc.freeze()
    gc.enable()
    sys.exit(main())
