"""The offline desk's command line: open a bundle, read the cases, answer them, and write the answers' bundle.

    python -m scripts.desk --casebook DIR [--home GNUPGHOME] open BUNDLE

No text is ever an argument, where other users of the computer could see it: answers come from a file or standard input.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from dropbox import campaign
from dropbox.errors import CasedropError
from dropbox.label import LANGUAGES
from dropbox.openpgp import Opener
from scripts import answering
from scripts.arrival import Opened, open_bundle
from scripts.case import case_name, case_number
from scripts.casebook import Casebook, create
from scripts.correspondence import left
from scripts.display import (
    case_text,
    case_values,
    file_values,
    files_table,
    list_table,
    list_values,
    status_values,
    unopened_values,
)
from scripts.evidence import write_out
from scripts.outbox import Left, answer, export_replies, take_back

# The one that this desk came with, as the server did.
CAMPAIGN = Path(campaign.__file__).with_name("campaign.toml")

__all__ = ["Casebook", "Left", "Opened", "answer", "create", "export_replies", "main", "open_bundle", "write_out"]


class DeskError(CasedropError):
    """The desk cannot do this."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code: 1 after an error, which is one sentence on standard error."""
    asked = _parser().parse_args(arguments)
    try:
        asked.run(asked)
    except CasedropError as why:
        print(why, file=sys.stderr)
        return 1
    except OSError as why:
        print(f"{why.filename or 'The output'}: {why.strerror}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; what was done is kept, and the command can be run again.", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="desk", description="The offline desk: open, read and answer cases.", allow_abbrev=False
    )
    parser.add_argument("--casebook", type=Path, required=True, metavar="DIR", help="the casebook's directory")
    parser.add_argument("--home", type=Path, metavar="GNUPGHOME", help="gpg's directory with the reviewer's secret keys")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], None], text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        added.set_defaults(run=run)
        return added

    init = command("init", _init, "make an empty casebook")
    init.add_argument("--server-key", required=True, metavar="HEX", help="the server's export public key, 64 hex digits")
    init.add_argument("--campaign", type=Path, default=CAMPAIGN, help="the campaign file that the server uses")
    init.add_argument("--desk", type=int, required=True, metavar="N", help="this desk's number, from 0; no two the same")
    command("open", _open, "verify an export bundle and open what is new in it").add_argument("bundle", type=Path)
    listing = command("list", _list, "list the cases")
    show = command("show", _show, "show a case with all its parts and answers")
    files = command("files", _files, "list a case's files, or write them out")
    reply = command("answer", _answer, "queue an answer to one case or to many")
    answering.answer_options(reply)
    outbox = command("outbox", _outbox, "what waits to leave, and how long; take back an answer")
    answering.outbox_options(outbox)
    for added in (show, files):
        added.add_argument("case", help="its number, such as C-0001")
    for added in (listing, show, reply):
        added.add_argument("--labels", choices=LANGUAGES, default="en", help="the language of the labels")
    files.add_argument("--out", type=Path, metavar="DIR", help="write them here, byte for byte, under safe names")
    export = command("export-replies", _export, "write the queued answers as a signed bundle")
    answering.export_options(export)
    status = command("status", _status, "what is in the casebook, what waits, what could not be opened")
    for added in (listing, show, files, status, reply, outbox):
        added.add_argument("--json", action="store_true", help="for programs")
    return parser


def _today() -> date:
    return datetime.now(UTC).date()


def _opener(asked: argparse.Namespace) -> Opener:
    if asked.home is None:
        raise DeskError("This needs the reviewer's secret keys: name gpg's directory with --home.")
    return Opener(asked.home)


def _print_json(values: Any) -> None:
    # ASCII only: escapes inside strings are spelled out, so that this too is safe on a terminal.
    print(json.dumps(values, ensure_ascii=True, indent=1).replace("\x7f", "\\u007f"))


def _print(renderable: Any) -> None:
    Console(highlight=False, emoji=False, markup=False).print(renderable)


def _bar() -> Progress:
    # For a person only: a program that reads standard error finds nothing there but an error's sentence.
    return Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())


def _init(asked: argparse.Namespace) -> None:
    try:
        server_key = bytes.fromhex(asked.server_key)
    except ValueError:
        raise DeskError("The server's export key is 64 hex digits.") from None
    create(asked.casebook, server_key=server_key, campaign=asked.campaign, desk=asked.desk)
    print(f"An empty casebook was made in {asked.casebook}.")


