"""The table of blocks. Every arrangement of blocks is equally likely, whatever was filed when.

Places are numbered from 0 without gaps. A new block takes a random place, and the block that was
there moves to the end (Fisher-Yates, inside out); when a block is deleted, the last one takes its
place. All rows have the same length, so a row is overwritten in place: its position in the file
reveals as little as its number. The index of block ids is kept in memory, since an index on disk
would grow in the order of filing.
"""

import sqlite3
from collections.abc import Callable, Iterator
from datetime import date
from typing import NamedTuple

from dropbox.errors import CannotStore
from dropbox.sizes import ID_BYTES
from dropbox.vault.database import EXPIRES_BYTES

NO_TAG = bytes(ID_BYTES)
_FINAL = 0

_APPEND = "INSERT INTO slot VALUES (?, ?, ?, ?, ?, ?)"
_COPY = "INSERT INTO slot SELECT ?, id, withdraw_tag, day, expires, bytes FROM slot WHERE place = ?"
_OVERWRITE = (
    "UPDATE slot SET id = ?, withdraw_tag = ?, day = ?, expires = ?, bytes = ? WHERE place = ?"
)
_COPY_OVER = """UPDATE slot SET (id, withdraw_tag, day, expires, bytes) =
  (SELECT id, withdraw_tag, day, expires, bytes FROM slot WHERE place = ?) WHERE place = ?"""
_FINISH = "UPDATE slot SET withdraw_tag = ?, day = ?, expires = ? WHERE place = ?"
_CUT = "DELETE FROM slot WHERE place = ?"

# Like secrets.randbelow: a uniformly random number from 0 to below its argument.
RandomBelow = Callable[[int], int]


class _Entry(NamedTuple):
    place: int
    expires: int


class FinalBlock(NamedTuple):
    """A final block: its id, withdraw tag, day, and bytes."""

    id: bytes
    tag: bytes
    day: date
    data: bytes


