"""What reviewers say about two cases that may be about one thing; the latest decision counts."""

from datetime import date
from typing import NamedTuple

import sqlite_utils

from scripts.desk.case import Keyed
from scripts.desk.casebook.desks import Desks
from scripts.desk.casebook.names import Names
from scripts.desk.casebook.shared_rows import Note, SharedRows

CONFIRMED, DENIED = "confirmed", "denied"


class LinkDecision(NamedTuple):
    """*reviewer* (a fingerprint) CONFIRMED or DENIED the link with case *other* (a number)."""

    other: int
    decision: str
    reviewer: str
    day: date


class LinkDecisions:
    """The table ``link_decision``, and those of other desks.

    A row belongs to whichever of the two cases has the whole name that sorts first.
    """

    def __init__(
        self, database: sqlite_utils.Database, desks: Desks, names: Names, note: Note
    ) -> None:
        self._database = database
        self._names = names
        self._rows = SharedRows(database, desks, "link_decision", act="link", note=note)

    def of(self, case: int) -> tuple[LinkDecision, ...]:
        """The decisions that count for *case*: the last one on each link, by the other case's
        number.

        Links with cases that are not here are left out.
        """
        whole = self._names.characters(case)
        found = {
            other: row
            for first in (case, *self._earlier(whole))
            for row in self._rows.of(first)
            if (other := self._other(case, first, whole, row["other"]))
        }
        return tuple(
            LinkDecision(other, row["decision"], row["reviewer"], date.fromisoformat(row["day"]))
            for other, row in sorted(found.items())
        )

    def denied(self) -> set[tuple[int, int]]:
        """The pairs of cases here whose link was last denied, each pair in both orders."""
        firsts = self._database.execute(
            'SELECT "case" FROM link_decision UNION '
            'SELECT case_name."case" FROM desk_row JOIN case_name USING (characters) '
            "WHERE kind = 'link_decision'"
        ).fetchall()
        found = set[tuple[int, int]]()
        for (first,) in firsts:
            last = {row["other"]: row["decision"] for row in self._rows.of(first)}
            for whole, decision in last.items():
                other = self._names.with_characters(whole)
                if decision == DENIED and other:
                    found |= {(first, other), (other, first)}
        return found

    def _other(self, case: int, first: int, whole: str, other: str) -> int:
        """The case that a row of case *first* links with *case*, 0 if it links two others."""
        if first != case:
            return first if other == whole else 0
        return self._names.with_characters(other)

    def _earlier(self, whole: str) -> list[int]:
        """The cases here with a row in which the case with the whole name *whole* is the other
        one.
        """
        found = self._database.execute(
            'SELECT "case" FROM link_decision WHERE other = ?1 UNION '
            'SELECT case_name."case" FROM desk_row JOIN case_name USING (characters) '
            "WHERE kind = 'link_decision' AND json_extract(\"row\", '$.other') = ?1",
            [whole],
        )
        return [number for (number,) in found]

    def add(self, one: Keyed, other: Keyed, decision: str, *, reviewer: str, day: date) -> None:
        """Record what *reviewer* says of the two cases, in the current transaction."""
        first, second = sorted((one, other), key=lambda case: self._names.characters(case.number))
        row = {"other": self._names.characters(second.number), "decision": decision}
        self._rows.add(first, {**row, "reviewer": reviewer, "day": day.isoformat()})
