"""Making export bundles: the newest one's lists stay in memory until the next, its blocks do not.

An export is a snapshot of the lists. Its blocks are read one by one when a volume is fetched.
Filing and deleting go on meanwhile; the volume's trailer lists what was deleted since.
"""

import os
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from nacl.signing import SigningKey

from dropbox.errors import CannotStore, CasedropError, SettingsError
from dropbox.export_bundle import (
    ACKNOWLEDGED,
    EXPIRED,
    SALT_BYTES,
    GoneDay,
    Head,
    HeldDay,
    Successor,
    in_volumes,
    index_of,
    read_index,
    volume_with,
    write_head,
    write_volume,
)
from dropbox.sizes import BLOCK_BYTES
from dropbox.vault.block_store import BlockStore, DayState, Export

# The second attempt can only fail if midnight passes again.
_ATTEMPTS = 3
_LISTED = (DayState.OPEN, DayState.CLOSED)
_READABLE = (*_LISTED, DayState.KEPT)


# Memory: of a vault's two processes with the largest tick; for each slot; and for each listed slot
# while an export is made, besides the previous export (docs/performance.md).
_BASE_BYTES = 320 * 2**20
_SLOT_BYTES, _LISTED_BYTES = 90, 360
# From this share on the operator is told: there is still time for a pull and an acknowledgement.
_SOON = 0.8


class TooManySlots(CasedropError):
    """An export would take more memory than the vault may have."""


class NoSuchVolume(CasedropError):
    """The vault has another export by now, or was restarted, or a day of this export has left."""


@dataclass(frozen=True)
class _Snapshot:
    """An export: its head, the head's SHA-256 in hex, and the indexes of its volumes.

    It stays until the next one, and a vault may have millions of slots: each takes 52 bytes in an
    index, but 233 as a ListedBlock.
    """

    head: Head
    digest: str
    indexes: list[bytes]


