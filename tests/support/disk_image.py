"""Images of ext4, mounted by a loop device, and what their raw bytes tell.

Where no image can be mounted, the test is skipped with the reason.
"""

import os
import struct
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest

Words = npt.NDArray[np.uint64]

# ext4's inode, as mkfs makes it, by the offsets of its times and of their nanoseconds.
_INODE_BYTES, _EXTRA_BYTES = 256, 32
_TIMES = {
    "read": (0x08, 0x8C),
    "changed": (0x0C, 0x84),
    "modified": (0x10, 0x88),
    "made": (0x90, 0x94),
}
_MODE, _GENERATION, _EXTRA_SIZE = 0x00, 0x64, 0x80
_NANOSECONDS = 10**9
# The superblock, of which the journal has copies, by the offsets of its magic and its times.
_SUPERBLOCK_MAGIC, _SUPERBLOCK_AT = b"\x53\xef", 0x38
_SUPERBLOCK_TIMES = (0x2C, 0x30, 0x40, 0x108)
# A commit of the journal, which is big-endian: its magic and type, and where its time is.
_COMMIT, _COMMIT_TIME = b"\xc0\x3b\x39\x98\x00\x00\x00\x02", 0x30
_SMALLEST_BLOCK = 1_024
_FIRST_BITS = 26
_SHIFT = np.uint64(64 - _FIRST_BITS)
_PIECE_WORDS = 2**15


def make_image(path: Path, megabytes: int = 64) -> Path:
    """A new image of ext4 at *path*, as mkfs makes it."""
    with path.open("wb") as file:
        file.truncate(megabytes * 2**20)
    # As on a large disk: mkfs would give a small one blocks of 1,024 bytes.
    _run_or_skip(["mkfs.ext4", "-q", "-F", "-b", "4096", "-I", str(_INODE_BYTES), path])
    return path


