"""The slots' heads in memory, which are free, and what one tick changes.

Which of today's slots are free is known only in memory. A draft holds what a tick is going to
write; it is taken over once all of that is on the disk, and otherwise simply forgotten.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from typing import NamedTuple

from dropbox.erase_hash import ERASE_BYTES, erase_hash, erase_preimage, first_preimage
from dropbox.sizes import BLOCK_BYTES, ID_BYTES
from dropbox.vault.block_store import Block, Content, NoRoom
from dropbox.vault.random_fill import random_fill
from dropbox.vault.slot_index import SlotIndex
from dropbox.vault.slot_schema import DAY_BYTES, HEAD_BYTES
from dropbox.vault.tick_changes import Row

_EPOCH = date(1970, 1, 1)
# The day of a slot whose day has left: it becomes part of a later quantum before the file grows.
SPARE = 0
_ID_AT = DAY_BYTES
_HASH_AT = _ID_AT + ID_BYTES
_SHA256_AT = _HASH_AT + ERASE_BYTES

# Like secrets.randbelow: a uniformly random number from 0 up to its argument, exclusive.
RandomBelow = Callable[[int], int]


def day_number(day: date) -> int:
    """Days since 1970, as the file counts."""
    return (day - _EPOCH).days


def day_of(number: int) -> date:
    """The UTC day of a day number."""
    return _EPOCH + timedelta(days=number)


class Head(NamedTuple):
    """What a slot's head says."""

    day: int
    id: bytes
    erase_hash: bytes
    sha256: bytes

    @classmethod
    def of(cls, raw: bytes) -> "Head":
        """From its HEAD_BYTES."""
        return cls(
            int.from_bytes(raw[:DAY_BYTES], "big"),
            bytes(raw[_ID_AT:_HASH_AT]),
            bytes(raw[_HASH_AT:_SHA256_AT]),
            bytes(raw[_SHA256_AT:]),
        )

    def __bytes__(self) -> bytes:
        return self.day.to_bytes(DAY_BYTES, "big") + self.id + self.erase_hash + self.sha256


def noise(day: int) -> tuple[Head, Content]:
    """A slot of *day* that holds nothing: all of it is random."""
    data = random_fill(BLOCK_BYTES)
    names = os.urandom(ID_BYTES + ERASE_BYTES)
    return Head(day, names[:ID_BYTES], names[ID_BYTES:], hashlib.sha256(data).digest()), data


def owned_by(heads: bytes, secret: bytes) -> list[tuple[bytes, bytes]]:
    """(id, preimage) of each slot whose preimage is derived from *secret*; checks every slot."""
    found = []
    for at in range(0, len(heads), HEAD_BYTES):
        block_id = heads[at + _ID_AT : at + _HASH_AT]
        kept = heads[at + _HASH_AT : at + _SHA256_AT]
        # Blocks from a vault of format 1 have a different preimage.
        for preimage in (erase_preimage(secret, block_id), first_preimage(secret, block_id)):
            if erase_hash(preimage) == kept:
                found.append((block_id, preimage))
    return found


class SlotHeads:
    """All heads by place, the index of ids, the free slots of today, and the spare ones."""

    def __init__(self, heads: Iterable[bytes]) -> None:
        self._heads = bytearray()
        self._index = SlotIndex(self._id_at)
        self.counts: Counter[int] = Counter()
        self.free: list[int] = []
        for place, head in enumerate(heads):
            self._heads += head
            self._index.add(head[_ID_AT:_HASH_AT], place)
            self.counts[int.from_bytes(head[:DAY_BYTES], "big")] += 1

    def __len__(self) -> int:
        return len(self._heads) // HEAD_BYTES

    def place(self, block_id: bytes) -> int | None:
        """Where a block is."""
        return self._index.place(block_id)

    def _id_at(self, place: int) -> bytes:
        at = place * HEAD_BYTES
        return bytes(self._heads[at + _ID_AT : at + _HASH_AT])

    def head(self, place: int) -> Head:
        """The head at a place."""
        return Head.of(bytes(self._heads[place * HEAD_BYTES : (place + 1) * HEAD_BYTES]))

    def copy(self) -> bytes:
        """All heads, one after another."""
        return bytes(self._heads)

    def places(self, day: int, limit: int | None = None) -> list[int]:
        """The places of a day's slots, in the order of the file; at most *limit*."""
        wanted = day.to_bytes(DAY_BYTES, "big")
        found: list[int] = []
        for place in range(len(self)):
            if len(found) == limit:
                break
            at = place * HEAD_BYTES
            if self._heads[at : at + DAY_BYTES] == wanted:
                found.append(place)
        return found

    def set(self, place: int, head: Head) -> None:
        """Take over a head that is on the disk."""
        at = place * HEAD_BYTES
        if place < len(self):
            before = self.head(place)
            self.counts[before.day] -= 1
            self._index.remove(before.id, place)
        self._heads[at : at + HEAD_BYTES] = bytes(head)
        self._index.add(head.id, place)
        self.counts[head.day] += 1


