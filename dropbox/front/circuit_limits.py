"""How much one Tor circuit can ask for, counted in memory that all workers share.

Each allowance is a bucket that holds what is allowed at once, and fills again in ten minutes. A
bucket is one number: when it will be full. A circuit's rank among those that wait for their turn is
one number, too: how many requests of a kind it has had lately. The table has a fixed size, however
many circuits come; a new one takes the place of the one that has used least, which loses least by
it. Circuits are in the table under a keyed hash, whose key is only in this memory, and never in a
log.
"""

import hashlib
import math
import mmap
import secrets
import struct
import threading
import time
from collections.abc import Callable, Mapping
from enum import Enum, unique
from typing import Any, Self

from flask import g, request

from dropbox.front.request_kinds import ALIKE, Kind
from dropbox.front.uploads import TooMuch
from dropbox.settings import Settings

# The time in which an empty bucket fills.
FILL_SECONDS = 600.0
# Served requests are forgotten one by one, each after this time. Buckets fill too fast to tell a
# flood from a newcomer: 200 circuits that take turns each make a request only now and then.
RANK_SECONDS = 600.0
# No more than this many of a kind are counted, so that the table does not stay full for
# days.
MOST_COUNTED = 100
# This much more than a bucket holds is for those who have already written something.
EXTRA = 1 / 8
# The addresses that tor gives to circuits: HiddenServiceExportCircuitID haproxy, tor(1).
_CIRCUITS = "fc00:dead:beef:4dad:"
# The table: sets of slots; a circuit can be in any slot of its set.
SETS, WAYS = 4_096, 8
_KEY = b"cd2:circuit"
# Giving a text back costs about as much as a page, 10 ms, so that all of them together take a
# twenty-fifth of a core, and one circuit's a third of a second in ten minutes.
ECHO_BYTES, CIRCUIT_ECHOES, ALL_ECHOES = 131_072, 32, 2_400


@unique
class What(Enum):
    """What is counted: requests for pages, codenames turned into keys, reports, bytes received.

    FORM_BYTES is counted for each visit, whatever circuits it uses: bytes that come with files.
    ECHOES are texts that a circuit sent beyond its pages and gets back unfiled, one for each
    ECHO_BYTES that are begun; ALL_ECHOES are those of all circuits together.
    """

    PAGES = 0
    DERIVATIONS = 1
    FORMS = 2
    BYTES = 3
    FORM_BYTES = 4
    ECHOES = 5
    ALL_ECHOES = 6


_SLOT = struct.Struct(f"<Q{len(What) + len(Kind)}d")
_SET_BYTES = WAYS * _SLOT.size
REGION_BYTES = SETS * _SET_BYTES


class CircuitLimits:
    """The buckets of all circuits, which hold *allowances*. *clock* is in seconds.

    Make it before the workers fork: they share its memory. Two that count for one circuit in the
    same moment may count once; then the circuit gets one more than its allowance.
    """

    def __init__(self, allowances: Mapping[What, int], clock: Callable[[], float]) -> None:
        self._seconds = {what: FILL_SECONDS / allowance for what, allowance in allowances.items()}
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._region = mmap.mmap(-1, REGION_BYTES)
        self._lock = threading.Lock()

    @classmethod
    def of(cls, settings: Settings, clock: Callable[[], float] = time.monotonic) -> Self:
        """Those of a site's settings."""
        allowances = {
            What.PAGES: settings.circuit_pages,
            What.DERIVATIONS: settings.circuit_derivations,
            What.FORMS: settings.circuit_forms,
            What.BYTES: settings.circuit_bytes,
            What.FORM_BYTES: settings.files * settings.file_bytes,
            What.ECHOES: CIRCUIT_ECHOES,
            What.ALL_ECHOES: ALL_ECHOES,
        }
        return cls(allowances, clock)

    def charge(
        self, what: What, amount: int = 1, *, visit: bytes = b"", beyond: bool = False
    ) -> None:
        """Count *amount* for *visit*, or for the circuit of the current request. Raises TooMuch.

        *beyond*: see ``take``.

        Only tor can reach the front, and names a circuit each time; what comes without one is the
        operator's own. A request whose ``g.refused`` is set only gets its text back: TooMuch is
        raised for whatever else it asks for.
        """
        if "refused" in g:
            raise g.refused
        if visit:
            self.take(visit.hex(), what, amount, beyond=beyond)
            return
        address = request.environ.get("REMOTE_ADDR", "")
        if address.startswith(_CIRCUITS):
            self.take(address, what, amount, beyond=beyond)

    def rank(self, circuit: bytes, kind: int) -> int:
        """How many requests of a kind *circuit* has had, less one for every RANK_SECONDS.

        ALIKE requests of a kind count as one.
        """
        number, at = self._place(circuit.decode("ascii", "replace"))
        with self._lock:
            now = self._clock()
            for _at, owner, *ends in self._slots(at):
                if owner == number:
                    left: float = ends[len(What) + kind] - now
                    return max(0, math.ceil(left / RANK_SECONDS)) // ALIKE[Kind(kind)]
        return 0

    def begin(self, circuit: bytes, kind: int) -> None:
        """Count a request of a kind for the rank of *circuit*."""
        number, start = self._place(circuit.decode("ascii", "replace"))
        with self._lock:
            now = self._clock()
            at, ends = self._slot(number, start)
            place = len(What) + kind
            ends[place] = min(
                max(ends[place], now) + RANK_SECONDS, now + MOST_COUNTED * RANK_SECONDS
            )
            _SLOT.pack_into(self._region, at, number, *ends)

    def take(self, circuit: str, what: What, amount: int = 1, *, beyond: bool = False) -> None:
        """Take *amount* out of a bucket, all or nothing. Raises TooMuch.

        More than a bucket holds takes a full one. *beyond*: the bucket holds EXTRA more for this.
        """
        number, start = self._place(circuit)
        with self._lock:
            now = self._clock()
            at, full_at = self._slot(number, start)
            seconds = min(amount * self._seconds[what], FILL_SECONDS)
            full = max(full_at[what.value], now) + seconds
            held = FILL_SECONDS * (1 + EXTRA if beyond else 1)
            # A hair's breadth, since sums of seconds are not exact.
            if full - now > held + 1e-6:
                raise TooMuch(full - now - held)
            full_at[what.value] = full
            _SLOT.pack_into(self._region, at, number, *full_at)

    def _place(self, circuit: str) -> tuple[int, int]:
        """The number under which *circuit* is kept, and where its set begins."""
        digest = hashlib.blake2b(circuit.encode(), key=self._key, person=_KEY, digest_size=16)
        number, set_number = struct.unpack("<QQ", digest.digest())
        return number, set_number % SETS * _SET_BYTES

    def _slots(self, start: int) -> list[tuple[Any, ...]]:
        """Where each slot of a set is, whose it is, and when its buckets are full and its ranks
        end.
        """
        return [
            (at, *_SLOT.unpack_from(self._region, at))
            for at in range(start, start + _SET_BYTES, _SLOT.size)
        ]

    def _slot(self, number: int, start: int) -> tuple[int, list[float]]:
        """Where the circuit's slot is (or the one it takes over), and its buckets and ranks."""
        slots = self._slots(start)
        for at, owner, *full_at in slots:
            if owner == number:
                return at, full_at
        return min(slots, key=lambda slot: max(slot[2:]))[0], [0.0] * (len(What) + len(Kind))
