"""`adjudicate`: like `review`, for a third reviewer where two disagree; all reviews are kept."""

import argparse

from scripts.desk.identity import own_case, today, working
from scripts.desk.options import add_case, add_json, add_sheet
from scripts.desk.review.judgement import ADJUDICATION
from scripts.desk.reviewing import blank_sheet, hand_in, read_sheet
from scripts.desk.screen.reviews import print_kept, print_sheet

HELP = "review a case as the third reviewer, where two disagree"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    add_case(parser)
    add_sheet(parser)
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Print the sheet, or add it."""
    if asked.blank:
        with working(asked) as casebook:
            sheet = blank_sheet(casebook, own_case(casebook, asked.case), ADJUDICATION)
        print_sheet(sheet, json=asked.json)
        return
    # Read before the casebook is locked, because somebody may still be typing it.
    filled_in = read_sheet(asked.form)
    with working(asked) as casebook:
        case = own_case(casebook, asked.case)
        kept = hand_in(casebook, case, filled_in, ADJUDICATION, today=today())
        campaign = casebook.campaign
    print_kept(kept, campaign, json=asked.json)
