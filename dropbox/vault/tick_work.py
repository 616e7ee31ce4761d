"""What can be done in a tick. Each piece of work is done whole or refused, and changes a draft."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from dropbox.erase_hash import ERASE_BYTES, erases
from dropbox.errors import BadBundle, CannotStore, PendingGone
from dropbox.export_bundle import MAX_HISTORY, MAX_TAKEN
from dropbox.reply_bundle import ReplyBundle
from dropbox.tombstone import Reason
from dropbox.vault.block_store import (
    Block,
    Claim,
    Export,
    NoRoom,
    SealTombstone,
    StoredTwice,
)
from dropbox.vault.day_calendar import Days, Ledger
from dropbox.vault.reply_heads import ReplyDraft
from dropbox.vault.slot_heads import SPARE, Draft, SlotHeads, day_number, noise
from dropbox.vault.slot_schema import taken_until
from dropbox.vault.tick_changes import Statement

# A head or a reply is on one page; a slot is on nine; a record of a day key is on up to sixteen.
_ROWS_PER_SLOT = 9
_KEY_COST = 2


def _slots(rows: int) -> int:
    return -(-rows // _ROWS_PER_SLOT)


class Hashed(NamedTuple):
    """A block and the SHA-256 of its bytes, computed when it arrives."""

    block: Block
    sha256: bytes

    @classmethod
    def of(cls, block: Block) -> "Hashed":
        """Hash *block*."""
        return cls(block, hashlib.sha256(block.data).digest())


@dataclass
class TickDraft:
    """Everything that one tick changes. *today* is the number of the UTC day."""

    today: int
    before: SlotHeads
    slots: Draft
    replies: ReplyDraft
    days: Days
    ledger: Ledger
    accepted: dict[tuple[int, str], tuple[int, ...]]
    keys: list[tuple[int, bytes]]
    statements: list[Statement]

    def accept(self, sender: tuple[int, str], numbers: Sequence[int]) -> None:
        """Note that reply bundles of *sender*, a desk and a reviewer, were taken."""
        known = (*self.accepted.get(sender, ()), *numbers)[-MAX_TAKEN:]
        self.accepted[sender] = known
        self.statements += [
            *(("INSERT INTO accepted VALUES (?, ?, ?)", (*sender, one)) for one in numbers),
            (
                "DELETE FROM accepted WHERE desk = ? AND reviewer = ? AND number < ?",
                (*sender, known[0]),
            ),
        ]


class Work:
    """One piece of work."""

    # Whether a table other than that of the slots gets longer.
    grows = False

    @property
    def free_slots(self) -> int:
        """How many free slots it takes."""
        return 0

    @property
    def cost(self) -> int:
        """How much it writes, in slots."""
        return self.free_slots

    def do(self, draft: TickDraft) -> None:
        """Change *draft*. Raises a CasedropError, and has then changed nothing."""
        raise NotImplementedError


@dataclass(frozen=True)
class Put(Work):
    """Pieces of a file."""

    blocks: Sequence[Hashed]

    @property
    def free_slots(self) -> int:
        """See Work."""
        return len(self.blocks)

    def do(self, draft: TickDraft) -> None:
        """See BlockStore.put."""
        if len(draft.slots.free) < len(self.blocks):
            raise NoRoom
        for block, sha256 in self.blocks:
            draft.slots.add(block, sha256)


@dataclass(frozen=True)
class Commit(Work):
    """A report and the pieces that it claims."""

    report: Hashed
    claims: Sequence[Claim]

    @property
    def free_slots(self) -> int:
        """See Work."""
        return 1

    @property
    def cost(self) -> int:
        """See Work."""
        return 1 + _slots(len(self.claims))

    def do(self, draft: TickDraft) -> None:
        """See BlockStore.commit. Raises StoredTwice if the report exists."""
        slots = draft.slots
        if slots.find(self.report.block.id) is not None:
            raise StoredTwice
        places = [slots.find(claim.id) for claim in self.claims]
        if len(set(places)) != len(places):
            raise PendingGone
        for place, claim in zip(places, self.claims, strict=True):
            if place is None or not erases(claim.preimage, slots.head(place).erase_hash):
                raise PendingGone
        slots.add(*self.report)
        for place, claim in zip(places, self.claims, strict=True):
            assert place is not None
            head = slots.head(place)
            slots.put_head(place, head._replace(erase_hash=claim.erase_hash))


@dataclass(frozen=True)
class Erase(Work):
    """Blocks (id, preimage) to overwrite with tombstones."""

    owned: Sequence[tuple[bytes, bytes]]
    reason: Reason
    tombstone: SealTombstone

    @property
    def cost(self) -> int:
        """See Work."""
        return len(self.owned)

    def do(self, draft: TickDraft) -> None:
        """See BlockStore.erase."""
        slots = draft.slots
        for block_id, preimage in self.owned:
            place = slots.find(block_id)
            if place is None:
                continue
            head = slots.head(place)
            if erases(preimage, head.erase_hash):
                data = self.tombstone(block_id, self.reason, head.sha256)
                digest = hashlib.sha256(data).digest()
                # Nobody has the preimage of random bytes: what is gone stays gone.
                gone = head._replace(erase_hash=os.urandom(ERASE_BYTES), sha256=digest)
                slots.put(place, gone, data)


@dataclass(frozen=True)
class KeepKey(Work):
    """The sealed record of a day key."""

    day: date
    record: bytes
    most: int

    grows = True

    @property
    def cost(self) -> int:
        """See Work."""
        return _KEY_COST

    def do(self, draft: TickDraft) -> None:
        """See BlockStore.keep_key."""
        entry = (day_number(self.day), self.record)
        # The clocks of two processes may differ around midnight.
        if abs(entry[0] - draft.today) > 1:
            raise CannotStore("The day key is not one of today.")
        if sum(day == entry[0] for day, _ in draft.keys) >= self.most:
            raise CannotStore("There are too many day keys of one day.")
        if entry not in draft.keys:
            draft.keys.append(entry)
            draft.statements.append(("INSERT INTO day_key (day, record) VALUES (?, ?)", entry))


@dataclass(frozen=True)
class Accept(Work):
    """A desk's bundle of replies and acknowledgements."""

    bundle: ReplyBundle

    grows = True

    @property
    def cost(self) -> int:
        """See Work."""
        return _slots(len(self.bundle.replies)) + _slots(len(self.bundle.acknowledged))

    def do(self, draft: TickDraft) -> None:
        """See BlockStore.accept."""
        bundle = self.bundle
        sender = (bundle.desk, bundle.reviewer)
        bundle.check_follows(max(draft.accepted.get(sender, ()), default=None))
        ours = [one for one in bundle.acknowledged if one.vault == draft.ledger.vault_id]
        exports = draft.days.exports
        for one in ours:
            # Exports that a newer acknowledgement has made obsolete are no longer known.
            if one.number in exports and exports[one.number].head != one.head:
                raise BadBundle(
                    f"The reply bundle acknowledges another export {one.number} than the one that "
                    "this vault made."
                )
            if one.number > max(exports, default=0):
                raise BadBundle(
                    f"The reply bundle acknowledges export {one.number}, which this vault has not "
                    "made."
                )
        try:
            draft.replies.add(bundle.replies, bundle.keep_until)
        except StoredTwice:
            raise BadBundle(
                "A reply in the bundle has the tag of one that already exists."
            ) from None
        for one in sorted(ours):
            if one.number in exports:
                draft.days.acknowledge(one.number, draft.today)
        draft.accept(sender, [bundle.number])


