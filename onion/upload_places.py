"""Which uploads have a thread, which wait for one, and which are too slow to keep theirs."""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from onion.request_arrival import ArrivalLimits, BodySource

# How long an upload waits for a place; then its writer is told that the server is busy.
WAIT_SECONDS = 60.0
# How long an upload keeps its place before others can take it.
SETTLED_SECONDS = 60.0
# An upload that brings less than the slowest rate for this long gives its place to one of which
# more has arrived already: that one at least will not trickle from the start.
STALLED_SECONDS = 20.0
READY_BYTES = 32_768
# How many can wait in a worker, and how many of one circuit.
MOST_WAITING = 64


@dataclass(eq=False)
class Upload:
    """An upload. *missing* bytes of its body come from *source*; *connection* is its owner's.

    ``line``: the request's first line. ``since``: when it began to wait or, once it has a place,
    when it got that.
    """

    circuit: bytes
    source: BodySource
    missing: int
    connection: Any = field(repr=False)
    line: bytes = b""
    since: float = field(init=False)
    # How much had arrived when that was last checked, and when; whether little has come since.
    looked: tuple[float, int] = field(init=False)
    stalls: bool = False

    def rate(self, now: float) -> float:
        """Bytes a second on average, since it has had its place, which is some time ago."""
        return self.source.taken / (now - self.since)

    def look(self, now: float, slowest_bytes: float) -> None:
        """Note whether it has stalled, once enough time has passed to tell."""
        at, taken = self.looked
        if now - at >= STALLED_SECONDS:
            self.stalls = self.source.taken - taken < (now - at) * slowest_bytes
            self.looked = now, self.source.taken

    @property
    def is_ready(self) -> bool:
        """Whether enough of it has arrived to keep a thread at work."""
        return self.source.ahead() >= min(READY_BYTES, self.missing)

    @property
    def arrives(self) -> bool:
        """Whether some of it still has to come."""
        return self.source.taken < self.missing and not self.source.is_cut


class UploadPlaces:
    """The uploads of one worker. *now* is always in seconds of a monotonic clock.

    *rank*: how many requests like one with a given first line a circuit has had: see onion.turns.
    """

    def __init__(
        self, limits: ArrivalLimits, rank: Callable[[bytes, bytes], int] = lambda *_: 0
    ) -> None:
        self._limits = limits
        self._rank = rank
        self._running: dict[Upload, None] = {}
        self._waiting: deque[Upload] = deque()

    @property
    def are_idle(self) -> bool:
        """Whether there is no upload."""
        return not self._running and not self._waiting

    def wait(self, upload: Upload, now: float) -> None:
        """Have *upload* wait for a place."""
        upload.since = now
        self._waiting.append(upload)

    def start(self, now: float) -> list[Upload]:
        """The uploads that get a place now.

        They come from the circuits with the fewest places; among these, first those of which enough
        has arrived, then those of the circuit that has had fewest. Among equals the newest is next,
        as for turns: an upload behind a flood would otherwise be reached only when all of the flood
        had had a place.
        """
        started: list[Upload] = []
        of_circuit = Counter(one.circuit for one in self._running)
        while len(self._running) < self._limits.uploads:
            fitting = [one for one in self._waiting if not (self._is_large(one) and self._is_full)]
            if not fitting:
                break
            first = min(
                reversed(fitting),
                key=lambda one: (
                    of_circuit[one.circuit],
                    not one.is_ready,
                    self._rank(one.circuit, one.line),
                ),
            )
            if first.circuit and of_circuit[first.circuit] >= self._limits.circuit_uploads:
                break
            self._waiting.remove(first)
            first.since = now
            first.looked = now, first.source.taken
            self._running[first] = None
            of_circuit[first.circuit] += 1
            started.append(first)
        return started

    def _is_large(self, upload: Upload) -> bool:
        return upload.missing > self._limits.large_bytes

    @property
    def _is_full(self) -> bool:
        """Whether no further large upload can get a place."""
        return sum(map(self._is_large, self._running)) >= self._limits.large_uploads

    def _wanted(self) -> list[Upload]:
        """The uploads whose places would help one that waits."""
        if not self._waiting:
            return []
        only_large = self._is_full and all(map(self._is_large, self._waiting))
        if len(self._running) >= self._limits.uploads and not only_large:
            return list(self._running)
        if self._is_full and any(map(self._is_large, self._waiting)):
            return [one for one in self._running if self._is_large(one)]
        return []

    def end(self, upload: Upload) -> None:
        """Free the place of *upload*."""
        self._running.pop(upload, None)

    def refused(self, now: float) -> list[Upload]:
        """Remove those that have waited too long, and those for which there is no room to wait.

        If there are too many, the circuits with the most lose their newest. When each has only one,
        the upload that would get a place last goes: a flood is not kept at the expense of
        newcomers.
        """
        out = [one for one in self._waiting if now - one.since >= WAIT_SECONDS]
        left = [one for one in self._waiting if one not in out]
        of_circuit = Counter(one.circuit for one in left)
        while len(left) > MOST_WAITING and (most := max(of_circuit.values())) > 1:
            victim = next(one for one in reversed(left) if of_circuit[one.circuit] == most)
            left.remove(victim)
            of_circuit[victim.circuit] -= 1
            out.append(victim)
        if (many := len(left) - MOST_WAITING) > 0:
            # Sorting keeps equals in their order, the longest waiting first.
            last = sorted(left, key=lambda one: (one.is_ready, -self._rank(one.circuit, one.line)))[
                :many
            ]
            left = [one for one in left if one not in last]
            out += last
        self._waiting = deque(left)
        return out

    def too_slow(self, now: float) -> list[Upload]:
        """Those that lose their place: any below the slowest rate, and one more if others wait.

        That one is the slowest of those that had enough time to show how fast they are, or that
        stall while somebody waits who would not.
        """
        arriving = [one for one in self._running if one.arrives]
        for one in arriving:
            one.look(now, self._limits.slowest_bytes)
        patience = self._limits.slow_seconds
        out = [
            one
            for one in arriving
            if now - one.since > patience + one.source.taken / self._limits.slowest_bytes
        ]
        if not out:
            settled = min(SETTLED_SECONDS, patience)
            wanted = [one for one in self._wanted() if one.arrives]
            slow = [
                one
                for one in wanted
                if now - one.since >= settled and one.rate(now) < self._limits.fair_bytes
            ]
            stalled = [one for one in wanted if one.stalls]
            if stalled and any(one.is_ready for one in self._waiting):
                slow += stalled
            out = [min(slow, key=lambda one: one.rate(now))] if slow else []
        return out
