"""The vault's file of format 2: a table of slots, overwritten in place, and a few small ones.

A slot's row has one length for ever, so writing it changes its own pages and nothing else in the
file: no page is freed, moved or split. Every transaction is one tick, and every tick writes the
ledger's row, so a tick that stores nothing looks like one that does.

The file's rows say only what may be known: of a slot, the UTC day; of a day, whether it was
acknowledged; sealed records of day keys; the numbers of the exports and of each desk's bundles.
"""

import contextlib
import fcntl
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from dropbox.durable_file import replace_file
from dropbox.errors import CannotStore, StoreError
from dropbox.sizes import BLOCK_BYTES, ID_BYTES, REPLY_BYTES
from dropbox.vault.block_store import Content
from dropbox.vault.journal import Journal, journal_path

SCHEMA_VERSION = 3
# Measured for 64 slots in one tick: 21 ms of processor with pages of 4,096 bytes, 11 ms with these,
# 9 ms with twice as much, which would make the tick that stores nothing dearer.
PAGE_BYTES = 8_192
DAY_BYTES = 4  # days since 1970
HEAD_BYTES = DAY_BYTES + ID_BYTES + 16 + 32  # day, id, erase hash, SHA-256 of the bytes
REPLY_HEAD_BYTES = DAY_BYTES + ID_BYTES  # last day, tag
LEDGER_BYTES = 128
RECORD_MAX_BYTES = 65_536
# A slot's row fills one part of a leaf page and eight overflow pages, a reply's row one page.
_SLOT_PAGES, _HEAD_PAGES, _REPLY_PAGES = 9, 1, 1
# The ledger's, and in the first tick the file's first one.
_TICK_PAGES = 2
# Rows that are appended change the last leaf, the pages above it and the first page. A statement
# on a small table changes a leaf or two, a record's overflow pages and the list of free pages.
_GROWTH_PAGES = 12
_STATEMENT_PAGES = 16
# A vault that was killed in the middle of a write holds the file until the disk is done with it.
_BUSY_SECONDS = 25.0
# The access time of the files, which are not stamped when they are read.
_NEVER_READ = 0
_COUNTER_OFFSETS = (24, 92)
_COUNTER_BYTES = 4
# The system gives out the lowest free number: a vault at its start has opened far fewer files.
_FIRST_DESCRIPTOR, _LAST_DESCRIPTOR = 3, 1_023

# (name, value set, value read back), in this order: with exclusive locking, SQLite keeps the
# journal of an interrupted run instead of deleting it, whose blocks could be found in freed space.
PRAGMAS: tuple[tuple[str, str, str | int], ...] = (
    ("locking_mode", "EXCLUSIVE", "exclusive"),
    ("auto_vacuum", "NONE", 0),
    ("journal_mode", "PERSIST", "persist"),
    ("journal_size_limit", "-1", -1),
    ("secure_delete", "ON", 1),
    ("temp_store", "MEMORY", 2),
    ("synchronous", "FULL", 2),
    ("trusted_schema", "OFF", 0),
    # A page that does not fit into the cache would be written, with a sync, inside the tick.
    ("cache_spill", "OFF", 0),
)

_SCHEMA = (
    f"""CREATE TABLE slot (
  place INTEGER PRIMARY KEY,
  head BLOB NOT NULL CHECK (length(head) = {HEAD_BYTES}),
  bytes BLOB NOT NULL CHECK (length(bytes) = {BLOCK_BYTES})
) STRICT""",
    f"""CREATE TABLE reply (
  place INTEGER PRIMARY KEY,
  head BLOB NOT NULL CHECK (length(head) = {REPLY_HEAD_BYTES}),
  bytes BLOB NOT NULL CHECK (length(bytes) = {REPLY_BYTES})
) STRICT""",
    "CREATE TABLE day (day INTEGER PRIMARY KEY, slots INTEGER NOT NULL,"
    " acknowledged INTEGER NOT NULL, gone INTEGER NOT NULL) STRICT",
    "CREATE TABLE day_key (place INTEGER PRIMARY KEY, day INTEGER NOT NULL,"
    f" record BLOB NOT NULL CHECK (length(record) <= {RECORD_MAX_BYTES})) STRICT",
    "CREATE TABLE export (number INTEGER PRIMARY KEY, head BLOB NOT NULL, day INTEGER NOT NULL,"
    " acknowledged INTEGER NOT NULL) STRICT",
    "CREATE TABLE accepted (desk INTEGER, reviewer TEXT, number INTEGER NOT NULL,"
    " PRIMARY KEY (desk, reviewer)) STRICT, WITHOUT ROWID",
    f"""CREATE TABLE ledger (
  place INTEGER PRIMARY KEY CHECK (place = 0),
  bytes BLOB NOT NULL CHECK (length(bytes) = {LEDGER_BYTES})
) STRICT""",
)


