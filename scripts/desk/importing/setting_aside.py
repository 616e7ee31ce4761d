"""Setting aside what could not be opened: it is kept sealed, and the acknowledgement goes on.

A front that was taken over can leave blocks that open under their day key but hold no message, and
day keys that nobody can open. Without this the server would keep their days until the hard limit. A
key that is merely missing must never lead to a deletion by itself, so a reviewer says what is set
aside: only what is damaged, or also what is sealed to a key that is not here. What waits for a
passphrase is never set aside.

For a damaged report or file its own blocks are kept. If a key is missing, nobody knows which blocks
belong to it, so all unexplained blocks of its day and the two beside it are kept. The sealed day
keys of these days are kept with them.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256

from dropbox.day_key import DayKeyRecord
from dropbox.export_bundle import Head
from dropbox.sizes import BLOCK_BYTES
from scripts.desk.case import Cause, Unopened
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.unopened import BLOCK, DAY_KEY
from scripts.desk.importing.content import Content
from scripts.desk.importing.listing import Found

# 4,096 blocks: sixteen days' slots, or any number of damaged reports that a courier carries weekly.
MOST_KEPT_BYTES = 256 * 2**20
_BESIDE = timedelta(days=1)


@dataclass(frozen=True)
class Wanted:
    """What the reviewer sets aside: which causes, and at most how many bytes in the casebook."""

    causes: Collection[Cause] = ()
    most_bytes: int = MOST_KEPT_BYTES


@dataclass(frozen=True)
class Kept:
    """The result: how much was set aside, and how many blocks and bytes are kept for it.

    ``refused_bytes`` is what everything would take in the casebook, if that was too much; nothing
    was set aside then.
    """

    set_aside: int = 0
    blocks: int = 0
    bytes: int = 0
    refused_bytes: int = 0


class Keeping:
    """Keeps what could not be opened in a bundle, in the transaction that closes the bundle."""

    def __init__(self, casebook: Casebook, content: Content, head: Head) -> None:
        self._casebook = casebook
        self._content = content
        self._number = head.number
        self._records = {
            record.id: (record.day, raw)
            for raw in head.day_keys
            for record in [DayKeyRecord.from_bytes(raw)]
        }

    def keep(self, unopened: Sequence[Unopened], wanted: Wanted) -> Kept:
        """Set aside those of *unopened* that are *wanted*, if they fit; release what is gone."""
        self._release_gone(unopened)
        marked = self._casebook.set_aside.marked()
        waiting = [one for one in unopened if not self._is_kept(one, marked)]
        for one in waiting:
            # Kept with other bytes, or not at all: it holds back the acknowledgement again.
            self._casebook.set_aside.unmark(one.block_id, one.place)
        chosen = [one for one in waiting if one.cause in wanted.causes]
        positions = sorted(self._positions(chosen))
        records = self._records_near(self._days(chosen, positions))
        size = len(positions) * BLOCK_BYTES + sum(len(raw) for _, raw in records.values())
        total = self._casebook.set_aside.total_bytes() + size
        if not chosen or total > wanted.most_bytes:
            return Kept(refused_bytes=total if chosen else 0)
        for position in positions:
            self._keep_block(position)
        for record_id, (day, raw) in records.items():
            self._add(record_id, DAY_KEY, day, sha256(raw).hexdigest(), raw)
        for one in chosen:
            self._casebook.set_aside.mark(one.block_id, one.place, kept=True)
        return Kept(len(chosen), len(positions), size)

    def _release_gone(self, unopened: Sequence[Unopened]) -> None:
        """Release what the server no longer has: no acknowledgement can delete that."""
        settled = {(one.block_id, one.place) for one in unopened}
        settled |= self._casebook.set_aside.marked().keys()
        for one in self._casebook.unopened():
            here = one.block_id in self._content or one.block_id in self._records
            if (one.block_id, one.place) not in settled and not here:
                self._casebook.set_aside.mark(one.block_id, one.place, kept=False)

    def _is_kept(self, one: Unopened, marked: Mapping[tuple[bytes, int], bool]) -> bool:
        if (one.block_id, one.place) not in marked:
            return False
        position = self._content.listing.find(one.block_id)
        if one.place or position is None:
            return True
        digest = self._content.listing.block(position).sha256.hex()
        return self._casebook.set_aside.keeps(one.block_id, digest)

    def _positions(self, chosen: Iterable[Unopened]) -> set[int]:
        """The slots to keep with *chosen*, without those that are kept already."""
        found: set[int] = set()
        days: set[date] = set()
        for one in chosen:
            own = self._content.listing.find(one.block_id)
            if one.place:
                found.update(self._pieces(one))
            elif own is not None:
                found.add(own)
            if one.block_id in self._records:
                days.add(self._records[one.block_id][0])
            elif one.cause is Cause.NO_KEY and own is not None:
                days.add(self._content.listing.day(own))
        return {one for one in found | self._unexplained(days) if not self._has(one)}

    def _pieces(self, one: Unopened) -> Iterator[int]:
        part = self._casebook.part_in(one.block_id)
        yield from self._content.pieces(part.report, part.report.attachments[one.place - 1])

    def _unexplained(self, days: Collection[date]) -> set[int]:
        """The slots near *days* that no key opened and no file claims."""
        near = {day + beside for day in days for beside in (-_BESIDE, timedelta(0), _BESIDE)}
        if not near:
            return set()
        listing = self._content.listing
        return {
            position
            for position in range(len(listing))
            if not listing.found(position) & (Found.OPENED | Found.PIECE)
            and listing.day(position) in near
        }

    def _has(self, position: int) -> bool:
        block = self._content.listing.block(position)
        return self._casebook.set_aside.keeps(block.id, block.sha256.hex())

    def _days(self, chosen: Iterable[Unopened], positions: Iterable[int]) -> set[date]:
        days = {self._content.listing.day(position) for position in positions}
        keys = (one.block_id for one in chosen if one.block_id in self._records)
        return days | {self._records[one][0] for one in keys}

    def _records_near(self, days: Collection[date]) -> dict[bytes, tuple[date, bytes]]:
        """The sealed day keys of *days* and the days beside them that are not kept already."""
        return {
            record_id: (day, raw)
            for record_id, (day, raw) in self._records.items()
            if any(abs(day - one) <= _BESIDE for one in days)
            and not self._casebook.set_aside.keeps(record_id, sha256(raw).hexdigest())
        }

    def _keep_block(self, position: int) -> None:
        block = self._content.listing.block(position)
        data = self._content.blocks.at(position)
        self._add(block.id, BLOCK, block.day, block.sha256.hex(), data)

    def _add(self, one_id: bytes, kind: str, day: date, digest: str, data: bytes) -> None:
        row = {"id": one_id, "kind": kind, "day": day.isoformat(), "sha256": digest}
        row = self._casebook.set_aside.add({**row, "bundle": self._number, "data": data})
        self._casebook.note("import", f"B-{self._number}", "sealed", row, cipher=digest)
