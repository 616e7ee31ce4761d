"""Registers: groups of tables derived from the casebook's own, for finding and listing.

They hold nothing that is not in the casebook, and are rebuilt when they are missing or of another
version. See derived.sql.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import sqlite_utils

from scripts.desk.casebook import schema

DERIVED = ("scripts.desk.search", "derived.sql")
_REGISTER = "register"


def entries() -> tuple[schema.Entry, ...]:
    """All derived tables, and the triggers on the casebook's own that keep them up to date."""
    return schema.entries(*DERIVED, upon=schema.CASEBOOK)


class Register:
    """The register *name*, which consists of *tables*. Raises SQLite's errors.

    How far it has read each source (a table) is recorded in the same transaction as what it took
    from there. With *stale*, one of its tables, a trigger records in that table each case whose
    standing was settled. *upon* names its triggers and indexes on the casebook's tables.
    """

    def __init__(
        self,
        database: sqlite_utils.Database,
        name: str,
        *,
        version: int,
        tables: Sequence[str],
        stale: str = "",
        upon: Sequence[str] = (),
    ) -> None:
        self._database = database
        self._name = name
        self._version = version
        self._tables = tables
        self._stale = stale
        self._upon = upon
        there = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
        if _REGISTER not in there:
            self._create(_REGISTER)
        if not there.issuperset([*tables, *upon]) or self._made_by() != version:
            self.make()

    def _create(self, table: str) -> None:
        for entry in entries():
            if entry.table == table:
                self._database.execute(entry.sql)

    def _made_by(self) -> int | None:
        """The version that made the tables, None if there are none."""
        found = self._database.execute(
            "SELECT version FROM register WHERE name = ? AND source = ''", [self._name]
        )
        return next((version for (version,) in found), None)

    def make(self) -> None:
        """Make the tables, empty, whatever was there before."""
        with self._database.atomic():
            for table in self._tables:
                self._database.execute(f"DROP TABLE IF EXISTS {table}")
                self._create(table)
            for entry in entries():
                if entry.name in self._upon:
                    self._database.execute(f"DROP {entry.type} IF EXISTS {entry.name}")
                    self._database.execute(entry.sql)
            if self._stale:
                # From now on the trigger records them, in the transaction that settles them.
                self._database.execute(
                    f'INSERT INTO {self._stale} SELECT "case" FROM standing'  # noqa: S608 - ours
                )
            self._database.execute("DELETE FROM register WHERE name = ?", [self._name])
            self._database.execute(
                "INSERT INTO register VALUES (?, '', ?, 0)", [self._name, self._version]
            )

    def stale(self) -> list[int]:
        """The cases whose standing was settled since they were last taken in."""
        found = self._database.execute(
            f'SELECT "case" FROM {self._stale} ORDER BY "case"'  # noqa: S608 - ours alone
        )
        return [case for (case,) in found]

    @contextmanager
    def taking_stale(self, cases: Sequence[int]) -> Iterator[None]:
        """A transaction that takes in the changes in *cases*, all or nothing."""
        with self._database.atomic():
            yield
            self._database.execute(
                f'DELETE FROM {self._stale} WHERE "case" IN '  # noqa: S608 - ours alone
                "(SELECT value FROM json_each(?))",
                [json.dumps(cases)],
            )

    def upto(self, source: str) -> int:
        """The number of the last row of *source* that is in this register, 0 before the first."""
        found = self._database.execute(
            "SELECT upto FROM register WHERE name = ? AND source = ?", [self._name, source]
        )
        return next((upto for (upto,) in found), 0)

    @contextmanager
    def taking(self, source: str, upto: int) -> Iterator[None]:
        """A transaction that takes in the rows of *source* up to number *upto*, all or none."""
        with self._database.atomic():
            yield
            row = [self._name, source, self._version, upto]
            self._database.execute("INSERT OR REPLACE INTO register VALUES (?, ?, ?, ?)", row)
