"""The casebook's directory, closed to others and used by one desk at a time; its SQLite file."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import sqlite_utils

from dropbox.errors import CasedropError
from dropbox.system_error import explained

_LOCK = "lock"
_PAGE_BYTES = 4_096
# SQLite's codes for what a pulled stick looks like; the lower byte of an extended code.
_PRIMARY_CODE = 0xFF
_DISK_FAULTS = frozenset(
    {
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_READONLY,
    }
)
# As on the server: SQLite overwrites what is deleted, and writes nothing outside this directory.
_PRAGMAS = {
    "journal_mode": "truncate",
    "secure_delete": 1,
    "temp_store": 2,
    "synchronous": 2,
    "trusted_schema": 0,
    # Only one desk has the casebook open, so SQLite need not check the disk before each statement.
    "locking_mode": "exclusive",
}


class CasebookError(CasedropError):
    """The casebook cannot be used."""


def refuse_others(directory: Path) -> None:
    """Raise CasebookError when others on this computer could read *directory*."""
    if directory.stat().st_mode & 0o077:
        raise CasebookError(
            f"Others on this computer can read {directory}; close it with chmod 700 first."
        )


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """A lock while a desk works: two at once would use a case or reply number twice."""
    descriptor = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise CasebookError(f"Another desk has the casebook in {directory} open.") from None
    finally:
        os.close(descriptor)


def _reason(path: Path, why: sqlite3.Error) -> str:
    """What is wrong with the file, and what to do."""
    try:
        with path.open("rb") as file:
            file.read(_PAGE_BYTES)
    except OSError as gone:
        # SQLite calls a file damaged when its stick was pulled out.
        return (
            f"it cannot be read any more. {explained(gone)} Plug the stick or disk in again and "
            "unlock it; what a command had finished is in it."
        )
    code = getattr(why, "sqlite_errorcode", 0) & _PRIMARY_CODE
    if code == sqlite3.SQLITE_FULL:
        return (
            "its disk is full. Make room there, then run the command once more; what a command "
            "had finished is in it."
        )
    if code not in _DISK_FAULTS:
        return f"{why}."
    return (
        f"{why}. If its stick or disk was pulled out, plug it in again and run the command once "
        "more; if that does not help, the file is damaged, and a backup takes its place."
    )


def copy_into(source: sqlite3.Connection, path: Path) -> None:
    """Copy everything that SQLite reads in *source* to the new file *path*, durably, and check it.

    Raises OSError, sqlite3.Error, or CasebookError if *source* is damaged.
    """
    # Created here, so that from its first byte on only its owner can read it.
    path.touch(mode=0o600, exist_ok=False)
    with closing(sqlite3.connect(path)) as target:
        target.execute("PRAGMA synchronous = FULL")
        source.backup(target)
        if target.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            raise CasebookError("The casebook's file is damaged; it was left as it is.")


@contextmanager
def opened(path: Path) -> Iterator[sqlite_utils.Database]:
    """The SQLite file at *path*, made if absent. Raises CasebookError, which quotes no values."""
    # Created here, so that from its first byte on only its owner can read it.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(path)
    try:
        for name, value in _PRAGMAS.items():
            connection.execute(f"PRAGMA {name}={value}")
            if connection.execute(f"PRAGMA {name}").fetchone() != (value,):
                raise CasebookError(f"SQLite on this computer does not take the setting {name}.")
        yield sqlite_utils.Database(connection)
    except sqlite3.Error as why:
        raise CasebookError(
            f"The casebook file {path} cannot be used: {_reason(path, why)}"
        ) from None
    except UnicodeDecodeError:
        # SQLite's own message quotes the damaged bytes, and Python cannot decode it.
        raise CasebookError(f"The casebook file {path} cannot be used: it is damaged.") from None
    finally:
        connection.close()
