"""The blocks of a bundle while it is worked through: sealed as they came, in a file without a name beside the casebook."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from dropbox.bundle import ListedBlock
from dropbox.durable_file import CannotWrite
from dropbox.sizes import BLOCK_BYTES


class Blocks:
    """The bundle's verified blocks, by id, in a file without a name: sealed as they came, gone when it is closed."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self._places: dict[bytes, int] = {}

    def add(self, listed: ListedBlock, data: bytes) -> None:
        """Keep a block."""
        view = memoryview(data)
        try:
            while view:
                view = view[self._file.write(view) :]
        except OSError as why:
            raise CannotWrite(
                f"The bundle does not fit beside the casebook: {why.strerror}."
            ) from None
        self._places[listed.id] = len(self._places)

    def get(self, block_id: bytes) -> bytes | None:
        """A block's data, or None."""
        place = self._places.get(block_id)
        if place is None:
            return None
        # Not seek and read: several threads read at once.
        return os.pread(self._file.fileno(), BLOCK_BYTES, place * BLOCK_BYTES)


@contextmanager
def kept_in(directory: Path) -> Iterator[Blocks]:
    """Room for blocks on the disk of *directory*, until the block of code ends."""
    # Unbuffered, so that a full disk shows at the write and not at the end.
    with tempfile.TemporaryFile(dir=directory, buffering=0) as file:
        yield Blocks(file)
