"""SQLite's rollback journal, at its full size from the start and without meaning between ticks.

While a transaction runs, SQLite keeps there the pages that it replaces. Afterwards it zeroes the
journal's header and leaves the rest: page numbers that tell which slots were written last, and
bytes that were deleted. So what it used is overwritten with random bytes after every transaction.

This is safe by SQLite's own rules (https://www.sqlite.org/fileformat.html, section 3): a journal
whose header is zeros is not played back, whatever follows; SQLite reads a journal only when it
begins with its eight magic bytes, and then only as many records as the header counts, each with a
checksum over a random number of that transaction. The header itself is never written here. A power
cut in the middle of an overwrite leaves the header's zeros, which were synced by the COMMIT, and
behind them a mixture that nobody reads. The overwriting is synced in the next tick: by SQLite if
that is a transaction, else by ``sync``.
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
    """The journal of one open file. The caller sees to it that no transaction runs.

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
        """Overwrite all of it, and let it grow to its full size. Raises OSError if it cannot.

        A journal that could not grow still works; it grows when SQLite needs it.
        """
        if self.is_needed():
            return
        # Behind a file's end, what is passed over is zeros: so is the header of a new one.
        self._overwrite(max(os.fstat(self._descriptor).st_size, self._full_bytes))
        os.fsync(self._descriptor)
        self._owed = 0

    def grow(self) -> None:
        """Fill it if it is not of its full size yet. Raises OSError if it cannot."""
        if os.fstat(self._descriptor).st_size < self._full_bytes:
            self.fill()

    def scrub(self, pages: int) -> None:
        """Overwrite what a transaction that replaced at most *pages* pages left.

        Raises OSError; the next call then overwrites it.
        """
        self._owed = max(self._owed, HEADER_BYTES + pages * self._record_bytes)
        if self.is_needed():
            return
        # Never longer than it is: a growing journal would tell how much was written.
        self._overwrite(min(self._owed, os.fstat(self._descriptor).st_size))
        self._owed = 0

    def sync(self) -> None:
        """Have on the disk what was overwritten. Raises OSError."""
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