@contextmanager
def mounted(image: Path, place: Path, options: str) -> Iterator[Path]:
    """*image* at *place*, which is made, with these mount options."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount an image")
    place.mkdir(exist_ok=True)
    _run_or_skip(["mount", "-o", f"loop,{options}", image, place])
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


def _run_or_skip(command: Sequence[str | Path]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except OSError as why:
        pytest.skip(f"{command[0]} cannot be run here: {why.strerror}")
    except subprocess.CalledProcessError as why:
        pytest.skip(f"{command[0]} does not work here: {why.stderr.strip()}")


def repair(image: Path) -> None:
    """Play back the journal and check everything, as after a power cut."""
    done = subprocess.run(["e2fsck", "-f", "-y", image], check=False, capture_output=True)
    # 1: errors were corrected, such as counts that only a clean unmount writes.
    assert done.returncode in (0, 1), done.stdout


class Stamp(NamedTuple):
    """A time somewhere in an image: what of ("commit" for the journal's), whose, and Unix time.

    *file* is the generation number of the inode; a file's copies all have the same.
    """

    what: str
    file: int
    at: float


class Times:
    """Every time from *begin* to *end* in the bytes of an image.

    ``stamps``: those of all copies of inodes, wherever they are, and of the journal's commits.
    ``others``: how many more words of four bytes, in either byte order, would be such a time, and
    ``expected`` as many as chance would make.
    """

    def __init__(self, raw: bytes, begin: float, end: float) -> None:
        self._raw, self._begin, self._end = raw, begin, end
        self._explained: set[int] = set()
        self.stamps = sorted({*self._inodes(), *self._commits()})
        self._superblocks()
        found, count = set[int](), 0
        for at, words in _pieces(np.frombuffer(raw, "<u4")):
            places = np.flatnonzero(words)
            count += len(places)
            little = words[places]
            for some in (little, little.byteswap()):
                inside = (some >= int(begin)) & (some <= int(end))
                found.update((at + int(place)) * 4 for place in places[inside])
        self.others = len(found - self._explained)
        self.expected = 2 * count * (int(end) - int(begin) + 1) / 2**32

    def of(self, *what: str) -> list[Stamp]:
        """The stamps of these kinds."""
        return [stamp for stamp in self.stamps if stamp.what in what]

    def _note(self, what: str, file: int, at: int, seconds: int, nanoseconds: int) -> list[Stamp]:
        moment = seconds + nanoseconds / _NANOSECONDS
        if nanoseconds >= _NANOSECONDS or not self._begin <= moment <= self._end:
            return []
        return [Stamp(what, file, moment)]

    def _inodes(self) -> Iterator[Stamp]:
        table = np.frombuffer(self._raw, "<u2").reshape(-1, _INODE_BYTES // 2)
        kinds = (table[:, _MODE // 2] >> 12).astype(int)
        is_inode = (table[:, _EXTRA_SIZE // 2] == _EXTRA_BYTES) & (kinds > 0)
        for row in np.flatnonzero(is_inode):
            start = int(row) * _INODE_BYTES
            (file,) = struct.unpack_from("<I", self._raw, start + _GENERATION)
            for what, (at, extra) in _TIMES.items():
                (seconds,) = struct.unpack_from("<I", self._raw, start + at)
                (nanoseconds,) = struct.unpack_from("<I", self._raw, start + extra)
                self._explained.add(start + at)
                yield from self._note(what, file, start + at, seconds, nanoseconds >> 2)

    def _commits(self) -> Iterator[Stamp]:
        for start in _all(self._raw, _COMMIT):
            at = start + _COMMIT_TIME
            if start % _SMALLEST_BLOCK == 0:
                seconds, nanoseconds = struct.unpack_from(">QI", self._raw, at)
                self._explained.add(at + 4)
                yield from self._note("commit", 0, at, seconds, nanoseconds)

    def _superblocks(self) -> None:
        for found in _all(self._raw, _SUPERBLOCK_MAGIC):
            start = found - _SUPERBLOCK_AT
            if start % _SMALLEST_BLOCK == 0:
                self._explained.update(start + at for at in _SUPERBLOCK_TIMES)


def _all(raw: bytes, wanted: bytes) -> Iterator[int]:
    at = raw.find(wanted)
    while at >= 0:
        yield at
        at = raw.find(wanted, at + 1)


def words_found(raw: bytes, blocks: Iterable[bytes]) -> int:
    """How many of the image's words of eight bytes are somewhere in *blocks*, at any offset.

    So it finds every piece of at least fifteen bytes, whatever it is cut out of.
    """
    windows = [
        np.frombuffer(block[shift : shift + (len(block) - shift) // 8 * 8], "<u8")
        for block in blocks
        for shift in range(8)
    ]
    if not windows:
        return 0
    known = np.concatenate(windows)
    # First by their highest bits: that leaves a few in a hundred, and of the others fewer still.
    known_bits = _first_bits(known)
    likely = [np.zeros(0, np.uint64)]
    for _, image in _pieces(np.frombuffer(raw, "<u8")):
        # Words with few bytes in them, such as lengths, are no piece of anything.
        words = image[image > 2**48]
        likely.append(words[known_bits[words >> _SHIFT]])
    words = np.concatenate(likely)
    known = np.sort(known[_first_bits(words)[known >> _SHIFT]])
    places = np.searchsorted(known, words, "right") - np.searchsorted(known, words, "left")
    return int(np.count_nonzero(places))


def _first_bits(words: Words) -> npt.NDArray[np.bool_]:
    """Of all beginnings of so many bits, those that *words* have."""
    found = np.zeros(2**_FIRST_BITS, bool)
    found[words >> _SHIFT] = True
    return found


def _pieces(words: npt.NDArray[Any]) -> Iterator[tuple[int, npt.NDArray[Any]]]:
    """*words* in pieces that the processor's cache holds, with their positions, without those that
    are zeros: most of an image is.
    """
    for at in range(0, len(words), _PIECE_WORDS):
        piece = words[at : at + _PIECE_WORDS]
        if piece.any():
            yield at, piece
