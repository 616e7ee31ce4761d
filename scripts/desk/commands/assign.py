"""`assign`: gives cases to reviewers, or shows who was given how many."""

import argparse
from collections.abc import Sequence

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
from scripts.desk.options import add_json, add_where
from scripts.desk.screen.chosen import chosen_by
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
        help="the next N that nobody has reviewed or been given, the most urgent first; or at most "
        "N of those selected",
    )
    add_where(parser)
    parser.add_argument("--view", default="", metavar="NAME", help="what `list` saved as a view")
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
    selected = bool(asked.queue or asked.where or asked.view)
    wanted = bool(asked.cases or asked.next or selected)
    if wanted != bool(asked.to or asked.to_nobody):
        raise AssignmentError("Name cases, a queue or --next N, and a reviewer with --to.")
    if asked.next < 0:
        raise AssignmentError("--next is a number of cases from 1.")
    with working(asked) as casebook:
        reader = viewer(casebook, "en")
        if wanted:
            reviewers = reviewers_named(casebook, asked.to)
            following = _selected if selected else _next
            numbers = [own_case(casebook, name).number for name in asked.cases]
            numbers += following(casebook, asked)
            dealt = deal(casebook, numbers, reviewers, today=today())
        else:
            casebook.note("view", "assign")
            counts = assigned(casebook, without=casebook.layers.given_away(at_desk(casebook)))
    if wanted:
        _show_dealt(dealt, reader, json=asked.json)
    else:
        _show_counts(counts, reader, json=asked.json)


def _next(casebook: Casebook, asked: argparse.Namespace) -> list[int]:
    """The next ones, without those that the reviewer gave away."""
    given_away = casebook.layers.given_away(at_desk(casebook))
    return next_unreviewed(casebook, asked.next, without=given_away)


def _selected(casebook: Casebook, asked: argparse.Namespace) -> Sequence[int]:
    """The cases of the view, queue and conditions, in order, that the reviewer may know about.

    Raises SelectionError, ViewError or WrongCode.
    """
    chosen = chosen_by(casebook, asked, most=asked.next)
    return chosen.page(chosen.numbers(casebook, at_desk(casebook)))


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