@dataclass(frozen=True)
class TakeOver(Work):
    """Replies, and the last numbers of desks and reviewers, from a vault of format 1."""

    replies: Sequence[tuple[bytes, bytes]]
    keep_until: date
    numbers: Mapping[tuple[int, str], int]

    grows = True

    @property
    def cost(self) -> int:
        """See Work."""
        return _slots(len(self.replies))

    def do(self, draft: TickDraft) -> None:
        """Raises StoredTwice or NoRoom."""
        draft.replies.add(self.replies, self.keep_until)
        for sender, number in self.numbers.items():
            draft.accept(sender, taken_until(number))


@dataclass(frozen=True)
class ForgetReplies(Work):
    """Replies to overwrite."""

    tags: Sequence[bytes]

    @property
    def cost(self) -> int:
        """See Work."""
        return _slots(len(self.tags))

    def do(self, draft: TickDraft) -> None:
        """See BlockStore.forget_replies."""
        for tag in self.tags:
            draft.replies.forget(tag)


@dataclass(frozen=True)
class NoteExport(Work):
    """The next export bundle."""

    export: Export

    grows = True

    def do(self, draft: TickDraft) -> None:
        """See BlockStore.note_export."""
        if self.export.number != max(draft.days.exports, default=0) + 1:
            raise CannotStore("Another export was made at the same time.")
        draft.days.note_export(*self.export, draft.today, MAX_HISTORY)


def remove_step(draft: TickDraft, slots: int) -> None:
    """Overwrite at most *slots* slots of a day whose time is over, and forget what has expired."""
    for day in draft.days.leaving(draft.today)[:1]:
        draft.days.leave(day, draft.before.counts[day])
        places = draft.before.places(day, slots)
        for place in places:
            draft.slots.put(place, *noise(SPARE))
        if len(places) < slots:
            draft.days.gone(day, draft.today)
    draft.days.forget_gone(draft.today)
    first = draft.days.first_kept()
    for entry in draft.keys:
        # A block from around midnight, or a tombstone, may be sealed under another day's key: so a
        # key is kept until all days before it have left, too.
        if first is not None and entry[0] + 1 < first:
            draft.keys.remove(entry)
            draft.statements.append(("DELETE FROM day_key WHERE day = ? AND record = ?", entry))
            return
