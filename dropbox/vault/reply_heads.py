"""The reply slots' heads in memory, and what one tick changes in them.

Replies come in batches of BATCH slots. A bundle fills some of them, in random places; the rest are
random bytes. All slots of a batch have the same last day, which is the bundle's. A forgotten reply
becomes random bytes. So the file shows how many batches there are, but not how many replies they
hold or held.
"""

import os
import secrets
from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from dropbox.sizes import ID_BYTES, REPLY_BYTES
from dropbox.vault.block_store import Content, NoRoom, StoredTwice
from dropbox.vault.random_fill import random_fill
from dropbox.vault.slot_heads import SPARE, RandomBelow, day_number
from dropbox.vault.slot_schema import DAY_BYTES
from dropbox.vault.tick_changes import Row

BATCH = 256


class ReplyHead(NamedTuple):
    """The last day of the batch (SPARE: its time is over) and the reply's tag."""

    keep_until: int
    tag: bytes

    @classmethod
    def of(cls, raw: bytes) -> "ReplyHead":
        """From its REPLY_HEAD_BYTES."""
        return cls(int.from_bytes(raw[:DAY_BYTES], "big"), bytes(raw[DAY_BYTES:]))

    def __bytes__(self) -> bytes:
        return self.keep_until.to_bytes(DAY_BYTES, "big") + self.tag


def noise(keep_until: int) -> tuple[ReplyHead, Content]:
    """A reply slot that holds nothing."""
    return ReplyHead(keep_until, os.urandom(ID_BYTES)), random_fill(REPLY_BYTES)


class ReplyHeads:
    """All heads by place, and the index of tags."""

    def __init__(self, heads: list[bytes]) -> None:
        self._heads = [ReplyHead.of(head) for head in heads]
        self._index = {head.tag: place for place, head in enumerate(self._heads)}

    def __len__(self) -> int:
        return len(self._heads)

    def place(self, tag: bytes) -> int | None:
        """Where the reply under *tag* is."""
        return self._index.get(tag)

    def head(self, place: int) -> ReplyHead:
        """The head at a place."""
        return self._heads[place]

    def batches(self) -> Iterator[tuple[int, int]]:
        """(first place, last day) of each batch."""
        return ((place, self._heads[place].keep_until) for place in range(0, len(self), BATCH))

    def some_places(self, tags: Sequence[bytes]) -> list[int]:
        """A place to read for each tag: its reply's, or any other."""
        return [
            secrets.randbelow(len(self)) if place is None else place
            for place in map(self.place, tags)
            if len(self)
        ]

    def set(self, place: int, head: ReplyHead) -> None:
        """Take over a head that is on the disk."""
        if place < len(self):
            self._index.pop(self._heads[place].tag, None)
            self._heads[place] = head
        else:
            self._heads.append(head)
        self._index[head.tag] = place


class ReplyDraft:
    """What one tick changes in the reply slots; *may_grow* says whether the table gets longer."""

    def __init__(self, heads: ReplyHeads, randbelow: RandomBelow, may_grow: bool) -> None:
        self._before = heads
        self._may_grow = may_grow
        self._randbelow = randbelow
        self._changed: dict[int, tuple[ReplyHead, Content]] = {}
        self._index: dict[bytes, int] = {}
        self._spare = [place for place, last in heads.batches() if last == SPARE]
        self._length = len(heads)

    def find(self, tag: bytes) -> int | None:
        """The place of a reply, including those that this tick stores."""
        place = self._index.get(tag, self._before.place(tag))
        return None if place is None or self._head(place).tag != tag else place

    def add(self, sealed: Sequence[tuple[bytes, bytes]], keep_until: date) -> None:
        """Store replies in as few batches as hold them, or none. Raises StoredTwice or NoRoom."""
        if len({tag for tag, _ in sealed}) != len(sealed) or any(
            self.find(tag) is not None for tag, _ in sealed
        ):
            raise StoredTwice
        if not self._may_grow and len(sealed) > BATCH * len(self._spare):
            raise NoRoom
        last = day_number(keep_until)
        for start in range(0, len(sealed), BATCH):
            places = list(self._batch())
            for tag, reply in sealed[start : start + BATCH]:
                chosen = places.pop(self._randbelow(len(places)))
                self._put(chosen, ReplyHead(last, tag), reply)
            for place in places:
                self._put(place, *noise(last))

    def forget(self, tag: bytes) -> None:
        """Overwrite the reply under *tag*, if there is one."""
        place = self.find(tag)
        if place is not None:
            self._put(place, *noise(self._head(place).keep_until))

    def expire(self, today: int) -> None:
        """Overwrite one batch whose time is over, if there is one."""
        for first, last in self._before.batches():
            if SPARE < last < today and first not in self._changed:
                for place in range(first, first + BATCH):
                    self._put(place, *noise(SPARE))
                return

    def rows(self) -> dict[int, Row]:
        """The rows to write."""
        return {place: Row(bytes(head), data) for place, (head, data) in self._changed.items()}

    def heads(self) -> Iterator[tuple[int, ReplyHead]]:
        """The heads to take over, by place."""
        return ((place, self._changed[place][0]) for place in sorted(self._changed))

    def _batch(self) -> range:
        if self._spare:
            first = self._spare.pop()
        else:
            first, self._length = self._length, self._length + BATCH
        return range(first, first + BATCH)

    def _head(self, place: int) -> ReplyHead:
        changed = self._changed.get(place)
        return self._before.head(place) if changed is None else changed[0]

    def _put(self, place: int, head: ReplyHead, data: Content) -> None:
        self._changed[place] = (head, data)
        self._index[head.tag] = place
