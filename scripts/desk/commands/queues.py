"""`queues`: shows what waits for a reviewer, with counts."""

import argparse

from scripts.desk.identity import at_desk, working
from scripts.desk.options import add_json, add_lang
from scripts.desk.screen.output import print_json, print_rich, progress_bar, stages
from scripts.desk.screen.queue_tables import queue_values, queues_table
from scripts.desk.search import queue_definitions
from scripts.desk.search.upkeep import catch_up

HELP = "show what waits for you, with counts"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    add_lang(parser)
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Show the queues, as far as the reviewer at work may see them."""
    with working(asked) as casebook:
        with progress_bar() as bar:
            catch_up(casebook, stages(bar))
        counts = queue_definitions.counts(casebook, at_desk(casebook))
        casebook.note("view", "queues")
    if asked.json:
        print_json(queue_values(counts, asked.lang))
        return
    print_rich(queues_table(counts, asked.lang))
    print("`list --queue NAME` opens one.")
