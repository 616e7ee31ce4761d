"""The store of days and slots: the engine of a BlockStore that keeps one SQLite file.

A day begins with a quantum of slots full of random bytes, and gets another before they are used
up. A block takes a random free slot in place; which slots are free is known in memory only. All
writing is done by ticks, one transaction each, whether something arrived or not. So the file shows
how many quanta a day has, and nothing of what is in them.
"""

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Self

from dropbox.errors import CannotStore, CasedropError, NoRoomForFiles, StoreError
from dropbox.export_bundle import AcceptedReplies, ListedBlock
from dropbox.reply_bundle import ReplyBundle
from dropbox.sizes import BLOCK_BYTES, ID_BYTES
from dropbox.tombstone import Reason
from dropbox.vault.block_store import (
    Block,
    Claim,
    ClockJumped,
    Condition,
    Day,
    Export,
    NoRoom,
    SealTombstone,
    StoredTwice,
)
from dropbox.vault.day_calendar import Ledger
from dropbox.vault.disk_forecast import days_left
from dropbox.vault.slot_file import SlotFile
from dropbox.vault.slot_heads import (
    SPARE,
    Head,
    RandomBelow,
    day_of,
    owned_by,
)
from dropbox.vault.slot_schema import HEAD_BYTES
from dropbox.vault.store_limits import StoreLimits
from dropbox.vault.tick import Queue, Ticking, Waiting
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
    Work,
)
from dropbox.vault.tick_writer import SLOT_DISK_BYTES, TickWriter
from dropbox.vault.vault_clock import VaultClock

# How often a caller checks whether ticks still come.
_LOOK_SECONDS = 1.0


