"""Creating and opening the vault's file: its tables, and SQLite's settings, verified each time.

A new file is built in memory, so it exists with all of its tables or not at all.
"""

import os
import secrets
import sqlite3
from pathlib import Path

import sqlite_utils

from dropbox.durable_file import replace_file
from dropbox.errors import StoreError
from dropbox.sizes import BLOCK_BYTES, ID_BYTES

SCHEMA_VERSION = 2
DAY_CHARACTERS = len("2026-11-24")
EXPIRES_BYTES = 8
_BUSY_SECONDS = 10.0
# Offsets in the header of the change counter and of its copy ("version-valid-for number"):
# https://www.sqlite.org/fileformat.html, 1.3.
_COUNTER_OFFSETS = (24, 92)
_COUNTER_BYTES = 4

# (name, value set, value read back). The reasons, confirmed by measurement: a deleted row must be
# overwritten in the file (secure_delete) and must not survive in a journal (TRUNCATE; WAL keeps it)
# or a temporary file; what the vault says is stored must be on disk (synchronous).
PRAGMAS: tuple[tuple[str, str, str | int], ...] = (
    ("auto_vacuum", "NONE", 0),
    ("journal_mode", "TRUNCATE", "truncate"),
    ("secure_delete", "ON", 1),
    ("temp_store", "MEMORY", 2),
    ("synchronous", "FULL", 2),
    ("trusted_schema", "OFF", 0),
)

# One statement per table. All rows of blocks have the same length, so they can be overwritten in
# place. There is no second index, since it would grow in the order of filing.
_SCHEMA = (
    f"""CREATE TABLE slot (
  place INTEGER PRIMARY KEY,
  id BLOB NOT NULL CHECK (length(id) = {ID_BYTES}),
  withdraw_tag BLOB NOT NULL CHECK (length(withdraw_tag) = {ID_BYTES}),
  day TEXT NOT NULL CHECK (length(day) = {DAY_CHARACTERS}),
  expires BLOB NOT NULL CHECK (length(expires) = {EXPIRES_BYTES}),
  bytes BLOB NOT NULL CHECK (length(bytes) = {BLOCK_BYTES})
) STRICT""",
    "CREATE TABLE reply (tag BLOB PRIMARY KEY, keep_until TEXT NOT NULL, sealed BLOB NOT NULL)"
    " STRICT, WITHOUT ROWID",
    "CREATE TABLE export (number INTEGER PRIMARY KEY, manifest_sha256 TEXT NOT NULL,"
    " day TEXT NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE reply_bundle (desk INTEGER PRIMARY KEY, number INTEGER NOT NULL)"
    " STRICT, WITHOUT ROWID",
)


def open_file(path: Path) -> sqlite3.Connection:
    """Connect to *path* in autocommit mode, for any thread; create it (0600) if absent or empty.

    Raises StoreError, with a sentence, if this version cannot use the file.
    """
    try:
        if _is_new(path):
            # SQLite would replay an old journal into the new file.
            path.with_name(path.name + "-journal").unlink(missing_ok=True)
            replace_file(path, _fresh())
        connection = sqlite3.connect(
            path, timeout=_BUSY_SECONDS, check_same_thread=False, isolation_level=None
        )
    except (OSError, sqlite3.Error) as why:
        raise StoreError(f"The vault's file {path} cannot be opened: {why}.") from None
    try:
        set_pragmas(connection)
        _check_schema(connection, path)
    except (sqlite3.Error, StoreError) as why:
        connection.close()
        raise StoreError(
            str(why)
            if isinstance(why, StoreError)
            else f"The vault's file {path} is damaged: {why}."
        ) from None
    return connection


def set_pragmas(connection: sqlite3.Connection) -> None:
    """Set SQLite's PRAGMAS and read them back. Raises StoreError naming one that had no effect."""
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
    """The bytes of a new, empty file.

    SQLite counts all transactions in the header, including those of failed uploads and of blocks
    long since withdrawn. The count, modulo 2**32, starts at a random number, so its value reveals
    nothing to whoever finds the file.
    """
    database = sqlite3.connect(":memory:", isolation_level=None)
    database.executescript(
        f"BEGIN; {'; '.join(_SCHEMA)}; PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
    )
    content = bytearray(database.serialize())
    database.close()
    counter = secrets.token_bytes(_COUNTER_BYTES)
    for offset in _COUNTER_OFFSETS:
        content[offset : offset + _COUNTER_BYTES] = counter
    return bytes(content)


def _check_schema(connection: sqlite3.Connection, path: Path) -> None:
    database = sqlite_utils.Database(connection, use_counts_table=False)
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != SCHEMA_VERSION:
        raise StoreError(
            f"The vault's file {path} was made by another version of Casedrop (schema {version}): "
            "export it with that version, then move it away."
        )
    # The schema includes triggers and additional indexes.
    if database.schema.rstrip(";\n").split(";\n") != list(_SCHEMA):
        raise StoreError(f"{path} is not a vault's file.")
