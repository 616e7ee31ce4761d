"""Which short requests of the front have a thread, and which of the waiting ones is next.

All that work at once share a core, so that with many of them each takes as long as all. A few work
at a time, and the next is of the circuit that has used least of what circuits can ask for: somebody
who comes once does not stand behind a flood. A request that only waits for the vault lets the next
one work, and keeps its thread.
"""

import heapq
import math
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from onion.request_arrival import ArrivalLimits

# For each second that a request waits, so many of what its circuit has used are forgiven. The most
# that is counted is what refills in ten minutes, so nobody waits more than a minute longer than
# somebody who has used nothing.
FORGIVEN, MOST_USED_SECONDS = 10.0, 600.0

# How much a circuit has used lately, in seconds until it can ask for all of it again.
Used = Callable[[bytes], float]


def nothing_used(_circuit: bytes) -> float:
    """For a front that does not count."""
    return 0.0


@dataclass(order=True)
class _Waiting:
    """A request and its place: the lowest is next, the earlier of two that are alike."""

    place: float
    number: int
    circuit: bytes = field(compare=False)
    connection: Any = field(compare=False)


class Turns:
    """The short requests of one worker. *used*: see Used. *now* is in seconds, monotonic."""

    def __init__(self, limits: ArrivalLimits, used: Used = nothing_used) -> None:
        self._limits = limits
        self._used = used
        self._numbers = count()
        self._running: Counter[bytes] = Counter()
        self._resting = 0
        self._waiting: list[_Waiting] = []
        # Of circuits that have as many running as they can.
        self._held: dict[bytes, deque[_Waiting]] = {}

    @property
    def are_idle(self) -> bool:
        """Whether none runs or waits."""
        return not (self._running or self._waiting or self._held)

    def wait(self, connection: Any, circuit: bytes, now: float) -> None:
        """Have a request of *circuit* wait for its turn; without one it is the operator's own."""
        # As waiting forgives all alike, the order of two never changes, and a heap can hold it.
        place = -math.inf
        if circuit:
            place = FORGIVEN * now + min(self._used(circuit), MOST_USED_SECONDS)
        heapq.heappush(self._waiting, _Waiting(place, next(self._numbers), circuit, connection))

    def start(self) -> list[Any]:
        """The connections whose turn it is now."""
        started = []
        while self._waiting and self._has_place:
            one = heapq.heappop(self._waiting)
            if one.circuit and self._running[one.circuit] >= self._limits.circuit_requests:
                self._held.setdefault(one.circuit, deque()).append(one)
                continue
            self._running[one.circuit] += 1
            started.append(one.connection)
        return started

    @property
    def _has_place(self) -> bool:
        running = self._running.total()
        working = running - self._resting
        return running < self._limits.short_requests and working < self._limits.working_requests

    def rest(self) -> None:
        """One of those that run only waits from now on."""
        self._resting += 1

    def end(self, circuit: bytes, *, rested: bool = False) -> None:
        """Free the place of a request of *circuit*; *rested*: if ``rest`` was called for it."""
        self._resting -= rested
        self._running[circuit] -= 1
        if not self._running[circuit]:
            del self._running[circuit]
        held = self._held.get(circuit)
        if held:
            heapq.heappush(self._waiting, held.popleft())
            if not held:
                del self._held[circuit]
