"""`charts`: shows what many cases show together, on the terminal or as one HTML page."""

import argparse
from functools import partial
from pathlib import Path

from dropbox.durable_file import write_new
from scripts.desk.charts.figures import LEAST, LEFT_OUT, Asked, figures
from scripts.desk.charts.page import html
from scripts.desk.identity import DeskError, at_desk, today, working
from scripts.desk.options import add_json, add_lang, add_where
from scripts.desk.screen.chart_text import chart_values, charts_text
from scripts.desk.screen.output import (
    counted,
    print_json,
    print_rich,
    progress_bar,
    screen_width,
    stages,
)
from scripts.desk.search.selection import Condition, Selection
from scripts.desk.search.upkeep import catch_up

HELP = "show what many cases show together"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="a new HTML page, for a browser or for printing"
    )
    parser.add_argument(
        "--least",
        type=int,
        default=LEAST,
        metavar="N",
        help=f"leave out numbers of cases below this (default {LEAST}); 1 shows all",
    )
    add_where(parser)
    add_lang(parser)
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Count the selected cases, without those that the reviewer gave away."""
    if asked.least < 1:
        raise DeskError("--least is the least number that is shown, 1 or more.")
    chosen = Selection(queue=asked.queue, where=tuple(map(Condition.read, asked.where)))
    with working(asked) as casebook:
        with progress_bar() as bar:
            show = stages(bar)
            catch_up(casebook, show)
            reviewer = at_desk(casebook)
            given_away = casebook.layers.given_away(reviewer)
            numbers = [one for one in chosen.numbers(casebook, reviewer) if one not in given_away]
            counting = Asked(numbers, asked.lang, today(), asked.least, whole=not chosen.any)
            found = figures(casebook, counting, partial(show, "counting"))
        title = casebook.campaign.title
        casebook.note("view", "charts")
    if asked.out is not None:
        page = html(found, counting, campaign=title[asked.lang])
        write_new(asked.out, page.encode())
    if asked.json:
        print_json({"cases": len(numbers), "least": asked.least, "figures": chart_values(found)})
    elif asked.out is not None:
        print(f"{counted(len(numbers), 'case')} counted; {asked.out} was written.")
    else:
        print_rich(charts_text(found, width=screen_width()))
        hidden = (
            f" {LEFT_OUT}: numbers below {asked.least} are left out." if asked.least > 1 else ""
        )
        print(f"{counted(len(numbers), 'case')} counted.{hidden}")
