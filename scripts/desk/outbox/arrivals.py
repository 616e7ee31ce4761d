"""Which reply bundles arrived at the drop, as far as later export bundles show.

The vault takes one reviewer's bundles in ascending order, and only for some days. So a bundle that
it has not taken may still be on its way, or can no longer arrive.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.departures import Written
from scripts.desk.casebook.releases import Confirmation
from scripts.desk.outbox.sending import BUNDLE_LIFE, Carried, carrying_again
from scripts.desk.outbox.writing import OutboxError
from scripts.desk.search.summary import withdrawn


class Arrival(StrEnum):
    """What is known about an answer that left, or about a reply bundle."""

    ARRIVED = "arrived"
    EXPECTED = "not confirmed"
    LOST = "did not arrive"


# An answer has the best state of any bundle that carried it.
_KNOWN = tuple(Arrival)


@dataclass(frozen=True)
class Arrivals:
    """What is known about each answer, by its id, and about reply bundles that did not arrive.

    A bundle whose whole content has arrived with others is in neither ``expected`` nor ``lost``.
    """

    answers: Mapping[int, Arrival]
    expected: tuple[Written, ...]
    lost: tuple[Written, ...]


def arrivals(casebook: Casebook, today: date) -> Arrivals:
    """What is known about everything that left this desk, except to claimants who took all back."""
    taken = [one for one in casebook.confirmations.all() if one.desk == casebook.desk]
    bundles = casebook.departures.written()
    known = {one.number: _known(one, taken, today) for one in bundles}
    answers: dict[int, Arrival] = {}
    for answer, _, bundle in casebook.departures.carried():
        answers[answer] = min(answers.get(answer, Arrival.LOST), known[bundle], key=_KNOWN.index)
    gone = withdrawn(casebook)
    lacking = {
        bundle
        for answer, case, bundle in casebook.departures.carried()
        if answers[answer] is known[bundle] and case not in gone
    }
    expected, lost = (
        tuple(one for one in bundles if one.number in lacking and known[one.number] is state)
        for state in (Arrival.EXPECTED, Arrival.LOST)
    )
    return Arrivals(answers, expected, lost)


def _known(one: Written, taken: Sequence[Confirmation], today: date) -> Arrival:
    if any(other.reply_bundle == one.number for other in taken):
        return Arrival.ARRIVED
    overtaken = any(
        other.reply_bundle > one.number and other.signer == one.signer for other in taken
    )
    return Arrival.LOST if overtaken or today > one.day + BUNDLE_LIFE else Arrival.EXPECTED


def carrying_lost(casebook: Casebook, today: date) -> Carried:
    """The answers that did not arrive, to leave once more. Raises OutboxError if there are none."""
    found = arrivals(casebook, today)
    if found.lost:
        again = carrying_again(casebook, [one.number for one in found.lost])
        lost = [one for one in again.answers if found.answers[one.id] is Arrival.LOST]
        return Carried(lost, again.acknowledged)
    if not found.expected:
        raise OutboxError("All answers that left have arrived at the drop.")
    waits = "; ".join(
        f"reply bundle {one.number} until {one.day + BUNDLE_LIFE}" for one in found.expected
    )
    raise OutboxError(
        f"What is not confirmed yet may still arrive: {waits}. With its number, --again writes it "
        "out all the same."
    )