class DayStore:
    """The open store; see BlockStore for what it promises.

    Without ``start`` there is no thread, and whatever has to wait for a tick makes one: tools and
    tests use it this way. *clock* returns UTC time. *tombstone* seals what replaces an erased
    block.
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
        self._tombstone = tombstone
        self._limits = limits
        self._queue: Queue[Work] = Queue(limits.queue_slots)
        self._ticking = Ticking(self.tick, limits.tick_seconds, file.settle)
        # Held for a whole tick, and briefly when what is in memory is read or taken over.
        self._tick_lock = threading.Lock()
        self._lock = threading.Lock()
        self._queued_ids: set[bytes] = set()
        self._is_closed = False
        self._clock = VaultClock(clock, Ledger.of(file.ledger).seen)
        self._writer = TickWriter(file, self._clock, limits, randbelow, self._lock)

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
        """Start ticking.

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
        self._accepts_files(len(blocks))
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
        """Take over from a vault of format 1: replies by tag, and the desks' last numbers."""
        self._done(TakeOver(replies, keep_until, numbers))

    # --- What goes ---

    def erase(self, owned: Sequence[tuple[bytes, bytes]]) -> None:
        """See BlockStore.erase."""
        self._erase(owned, Reason.ABANDONED)

    def withdraw(self, secret: bytes) -> None:
        """See BlockStore.withdraw."""
        with self._lock:
            heads = self._writer.heads.copy()
        self._erase(owned_by(heads, secret), Reason.WITHDRAWN)

    def forget_replies(self, tags: Sequence[bytes]) -> None:
        """See BlockStore.forget_replies."""
        self._done(ForgetReplies(tags))

    # --- What is there ---

    def read(self, block_id: bytes) -> bytes | None:
        """See BlockStore.read."""
        return self._file.data(lambda: self._writer.heads.place(block_id))

    def snapshot(self) -> list[ListedBlock]:
        """See BlockStore.snapshot."""
        with self._lock:
            heads, days = self._writer.heads.copy(), self._writer.days
            today = self._clock.day()
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
            return self._writer.days.described(dict(self._writer.heads.counts), self._clock.day())

    def day_keys(self) -> list[tuple[date, bytes]]:
        """See BlockStore.day_keys."""
        with self._lock:
            return [(day_of(day), record) for day, record in self._writer.keys]

    def replies(self, tags: Sequence[bytes]) -> list[tuple[int, bytes]]:
        """See BlockStore.replies."""
        known: list[bool] = []

        def places() -> list[int]:
            known.extend(self._writer.replies.place(tag) is not None for tag in tags)
            return self._writer.replies.some_places(tags)

        read = self._file.replies_at(places)
        return [(index, sealed) for index, sealed in enumerate(read) if known[index]]

    def vault_id(self) -> bytes:
        """See BlockStore.vault_id."""
        return self._writer.ledger.vault_id

    def exports(self) -> list[Export]:
        """See BlockStore.exports."""
        with self._lock:
            made = sorted(self._writer.days.exports.items())
        return [Export(number, row.head) for number, row in made]

    def accepted(self) -> list[AcceptedReplies]:
        """See BlockStore.accepted."""
        with self._lock:
            taken = sorted(self._writer.accepted.items())
        return [AcceptedReplies(*sender, number) for sender, numbers in taken for number in numbers]

    # --- The clock and the disk ---

    def trouble(self) -> str | None:
        """See BlockStore.trouble."""
        if self._clock.jumped:
            return str(ClockJumped())
        return str(NoRoom()) if self._writer.short else None

    def condition(self) -> Condition:
        """See BlockStore.condition."""
        free_bytes = self._file.room()
        with self._lock:
            today, counts = self._clock.day(), dict(self._writer.heads.counts)
            days = self._writer.days.described(counts, today)
            exported = self._writer.days.last_export()
            acknowledged = self._writer.days.last_acknowledgement()
        left = days_left(
            days,
            today=day_of(today),
            free_slots=counts.get(SPARE, 0) + free_bytes // SLOT_DISK_BYTES,
            retention=self._limits.retention,
        )
        return Condition(
            free_bytes,
            left,
            None if exported is None else day_of(exported),
            None if acknowledged is None else day_of(acknowledged),
        )

    def confirm_clock(self) -> None:
        """See BlockStore.confirm_clock."""
        with self._tick_lock:
            self._clock.confirm()

    def _accepts(self) -> None:
        self._accepts_at_any_room()
        if self._writer.short and not self._ticking.is_running() and not self._is_closed:
            self.tick()
        if self._writer.short:
            raise NoRoom

    def _accepts_files(self, count: int) -> None:
        """Raise NoRoomForFiles if *count* more slots are more than files may take.

        It is unknown which slots hold files and, after a restart, which of today's hold anything:
        all that are not free count.
        """
        with self._lock:
            heads = self._writer.heads
            free, spare = len(heads.free), heads.counts[SPARE]
            wanted = len(self._queued_ids) + count
            taken = heads.counts[self._clock.day()] - free
        left = free + spare + self._file.room() // SLOT_DISK_BYTES
        if taken + wanted > self._limits.file_slots or left - wanted < self._limits.kept_slots:
            raise NoRoomForFiles

    def _accepts_at_any_room(self) -> None:
        if self._clock.jumped:
            raise ClockJumped

    # --- Ticks ---

    def tick(self) -> None:
        """Write what waits, in one transaction, and end the waiting of everything in it.

        A tick that fails keeps nothing; the next one finds out what is on the disk.
        """
        with self._tick_lock:
            self._clock.look()
            taken = self._queue.take(self._limits.tick_slots)
            refusals: dict[Waiting[Work], CasedropError] = {}
            failure: CasedropError | None = CannotStore()
            try:
                self._writer.write(taken, refusals)
                failure = None
            except CannotStore:
                # Whoever waits is told; the next tick begins by reading the file.
                pass
            finally:
                with self._lock:
                    self._queued_ids -= {one for entry in taken for one in entry.ids}
                self._queue.ended(taken)
                for entry in taken:
                    entry.end(failure or refusals.get(entry))

    # --- Waiting ---

    def _erase(self, owned: Sequence[tuple[bytes, bytes]], reason: Reason) -> None:
        # In parts that fit into a tick; at least one, so that a secret that owns nothing waits for
        # a tick, too.
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
                one in self._queued_ids or self._writer.heads.place(one) is not None for one in ids
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
