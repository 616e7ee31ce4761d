"""What the casebook remembers of export bundles: those imported, and all slots of the newest."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import sqlite_utils


class Seen(NamedTuple):
    """A slot as the last bundle had it: the SHA-256 of its bytes, its day, and if it was opened.

    *opened*: a report, a piece of a file or a tombstone; anything else in a slot may be overwritten
    while its day is open.
    """

    sha256: bytes
    day: date
    opened: bool


@dataclass(frozen=True)
class LastBundle:
    """What a desk remembers of the newest bundle that it imported.

    ``digest`` is the SHA-256 of its head, ``onion`` the drop's address, ``closed`` the days that
    took no more reports.
    """

    vault: bytes
    number: int
    digest: bytes
    onion: str
    slots: Mapping[bytes, Seen]
    closed: frozenset[date]


class Source(NamedTuple):
    """Where a bundle came from: the vault, the bundle's number and head there, and the drop."""

    vault: bytes
    number: int
    head: bytes
    onion: str


class Bundles:
    """The tables ``bundle``, ``acknowledgement``, ``slot`` and ``closed_day``."""

    def __init__(self, database: sqlite_utils.Database) -> None:
        self._database = database

    def newest(self) -> Source | None:
        """Where the bundle that was imported last came from, None before the first."""
        # Bundles of one vault have ascending numbers; a new vault begins anew.
        row = self._database.execute(
            "SELECT vault, number, head, onion FROM bundle ORDER BY rowid DESC LIMIT 1"
        ).fetchone()
        if row is None:
            return None
        return Source(bytes.fromhex(row[0]), row[1], bytes.fromhex(row[2]), row[3])

    def unacknowledged(self) -> Source | None:
        """The newest bundle, unless its acknowledgement has left."""
        newest = self.newest()
        if newest is None:
            return None
        left = self._database.execute(
            "SELECT 1 FROM acknowledgement WHERE vault = ? AND number = ?",
            [newest.vault.hex(), newest.number],
        ).fetchone()
        return newest if left is None else None

    def last(self) -> LastBundle | None:
        """The bundle that was imported last, with its slots; None before the first."""
        newest = self.newest()
        if newest is None:
            return None
        slots = {
            bytes(block_id): Seen(bytes(sha256), date.fromisoformat(day), bool(opened))
            for block_id, sha256, day, opened in self._database.execute(
                "SELECT id, sha256, day, opened FROM slot"
            )
        }
        closed = frozenset(
            date.fromisoformat(day)
            for (day,) in self._database.execute("SELECT day FROM closed_day")
        )
        return LastBundle(newest.vault, newest.number, newest.head, newest.onion, slots, closed)

    def keep(self, row: Mapping[str, Any], bundle: LastBundle) -> bool:
        """Make *bundle* the last one, in the current transaction; *row* is its row of ``bundle``.

        Returns whether it is new: a bundle may be imported again for what could not be opened.
        """
        known = self._database.execute(
            "SELECT 1 FROM bundle WHERE vault = ? AND number = ?", [row["vault"], row["number"]]
        ).fetchone()
        if known is None:
            self._database.table("bundle").insert(dict(row))
        self._database.execute("DELETE FROM slot")
        self._database.execute("DELETE FROM closed_day")
        self._database.conn.executemany(
            "INSERT INTO slot (id, sha256, day, opened) VALUES (?, ?, ?, ?)",
            (
                (block_id, seen.sha256, seen.day.isoformat(), int(seen.opened))
                for block_id, seen in bundle.slots.items()
            ),
        )
        self._database.conn.executemany(
            "INSERT INTO closed_day (day) VALUES (?)", ((day.isoformat(),) for day in bundle.closed)
        )
        return known is None
