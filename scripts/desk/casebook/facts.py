"""Facts of cases, which lawyers ask for: dated events, people and organisations, contacts.

A fact is never changed. A later version, with a reason, replaces the one before or takes it back;
all versions stay. Facts are about the case and what was sent, not about its merit, so everybody who
did not give the case away can read them at once.
"""

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, Generic, NamedTuple, TypeVar

import sqlite_utils

from scripts.desk.case import Keyed
from scripts.desk.case_name import ALPHABET
from scripts.desk.casebook.custody import digest
from scripts.desk.casebook.desks import Desks
from scripts.desk.casebook.link_decisions import CONFIRMED
from scripts.desk.casebook.shared_rows import Note, SharedRows

EVENT, PARTY, CONTACT = "event", "party", "contact"
STATED, TAKEN_BACK = "stated", "taken back"
ENTRY_CHARACTERS = 10


@dataclass(frozen=True, repr=False, kw_only=True)
class Fact:
    """One version of a fact, by *reviewer* (a fingerprint). No repr: it is plaintext.

    ``entry`` is the same in all versions; the columns are those of the tables in schema.sql.
    """

    entry: str
    text: str = ""
    state: str = STATED
    reason: str = ""
    reviewer: str
    day: date

    @property
    def counts(self) -> bool:
        """Whether it was not taken back."""
        return self.state != TAKEN_BACK

    @property
    def said(self) -> tuple[object, ...]:
        """Its content, without who said it, when and why."""
        return tuple(
            value for name, value in vars(self).items() if name not in ("reason", "reviewer", "day")
        )

    def row(self) -> dict[str, Any]:
        """Its columns, without those that only the table has."""
        return {**vars(self), "day": self.day.isoformat()}


@dataclass(frozen=True, repr=False, kw_only=True)
class Event(Fact):
    """Something that happened: ``parties`` are the entries of those who took part,
    space-separated.
    """

    kind: str
    date: str = ""
    source: str = ""
    parties: str = ""


@dataclass(frozen=True, repr=False, kw_only=True)
class Party(Fact):
    """A person or an organisation in the case; ``names`` has one name a line."""

    kind: str
    role: str
    names: str
    source: str = ""

    @property
    def name(self) -> str:
        """The first of its names."""
        return self.names.partition("\n")[0]


@dataclass(frozen=True, repr=False, kw_only=True)
class Contact(Fact):
    """``team`` had contact with ``contact`` on ``date``; ``text`` is what was agreed."""

    date: str
    channel: str
    team: str
    contact: str = ""


Kind = TypeVar("Kind", Event, Party, Contact)


class Facts(Generic[Kind]):
    """The table of one kind of facts, and those of other desks."""

    def __init__(
        self, database: sqlite_utils.Database, desks: Desks, made: type[Kind], note: Note
    ) -> None:
        self._made: type[Kind] = made
        table = made.__name__.lower()
        self._columns = [one.name for one in fields(made)]
        self._rows = SharedRows(database, desks, table, act=table, note=note)

    def versions(self, case: int) -> dict[str, list[Kind]]:
        """All versions of each fact of *case* by its entry, in their order."""
        return self._by_entry(self._rows.of(case))

    def of(self, case: int) -> tuple[Kind, ...]:
        """The facts of *case* that count: the last version of each, unless it was taken back."""
        return self._current(self._rows.of(case))

    def all(self) -> dict[int, tuple[Kind, ...]]:
        """The facts that count, for each case here that has any."""
        found = {case: self._current(rows) for case, rows in self._rows.all().items()}
        return {case: found[case] for case in sorted(found) if found[case]}

    def contested(self, case: int) -> dict[str, tuple[Kind, ...]]:
        """Versions of facts of *case* that disagree without knowing of each other, by entry.

        The last one counts. A version that knows all of them settles it.
        """
        return self._contested(self._rows.of(case))

    def all_contested(self) -> dict[int, dict[str, tuple[Kind, ...]]]:
        """The same for each case here that has any."""
        found = {case: self._contested(rows) for case, rows in self._rows.all().items()}
        return {case: found[case] for case in sorted(found) if found[case]}

    def add(self, case: Keyed, fact: Kind) -> None:
        """Add a fact or a version of one to *case*, in the current transaction."""
        row = fact.row()
        if known := [
            one["rank"] for one in self._rows.of(case.number) if one["entry"] == fact.entry
        ]:
            # So a version's rank says how many versions it knew: see unsettled().
            row["rank"] = max(known[0] + len(known), known[-1] + 1)
        self._rows.add(case, row, plain=digest(fact.text.encode()) if fact.text else "")

    def _contested(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[Kind, ...]]:
        ranks: dict[str, list[int]] = {}
        for row in rows:
            ranks.setdefault(row["entry"], []).append(row["rank"])
        found: dict[str, tuple[Kind, ...]] = {}
        for entry, versions in self._by_entry(rows).items():
            # A reviewer's last version replaces that reviewer's earlier ones.
            last = {one.reviewer: one for one in versions[unsettled(ranks[entry]) :]}
            if len({one.said for one in last.values()}) > 1:
                found[entry] = tuple(last.values())
        return found

    def _current(self, rows: Iterable[Mapping[str, Any]]) -> tuple[Kind, ...]:
        last = (versions[-1] for versions in self._by_entry(rows).values())
        return tuple(one for one in last if one.counts)

    def _by_entry(self, rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Kind]]:
        found: dict[str, list[Kind]] = {}
        for row in rows:
            values = {name: row[name] for name in self._columns}
            values["day"] = date.fromisoformat(row["day"])
            found.setdefault(row["entry"], []).append(self._made(**values))
        return found


