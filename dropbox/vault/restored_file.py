"""Preparing a vault's file that was restored from a copy, before it is used again.

A vault that went on after the copy was made has given out bundles that the copy knows nothing
about. If the copy went on under the same id, it would give out different bundles with the same
numbers, and every desk would rightly call that a fork. So it becomes a new vault, which takes the
lost one's place.
"""

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from dropbox.errors import StoreError
from dropbox.sizes import ID_BYTES
from dropbox.vault.slot_schema import connect


class Series(NamedTuple):
    """A vault's id, and the number of its newest export bundle, 0 for none."""

    vault: bytes
    number: int


def series_of(path: Path) -> Series:
    """The series of the file *path*, which no vault has open. Raises StoreError."""
    with _opened(path) as file:
        (ledger,) = file.execute("SELECT bytes FROM ledger").fetchone()
        (number,) = file.execute("SELECT coalesce(max(number), 0) FROM export").fetchone()
    return Series(bytes(ledger[:ID_BYTES]), int(number))


def become_another(path: Path) -> bytes:
    """Give the file *path* a new id and a new series of bundles; its slots and replies stay.

    Returns the new id. Raises StoreError.
    """
    vault = secrets.token_bytes(ID_BYTES)
    with _opened(path) as file:
        (ledger,) = file.execute("SELECT bytes FROM ledger").fetchone()
        file.execute("BEGIN IMMEDIATE")
        file.execute("UPDATE ledger SET bytes = ?", (vault + bytes(ledger[ID_BYTES:]),))
        file.execute("DELETE FROM export")
        file.execute("COMMIT")
    return vault


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    if not path.is_file():
        raise StoreError(f"There is no vault's file at {path}.")
    with closing(connect(path)) as connection:
        try:
            yield connection
        except (sqlite3.Error, TypeError):
            raise StoreError(f"The vault's file {path} is damaged.") from None
