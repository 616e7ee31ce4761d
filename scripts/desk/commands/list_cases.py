"""`list`: lists the cases and the state of their reviews, a page at a time."""

import argparse

from scripts.desk.identity import viewer, working
from scripts.desk.options import add_json, add_lang, add_page
from scripts.desk.screen.output import (
    print_json,
    print_rich,
    progress_bar,
    screen_width,
    stages,
)
from scripts.desk.screen.paging import Page
from scripts.desk.screen.reviews import CODES, Chosen, list_table, list_values, next_after
from scripts.desk.search.known_codes import check_codes
from scripts.desk.search.upkeep import catch_up

HELP = "list the cases and the state of their reviews"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    for name in CODES:
        parser.add_argument(
            f"--{name}", default="", metavar="CODE", help=f"only cases with this {name}"
        )
    parser.add_argument(
        "--after", default="", metavar="CASE", help="only cases that are listed after this one"
    )
    add_page(parser)
    add_lang(parser)
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Show what the reviewer at work may see of them."""
    page = Page.of(asked)
    with working(asked) as casebook:
        after = casebook.names.find(asked.after) if asked.after else 0
        codes = {name: getattr(asked, name) for name in CODES}
        check_codes(casebook, codes)
        chosen = Chosen(**codes, after=after, most=page.most, skip=page.skip)
        with progress_bar() as bar:
            catch_up(casebook, stages(bar))
        reader = viewer(casebook, asked.lang)
        rows, total = list_values(casebook, chosen, reader), chosen.count(casebook)
        shown = rows[: page.most] if page.most else rows
        casebook.note("view", "list")
    if asked.json:
        print_json(shown)
        return
    print_rich(list_table(shown, reader, screen_width()))
    print(page.note(total), end="")
    if following := next_after(rows, page.most):
        print(f"There are more; go on with --after {following}")