def _open(asked: argparse.Namespace) -> None:
    with Casebook.open(asked.casebook) as casebook, _bar() as bar:
        task = bar.add_task("opening")
        opened = open_bundle(
            casebook,
            asked.bundle,
            _opener(asked),
            today=_today(),
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    print(
        f"Bundle {opened.number}: {opened.blocks} blocks; {opened.parts} new parts, {opened.cases} new cases and "
        f"{opened.files} files opened; {opened.known} parts known before; {opened.unreferenced} blocks that no report "
        "names were left out."
    )
    for one in unopened_values(opened.unopened):
        print(f"Not opened, block {one['block']}: {one['reason']}")


def _list(asked: argparse.Namespace) -> None:
    with Casebook.open(asked.casebook) as casebook:
        if asked.json:
            _print_json(list_values(casebook.cases(), casebook.campaign, asked.labels))
        else:
            _print(list_table(casebook.cases(), casebook.campaign, asked.labels))


def _show(asked: argparse.Namespace) -> None:
    with Casebook.open(asked.casebook) as casebook:
        case = casebook.case(case_number(asked.case))
        answers = casebook.answers_to(case)
        if asked.json:
            _print_json(case_values(case, answers))
        else:
            _print(case_text(case, answers, casebook.campaign, asked.labels))


def _files(asked: argparse.Namespace) -> None:
    with Casebook.open(asked.casebook) as casebook:
        case = casebook.case(case_number(asked.case))
        if asked.out is not None:
            for path in write_out(casebook, case, asked.out):
                print(path)
        elif asked.json:
            _print_json(file_values(case.files))
        else:
            _print(files_table(case.files))


def _answer(asked: argparse.Namespace) -> None:
    with Casebook.open(asked.casebook) as casebook:
        if asked.templates:
            templates = casebook.campaign.answers
            if asked.json:
                _print_json([{"template": one.code, "label": one.text, "text": one.body} for one in templates])
            else:
                _print(answering.templates_table(templates, asked.labels))
            return
        written = answering.letters(casebook, asked, today=_today())
    if asked.json:
        _print_json([{"case": one.case.name, "language": one.language} for one in written])
    else:
        print(answering.queued_said(written))


def _outbox(asked: argparse.Namespace) -> None:
    with Casebook.open(asked.casebook) as casebook:
        if asked.remove is not None:
            taken = take_back(casebook, asked.remove, today=_today())
            print(f"The answer to {case_name(taken.case)} of {taken.day} is taken back.")
            return
        values = (
            answering.left_values(left(casebook.database)) if asked.left else answering.outbox_values(casebook.queued(), _today())
        )
    if asked.json:
        _print_json(values)
    else:
        _print(answering.values_table(values) if values else "Nothing has left." if asked.left else "Nothing waits.")


def _export(asked: argparse.Namespace) -> None:
    with Casebook.open(asked.casebook) as casebook:
        answering.confirm_leaving(casebook, yes=asked.yes)
        gone = export_replies(casebook, asked.out, _opener(asked), today=_today(), signer=asked.signer)
    print(f"Reply bundle {gone.bundle} with {gone.answers} answers among {gone.replies} replies is in {asked.out}.")
    if gone.waiting:
        print(f"A bundle holds no more; {gone.waiting} answers wait for the next one.")


def _status(asked: argparse.Namespace) -> None:
    with Casebook.open(asked.casebook) as casebook:
        values = status_values(casebook.counts(), casebook.unopened(), casebook.queued())
        values["answered"] = answering.answered_values(left(casebook.database))
    if asked.json:
        _print_json(values)
        return
    unopened, queued, answered = (values.pop(name) for name in ("unopened", "answers_queued", "answered"))
    for name, value in values.items():
        print(f"{name.replace('_', ' ')}: {value}")
    print(f"answers queued: {', '.join(queued) or 'none'}")
    print(f"cases answered: {len(answered)}, of which came back: {answering.came_back(answered) or 'none'}")
    for one in unopened:
        print(f"Not opened, block {one['block']}: {one['reason']}")


if __name__ == "__main__":
    sys.exit(main())
