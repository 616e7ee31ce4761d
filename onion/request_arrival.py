"""Requests while they arrive: read without a thread, so that a slow client costs only a socket.

A thread gets a request once its head and the first bytes of its body are there. What a client
announces in its head is trusted only once gunicorn, which parses it, agrees.
"""

import fcntl
import re
import select
import socket
import termios
import time
from array import array
from collections import Counter
from dataclasses import dataclass

# A browser's head has about 1 KB, and gunicorn's own limits are far below this.
HEAD_BYTES = 16_384
# A form without files is shorter than this: its texts, its token and its padding. This much of a
# body is read before a thread gets the request. A request with more is an upload.
SHORT_BYTES = 131_072
_READ_BYTES = 65_536
# How often a thread that waits for a slow client checks whether it should stop.
_LOOK_MILLISECONDS = 500
_HEAD_END = b"\r\n\r\n"
# Tor's line before each connection; the first address is one per circuit.
_PROXY = re.compile(rb"PROXY TCP[46] ([0-9A-Fa-f:.]{2,45}) [^\r\n]{1,60}\r\n")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,12})[ \t]*\r\n", re.IGNORECASE)


class BadHead(Exception):
    """What arrived cannot be the head of a request."""


@dataclass(frozen=True)
class ArrivalLimits:
    """How long a worker waits for slow clients.

    ``head_seconds``: until a head has arrived. ``slow_seconds``: how long a body can arrive as
    slowly as it likes; ``slowest_bytes``: afterwards, at least so many a second on average.
    ``fair_bytes``: an upload that brings fewer a second gives up its place when others wait.
    ``uploads``: how many uploads have a thread at once; ``large_uploads``: how many that are larger
    than ``large_bytes``; ``short_requests``: how many other requests have one, and
    ``working_requests``: how many of these work, while the others only wait to be answered;
    ``circuit_uploads`` and ``circuit_requests``: how many uploads and other requests of one circuit
    have one.
    """

    head_seconds: int = 60
    slow_seconds: int = 120
    slowest_bytes: int = 1_024
    fair_bytes: int = 8_192
    # Fewer than a worker seals at once (``sealings``, 16 by default). Large ones get three quarters
    # of these: a document or a photograph finds room even during a flood of them.
    uploads: int = 14
    large_uploads: int = 10
    large_bytes: int = 8 * 2**20
    # Together with the uploads, as many as a worker has threads. Requests that wait for the vault's
    # tick use no CPU; the more of the others there are, the longer each takes: one computes while
    # another waits for gpg.
    short_requests: int = 8
    working_requests: int = 2
    circuit_uploads: int = 2
    circuit_requests: int = 2


class Arrival:
    """One connection whose request is arriving. *now* is in seconds of a monotonic clock.

    ``circuit``: the address of its Tor circuit, empty if none was given. ``line``: the first line
    of its head. ``length``: how many bytes its head announces for the body. ``received``: what has
    arrived.
    """

    def __init__(self, sock: socket.socket, now: float, limits: ArrivalLimits) -> None:
        self._sock = sock
        self._limits = limits
        self._begun = now
        self._wanted: int | None = None
        self._body_at = 0
        self.circuit = self.line = b""
        self.length = 0
        self.received = bytearray()

    @property
    def has_head(self) -> bool:
        """Whether its head has arrived."""
        return self._wanted is not None

    @property
    def is_upload(self) -> bool:
        """Whether its body is longer than that of any form without files."""
        return self.length > SHORT_BYTES

    @property
    def missing(self) -> int:
        """How many bytes of the body have not been received here."""
        return max(0, self.length - (len(self.received) - self._body_at))

    @property
    def deadline(self) -> float:
        """The time by which the bytes that a thread waits for have to arrive."""
        seconds = self._limits.head_seconds + (self._wanted or 0) / self._limits.slowest_bytes
        return self._begun + seconds

    def read(self) -> bool:
        """Take what has arrived. Returns whether a thread can have the request now.

        Raises BadHead, and OSError for a connection that is lost before its head has arrived.
        """
        try:
            data = self._sock.recv(_READ_BYTES)
        except BlockingIOError:
            return False
        if not data:
            if not self.has_head:
                raise ConnectionAbortedError
            return True
        self.received += data
        if not self.has_head:
            self._find_head(len(data))
        return self._wanted is not None and len(self.received) >= self._wanted

    def _find_head(self, new: int) -> None:
        line = _PROXY.match(self.received)
        self.circuit = line.group(1) if line else b""
        # gunicorn takes the first empty line for the end, too, but not the end of the PROXY line.
        begins = line.end() if line else 0
        # Its beginning may have arrived earlier.
        end = self.received.find(_HEAD_END, max(begins, len(self.received) - new - len(_HEAD_END)))
        if (end if end >= 0 else len(self.received)) > HEAD_BYTES:
            raise BadHead
        if end < 0:
            return
        self.line = bytes(self.received[begins : self.received.find(b"\r\n", begins)])
        self._body_at = end + len(_HEAD_END)
        lengths = _LENGTH.findall(self.received[: end + 2])
        self.length = int(lengths[0]) if lengths else 0
        self._wanted = self._body_at + min(self.length, SHORT_BYTES)


