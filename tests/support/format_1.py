"""What the first format left behind: a vault's file, with plain SQL, blocks and export bundles."""

import random
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from nacl.signing import SigningKey

from dropbox.bundle import EXPORT, ExportManifest
from dropbox.errors import BadPacket, CannotOpen
from dropbox.openpgp import Opener, Reviewers
from dropbox.report import Report
from dropbox.sealed_message import message_length
from dropbox.sealing import open_message, seal_message
from dropbox.sizes import BLOCK_BYTES, ID_BYTES
from dropbox.tar_members import END, member
from dropbox.vault.format_1_file import EXPIRES_BYTES, SCHEMA, SCHEMA_VERSION

TAG = b"t" * ID_BYTES
# The Unix time, a full hour, at which a block expires whose report has not come; 0: it has come.
_LATER = 1_800_000_000


def block() -> tuple[bytes, bytes]:
    """An id, and the bytes of a block."""
    return secrets.token_bytes(ID_BYTES), secrets.token_bytes(BLOCK_BYTES)


def seal_report(report: Report, reviewers: Reviewers) -> bytes:
    """*report* as one block: its message, filled up with random bytes."""
    message = seal_message(report, reviewers)
    return message + secrets.token_bytes(BLOCK_BYTES - len(message))


def open_report(data: bytes, opener: Opener) -> Report:
    """The report in such a block. Raises CannotOpen or BadReport."""
    try:
        length = message_length(data)
    except BadPacket as why:
        raise CannotOpen(str(why)) from None
    return open_message(memoryview(data)[:length], opener)


def write_export(
    manifest: ExportManifest, get_block: Callable[[bytes], bytes], key: SigningKey
) -> Iterator[bytes]:
    """An export bundle in pieces; *get_block* returns a block's data by id."""
    body = manifest.to_bytes()
    yield member("manifest.json", body)
    yield member("manifest.sig", key.sign(EXPORT.encode() + b"\0" + body).signature)
    for listed in manifest.blocks:
        yield member(listed.id.hex(), get_block(listed.id))
    yield END


@dataclass
class FirstVault:
    """A vault's file of the first format. Blocks are in random places, whatever came when."""

    path: Path

    def __post_init__(self) -> None:
        with closing(sqlite3.connect(self.path)) as database:
            database.executescript(";".join(SCHEMA))
            database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def file(self, day: date, *blocks: tuple[bytes, bytes], expires: int = 0) -> None:
        """Add the blocks of a report filed on *day*, or of an upload that goes on."""
        with closing(sqlite3.connect(self.path)) as database, database:
            (count,) = database.execute("SELECT count(*) FROM slot").fetchone()
            for end, (block_id, data) in enumerate(blocks, count):
                place = random.randrange(end + 1)
                database.execute("UPDATE slot SET place = ? WHERE place = ?", (end, place))
                row = (block_id, TAG, day.isoformat(), expires.to_bytes(EXPIRES_BYTES, "big"), data)
                database.execute("INSERT INTO slot VALUES (?, ?, ?, ?, ?, ?)", (place, *row))

    def leave(self, day: date, *blocks: tuple[bytes, bytes]) -> None:
        """Add the blocks of an upload whose report has not come."""
        self.file(day, *blocks, expires=_LATER)

    def answer(self, replies: Sequence[tuple[bytes, bytes]], keep_until: date) -> None:
        """Keep replies (tag, sealed)."""
        rows = [(tag, keep_until.isoformat(), sealed) for tag, sealed in replies]
        with closing(sqlite3.connect(self.path)) as database, database:
            database.executemany("INSERT INTO reply VALUES (?, ?, ?)", rows)
