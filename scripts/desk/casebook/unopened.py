"""What the casebook keeps sealed because it could not be opened: blocks and day keys as they came.

Once a reviewer sets it aside, it no longer holds back the acknowledgement that makes the server
delete. Somebody who takes over a front can leave any number of such blocks, so callers limit how
much is kept here.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

import sqlite_utils

from dropbox.export_bundle import ListedBlock

BLOCK, DAY_KEY = "block", "day key"


class SetAside:
    """The tables ``sealed`` and ``set_aside``."""

    def __init__(self, database: sqlite_utils.Database) -> None:
        self._database = database

    def total_bytes(self) -> int:
        """How many bytes are kept."""
        found = self._database.execute("SELECT coalesce(sum(length(data)), 0) FROM sealed")
        (total,) = found.fetchone()
        return int(total)

    def counts(self) -> dict[str, int]:
        """How many of each kind are kept."""
        found = self._database.execute("SELECT kind, count(*) FROM sealed GROUP BY kind")
        return {BLOCK: 0, DAY_KEY: 0, **dict(found.fetchall())}

    def keeps(self, one_id: bytes, sha256: str) -> bool:
        """Whether a block or day key with exactly these bytes is kept."""
        found = self._database.execute(
            "SELECT 1 FROM sealed WHERE id = ? AND sha256 = ?", [one_id, sha256]
        )
        return found.fetchone() is not None

    def add(self, row: dict[str, Any]) -> dict[str, Any]:
        """Keep a block or a day key, in the transaction that also logs it. Returns its row."""
        number = self._database.execute(
            "INSERT INTO sealed (id, kind, day, sha256, bundle, data) "
            "VALUES (:id, :kind, :day, :sha256, :bundle, :data)",
            row,
        ).lastrowid
        return {"number": number, **row}

    def mark(self, block_id: bytes, place: int, *, kept: bool) -> None:
        """Note that something unopened was set aside, in the current transaction.

        If it is not *kept*, the server no longer had it.
        """
        self._database.execute(
            "INSERT OR REPLACE INTO set_aside (block_id, place, kept) VALUES (?, ?, ?)",
            [block_id, place, int(kept)],
        )

    def unmark(self, block_id: bytes, place: int) -> None:
        """Note that it holds back the acknowledgement again, in the current transaction."""
        self._database.execute(
            "DELETE FROM set_aside WHERE block_id = ? AND place = ?", [block_id, place]
        )

    def marked(self) -> dict[tuple[bytes, int], bool]:
        """What was set aside, by block and place, and whether it is kept."""
        found = self._database.execute("SELECT block_id, place, kept FROM set_aside")
        return {(block_id, place): bool(kept) for block_id, place, kept in found}

    def records(self) -> Iterator[bytes]:
        """The sealed records of the day keys that are kept."""
        found = self._database.execute("SELECT data FROM sealed WHERE kind = ?", [DAY_KEY])
        yield from (data for (data,) in found)

    def blocks(self) -> Iterator[tuple[ListedBlock, bytes]]:
        """The blocks that are kept, by ascending id, each as the newest bundle had it."""
        # With max(), SQLite gives the other columns of that same row.
        found = self._database.execute(
            "SELECT id, sha256, day, data, max(number) FROM sealed WHERE kind = ? "
            "GROUP BY id ORDER BY id",
            [BLOCK],
        )
        for block_id, sha256, day, data, _ in found:
            yield ListedBlock(block_id, bytes.fromhex(sha256), date.fromisoformat(day)), data

    def bundle_of(self, block_id: bytes) -> int:
        """The number of the bundle that brought a kept block."""
        found = self._database.execute(
            "SELECT bundle FROM sealed WHERE id = ? ORDER BY number DESC LIMIT 1", [block_id]
        )
        (bundle,) = found.fetchone()
        return int(bundle)
