"""`contact`: enters which team member had contact with whom, or shows a case's contact log."""

import argparse

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.facts import CONTACT
from scripts.desk.facts.case_facts import CaseFacts, fact_values
from scripts.desk.identity import Viewer
from scripts.desk.options import add_case, add_fact_form, add_json, add_lang
from scripts.desk.screen.fact_forms import Drawn, asks_for_form, run_form, show_facts
from scripts.desk.screen.fact_tables import contacts_table

HELP = "enter who had contact with whom in a case, or show its contact log"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    add_case(parser)
    add_fact_form(parser)
    add_lang(parser)
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Enter or correct a contact, or show the log with what went through the drop."""
    if asks_for_form(asked):
        run_form(asked, CONTACT)
        return
    show_facts(
        asked, CONTACT, _drawn, "There was no contact in {0}; `contact {0} --edit` enters one."
    )


def _drawn(_casebook: Casebook, found: CaseFacts, reader: Viewer) -> Drawn:
    values = fact_values(found, reader.campaign, reader.language)["contacts"]
    return values, contacts_table(found, reader) if found.contacts else None
