"""`contact`: enters who of the team had contact with whom, or shows the contact log of a case."""

import argparse

from scripts.desk.casebook.facts import CONTACT
from scripts.desk.facts.entering import versions_of
from scripts.desk.facts.reading import fact_values, facts_of
from scripts.desk.identity import own_case, viewer, working
from scripts.desk.options import add_case, add_fact_form, add_json, add_lang
from scripts.desk.screen.fact_forms import asks_for_form, run_form
from scripts.desk.screen.facts import contacts_table, history_text, history_values
from scripts.desk.screen.output import print_json, print_rich

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
    with working(asked) as casebook:
        case = own_case(casebook, asked.case)
        found, reader = facts_of(casebook, case), viewer(casebook, asked.lang)
        versions = versions_of(casebook, case, CONTACT)
        casebook.viewed(case)
    if asked.history:
        print_json(history_values(versions, reader)) if asked.json else print_rich(
            history_text(versions, reader)
        )
    elif asked.json:
        print_json(fact_values(found, reader.campaign, asked.lang)["contacts"])
    elif found.contacts:
        print_rich(contacts_table(found, reader))
    else:
        print(f"There was no contact in {case.name}; `contact {case.name} --edit` enters one.")