class Exports:
    """The exports of *store*, signed with *key*. Safe to share between threads.

    *memory_bytes*: how much the vault may use, None if that is not limited. *successor*: the
    operator's statement that this vault takes the place of a lost one. It is in every head for as
    long as it is given, since each desk has to see it. Raises SettingsError if it names this vault
    itself.
    """

    def __init__(
        self,
        store: BlockStore,
        *,
        onion: str,
        campaign: str,
        key: SigningKey,
        successor: Successor | None = None,
        memory_bytes: int | None = None,
    ) -> None:
        if successor is not None and successor.vault == store.vault_id():
            raise SettingsError(
                "The operator's statement says that this vault takes the place of itself; the lost "
                "vault has another id."
            )
        self._store = store
        self._onion = onion
        self._campaign = campaign
        self._key = key
        self._successor = successor
        self._memory_bytes = memory_bytes
        self._newest: _Snapshot | None = None
        self._lock = threading.Lock()

    def make(self) -> bytes:
        """Make the next export. Returns its head file, which the store has noted.

        Raises CannotStore, or TooManySlots before anything is made: the kernel kills a vault that
        uses more memory than it may.
        """
        with self._lock:
            if self._share() > 1:
                raise TooManySlots(self.trouble())
            for _ in range(_ATTEMPTS):
                open_days = self._open_days()
                snapshot = self._snapshot(open_days)
                self._store.note_export(
                    Export(snapshot.head.number, bytes.fromhex(snapshot.digest))
                )
                # An export holds all days that were over when it was noted, and the desk's
                # acknowledgement deletes them. If midnight passed after its snapshot, a report from
                # the last seconds may be missing in it, and would never be seen.
                if self._open_days() == open_days:
                    self._newest = snapshot
                    return write_head(snapshot.head, self._key)
        raise CannotStore

    def trouble(self) -> str | None:
        """What the operator has to know about the next export's memory, None if there is enough."""
        share = self._share()
        if share <= _SOON:
            return None
        begin = (
            "A bundle cannot be made any more"
            if share > 1
            else f"Soon no bundle can be made: it would take {share:.0%} of what is allowed"
        )
        return (
            f"{begin}. The vault holds {self._listed():,} slots that no desk has acknowledged, too "
            f"many for its {(self._memory_bytes or 0) / 2**30:.1f} GiB of memory. Give it more "
            "(MemoryMax of casedrop-vault, then restart), pull, and have the desk acknowledge. "
            "Nothing is lost."
        )

    def _share(self) -> float:
        """The share of the vault's allowed memory that the next export would take."""
        if self._memory_bytes is None:
            return 0.0
        held = sum(day.slots for day in self._store.days() if day.state is not DayState.GONE)
        return (_BASE_BYTES + _SLOT_BYTES * held + _LISTED_BYTES * self._listed()) / (
            self._memory_bytes
        )

    def _listed(self) -> int:
        return sum(day.slots for day in self._store.days() if day.state in _LISTED)

    @property
    def volumes(self) -> int:
        """How many volumes the newest export has, 0 if none was made since the start."""
        newest = self._newest
        return 0 if newest is None else len(newest.indexes)

    def volume(self, digest: str, position: int) -> Iterator[bytes]:
        """Volume *position* (from 1) of the export whose head has the SHA-256 *digest*, in hex.

        Raises NoSuchVolume unless that export is the newest and all its blocks are there. A day
        that leaves meanwhile breaks it off with CannotStore; the next attempt raises NoSuchVolume.
        """
        newest = self._newest
        if newest is None or newest.digest != digest or not 1 <= position <= len(newest.indexes):
            raise NoSuchVolume
        blocks = read_index(newest.indexes[position - 1])
        readable = {day.day for day in self._store.days() if day.state in _READABLE}
        if not {block.day for block in blocks} <= readable:
            raise NoSuchVolume
        unfinished = frozenset(held.day for held in newest.head.days if not held.closed)
        open_ids = frozenset(block.id for block in blocks if block.day in unfinished)

        def read(block_id: bytes) -> bytes:
            data = self._store.read(block_id)
            if data is not None:
                return data
            if block_id in open_ids:
                # This was a free slot, which by now has a block with another id that the next
                # export will hold. The volume needs as many blocks as its list, and this one was
                # only filling.
                return os.urandom(BLOCK_BYTES)
            raise CannotStore

        return write_volume(newest.head, position, blocks, read, self._key)

    def _open_days(self) -> frozenset[date]:
        return frozenset(day.day for day in self._store.days() if day.state is DayState.OPEN)

    def _snapshot(self, open_days: frozenset[date]) -> _Snapshot:
        listed = self._store.snapshot()
        # In this order: a day that leaves now has already been listed, and a block's key is stored
        # before the block.
        days, day_keys = self._store.days(), self._store.day_keys()
        exports = self._store.exports()
        slots = Counter(block.day for block in listed)
        indexes = [index_of(blocks) for blocks in in_volumes(listed)]
        head = Head(
            vault=self._store.vault_id(),
            onion=self._onion,
            campaign=self._campaign,
            number=max((one.number for one in exports), default=0) + 1,
            salt=os.urandom(SALT_BYTES),
            history=tuple(exports),
            days=tuple(
                HeldDay(day, slots[day], closed=self._is_over(day, open_days))
                for day in sorted(slots)
            ),
            gone=tuple(
                GoneDay(day.day, day.slots, ACKNOWLEDGED if day.acknowledged else EXPIRED)
                for day in days
                # No desk could miss a day that never had a slot.
                if day.state not in _LISTED and day.day not in slots and day.slots
            ),
            day_keys=tuple(record for _, record in day_keys),
            replies=tuple(self._store.accepted()),
            volumes=tuple(map(volume_with, indexes)),
            successor=self._successor,
        )
        return _Snapshot(head, head.digest.hex(), indexes)

    @staticmethod
    def _is_over(day: date, open_days: frozenset[date]) -> bool:
        return day < min(open_days, default=date.min)
