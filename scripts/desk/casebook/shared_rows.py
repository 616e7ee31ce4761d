"""What reviewers add to a case, here and at other desks, as one list in one order.

Every desk that merged the same bundles gets the same list: nothing in it depends on the order in
which the rows arrived.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import sqlite_utils

from scripts.desk.case import Keyed
from scripts.desk.casebook.custody import ROWS
from scripts.desk.casebook.desks import Desks

# Numbers of one casebook, which mean nothing at another desk.
_LOCAL = frozenset({"number", "case"})

# Casebook.note: adds a line to the custody log, which records a row of a table.
Note = Callable[..., None]


class SharedRows:
    """Table *kind* of this casebook, and the rows of other desks' tables of that name.

    *note* adds a line to the custody log for the reviewer at work, with the act *act*.
    """

    def __init__(
        self, database: sqlite_utils.Database, desks: Desks, kind: str, *, act: str, note: Note
    ) -> None:
        self._database = database
        self._desks = desks
        self._kind = kind
        self._act = act
        self._note = note
        self.columns = tuple(column for column in ROWS[kind] if column not in _LOCAL)
        columns = ", ".join(f'"{column}"' for column in self.columns)
        self._query = f'SELECT {columns} FROM {kind} WHERE "case" = ?'  # noqa: S608 - ours alone
        self._query_all = f'SELECT "case", {columns} FROM {kind}'  # noqa: S608 - ours alone

    def of(self, case: int) -> list[dict[str, Any]]:
        """The rows of *case* in their order, without numbers that only have a meaning here."""
        here = self._database.execute(self._query, [case]).fetchall()
        there = [
            tuple(row[column] for column in self.columns)
            for row in self._desks.of_case(self._kind, case)
        ]
        return self._ordered({*here, *there})

    def all(self) -> dict[int, list[dict[str, Any]]]:
        """The rows of all cases here that have any, by case."""
        found: dict[int, set[tuple[Any, ...]]] = {}
        for case, *row in self._database.execute(self._query_all):
            found.setdefault(case, set()).add(tuple(row))
        for case, other in self._desks.by_case(self._kind):
            found.setdefault(case, set()).add(tuple(other[column] for column in self.columns))
        return {case: self._ordered(rows) for case, rows in found.items()}

    def _ordered(self, rows: Iterable[tuple[Any, ...]]) -> list[dict[str, Any]]:
        named = [dict(zip(self.columns, row, strict=True)) for row in rows]
        return sorted(named, key=self._order)

    @staticmethod
    def _order(row: Mapping[str, Any]) -> tuple[object, ...]:
        # A response to a row has a higher rank; rows written at the same time, at desks that did
        # not know of each other, are sorted by day.
        return row.get("rank", 0), row["day"], *(str(value) for value in row.values())

    def add(self, case: Keyed, row: Mapping[str, Any], *, act: str = "", plain: str = "") -> None:
        """Add *row* to *case* after all rows that are here, in the current transaction.

        A *row* that has a rank of its own keeps it. *act* is the act for the custody log if it is
        not the usual one, *plain* the SHA-256 of a text in the row, likewise.
        """
        values = {"case": case.number, **row}
        if "rank" in self.columns and "rank" not in row:
            values["rank"] = 1 + max((one["rank"] for one in self.of(case.number)), default=0)
        number = self._database.table(self._kind).insert(values).last_pk
        self._note(
            act or self._act, case.name, self._kind, {"number": number, **values}, plain=plain
        )
