"""The blocks of a bundle during its import: still sealed, in a nameless file."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from dropbox.durable_file import CannotWrite
from dropbox.sizes import BLOCK_BYTES
from dropbox.system_error import explained


class Blocks:
    """The bundle's blocks, or what is sealed in them, in a nameless file that is gone once closed.

    ``end`` is how many bytes it has.
    """

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self.end = 0

    def add(self, data: bytes) -> None:
        """Keep a block, whose position is the number of blocks before it, or any other bytes."""
        view = memoryview(data)
        try:
            while view:
                view = view[self._file.write(view) :]
        except OSError as why:
            raise CannotWrite(
                f"The bundle does not fit beside the casebook: {explained(why)}"
            ) from None

        self.end += len(data)

    def at(self, position: int) -> bytes:
        """The block at *position* (from 0)."""
        return self.read(position * BLOCK_BYTES, BLOCK_BYTES)

    def read(self, begin: int, size: int) -> bytes:
        """The *size* bytes from *begin* on."""
        # Not seek and read: several threads read at once.
        return os.pread(self._file.fileno(), size, begin)


@contextmanager
def kept_in(directory: Path) -> Iterator[Blocks]:
    """An empty :class:`Blocks` on the disk of *directory*, until the ``with`` block ends.

    Raises CannotWrite.
    """
    try:
        # Unbuffered, so that a full disk shows at the write that fills it and not at the end.
        made = tempfile.TemporaryFile(dir=directory, buffering=0)  # noqa: SIM115 - below
    except OSError as why:
        # Python's own error would name a file that nobody has heard of.
        raise CannotWrite(f"Nothing can be written into {directory}: {explained(why)}") from None
    with made as file:
        yield Blocks(file)
