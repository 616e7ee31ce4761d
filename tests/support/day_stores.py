"""Stores of days and slots for tests: small quanta, ticks by hand, and what such a store holds."""

import os
import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from dropbox.erase_hash import erase_hash, erase_preimage
from dropbox.reply_bundle import Acknowledged, ReplyBundle, SealedReply
from dropbox.sizes import BLOCK_BYTES, ID_BYTES, REPLY_BYTES
from dropbox.tombstone import Reason
from dropbox.vault.block_store import Block, Claim, Export
from dropbox.vault.day_store import DayStore
from dropbox.vault.store_limits import StoreLimits

START = datetime(2026, 11, 24, 10, 20, tzinfo=UTC)
SMALL = StoreLimits(
    quantum=8,
    tick_slots=16,
    queue_slots=64,
    removal_slots=4,
    patience_seconds=0.2,
    kept_slots=0,
)
SECRET = b"W" * 32
_FILE_SECRET = b"F" * 32


class TickClock:
    """A clock that a test moves."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def next_day(self, days: int = 1) -> None:
        """The same time, some days later."""
        self.now += timedelta(days=days)


def tombstone(block_id: bytes, reason: Reason, digest: bytes) -> bytes:
    """A stand-in that can be recognised; a real one is sealed."""
    return (b"tombstone" + bytes([reason]) + block_id + digest).ljust(BLOCK_BYTES, b"t")


def sealed_tombstone(block_id: bytes, reason: Reason, digest: bytes) -> bytes:
    """A stand-in that looks like a real one."""
    return os.urandom(BLOCK_BYTES)


def open_days(path: Path, clock: Callable[[], datetime] | None = None, **named: Any) -> DayStore:
    """A small store without a thread."""
    named = {"limits": SMALL, "tombstone": tombstone, **named}
    return DayStore.open(path, clock=clock or TickClock(), **named)


def report(secret: bytes = SECRET, make: Callable[[int], bytes] = os.urandom) -> Block:
    """A block that *secret* withdraws."""
    block_id = make(ID_BYTES)
    return Block(block_id, erase_hash(erase_preimage(secret, block_id)), make(BLOCK_BYTES))


def piece(make: Callable[[int], bytes] = os.urandom) -> Block:
    """A piece of a file, whose report has not come yet."""
    return report(_FILE_SECRET, make)


def claim(block: Block, secret: bytes = SECRET) -> Claim:
    """What a report says of a piece."""
    return Claim(
        block.id,
        erase_preimage(_FILE_SECRET, block.id),
        erase_hash(erase_preimage(secret, block.id)),
    )


def owned(block: Block, secret: bytes = SECRET) -> tuple[bytes, bytes]:
    """What erases a block that *secret* withdraws."""
    return block.id, erase_preimage(secret, block.id)


def bundle_of(
    number: int,
    tags: Sequence[bytes] = (),
    *,
    keep_until: date = date(2027, 1, 1),
    desk: int = 0,
    acknowledged: Sequence[Acknowledged] = (),
) -> ReplyBundle:
    """A desk's bundle with replies under these tags."""
    replies = tuple(SealedReply(tag, reply_under(tag)) for tag in tags)
    day = START.date()
    return ReplyBundle(
        "o.onion", "c", desk, "A" * 40, number, day, day, keep_until, replies, tuple(acknowledged)
    )


def reply_under(tag: bytes) -> bytes:
    """The sealed reply that tests store under a tag."""
    return (tag * REPLY_BYTES)[:REPLY_BYTES]


def export_and_acknowledge(store: DayStore, number: int) -> None:
    """Export *number*, which the desk has stored and acknowledges as its bundle *number*."""
    head = os.urandom(32)
    store.note_export(Export(number, head))
    store.accept(bundle_of(number, acknowledged=[Acknowledged(store.vault_id(), number, head)]))


def file_report(
    store: DayStore, files: int = 0, secret: bytes = SECRET
) -> tuple[Block, list[Block]]:
    """File a report with so many pieces; returns both."""
    pieces, block = [piece() for _ in range(files)], report(secret)
    for start in range(0, files, 16):
        store.put(pieces[start : start + 16])
    store.commit(block, [claim(one, secret) for one in pieces])
    return block, pieces


class Held(NamedTuple):
    """A slot in a closed file."""

    day: int
    id: bytes
    erase_hash: bytes
    sha256: bytes
    data: bytes


def held(path: Path) -> dict[bytes, Held]:
    """Every slot of a closed file, read without the store; checks that it is whole."""
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    rows = connection.execute("SELECT head, bytes FROM slot ORDER BY place").fetchall()
    connection.close()
    found = [
        Held(int.from_bytes(head[:4], "big"), head[4:20], head[20:36], head[36:], data)
        for head, data in rows
    ]
    assert len({slot.id for slot in found}) == len(found)
    return {slot.id: slot for slot in found}


def rows_of(path: Path, query: str) -> list[tuple[Any, ...]]:
    """What a closed file answers."""
    connection = sqlite3.connect(path)
    found = connection.execute(query).fetchall()
    connection.close()
    return found
