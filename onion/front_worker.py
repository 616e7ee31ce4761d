"""gunicorn's worker for the front: no slow client keeps a thread that others need.

Heads and short bodies are read by the main loop, and a few such requests are served at a time: see
onion.turns. Uploads share a part of the threads, and those that are too slow lose theirs. What a
client does not take of its response at once is sent by the main loop, and a connection whose client
still sends after that is drained there as well.
"""

import mmap
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE
from types import SimpleNamespace
from typing import Any

from gunicorn.http import RequestParser
from gunicorn.http.body import LengthReader
from gunicorn.workers import gthread

from onion import upload_places
from onion.request_arrival import Arrival, ArrivalLimits, Arrivals, BadHead, BodySource
from onion.turns import MOST_LATE, MOST_WAITING, Kinds, Turns
from onion.unsent_response import UnsentResponse
from onion.upload_places import Upload, UploadPlaces

# Connections of a worker whose requests are arriving, and whose clients have not yet taken the
# whole response or still send after it.
MOST_ARRIVING = 256
MOST_DRAINING = 128
# Threads, and all connections that a worker can have: it always accepts one more, which the
# kernel's queue would otherwise keep behind all others.
THREADS = 32
MOST_CONNECTIONS = (
    MOST_ARRIVING + MOST_DRAINING + upload_places.MOST_WAITING + MOST_WAITING + MOST_LATE + THREADS
)
# How long at most a client can go on sending after the response.
DRAIN_SECONDS = 600.0
# How long a response can take to be sent: tor takes 250 KB at once, whatever its client does. And
# how much can be left of all responses together: a dozen of the longest pages.
SEND_SECONDS = 120.0
MOST_UNSENT_BYTES = 64 * 2**20
# How long a worker that ends waits for heads that have begun to arrive, and for clients that go on
# sending after their response.
LAST_HEADS_SECONDS, LAST_DRAINS_SECONDS = 2.0, 10.0
_TICK_SECONDS = 0.25
_DRAIN_BYTES = 65_536
_ACCEPTED_AT_ONCE = 8
# How long uploads postpone the end of a worker that has answered enough. After that it accepts
# nothing more and ends with the last of them, unless the other worker is doing the same just then.
POSTPONE_SECONDS = 600.0
# The time, on this machine's monotonic clock, until which some worker accepts nothing: that worker
# renews it at every tick, and the one that replaces it clears it. Shared by all workers, since it
# is made before they fork.
_retiring = mmap.mmap(-1, 8)
_RETIRING_SECONDS = 30.0


