"""Which short requests of the front have a thread, and which of the waiting ones is next.

All requests that work at once share a core, so with many of them each takes as long as all
together. So only a few work at a time. Choosing the next takes two steps: first the kind, then the
circuit. Kinds get equal shares of the work, so that a flood of one does not crowd out another.
Within a kind, the next is from the circuit that has had the fewest of it, and among equals it is
the newest: a request behind a flood would otherwise be reached only when all of the flood was
answered. Some of the places are for circuits that come for the first time, or nearly. A request
that has waited too long is told that the server is busy, which costs little. A request that only
waits for the vault lets the next one work, and keeps its thread.
"""

import heapq
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from onion.request_arrival import ArrivalLimits

# How long a request waits for its turn: browsers wait longer, and so do their tors.
WAIT_SECONDS = 45.0
# How many of a worker's requests can wait for a turn, and how many for the answer that it is busy.
MOST_WAITING, MOST_LATE = 192, 64
# Circuits of this rank and above leave some of the places and half of the threads to others.
SEASONED = 2
# No kind can have this many threads all to itself.
OTHERS = 2


def _nothing(_circuit: bytes, _kind: int) -> int:
    return 0


@dataclass(frozen=True)
class Kinds:
    """The kinds of requests: their numbers are the indexes in *costs*.

    ``of``: the kind of a request, by its first line. ``costs``: about how much work a request is, 1
    for the cheapest; requests that cost 1 can have all places. ``rank``: how many of a kind a
    circuit has had lately, and ``begin`` counts one.
    """

    of: Callable[[bytes], int] = lambda _line: 0
    costs: Sequence[int] = (1,)
    rank: Callable[[bytes, int], int] = _nothing
    begin: Callable[[bytes, int], object] = _nothing


@dataclass(eq=False)
class Turn:
    """A request and its rank: the lowest is next, and among equals the newest."""

    rank: int = field(init=False)
    newest: int
    since: float
    kind: int
    circuit: bytes
    connection: Any
    rests: bool = False

    def __lt__(self, other: "Turn") -> bool:
        """Whether it comes before the *other*."""
        return (self.rank, self.newest) < (other.rank, other.newest)


