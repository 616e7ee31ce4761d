"""The store of days and slots: the engine of a BlockStore that keeps one SQLite file.

A day begins with a quantum of slots full of random bytes, and gets another before they are used
up. A block takes a random free slot in place; which slots are free is known in memory only. All
writing is done by ticks, one transaction each, whether something arrived or not. So the file shows
how many quanta a day has, and nothing of what is in them.
"""

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Self

from dropbox.errors import CannotStore, CasedropError, StoreError
from dropbox.export_bundle import AcceptedReplies, ListedBlock
from dropbox.reply_bundle import ReplyBundle
from dropbox.sizes import BLOCK_BYTES, ID_BYTES
from dropbox.tombstone import Reason
from dropbox.vault.block_store import (
    Block,
    Claim,
    ClockJumped,
    Day,
    Export,
    NoRoom,
    SealTombstone,
    StoredTwice,
)
from dropbox.vault.day_calendar import DayRow, Days, ExportRow, Ledger, Retention
from dropbox.vault.reply_heads import BATCH, ReplyDraft, ReplyHeads
from dropbox.vault.slot_file import SlotFile
from dropbox.vault.slot_heads import (
    SPARE,
    Draft,
    Head,
    RandomBelow,
    SlotHeads,
    day_number,
    day_of,
    owned_by,
)
from dropbox.vault.slot_schema import HEAD_BYTES
from dropbox.vault.tick import Queue, Ticking, Waiting
from dropbox.vault.tick_changes import Changes, largest_tick_pages
from dropbox.vault.tick_work import (
    Accept,
    Commit,
    Erase,
    ForgetReplies,
    Hashed,
    KeepKey,
    NoteExport,
    Put,
    TakeOver,
    TickDraft,
    Work,
    remove_step,
)

