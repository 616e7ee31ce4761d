"""`adjudicate`: like `review`, for a third reviewer where two disagree; all reviews are kept."""

import argparse

from scripts.desk.options import add_case, add_json, add_sheet
from scripts.desk.review.judgement import ADJUDICATION
from scripts.desk.screen.sheets import run_sheet

HELP = "review a case as the third reviewer, where two disagree"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    add_case(parser)
    add_sheet(parser)
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Write the sheet, have it edited, or add it."""
    run_sheet(asked, ADJUDICATION)
