"""Where a casebook lies: a directory that others cannot read, for one desk at a time, and the SQLite file in it."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlite_utils

from dropbox.errors import CasedropError

_LOCK = "lock"
# As on the server: what is removed is overwritten, and nothing is written outside this directory.
_PRAGMAS = {
    "journal_mode": "truncate",
    "secure_delete": 1,
    "temp_store": 2,
    "synchronous": 2,
    "trusted_schema": 0,
    "foreign_keys": 1,
    # One desk at a time has the casebook; with this, SQLite does not ask the disk again before each statement.
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
    """Held while a desk works: case and reply numbers are counted by one desk at a time."""
    descriptor = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise CasebookError(f"Another desk has the casebook in {directory} open.") from None
    finally:
        os.close(descriptor)


@contextmanager
def opened(path: Path) -> Iterator[sqlite_utils.Database]:
    """The SQLite file at *path*, made if it is not there. Its errors become a sentence; no statement's values are in it."""
    # Readable by its owner only from its first byte on.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(path)
    try:
        for name, value in _PRAGMAS.items():
            connection.execute(f"PRAGMA {name}={value}")
            if connection.execute(f"PRAGMA {name}").fetchone()[0] != value:
                raise CasebookError(f"SQLite on this computer does not take the setting {name}.")
        yield sqlite_utils.Database(connection)
    except sqlite3.Error as why:
        raise CasebookError(f"The casebook file {path} cannot be used: {why}.") from None
    except UnicodeDecodeError:
        # SQLite's own sentence, when it quotes what is damaged.
        raise CasebookError(f"The casebook file {path} cannot be used: it is damaged.") from None
    finally:
        connection.close()
