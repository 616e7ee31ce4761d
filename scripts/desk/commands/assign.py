"""`assign`: gives cases to reviewers, or shows who was given how many."""

import argparse

from scripts.desk.assigning import (
    AssignmentError,
    Counts,
    Dealt,
    assigned,
    deal,
    next_unreviewed,
    reviewers_named,
)
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.identity import Viewer, at_desk, own_case, today, viewer, working
from scripts.desk.options import add_json
from scripts.desk.screen.output import counted, print_json

HELP = "give cases to reviewers, or show who was given how many"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("cases", nargs="*", metavar="case", help="their names, such as K7-QX4M")
    parser.add_argument(
        "--next",
        type=int,
        default=0,
        metavar="N",
        help="the next N that nobody has reviewed or been given, the most urgent first",
    )
    to = parser.add_mutually_exclusive_group()
    to.add_argument(
        "--to",
        action="append",
        default=[],
        metavar="REVIEWER",
        help="a reviewer's name or fingerprint; several are given cases in turn",
    )
    to.add_argument("--to-nobody", action="store_true", help="take the cases from whoever has them")
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Give the cases away, or count what was given. Raises AssignmentError."""
    wanted = bool(asked.cases or asked.next)
    if wanted != bool(asked.to or asked.to_nobody):
        raise AssignmentError("Name cases, or --next N, and a reviewer with --to.")
    if asked.next < 0:
        raise AssignmentError("--next is a number of cases from 1.")
    with working(asked) as casebook:
        reader = viewer(casebook, "en")
        if wanted:
            reviewers = reviewers_named(casebook, asked.to)
            dealt = deal(casebook, _numbers(casebook, asked), reviewers, today=today())
        else:
            casebook.note("view", "assign")
            counts = assigned(casebook, without=casebook.layers.given_away(at_desk(casebook)))
    if wanted:
        _show_dealt(dealt, reader, json=asked.json)
    else:
        _show_counts(counts, reader, json=asked.json)


def _numbers(casebook: Casebook, asked: argparse.Namespace) -> list[int]:
    """The cases that were named, then the next ones, without those that the reviewer gave away."""
    given_away = casebook.layers.given_away(at_desk(casebook))
    named = [own_case(casebook, name).number for name in asked.cases]
    following = next_unreviewed(casebook, asked.next, without=given_away)
    return [*named, *following]


def _show_counts(counts: Counts, reader: Viewer, *, json: bool) -> None:
    rows = [
        {"reviewer": reader.name(one), "cases": total, "open": still}
        for one, (total, still) in counts.items()
    ]
    if json:
        print_json(rows)
        return
    for row in rows:
        print("{reviewer}: {cases} given, {open} open".format(**row))
    if not rows:
        print("Nobody was given a case.")


def _show_dealt(dealt: Dealt, reader: Viewer, *, json: bool) -> None:
    given = {reader.name(one): cases for one, cases in dealt.given.items()}
    if json:
        left = {str(why): cases for why, cases in dealt.left.items()}
        print_json({"given": given, "left": left})
        return
    for name, cases in given.items():
        print(f"{name or 'Nobody'}: {counted(len(cases), 'case')}: {', '.join(cases)}")
    for why, cases in dealt.left.items():
        print(f"Not given, {why}: {', '.join(cases)}")
    if not given and not dealt.left:
        print("There is no such case: all were reviewed, or given to somebody.")
