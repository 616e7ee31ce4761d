"""`party`: enters people and organisations of cases, lists them, and says which are one."""

import argparse

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.facts import PARTY
from scripts.desk.casebook.link_decisions import CONFIRMED, DENIED
from scripts.desk.facts.case_facts import CaseFacts, fact_values
from scripts.desk.facts.entering import say_same
from scripts.desk.facts.entities import Entity, entities, named
from scripts.desk.facts.fact_errors import FactError
from scripts.desk.given_text import read_text
from scripts.desk.identity import Viewer, at_desk, today, viewer, working
from scripts.desk.options import add_fact_form, add_json, add_lang, add_page
from scripts.desk.screen.fact_forms import Drawn, asks_for_form, run_form, show_facts
from scripts.desk.screen.fact_tables import (
    entities_table,
    entity_values,
    parties_table,
)
from scripts.desk.screen.output import counted, print_json, print_rich
from scripts.desk.screen.paging import Page

_TEXT_BYTES = 64 * 2**10
HELP = "enter people and organisations of cases, list them, or say which are one"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument(
        "case", nargs="?", default="", help="its name; without one, those of all cases are listed"
    )
    add_fact_form(parser)
    same = parser.add_mutually_exclusive_group()
    for option, what in (("same", "are one"), ("different", "are not one after all")):
        same.add_argument(
            f"--{option}",
            nargs=2,
            metavar="ENTRY",
            help=f"say that these two, of any cases, {what}",
        )
    parser.add_argument(
        "--reason", metavar="FILE", help="why: a file, or - for standard input; with --different"
    )
    parser.add_argument(
        "--query-file",
        metavar="FILE",
        help="only those with such a name, in either script: a file, or - for standard input",
    )
    add_page(parser)
    add_lang(parser)
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Enter or correct one, say whether two are the same, or list them."""
    form = asks_for_form(asked)
    if (form or asked.history) and not asked.case:
        raise FactError("Name a case.")
    if form:
        run_form(asked, PARTY)
    elif asked.same or asked.different:
        _say(asked)
    elif asked.case:
        nothing = "No person or organisation is entered for {0}; `party {0} --edit` enters one."
        show_facts(asked, PARTY, _drawn, nothing)
    else:
        _list(asked)


def _say(asked: argparse.Namespace) -> None:
    decision = CONFIRMED if asked.same else DENIED
    if asked.case or (decision == DENIED) != bool(asked.reason):
        raise FactError("Name two entries and no case; --different needs a --reason, a file.")
    reason = read_text(asked.reason, _TEXT_BYTES, "The reason") if asked.reason else ""
    first, second = asked.same or asked.different
    with working(asked) as casebook:
        pair = say_same(casebook, (first, second), decision, reason, today=today())
        entries = [one.party.entry for one in pair]
    if asked.json:
        print_json({"entries": entries, "decision": decision})
        return
    word = "one" if decision == CONFIRMED else "not one"
    print(f"{entries[0]} and {entries[1]} are {word}.")


def _drawn(casebook: Casebook, found: CaseFacts, reader: Viewer) -> Drawn:
    """The people and organisations of a case, with the other cases in which they are."""
    elsewhere = _elsewhere(casebook, found)
    values = [
        {**one, "also_in": elsewhere.get(one["entry"], [])}
        for one in fact_values(found, reader.campaign, reader.language)["parties"]
    ]
    return values, parties_table(found, elsewhere, reader) if found.parties else None


def _elsewhere(casebook: Casebook, found: CaseFacts) -> dict[str, list[str]]:
    """The names of the other cases in which each party of the case is."""
    known = entities(casebook, casebook.layers.given_away(at_desk(casebook)))
    names = casebook.names.among({case for one in known for case in one.cases})
    own = found.case.number
    return {
        one.party.entry: [names[case] for case in entity.cases if case != own]
        for entity in known
        for one in entity.parties
        if one.case == own
    }


def _list(asked: argparse.Namespace) -> None:
    page, words = Page.of(asked), ""
    if asked.query_file:
        words = read_text(asked.query_file, _TEXT_BYTES, "The query")
    with working(asked) as casebook:
        found = entities(casebook, casebook.layers.given_away(at_desk(casebook)))
        if words:
            found = named(found, words)
        names = casebook.names.among({case for one in found for case in one.cases})
        reader = viewer(casebook, asked.lang)
        casebook.note("view", "party")
    shown = found[page.skip : page.skip + page.most if page.most else None]
    _print(shown, len(found), names, reader, page, json=asked.json)


def _print(
    shown: list[Entity],
    total: int,
    names: dict[int, str],
    reader: Viewer,
    page: Page,
    *,
    json: bool,
) -> None:
    if json:
        print_json([entity_values(one, names, reader) for one in shown])
        return
    if shown:
        print_rich(entities_table(shown, names, reader))
    print(f"{counted(total, 'person')} or organisations." if total != 1 else "One entry.")
    print(page.note(total, "entries"), end="")
