"""SQLite's rollback journal, at its full size from the start and without meaning between ticks.

While a transaction runs, SQLite keeps the pages that it replaces there. Afterwards it zeroes the
journal's header and leaves the rest: page numbers that reveal which slots were written last, and
bytes that were deleted. So the part that it used is overwritten with random bytes after every
transaction.

This is safe by SQLite's own rules (https://www.sqlite.org/fileformat.html, section 3): a journal
whose header is zeros is not played back, whatever follows; SQLite reads a journal only when it
begins with its eight magic bytes, and then only as many records as the header counts, each with a
checksum over a random number of that transaction. This module never writes the header. A power cut
in the middle of an overwrite leaves the header's zeros, which the COMMIT synced, followed by a
mixture that nothing reads. The overwriting is synced in the next tick: by SQLite if that is a
transaction, otherwise by ``sync``.
"""

import os
from pathlib import Path

from dropbox.vault.random_fill import random_fill

# The header is at most one sector; SQLite zeroes its 28 bytes, and the rest of it is always zeros.
HEADER_BYTES = 512
# A record: page number, page, checksum.
_RECORD_OVERHEAD = 8
_CHUNK = 2**16


def journal_path(path: Path) -> Path:
    """Where SQLite keeps the journal of the file *path*."""
    return path.with_name(path.name + "-journal")


class Journal:
    """The journal of one open file. The caller makes sure that no transaction runs.

    *page_bytes* is the file's page size, *pages* how many pages the largest transaction replaces.
    """

    def __init__(self, path: Path, *, page_bytes: int, pages: int) -> None:
        self._record_bytes = page_bytes + _RECORD_OVERHEAD
        self._full_bytes = HEADER_BYTES + pages * self._record_bytes
        self._owed = 0
        self._descriptor = os.open(
            journal_path(path), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )

    def close(self) -> None:
        """Close it."""
        os.close(self._descriptor)

    def fill(self) -> None:
        """Overwrite all of it and extend it to its full size. Raises OSError if that fails.

        A journal that could not grow still works; it grows when SQLite needs it.
        """
        if self.is_needed():
            return
        # Whatever is skipped beyond a file's end is zeros, and so is the header of a new journal.
        self._overwrite(max(os.fstat(self._descriptor).st_size, self._full_bytes))
        os.fsync(self._descriptor)
        self._owed = 0

    def grow(self) -> None:
        """Fill it unless it already has its full size. Raises OSError if that fails."""
        if os.fstat(self._descriptor).st_size < self._full_bytes:
            self.fill()

    def scrub(self, pages: int) -> None:
        """Overwrite what a transaction that replaced at most *pages* pages left.

        Raises OSError; the next call then overwrites it.
        """
        self._owed = max(self._owed, HEADER_BYTES + pages * self._record_bytes)
        if self.is_needed():
            return
        # Never beyond its end: a growing journal would reveal how much was written.
        self._overwrite(min(self._owed, os.fstat(self._descriptor).st_size))
        self._owed = 0

    def sync(self) -> None:
        """Sync what was overwritten to the disk. Raises OSError."""
        os.fdatasync(self._descriptor)

    def is_needed(self) -> bool:
        """Whether SQLite failed to roll back, and will play this journal back."""
        return bool(os.pread(self._descriptor, HEADER_BYTES, 0).strip(b"\0"))

    def _overwrite(self, end: int) -> None:
        for at in range(HEADER_BYTES, end, _CHUNK):
            self._write(at, random_fill(min(_CHUNK, end - at)))

    def _write(self, at: int, data: bytes | memoryview) -> None:
        view = memoryview(data)
        while view:
            done = os.pwrite(self._descriptor, view, at)
            view, at = view[done:], at + done
