"""The folder that is handed over: new, private to its owner, hashed as it is written, durable."""

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from dropbox.durable_file import sync_folder


class Folder:
    """An empty folder whose files are hashed while they are written, and which is made durable."""

    def __init__(self, path: Path, day: date) -> None:
        self._path = path
        # Exact times would show when reviewers work.
        self._time = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
        self._hashes: dict[str, str] = {}
        self._inner: set[Path] = set()
        self.written = 0

    @contextlib.contextmanager
    def file(self, name: str) -> Iterator[Callable[[bytes], None]]:
        """A new file; the function writes to it."""
        digest = hashlib.sha256()
        path = self._path / name
        if path.parent != self._path and path.parent not in self._inner:
            path.parent.mkdir(mode=0o700)
            self._inner.add(path.parent)
        with open(path, "xb", opener=_private) as file:

            def write(data: bytes) -> None:
                digest.update(data)
                self.written += file.write(data)

            yield write
            file.flush()
            os.utime(file.fileno(), (self._time, self._time))
            os.fsync(file.fileno())
        self._hashes[name] = digest.hexdigest()

    def add(self, name: str, data: bytes) -> None:
        """Write a whole file."""
        with self.file(name) as write:
            write(data)

    def listed(self) -> bytes:
        """The hashes of all files so far, as sha256sum writes them."""
        lines = (f"{sha256}  {name}\n" for name, sha256 in sorted(self._hashes.items()))
        return "".join(lines).encode()

    def close(self) -> None:
        """Make the folders durable."""
        for one in (*sorted(self._inner), self._path):
            sync_folder(one)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
