"""Bringing a vault's file of format 1 into a store of days and slots.

A block keeps its id and its day; blocks of days that would soon leave are filed today. The sealed
message of a report is put, unchanged, into a block under a day key made for this purpose, whose
record the store keeps; blocks of files stay as they are. Whatever could delete a block still can:
the store keeps the hash of its withdraw tag. Nothing is kept of the old exports, since the new
vault has another id.
"""

import socket
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import NamedTuple

from dropbox.block import CONTENT_BYTES, Kind, open_block, seal_block
from dropbox.day_key import DayKey
from dropbox.erase_hash import erase_hash
from dropbox.errors import BadPacket, CannotOpen, CannotStore, StoreError
from dropbox.hpke import PublicKey
from dropbox.sealed_message import message_length
from dropbox.settings import Settings
from dropbox.sizes import PENDING_BATCH, REPLY_BYTES
from dropbox.tombstone import Reason
from dropbox.vault.block_store import Block
from dropbox.vault.day_store import DayStore
from dropbox.vault.format_1_file import FINAL, open_file
from dropbox.vault.reply_heads import BATCH, ReplyHead
from dropbox.vault.slot_heads import Head, day_number
from dropbox.vault.store_url import limits_of

_BLOCKS = "SELECT id, withdraw_tag, bytes FROM slot WHERE expires = ? AND day = ?"
_NOT_WHOLE = "What was converted is not what was there; the old file is as it was."


@dataclass(frozen=True)
class Migrated:
    """How many reports, blocks of files and replies there are, and what changed beyond the format.

    ``today``: blocks that are filed today instead of on their own day. ``pending``: blocks of
    uploads that never ended, which are left out. ``expired``: replies whose time was over.
    """

    reports: int
    pieces: int
    replies: int
    today: int
    pending: int
    expired: int


class _Converted(NamedTuple):
    block: Block
    is_report: bool


@dataclass
class _Clock:
    now: datetime

    def __call__(self) -> datetime:
        return self.now


def convert(
    old: Path,
    new: Path,
    *,
    reviewers: Sequence[PublicKey],
    fingerprints: Sequence[str],
    settings: Settings,
    now: datetime,
) -> Migrated:
    """Make the store *new*, which must not exist, from the file *old*, and verify it.

    *reviewers*: their HPKE keys for today. *fingerprints*: their pinned primary keys; a desk's
    number counts for each of them from now on. *settings* set the store's sizes; *now* is UTC time.
    Raises StoreError or CannotStore; anything written to *new* is then useless.
    """
    limits = limits_of(settings)
    with closing(open_file(old)) as source:
        days = _Days(source, now.date(), limits.retention.limit_days)
        keys = {day: DayKey.make(day) for day in sorted({*days.target.values(), now.date()})}
        clock = _Clock(now)
        clock.now = datetime.combine(min(keys), time(12), UTC) if min(keys) < now.date() else now
        store = DayStore.open(new, clock=clock, tombstone=_no_tombstone, limits=limits)
        try:
            for day, key in keys.items():
                clock.now = now if day == now.date() else datetime.combine(day, time(12), UTC)
                store.confirm_clock()
                store.tick()
                store.keep_key(day, key.seal(reviewers).to_bytes())
                for blocks in _batches(days.blocks(day, key)):
                    store.put([one.block for one in blocks])
                store.tick()
            replies = _take_replies(source, store, now.date(), fingerprints)
        finally:
            store.close()
        counts = _verify(new, days, keys)
        if _replies_in(new) & set(replies) != set(replies):
            raise StoreError(_NOT_WHOLE)
        (pending,) = source.execute(
            "SELECT count(*) FROM slot WHERE expires <> ?", (FINAL,)
        ).fetchone()
        (all_replies,) = source.execute("SELECT count(*) FROM reply").fetchone()
    return Migrated(*counts, len(replies), days.moved, pending, all_replies - len(replies))


