"""httpx over one unix socket, without the copies that its own transport makes.

A body of a megabyte goes to the kernel from where it is, in one call if the socket takes it. The
transport of httpx joins it, and copies the rest again for each part that is sent.

A locked front can make no connection, so where they come from is a parameter.
"""

import http.client
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx

# As httpx does; the vault keeps connections for longer.
_KEPT_SECONDS = 5.0
# So many pieces go into one call; the kernel takes 1,024.
_PIECES = 512

# Gives a connected socket, or raises OSError.
Connect = Callable[[], socket.socket]


def connecting_to(path: Path) -> Connect:
    """Connections of this process's own to the socket at *path*."""

    def connect() -> socket.socket:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            made.connect(str(path))
        except OSError:
            made.close()
            raise
        return made

    return connect


class _Connection(http.client.HTTPConnection):
    """A connection that *connect* gives."""

    def __init__(self, connect: Connect, seconds: float) -> None:
        super().__init__("vault", timeout=seconds)
        self._seconds = seconds
        self._connect = connect
        self.used = 0.0

    def connect(self) -> None:
        """See HTTPConnection."""
        self.sock = self._connect()
        self.sock.settimeout(self._seconds)

    def is_usable(self) -> bool:
        """Whether the other side has neither closed it nor sent anything unasked."""
        if time.monotonic() - self.used > _KEPT_SECONDS:
            return False
        waiting = select.poll()
        waiting.register(self.sock, select.POLLIN)
        return not waiting.poll(0)

    def ask(self, request: httpx.Request, body: Sequence[bytes]) -> httpx.Response:
        """Send *request* with *body*, and read the whole answer."""
        self.putrequest(
            request.method,
            request.url.raw_path.decode("ascii"),
            skip_host=True,
            skip_accept_encoding=True,
        )
        for name, value in request.headers.raw:
            self.putheader(name, value)
        self.endheaders()
        left = [memoryview(piece) for piece in body if piece]
        while left:
            sent = self._write(left[:_PIECES])
            while left and sent >= len(left[0]):
                sent -= len(left.pop(0))
            if sent:
                left[0] = left[0][sent:]
        answer = self.getresponse()
        content = answer.read()
        self.used = time.monotonic()
        return httpx.Response(answer.status, headers=answer.getheaders(), content=content)

    def _write(self, pieces: Sequence[memoryview]) -> int:
        """Write some of *pieces*. Returns how many bytes. Raises OSError."""
        # Not sendmsg(), which could name an address: a locked front does not have it.
        while True:
            try:
                return os.writev(self.sock.fileno(), pieces)
            except BlockingIOError:
                waiting = select.poll()
                waiting.register(self.sock, select.POLLOUT)
                if not waiting.poll(self._seconds * 1_000):
                    raise TimeoutError("The vault reads nothing") from None


class UnixTransport(httpx.BaseTransport):
    """Requests over what *connect* gives; safe to share between threads.

    An answer that does not come within *seconds* is an error. A connection is used again for some
    seconds, unless it failed.
    """

    def __init__(self, connect: Connect, seconds: float) -> None:
        self._connect = connect
        self._seconds = seconds
        self._lock = threading.Lock()
        self._idle: list[_Connection] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """See BaseTransport. Raises httpx.TransportError."""
        assert isinstance(request.stream, httpx.SyncByteStream)
        body = list(request.stream)
        connection = self._connection()
        answer = None
        try:
            answer = connection.ask(request, body)
        except (OSError, http.client.HTTPException) as why:
            raise httpx.ReadError(str(why), request=request) from None
        finally:
            if answer is None:
                connection.close()
        # http.client closes it by itself when the answer says that it is the last one.
        if connection.sock is not None:
            with self._lock:
                self._idle.append(connection)
        return answer

    def close(self) -> None:
        """See BaseTransport."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _connection(self) -> _Connection:
        while True:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                return _Connection(self._connect, self._seconds)
            if connection.is_usable():
                return connection
            connection.close()
