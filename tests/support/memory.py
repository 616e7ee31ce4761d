"""Searching the memory of a running process through /proc/PID/mem."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

# The kernel's own mappings, which cannot be read. Memory that processes share is in /dev/zero.
_NOT_READ = ("[vvar", "[vsyscall]")
_WORD_BYTES = 8
# What is made of so many stays in the processor's cache.
_WORDS_AT_ONCE = 2**15
# Of 64 bits, as multiplicative hashing has it: 2**64 divided by the golden ratio.
_ODD = np.uint64(0x9E37_79B9_7F4A_7C15)
# Whatever is at least so long holds a whole word at one of its places.
SHORTEST_BYTES = 2 * _WORD_BYTES - 1


def mappings(pid: int) -> Iterator[bytes]:
    """The bytes of every readable mapping of *pid*.

    Needs root, or a process that is dumpable and this one's child.
    """
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            fields = line.split(maxsplit=5)
            if fields[1].startswith("r") and not fields[-1].startswith(_NOT_READ):
                first, end = (int(number, 16) for number in fields[0].split("-"))
                memory.seek(first)
                taken = bytearray()
                while len(taken) < end - first and (data := memory.read(end - first - len(taken))):
                    taken += data
                yield bytes(taken)


def occurrences(pid: int, needles: Mapping[str, bytes]) -> dict[str, int]:
    """How often each of *needles* is in the memory of *pid*; those that are not are left out.

    Each has at least SHORTEST_BYTES.
    """
    search, found = Search(needles), dict[str, int]()
    for data in mappings(pid):
        for name, count in search.counts(data).items():
            found[name] = found.get(name, 0) + count
    return found


class Search:
    """Counts *needles* in large data, in one pass for all of them instead of one for each.

    Wherever a needle is, there is a word of eight bytes, at a multiple of eight, that is a part of
    it. Such words are looked for by two bytes that are made of all eight; then the needle, there.
    """

    def __init__(self, needles: Mapping[str, bytes]) -> None:
        assert all(len(needle) >= SHORTEST_BYTES for needle in needles.values())
        self._needles = needles
        # The needle and the position of the word in it, by the word.
        self._parts: dict[int, list[tuple[str, int]]] = {}
        for name, needle in needles.items():
            for at in range(_WORD_BYTES):
                word = int.from_bytes(needle[at : at + _WORD_BYTES], "little")
                self._parts.setdefault(word, []).append((name, at))
        self._words = np.array(list(self._parts), np.uint64)
        self._is_likely = np.zeros(2**16, bool)
        self._is_likely[_mixed(self._words)] = True

    def counts(self, data: bytes) -> dict[str, int]:
        """How often each needle is in *data*; those that are not are left out."""
        words = np.frombuffer(data, "<u8", count=len(data) // _WORD_BYTES)
        found = dict[str, set[int]]()
        for place in self._places(words):
            for name, at in self._parts[int(words[place])]:
                begin = place * _WORD_BYTES - at
                if begin >= 0 and data.startswith(self._needles[name], begin):
                    found.setdefault(name, set()).add(begin)
        return {name: len(places) for name, places in found.items()}

    def _places(self, words: npt.NDArray[np.uint64]) -> Iterator[int]:
        """Where *words* has a part of a needle."""
        for first in range(0, len(words), _WORDS_AT_ONCE):
            some = words[first : first + _WORDS_AT_ONCE]
            likely = np.flatnonzero(self._is_likely[_mixed(some)])
            for place in likely[np.isin(some[likely], self._words)]:
                yield first + int(place)


def _mixed(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """A number below 2**16 of each word, which depends on all of its bytes."""
    mixed: npt.NDArray[np.uint64] = (words * _ODD) >> np.uint64(48)
    return mixed
