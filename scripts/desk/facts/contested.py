"""Facts that were corrected differently at the same time, at desks that did not know of each other.

The last version counts, which is the same at every desk, until a reviewer who has seen them all
corrects the fact.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.facts import CONTACT, EVENT, PARTY
from scripts.desk.facts.entities import short


class Contested(NamedTuple):
    """A fact of this *kind* in a case, by the case's name and its own entry."""

    kind: str
    case: str
    entry: str


def contested(casebook: Casebook) -> list[Contested]:
    """All of them that are open, even in cases that the reviewer gave away: only names."""
    tables: dict[str, Mapping[int, Collection[str]]] = {
        EVENT: casebook.events.all_contested(),
        PARTY: casebook.parties.all_contested(),
        CONTACT: casebook.contacts.all_contested(),
    }
    names = casebook.names.among({case for found in tables.values() for case in found})
    return [
        Contested(kind, names[case], entry)
        for kind, found in tables.items()
        for case, entries in found.items()
        for entry in entries
    ]


def sentences(found: Collection[Contested]) -> Iterator[str]:
    """A sentence for each of them: what it is, and the command that settles it."""
    called = short([one.entry for one in found])
    for one in found:
        entry = called[one.entry]
        yield (
            f"{one.case}: {one.kind} {entry} was corrected differently at the same time. The last "
            f"version counts; `{one.kind} {one.case} --history` shows all, and "
            f"`{one.kind} {one.case} --correct {entry} --edit` settles it."
        )
