"""The ledger's bytes in the vault's file, overwritten without a transaction.

A tick that has nothing to store writes new random bytes at the ledger's end, and nothing else.
SQLite would sync four times for that; this syncs once.

It is safe because a ledger only replaces one that says the same. Whatever part of the write
survives a power cut, the file is whole and says the same as before. SQLite may keep an older copy
of the page in memory: that says the same, too, and each of its transactions writes the ledger
again.
"""

import os
import sqlite3
from pathlib import Path

from dropbox.vault.slot_schema import LEDGER_BYTES, LEDGER_CONTENT_BYTES


class LedgerCell:
    """Where the ledger is in the open file *path*.

    Close SQLite's connection first: the system drops a process's locks on a file when it closes any
    descriptor of that file.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, ledger: bytes) -> None:
        """Find *ledger*. Raises OSError or sqlite3.Error."""
        (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
        (root,) = connection.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'ledger'"
        ).fetchone()
        self._descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        start = (root - 1) * page_bytes
        page = os.pread(self._descriptor, page_bytes, start)
        # The table's only row is on its first page.
        self._at = start + page.find(ledger) if page.count(ledger) == 1 else None

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self._descriptor)

    def replace(self, before: bytes, after: bytes) -> bool:
        """Write *after* over *before*, durably.

        Returns whether that was possible. It is not if the two say different things, or if the file
        does not hold *before*. Raises OSError.
        """
        if self._at is None or before[:LEDGER_CONTENT_BYTES] != after[:LEDGER_CONTENT_BYTES]:
            return False
        if os.pread(self._descriptor, LEDGER_BYTES, self._at) != before:
            return False
        if os.pwrite(self._descriptor, after, self._at) != LEDGER_BYTES:
            raise OSError
        os.fdatasync(self._descriptor)
        return True
