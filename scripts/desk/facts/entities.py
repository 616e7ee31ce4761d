"""People and organisations across cases: parties that reviewers said are one.

Nothing is joined automatically, and nothing is taken from what claimants say about themselves.
Whoever gave a case away sees none of its parties, nor joins that only those parties would make.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.facts import ENTRY_CHARACTERS, Party
from scripts.desk.facts.fact_errors import FactError
from scripts.desk.search.folding import words

# This many characters tell most facts apart, and are always required.
SHORT = 5
_READ_AS = str.maketrans("ILO", "110")


class Placed(NamedTuple):
    """A party, and the number of its case."""

    case: int
    party: Party


class Entity(NamedTuple):
    """One person or organisation: all of its parties, by case and entry."""

    parties: tuple[Placed, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """All its names, each once."""
        lines = (name for one in self.parties for name in one.party.names.split("\n"))
        return tuple(dict.fromkeys(lines))

    @property
    def cases(self) -> tuple[int, ...]:
        """The numbers of its cases."""
        return tuple(sorted({one.case for one in self.parties}))

    @property
    def entries(self) -> frozenset[str]:
        """The entries of its parties."""
        return frozenset(one.party.entry for one in self.parties)


def entities(casebook: Casebook, without: Collection[int]) -> list[Entity]:
    """All of them, without parties of the cases in *without*; those in the most cases come
    first.
    """
    everything = casebook.parties.all()
    hidden = {one.entry for case in without for one in everything.get(case, ())}
    placed = {
        one.entry: Placed(case, one)
        for case, parties in everything.items()
        for one in parties
        if case not in without
    }
    groups = _joined(placed, casebook.same_parties.confirmed(), hidden)
    found = [Entity(tuple(sorted(map(placed.__getitem__, group), key=_order))) for group in groups]
    return sorted(found, key=lambda one: (-len(one.cases), one.names))


def _order(one: Placed) -> tuple[int, str]:
    return one.case, one.party.entry


def _joined(
    entries: Iterable[str], pairs: Iterable[tuple[str, str]], hidden: Collection[str]
) -> list[list[str]]:
    """*entries* in groups that *pairs* connect, through anything that is not *hidden*."""
    shown = set(entries)
    leader = {one: one for one in shown}

    def lead(one: str) -> str:
        while leader.setdefault(one, one) != one:
            leader[one] = one = leader[leader[one]]
        return one

    for one, other in sorted(pairs):
        if one not in hidden and other not in hidden:
            leader[lead(one)] = lead(other)
    groups: dict[str, list[str]] = {}
    for one in shown:
        groups.setdefault(lead(one), []).append(one)
    return list(groups.values())


def entity_of(found: Iterable[Entity], typed: str) -> tuple[Entity, Placed]:
    """The entity that has the party called *typed*, and the party. Raises FactError."""
    placed = {one.party.entry: (entity, one) for entity in found for one in entity.parties}
    return placed[entry_in(placed, typed)]


def entry_in(entries: Collection[str], typed: str) -> str:
    """The one of *entries* that begins with *typed*, ignoring case and hyphens. Raises
    FactError.
    """
    plain = typed.strip().upper().replace("-", "")
    plain = plain[:1] + plain[1:].translate(_READ_AS)
    found = [one for one in entries if one.startswith(plain)]
    if len(plain) < SHORT or len(plain) > ENTRY_CHARACTERS or not found:
        raise FactError("There is no such entry here; it is a letter and more, such as E7K2M.")
    if len(found) > 1:
        raise FactError(f"Several entries begin with {plain}: {', '.join(sorted(found))}.")
    return found[0]


def short(entries: Collection[str]) -> dict[str, str]:
    """A short form of each of *entries*: as much of it as tells them apart."""
    ordered = sorted(set(entries))
    found = {}
    for place, one in enumerate(ordered):
        beside = ordered[max(place - 1, 0) : place] + ordered[place + 1 : place + 2]
        length = SHORT
        while any(one[:length] == other[:length] for other in beside):
            length += 1
        found[one] = one[:length]
    return found


def named(found: Iterable[Entity], typed: str) -> list[Entity]:
    """Those with a name that contains the words *typed*, in either script."""
    wanted = _folded(typed)
    return [one for one in found if any(wanted in f"{_folded(name)} " for name in one.names)]


def alike(found: Iterable[Entity], party: Party) -> list[Placed]:
    """Other parties, in any case, that share a name with *party*, in either script."""
    names = {_folded(name) for name in party.names.split("\n")} - {" "}
    return [
        one
        for entity in found
        if party.entry not in entity.entries
        for one in entity.parties
        if names & {_folded(name) for name in one.party.names.split("\n")}
    ]


def _folded(name: str) -> str:
    return " " + " ".join(words(name))
