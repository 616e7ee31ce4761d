"""Reading a vault's file of format 1, for `casedrop migrate`; such files are no longer written."""

import sqlite3
from pathlib import Path
from urllib.parse import quote

from dropbox.errors import StoreError
from dropbox.sizes import BLOCK_BYTES, ID_BYTES

SCHEMA_VERSION = 2
_DAY_CHARACTERS = len("2026-11-24")
# A block with this expiry has its report; for any other, the report never came.
EXPIRES_BYTES = 8
FINAL = bytes(EXPIRES_BYTES)

# One statement per table, as in the file.
SCHEMA = (
    f"""CREATE TABLE slot (
  place INTEGER PRIMARY KEY,
  id BLOB NOT NULL CHECK (length(id) = {ID_BYTES}),
  withdraw_tag BLOB NOT NULL CHECK (length(withdraw_tag) = {ID_BYTES}),
  day TEXT NOT NULL CHECK (length(day) = {_DAY_CHARACTERS}),
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
    """Connect to the existing file *path*; an interrupted transaction is rolled back.

    Raises StoreError, with a sentence, if it is not a vault's file of format 1.
    """
    try:
        connection = sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True)
    except sqlite3.Error as why:
        raise StoreError(f"The vault's file {path} cannot be opened: {why}.") from None
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        _check_schema(connection, path)
    except sqlite3.Error as why:
        connection.close()
        raise StoreError(f"The vault's file {path} is damaged: {why}.") from None
    except StoreError:
        connection.close()
        raise
    return connection


def _check_schema(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != SCHEMA_VERSION:
        raise StoreError(
            f"The vault's file {path} was made by another version of Casedrop (schema {version}): "
            "export it with that version, then move it away."
        )
    # Triggers and additional indexes too; those that SQLite makes by itself have no SQL.
    query = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL"
    if [sql for (sql,) in connection.execute(query)] != list(SCHEMA):
        raise StoreError(f"{path} is not a vault's file.")
