"""The slots of a bundle during its import: 53 bytes for each, whatever the bundle claims."""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from datetime import date
from enum import IntFlag
from itertools import pairwise

from dropbox.export_bundle import ListedBlock
from dropbox.sizes import ID_BYTES

_DIGEST_BYTES = 32
# The bytes of a SHA-256 that are enough to find candidates for the same content.
_HEAD_BYTES = 8


class Found(IntFlag):
    """What is known about a slot's content; nothing for filling, and for pieces of unknown
    files.
    """

    NOTHING = 0
    OPENED = 1  # by a day key
    REPORT = 2
    PIECE = 4  # a report names it
    WITHDRAWN = 8  # a tombstone, since its claimant took back what was here
    SETTLED = 16  # a report that was filed or could not be opened


class Listing:
    """The slots by ascending id, each with its position (from 0) and what was found in it."""

    def __init__(self) -> None:
        self._ids = bytearray()
        self._digests = bytearray()
        self._days = array("i")
        self._found = bytearray()

    def __len__(self) -> int:
        return len(self._found)

    def __contains__(self, block_id: bytes) -> bool:
        return self.find(block_id) is not None

    def add(self, block: ListedBlock) -> int:
        """Add a slot, whose id is greater than all before. Returns its position."""
        assert self._ids[-ID_BYTES:] < block.id
        self._ids += block.id
        self._digests += block.sha256
        self._days.append(block.day.toordinal())
        self._found.append(Found.NOTHING)
        return len(self._found) - 1

    def find(self, block_id: bytes) -> int | None:
        """The position of a slot, None if it is not here."""
        position = bisect_left(range(len(self)), block_id, key=self.id)
        return position if position < len(self) and self.id(position) == block_id else None

    def id(self, position: int) -> bytes:
        """The id of the slot at *position*."""
        return bytes(self._ids[position * ID_BYTES : (position + 1) * ID_BYTES])

    def day(self, position: int) -> date:
        """Its UTC day."""
        return date.fromordinal(self._days[position])

    def block(self, position: int) -> ListedBlock:
        """Everything that the bundle says about it."""
        at = position * _DIGEST_BYTES
        digest = bytes(self._digests[at : at + _DIGEST_BYTES])
        return ListedBlock(self.id(position), digest, self.day(position))

    def note(self, position: int, found: Found) -> None:
        """Add to what was found in it."""
        self._found[position] |= found

    def found(self, position: int) -> Found:
        """What was found in it."""
        return Found(self._found[position])

    def having(self, wanted: Found) -> Iterator[int]:
        """The positions of all slots in which *wanted* was found."""
        return (position for position, found in enumerate(self._found) if found & wanted)

    def count(self, wanted: Found) -> int:
        """How many slots have any of *wanted*."""
        return sum(bool(found & wanted) for found in self._found)

    def repeated(self) -> list[bytes]:
        """The ids of all slots whose content also appears in another one."""
        heads = memoryview(self._digests).cast("Q")[:: _DIGEST_BYTES // _HEAD_BYTES]
        ordered = sorted(heads)
        twice = {one for one, other in pairwise(ordered) if one == other}
        if not twice:
            return []
        by_digest: dict[bytes, list[int]] = {}
        for position, head in enumerate(heads):
            if head in twice:
                by_digest.setdefault(self.block(position).sha256, []).append(position)
        return [self.id(one) for same in by_digest.values() if len(same) > 1 for one in same]
