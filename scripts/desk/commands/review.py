"""`review`: has a case's review sheet edited, writes a blank one, or adds a filled-in one."""

import argparse

from scripts.desk.options import add_case, add_json, add_sheet
from scripts.desk.review.judgement import REVIEW
from scripts.desk.screen.sheets import run_sheet

HELP = "edit the review sheet of a case, write a blank one, or add a filled-in one"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    add_case(parser)
    add_sheet(parser)
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Write the sheet, have it edited, or add it."""
    run_sheet(asked, REVIEW)