def unsettled(ranks: Sequence[int]) -> int:
    """The index from which on the versions with these *ranks* may not know of each other.

    If the last one knew all others, this is the number of versions. The first one's rank is any
    number; each other rank is that plus how many versions it knew, all of which have lower ranks.
    In older casebooks it can be higher.
    """
    places = range(1, len(ranks))
    complete = [0, *(at for at in places if ranks[at - 1] < ranks[at] >= ranks[0] + at)][-1]
    behind = [rank - ranks[0] for rank in ranks[complete + 1 :]]
    return min(complete, *behind) if behind else len(ranks)


class SameParty(NamedTuple):
    """*reviewer* CONFIRMED or DENIED that two parties, given by their entries, are one."""

    one: str
    other: str
    decision: str
    reason: str
    reviewer: str
    day: date


class SameParties:
    """The table ``same_party``, and those of other desks."""

    def __init__(self, database: sqlite_utils.Database, desks: Desks, note: Note) -> None:
        self._database = database
        self._desks = desks
        self._rows = SharedRows(database, desks, "same_party", act=PARTY, note=note)

    def said(self) -> tuple[SameParty, ...]:
        """Everything that was ever said, in all cases; the last word on two parties counts."""
        return tuple(
            SameParty(
                **{name: row[name] for name in SameParty._fields if name != "day"},
                day=date.fromisoformat(row["day"]),
            )
            for row in self._ordered()
        )

    def confirmed(self) -> frozenset[tuple[str, str]]:
        """The pairs that are one by the last word on them."""
        last = {(one.one, one.other): one.decision for one in self.said()}
        return frozenset(pair for pair, decision in last.items() if decision == CONFIRMED)

    def add(self, case: Keyed, word: SameParty) -> None:
        """Record it, in the current transaction; *case* is that of either party."""
        one, other = sorted((word.one, word.other))
        known = [row for row in self._ordered() if (row["one"], row["other"]) == (one, other)]
        rank = 1 + max((row["rank"] for row in known), default=0)
        row = {**word._asdict(), "one": one, "other": other, "rank": rank}
        self._rows.add(case, {**row, "day": word.day.isoformat()})

    def _ordered(self) -> list[dict[str, Any]]:
        # Includes cases that are not here: two parties that are here may be joined by a third.
        columns = self._rows.columns
        rows = [*self._own(), *self._desks.of_kind("same_party")]
        distinct = {json.dumps([row[column] for column in columns]): row for row in rows}
        return [row for _, row in sorted(distinct.items(), key=lambda one: _order(one[1]))]

    def _own(self) -> Iterator[dict[str, Any]]:
        yield from self._database.table("same_party").rows


def _order(row: Mapping[str, Any]) -> tuple[object, ...]:
    # As in SharedRows: a response has a higher rank; then by day.
    return tuple(
        row[name] for name in ("one", "other", "rank", "day", "decision", "reason", "reviewer")
    )


def new_entry(kind: str) -> str:
    """A new fact's entry: a letter for its kind, and random characters, easy to type."""
    drawn = (secrets.choice(ALPHABET) for _ in range(ENTRY_CHARACTERS - 1))
    return kind[0].upper() + "".join(drawn)