_JUMP = timedelta(days=1)
# A slot takes 66,570 bytes of the file, with its share of a leaf page; some more, to be safe.
_SLOT_DISK_BYTES = 70_000
# So often does a caller look whether the ticks still come.
_LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class StoreLimits:
    """Sizes and times of a store.

    ``quantum``: slots that a day begins with and grows by (256 are 16 MiB). ``tick_seconds``: from
    one tick to the next. ``tick_slots``: at most so many slots are taken in one tick.
    ``queue_slots``: at most so many wait in memory (1,024 are 64 MiB). ``patience_seconds``: so
    long does an arrival wait for room in the queue. ``removal_slots``: so many slots of a day that
    leaves are overwritten in a tick. ``keys_a_day``: so many records of day keys are kept for a
    day.
    """

    quantum: int = 256
    tick_seconds: float = 1.0
    tick_slots: int = 768
    queue_slots: int = 1_024
    patience_seconds: float = 20.0
    removal_slots: int = 256
    keys_a_day: int = 256
    retention: Retention = field(default_factory=Retention)

    @property
    def reserve(self) -> int:
        """With fewer free slots than these, the day gets another quantum."""
        return max(1, self.quantum // 4)

    @property
    def journal_pages(self) -> int:
        """What the largest tick replaces.

        What arrives, or what makes room for it in a day that grows; the rest of its new quanta; a
        quantum of spare slots; a part of a day that leaves.
        """
        slots = self.tick_slots + 3 * self.quantum + self.removal_slots
        return largest_tick_pages(slots=slots, replies=2 * BATCH)


class DayStore:
    """The open store; see BlockStore for what it promises.

    Without ``start`` there is no thread, and whatever has to wait for a tick makes one: so tools
    and tests use it. *clock* returns UTC time. *tombstone* seals what replaces an erased block.
    """

    def __init__(
        self,
        file: SlotFile,
        *,
        clock: Callable[[], datetime],
        tombstone: SealTombstone,
        limits: StoreLimits,
        randbelow: RandomBelow,
    ) -> None:
        self._file = file
        self._clock = clock
        self._tombstone = tombstone
        self._limits = limits
        self._randbelow = randbelow
        self._queue: Queue[Work] = Queue(limits.queue_slots)
        self._ticking = Ticking(self.tick, limits.tick_seconds, file.settle)
        # Held for a whole tick; and for moments, when what is in memory is read or taken over.
        self._tick_lock = threading.Lock()
        self._lock = threading.Lock()
        self._queued_ids: set[bytes] = set()
        # What the last tick tried to write, until it is known whether that is on the disk.
        self._attempt: tuple[TickDraft, bytes] | None = None
        self._today: int | None = None
        # The day on which a tick without work had nothing to change, and whether the clock had
        # jumped. Until there is work or another day, there is nothing to find out.
        self._rests: tuple[int, bool] | None = None
        # Nothing is accepted before the first tick has made room for it.
        self._short = True
        self._is_closed = False
        self._heads = SlotHeads(file.heads())
        self._load()
        # The last time of the clock that is believed, and whether it has jumped since.
        self._seen, self._jumped = clock(), False
        seen_day = self._ledger.seen
        if seen_day and abs(self._seen_day() - seen_day) > 1:
            self._seen, self._jumped = datetime.combine(day_of(seen_day), time(), UTC), True

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        clock: Callable[[], datetime],
        tombstone: SealTombstone,
        limits: StoreLimits | None = None,
        randbelow: RandomBelow = secrets.randbelow,
    ) -> Self:
        """Open *path*, or create it (0600), and make its first tick.

        Raises StoreError if this version cannot use it.
        """
        limits = limits or StoreLimits()
        file = SlotFile.open(path, journal_pages=limits.journal_pages)
        try:
            store = cls(file, clock=clock, tombstone=tombstone, limits=limits, randbelow=randbelow)
            store.tick()
        except CannotStore:
            file.close()
            raise StoreError(
                f"The vault's file {path} is damaged: its slots cannot be read."
            ) from None
        return store

    def start(self) -> None:
        """Let ticks come by themselves.

        Lock the room first: a lock does not reach other threads.
        """
        self._ticking.start()

    def close(self) -> None:
        """Write what waits, then close the file."""
        if self._is_closed:
            return
        self._is_closed = True
        self._ticking.stop()
        while not self._queue.is_empty():
            self.tick()
        self._file.close()

    def check(self) -> None:
        """Raise CannotStore unless the file can be read."""
        self._file.days()

    # --- What arrives ---

    def put(self, blocks: Sequence[Block]) -> None:
        """See BlockStore.put."""
        self._accepts()
        hashed = [self._checked(block) for block in blocks]
        self._submit(Put(hashed), frozenset(block.id for block in blocks))

    def commit(self, report: Block, claims: Sequence[Claim]) -> None:
        """See BlockStore.commit."""
        self._accepts()
        try:
            self._done(Commit(self._checked(report), claims))
        except StoredTwice:
            self._erase([(claim.id, claim.preimage) for claim in claims], Reason.ABANDONED)

    def keep_key(self, day: date, record: bytes) -> None:
        """See BlockStore.keep_key."""
        self._accepts_at_any_room()
        self._done(KeepKey(day, record, self._limits.keys_a_day))

    def accept(self, bundle: ReplyBundle) -> None:
        """See BlockStore.accept."""
        self._accepts_at_any_room()
        self._done(Accept(bundle))

    def note_export(self, export: Export) -> None:
        """See BlockStore.note_export."""
        self._accepts_at_any_room()
        self._done(NoteExport(export))

    def take_over(
        self,
        replies: Sequence[tuple[bytes, bytes]],
        keep_until: date,
        numbers: Mapping[tuple[int, str], int],
    ) -> None:
        """Take what a vault of format 1 has: replies by tag, and the desks' last numbers."""
        self._done(TakeOver(replies, keep_until, numbers))

    # --- What goes ---

    def erase(self, owned: Sequence[tuple[bytes, bytes]]) -> None:
        """See BlockStore.erase."""
        self._erase(owned, Reason.ABANDONED)

    def withdraw(self, secret: bytes) -> None:
        """See BlockStore.withdraw."""
        with self._lock:
            heads = self._heads.copy()
        self._erase(owned_by(heads, secret), Reason.WITHDRAWN)

    def forget_replies(self, tags: Sequence[bytes]) -> None:
        """See BlockStore.forget_replies."""
        self._done(ForgetReplies(tags))

    # --- What is there ---

    def read(self, block_id: bytes) -> bytes | None:
        """See BlockStore.read."""
        return self._file.data(lambda: self._heads.place(block_id))

    def snapshot(self) -> list[ListedBlock]:
        """See BlockStore.snapshot."""
        with self._lock:
            heads, days = self._heads.copy(), self._days
            today = self._seen_day()
        listed = {day: day_of(day) for day in days.rows if days.is_listed(day, today)}
        found = []
        for at in range(0, len(heads), HEAD_BYTES):
            head = Head.of(heads[at : at + HEAD_BYTES])
            if head.day in listed:
                found.append(ListedBlock(head.id, head.sha256, listed[head.day]))
        return sorted(found)

    def days(self) -> list[Day]:
        """See BlockStore.days."""
        with self._lock:
            return self._days.described(dict(self._heads.counts), self._seen_day())

    def day_keys(self) -> list[tuple[date, bytes]]:
        """See BlockStore.day_keys."""
        with self._lock:
            return [(day_of(day), record) for day, record in self._keys]

    def replies(self, tags: Sequence[bytes]) -> list[tuple[int, bytes]]:
        """See BlockStore.replies."""
        known: list[bool] = []

        def places() -> list[int]:
            known.extend(self._replies.place(tag) is not None for tag in tags)
            return self._replies.some_places(tags)

        read = self._file.replies_at(places)
        return [(index, sealed) for index, sealed in enumerate(read) if known[index]]

    def vault_id(self) -> bytes:
        """See BlockStore.vault_id."""
        return self._ledger.vault_id

    def exports(self) -> list[Export]:
        """See BlockStore.exports."""
        with self._lock:
            return [Export(number, row.head) for number, row in sorted(self._days.exports.items())]

    def accepted(self) -> list[AcceptedReplies]:
        """See BlockStore.accepted."""
        with self._lock:
            return [
                AcceptedReplies(*sender, last) for sender, last in sorted(self._accepted.items())
            ]

    # --- The clock and the disk ---

    def trouble(self) -> str | None:
        """See BlockStore.trouble."""
        if self._jumped:
            return str(ClockJumped())
        return str(NoRoom()) if self._short else None

    def confirm_clock(self) -> None:
        """See BlockStore.confirm_clock."""
        with self._tick_lock:
            self._seen = self._clock()
            self._jumped = False

    def _accepts(self) -> None:
        self._accepts_at_any_room()
        if self._short and not self._ticking.is_running() and not self._is_closed:
            self.tick()
        if self._short:
            raise NoRoom

    def _accepts_at_any_room(self) -> None:
        if self._jumped:
            raise ClockJumped

    # --- Ticks ---

    def tick(self) -> None:
        """Write what waits, in one transaction; ends the waiting of all that is in it.

        A tick that fails keeps nothing; the next one finds out what is on the disk.
        """
        with self._tick_lock:
            self._watch_clock()
            taken = self._queue.take(self._limits.tick_slots)
            refusals: dict[Waiting[Work], CasedropError] = {}
            failure: CasedropError | None = CannotStore()
            try:
                self._write(taken, refusals)
                failure = None
            except CannotStore:
                # Whoever waits is told; the next tick begins by reading what is there.
                pass
            finally:
                with self._lock:
                    self._queued_ids -= {one for entry in taken for one in entry.ids}
                self._queue.ended(taken)
                for entry in taken:
                    entry.end(failure or refusals.get(entry))

    def _write(
        self, taken: Sequence[Waiting[Work]], refusals: dict[Waiting[Work], CasedropError]
    ) -> None:
        self._settle()
        rests, self._rests = self._rests, None
        if not taken and rests == (self._seen_day(), self._jumped):
            self._file.write(Changes(), bytes(self._ledger), lambda: None)
            self._rests = rests
            return
        try:
            self._write_once(taken, refusals, may_grow=True)
        except CannotStore:
            if self._settle():
                # All is there, but nobody knows whether it would outlive a power cut.
                raise
            # A full disk: what needs no room, such as to withdraw, is done all the same.
            refusals.clear()
            self._write_once(taken, refusals, may_grow=False)

    def _write_once(
        self,
        taken: Sequence[Waiting[Work]],
        refusals: dict[Waiting[Work], CasedropError],
        *,
        may_grow: bool,
    ) -> None:
        draft = self._draft(may_grow)
        begins = draft.today != self._today and not self._jumped
        if begins:
            self._file.grow_journal()
            # What yesterday's slots hold stays; those that are free are so no longer.
            draft.slots.free = []
            draft.days.begin(draft.today)
            draft.ledger = draft.ledger._replace(seen=draft.today)
        short = False
        if not self._jumped:
            needed = sum(entry.work.free_slots for entry in taken)
            short = not self._grow(draft, needed, may_grow)
        for entry in taken:
            try:
                if entry.work.grows and not may_grow:
                    raise NoRoom
                entry.work.do(draft)
            except CasedropError as why:
                refusals[entry] = why
        if not self._jumped:
            remove_step(draft, self._limits.removal_slots)
            draft.replies.expire(draft.today)
        draft.slots.fill()
        changes = Changes(
            draft.slots.rows(), draft.replies.rows(), [*draft.days.statements, *draft.statements]
        )
        ledger = bytes(draft.ledger)
        self._attempt = draft, ledger
        self._file.write(changes, ledger, lambda: self._take_over(draft))
        self._short = short
        if begins:
            self._today = draft.today
        if not (taken or begins or short or changes.any()):
            self._rests = draft.today, self._jumped

    def _draft(self, may_grow: bool) -> TickDraft:
        today = self._seen_day()
        return TickDraft(
            today=today,
            before=self._heads,
            slots=Draft(self._heads, today, self._randbelow),
            replies=ReplyDraft(self._replies, self._randbelow, may_grow),
            days=self._days.draft(),
            ledger=self._ledger,
            accepted=dict(self._accepted),
            keys=list(self._keys),
            statements=[],
        )

    def _grow(self, draft: TickDraft, needed: int, may_grow: bool) -> bool:
        """Add quanta until *needed* slots and the reserve are free; whether there is room."""
        lacking = needed + self._limits.reserve - len(draft.slots.free)
        if lacking <= 0:
            return True
        quantum = self._limits.quantum
        slots = -(-lacking // quantum) * quantum
        # To write spare slots takes up room in the journal: they are for a quantum at a time.
        spare = self._heads.places(SPARE, quantum) if slots == quantum else []
        has_room = may_grow and self._file.room() > (slots - len(spare)) * _SLOT_DISK_BYTES
        if len(spare) < slots and not has_room:
            spare = self._heads.places(SPARE, quantum)
            if len(spare) < quantum:
                return False
            slots = quantum
        draft.slots.add_quantum(slots, spare, self._read)
        return slots >= lacking

    def _read(self, place: int) -> bytes:
        data = self._file.data(lambda: place)
        assert data is not None
        return data

    def _take_over(self, draft: TickDraft) -> None:
        with self._lock:
            for place, head in draft.slots.heads():
                self._heads.set(place, head)
            self._heads.free = draft.slots.free
            for place, reply in draft.replies.heads():
                self._replies.set(place, reply)
            self._days = draft.days.draft()
            self._ledger, self._accepted, self._keys = draft.ledger, draft.accepted, draft.keys
            self._attempt = None

    def _settle(self) -> bool:
        """After a failed tick, find out whether it is on the disk all the same.

        The ledger has other random bytes in every tick, and a tick is written whole or not at all.
        """
        if self._attempt is None:
            return False
        draft, ledger = self._attempt
        self._file.refresh()
        landed = self._file.ledger == ledger
        if landed:
            self._take_over(draft)
        self._attempt = None
        return landed

    def _load(self) -> None:
        """Read everything but the slots."""
        self._replies = ReplyHeads(self._file.reply_heads())
        self._days = Days(
            {day: DayRow(*row) for day, *row in self._file.days()},
            {number: ExportRow(*row) for number, *row in self._file.exports()},
            self._limits.retention,
        )
        self._keys = self._file.keys()
        self._accepted = {(desk, reviewer): last for desk, reviewer, last in self._file.accepted()}
        self._ledger = Ledger.of(self._file.ledger)

    def _watch_clock(self) -> None:
        now = self._clock()
        if abs(now - self._seen) > _JUMP:
            self._jumped = True
        if not self._jumped:
            self._seen = now

    def _seen_day(self) -> int:
        return day_number(self._seen.astimezone(UTC).date())

    # --- Waiting ---

    def _erase(self, owned: Sequence[tuple[bytes, bytes]], reason: Reason) -> None:
        # In parts that fit into a tick; at least one, so that a secret that owns nothing waits for
        # a tick as well.
        part = max(1, self._limits.tick_slots // 4)
        parts = [owned[start : start + part] for start in range(0, max(1, len(owned)), part)]
        entries = [self._submit(Erase(part, reason, self._tombstone)) for part in parts]
        for entry in entries:
            self._wait(entry)

    def _done(self, work: Work) -> None:
        self._wait(self._submit(work))

    def _submit(self, work: Work, ids: frozenset[bytes] = frozenset()) -> Waiting[Work]:
        """Put *work*, which brings blocks with new *ids*, into the queue."""
        entry = Waiting(work, work.cost, ids)
        with self._lock:
            if self._is_closed:
                raise CannotStore
            if len(ids) != work.free_slots * bool(ids) or any(
                one in self._queued_ids or self._heads.place(one) is not None for one in ids
            ):
                raise StoredTwice
            self._queued_ids |= ids
        try:
            if not self._ticking.is_running() and not self._queue.has_room(entry):
                self.tick()
            self._queue.add(entry, self._limits.patience_seconds)
        except CannotStore:
            with self._lock:
                self._queued_ids -= ids
            raise
        return entry

    def _wait(self, entry: Waiting[Work]) -> None:
        while not entry.is_over(_LOOK_SECONDS * self._ticking.is_running()):
            if not self._ticking.is_running():
                self.tick()

    @staticmethod
    def _checked(block: Block) -> Hashed:
        if (len(block.id), len(block.erase_hash), len(block.data)) != (
            ID_BYTES,
            ID_BYTES,
            BLOCK_BYTES,
        ):
            raise CannotStore
        return Hashed.of(block)
