"""`status`: shows what the casebook holds, what waits or was not opened, and the log's head."""

import argparse

from dropbox.gpg_agent import refuse_closed
from scripts.ceremony.weeks import term_lines, term_values
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.identity import today
from scripts.desk.options import add_json
from scripts.desk.screen.output import print_disk_warning, print_json
from scripts.desk.screen.status_lines import gathered, status_lines

HELP = "show what the casebook holds, what waits, and what could not be opened"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Show it, and with --home also how long the reviewer's weekly keys last."""
    if asked.home is not None:
        refuse_closed(asked.home)
    with Casebook.open(asked.casebook) as casebook:
        values = gathered(casebook)
        reviewing = casebook.campaign.reviewing
    if asked.json:
        if asked.home is not None:
            values["keys"] = term_values(asked.home, today())
        print_json(values)
        return
    print("\n".join(status_lines(values, reviewing, "en")))
    if asked.home is not None:
        print("\n".join(term_lines(asked.home, today())))
    print_disk_warning(asked.casebook)
