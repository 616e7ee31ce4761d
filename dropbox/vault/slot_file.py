"""The vault's open file of format 2: a table of slots, overwritten in place, and a few small ones.

A slot's row never changes its length, so writing it changes its own pages and nothing else in the
file: no page is freed, moved or split. Every tick writes the ledger's row and the beginning of the
journal, so the file does not show which ticks stored something. A tick that stores something is one
transaction. The tables are in slot_schema.
"""

import contextlib
import gc
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dropbox.errors import CannotStore, StoreError
from dropbox.sizes import BLOCK_BYTES, REPLY_BYTES
from dropbox.system_error import told
from dropbox.vault.journal import Journal, journal_path
from dropbox.vault.ledger_cell import LedgerCell
from dropbox.vault.slot_schema import (
    HEAD_BYTES,
    LEDGER_BYTES,
    PAGE_BYTES,
    REPLY_HEAD_BYTES,
    connect,
    forbid_access_times,
)
from dropbox.vault.tick_changes import Changes, Row

# The access time given to the files, which reading does not update.
_NEVER_READ = 0
_HEADS_AT_ONCE = 4_096
# SQLite's smallest number: a row below the first place is wrong.
_BEFORE_ALL = -(2**63)


class SlotFile:
    """The open file; one connection. Safe to share between threads.

    Every method raises CannotStore if the disk is full or the file damaged.
    """

    def __init__(
        self, path: Path, connection: sqlite3.Connection, journal_pages: int, ledger: bytes
    ) -> None:
        self._path = path
        self._names = (str(path), str(journal_path(path)))
        self._connection = connection
        self._lock = threading.Lock()
        # A tick waits here for at most one read: the next reader queues behind it.
        self._turn = threading.Lock()
        self.ledger = ledger
        self.slots = 0
        self.replies = 0
        self._cell = LedgerCell(path, connection, ledger)
        self._journal = Journal(path, page_bytes=PAGE_BYTES, pages=journal_pages)
        # Whether the journal on the disk may still hold what a transaction replaced.
        self._holds_replaced = True

    @classmethod
    def open(cls, path: Path, *, journal_pages: int) -> "SlotFile":
        """Open *path*, or create it (0600). Raises StoreError with a sentence.

        *journal_pages* is the number of pages that the journal has room for from now on.
        """
        connection = connect(path)
        try:
            (ledger,) = connection.execute("SELECT bytes FROM ledger WHERE place = 0").fetchone()
            opened = cls(path, connection, journal_pages, bytes(ledger))
            opened._count()
        except OSError as why:
            connection.close()
            raise StoreError(f"The vault's file cannot be used: {told(why)}") from None
        except (TypeError, sqlite3.Error) as why:
            connection.close()
            raise StoreError(f"The vault's file {path} is damaged: {why}.") from None
        # Reading must not update the file's access time: it would show when a codename was last
        # looked up.
        forbid_access_times(path)
        # Nobody knows how much an interrupted run wrote there.
        with contextlib.suppress(OSError):
            opened._journal.fill()
        return opened

    def close(self) -> None:
        """Close the file."""
        with self._held():
            self._connection.close()
            self._cell.close()
            self._journal.close()

    def grow_journal(self) -> None:
        """Give the journal its full size, if there was no room for that at the start."""
        with self._held(), contextlib.suppress(OSError):
            self._journal.grow()

    def heads(self) -> Iterator[bytes]:
        """Every slot's head, by place. Reads none of the slots' overflow pages."""
        return self._heads("slot", HEAD_BYTES)

    def reply_heads(self) -> list[bytes]:
        """Every reply slot's head, by place."""
        return list(self._heads("reply", REPLY_HEAD_BYTES))

    def data(self, find: Callable[[], int | None]) -> bytes | None:
        """The bytes of the slot that *find* names. No tick comes between finding and reading it."""
        with self._held():
            place = find()
            return None if place is None else self._bytes("slot", place, BLOCK_BYTES)

    def replies_at(self, find: Callable[[], list[int]]) -> list[bytes]:
        """The bytes of the reply slots that *find* names, one read for each."""
        with self._held():
            return [self._bytes("reply", place, REPLY_BYTES) for place in find()]

    def days(self) -> list[tuple[Any, ...]]:
        """(day, slots when it left, day of its acknowledgement, day since which it is gone)."""
        return self._rows("SELECT * FROM day ORDER BY day")

    def exports(self) -> list[tuple[Any, ...]]:
        """(number, SHA-256 of the head, day, whether it is acknowledged) of each export."""
        return self._rows("SELECT * FROM export ORDER BY number")

    def keys(self) -> list[tuple[int, bytes]]:
        """(day, record) of every day key."""
        return [
            (day, bytes(record))
            for day, record in self._rows("SELECT day, record FROM day_key ORDER BY day, record")
        ]

    def accepted(self) -> list[tuple[Any, ...]]:
        """(desk, reviewer, number) of the newest bundles of each desk and reviewer, in order."""
        return self._rows("SELECT desk, reviewer, number FROM accepted ORDER BY 1, 2, 3")

    def write(self, changes: Changes, ledger: bytes, written: Callable[[], None]) -> None:
        """One transaction with all of *changes* and the *ledger*; durable when this returns.

        Calls *written* when it is on the disk, before anybody reads it.
        """
        assert len(ledger) == LEDGER_BYTES
        with self._held():
            pages = changes.pages(self.slots, self.replies)
            try:
                if changes.any() or not self._replace_ledger(ledger):
                    self._holds_replaced = True
                    self._commit(changes, ledger)
                elif self._holds_replaced:
                    # Otherwise the kernel would write the overwriting bytes whenever it likes.
                    with contextlib.suppress(OSError):
                        self._journal.sync()
                        self._holds_replaced = False
            finally:
                # Even after a ROLLBACK, and without a transaction: each tick overwrites some of it.
                # If it cannot be overwritten now, the next tick that uses as much overwrites it; a
                # disk that fails here fails that tick as well.
                with contextlib.suppress(OSError):
                    self._journal.scrub(pages)
            self.ledger = ledger
            written()

    def settle(self) -> None:
        """Set both files' times to now: those of a write would show how long its tick took.

        Whoever later reads the file system's journal finds the times of that moment.
        """
        now = time.time_ns()
        with self._held(), contextlib.suppress(OSError):
            # By name: a second descriptor of the file, once closed, would end SQLite's locks.
            for name in self._names:
                os.utime(name, ns=(_NEVER_READ, now))

    def refresh(self) -> None:
        """After a failed tick: read how many rows the file has, and its ledger."""
        with self._held():
            try:
                self._count()
                (ledger,) = self._connection.execute("SELECT bytes FROM ledger").fetchone()
            except (sqlite3.Error, TypeError):
                raise CannotStore from None
            self.ledger = bytes(ledger)

    def room(self) -> int:
        """Bytes that the file can grow by."""
        try:
            found = os.statvfs(self._path.parent)
        except OSError:
            raise CannotStore from None
        return found.f_bavail * found.f_frsize

    def _commit(self, changes: Changes, ledger: bytes) -> None:
        with self._transaction() as database:
            with database.blobopen("ledger", "bytes", 0) as cell:
                cell.write(ledger)
            slots = _write_rows(database, "slot", changes.slots, self.slots)
            replies = _write_rows(database, "reply", changes.replies, self.replies)
            for statement, values in changes.statements:
                database.execute(statement, values)
        self.slots, self.replies = slots, replies

    def _replace_ledger(self, ledger: bytes) -> bool:
        try:
            # A journal that is needed holds what SQLite still has to restore.
            return not self._journal.is_needed() and self._cell.replace(self.ledger, ledger)
        except OSError:
            raise CannotStore from None

    def _count(self) -> None:
        for name in ("slot", "reply"):
            (count,) = self._connection.execute(
                f"SELECT coalesce(max(place) + 1, 0) FROM {name}"  # noqa: S608 - our own names
            ).fetchone()
            if name == "slot":
                self.slots = count
            else:
                self.replies = count

    def _heads(self, table: str, size: int) -> Iterator[bytes]:
        """Heads, read some at a time, since there may be millions. Raises CannotStore if one is
        wrong.
        """
        query = (
            f"SELECT place, head FROM {table} WHERE place > ? "  # noqa: S608 - ours
            "ORDER BY place LIMIT ?"
        )
        expected, after = 0, _BEFORE_ALL
        while rows := self._rows(query, (after, _HEADS_AT_ONCE)):
            for place, head in rows:
                if place != expected or not isinstance(head, bytes) or len(head) != size:
                    raise CannotStore
                expected, after = expected + 1, place
                yield head

    def _bytes(self, table: str, place: int, size: int) -> bytes:
        query = f"SELECT bytes FROM {table} WHERE place = ?"  # noqa: S608 - ours
        for (found,) in self._query(query, (place,)):
            if isinstance(found, bytes) and len(found) == size:
                return found
        raise CannotStore

    def _rows(self, query: str, values: tuple[int, ...] = ()) -> list[tuple[Any, ...]]:
        with self._held():
            return self._query(query, values)

    # STRICT tables check the columns' types.
    def _query(self, query: str, values: tuple[int, ...] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.Error:
            # The text of SQLite's error may contain values; none of it is passed on.
            raise CannotStore from None

    @contextmanager
    def _held(self) -> Iterator[None]:
        with self._turn:
            self._lock.acquire()
        try:
            yield
        finally:
            self._lock.release()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            finally:
                # After a COMMIT there is nothing to roll back.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                _forget_closed(self._connection)
        except sqlite3.Error:
            raise CannotStore from None


def _forget_closed(database: sqlite3.Connection) -> None:
    """Empty the list in which *database* keeps a weak reference to each blob that was ever opened.

    Until the connection ends, Python leaves 96 bytes there for each blob that has been closed
    (https://github.com/python/cpython/issues/144424), and a vault opens one a second for years.
    Only dead references are removed; a Python that drops them by itself has none.
    """
    for kept in gc.get_referents(database):
        if isinstance(kept, list):
            kept[:] = [one for one in kept if not isinstance(one, weakref.ref) or one() is not None]


def _write_rows(database: sqlite3.Connection, table: str, rows: dict[int, Row], count: int) -> int:
    """Write *rows* into a table of *count* rows; returns how many it has then."""
    # In the order of the places, so that the order of writing reveals nothing.
    for place in sorted(rows):
        head, data = rows[place]
        if place >= count:
            assert place == count and data is not None
            database.execute(f"INSERT INTO {table} VALUES (?, ?, ?)", (place, head, data))  # noqa: S608 - our own names
            count += 1
            continue
        for column, content in (("head", head), ("bytes", data)):
            if content is not None:
                with database.blobopen(table, column, place) as cell:
                    if len(cell) != len(content):
                        raise CannotStore
                    cell.write(content)
    return count
