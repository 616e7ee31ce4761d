"""`outbox`: shows the answers that wait or have left, and takes one back."""

import argparse

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.identity import own_case, today, working
from scripts.desk.options import add_json
from scripts.desk.outbox.arrivals import Arrivals, arrivals
from scripts.desk.outbox.sending import BUNDLE_LIFE, told_elsewhere
from scripts.desk.outbox.waiting import reasons
from scripts.desk.outbox.writing import take_back
from scripts.desk.screen.answer_tables import arrival_values, outbox_values, values_table
from scripts.desk.screen.output import counted, print_json, print_rich

HELP = "show the answers that wait, and for how long; take one back"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument(
        "--left", action="store_true", help="answers that left, and whether the claimant came back"
    )
    parser.add_argument(
        "--remove",
        type=int,
        metavar="N",
        help="take back the answer with this number, before it has left",
    )
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Show the answers that wait or have left, or take one back."""
    if asked.remove is not None:
        _take_back(asked)
        return
    with Casebook.open(asked.casebook) as casebook:
        found = arrivals(casebook, today())
        values = (
            arrival_values(casebook.answers.left(), found.answers)
            if asked.left
            else outbox_values(casebook.answers.queued(), reasons(casebook), today())
        )
        told = {one.id for one in told_elsewhere(casebook)}
    if asked.json:
        print_json(values)
    elif values := [row for row in values if asked.left or row["number"] not in told]:
        print_rich(values_table(values))
    else:
        print("No answer has left." if asked.left else "No answer is waiting.")
    if not asked.json:
        if told and not asked.left:
            print(f"{counted(len(told), 'acknowledgement')} need not leave: another desk's has.")
        _tell_arrivals(found)


def _tell_arrivals(found: Arrivals) -> None:
    if found.expected:
        until = (f"{one.number} (until {one.day + BUNDLE_LIFE})" for one in found.expected)
        print(f"Not confirmed yet, and may still arrive: reply bundle {', '.join(until)}.")
    if found.lost:
        numbers = ", ".join(str(one.number) for one in found.lost)
        print(
            f"Did not arrive and cannot any more: reply bundle {numbers}. `export-replies FILE "
            "--again` writes out once more what it carried."
        )


def _take_back(asked: argparse.Namespace) -> None:
    with working(asked) as casebook:
        for one in casebook.answers.queued():
            if one.id == asked.remove:
                own_case(casebook, one.case_name)
        taken = take_back(casebook, asked.remove, today=today())
    name, day = taken.case_name, taken.day.isoformat()
    if asked.json:
        print_json({"number": taken.id, "case": name, "day": day})
    else:
        print(f"The answer to {name} of {day} was taken back.")
