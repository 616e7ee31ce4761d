"""Which connections of the front get a thread, wait, are cut or drained: a worker without threads.

What it would give to one is in ``given``; the clock is a number that the test moves.
"""

import select
import selectors
import socket
import sys
import threading
import time
import types
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.workers import gthread

from onion import front_worker, turns
from onion.front_worker import (
    DRAIN_SECONDS,
    LAST_DRAINS_SECONDS,
    LAST_HEADS_SECONDS,
    MOST_ARRIVING,
    MOST_CONNECTIONS,
    MOST_DRAINING,
    MOST_UNSENT_BYTES,
    SEND_SECONDS,
    FrontWorker,
)
from onion.request_arrival import HEAD_BYTES, SHORT_BYTES, ArrivalLimits, Arrivals
from onion.turns import MOST_LATE, MOST_WAITING, Kinds, Turns
from onion.turns import WAIT_SECONDS as TURN_SECONDS
from onion.upload_places import WAIT_SECONDS, UploadPlaces

LIMITS = ArrivalLimits(uploads=1, short_requests=8, working_requests=8, circuit_requests=2)
GET = b"GET /page HTTP/1.1\r\nHost: x\r\n\r\n"
TICK = 0.25


def post(length: int, body: bytes = b"") -> bytes:
    return b"POST /page HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % length + body


LARGE = SHORT_BYTES + 1_000
UPLOAD = post(LARGE, b"x" * SHORT_BYTES)


class Clock:
    """What the worker takes for time."""

    now = 1_000.0

    def monotonic(self) -> float:
        return self.now


class Front:
    """A worker that listens."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path, self.clock = str(path), clock
        self.given: list[Any] = []
        self.clients: list[socket.socket] = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(64)
        self.listener.setblocking(False)
        config = Config()
        config.set("proxy_protocol", "v1")
        self.worker: Any = FrontWorker(1, 1, [self.listener], None, 30, config, None)
        self.worker.poller = selectors.DefaultSelector()
        self.worker.enqueue_req = self.given.append
        self.limit(LIMITS)

    def limit(self, limits: ArrivalLimits) -> None:
        self.worker._limits, self.worker._uploads = limits, UploadPlaces(limits)
        self.worker._turns = Turns(limits)

    def comes(self, data: bytes = b"", circuit: str = "") -> socket.socket:
        """A client that connects and sends *data*, from a circuit if it is given."""
        client = socket.socket(socket.AF_UNIX)
        self.clients.append(client)
        client.connect(self.path)
        line = f"PROXY TCP6 {circuit} ::1 42 42\r\n" if circuit else ""
        client.sendall(line.encode() + data)
        self.worker.accept(self.listener)
        self.sends(client, b"")
        return client

    def sends(self, client: socket.socket, data: bytes) -> None:
        """The worker reads it at once."""
        client.sendall(data)
        while self.worker.poller.select(0):
            self.worker.wait_for_and_dispatch_events(0)

    def later(self, seconds: float = TICK) -> None:
        """A turn of gunicorn's loop, after *seconds*."""
        self.clock.now += seconds
        self.worker.wait_for_and_dispatch_events(0)
        self.worker.murder_pending()

    def answered(self, conn: Any) -> None:
        self.given.remove(conn)
        self.worker.finish_request(conn, None)

    @property
    def watched(self) -> int:
        return len(self.worker.poller.get_map())


@pytest.fixture
def front(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Front]:
    clock = Clock()
    monkeypatch.setattr(front_worker, "time", clock)
    monkeypatch.setattr(front_worker, "_retiring", bytearray(8))
    made = Front(tmp_path_factory.mktemp("f") / "s", clock)
    yield made
    for conn in [*made.given, *made.worker._arriving.values(), *made.worker._draining]:
        conn.close()
    for one in (*made.clients, made.listener, made.worker.poller, made.worker.tmp):
        one.close()


def is_open(client: socket.socket) -> bool:
    """Whether the worker still has the connection of a *client* to whom it has sent nothing."""
    client.setblocking(False)
    try:
        return bool(client.recv(1))
    except BlockingIOError:
        return True
    except ConnectionResetError:
        return False


