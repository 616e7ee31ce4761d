"""`clock`: shows when claims lapse, by counsel's table in the campaign file."""

import argparse

from scripts.desk.identity import at_desk, today, working
from scripts.desk.options import add_json, add_lang, add_page, add_where
from scripts.desk.screen.deadlines import clock_table, clock_values, without_date_lines
from scripts.desk.screen.output import print_json, print_rich, progress_bar, stages
from scripts.desk.screen.paging import Page
from scripts.desk.search.limitation import clock
from scripts.desk.search.selection import Condition, Selection
from scripts.desk.search.upkeep import catch_up

HELP = "show when claims lapse, by counsel's table in the campaign file"
_NO_TABLE = (
    "The campaign file has no [[review.limitation]], in which counsel says when which claim lapses."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    add_where(parser)
    add_page(parser)
    add_lang(parser)
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Show the claims of all cases that the reviewer may know about, or of those selected."""
    page = Page.of(asked)
    chosen = Selection(queue=asked.queue, where=tuple(map(Condition.read, asked.where)))
    with working(asked) as casebook:
        with progress_bar() as bar:
            catch_up(casebook, stages(bar))
        reviewer = at_desk(casebook)
        numbers = set(chosen.numbers(casebook, reviewer)) - casebook.layers.given_away(reviewer)
        found = clock(casebook, reviewer, numbers)
        shown = found.running[page.skip : page.skip + page.most if page.most else None]
        cases = {claim.case for claim in shown} | {
            case for _, lacking in found.without_date for case in lacking
        }
        names = {case: casebook.names.of(case) for case in cases}
        casebook.note("view", "clock")
    if asked.json:
        print_json(clock_values(shown, found, names, today()))
        return
    if not found.without_date:
        print(_NO_TABLE)
        return
    print_rich(clock_table(shown, names, asked.lang, today()))
    print(page.note(len(found.running), "claims"), end="")
    print("\n".join(without_date_lines(found, names, asked.lang)))
