"""Giving cases to reviewers: any reviewer may, and the custody log says who did."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from dropbox.errors import CasedropError
from scripts.desk.case import Case
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.identity import at_desk, names
from scripts.desk.review.judgement import Reviews

_UNREVIEWED = "status IN ('st.new', 'st.triaged') AND assigned = ''"
# Statuses of cases in which there is nothing to review.
_OVER = frozenset({"st.counsel", "st.plaintiff", "st.closed", "st.withdrawn"})
# By reviewer: how many cases are theirs, and how many of those are open.
Counts = dict[str, tuple[int, int]]


class AssignmentError(CasedropError):
    """These cases cannot be given away like this."""


class Kept(StrEnum):
    """Why a case is given to none of the reviewers who were named."""

    WITHDRAWN = "taken back by the claimant"
    REVIEWED = "reviewed already by those whom you named"
    CONFLICT = "given away by those whom you named, for a conflict of interest"


@dataclass(frozen=True)
class Dealt:
    """The names of the cases that each reviewer (a fingerprint) got, and of those left over, by
    reason.
    """

    given: Mapping[str, Sequence[str]]
    left: Mapping[Kept, Sequence[str]]


def reviewers_named(casebook: Casebook, wanted: Iterable[str]) -> list[str]:
    """The fingerprints of reviewers by name or fingerprint, each once. Raises AssignmentError."""
    known = names(casebook)
    by_name = {name: fingerprint for fingerprint, name in known.items()}
    found = dict.fromkeys(by_name.get(one, one) for one in wanted)
    if unknown := [one for one in found if one not in known]:
        raise AssignmentError(
            f"This casebook knows no reviewer {unknown[0]}; there are: "
            f"{', '.join(sorted(by_name))}."
        )
    return list(found)


def next_unreviewed(casebook: Casebook, most: int, *, without: Collection[int] = ()) -> list[int]:
    """At most *most* cases that nobody has reviewed or been given, leaving out those in *without*.

    The most urgent come first, and among these the oldest.
    """
    urgencies = casebook.campaign.reviewing.codes("urgency")
    rows = list(casebook.layers.standings(_UNREVIEWED))
    rows.sort(key=lambda row: -urgencies.index(row["urgency"]) if row["urgency"] else 1)
    return [row["case"] for row in rows if row["case"] not in without][:most]


def deal(
    casebook: Casebook, numbers: Iterable[int], reviewers: Sequence[str], *, today: date
) -> Dealt:
    """Give each of the cases *numbers* to one of *reviewers* in turn, or to nobody if there are
    none.

    A reviewer who has reviewed a case or given it away does not get it: the next in turn does. All
    cases are given in one transaction.
    """
    given = dict[str, list[str]]()
    left = dict[Kept, list[str]]()
    turn = list(reviewers)
    with casebook.together():
        for number in dict.fromkeys(numbers):
            case = casebook.case(number)
            reviews = casebook.layers.of(case)
            if reviewers and case.withdrawn:
                left.setdefault(Kept.WITHDRAWN, []).append(case.name)
                continue
            able = [one for one in turn if _able(reviews, one)]
            if reviewers and not able:
                left.setdefault(_why(reviews, turn), []).append(case.name)
                continue
            assignee = able[0] if able else ""
            _give(casebook, case, assignee, today)
            given.setdefault(assignee, []).append(case.name)
            if able:
                turn.remove(assignee)
                turn.append(assignee)
    return Dealt(given, left)


def _able(reviews: Reviews, reviewer: str) -> bool:
    return reviewer not in reviews.conflicted and reviewer not in reviews.committed


def _why(reviews: Reviews, reviewers: Iterable[str]) -> Kept:
    return Kept.CONFLICT if reviews.conflicted >= set(reviewers) else Kept.REVIEWED


def _give(casebook: Casebook, case: Case, assignee: str, today: date) -> None:
    """Add the assignment, unless the case is already assigned that way."""
    if casebook.assignments.assignee(case.number) != assignee:
        casebook.assignments.add(case, assignee, reviewer=at_desk(casebook), day=today)
        casebook.layers.settle(case)


def assigned(casebook: Casebook, *, without: Collection[int] = ()) -> Counts:
    """For each reviewer who was given cases: how many, and how many of them are still open.

    Cases in *without* are not counted.
    """
    found: Counts = {}
    for row in casebook.layers.standings("assigned != ''"):
        if row["case"] not in without:
            total, still = found.get(row["assigned"], (0, 0))
            found[row["assigned"]] = total + 1, still + (row["status"] not in _OVER)
    return found
