"""The offline desk's command line: open a bundle, read and find the cases, answer them, and write the answers' bundle.

    python -m scripts.desk --casebook DIR [--home GNUPGHOME] open BUNDLE

No text is ever an argument, where other users of the computer could see it: answers come from a file or standard input.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress, TaskID

from dropbox.errors import CasedropError
from dropbox.label import LANGUAGES
from dropbox.openpgp import Opener
from scripts import duplicates, outline
from scripts.arrival import Opened, open_bundle
from scripts.case import case_number
from scripts.casebook import Casebook, create
from scripts.display import (
    case_text,
    case_values,
    file_values,
    files_table,
    found_table,
    found_values,
    link_values,
    links_text,
    list_table,
    list_values,
    status_values,
    unopened_values,
)
from scripts.duplicates import linked, links_of
from scripts.evidence import write_out
from scripts.finding import Filters, find
from scripts.outbox import Left, answer, export_replies
from scripts.outline import outlines

__all__ = ["Casebook", "Left", "Opened", "answer", "create", "export_replies", "main", "open_bundle", "write_out"]


# Cases on one page of a list.
PAGE, ALL = 50, 2**31
FILTERS = tuple(one.name for one in fields(Filters))


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
    init.add_argument("--campaign", type=Path, required=True, help="the campaign file that the server uses")
    init.add_argument("--desk", type=int, required=True, metavar="N", help="this desk's number, from 0; no two the same")
    command("open", _open, "verify an export bundle and open what is new in it").add_argument("bundle", type=Path)
    listing = command("list", _list, "list the cases")
    show = command("show", _show, "show a case with all its parts and answers")
    files = command("files", _files, "list a case's files, or write them out")
    reply = command("answer", _answer, "queue an answer to a case")
    for added in (show, files, reply):
        added.add_argument("case", help="its number, such as C-0001")
    finding = command("find", _find, "find cases by words and by codes")
    finding.add_argument("--query-file", metavar="FILE", help="a file with the words, or - for standard input")
    finding.add_argument("--no-words", action="store_true", help="ask for no words; filters alone")
    for name in FILTERS:
        finding.add_argument(f"--{name}", default="", metavar="CODE", help=f"only cases of this {name}")
    for added in (listing, finding):
        added.add_argument("--page", type=int, metavar="N", help=f"{PAGE} cases a page; 0 for all at once")
    for added in (listing, finding, show):
        added.add_argument("--labels", choices=LANGUAGES, default="en", help="the language of the labels")
    files.add_argument("--out", type=Path, metavar="DIR", help="write them here, byte for byte, under safe names")
    reply.add_argument("--text-file", required=True, metavar="FILE", help="a file with the answer, or - for standard input")
    reply.add_argument("--language", choices=LANGUAGES, help="by default the claimant's")
    export = command("export-replies", _export, "write the queued answers as a signed bundle")
    export.add_argument("out", type=Path)
    export.add_argument("--signer", default="", metavar="FINGERPRINT", help="needed when there are several secret keys")
    status = command("status", _status, "what is in the casebook, what waits, what could not be opened")
    for added in (listing, finding, show, files, status):
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


def _stages(bar: Progress) -> Callable[[str, int, int], None]:
    """One line of *bar* for each thing that is done."""
    tasks: dict[str, TaskID] = {}

    def show(what: str, done: int, every: int) -> None:
        if what not in tasks:
            tasks[what] = bar.add_task(what)
        bar.update(tasks[what], completed=done, total=every)

    return show


def _init(asked: argparse.Namespace) -> None:
    try:
        server_key = bytes.fromhex(asked.server_key)
    except ValueError:
        raise DeskError("The server's export key is 64 hex digits.") from None
    create(asked.casebook, server_key=server_key, campaign=asked.campaign, desk=asked.desk)
    print(f"An empty casebook was made in {asked.casebook}.")


def _open(asked: argparse.Namespace) -> None:
    with Casebook.open(asked.casebook) as casebook, _bar() as bar:
        opened = open_bundle(
            casebook,
            asked.bundle,
            _opener(asked),
            today=_today(),
            progress=_stages(bar),
        )
    print(
        f"Bundle {opened.number}: {opened.blocks} blocks; {opened.parts} new parts, {opened.cases} new cases and "
        f"{opened.files} files opened; {opened.known} parts known before; {opened.unreferenced} blocks that no report "
        "names were left out."
    )
    for one in unopened_values(opened.unopened):
        print(f"Not opened, block {one['block']}: {one['reason']}")


def _catch_up(casebook: Casebook) -> None:
    """Work out what lists and links need, with a bar: an import does it too, so that there is seldom anything to do."""
    with _bar() as bar:
        show = _stages(bar)
        outline.catch_up(casebook, lambda done, every: show("outlines", done, every))
        duplicates.catch_up(casebook, lambda done, every: show("links", done, every))


def _list(asked: argparse.Namespace) -> None:
    with Casebook.open(asked.casebook) as casebook:
        _catch_up(casebook)
        cases = outlines(casebook, **_page(asked))
        counts = linked(casebook, [case.number for case in cases])
        if asked.json:
            _print_json(list_values(cases, casebook.campaign, asked.labels, counts))
            return
        _print(list_table(cases, casebook.campaign, asked.labels, counts))
        _say_page(asked, casebook.counts().cases)


def _page(asked: argparse.Namespace) -> dict[str, int]:
    """Which rows a page is; programs get all unless they ask for one."""
    if asked.page is None:
        asked.page = 0 if asked.json else 1
    if asked.page < 0:
        raise DeskError("Pages are counted from 1.")
    return {"skip": (asked.page - 1) * PAGE, "most": PAGE} if asked.page else {"skip": 0, "most": ALL}


def _say_page(asked: argparse.Namespace, every: int) -> None:
    pages = -(-every // PAGE)
    if asked.page and pages > 1:
        print(f"Page {asked.page} of {pages}, {every} cases in all; --page shows another, --page 0 all.")


def _find(asked: argparse.Namespace) -> None:
    filters = Filters(**{name: getattr(asked, name) for name in FILTERS})
    query = "" if asked.no_words else _query(asked.query_file)
    with Casebook.open(asked.casebook) as casebook, _bar() as bar:
        show = _stages(bar)
        outline.catch_up(casebook, lambda done, every: show("outlines", done, every))
        found = find(casebook, query, filters, **_page(asked), progress=lambda done, every: show("words", done, every))
        values = found_values(found.cases, casebook.campaign, asked.labels)
        table = found_table(found.cases, casebook.campaign, asked.labels)
    if asked.json:
        _print_json({"count": found.count, "note": found.note, "cases": values})
        return
    _print(table)
    print(" ".join(filter(None, (f"{found.count} case(s) found.", found.note))))
    _say_page(asked, found.count)


def _query(file: str | None) -> str:
    """The words to look for; asked for when neither a file nor anything in standard input has them."""
    if file is None and sys.stdin.isatty():
        return Console(stderr=True).input("Words to look for, nothing for all: ")
    data = Path(file).read_bytes() if file not in (None, "-") else sys.stdin.buffer.read()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise DeskError("The words to look for are not UTF-8.") from None


def _show(asked: argparse.Namespace) -> None:
    with Casebook.open(asked.casebook) as casebook:
        case = casebook.case(case_number(asked.case))
        _catch_up(casebook)
        answers, links = casebook.answers_to(case), links_of(casebook, case.number)
        if asked.json:
            _print_json({**case_values(case, answers), "linked": link_values(links)})
        else:
            _print(case_text(case, answers, casebook.campaign, asked.labels))
            _print(links_text(links))


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
    data = sys.stdin.buffer.read() if asked.text_file == "-" else Path(asked.text_file).read_bytes()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise DeskError("The answer's text is not UTF-8.") from None
    with Casebook.open(asked.casebook) as casebook:
        case = answer(casebook, case_number(asked.case), text, today=_today(), language=asked.language or "")
    print(f"An answer to {case.name} is queued; it leaves with the next export-replies.")


def _export(asked: argparse.Namespace) -> None:
    with Casebook.open(asked.casebook) as casebook:
        left = export_replies(casebook, asked.out, _opener(asked), today=_today(), signer=asked.signer)
    print(f"Reply bundle {left.bundle} with {left.answers} answers among {left.replies} replies is in {asked.out}.")


def _status(asked: argparse.Namespace) -> None:
    with Casebook.open(asked.casebook) as casebook:
        values = status_values(casebook.counts(), casebook.unopened(), casebook.queued())
    if asked.json:
        _print_json(values)
        return
    unopened, queued = values.pop("unopened"), values.pop("answers_queued")
    for name, value in values.items():
        print(f"{name.replace('_', ' ')}: {value}")
    print(f"answers queued: {', '.join(queued) or 'none'}")
    for one in unopened:
        print(f"Not opened, block {one['block']}: {one['reason']}")


if __name__ == "__main__":
    sys.exit(main())
