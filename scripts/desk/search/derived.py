"""Registers: tables made from the casebook's own, to find and to list by. They hold nothing that is not there, and are made
again by themselves when they are missing or of another version.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import sqlite_utils

_REGISTER = (
    "CREATE TABLE IF NOT EXISTS register (name TEXT NOT NULL, source TEXT NOT NULL, version INTEGER NOT NULL, "
    "upto INTEGER NOT NULL, PRIMARY KEY (name, source)) STRICT"
)


class Register:
    """The register *name*: *tables* maps each of its tables to the statements that make it.

    How far it has come is noted by source (the table that it reads), in the same transaction as what it took from there.
    """

    def __init__(
        self,
        database: sqlite_utils.Database,
        name: str,
        *,
        version: int,
        tables: Mapping[str, Sequence[str]],
    ) -> None:
        self._database = database
        self._name = name
        self._version = version
        self._tables = tables
        database.execute(_REGISTER)
        if not self._is_whole():
            self.make()

    def _is_whole(self) -> bool:
        row = self._database.execute(
            "SELECT version FROM register WHERE name = ? AND source = ''", [self._name]
        ).fetchone()
        there = {
            name
            for (name,) in self._database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
            )
        }
        return row is not None and row[0] == self._version and there.issuperset(self._tables)

    def make(self) -> None:
        """Empty, whatever it was before."""
        with self._database.atomic():
            for name, statements in self._tables.items():
                self._database.execute(f"DROP TABLE IF EXISTS {name}")
                for statement in statements:
                    self._database.execute(statement)
            self._database.execute("DELETE FROM register WHERE name = ?", [self._name])
            self._database.execute(
                "INSERT INTO register VALUES (?, '', ?, 0)", [self._name, self._version]
            )

    def upto(self, source: str) -> int:
        """The number of the last row of *source* that is in this register, 0 before the first."""
        found = self._database.execute(
            "SELECT upto FROM register WHERE name = ? AND source = ?", [self._name, source]
        )
        row = found.fetchone()
        return int(row[0]) if row else 0

    @contextmanager
    def taking(self, source: str, upto: int) -> Iterator[None]:
        """What is done inside takes the rows of *source* up to number *upto* into the register, whole or not at all."""
        with self._database.atomic():
            yield
            row = [self._name, source, self._version, upto]
            self._database.execute("INSERT OR REPLACE INTO register VALUES (?, ?, ?, ?)", row)