class Draft:
    """What one tick changes in the slots. *day* is today's number."""

    def __init__(self, heads: SlotHeads, day: int, randbelow: RandomBelow) -> None:
        self._before = heads
        self._day = day
        self._randbelow = randbelow
        self._changed: dict[int, tuple[Head, Content | None]] = {}
        self._index: dict[bytes, int] = {}
        self._length = len(heads)
        # This tick writes the slots that it frees in any case, so blocks take those first, at half
        # the cost. They are as random a set of the day's places as the others, so this reveals
        # nothing.
        self._fresh: list[int] = []
        self._rested = list(heads.free)
        self._unwritten: list[int] = []

    @property
    def free(self) -> list[int]:
        """The places of today that hold nothing."""
        return self._rested + self._fresh

    def free_nothing(self) -> None:
        """Another day begins: the free slots of the last one no longer count as free."""
        self._rested, self._fresh = [], []

    def find(self, block_id: bytes) -> int | None:
        """The place of a block, including those that this tick stores."""
        place = self._index.get(block_id, self._before.place(block_id))
        # A spare slot that is in use again has lost its id.
        return None if place is None or self.head(place).id != block_id else place

    def head(self, place: int) -> Head:
        """The head at a place, as this tick leaves it."""
        changed = self._changed.get(place)
        return self._before.head(place) if changed is None else changed[0]

    def add(self, block: Block, sha256: bytes) -> None:
        """Store a block in a random free slot of today. Raises NoRoom if there is none."""
        free = self._fresh or self._rested
        if not free:
            raise NoRoom
        chosen = self._randbelow(len(free))
        free[chosen], free[-1] = free[-1], free[chosen]
        self.put(free.pop(), Head(self._day, block.id, block.erase_hash, sha256), block.data)

    def put(self, place: int, head: Head, data: Content) -> None:
        """Write a whole slot."""
        self._changed[place] = (head, data)
        self._index[head.id] = place

    def put_head(self, place: int, head: Head) -> None:
        """Write a slot's head, with the same id."""
        _, data = self._changed.get(place, (None, None))
        self._changed[place] = (head, data)

    def add_quantum(self, slots: int, spare: list[int], read: Callable[[int], bytes]) -> None:
        """Add free slots to today: *spare* ones, and the rest at the end of the file.

        Each new slot changes places with a random one of the day (Fisher-Yates, inside out), so
        that every set of places is equally likely to be free, whatever was filed before: otherwise
        the older part of a day would be full, and its blocks older. *read* gives a slot's bytes.
        """
        places = self._before.places(self._day)
        rested, fresh = set(self._rested), set(self._fresh)
        new = range(self._length, self._length + slots - len(spare))
        self._length += len(new)
        for place in (*spare, *new):
            chosen = self._randbelow(len(places) + 1)
            freed = places[chosen] if chosen < len(places) else place
            if freed in fresh:
                # Exchanging one random slot for another changes nothing.
                freed = place
            elif freed in rested:
                # The new one is free in its stead; otherwise the slots freshly written would rarely
                # be old places.
                rested.remove(freed)
                rested.add(place)
            elif freed != place:
                head, data = self._changed.pop(freed, (None, None))
                head = head or self._before.head(freed)
                self.put(place, head, read(freed) if data is None else data)
                self._unwritten.append(freed)
            fresh.add(freed)
            places.append(place)
            self._unwritten.append(place)
        self._rested, self._fresh = list(rested), list(fresh)

    def fill(self) -> None:
        """Fill the slots that have become free, and still are, with random bytes."""
        for place in self._unwritten:
            if place not in self._changed:
                self.put(place, *noise(self._day))

    def rows(self) -> dict[int, Row]:
        """The rows to write."""
        return {place: Row(bytes(head), data) for place, (head, data) in self._changed.items()}

    def heads(self) -> Iterator[tuple[int, Head]]:
        """The heads to take over, by place."""
        return ((place, self._changed[place][0]) for place in sorted(self._changed))