class Arrivals:
    """All connections of a worker whose requests are arriving, at most *most*, oldest first.

    Beyond that, the circuit with the most of them loses its oldest.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._all: dict[Arrival, None] = {}

    def __len__(self) -> int:
        return len(self._all)

    def add(self, arrival: Arrival) -> Arrival | None:
        """Add one. Returns the one that had to give way, if any, which has been removed."""
        self._all[arrival] = None
        if len(self._all) <= self._most:
            return None
        counts = Counter(one.circuit for one in self._all)
        most = max(counts.values())
        victim = next(one for one in self._all if counts[one.circuit] == most)
        del self._all[victim]
        return victim

    def discard(self, arrival: Arrival) -> None:
        """Forget one."""
        self._all.pop(arrival, None)

    def late(self, now: float) -> list[Arrival]:
        """Those whose deadline has passed."""
        return [one for one in self._all if one.deadline <= now]

    def headless(self) -> list[Arrival]:
        """Those whose head has not arrived."""
        return [one for one in self._all if not one.has_head]


class BodySource:
    """A socket as a thread reads it: nothing before ``open`` is called and after ``cut``.

    So nobody can make a thread wait for a head, or for a body longer than announced. It also ends
    when nothing arrives for *patience* seconds. ``taken``: how many bytes a thread has received.
    """

    def __init__(self, sock: socket.socket, patience: float) -> None:
        self._sock = sock
        self._patience = patience
        self._poll: select.poll | None = None
        self.is_cut = False
        self.taken = 0

    def ahead(self) -> int:
        """How many bytes the kernel holds that have arrived but were not received yet."""
        number = array("i", [0])
        fcntl.ioctl(self._sock, termios.FIONREAD, number)
        return number[0]

    def open(self) -> None:
        """Let the thread receive."""
        self._poll = select.poll()
        self._poll.register(self._sock, select.POLLIN)

    def cut(self) -> None:
        """End what a thread receives, as if the client had; the thread notices soon."""
        self.is_cut = True

    def recv(self, size: int) -> bytes:
        """See socket; nothing at the end."""
        if not self._is_readable():
            return b""
        data = self._sock.recv(size)
        self.taken += len(data)
        return data

    def recv_into(self, memory: memoryview) -> int:
        """See socket; 0 at the end."""
        if not self._is_readable():
            return 0
        done = self._sock.recv_into(memory)
        self.taken += done
        return done

    def _is_readable(self) -> bool:
        if self._poll is None or self.is_cut:
            return False
        # Most of the time something is already there.
        if self._poll.poll(_LOOK_MILLISECONDS):
            return True
        end = time.monotonic() + self._patience
        while not self.is_cut and time.monotonic() < end:
            if self._poll.poll(_LOOK_MILLISECONDS):
                return True
        return False
