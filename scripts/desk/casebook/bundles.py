"""What the casebook remembers about export bundles: those imported, and the newest one's slots."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import sqlite_utils

# What was opened in a slot: nothing, what a day key opens, a piece of a file that a report names,
# or the tombstone of what its claimant took back.
UNOPENED, BY_DAY_KEY, PIECE, WITHDRAWN = range(4)


class Seen(NamedTuple):
    """A slot as the last bundle had it: the SHA-256 of its bytes, its day, and what was opened.

    A slot in which nothing was opened may be overwritten while its day is open.
    """

    sha256: bytes
    day: date
    opened: int


@dataclass(frozen=True)
class LastBundle:
    """What a desk remembers about the newest bundle that it imported.

    ``digest`` is the SHA-256 of its head, ``onion`` the drop's address, ``closed`` the days that no
    longer took reports.
    """

    vault: bytes
    number: int
    digest: bytes
    onion: str
    closed: frozenset[date]


class Source(NamedTuple):
    """Where a bundle came from: the vault, the bundle's number and head there, and the drop."""

    vault: bytes
    number: int
    head: bytes
    onion: str


class Bundles:
    """The tables ``bundle``, ``acknowledgement``, ``slot``, ``closed_day`` and ``tried_key``."""

    def __init__(self, database: sqlite_utils.Database) -> None:
        self._database = database

    def newest(self) -> Source | None:
        """Where the bundle that was imported last came from, None before the first."""
        # Bundles of one vault have ascending numbers; a new vault starts over.
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

    def acknowledged_in(self, reply_bundle: int) -> Source | None:
        """The newest bundle that was acknowledged in this reply bundle."""
        row = self._database.execute(
            "SELECT vault, number, head, onion FROM acknowledgement JOIN bundle USING "
            "(vault, number) WHERE reply_bundle = ? ORDER BY bundle.rowid DESC LIMIT 1",
            [reply_bundle],
        ).fetchone()
        if row is None:
            return None
        return Source(bytes.fromhex(row[0]), row[1], bytes.fromhex(row[2]), row[3])

    def last(self) -> LastBundle | None:
        """The bundle that was imported last; None before the first."""
        newest = self.newest()
        if newest is None:
            return None
        closed = frozenset(
            date.fromisoformat(day)
            for (day,) in self._database.execute("SELECT day FROM closed_day")
        )
        return LastBundle(newest.vault, newest.number, newest.head, newest.onion, closed)

    def slots(self) -> Iterator[tuple[bytes, Seen]]:
        """The slots of the bundle that was imported last, by ascending id."""
        found = self._database.execute("SELECT id, sha256, day, opened FROM slot ORDER BY id")
        for block_id, sha256, day, opened in found:
            yield block_id, Seen(sha256, date.fromisoformat(day), opened)

    def tried(self) -> frozenset[bytes]:
        """The ids of the day keys that were tried on the slots of the last bundle."""
        return frozenset(one for (one,) in self._database.execute("SELECT id FROM tried_key"))

    def keep(
        self,
        row: Mapping[str, Any],
        bundle: LastBundle,
        slots: Iterable[tuple[bytes, Seen]],
        tried: Iterable[bytes],
    ) -> bool:
        """Make *bundle* the last one, in the current transaction; *row* is its row of ``bundle``.

        *slots* and *tried* are what :meth:`slots` and :meth:`tried` give from now on. Returns
        whether it is new: a bundle may be imported again for what could not be opened.
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
                (block_id, seen.sha256, seen.day.isoformat(), seen.opened)
                for block_id, seen in slots
            ),
        )
        self._database.execute("DELETE FROM tried_key")
        self._database.conn.executemany(
            "INSERT INTO tried_key (id) VALUES (?)", ((one,) for one in tried)
        )
        self._database.conn.executemany(
            "INSERT INTO closed_day (day) VALUES (?)", ((day.isoformat(),) for day in bundle.closed)
        )
        return known is None
