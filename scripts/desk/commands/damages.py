"""`damages`: shows what was lost by currency, in how many cases, and what it rests on."""

import argparse

from scripts.desk.charts.damage_sums import damage_values, damages, listed
from scripts.desk.charts.shapes import LEAST, LEFT_OUT, Asked
from scripts.desk.identity import DeskError, at_desk, today, working
from scripts.desk.options import add_json, add_lang, add_where
from scripts.desk.screen.chart_text import charts_text
from scripts.desk.screen.chosen import chosen_by
from scripts.desk.screen.output import print_json, print_rich, progress_bar, screen_width, stages
from scripts.desk.search.counted import Cases
from scripts.desk.search.upkeep import catch_up

HELP = "show what was lost by currency, in how many cases, and what it rests on"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument(
        "--least",
        type=int,
        default=LEAST,
        metavar="N",
        help=f"leave out numbers of cases below this (default {LEAST}); 1 shows all",
    )
    add_where(parser)
    parser.add_argument("--view", default="", metavar="NAME", help="what `list` saved as a view")
    add_lang(parser)
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Count the selected decided cases, without those that the reviewer gave away."""
    if asked.least < 1:
        raise DeskError("--least is the least number that is shown, 1 or more.")
    with working(asked) as casebook:
        with progress_bar() as bar:
            catch_up(casebook, stages(bar))
        reviewer = at_desk(casebook)
        given_away = casebook.layers.given_away(reviewer)
        chosen = chosen_by(casebook, asked).numbers(casebook, reviewer)
        numbers = [one for one in chosen if one not in given_away]
        counting = Asked(numbers, asked.lang, today(), asked.least, exact=True)
        found = damages(casebook, Cases(casebook, numbers), counting)
        figure = listed(found, casebook.campaign.reviewing, counting)
        casebook.note("view", "damages")
    if asked.json:
        print_json({"least": asked.least, **damage_values(found)})
    elif not figure.rows:
        print("No decided case names a sum.")
    else:
        print_rich(charts_text([figure], width=screen_width()))
        if asked.least > 1:
            print(f"{LEFT_OUT}: of fewer than {asked.least} cases, or what would give that away.")
