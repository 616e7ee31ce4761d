"""Looking for cases by words and by codes: the desk's act `find`, and how what it finds is shown.

The words are never an argument, where other users of the computer could see them, and stand in no log.
"""

import argparse
import sys
from collections.abc import Iterable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from dropbox.campaign import Campaign
from dropbox.label import LANGUAGES
from scripts.desk.commands.acts import Command
from scripts.desk.identity import DeskError, at_desk, look_of, names, working
from scripts.desk.screen.cases import category_label
from scripts.desk.screen.output import print_json, print_rich, progress_bar, stages, table
from scripts.desk.screen.paging import Page
from scripts.desk.screen.paging import add_options as add_page_options
from scripts.desk.search import summary
from scripts.desk.search.finding import Filters, Found, find
from scripts.terminal import one_line

_ALL = 2**31
# Each filter with the option that gives it. Who works at the desk is --reviewer already.
_OPTIONS = {one.name: one.name for one in fields(Filters)} | {"reviewer": "reviewed-by"}
_HELP = {"period": "2019, 2019-03 or 2019-03..2020", "reviewer": "a reviewer's name or fingerprint"}


def find_cases(asked: argparse.Namespace) -> None:
    """`find`."""
    page = Page.of(asked)
    filters = Filters(**{name: getattr(asked, _slot(name)) for name in _OPTIONS})
    # Asked for before the casebook is locked: a person may still be typing.
    query = "" if asked.no_words else _query(asked.query_file)
    with working(asked) as casebook, progress_bar() as bar:
        show = stages(bar)
        summary.catch_up(casebook, lambda done, every: show("outlines", done, every))
        known = {name: fingerprint for fingerprint, name in names(casebook).items()}
        found = find(
            casebook,
            query,
            replace(filters, reviewer=known.get(filters.reviewer, filters.reviewer)),
            without=casebook.layers.given_away(at_desk(casebook)),
            skip=page.skip,
            most=page.most or _ALL,
            progress=lambda done, every: show("words", done, every),
        )
        look = look_of(casebook, asked.labels)
        casebook.note("view", "find")
    if asked.json:
        print_json(
            {
                "count": found.count,
                "note": found.note,
                "cases": found_values(found.cases, look.campaign, asked.labels),
            }
        )
        return
    if found.cases:
        print_rich(found_table(found.cases))
    print(" ".join(filter(None, (f"{found.count} case(s) found.", found.note))))
    print(page.said(found.count), end="")


def _slot(name: str) -> str:
    return f"only_{name}"


def _query(file: str | None) -> str:
    """The words to look for; asked for when neither a file nor anything in standard input has them."""
    if file is None and sys.stdin.isatty():
        return Console(stderr=True).input("Words to look for, nothing for all: ")
    data = Path(file).read_bytes() if file not in (None, "-") else sys.stdin.buffer.read()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise DeskError("The words to look for are not UTF-8.") from None


def found_table(found: Iterable[Found]) -> Table:
    """One row a case that was found, with the words around the hit."""
    listed = table()
    for name in ("case", "day", "cat.", "in"):
        listed.add_column(name, no_wrap=True)
    # In as many lines as they take: the hit is in the middle.
    listed.add_column("words", overflow="fold")
    for one in found:
        case, (before, hit, behind) = one.outline, one.excerpt
        words = Text(before).append(hit, style="bold").append(behind) if one.where else Text(before)
        listed.add_row(
            Text(case.name),
            Text(case.day.isoformat()),
            Text(one_line(case.category, 12)),
            Text(one.where),
            words,
        )
    return listed


def found_values(found: Iterable[Found], campaign: Campaign, language: str) -> list[dict[str, Any]]:
    """What :func:`found_table` shows, with the codes."""
    return [
        {
            "case": one.outline.name,
            "day": one.outline.day.isoformat(),
            "category": one.outline.category,
            "category_label": category_label(campaign, one.outline.category, language),
            "in": one.where,
            "excerpt": "".join(one.excerpt),
        }
        for one in found
    ]


def add_commands(command: Command) -> None:
    """Add this act to the desk's command line, as :func:`scripts.desk.commands.acts.add_commands` does."""
    finding = command("find", find_cases, "find cases by words and by codes")
    finding.add_argument(
        "--query-file", metavar="FILE", help="a file with the words, or - for standard input"
    )
    finding.add_argument("--no-words", action="store_true", help="ask for no words; filters alone")
    for name, option in _OPTIONS.items():
        text = _HELP.get(name, f"only cases with this {name}")
        finding.add_argument(f"--{option}", default="", dest=_slot(name), metavar="CODE", help=text)
    add_page_options(finding)
    finding.add_argument(
        "--labels", choices=LANGUAGES, default="en", help="the language of the labels"
    )
    finding.add_argument("--json", action="store_true", help="for programs")
