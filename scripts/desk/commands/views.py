"""`views`: lists the saved views of the list, or deletes one."""

import argparse

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.options import add_json
from scripts.desk.screen.output import print_json, print_rich
from scripts.desk.screen.queue_tables import view_values, views_table
from scripts.desk.search.saved_views import Views

HELP = "list the saved views, or delete one"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("--delete", default="", metavar="NAME", help="delete this view")
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """List them, or delete one."""
    with Casebook.open(asked.casebook) as casebook:
        views = Views(casebook.directory)
        if asked.delete:
            views.delete(asked.delete)
        saved = views.all()
    if asked.json:
        print_json(view_values(saved))
    elif asked.delete:
        print(f"The view {asked.delete} was deleted.")
    elif saved:
        print_rich(views_table(saved))
    else:
        print("No view has been saved; `list` with --save-view NAME saves one.")
