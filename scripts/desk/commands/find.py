"""`find`: finds cases by words and by codes.

The words are never an argument, where other users of the computer could see them, nor in any log.
"""

import argparse
import sys
from dataclasses import fields, replace

from rich.console import Console

from scripts.desk.given_text import read_text
from scripts.desk.identity import at_desk, names, viewer, working
from scripts.desk.options import add_json, add_lang, add_page, add_where
from scripts.desk.screen.found import found_table, found_values
from scripts.desk.screen.output import counted, print_json, print_rich, progress_bar, stages
from scripts.desk.screen.paging import Page
from scripts.desk.search import summary
from scripts.desk.search.finding import Filters, find
from scripts.desk.search.known_codes import check_codes
from scripts.desk.search.selection import Condition, Selection

HELP = "find cases by words and by codes"
_ALL = 2**31
_QUERY_BYTES = 64 * 2**10
# The option for each filter. --reviewer already names the reviewer at work.
_OPTIONS = {one.name: one.name for one in fields(Filters)} | {"reviewer": "reviewed-by"}
_HELP = {"period": "2019, 2019-03 or 2019-03..2020", "reviewer": "a reviewer's name or fingerprint"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument(
        "--query-file", metavar="FILE", help="a file with the words, or - for standard input"
    )
    parser.add_argument(
        "--no-words", action="store_true", help="do not ask for words; use only the filters"
    )
    for name, option in _OPTIONS.items():
        text = _HELP.get(name, f"only cases with this {name}")
        parser.add_argument(f"--{option}", default="", dest=_slot(name), metavar="CODE", help=text)
    add_where(parser)
    add_page(parser)
    add_lang(parser)
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Show the cases that contain what is asked for and match all the filters."""
    page = Page.of(asked)
    filters = Filters(**{name: getattr(asked, _slot(name)) for name in _OPTIONS})
    # Asked for before the casebook is locked, because somebody may still be typing.
    asking = not asked.no_words and asked.query_file is None and sys.stdin.isatty()
    query = "" if asked.no_words else _asked_for() if asking else _given(asked.query_file)
    with working(asked) as casebook, progress_bar() as bar:
        show = stages(bar)
        summary.catch_up(casebook, lambda done, total: show("outlines", done, total))
        reviewers = names(casebook)
        reviewer = at_desk(casebook)
        codes = {name: getattr(filters, name) for name in _OPTIONS}
        check_codes(casebook, codes, reviewers, reviewer)
        known = {name: fingerprint for fingerprint, name in reviewers.items()}
        found = find(
            casebook,
            query,
            replace(filters, reviewer=known.get(filters.reviewer, filters.reviewer)),
            selection=Selection(asked.queue, tuple(map(Condition.read, asked.where))),
            reviewer=reviewer,
            without=casebook.layers.given_away(reviewer),
            skip=page.skip,
            most=page.most or _ALL,
            everything=asking and not query.strip(),
            progress=lambda done, total: show("words", done, total),
        )
        reader = viewer(casebook, asked.lang)
        casebook.note("view", "find")
    if asked.json:
        cases = found_values(found.cases, reader.campaign, asked.lang)
        print_json({"count": found.count, "note": found.note, "cases": cases})
        return
    if found.cases:
        print_rich(found_table(found.cases))
    print(" ".join(filter(None, (f"{counted(found.count, 'case')} found.", found.note))))
    print(page.note(found.count), end="")


def _slot(name: str) -> str:
    return f"only_{name}"


def _asked_for() -> str:
    """The words to search for, from the reviewer at the terminal."""
    return Console(stderr=True).input("Words to search for (Enter for all cases): ")


def _given(file: str | None) -> str:
    """The words to search for, from a file or standard input. Raises BadText or OSError."""
    return read_text(file or "-", _QUERY_BYTES, "The query")