class FrontWorker(gthread.ThreadWorker):  # type: ignore[misc]
    """See the module. Whoever starts it sets ``last_response``: the worker ends after it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.last_response = 0
        self._limits = ArrivalLimits()
        self._arrivals = Arrivals(MOST_ARRIVING)
        self._arriving: dict[Arrival, Any] = {}
        self._uploads = UploadPlaces(self._limits)
        self._turns = Turns(self._limits)
        self._draining: dict[Any, float] = {}
        self._thread = threading.local()
        self._next_tick = 0.0
        self._stopped_at: float | None = None
        self._due_at: float | None = None
        self._retired = self._leaves = False

    def load_wsgi(self) -> None:
        """Load the application, and its limits."""
        super().load_wsgi()
        module = sys.modules.get(self.cfg.wsgi_app.partition(":")[0])
        self._limits = ArrivalLimits(**getattr(module, "arrival_limits", {}))
        kinds = Kinds(**getattr(module, "request_kinds", {}))
        self._turns = Turns(self._limits, kinds)
        self._uploads = UploadPlaces(self._limits, self._turns.rank_of)
        app: Callable[[Any, Any], Any] = self.wsgi  # type: ignore[has-type]
        said = {
            getattr(module, name, ""): what
            for name, what in (
                ("no_place", "busy"),
                ("no_turn", "late"),
                ("takes_turn", "take_turn"),
                ("rests", "rest"),
            )
        }
        said.pop("", None)

        def with_place(environ: Any, start_response: Any) -> Any:
            environ.update({name: getattr(self._thread, what) for name, what in said.items()})
            return app(environ, start_response)

        if said:
            self.wsgi = with_place

    # --- Arriving, in the main loop ---

    def accept(self, listener: socket.socket) -> None:
        """Accept waiting connections, and read what has already arrived."""
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                client, address = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            self._accepted(gthread.TConn(self.cfg, client, address, listener.getsockname()))

    def _accepted(self, conn: Any) -> None:
        self.nr_conns += 1
        conn.arrival = Arrival(conn.sock, time.monotonic(), self._limits)
        conn.upload, conn.busy, conn.turn, conn.late = None, False, None, False
        # What the thread of an upload waits for.
        conn.granted = None
        conn.source = BodySource(conn.sock, self._limits.slow_seconds)
        conn.unsent = UnsentResponse(conn.sock)
        self._arriving[conn.arrival] = conn
        self.poller.register(conn.sock, EVENT_READ, partial(self._read, conn))
        victim = self._arrivals.add(conn.arrival)
        if victim is not None:
            self._drop(self._arriving[victim])
        self._read(conn, conn.sock)

    def _read(self, conn: Any, _sock: socket.socket) -> None:
        try:
            if conn.arrival.read():
                self._hand_over(conn)
        except (BadHead, OSError):
            self._drop(conn)

    def _drop(self, conn: Any) -> None:
        self._end_arrival(conn)
        self.nr_conns -= 1
        conn.close()

    def _end_arrival(self, conn: Any) -> None:
        self._arrivals.discard(conn.arrival)
        del self._arriving[conn.arrival]
        self.poller.unregister(conn.sock)

    def _hand_over(self, conn: Any, *, late: bool = False) -> None:
        """Give a request to the threads. If it is late, they only get what has arrived."""
        self._end_arrival(conn)
        arrival = conn.arrival
        conn.parser = RequestParser(self.cfg, conn.source, conn.client)
        conn.missing = 0 if late else arrival.missing
        conn.parser.unreader.unread(bytes(arrival.received))
        arrival.received.clear()
        conn.initialized = conn.data_ready = True
        if arrival.is_upload and not late:
            conn.upload = Upload(arrival.circuit, conn.source, conn.missing, conn, arrival.line)
            self._uploads.wait(conn.upload, time.monotonic())
            self._start_uploads()
        else:
            self._wait_for_turn(conn)

    def _start_uploads(self) -> None:
        for upload in self._uploads.start(time.monotonic()):
            self.enqueue_req(upload.connection)

    def _wait_for_turn(self, conn: Any) -> None:
        arrival = conn.arrival
        self._turns.wait(conn, arrival.circuit, arrival.line, time.monotonic())
        self._start_short()

    def _start_short(self) -> None:
        for turn in self._turns.start():
            turn.connection.turn = turn
            if turn.connection.granted is None:
                self.enqueue_req(turn.connection)
            else:
                turn.connection.granted.set()

    # --- A request, in a thread ---

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Serve a request if its body is as long as its head announced."""
        reader = req.body.reader
        if isinstance(reader, LengthReader) and reader.length != conn.arrival.length:
            raise StopIteration
        if conn.upload is not None and not conn.busy and isinstance(reader, LengthReader):
            conn.source.open()
        conn.sock.setblocking(False)
        self._thread.busy, self._thread.late = conn.busy, conn.late
        self._thread.take_turn = partial(self._take_turn, conn)
        self._thread.rest = partial(self.method_queue.defer, self._rest, conn)
        try:
            sender = SimpleNamespace(sock=conn.unsent, client=conn.client, server=conn.server)
            return super().handle_request(req, sender)
        finally:
            # Nothing from a request outlives it.
            self._thread.take_turn = self._thread.rest = None

    def _take_turn(self, conn: Any) -> bool:
        """Wait until an upload's files can be filed. Returns False if that took too long.

        All other requests already have their turn, or had it.
        """
        if conn.upload is not None and not conn.busy and conn.granted is None:
            conn.granted = threading.Event()
            self.method_queue.defer(self._wait_for_turn, conn)
            conn.granted.wait()
        return not conn.late

    # --- Meanwhile and afterwards, in the main loop ---

    def _rest(self, conn: Any) -> None:
        """Let another request work, because this one only waits."""
        if conn.turn is None:
            return
        if conn.granted is None:
            self._turns.rest(conn.turn)
        else:
            # It is in an upload's thread, which no other request could use.
            self._turns.end(conn.turn)
            conn.turn = None
        self._start_short()

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Free the place of an answered request, and send what is left of its response."""
        if conn.turn is not None:
            self._turns.end(conn.turn)
            conn.turn = None
            self._start_short()
        if conn.upload is not None and not conn.busy:
            self._uploads.end(conn.upload)
            self._start_uploads()
        conn.missing -= conn.source.taken
        self._send_rest(conn)
        self._end_if_due(time.monotonic())

    def _send_rest(self, conn: Any) -> None:
        """Send what is left of a response as its client takes it, and then drain the connection."""
        if not conn.unsent or conn.sock.fileno() < 0:
            self._drain(conn)
            return
        self._keep(conn, SEND_SECONDS, EVENT_WRITE, self._send_more)
        while sum(len(one.unsent) for one in self._draining) > MOST_UNSENT_BYTES:
            self._end_drain(max(self._draining, key=lambda one: len(one.unsent)))

    def _send_more(self, conn: Any, _sock: socket.socket) -> None:
        try:
            conn.unsent.go_on()
        except OSError:
            self._end_drain(conn)
            return
        if not conn.unsent:
            del self._draining[conn]
            self.poller.unregister(conn.sock)
            self._drain(conn)

    def _keep(self, conn: Any, seconds: float, event: int, done: Callable[..., None]) -> None:
        """Keep a connection so long after its response; *done* is called at every *event*."""
        conn.sock.setblocking(False)
        self._draining[conn] = time.monotonic() + seconds
        self.poller.register(conn.sock, event, partial(done, conn))
        if len(self._draining) > MOST_DRAINING:
            self._end_drain(next(iter(self._draining)))

    def _drain(self, conn: Any) -> None:
        """Close a connection once its client has sent everything.

        Only then does a browser show the response. If it were closed with unread bytes, tor would
        see a broken connection.
        """
        if conn.missing <= 0 or conn.sock.fileno() < 0:
            self.nr_conns -= 1
            conn.close()
            return
        seconds = self._limits.slow_seconds / 4 + conn.missing / self._limits.fair_bytes
        self._keep(conn, min(seconds, DRAIN_SECONDS), EVENT_READ, self._discard)

    def _discard(self, conn: Any, sock: socket.socket) -> None:
        try:
            discarded = len(sock.recv(_DRAIN_BYTES))
        except BlockingIOError:
            return
        except OSError:
            discarded = 0
        conn.missing -= discarded
        if not discarded or conn.missing <= 0:
            self._end_drain(conn)

    def _end_drain(self, conn: Any) -> None:
        del self._draining[conn]
        self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()

    # --- Ticks of the main loop ---

    def murder_pending(self) -> None:
        """End whatever took too long. gunicorn calls this after every event, and every second."""
        now = time.monotonic()
        if now < self._next_tick:
            return
        self._next_tick = now + _TICK_SECONDS
        if not self.alive and self._stopped_at is None:
            self._stopped_at = now
        self._say_retiring(now)
        stopped = 0.0 if self._stopped_at is None else now - self._stopped_at
        late = self._arrivals.late(now)
        if stopped >= LAST_HEADS_SECONDS:
            late += [one for one in self._arrivals.headless() if one not in late]
        for arrival in late:
            conn = self._arriving[arrival]
            # Without a head there is nothing to answer. With one, its sender gets back what
            # arrived, on a page that says that the connection was lost.
            if arrival.has_head:
                self._hand_over(conn, late=True)
            else:
                self._drop(conn)
        for upload in self._uploads.refused(now):
            upload.connection.busy = True
            self._wait_for_turn(upload.connection)
        self._give_up_turns(now)
        for upload in self._uploads.too_slow(now):
            upload.source.cut()
            # It has had a place: next time its circuit comes after those that had none.
            self._turns.count(upload.circuit, upload.line)
        for conn, until in list(self._draining.items()):
            if until <= now or (stopped >= LAST_DRAINS_SECONDS and not conn.unsent):
                self._end_drain(conn)
        self._end_if_due(now)

    def _give_up_turns(self, now: float) -> None:
        answered, closed = self._turns.give_up(now)
        for conn in answered:
            conn.late = True
        for conn in closed:
            if conn.granted is not None:
                conn.late = True
                conn.granted.set()
                continue
            self.nr_conns -= 1
            conn.close()
        self._start_short()

    def _end_if_due(self, now: float) -> None:
        """End once enough was answered and no body is arriving.

        Connections without a head do not count: a client that never sends one could otherwise keep
        what remains of others in this memory.
        """
        if not self.alive or self.nr < self.last_response:  # type: ignore[has-type]
            return
        bodies = len(self._arrivals) - len(self._arrivals.headless())
        if self._uploads.are_idle and not bodies and not self._draining:
            # During a flood many wait. If both workers only answered those, newcomers would come
            # after all of them, whatever the turns say.
            self._leaves = not self._turns.are_idle and not self._another_retires(now)
            self.alive = not (self._leaves or self._turns.are_idle)
            self._say_retiring(now)
            return
        self._due_at = now if self._due_at is None else self._due_at
        if not self._retired and now - self._due_at >= POSTPONE_SECONDS:
            self._retired = not self._another_retires(now)
            self.set_accept_enabled(self._accepting)
        self._say_retiring(now)

    def _another_retires(self, now: float) -> bool:
        return bool(struct.unpack("d", _retiring[:])[0] >= now)

    def _say_retiring(self, now: float) -> None:
        if self._retired or self._leaves:
            _retiring[:] = struct.pack("d", now + _RETIRING_SECONDS)

    def run(self) -> None:
        """Serve, in place of the worker that accepted nothing."""
        _retiring[:] = struct.pack("d", 0.0)
        super().run()

    def set_accept_enabled(self, enabled: bool) -> None:
        """Accept connections or not; a worker that only waits for its last uploads does not."""
        super().set_accept_enabled(enabled and not self._retired)
