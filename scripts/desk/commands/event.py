"""`event`: enters what happened in a case and when, or lists it."""

import argparse

from scripts.desk.casebook.facts import EVENT
from scripts.desk.facts.entering import versions_of
from scripts.desk.facts.reading import fact_values, facts_of
from scripts.desk.identity import own_case, viewer, working
from scripts.desk.options import add_case, add_fact_form, add_json, add_lang
from scripts.desk.screen.fact_forms import asks_for_form, run_form
from scripts.desk.screen.facts import events_table, history_text, history_values
from scripts.desk.screen.output import print_json, print_rich

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
    with working(asked) as casebook:
        case = own_case(casebook, asked.case)
        found, reader = facts_of(casebook, case), viewer(casebook, asked.lang)
        versions = versions_of(casebook, case, EVENT)
        casebook.viewed(case)
    if asked.history:
        print_json(history_values(versions, reader)) if asked.json else print_rich(
            history_text(versions, reader)
        )
    elif asked.json:
        print_json(fact_values(found, reader.campaign, asked.lang)["events"])
    elif found.events:
        print_rich(events_table(found, reader))
    else:
        print(f"Nobody entered an event of {case.name}; `event {case.name} --edit` does.")