class Slots:
    """The blocks in one connection's file. The caller holds a lock during each transaction.

    It calls ``begin`` first, then any of the other methods, and at the end ``committed`` after a
    COMMIT, ``rolled_back`` after a ROLLBACK, or ``invalidate`` if SQLite failed. All methods but
    these three raise sqlite3.Error, and CannotStore if the file is inconsistent.
    """

    def __init__(self, database: sqlite3.Connection, randbelow: RandomBelow) -> None:
        self._database = database
        self._randbelow = randbelow
        self._version: int | None = None
        self._entries: dict[bytes, _Entry] = {}
        self._pending: dict[bytes, int] = {}
        self._changed: dict[bytes, _Entry | None] = {}
        self._count = 0

    def begin(self) -> None:
        """Read every block's place, unless only this connection has written since the last time."""
        version = self._database.execute("PRAGMA data_version").fetchone()[0]
        if version != self._version:
            self._read()
            self._version = version
        self._count = len(self._entries)

    def committed(self) -> None:
        """The changes since ``begin`` are in the file."""
        for block_id, entry in self._changed.items():
            if entry is None:
                del self._entries[block_id]
            else:
                self._entries[block_id] = entry
            if entry is not None and entry.expires != _FINAL:
                self._pending[block_id] = entry.expires
            else:
                self._pending.pop(block_id, None)
        self._changed.clear()

    def rolled_back(self) -> None:
        """The changes since ``begin`` are not in the file."""
        self._changed.clear()

    def invalidate(self) -> None:
        """The content of the file is unknown: the next ``begin`` reads it again."""
        self._changed.clear()
        self._version = None

    def holds(self, block_id: bytes) -> bool:
        """Whether the block exists, pending or final."""
        return self._find(block_id) is not None

    def is_pending(self, block_id: bytes) -> bool:
        """Whether the block exists and waits for its report."""
        entry = self._find(block_id)
        return entry is not None and entry.expires != _FINAL

    def count(self) -> tuple[int, int]:
        """How many blocks in the file are final, and how many are pending."""
        return len(self._entries) - len(self._pending), len(self._pending)

    def expired(self, now: int) -> list[bytes]:
        """The pending blocks that have expired by *now*, a Unix time."""
        return [
            block_id
            for block_id, expires in self._pending.items()
            if expires <= now and self.is_pending(block_id)
        ]

    def add(
        self, block_id: bytes, data: bytes, *, tag: bytes, day: date, expires: int = _FINAL
    ) -> None:
        """Add a block in a random place.

        It is pending until the Unix time *expires*; by default, final.
        """
        assert not self.holds(block_id)
        end = self._count
        place = self._randbelow(end + 1)
        row = (block_id, tag, day.isoformat(), expires.to_bytes(EXPIRES_BYTES, "big"), data)
        if place == end:
            self._write(_APPEND, (place, *row))
        else:
            self._moving(place, end)
            self._write(_COPY, (end, place))
            self._write(_OVERWRITE, (*row, place))
        self._changed[block_id] = _Entry(place, expires)
        self._count += 1

    def finish(self, block_id: bytes, *, tag: bytes, day: date) -> None:
        """Make a pending block final."""
        entry = self._find(block_id)
        assert entry is not None
        row = (tag, day.isoformat(), _FINAL.to_bytes(EXPIRES_BYTES, "big"), entry.place)
        self._write(_FINISH, row)
        self._changed[block_id] = _Entry(entry.place, _FINAL)

    def remove(self, block_id: bytes) -> None:
        """Delete an existing block. All arrangements of the others stay equally likely."""
        entry = self._find(block_id)
        assert entry is not None
        last = self._count - 1
        if entry.place != last:
            self._moving(last, entry.place)
            self._write(_COPY_OVER, (last, entry.place))
        self._write(_CUT, (last,))
        self._changed[block_id] = None
        self._count = last

    def data(self, block_id: bytes) -> bytes | None:
        """A block's bytes, or None."""
        entry = self._find(block_id)
        return None if entry is None else self._value("bytes", entry.place)

    def tag(self, block_id: bytes) -> bytes | None:
        """A block's withdraw tag, or None."""
        entry = self._find(block_id)
        return None if entry is None else self._value("withdraw_tag", entry.place)

    def tags(self) -> list[tuple[bytes, bytes]]:
        """(id, withdraw tag) of every final block."""
        rows = self._database.execute(
            "SELECT id, withdraw_tag FROM slot WHERE expires = ?", (bytes(EXPIRES_BYTES),)
        )
        return [(bytes(block_id), bytes(tag)) for block_id, tag in rows]

    def final(self) -> Iterator[FinalBlock]:
        """Every final block, one at a time."""
        query = "SELECT id, withdraw_tag, day, bytes FROM slot WHERE expires = ?"
        for block_id, tag, day, data in self._database.execute(query, (bytes(EXPIRES_BYTES),)):
            try:
                yield FinalBlock(bytes(block_id), bytes(tag), date.fromisoformat(day), bytes(data))
            except ValueError:
                raise CannotStore from None

    def _find(self, block_id: bytes) -> _Entry | None:
        return self._changed[block_id] if block_id in self._changed else self._entries.get(block_id)

    def _value(self, column: str, place: int) -> bytes:
        row = self._database.execute(
            f"SELECT {column} FROM slot WHERE place = ?",  # noqa: S608 - our own names
            (place,),
        ).fetchone()
        if row is None or not isinstance(row[0], bytes):
            raise CannotStore
        return row[0]

    def _moving(self, place: int, to: int) -> None:
        """Record that the block at *place* is about to move to *to*."""
        moved = self._value("id", place)
        entry = self._find(moved)
        if entry is None or entry.place != place:
            raise CannotStore
        self._changed[moved] = _Entry(to, entry.expires)

    def _write(self, statement: str, values: tuple[object, ...]) -> None:
        if self._database.execute(statement, values).rowcount != 1:
            raise CannotStore

    def _read(self) -> None:
        # The bytes are the last column, on overflow pages that this query does not read.
        rows = self._database.execute(
            "SELECT place, id, expires FROM slot ORDER BY place"
        ).fetchall()
        if not all(isinstance(value, bytes) for _, *values in rows for value in values):
            raise CannotStore
        self._entries = {
            block_id: _Entry(place, int.from_bytes(expires, "big"))
            for place, block_id, expires in rows
        }
        self._pending = {
            block_id: entry.expires
            for block_id, entry in self._entries.items()
            if entry.expires != _FINAL
        }
        if [place for place, _, _ in rows] != list(range(len(self._entries))):
            raise CannotStore