class Turns:
    """The short requests of one worker. *now* is in seconds, monotonic."""

    def __init__(self, limits: ArrivalLimits, kinds: Kinds | None = None) -> None:
        self._limits = limits
        self._kinds = kinds or Kinds()
        # The last kind is that of those who have waited too long.
        self._late = len(self._kinds.costs)
        self._costs = [*self._kinds.costs, 1]
        self._most_of_kind = limits.short_requests - (OTHERS if self._late > 1 else 0)
        self._numbers = count()
        self._of_circuit: Counter[bytes] = Counter()
        self._of_kind: Counter[int] = Counter()
        # Those that work, and those that have a thread.
        self._working = self._seasoned = self._seasoned_threads = 0
        self._waiting: list[list[Turn]] = [[] for _ in self._costs]
        # Waiting requests of circuits that already have as many running as they may.
        self._held: dict[bytes, deque[Turn]] = {}
        # Start-time fair queueing: the virtual time, and up to when each kind has had its share.
        self._work = 0
        self._had: Counter[int] = Counter()

    @property
    def are_idle(self) -> bool:
        """Whether none runs or waits."""
        return not (self._of_kind.total() or any(self._waiting))

    def wait(self, connection: Any, circuit: bytes, line: bytes, now: float) -> None:
        """Have a request of *circuit* wait for its turn; without a circuit it is the operator's
        own.

        *line*: the request's first line.
        """
        kind = self._kinds.of(line)
        self._push(Turn(-next(self._numbers), now, kind, circuit, connection))

    def rank_of(self, circuit: bytes, line: bytes) -> int:
        """How many requests of this *line*'s kind *circuit* has had lately."""
        return self._rank(circuit, self._kinds.of(line))

    def count(self, circuit: bytes, line: bytes) -> None:
        """Note that *circuit* has had a request of this *line*'s kind."""
        if circuit:
            self._kinds.begin(circuit, self._kinds.of(line))

    def _push(self, one: Turn) -> None:
        one.rank = self._rank(one.circuit, one.kind)
        heapq.heappush(self._waiting[one.kind], one)

    def _rank(self, circuit: bytes, kind: int) -> int:
        if not circuit:
            return -1
        return 0 if kind == self._late else self._kinds.rank(circuit, kind)

    def start(self) -> list[Turn]:
        """The requests whose turn it is now."""
        started = []
        while (kind := self._next_kind()) is not None:
            one = heapq.heappop(self._waiting[kind])
            if self._rank(one.circuit, one.kind) > one.rank:
                # Others of its circuit were served meanwhile.
                self._push(one)
            elif self._is_held_back(one):
                self._held.setdefault(one.circuit, deque()).append(one)
            else:
                self._begin(one)
                started.append(one)
        return started

    def _is_held_back(self, one: Turn) -> bool:
        """Whether its circuit has as many running as it may. A busy answer is not held back."""
        running = self._of_circuit[one.circuit]
        return (
            bool(one.circuit)
            and one.kind != self._late
            and running >= self._limits.circuit_requests
        )

    def _begin(self, one: Turn) -> None:
        if one.circuit and one.kind != self._late:
            self._kinds.begin(one.circuit, one.kind)
        self._of_circuit[one.circuit] += 1
        self._of_kind[one.kind] += 1
        self._working += 1
        self._seasoned += self._is_seasoned(one)
        self._seasoned_threads += self._is_seasoned(one)
        self._work = max(self._work, self._had[one.kind])
        self._had[one.kind] = self._work + self._costs[one.kind]

    def _next_kind(self) -> int | None:
        if (
            self._of_kind.total() >= self._limits.short_requests
            or self._working >= self._limits.working_requests
        ):
            return None
        fitting = [
            kind for kind, waiting in enumerate(self._waiting) if waiting and self._fits(waiting[0])
        ]
        return min(fitting, key=lambda kind: max(self._had[kind], self._work), default=None)

    def _fits(self, one: Turn) -> bool:
        if self._of_kind[one.kind] >= self._most_of_kind:
            return False
        most = max(1, self._limits.working_requests // 2)
        threads = self._limits.short_requests // 2
        return not self._is_seasoned(one) or (
            self._seasoned < most and self._seasoned_threads < threads
        )

    def _is_seasoned(self, one: Turn) -> bool:
        return one.rank >= SEASONED and self._costs[one.kind] > 1

    def rest(self, one: Turn) -> None:
        """Note that a running request only waits from now on."""
        if not one.rests:
            one.rests = True
            self._working -= 1
            self._seasoned -= self._is_seasoned(one)

    def end(self, one: Turn) -> None:
        """Free the place of a running request."""
        self.rest(one)
        self._seasoned_threads -= self._is_seasoned(one)
        self._of_kind[one.kind] -= 1
        self._of_circuit[one.circuit] -= 1
        if not self._of_circuit[one.circuit]:
            del self._of_circuit[one.circuit]
        held = self._held.get(one.circuit)
        if held:
            self._push(held.popleft())
            if not held:
                del self._held[one.circuit]

    def give_up(self, now: float) -> tuple[list[Any], list[Any]]:
        """The connections that have waited too long, or for which there is no room to wait.

        Those in the first list get their turn soon, to be told that the server is busy. There is
        not even room for that with those in the second list: they are to be closed.
        """
        waiting = [one for kind in self._waiting[: self._late] for one in kind]
        waiting += [one for held in self._held.values() for one in held]
        # First those that would be served last.
        waiting.sort(reverse=True)
        room = max(0, len(waiting) - MOST_WAITING)
        out = [one for one in waiting[room:] if now - one.since >= WAIT_SECONDS] + waiting[:room]
        if out:
            self._take_out({one.newest for one in out})
        answered = out[: MOST_LATE - len(self._waiting[self._late])]
        for one in answered:
            # Whoever has waited longest is next.
            one.kind, one.newest = self._late, -one.newest
            self._push(one)
        return [one.connection for one in answered], [
            one.connection for one in out[len(answered) :]
        ]

    def _take_out(self, numbers: set[int]) -> None:
        for kind in range(self._late):
            # What is in order is a heap, too.
            self._waiting[kind] = sorted(
                one for one in self._waiting[kind] if one.newest not in numbers
            )
        self._held = {
            circuit: left
            for circuit, held in self._held.items()
            if (left := deque(one for one in held if one.newest not in numbers))
        }
