"""The tar files of a bundle: written without any times or owners, read with every length bounded.

TarFile is not used to read: it would follow extension headers, whose size and number the sender
chooses.
"""

import tarfile
from collections.abc import Iterator
from typing import BinaryIO

from dropbox.errors import BadBundle

# What ends a tar file.
END = bytes(2 * tarfile.BLOCKSIZE)


def member_header(name: str, size: int) -> bytes:
    """The header of a member, with nothing in it but *name* and *size* in bytes."""
    info = tarfile.TarInfo(name)
    info.size = size
    info.mode = 0o600
    return info.tobuf(tarfile.USTAR_FORMAT)


def member(name: str, data: bytes) -> bytes:
    """One tar member."""
    return member_header(name, len(data)) + data + bytes(-len(data) % tarfile.BLOCKSIZE)


class Members:
    """The members of an untrusted bundle, read in order, by name, each up to a given size."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read(self, name: str, max_bytes: int) -> bytes:
        """The next member, which must be called *name* and hold at most *max_bytes* bytes.

        Raises BadBundle.
        """
        size = self._size(name)
        if not 0 <= size <= max_bytes:
            raise BadBundle(f"{name} in the bundle is too large.")
        data = self._whole(name, size)
        self._fill(name, size)
        return data

    def pieces(self, name: str, piece_bytes: int, count: int) -> Iterator[bytes]:
        """The next member, called *name*, in *count* pieces of *piece_bytes*. Raises BadBundle."""
        if self._size(name) != piece_bytes * count:
            raise BadBundle(f"{name} in the bundle does not have the length that its index says.")
        for _ in range(count):
            yield self._whole(name, piece_bytes)
        self._fill(name, piece_bytes * count)

    def end(self) -> None:
        """Raise BadBundle if anything follows."""
        if self._next("its end") is not None:
            raise BadBundle("The bundle holds more than its manifest lists.")
        if self._read(2 * tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise BadBundle("The bundle has no proper end.")

    def _size(self, name: str) -> int:
        found = self._next(name)
        if found is None:
            raise BadBundle(f"The bundle ends before {name}.")
        if found.name != name or found.type != tarfile.REGTYPE:
            raise BadBundle(f"The bundle has something else where {name} should be.")
        return found.size

    def _whole(self, name: str, size: int) -> bytes:
        data = self._read(size)
        if len(data) != size:
            raise BadBundle(f"The bundle is cut off inside {name}.")
        return data

    def _fill(self, name: str, size: int) -> None:
        if self._read(-size % tarfile.BLOCKSIZE).strip(b"\0"):
            raise BadBundle(f"The bundle is damaged after {name}.")

    def _next(self, wanted: str) -> tarfile.TarInfo | None:
        # One header, and never one that extends it: see the top of this module.
        header = self._read(tarfile.BLOCKSIZE)
        if not header.strip(b"\0"):
            return None
        try:
            return tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        except tarfile.TarError:
            raise BadBundle(
                f"The file is not a bundle, or it is damaged before {wanted}."
            ) from None

    def _read(self, size: int) -> bytes:
        try:
            return self._stream.read(size)
        except OSError:
            raise BadBundle("The bundle cannot be read to its end.") from None
