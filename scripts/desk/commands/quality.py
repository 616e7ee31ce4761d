"""`quality`: how well reviewers agree, what was missed, and the draw of rejected cases."""

import argparse
from functools import partial

from scripts.desk.identity import at_desk, today, working
from scripts.desk.options import add_json, add_lang
from scripts.desk.quality_control import agreement, draw, missed
from scripts.desk.screen.output import counted, print_json, print_rich, progress_bar, stages
from scripts.desk.screen.quality_figures import (
    agreement_sentence,
    agreement_table,
    agreement_values,
    missed_sentences,
    missed_values,
)

HELP = "show how far reviewers agree and what was missed; draw rejected cases for a second review"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument(
        "--draw",
        action="store_true",
        help="have rejected cases come back for a blind second review: the campaign's share, by "
        "chance",
    )
    add_lang(parser)
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Draw, or show the figures; they name no case and no reviewer."""
    if asked.draw:
        _draw(asked)
        return
    with working(asked) as casebook:
        with progress_bar() as bar:
            agreed = agreement(casebook, partial(stages(bar), "comparing"))
        found = missed(casebook)
        casebook.note("view", "quality")
        reviewing = casebook.campaign.reviewing
    if asked.json:
        print_json({"agreement": agreement_values(agreed), "rejected": missed_values(found)})
        return
    if any(one.units for one in agreed):
        print_rich(agreement_table(agreed, reviewing, asked.lang))
    print("\n".join([agreement_sentence(agreed), "", *missed_sentences(found)]))


def _draw(asked: argparse.Namespace) -> None:
    with working(asked) as casebook:
        given_away = {
            casebook.names.of(one) for one in casebook.layers.given_away(at_desk(casebook))
        }
        drawn = [name for name in draw(casebook, today=today()) if name not in given_away]
        percent = casebook.campaign.reviewing.quality_percent
    if asked.json:
        print_json({"drawn": drawn, "percent": percent})
    elif drawn:
        print(
            f"Back for a second review: {counted(len(drawn), 'rejected case')}: {', '.join(drawn)}."
        )
    else:
        print(f"No more rejected case was drawn; {percent} % of them are, by chance.")
