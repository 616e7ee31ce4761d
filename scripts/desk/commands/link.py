"""`link`: says whether two cases are about one thing, or shows what was said of a case's links."""

import argparse

from scripts.desk.casebook.link_decisions import CONFIRMED, DENIED
from scripts.desk.identity import DeskError, own_case, today, viewer, working
from scripts.desk.linking import alike, decide
from scripts.desk.options import add_case, add_json
from scripts.desk.screen.cases import link_values, links_text
from scripts.desk.screen.output import print_json, print_rich

HELP = "confirm or deny that two cases are about one thing"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    add_case(parser)
    parser.add_argument("other", nargs="?", help="the other case")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--confirm", action="store_true", help="they are about one thing")
    what.add_argument("--deny", action="store_true", help="they are not, though they are alike")
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Record it, or show all links of the case. Raises DeskError if the options do not go
    together.
    """
    decision = CONFIRMED if asked.confirm else DENIED if asked.deny else ""
    if bool(decision) != bool(asked.other):
        raise DeskError("Name two cases with --confirm or --deny, or one case to see its links.")
    with working(asked) as casebook:
        case = own_case(casebook, asked.case)
        if decision:
            other = own_case(casebook, asked.other)
            decide(casebook, case, other, decision, today=today())
        else:
            casebook.note("view", case.name)
        links, said, names = alike(casebook, case.number)
        reader = viewer(casebook, "en")
    if asked.json:
        print_json(link_values(links, names, said, reader))
    elif decision:
        print(f"The link between {case.name} and {names[other.number]} is {decision}.")
    elif links or said:
        print_rich(links_text(links, names, said, reader))
    else:
        print(f"No case is like {case.name}, and nobody linked it with one.")
