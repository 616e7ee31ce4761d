"""`migrate`: brings a casebook of an earlier version to the present one, and keeps a copy."""

import argparse

from scripts.desk.casebook.casebook import VERSION
from scripts.desk.casebook.upgrade import migrate
from scripts.desk.options import add_json
from scripts.desk.screen.output import print_json

HELP = "bring a casebook of an earlier version to the present one"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Do it; a casebook of the present version is left as it is."""
    copy = migrate(asked.casebook)
    if asked.json:
        print_json({"version": VERSION, "copy": str(copy) if copy else None})
    elif copy is None:
        print(f"This casebook is of version {VERSION} already.")
    else:
        print(
            f"The casebook is of version {VERSION} now. {copy} is a copy of it as it was; erase it "
            "when `verify` finds nothing."
        )
