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

from dropbox.errors import CasedropError
from dropbox.label import LANGUAGES
from scripts import acts, inquiry
from scripts.acts import DeskError, named_reviewers, own_case, print_json, print_rich, progress_bar, stages, today, working
from scripts.arrival import Opened, open_bundle
from scripts.casebook import Casebook, create
from scripts.display import file_values, files_table, unopened_values
from scripts.evidence import write_out
from scripts.outbox import Left, answer, export_replies

__all__ = ["Casebook", "Left", "Opened", "answer", "create", "export_replies", "main", "open_bundle", "write_out"]


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
        prog="desk", description="The offline desk: open, read and answer cases.", allow_abbrev=False
    )
    parser.add_argument("--casebook", type=Path, required=True, metavar="DIR", help="the casebook's directory")
    parser.add_argument("--home", type=Path, metavar="GNUPGHOME", help="gpg's directory with the reviewer's secret keys")
    parser.add_argument("--reviewer", default="", metavar="FINGERPRINT", help="who works, when there are several secret keys")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int | None], text: str, *aliases: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, aliases=aliases, help=text, description=text, allow_abbrev=False)
        added.set_defaults(run=run)
        return added

    init = command("init", _init, "make an empty casebook")
    init.add_argument("--server-key", required=True, metavar="HEX", help="the server's export public key, 64 hex digits")
    init.add_argument("--campaign", type=Path, required=True, help="the campaign file that the server uses")
    init.add_argument("--desk", type=int, required=True, metavar="N", help="this desk's number, from 0; no two the same")
    init.add_argument("--keys", type=Path, metavar="DIR", help="the reviewers' public keys, with FINGERPRINTS")
    bundle = command("import", _import, "verify an export bundle and open what is new in it", "open")
    bundle.add_argument("bundle", type=Path)
    acts.add_commands(command)
    inquiry.add_commands(command)
    files = command("files", _files, "list a case's files, or write them out")
    reply = command("answer", _answer, "queue an answer to a case")
    for added in (files, reply):
        added.add_argument("case", help="its number, such as C-0001")
    files.add_argument("--out", type=Path, metavar="DIR", help="write them here, byte for byte, under safe names")
    reply.add_argument("--text-file", required=True, metavar="FILE", help="a file with the answer, or - for standard input")
    reply.add_argument("--language", choices=LANGUAGES, help="by default the claimant's")
    export = command("export-replies", _export, "write the queued answers as a signed bundle")
    export.add_argument("out", type=Path)
    export.add_argument("--signer", default="", metavar="FINGERPRINT", help="who signs, by default who works")
    for added in (bundle, files):
        added.add_argument("--json", action="store_true", help="for programs")
    return parser


def _init(asked: argparse.Namespace) -> None:
    try:
        server_key = bytes.fromhex(asked.server_key)
    except ValueError:
        raise DeskError("The server's export key is 64 hex digits.") from None
    reviewers = named_reviewers(asked)
    create(asked.casebook, server_key=server_key, campaign=asked.campaign, desk=asked.desk, reviewers=reviewers)
    print(f"An empty casebook was made in {asked.casebook}, for {len(reviewers)} reviewers.")
    acts.warn(asked.casebook)


def _import(asked: argparse.Namespace) -> None:
    with working(asked) as casebook, progress_bar() as bar:
        opened = open_bundle(
            casebook,
            asked.bundle,
            acts.opener(asked),
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
        casebook.note("view", case.name)
        if asked.json:
            print_json(file_values(case.files))
        else:
            print_rich(files_table(case.files))


def _answer(asked: argparse.Namespace) -> None:
    data = sys.stdin.buffer.read() if asked.text_file == "-" else Path(asked.text_file).read_bytes()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise DeskError("The answer's text is not UTF-8.") from None
    with working(asked) as casebook:
        case = answer(casebook, own_case(casebook, asked.case).number, text, today=today(), language=asked.language or "")
    print(f"An answer to {case.name} is queued; it leaves with the next export-replies.")


def _export(asked: argparse.Namespace) -> None:
    with working(asked) as casebook:
        signer = asked.signer or acts.at_desk(casebook)
        left = export_replies(casebook, asked.out, acts.opener(asked), today=today(), signer=signer)
    print(f"Reply bundle {left.bundle} with {left.answers} answers among {left.replies} replies is in {asked.out}.")


if __name__ == "__main__":
    gc.freeze()
    gc.enable()
    sys.exit(main())