def test_a_thread_gets_what_has_arrived_and_the_worker_keeps_nothing_of_it(front: Front) -> None:
    front.comes(post(3, b"ab"))
    assert front.given == [] and front.watched == 1
    front.sends(front.clients[0], b"c")

    (conn,) = front.given
    request = next(conn.parser)
    assert (request.path, request.body.read()) == ("/page", b"abc")
    assert conn.initialized and conn.data_ready and conn.missing == 0 and not conn.busy
    assert conn.arrival.received == b"" and not front.watched and not front.worker._arriving
    assert len(front.worker._arrivals) == 0


def test_eight_that_wait_are_accepted_at_once_and_then_events_have_their_turn(
    front: Front,
) -> None:
    for _ in range(9):
        client = socket.socket(socket.AF_UNIX)
        front.clients.append(client)
        client.connect(front.path)
    front.worker.accept(front.listener)
    assert front.worker.nr_conns == 8
    front.worker.accept(front.listener)
    front.worker.accept(front.listener)

    assert front.worker.nr_conns == 9


def test_a_new_worker_accepts_if_it_is_told_to(front: Front) -> None:
    front.worker.set_accept_enabled(True)
    assert front.watched == 1
    front.worker.set_accept_enabled(False)
    assert front.watched == 0


def test_who_gives_way_to_a_new_connection_is_closed(front: Front) -> None:
    assert front.worker._arrivals._most == MOST_ARRIVING
    front.worker._arrivals = Arrivals(3)
    one, *flood = [front.comes(b"GET", circuit) for circuit in ("fc00::a", "fc00::b", "fc00::b")]
    new = front.comes(GET, "fc00::c")

    assert [is_open(client) for client in (one, *flood, new)] == [True, False, True, True]
    assert (front.worker.nr_conns, front.watched, len(front.given)) == (3, 2, 1)


@pytest.mark.parametrize("bad", [b"x" * (HEAD_BYTES + 1), None])
def test_who_sends_no_head_or_hangs_up_is_forgotten(front: Front, bad: bytes | None) -> None:
    client = front.comes(b"GET")
    if bad:
        front.sends(client, bad)
    else:
        client.close()
        front.later()

    assert front.worker.nr_conns == 0 == front.watched == len(front.worker._arriving)
    assert bad is None or not is_open(client)


def test_whose_head_is_late_is_closed_and_whose_body_is_gets_an_answer(front: Front) -> None:
    headless = front.comes(b"GET")
    short, upload = front.comes(post(1_000, b"abc")), front.comes(post(LARGE, b"abc"))
    front.later(LIMITS.head_seconds - 0.1)
    assert is_open(headless) and front.given == []
    front.later()
    assert not is_open(headless) and is_open(short) and front.given == []
    front.later(LARGE)

    # Both as short requests, and all they get is what has arrived.
    assert [(one.missing, one.upload, one.busy) for one in front.given] == [(0, None, False)] * 2
    assert front.worker._uploads.are_idle and is_open(upload)
    for conn in list(front.given):
        front.answered(conn)
    assert front.worker.nr_conns == 0


def test_two_short_requests_of_a_circuit_have_a_thread_and_others_wait_their_turn(
    front: Front,
) -> None:
    for path in b"1234":
        front.comes(b"GET /%c HTTP/1.1\r\nHost: x\r\n\r\n" % path, "fc00::a")
    front.comes(GET, "fc00::b")
    for _ in range(4):
        front.comes(GET)

    first, second, *others = front.given
    assert len(others) == 5
    front.answered(first)
    assert [next(one.parser).path for one in front.given[-1:]] == ["/3"]
    front.answered(second)
    assert [next(one.parser).path for one in front.given[-1:]] == ["/4"]
    while front.given:
        front.answered(front.given[0])
    assert front.worker._turns.are_idle and front.worker.nr_conns == 0


def test_the_next_is_of_the_circuit_that_has_had_fewest_of_that_kind(front: Front) -> None:
    ranks = {b"fc00::a": 60, b"fc00::b": 59, b"fc00::c": 0}
    lines = []

    def rank(circuit: bytes, kind: int) -> int:
        assert kind == 0
        return ranks[circuit]

    def kind_of(line: bytes) -> int:
        lines.append(line)
        return 0

    front.worker._turns = Turns(replace(LIMITS, short_requests=1), Kinds(of=kind_of, rank=rank))
    for circuit in "aabc":
        front.comes(GET, f"fc00::{circuit}")
    served = []
    while front.given:
        (one,) = front.given
        served.append(one.arrival.circuit[-1:])
        front.answered(one)

    assert b"".join(served) == b"acba"
    assert lines == [b"GET /page HTTP/1.1"] * 4


