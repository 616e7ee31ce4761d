"""The tables of the vault's file, SQLite's settings for it, and how it is made and opened.

The file's rows say only what may be known: the UTC day of a slot; whether a day was acknowledged;
sealed records of day keys; the numbers of the exports and of each desk's bundles.
"""

import contextlib
import fcntl
import os
import secrets
import sqlite3
from pathlib import Path

from dropbox.durable_file import replace_file
from dropbox.errors import StoreError
from dropbox.export_bundle import MAX_TAKEN
from dropbox.sizes import BLOCK_BYTES, ID_BYTES, REPLY_BYTES
from dropbox.system_error import explained
from dropbox.vault.journal import journal_path

SCHEMA_VERSION = 4
# Measured for 64 slots in one tick: 21 ms of CPU time with pages of 4,096 bytes, 11 ms with these,
# 9 ms with pages twice as large, which would make a tick that stores nothing more expensive.
PAGE_BYTES = 8_192
DAY_BYTES = 4  # days since 1970
HEAD_BYTES = DAY_BYTES + ID_BYTES + 16 + 32  # day, id, erase hash, SHA-256 of the bytes
REPLY_HEAD_BYTES = DAY_BYTES + ID_BYTES  # last day, tag
LEDGER_BYTES = 128
LEDGER_CONTENT_BYTES = ID_BYTES + DAY_BYTES  # vault, last day; the rest is random
RECORD_MAX_BYTES = 65_536
# A vault that was killed in the middle of a write holds the file until the disk has finished.
_BUSY_SECONDS = 25.0
_COUNTER_OFFSETS = (24, 92)
_COUNTER_BYTES = 4
# The system gives out the lowest free number: a vault at its start has opened far fewer files.
_FIRST_DESCRIPTOR, _LAST_DESCRIPTOR = 3, 1_023

# (name, value set, value read back), in this order: with exclusive locking, SQLite keeps the
# journal of an interrupted run instead of deleting it, which would leave its blocks in freed space.
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
    f"""CREATE TABLE ledger (
  place INTEGER PRIMARY KEY CHECK (place = 0),
  bytes BLOB NOT NULL CHECK (length(bytes) = {LEDGER_BYTES})
) STRICT""",
    "CREATE TABLE accepted (desk INTEGER, reviewer TEXT, number INTEGER,"
    " PRIMARY KEY (desk, reviewer, number)) STRICT, WITHOUT ROWID",
)
# Version 3 kept only the number of the newest bundle.
_ACCEPTED_3 = (
    "CREATE TABLE accepted (desk INTEGER, reviewer TEXT, number INTEGER NOT NULL,"
    " PRIMARY KEY (desk, reviewer)) STRICT, WITHOUT ROWID"
)


def connect(path: Path) -> sqlite3.Connection:
    """Open *path*, or make it (0600). Raises StoreError if this version cannot use it."""
    try:
        if _is_new(path):
            # SQLite would play an old journal back into the new file.
            journal_path(path).unlink(missing_ok=True)
            replace_file(path, _fresh())
        connection = sqlite3.connect(
            path, timeout=_BUSY_SECONDS, check_same_thread=False, isolation_level=None
        )
    except (OSError, sqlite3.Error) as why:
        raise StoreError(f"The vault's file {path} cannot be opened: {_reason(why)}") from None
    try:
        _set_pragmas(connection)
        _bring_up(connection)
        _check_schema(connection, path)
    except (sqlite3.Error, StoreError) as why:
        connection.close()
        raise StoreError(
            str(why)
            if isinstance(why, StoreError)
            else f"The vault's file {path} is in use or damaged: {why}."
        ) from None
    return connection


def _reason(why: OSError | sqlite3.Error) -> str:
    return explained(why) if isinstance(why, OSError) else f"{why}."


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


def _bring_up(connection: sqlite3.Connection) -> None:
    """Bring a file of version 3 to the present one, all at once; leave any other as it is."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    before = {*_SCHEMA[:-1], _ACCEPTED_3}
    if version != 3 or _statements(connection) != before:
        return
    newest = connection.execute("SELECT desk, reviewer, number FROM accepted").fetchall()
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("DROP TABLE accepted")
    connection.execute(_SCHEMA[-1])
    connection.executemany(
        "INSERT INTO accepted VALUES (?, ?, ?)",
        [(*sender, one) for *sender, number in newest for one in taken_until(number)],
    )
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute("COMMIT")


def taken_until(number: int) -> range:
    """The reply bundles that count as taken if only the *number* of the newest is known.

    Desks assumed so, too: calling earlier ones lost would make them send those answers again.
    """
    return range(max(1, number - MAX_TAKEN + 1), number + 1)


def _statements(connection: sqlite3.Connection) -> set[str]:
    return {row[0] for row in connection.execute("SELECT sql FROM sqlite_schema")}


def _check_schema(connection: sqlite3.Connection, path: Path) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != SCHEMA_VERSION:
        raise StoreError(
            f"The vault's file {path} was made by another version of Casedrop (schema {version})."
        )
    # The schema includes triggers and additional indexes.
    if _statements(connection) != set(_SCHEMA):
        raise StoreError(f"{path} is not a vault's file.")


def forbid_access_times(path: Path) -> None:
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
            # Refused unless this user owns the file.
            with contextlib.suppress(PermissionError):
                fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_NOATIME)
