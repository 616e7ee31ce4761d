"""The vault's one file: blocks, sealed replies by tag, and the numbers of the bundles. The server's only user of SQLite.

Nothing in it is plaintext, and nothing tells more time than a day: tables are kept in the order of random keys, without
row numbers, counters or further indexes. SQLite's own settings are made, read back and checked at every opening.
"""

import hashlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple, Self

import sqlite_utils

from dropbox.block import ID_BYTES
from dropbox.bundle import ExportManifest, ListedBlock, ReplyBundle
from dropbox.errors import BadBundle, CannotStore, CasedropError, PendingGone, StoreError

SCHEMA_VERSION = 1
_HOUR = 3_600
_BUSY_SECONDS = 10.0

# (name, what is set, what is read back). Why each, measured: a deleted row must be overwritten in the file (secure_delete)
# and must not live on in a journal (TRUNCATE; WAL keeps it) or in a temporary file; what is said to be stored is on disk.
PRAGMAS: tuple[tuple[str, str, str | int], ...] = (
    ("auto_vacuum", "NONE", 0),
    ("journal_mode", "TRUNCATE", "truncate"),
    ("secure_delete", "ON", 1),
    ("temp_store", "MEMORY", 2),
    ("synchronous", "FULL", 2),
    ("trusted_schema", "OFF", 0),
)

_SCHEMA = """
CREATE TABLE block (id BLOB PRIMARY KEY, withdraw_tag BLOB NOT NULL, day TEXT NOT NULL, bytes BLOB NOT NULL)
  STRICT, WITHOUT ROWID;
CREATE TABLE pending (id BLOB PRIMARY KEY, expires INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE reply (tag BLOB PRIMARY KEY, keep_until TEXT NOT NULL, sealed BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE export (number INTEGER PRIMARY KEY, manifest_sha256 TEXT NOT NULL, day TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE reply_bundle (desk INTEGER PRIMARY KEY, number INTEGER NOT NULL) STRICT, WITHOUT ROWID;
"""
_NO_TAG = bytes(ID_BYTES)


class StoredTwice(CasedropError):
    """A block with this id is there already."""


class Pending(NamedTuple):
    """A block of an upload under way: its id and its BLOCK_BYTES."""

    id: bytes
    data: bytes


@dataclass(frozen=True)
class Counts:
    """How much of what the file holds."""

    blocks: int
    pending: int
    replies: int
    exports: int