def test_with_all_that_can_wait_there_is_room_for_another_connection(front: Front) -> None:
    front.limit(replace(LIMITS, working_requests=1))
    waiting = MOST_WAITING + MOST_LATE
    clients = [front.comes(GET, f"fc00::{number}") for number in range(waiting + 4)]
    front.later()
    # One works; of the others those that came first are closed.
    assert front.worker.nr_conns == waiting + 1
    assert [is_open(one) for one in clients[:5]] == [True, True, True, True, True]
    assert sum(map(is_open, clients)) == waiting + 1
    assert front.worker.nr_conns + MOST_ARRIVING + MOST_DRAINING < MOST_CONNECTIONS < 1_024 - 200
    front.later(TURN_SECONDS)
    while front.given:
        front.answered(front.given[0])
    assert front.worker._turns.are_idle and front.worker.nr_conns == 0


def test_an_upload_waits_for_a_place_and_gets_it_when_another_ends(front: Front) -> None:
    front.comes(UPLOAD, "fc00::a")
    front.comes(UPLOAD, "fc00::b")
    (first,) = front.given
    assert (first.missing, first.upload.missing) == (1_000, 1_000)
    first.source.taken = 1_000
    front.answered(first)

    (second,) = front.given
    assert second.upload is not None and second.upload.since == front.clock.now
    second.source.taken = 1_000
    front.answered(second)
    assert front.worker._uploads.are_idle and front.worker.nr_conns == 0


def test_who_has_waited_too_long_for_a_place_is_answered_that_there_is_none(front: Front) -> None:
    front.comes(UPLOAD, "fc00::a")
    waiting = front.comes(UPLOAD, "fc00::b")
    front.later(WAIT_SECONDS - 0.1)
    assert len(front.given) == 1
    front.later()

    running, refused = front.given
    assert (running.busy, refused.busy) == (False, True)
    # It has no upload's place, so it gives none up: the first keeps its own.
    front.answered(refused)
    assert not front.worker._uploads.are_idle and front.worker._turns.are_idle
    # What it still sends is not kept, so that its browser shows the answer.
    assert is_open(waiting) and list(front.worker._draining) == [refused]


def test_an_upload_that_is_too_slow_is_cut_and_counts(front: Front) -> None:
    counted: list[tuple[bytes, int]] = []
    kinds = Kinds(of=len, begin=lambda circuit, kind: counted.append((circuit, kind)))
    front.worker._turns = Turns(LIMITS, kinds)
    front.comes(UPLOAD, "fc00::a")
    (conn,) = front.given
    front.later(LIMITS.slow_seconds)
    assert not conn.source.is_cut and counted == []
    front.later()

    assert conn.source.is_cut and counted == [(b"fc00::a", len(UPLOAD.partition(b"\r\n")[0]))]


def test_an_upload_of_the_operators_own_that_is_cut_counts_for_nobody(front: Front) -> None:
    counted: list[tuple[bytes, int]] = []
    kinds = Kinds(of=len, begin=lambda circuit, kind: counted.append((circuit, kind)))
    front.worker._turns = Turns(LIMITS, kinds)
    front.comes(UPLOAD)
    (conn,) = front.given
    front.later(LIMITS.slow_seconds + TICK)

    assert conn.source.is_cut and counted == []


def drained(front: Front, missing: int = 1_000) -> tuple[socket.socket, Any]:
    """A client whose request is answered although it has *missing* bytes to send."""
    client = front.comes(post(SHORT_BYTES + missing, b"x" * SHORT_BYTES))
    conn = front.given[0]
    conn.sock.settimeout(0.01)  # as it is while a response is sent
    front.answered(conn)
    assert front.worker.nr_conns == len(front.worker._draining)
    return client, conn


def test_a_client_that_still_sends_is_read_to_its_end_after_the_response(front: Front) -> None:
    client, conn = drained(front)
    front.sends(client, b"x" * 999)
    assert is_open(client)
    front.worker._discard(conn, conn.sock)
    assert is_open(client), "nothing to read is no end"
    front.sends(client, b"x")

    assert not is_open(client) and front.worker.nr_conns == 0 == front.watched


