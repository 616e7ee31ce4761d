"""`event`: enters what happened in a case and when, or lists it."""

import argparse

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.facts import EVENT
from scripts.desk.facts.case_facts import CaseFacts, fact_values
from scripts.desk.identity import Viewer
from scripts.desk.options import add_case, add_fact_form, add_json, add_lang
from scripts.desk.screen.fact_forms import Drawn, asks_for_form, run_form, show_facts
from scripts.desk.screen.fact_tables import events_table

HELP = "enter what happened in a case and when, or list it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    add_case(parser)
    add_fact_form(parser)
    add_lang(parser)
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Enter or correct an event, or list those that count."""
    if asks_for_form(asked):
        run_form(asked, EVENT)
        return
    show_facts(asked, EVENT, _drawn, "Nobody entered an event of {0}; `event {0} --edit` does.")


def _drawn(_casebook: Casebook, found: CaseFacts, reader: Viewer) -> Drawn:
    values = fact_values(found, reader.campaign, reader.language)["events"]
    return values, events_table(found, reader) if found.events else None
