"""The vault's only file: blocks, sealed replies by tag, and the numbers of the bundles.

It holds no plaintext, and no time more exact than a day (for pending blocks, a full hour). Nothing
is in the order of arrival: blocks are in random places, everything else is ordered by random or
given keys.
"""

import hashlib
import os
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple, Self

from dropbox.bundle import ExportManifest, ListedBlock, ReplyBundle
from dropbox.errors import BadBundle, CannotStore, CasedropError, PendingGone, StoreError
from dropbox.vault.database import open_file
from dropbox.vault.slots import NO_TAG, RandomBelow, Slots

_HOUR = 3_600


class StoredTwice(CasedropError):
    """A block with this id already exists."""


class Pending(NamedTuple):
    """A block of an upload in progress: its id and its BLOCK_BYTES."""

    id: bytes
    data: bytes


@dataclass(frozen=True)
class Counts:
    """How many items of each kind the file holds."""

    blocks: int
    pending: int
    replies: int
    exports: int


class Store:
    """The open file. Safe to share between threads: one connection, one lock.

    Every method raises CannotStore if the disk is full or the file damaged; nothing of that call is
    then kept. *clock* returns UTC time. Pending blocks expire *pending_minutes* after they arrive,
    at the next full hour. *randbelow* chooses the blocks' places.
    """

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        clock: Callable[[], datetime],
        pending_minutes: int,
        randbelow: RandomBelow,
    ) -> None:
        self._path = path
        self._connection = connection
        self._clock = clock
        self._pending_seconds = pending_minutes * 60
        self._lock = threading.Lock()
        self._slots = Slots(connection, randbelow)

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        clock: Callable[[], datetime],
        pending_minutes: int,
        randbelow: RandomBelow = secrets.randbelow,
    ) -> Self:
        """Open *path*, or create it (0600). Raises StoreError if this version cannot use it."""
        store = cls(path, open_file(path), clock, pending_minutes, randbelow)
        try:
            store.check()
        except CannotStore:
            store.close()
            raise StoreError(
                f"The vault's file {path} is damaged: its blocks cannot be read."
            ) from None
        return store

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def check(self) -> None:
        """Raise CannotStore unless the file can be read."""
        with self._transaction(write=False) as database:
            database.execute("SELECT count(*) FROM reply_bundle").fetchone()

    def add_pending(self, blocks: Sequence[Pending]) -> None:
        """Keep *blocks* until their report arrives.

        Raises StoredTwice, storing none, if an id exists.
        """
        now = int(self._clock().timestamp())
        # Rounded up to a full hour, so the file does not reveal when an upload began.
        expires = -(-(now + self._pending_seconds) // _HOUR) * _HOUR
        with self._transaction() as database:
            self._expire(database, now)
            for block in blocks:
                if self._slots.holds(block.id):
                    raise StoredTwice
                self._slots.add(
                    block.id, block.data, tag=NO_TAG, day=self._today(), expires=expires
                )

    def commit(self, report: Pending, tag: bytes, others: Sequence[tuple[bytes, bytes]]) -> None:
        """Make *report* (with *tag*) and the pending *others* (id, tag) final, all or nothing.

        A report that already exists is not stored again; the others, a second copy of its files,
        are deleted. Raises PendingGone, changing nothing, if one of the others is no longer
        pending.
        """
        with self._transaction():
            if self._slots.holds(report.id):
                self._forget([block_id for block_id, _ in others])
                return
            day = self._today()
            self._slots.add(report.id, report.data, tag=tag, day=day)
            for block_id, other_tag in others:
                if not self._slots.is_pending(block_id):
                    raise PendingGone
                self._slots.finish(block_id, tag=other_tag, day=day)

    def abandon(self, ids: Sequence[bytes]) -> None:
        """Delete the pending blocks among *ids*."""
        with self._transaction():
            self._forget(ids)

    def expire(self) -> None:
        """Delete expired pending blocks and replies."""
        with self._transaction() as database:
            self._expire(database, int(self._clock().timestamp()))

    def touch(self) -> None:
        """Set the timestamps of the file and its journal to now, as if it had just been written."""
        with self._lock:
            for path in (self._path, self._path.with_name(self._path.name + "-journal")):
                try:
                    os.utime(path)
                except FileNotFoundError:
                    continue  # no journal exists before the first write
                except OSError:
                    raise CannotStore from None

    def replies(self, tags: Sequence[bytes]) -> list[tuple[int, bytes]]:
        """(index in *tags*, sealed reply) for each reply found; every tag takes the same work."""
        with self._transaction(write=False) as database:
            found = [
                database.execute("SELECT sealed FROM reply WHERE tag = ?", (tag,)).fetchone()
                for tag in tags
            ]
        return [(index, row[0]) for index, row in enumerate(found) if row is not None]

    def tags(self) -> list[tuple[bytes, bytes]]:
        """(id, withdraw tag) of every final block.

        Only a codename's withdraw key can tell which are its own.
        """
        with self._transaction(write=False):
            return self._slots.tags()

    def withdraw(self, owned: Sequence[tuple[bytes, bytes]]) -> None:
        """Delete each final block of *owned* (id, withdraw tag) whose withdraw tag matches."""
        with self._transaction():
            for block_id, tag in owned:
                # Pending blocks all have NO_TAG, which no codename's keys can produce.
                if tag != NO_TAG and self._slots.tag(block_id) == tag:
                    self._slots.remove(block_id)

    def forget_replies(self, tags: Sequence[bytes]) -> None:
        """Delete the replies under *tags*: only somebody with the codename can compute a tag."""
        with self._transaction() as database:
            database.executemany("DELETE FROM reply WHERE tag = ?", [(tag,) for tag in tags])

    def accept(self, bundle: ReplyBundle) -> None:
        """Store a whole, verified *bundle*.

        Raises BadBundle if its number or one of its tags was used.
        """
        with self._transaction() as database:
            last = database.execute(
                "SELECT number FROM reply_bundle WHERE desk = ?", (bundle.desk,)
            ).fetchone()
            if last is not None and bundle.number <= last[0]:
                raise BadBundle(
                    f"Reply bundle {bundle.number} of desk {bundle.desk} is not newer than "
                    f"{last[0]}, which the vault has already accepted."
                )
            database.execute(
                "INSERT OR REPLACE INTO reply_bundle VALUES (?, ?)", (bundle.desk, bundle.number)
            )
            rows = [
                (reply.tag, bundle.keep_until.isoformat(), reply.sealed) for reply in bundle.replies
            ]
            try:
                database.executemany("INSERT INTO reply VALUES (?, ?, ?)", rows)
            except sqlite3.IntegrityError:
                raise BadBundle(
                    "A reply in the bundle has the tag of one that already exists."
                ) from None

    def next_export(self, campaign: str) -> ExportManifest:
        """The manifest of all final blocks, under the next number, which is then used up."""
        with self._transaction() as database:
            self._expire(database, int(self._clock().timestamp()))
            number = 1 + (database.execute("SELECT max(number) FROM export").fetchone()[0] or 0)
            manifest = ExportManifest.of(number=number, campaign=campaign, blocks=self._listed())
            digest = hashlib.sha256(manifest.to_bytes()).hexdigest()
            database.execute(
                "INSERT INTO export VALUES (?, ?, ?)", (number, digest, self._today().isoformat())
            )
        return manifest

    def block(self, block_id: bytes) -> bytes:
        """The data of an existing block. Raises CannotStore if it does not exist."""
        with self._transaction(write=False):
            data = self._slots.data(block_id)
        if data is None:
            raise CannotStore("A block no longer exists while it is being exported.")
        return data

    def counts(self) -> Counts:
        """How many items of each kind there are."""
        with self._transaction(write=False) as database:
            final, pending = self._slots.count()
            replies, exports = (
                database.execute(f"SELECT count(*) FROM {name}").fetchone()[0]  # noqa: S608 - ours
                for name in ("reply", "export")
            )
        return Counts(final, pending, replies, exports)

    def _listed(self) -> Iterator[ListedBlock]:
        for block in self._slots.final():
            yield ListedBlock(block.id, hashlib.sha256(block.data).hexdigest(), block.day)

    def _expire(self, database: sqlite3.Connection, now: int) -> None:
        self._forget(self._slots.expired(now))
        database.execute("DELETE FROM reply WHERE keep_until < ?", (self._today().isoformat(),))

    def _forget(self, ids: Sequence[bytes]) -> None:
        for block_id in ids:
            # Only pending blocks: knowing an id is not enough to delete a final one.
            if self._slots.is_pending(block_id):
                self._slots.remove(block_id)

    def _today(self) -> date:
        return self._clock().astimezone(UTC).date()

    @contextmanager
    def _transaction(self, *, write: bool = True) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
                try:
                    self._slots.begin()
                    yield self._connection
                    self._connection.execute("COMMIT")
                    self._slots.committed()
                finally:
                    # After a COMMIT there is nothing to roll back.
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                    self._slots.rolled_back()
            except (sqlite3.Error, CannotStore):
                self._slots.invalidate()
                # The text of SQLite's error may contain values; none of it is passed on.
                raise CannotStore from None