def test_what_a_thread_has_read_is_not_waited_for(front: Front) -> None:
    front.comes(UPLOAD)
    conn = front.given[0]
    conn.source.taken = 400
    front.answered(conn)

    assert conn.missing == 600


def test_a_connection_that_is_closed_already_is_not_drained(front: Front) -> None:
    front.comes(UPLOAD)
    conn = front.given[0]
    conn.close()
    front.answered(conn)

    assert front.worker.nr_conns == 0 == front.watched


def test_a_client_that_hangs_up_after_the_response_is_forgotten(front: Front) -> None:
    client, _ = drained(front)
    client.close()
    front.later()

    assert front.worker.nr_conns == 0 == front.watched


@pytest.mark.parametrize(
    ("missing", "seconds"),
    [(81_920, LIMITS.slow_seconds / 4 + 10), (10**9, DRAIN_SECONDS)],
)
def test_a_client_has_time_to_send_the_rest_at_a_fair_rate_and_no_longer(
    front: Front, missing: int, seconds: float
) -> None:
    client, _ = drained(front, missing)
    front.later(seconds - 0.1)
    assert is_open(client)
    front.later(TICK)

    assert not is_open(client) and front.worker.nr_conns == 0


def test_of_too_many_clients_that_still_send_the_first_is_closed(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MOST_DRAINING == 128
    monkeypatch.setattr(front_worker, "MOST_DRAINING", 2)
    clients = [drained(front)[0] for _ in range(3)]

    assert [is_open(client) for client in clients] == [False, True, True]


# More than the kernel takes at once.
LONG_PAGE = b"".join(b"%07d " % number for number in range(125_000))


@pytest.fixture
def long_pages(front: Front, monkeypatch: pytest.MonkeyPatch) -> Front:
    def serve(_: object, request: object, conn: Any) -> None:
        conn.sock.sendall(b"head")
        assert conn.sock.send(LONG_PAGE) == len(LONG_PAGE)
        conn.sock.sendall(b"end")

    monkeypatch.setattr(gthread.ThreadWorker, "handle_request", serve)
    return front


def answered_at_length(front: Front, data: bytes = GET) -> tuple[socket.socket, Any]:
    """A client that reads nothing of a long page, and of whose request no thread has any more."""
    client = front.comes(data)
    (conn,) = front.given
    front.worker.handle_request(next(conn.parser), conn)
    front.answered(conn)
    assert front.worker._turns.are_idle and front.worker._uploads.are_idle
    return client, conn


def taken(front: Front, client: socket.socket) -> bytes:
    """What *client* reads of its response, to the end."""
    client.setblocking(False)
    found, idle = bytearray(), 0
    while idle < 3:
        front.worker.wait_for_and_dispatch_events(0)
        try:
            if not (data := client.recv(50_000)):
                break
        except BlockingIOError:
            idle += 1
        else:
            found += data
    return bytes(found)


def test_who_does_not_read_a_long_page_keeps_no_thread_and_gets_it_later(
    long_pages: Front,
) -> None:
    client, _ = answered_at_length(long_pages)
    long_pages.later(SEND_SECONDS - 0.1)
    assert long_pages.worker.nr_conns == 1 == long_pages.watched

    assert taken(long_pages, client) == b"head" + LONG_PAGE + b"end"
    assert long_pages.worker.nr_conns == 0 == long_pages.watched
    assert not long_pages.worker._draining


def test_a_page_goes_on_to_be_sent_for_two_minutes(long_pages: Front) -> None:
    client, _ = answered_at_length(long_pages)
    long_pages.later(119.75)
    assert long_pages.worker.nr_conns == 1
    long_pages.later(0.25)

    assert long_pages.worker.nr_conns == 0 == long_pages.watched
    assert len(taken(long_pages, client)) < len(LONG_PAGE)


def test_who_hangs_up_amid_a_long_page_is_forgotten(long_pages: Front) -> None:
    client, _ = answered_at_length(long_pages)
    client.close()
    long_pages.later()

    assert long_pages.worker.nr_conns == 0 == long_pages.watched


def test_who_still_sends_after_a_long_page_is_read_to_the_end(long_pages: Front) -> None:
    client, conn = answered_at_length(long_pages, post(SHORT_BYTES + 1_000, b"x" * SHORT_BYTES))
    long_pages.later(SEND_SECONDS - 1)
    assert taken(long_pages, client) == b"head" + LONG_PAGE + b"end"
    # As long as after any other page.
    long_pages.later(LIMITS.slow_seconds / 4)
    assert long_pages.worker.nr_conns == 1 and conn.missing == 1_000
    long_pages.sends(client, b"x" * 1_000)

    assert long_pages.worker.nr_conns == 0 == long_pages.watched


def test_a_long_page_of_a_connection_that_is_closed_already_is_not_kept(long_pages: Front) -> None:
    long_pages.comes(GET)
    (conn,) = long_pages.given
    long_pages.worker.handle_request(next(conn.parser), conn)
    conn.close()
    long_pages.answered(conn)

    assert long_pages.worker.nr_conns == 0 == long_pages.watched


def test_when_too_much_waits_to_be_sent_the_longest_page_gives_way(
    long_pages: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MOST_UNSENT_BYTES == 67_108_864
    _, shorter = answered_at_length(long_pages)
    _, longest = answered_at_length(long_pages)
    longest.unsent.sendall(b"x")
    both = len(shorter.unsent) + len(longest.unsent)
    monkeypatch.setattr(front_worker, "MOST_UNSENT_BYTES", both)
    draining, _ = drained(long_pages)
    assert len(long_pages.worker._draining) == 3
    monkeypatch.setattr(front_worker, "MOST_UNSENT_BYTES", both + len(shorter.unsent) - 1)
    _, third = answered_at_length(long_pages)

    assert longest not in long_pages.worker._draining and is_open(draining)
    assert {shorter, third} < set(long_pages.worker._draining)


def test_a_worker_that_ends_goes_on_sending_long_pages(long_pages: Front) -> None:
    client, _ = answered_at_length(long_pages)
    long_pages.worker.alive = False
    long_pages.later()
    long_pages.later(LAST_DRAINS_SECONDS + 1)

    assert taken(long_pages, client) == b"head" + LONG_PAGE + b"end"


def test_a_worker_that_ends_gives_heads_and_clients_that_still_send_a_few_seconds(
    front: Front,
) -> None:
    draining, _ = drained(front, 10**9)
    headless, body = front.comes(b"GET"), front.comes(post(10, b"abc"))
    front.worker.alive = False
    front.later()
    assert (LAST_HEADS_SECONDS, LAST_DRAINS_SECONDS) == (2.0, 10.0)
    front.later(LAST_HEADS_SECONDS - 0.1)
    assert is_open(headless)
    front.later()
    assert not is_open(headless) and is_open(body)
    front.later(LAST_DRAINS_SECONDS - LAST_HEADS_SECONDS - TICK)
    assert is_open(draining)
    front.later()

    assert not is_open(draining) and is_open(body)


def test_it_looks_what_took_too_long_four_times_a_second(front: Front) -> None:
    front.later()
    client = front.comes(b"GET")
    front.worker._arriving[next(iter(front.worker._arriving))].arrival._begun = 0.0
    front.later(TICK - 0.01)
    assert is_open(client)
    front.later(0.01)

    assert not is_open(client)


def test_a_late_worker_ends_with_the_answer_that_was_its_last(front: Front) -> None:
    front.worker.last_response = 1
    front.comes(GET)
    front.worker.nr = 1
    front.answered(front.given[0])

    assert not front.worker.alive


def test_a_thread_says_that_its_request_only_waits_and_keeps_nothing_of_it(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = front.worker
    monkeypatch.setattr(gthread.ThreadWorker, "handle_request", lambda *_: worker._thread.rest())
    worker.method_queue.init()
    front.comes(post(3, b"abc"))
    (conn,) = front.given
    worker.handle_request(next(conn.parser), conn)
    # The main loop does it.
    assert not conn.turn.rests
    worker.method_queue.run_callbacks(None)
    worker.method_queue.close()

    assert conn.turn.rests and worker._thread.rest is None


def test_a_request_that_only_waits_lets_the_next_one_work(front: Front) -> None:
    front.limit(replace(LIMITS, short_requests=2, working_requests=1))
    for circuit in ("fc00::a", "fc00::b", "fc00::c"):
        front.comes(GET, circuit)
    (first,) = front.given
    front.worker._rest(first)
    second = front.given[-1]
    assert front.given == [first, second] and second is not first
    # Once is enough; and its thread, which the third would need, it keeps.
    front.worker._rest(first)
    front.worker._rest(second)
    assert len(front.given) == 2
    front.answered(first)
    front.answered(second)
    front.answered(front.given[0])

    assert front.worker._turns.are_idle and front.worker._turns._working == 0


class Thread:
    """The thread of an upload, which waits until what has arrived can be filed."""

    def __init__(self, front: Front, conn: Any) -> None:
        self.worker, self.conn = front.worker, conn
        # A wait that never ends fails its test and does not keep the others.
        self._thread = threading.Thread(target=self._wait, daemon=True)
        self.worker.method_queue.init()
        self._thread.start()
        while conn.granted is None:
            time.sleep(0.001)
        # The main loop reads what it asks for.
        while not select.select([self.worker.method_queue.fileno()], [], [], 0.01)[0]:
            pass
        self.worker.method_queue.run_callbacks(None)
        self.worker.method_queue.close()

    def _wait(self) -> None:
        self.granted = self.worker._take_turn(self.conn)

    @property
    def waits(self) -> bool:
        return not self.conn.granted.is_set()

    def ended(self) -> bool:
        """What it was told."""
        self._thread.join(10.0)
        assert not self._thread.is_alive(), "it still waits"
        return bool(self.granted)


def upload_behind_a_page(front: Front) -> tuple[Any, Any]:
    """An upload that has arrived, and a page that has the only turn."""
    front.limit(replace(LIMITS, working_requests=1))
    front.comes(UPLOAD, "fc00::a")
    front.comes(GET, "fc00::b")
    upload, page = front.given
    upload.source.taken = upload.missing
    return upload, page


def test_an_upload_waits_for_a_turn_once_it_can_be_filed(front: Front) -> None:
    upload, page = upload_behind_a_page(front)
    thread = Thread(front, upload)
    assert thread.waits
    front.answered(page)
    assert not thread.waits and thread.ended()
    # It keeps its turn, and the next one waits, until it only waits itself.
    assert front.worker._take_turn(upload)
    front.comes(GET, "fc00::c")
    assert front.given == [upload]
    front.worker._rest(upload)
    assert front.given[0] is upload and len(front.given) == 2
    assert front.worker._take_turn(upload), "what it computes after that is little"
    front.worker._rest(upload)
    front.answered(front.given[1])
    front.answered(upload)

    assert front.worker._uploads.are_idle and front.worker._turns.are_idle
    assert front.worker.nr_conns == 0


def test_an_upload_that_has_a_turn_ends_with_it_and_with_its_place(front: Front) -> None:
    upload, page = upload_behind_a_page(front)
    thread = Thread(front, upload)
    front.answered(page)
    assert thread.ended()
    front.answered(upload)

    assert front.worker._uploads.are_idle and front.worker._turns.are_idle


def test_an_upload_that_waits_too_long_for_its_turn_is_told_so(front: Front) -> None:
    upload, page = upload_behind_a_page(front)
    thread = Thread(front, upload)
    front.later(TURN_SECONDS)
    assert thread.waits
    front.answered(page)

    assert not thread.ended()
    front.answered(upload)
    assert front.worker._uploads.are_idle and front.worker._turns.are_idle


def test_an_upload_for_which_there_is_no_room_to_wait_is_told_so_and_stays_open(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload, page = upload_behind_a_page(front)
    thread = Thread(front, upload)
    monkeypatch.setattr(turns, "MOST_WAITING", 0)
    monkeypatch.setattr(turns, "MOST_LATE", 0)
    front.later()

    assert not thread.ended() and front.worker.nr_conns == 2
    front.answered(upload)
    front.answered(page)
    assert front.worker._turns.are_idle and front.worker.nr_conns == 0


def test_an_upload_that_is_refused_has_a_turn_as_any_other_request(front: Front) -> None:
    front.limit(replace(LIMITS, short_requests=2, working_requests=1))
    for circuit in ("fc00::a", "fc00::d"):
        front.comes(UPLOAD, circuit)
    front.comes(GET, "fc00::b")
    upload, page = front.given
    front.worker._rest(upload)
    front.later(WAIT_SECONDS)
    assert front.given == [upload, page]
    front.answered(page)
    _, refused = front.given
    assert refused.busy and front.worker._take_turn(refused)
    front.comes(GET, "fc00::c")
    assert len(front.given) == 2
    front.worker._rest(refused)

    assert len(front.given) == 3


def test_who_has_waited_too_long_for_a_turn_is_answered_that_it_was_too_long(front: Front) -> None:
    front.limit(replace(LIMITS, working_requests=1))
    front.comes(GET, "fc00::a")
    front.comes(GET, "fc00::b")
    first = front.given[0]
    front.later(TURN_SECONDS - 0.1)
    front.answered(first)
    (second,) = front.given
    assert (first.late, second.late) == (False, False)
    front.comes(GET, "fc00::c")
    front.later(TURN_SECONDS)
    front.comes(GET, "fc00::d")
    front.answered(second)

    assert [(one.arrival.circuit, one.late) for one in front.given] == [(b"fc00::c", True)]
    front.answered(front.given[0])
    assert [(one.arrival.circuit, one.late) for one in front.given] == [(b"fc00::d", False)]


def test_who_gave_up_behind_others_of_its_circuit_is_answered_at_once(front: Front) -> None:
    for _ in range(3):
        front.comes(GET, "fc00::a")
    front.later(TURN_SECONDS - TICK)
    assert len(front.given) == 2
    front.later()

    assert [one.late for one in front.given] == [False, False, True]


class Served(Exception):
    """gunicorn was asked to serve."""


@pytest.fixture
def serving(front: Front, monkeypatch: pytest.MonkeyPatch) -> Front:
    def serve(*_: object) -> None:
        raise Served

    monkeypatch.setattr(gthread.ThreadWorker, "handle_request", serve)
    return front


def test_a_request_whose_body_gunicorn_finds_longer_than_announced_is_not_served(
    serving: Front,
) -> None:
    serving.comes(post(3, b"abc"))
    conn = serving.given[0]
    request = next(conn.parser)
    conn.arrival.length = 2
    with pytest.raises(StopIteration):
        serving.worker.handle_request(request, conn)
    conn.arrival.length = 3
    with pytest.raises(Served):
        serving.worker.handle_request(request, conn)

    assert not conn.sock.getblocking() and serving.worker._thread.busy is False
    assert serving.worker._thread.late is False


@pytest.mark.parametrize("kind", ["upload", "refused", "chunked", "short"])
def test_only_an_upload_with_a_place_is_read_further(serving: Front, kind: str) -> None:
    chunked = UPLOAD.replace(b"Host: x", b"Host: x\r\nTransfer-Encoding: chunked")
    client = serving.comes({"short": post(3, b"abc"), "chunked": chunked}.get(kind, UPLOAD))
    conn = serving.given[0]
    conn.busy = kind == "refused"
    request = types.SimpleNamespace(body=types.SimpleNamespace(reader=object()))
    if kind != "chunked":
        request = next(conn.parser)
    with pytest.raises(Served):
        serving.worker.handle_request(request, conn)
    client.sendall(b"more")

    assert conn.source.recv(4) == (b"more" if kind == "upload" else b"")
    assert serving.worker._thread.busy == (kind == "refused")


def test_the_application_says_its_limits_and_learns_who_has_no_place(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    def application(environ: dict[str, object], _: object) -> object:
        return tuple(environ[name] for name in ("no.place", "it.rests", "no.turn", "a.turn"))

    module: Any = types.ModuleType("a_front")
    module.arrival_limits, module.no_place = {"head_seconds": 7}, "no.place"
    module.rests, module.no_turn, module.takes_turn = "it.rests", "no.turn", "a.turn"
    module.request_kinds = {"costs": (1, 4, 6)}
    monkeypatch.setitem(sys.modules, "a_front", module)
    front.worker.cfg.set("wsgi_app", "a_front:application")
    front.worker.app = types.SimpleNamespace(wsgi=lambda: application)
    front.worker.load_wsgi()
    front.worker._thread.busy, front.worker._thread.rest = "whether", "how"
    front.worker._thread.late, front.worker._thread.take_turn = "too late", "when"

    assert front.worker._limits == replace(ArrivalLimits(), head_seconds=7)
    assert front.worker._uploads._limits is front.worker._limits
    assert front.worker._turns._kinds.costs == (1, 4, 6)
    assert front.worker.wsgi({}, None) == ("whether", "how", "too late", "when")
    assert front.worker._uploads._rank == front.worker._turns.rank_of
    module.no_place = module.rests = module.no_turn = module.takes_turn = ""
    front.worker.load_wsgi()
    assert front.worker.wsgi is application