def stopped(socket_path: Path) -> bool:
    """Whether no vault answers on its courier socket."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(socket_path))
        except OSError:
            return True
    return False


class _Days:
    """The final blocks of the old file by the day on which they are filed."""

    def __init__(self, source: sqlite3.Connection, today: date, limit_days: int) -> None:
        self._source = source
        rows = source.execute(
            "SELECT day, count(*) FROM slot WHERE expires = ? GROUP BY day", (FINAL,)
        ).fetchall()
        self.target: dict[str, date] = {}
        self.moved = 0
        for text, count in rows:
            try:
                day = date.fromisoformat(text)
            except ValueError:
                raise StoreError("A block of the old file has no day.") from None
            # This leaves half of the time that a day is kept to the courier and the desk.
            keeps = 0 <= (today - day).days <= limit_days // 2
            self.target[text] = day if keeps else today
            self.moved += 0 if keeps else count

    def blocks(self, day: date, key: DayKey) -> Iterator[_Converted]:
        """The blocks to file on *day*, reports sealed under *key*."""
        for block_id, tag, data in self.originals(day):
            message = _message(data)
            new = data if message is None else seal_block(Kind.REPORT, message, key.key)
            yield _Converted(Block(block_id, erase_hash(tag), new), message is not None)

    def originals(self, day: date) -> Iterator[tuple[bytes, bytes, bytes]]:
        """(id, withdraw tag, bytes) of the same blocks."""
        for text, target in self.target.items():
            if target == day:
                yield from self._source.execute(_BLOCKS, (FINAL, text))


def _message(data: bytes) -> bytes | None:
    """The sealed message that a report's block begins with; None for a piece of a file."""
    try:
        length = message_length(data)
    except BadPacket:
        return None
    # A message made by another program may be too long for a block that is sealed once more.
    if length > CONTENT_BYTES:
        raise StoreError("A report of the old file is too long for a block of format 2.")
    return data[:length]


def _batches(blocks: Iterator[_Converted]) -> Iterator[list[_Converted]]:
    batch: list[_Converted] = []
    for one in blocks:
        batch.append(one)
        if len(batch) == PENDING_BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _take_replies(
    source: sqlite3.Connection, store: DayStore, today: date, fingerprints: Sequence[str]
) -> list[tuple[bytes, bytes]]:
    """Take over replies that can still be read, and each desk's last number."""
    taken: list[tuple[bytes, bytes]] = []
    last_days = source.execute("SELECT DISTINCT keep_until FROM reply ORDER BY keep_until")
    for (text,) in last_days.fetchall():
        if date.fromisoformat(text) < today:
            continue
        rows = source.execute("SELECT tag, sealed FROM reply WHERE keep_until = ?", (text,))
        replies = [(bytes(tag), bytes(sealed)) for tag, sealed in rows]
        if any(len(sealed) != REPLY_BYTES for _, sealed in replies):
            raise StoreError("A reply of the old file has a wrong length.")
        for start in range(0, len(replies), BATCH):
            store.take_over(replies[start : start + BATCH], date.fromisoformat(text), {})
        taken += replies
    numbers = {
        (desk, fingerprint): number
        for desk, number in source.execute("SELECT desk, number FROM reply_bundle")
        for fingerprint in fingerprints
    }
    if numbers:
        store.take_over([], today, numbers)
    return taken


def _verify(new: Path, days: _Days, keys: dict[date, DayKey]) -> tuple[int, int]:
    """Read the closed file on its own. Returns how many reports and pieces it has."""
    reports = pieces = 0
    with closing(sqlite3.connect(new)) as database:
        if database.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
            raise StoreError(_NOT_WHOLE)
        rows = database.execute("SELECT place, head FROM slot").fetchall()
        heads = {head.id: (place, head) for place, raw in rows for head in [Head.of(raw)]}
        for day, key in keys.items():
            for block_id, tag, data in days.originals(day):
                place, head = heads.get(block_id, (None, None))
                if head is None or (head.day, head.erase_hash) != (
                    day_number(day),
                    erase_hash(tag),
                ):
                    raise StoreError(_NOT_WHOLE)
                (found,) = database.execute(
                    "SELECT bytes FROM slot WHERE place = ?", (place,)
                ).fetchone()
                message = _message(data)
                if message is None:
                    same, pieces = found == data, pieces + 1
                else:
                    same, reports = _holds(found, message, key), reports + 1
                if not same:
                    raise StoreError(_NOT_WHOLE)
    return reports, pieces


def _holds(block: bytes, message: bytes, key: DayKey) -> bool:
    try:
        opened = open_block(block, [key.key])
    except CannotOpen:
        return False
    return (opened.kind, opened.content) == (Kind.REPORT, message)


def _replies_in(new: Path) -> set[tuple[bytes, bytes]]:
    with closing(sqlite3.connect(new)) as database:
        rows = database.execute("SELECT head, bytes FROM reply")
        return {(ReplyHead.of(head).tag, data) for head, data in rows}


def _no_tombstone(block_id: bytes, reason: Reason, digest: bytes) -> bytes:
    """Nothing is deleted here."""
    raise CannotStore