class Row(NamedTuple):
    """A row to write: its head and its bytes, or None to leave those as they are."""

    head: bytes
    data: Content | None


Statement = tuple[str, tuple[int | str | bytes, ...]]


@dataclass
class Changes:
    """What one tick writes. Places below the table's length are overwritten, others appended."""

    slots: dict[int, Row] = field(default_factory=dict)
    replies: dict[int, Row] = field(default_factory=dict)
    statements: list[Statement] = field(default_factory=list)

    def any(self) -> bool:
        """Whether there are any, besides the ledger."""
        return bool(self.slots or self.replies or self.statements)

    def pages(self, slots: int, replies: int) -> int:
        """At most how many pages are replaced, in tables of *slots* and *replies* rows."""
        in_place = (
            sum(
                _HEAD_PAGES if row.data is None else _SLOT_PAGES
                for place, row in self.slots.items()
                if place < slots
            ),
            sum(_REPLY_PAGES for place in self.replies if place < replies),
            _STATEMENT_PAGES * len(self.statements),
        )
        grows = any(place >= slots for place in self.slots) or any(
            place >= replies for place in self.replies
        )
        return _TICK_PAGES + sum(in_place) + (_GROWTH_PAGES if grows else 0)


def largest_tick_pages(*, slots: int, replies: int) -> int:
    """The pages replaced by a tick of so many slots and replies in place, and some statements."""
    statements = 8
    return (
        _TICK_PAGES
        + _GROWTH_PAGES
        + slots * _SLOT_PAGES
        + replies * _REPLY_PAGES
        + statements * _STATEMENT_PAGES
    )


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
        # A tick waits here at most for one read: whoever reads next queues behind it.
        self._turn = threading.Lock()
        self.ledger = ledger
        self.slots = 0
        self.replies = 0
        self._journal = Journal(path, page_bytes=PAGE_BYTES, pages=journal_pages)

    @classmethod
    def open(cls, path: Path, *, journal_pages: int) -> "SlotFile":
        """Open *path*, or create it (0600). Raises StoreError with a sentence.

        *journal_pages* is the number of pages that the journal has room for from now on.
        """
        connection = _connect(path)
        try:
            (ledger,) = connection.execute("SELECT bytes FROM ledger WHERE place = 0").fetchone()
            opened = cls(path, connection, journal_pages, bytes(ledger))
            opened._count()
        except (OSError, TypeError, sqlite3.Error) as why:
            connection.close()
            raise StoreError(f"The vault's file {path} is damaged: {why}.") from None
        # Nothing that is read is stamped on the file: otherwise its access time would tell when a
        # codename was looked up last.
        _forbid_access_times(path)
        # Of an interrupted run, nobody knows how much it wrote there.
        with contextlib.suppress(OSError):
            opened._journal.fill()
        return opened

    def close(self) -> None:
        """Close the file."""
        with self._held():
            self._connection.close()
            self._journal.close()

    def grow_journal(self) -> None:
        """Give the journal its full size, if it had no room for that at the start."""
        with self._held(), contextlib.suppress(OSError):
            self._journal.grow()

    def heads(self) -> list[bytes]:
        """Every slot's head, by place. Reads none of the slots' overflow pages."""
        return self._heads("slot", HEAD_BYTES)

    def reply_heads(self) -> list[bytes]:
        """Every reply slot's head, by place."""
        return self._heads("reply", REPLY_HEAD_BYTES)

    def data(self, find: Callable[[], int | None]) -> bytes | None:
        """The bytes of the slot that *find* names. No tick is between finding and reading it."""
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
        """(desk, reviewer, number) of the newest bundle of each desk and reviewer."""
        return self._rows("SELECT desk, reviewer, number FROM accepted ORDER BY desk, reviewer")

    def write(self, changes: Changes, ledger: bytes, written: Callable[[], None]) -> None:
        """One transaction with all of *changes* and the *ledger*; durable when this returns.

        Calls *written* when it is on the disk, before anybody reads it.
        """
        assert len(ledger) == LEDGER_BYTES
        with self._held():
            pages = changes.pages(self.slots, self.replies)
            try:
                with self._transaction() as database:
                    with database.blobopen("ledger", "bytes", 0) as cell:
                        cell.write(ledger)
                    slots = _write_rows(database, "slot", changes.slots, self.slots)
                    replies = _write_rows(database, "reply", changes.replies, self.replies)
                    for statement, values in changes.statements:
                        database.execute(statement, values)
            finally:
                # After a ROLLBACK, too. What cannot be overwritten now is overwritten by the next
                # tick that uses as much; a disk that fails here fails that tick as well.
                with contextlib.suppress(OSError):
                    self._journal.scrub(pages)
            self.ledger = ledger
            self.slots, self.replies = slots, replies
            written()

    def settle(self) -> None:
        """Set both files' times to now: those of a write tell how long its tick took.

        What reads the file system's journal later finds the times of that moment.
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

    def _count(self) -> None:
        for name in ("slot", "reply"):
            (count,) = self._connection.execute(
                f"SELECT coalesce(max(place) + 1, 0) FROM {name}"  # noqa: S608 - our own names
            ).fetchone()
            if name == "slot":
                self.slots = count
            else:
                self.replies = count

    def _heads(self, table: str, size: int) -> list[bytes]:
        rows = self._rows(f"SELECT place, head FROM {table} ORDER BY place")  # noqa: S608 - ours
        if [place for place, _ in rows] != list(range(len(rows))) or not all(
            isinstance(head, bytes) and len(head) == size for _, head in rows
        ):
            raise CannotStore
        return [head for _, head in rows]

    def _bytes(self, table: str, place: int, size: int) -> bytes:
        query = f"SELECT bytes FROM {table} WHERE place = ?"  # noqa: S608 - ours
        for (found,) in self._query(query, (place,)):
            if isinstance(found, bytes) and len(found) == size:
                return found
        raise CannotStore

    def _rows(self, query: str, values: tuple[int, ...] = ()) -> list[tuple[Any, ...]]:
        with self._held():
            return self._query(query, values)

    # The columns' types are checked by STRICT tables.
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
        except (sqlite3.Error, ValueError):
            # ValueError: a row that is shorter than it should be.
            raise CannotStore from None


def _write_rows(database: sqlite3.Connection, table: str, rows: dict[int, Row], count: int) -> int:
    """Write *rows* into a table of *count* rows; returns how many it has then."""
    # In the order of the places: nothing in the order of the writing is of interest to anybody.
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


def _connect(path: Path) -> sqlite3.Connection:
    try:
        if _is_new(path):
            # SQLite would play an old journal back into the new file.
            journal_path(path).unlink(missing_ok=True)
            replace_file(path, _fresh())
        connection = sqlite3.connect(
            path, timeout=_BUSY_SECONDS, check_same_thread=False, isolation_level=None
        )
    except (OSError, sqlite3.Error) as why:
        raise StoreError(f"The vault's file {path} cannot be opened: {why}.") from None
    try:
        _set_pragmas(connection)
        _check_schema(connection, path)
    except (sqlite3.Error, StoreError) as why:
        connection.close()
        raise StoreError(
            str(why)
            if isinstance(why, StoreError)
            else f"The vault's file {path} is in use or damaged: {why}."
        ) from None
    return connection


def _set_pragmas(connection: sqlite3.Connection) -> None:
    for name, wanted, _ in PRAGMAS:
        connection.execute(f"PRAGMA {name} = {wanted}")
    for name, _, expected in PRAGMAS:
        found = connection.execute(f"PRAGMA {name}").fetchone()[0]
        if found != expected:
            raise StoreError(
                f"SQLite ignores the setting {name}: it is {found} and has to be {expected}."
            )


def _is_new(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return True
    try:
        return os.fstat(descriptor).st_size == 0
    finally:
        os.close(descriptor)


def _fresh() -> bytes:
    """The bytes of a new file, with a random vault id and a random count of transactions."""
    database = sqlite3.connect(":memory:", isolation_level=None)
    database.executescript(
        f"PRAGMA page_size = {PAGE_BYTES}; BEGIN; {'; '.join(_SCHEMA)};"
        f" PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
    )
    # The id, and no day yet; the rest of the row is random at every tick.
    ledger = secrets.token_bytes(ID_BYTES) + bytes(LEDGER_BYTES - ID_BYTES)
    database.execute("INSERT INTO ledger VALUES (0, ?)", (ledger,))
    content = bytearray(database.serialize())
    database.close()
    counter = secrets.token_bytes(_COUNTER_BYTES)
    for offset in _COUNTER_OFFSETS:
        content[offset : offset + _COUNTER_BYTES] = counter
    return bytes(content)


def _check_schema(connection: sqlite3.Connection, path: Path) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != SCHEMA_VERSION:
        raise StoreError(
            f"The vault's file {path} was made by another version of Casedrop (schema {version})."
        )
    # The schema includes triggers and additional indexes.
    found = [row[0] for row in connection.execute("SELECT sql FROM sqlite_schema ORDER BY rowid")]
    if found != list(_SCHEMA):
        raise StoreError(f"{path} is not a vault's file.")


def _forbid_access_times(path: Path) -> None:
    """Set O_NOATIME on every descriptor of *path* in this process."""
    file = path.stat()
    # Not from /proc/self/fd, which a locked room cannot list.
    for descriptor in range(_FIRST_DESCRIPTOR, _LAST_DESCRIPTOR + 1):
        try:
            found = os.fstat(descriptor)
        except OSError:
            continue
        if (found.st_dev, found.st_ino) == (file.st_dev, file.st_ino):
            flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
            # Refused to whoever does not own the file.
            with contextlib.suppress(PermissionError):
                fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_NOATIME)
