"""Tells systemd that a room works, after a request has gone through its socket and come back.

A master process sends requests to its own room and reports each good answer, so that systemd
restarts a room that runs but does not serve: systemd.service(5), Type=notify and WatchdogSec=.
Nothing here waits, and there is no thread: the master forks workers, and has to go on replacing
them.
"""

import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

# Beats in a watchdog period: systemd may miss one of them.
BEATS = 4
# Without a watchdog only the first one counts, after which systemd knows that the room has started.
WITHOUT_WATCHDOG_SECONDS = 60.0
# After a bad answer, or none. At the start a room answers as soon as its workers are ready.
RETRY_SECONDS = 1.0
# Longer than the front waits for the vault.
ANSWER_SECONDS = 40.0
_READ_BYTES = 65_536
_STATUS_BYTES = len(b"HTTP/1.1 200")
_GOOD = (b"HTTP/1.1 2", b"HTTP/1.0 2")


class Heartbeat:
    """Requests /health from the room behind the socket *path*, and reports to *manager*.

    *manager*: the address in NOTIFY_SOCKET. *host*: what the room is called. *seconds*: from one
    good answer to the next request.
    """

    def __init__(
        self,
        manager: str,
        path: Path,
        *,
        host: str,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._manager = manager
        self._path = path
        request = f"GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        self._request = request.encode("ascii")
        self._seconds = seconds
        self._clock = clock
        self._next = clock()
        self._asked: socket.socket | None = None
        self._deadline: float  # while there is one that was asked
        self._answer = b""
        self._started = False

    @classmethod
    def of(cls, environ: Mapping[str, str], path: Path, *, host: str) -> "Heartbeat | None":
        """As *environ* from systemd asks for; None if this process is not a service that
        reports.
        """
        manager = environ.get("NOTIFY_SOCKET")
        if not manager:
            return None
        watchdog = environ.get("WATCHDOG_USEC", "")
        seconds = int(watchdog) / 1e6 / BEATS if watchdog.isdecimal() else WITHOUT_WATCHDOG_SECONDS
        return cls(manager, path, host=host, seconds=seconds)

    def beat(self) -> None:
        """Do whatever is possible without waiting. Call it at least every second."""
        if self._asked is not None:
            self._receive(self._asked)
        elif self._clock() >= self._next:
            self._ask()

    def _ask(self) -> None:
        asked = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            asked.connect(str(self._path))
            asked.sendall(self._request)
        except OSError:
            # Nobody listens, or the queue of connections is full.
            asked.close()
            self._next = self._clock() + RETRY_SECONDS
            return
        self._asked, self._answer = asked, b""
        self._deadline = self._clock() + ANSWER_SECONDS

    def _receive(self, asked: socket.socket) -> None:
        """Read to the end, so that the room never writes to a connection that is closed."""
        try:
            while piece := asked.recv(_READ_BYTES):
                self._answer = (self._answer + piece)[:_STATUS_BYTES]
        except BlockingIOError:
            if self._clock() < self._deadline:
                return
            self._answer = b""
        except OSError:
            self._answer = b""
        asked.close()
        self._asked = None
        good = self._answer.startswith(_GOOD)
        self._next = self._clock() + (self._seconds if good else RETRY_SECONDS)
        if good:
            self._report()

    def _report(self) -> None:
        notify(self._manager, "WATCHDOG=1" if self._started else "READY=1\nWATCHDOG=1")
        self._started = True


def notify(manager: str, state: str) -> None:
    """Send *state* to systemd, see sd_notify(3). If that fails, systemd notices its absence."""
    address = f"\0{manager[1:]}" if manager.startswith("@") else manager
    with (
        suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender,
    ):
        sender.sendto(state.encode("ascii"), os.fsencode(address))
