"""What waits for the next tick, and the thread that ticks.

Ticks come at fixed times whatever arrives, so the moment of a write reveals nothing. Whoever waits
for a tick learns of its end only when everything is on the disk. How long a tick took would still
reveal how much was written, so the files' times are set again at a fixed time after it.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from dropbox.vault.block_store import Busy

Work = TypeVar("Work")

_QUARTERS = 4


@dataclass(eq=False)
class Waiting(Generic[Work]):
    """A piece of work in the queue: what it costs in slots written, the ids it brings, its end."""

    work: Work
    slots: int
    ids: frozenset[bytes] = frozenset()
    _done: threading.Event = field(default_factory=threading.Event)
    _refusal: Exception | None = None

    def end(self, refusal: Exception | None = None) -> None:
        """Note that the tick that held it is over: the work was done, or refused."""
        self._refusal = refusal
        self._done.set()

    def is_over(self, seconds: float = 0) -> bool:
        """Whether its tick is over, waiting at most *seconds*; raises the refusal, if any."""
        over = self._done.wait(seconds)
        if self._refusal is not None:
            raise self._refusal
        return over


class Queue(Generic[Work]):
    """Work in the order of arrival, with at most *max_slots* slots in total.

    Work that takes more than half of them needs only half to be free; otherwise it would wait for
    as long as anything arrives. It can only be a report that claims many pieces, and claims are
    small.
    """

    def __init__(self, max_slots: int) -> None:
        self._max_slots = max_slots
        self._entries: deque[Waiting[Work]] = deque()
        self._slots = 0
        self._changed = threading.Condition()

    def add(self, entry: Waiting[Work], patience_seconds: float) -> None:
        """Append *entry*. Raises Busy if there is no room for it within *patience_seconds*."""
        with self._changed:
            if not self._changed.wait_for(lambda: self.has_room(entry), patience_seconds):
                raise Busy
            self._entries.append(entry)
            self._slots += entry.slots

    def take(self, max_slots: int) -> list[Waiting[Work]]:
        """The first entries, for one tick of *max_slots* slots; they take up room until ``ended``.

        The first entry is always among them.
        """
        taken: list[Waiting[Work]] = []
        slots = 0
        with self._changed:
            while self._entries:
                slots += self._entries[0].slots
                if taken and slots > max_slots:
                    break
                taken.append(self._entries.popleft())
        return taken

    def ended(self, taken: list[Waiting[Work]]) -> None:
        """Make room: the tick of *taken* is over."""
        with self._changed:
            self._slots -= sum(entry.slots for entry in taken)
            self._changed.notify_all()

    def has_room(self, entry: Waiting[Work]) -> bool:
        """Whether *entry* could be added now."""
        return self._slots + min(entry.slots, -(-self._max_slots // 2)) <= self._max_slots

    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self._entries


def seconds_to_next(period: float, start: float, now: float) -> float:
    """Seconds to the next multiple of *period* after *start*, however long the last tick took."""
    return period - (now - start) % period


def seconds_to_settle(period: float, start: float, now: float) -> float | None:
    """Seconds to the next quarter of *period*; None in the last one, after which a tick comes."""
    if seconds_to_next(period, start, now) <= period / _QUARTERS:
        return None
    return seconds_to_next(period / _QUARTERS, start, now)


class Ticking:
    """Calls *tick* every *period* seconds in a thread of its own from ``start`` to ``stop``.

    After each, at the next full quarter of the period, it calls *settle*.
    """

    def __init__(
        self, tick: Callable[[], None], period: float, settle: Callable[[], None] = lambda: None
    ) -> None:
        self._tick = tick
        self._settle = settle
        self._period = period
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tick", daemon=True)

    def start(self) -> None:
        """Start. Lock the room first: a lock does not reach other threads."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, and wait until the current tick is over."""
        self._stopped.set()
        if self._thread.ident is not None:
            self._thread.join()

    def is_running(self) -> bool:
        """Whether its thread is running."""
        return self._thread.is_alive() and not self._stopped.is_set()

    def _run(self) -> None:
        start = time.monotonic()
        while not self._stopped.wait(seconds_to_next(self._period, start, time.monotonic())):
            self._tick()
            left = seconds_to_settle(self._period, start, time.monotonic())
            if left is not None and not self._stopped.wait(left):
                self._settle()