class Store:
    """The open file. Safe to share between threads: one connection, one lock.

    Every method raises CannotStore when the disk is full or the file broken; nothing of that call is then kept.
    *clock* gives UTC time; pending blocks expire after *pending_minutes*, in the hour after that.
    """

    def __init__(self, connection: sqlite3.Connection, clock: Callable[[], datetime], pending_minutes: int) -> None:
        self._connection = connection
        self._clock = clock
        self._pending_seconds = pending_minutes * 60
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: Path, *, clock: Callable[[], datetime], pending_minutes: int) -> Self:
        """Open *path*, or make it (0600). Raises StoreError with a sentence when it is not what this version works with."""
        try:
            # Made by us and not by SQLite, so that nobody else can read it even for a moment.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600))
            connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, check_same_thread=False, isolation_level=None)
        except (OSError, sqlite3.Error) as why:
            raise StoreError(f"The vault's file {path} cannot be opened: {why}.") from None
        try:
            set_pragmas(connection)
            _make_or_check(connection, path)
        except (sqlite3.Error, StoreError) as why:
            connection.close()
            raise StoreError(str(why) if isinstance(why, StoreError) else f"The vault's file {path} is damaged: {why}.") from None
        return cls(connection, clock, pending_minutes)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def check(self) -> None:
        """Raises CannotStore unless the file answers."""
        with self._transaction(write=False) as database:
            database.execute("SELECT count(*) FROM reply_bundle").fetchone()

    def add_pending(self, blocks: Sequence[Pending]) -> None:
        """Keep *blocks* until their report comes. Raises StoredTwice when an id is there already; none is then kept."""
        now = int(self._clock().timestamp())
        # The full hour after it, so that the file does not tell when an upload began.
        expires = -(-(now + self._pending_seconds) // _HOUR) * _HOUR
        with self._transaction() as database:
            self._expire(database, now)
            day = self._today().isoformat()
            try:
                database.executemany("INSERT INTO block VALUES (?, ?, ?, ?)", [(b.id, _NO_TAG, day, b.data) for b in blocks])
            except sqlite3.IntegrityError:
                raise StoredTwice from None
            database.executemany("INSERT INTO pending VALUES (?, ?)", [(block.id, expires) for block in blocks])

    def commit(self, report: Pending, tag: bytes, others: Sequence[tuple[bytes, bytes]]) -> None:
        """Make *report* final with withdraw tag *tag*, and the pending *others* (id, tag) with it, all or nothing.

        A report that is there already is not stored again, and the others, a second copy of its files, are deleted.
        Raises PendingGone when one of the others is no longer pending; nothing is then changed.
        """
        with self._transaction() as database:
            if database.execute("SELECT 1 FROM block WHERE id = ?", (report.id,)).fetchone():
                self._forget(database, [block_id for block_id, _ in others])
                return
            day = self._today().isoformat()
            database.execute("INSERT INTO block VALUES (?, ?, ?, ?)", (report.id, tag, day, report.data))
            for block_id, other_tag in others:
                if database.execute("DELETE FROM pending WHERE id = ?", (block_id,)).rowcount != 1:
                    raise PendingGone
                database.execute("UPDATE block SET withdraw_tag = ?, day = ? WHERE id = ?", (other_tag, day, block_id))

    def abandon(self, ids: Sequence[bytes]) -> None:
        """Delete those of *ids* that are pending."""
        with self._transaction() as database:
            self._forget(database, ids)

    def expire(self) -> None:
        """Delete what has waited too long: pending blocks, and replies past their day."""
        with self._transaction() as database:
            self._expire(database, int(self._clock().timestamp()))

    def replies(self, tags: Sequence[bytes]) -> list[tuple[int, bytes]]:
        """(place in *tags*, sealed reply) for each that is there, by the same work for every tag."""
        with self._transaction(write=False) as database:
            found = [database.execute("SELECT sealed FROM reply WHERE tag = ?", (tag,)).fetchone() for tag in tags]
        return [(place, row[0]) for place, row in enumerate(found) if row is not None]

    def tags(self) -> list[tuple[bytes, bytes]]:
        """(id, withdraw tag) of every final block. Only a codename's withdraw key tells which of them are its own."""
        with self._transaction(write=False) as database:
            query = "SELECT id, withdraw_tag FROM block WHERE id NOT IN (SELECT id FROM pending)"
            return [(bytes(block_id), bytes(tag)) for block_id, tag in database.execute(query)]

    def withdraw(self, owned: Sequence[tuple[bytes, bytes]]) -> None:
        """Delete the final blocks of *owned* (id, withdraw tag); a pair that does not stand together deletes nothing."""
        with self._transaction() as database:
            for block_id, tag in owned:
                if tag != _NO_TAG:
                    database.execute("DELETE FROM block WHERE id = ? AND withdraw_tag = ?", (block_id, tag))

    def forget_replies(self, tags: Sequence[bytes]) -> None:
        """Delete the replies under *tags*: who knows a tag can compute it from the codename."""
        with self._transaction() as database:
            database.executemany("DELETE FROM reply WHERE tag = ?", [(tag,) for tag in tags])

    def accept(self, bundle: ReplyBundle) -> None:
        """Store all of a verified *bundle*. Raises BadBundle when this desk's number has been used, or a tag is taken."""
        with self._transaction() as database:
            last = database.execute("SELECT number FROM reply_bundle WHERE desk = ?", (bundle.desk,)).fetchone()
            if last is not None and bundle.number <= last[0]:
                raise BadBundle(f"Reply bundle {bundle.number} of desk {bundle.desk} is not newer than {last[0]}, taken before.")
            database.execute("INSERT OR REPLACE INTO reply_bundle VALUES (?, ?)", (bundle.desk, bundle.number))
            rows = [(reply.tag, bundle.keep_until.isoformat(), reply.sealed) for reply in bundle.replies]
            try:
                database.executemany("INSERT INTO reply VALUES (?, ?, ?)", rows)
            except sqlite3.IntegrityError:
                raise BadBundle("A reply in the bundle has the tag of one that is there already.") from None

    def next_export(self, campaign: str) -> ExportManifest:
        """The manifest of everything final, under the next number, which is then used."""
        with self._transaction() as database:
            self._expire(database, int(self._clock().timestamp()))
            number = 1 + (database.execute("SELECT max(number) FROM export").fetchone()[0] or 0)
            manifest = ExportManifest.of(number=number, campaign=campaign, blocks=list(self._final(database)))
            digest = hashlib.sha256(manifest.to_bytes()).hexdigest()
            database.execute("INSERT INTO export VALUES (?, ?, ?)", (number, digest, self._today().isoformat()))
        return manifest

    def block(self, block_id: bytes) -> bytes:
        """The data of a block that is known to be there. Raises CannotStore when it is not."""
        with self._transaction(write=False) as database:
            row = database.execute("SELECT bytes FROM block WHERE id = ?", (block_id,)).fetchone()
        if row is None:
            raise CannotStore("A block that was exported is no longer there.")
        return bytes(row[0])

    def counts(self) -> Counts:
        """How much there is."""
        with self._transaction(write=False) as database:
            of = {name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0]  # noqa: S608 - our own names
                  for name in ("block", "pending", "reply", "export")}  # fmt: skip
        return Counts(of["block"] - of["pending"], of["pending"], of["reply"], of["export"])

    def _final(self, database: sqlite3.Connection) -> Iterator[ListedBlock]:
        query = "SELECT id, day, bytes FROM block WHERE id NOT IN (SELECT id FROM pending)"
        for block_id, day, data in database.execute(query):
            yield ListedBlock(block_id, hashlib.sha256(data).hexdigest(), date.fromisoformat(day))

    def _expire(self, database: sqlite3.Connection, now: int) -> None:
        gone = database.execute("SELECT id FROM pending WHERE expires <= ?", (now,)).fetchall()
        self._forget(database, [row[0] for row in gone])
        database.execute("DELETE FROM reply WHERE keep_until < ?", (self._today().isoformat(),))

    def _forget(self, database: sqlite3.Connection, ids: Sequence[bytes]) -> None:
        for block_id in ids:
            # Only what is pending: nobody who knows an id can delete a block that is final.
            if database.execute("DELETE FROM pending WHERE id = ?", (block_id,)).rowcount:
                database.execute("DELETE FROM block WHERE id = ?", (block_id,))

    def _today(self) -> date:
        return self._clock().astimezone(UTC).date()

    @contextmanager
    def _transaction(self, *, write: bool = True) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
                try:
                    yield self._connection
                    self._connection.execute("COMMIT")
                finally:
                    # After a COMMIT there is nothing left to take back.
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
            except sqlite3.Error:
                # The text of SQLite's error may name values; none of it goes further.
                raise CannotStore from None


def set_pragmas(connection: sqlite3.Connection) -> None:
    """Make SQLite's settings and read them back. Raises StoreError naming one that did not take."""
    for name, wanted, _ in PRAGMAS:
        connection.execute(f"PRAGMA {name} = {wanted}")
    for name, _, expected in PRAGMAS:
        found = connection.execute(f"PRAGMA {name}").fetchone()[0]
        if found != expected:
            raise StoreError(f"SQLite does not take the setting {name}: it is {found} and has to be {expected}.")


def _make_or_check(connection: sqlite3.Connection, path: Path) -> None:
    database = sqlite_utils.Database(connection, use_counts_table=False)
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0 and not database.table_names():
        connection.executescript(f"BEGIN EXCLUSIVE; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
    elif version != SCHEMA_VERSION:
        raise StoreError(f"The vault's file {path} was made by another version of Casedrop (schema {version}).")
    if set(database.table_names()) != {"block", "pending", "reply", "export", "reply_bundle"}:
        raise StoreError(f"{path} is not a vault's file.")
