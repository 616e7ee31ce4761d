"""The part of the store that is kept in memory as well as on disk, and the ticks that change both.

A tick drafts everything that it changes and writes the draft in one transaction. Memory takes it
over only once that is on the disk.
"""

import threading
from collections.abc import Sequence

from dropbox.errors import CannotStore, CasedropError
from dropbox.vault.block_store import NoRoom
from dropbox.vault.day_calendar import DayRow, Days, ExportRow, Ledger
from dropbox.vault.reply_heads import ReplyDraft, ReplyHeads
from dropbox.vault.slot_file import SlotFile
from dropbox.vault.slot_heads import SPARE, Draft, RandomBelow, SlotHeads
from dropbox.vault.store_limits import StoreLimits
from dropbox.vault.tick import Waiting
from dropbox.vault.tick_changes import Changes
from dropbox.vault.tick_work import TickDraft, Work, remove_step
from dropbox.vault.vault_clock import VaultClock

# A slot takes 66,570 bytes of the file, with its share of a leaf page; some more, to be safe.
SLOT_DISK_BYTES = 70_000


class TickWriter:
    """The heads of slots and replies, days, keys and numbers of *file*, and its writer.

    One tick at a time calls ``write``. *lock* is held briefly while memory takes over the changes;
    whoever reads more than one thing holds it, too. ``short``: there was no room for more slots.
    """

    def __init__(
        self,
        file: SlotFile,
        clock: VaultClock,
        limits: StoreLimits,
        randbelow: RandomBelow,
        lock: threading.Lock,
    ) -> None:
        self._file = file
        self._clock = clock
        self._limits = limits
        self._randbelow = randbelow
        self._lock = lock
        # The ledger that the last tick tried to write, until it is known whether it is on the disk.
        self._attempt: tuple[TickDraft, bytes] | None = None
        self._today: int | None = None
        # The day on which a tick without work had nothing to change, and whether the clock had
        # jumped. Until there is work or another day, there is nothing to check.
        self._rests: tuple[int, bool] | None = None
        # Nothing is accepted before the first tick has made room for it.
        self.short = True
        self.heads = SlotHeads(file.heads())
        self._load()

    def write(
        self, taken: Sequence[Waiting[Work]], refusals: dict[Waiting[Work], CasedropError]
    ) -> None:
        """Write *taken* in one transaction; work that is refused goes into *refusals*.

        Raises CannotStore if the disk fails; the next call finds out what is on it.
        """
        self._settle()
        rests, self._rests = self._rests, None
        if not taken and rests == (self._clock.day(), self._clock.jumped):
            self._file.write(Changes(), bytes(self.ledger), lambda: None)
            self._rests = rests
            return
        try:
            self._write_once(taken, refusals, may_grow=True)
        except CannotStore:
            if self._settle():
                # Everything is there, but it might not survive a power cut.
                raise
            # A full disk: whatever needs no room, such as withdrawing, is done all the same.
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
        begins = draft.today != self._today and not self._clock.jumped
        if begins:
            self._file.grow_journal()
            # The contents of yesterday's slots stay; its free slots no longer count as free.
            draft.slots.free_nothing()
            draft.days.begin(draft.today)
            draft.ledger = draft.ledger._replace(seen=draft.today)
        short = False
        if not self._clock.jumped:
            needed = sum(entry.work.free_slots for entry in taken)
            short = not self._grow(draft, needed, may_grow)
        for entry in taken:
            try:
                if entry.work.grows and not may_grow:
                    raise NoRoom
                entry.work.do(draft)
            except CasedropError as why:
                refusals[entry] = why
        if not self._clock.jumped:
            remove_step(draft, self._limits.removal_slots)
            draft.replies.expire(draft.today)
        draft.slots.fill()
        changes = Changes(
            draft.slots.rows(), draft.replies.rows(), [*draft.days.statements, *draft.statements]
        )
        ledger = bytes(draft.ledger)
        self._attempt = draft, ledger
        self._file.write(changes, ledger, lambda: self._take_over(draft))
        self.short = short
        if begins:
            self._today = draft.today
        if not (taken or begins or short or changes.any()):
            self._rests = draft.today, self._clock.jumped

    def _draft(self, may_grow: bool) -> TickDraft:
        today = self._clock.day()
        return TickDraft(
            today=today,
            before=self.heads,
            slots=Draft(self.heads, today, self._randbelow),
            replies=ReplyDraft(self.replies, self._randbelow, may_grow),
            days=self.days.draft(),
            ledger=self.ledger,
            accepted=dict(self.accepted),
            keys=list(self.keys),
            statements=[],
        )

    def _grow(self, draft: TickDraft, needed: int, may_grow: bool) -> bool:
        """Add quanta until *needed* slots and the reserve are free. Returns whether there was
        room.
        """
        lacking = needed + self._limits.reserve - len(draft.slots.free)
        if lacking <= 0:
            return True
        quantum = self._limits.quantum
        slots = -(-lacking // quantum) * quantum
        # Writing spare slots takes up room in the journal: only a quantum of them at a time.
        spare = self.heads.places(SPARE, quantum) if slots == quantum else []
        has_room = may_grow and self._file.room() > (slots - len(spare)) * SLOT_DISK_BYTES
        if len(spare) < slots and not has_room:
            spare = self.heads.places(SPARE, quantum)
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
                self.heads.set(place, head)
            self.heads.free = draft.slots.free
            for place, reply in draft.replies.heads():
                self.replies.set(place, reply)
            self.days = draft.days.draft()
            self.ledger, self.accepted, self.keys = draft.ledger, draft.accepted, draft.keys
            self._attempt = None

    def _settle(self) -> bool:
        """After a failed tick, find out whether it reached the disk after all.

        The ledger has new random bytes in every tick, and a tick is written whole or not at all.
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
        self.replies = ReplyHeads(self._file.reply_heads())
        self.days = Days(
            {day: DayRow(*row) for day, *row in self._file.days()},
            {number: ExportRow(*row) for number, *row in self._file.exports()},
            self._limits.retention,
        )
        self.keys = self._file.keys()
        self.accepted = dict[tuple[int, str], tuple[int, ...]]()
        for desk, reviewer, number in self._file.accepted():
            known = self.accepted.get((desk, reviewer), ())
            self.accepted[desk, reviewer] = (*known, number)
        self.ledger = Ledger.of(self._file.ledger)
