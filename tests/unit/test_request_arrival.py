"""Requests while they arrive: when a thread gets one, and who has to give way."""

import socket
import threading
from collections.abc import Iterator
from typing import cast

import pytest

from onion import request_arrival
from onion.request_arrival import (
    HEAD_BYTES,
    SHORT_BYTES,
    Arrival,
    ArrivalLimits,
    Arrivals,
    BadHead,
    BodySource,
)

LIMITS = ArrivalLimits(head_seconds=60, slow_seconds=120, slowest_bytes=1_000)
PROXY = b"PROXY TCP6 fc00:dead:beef:4dad::0:2a ::1 42 42\r\n"
CIRCUIT = b"fc00:dead:beef:4dad::0:2a"
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Line:
    """A client's end of a connection, and what the worker knows of it."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client = client
        self.server = server
        self.arrival = Arrival(server, 1_000.0, LIMITS)

    def sends(self, *pieces: bytes) -> list[bool]:
        """Whether a thread can have the request after each of *pieces*."""
        ready = []
        for piece in pieces:
            self.client.sendall(piece)
            ready.append(self.arrival.read())
        return ready


@pytest.fixture
def line() -> Iterator[Line]:
    client, server = socket.socketpair()
    server.setblocking(False)
    with client, server:
        yield Line(client, server)


def post(length: object) -> bytes:
    return b"POST / HTTP/1.1\r\ncontent-LENGTH: %s \r\nHost: x\r\n\r\n" % str(length).encode()


def test_a_thread_gets_a_request_once_its_head_has_arrived(line: Line) -> None:
    whole = PROXY + GET

    assert line.sends(*(bytes([one]) for one in whole)) == [False] * (len(whole) - 1) + [True]
    assert (line.arrival.circuit, bytes(line.arrival.received)) == (CIRCUIT, whole)


def test_a_connection_on_which_nothing_arrives_is_not_ready(line: Line) -> None:
    assert not line.arrival.read()
    assert not line.arrival.has_head


def test_an_empty_line_at_once_ends_a_head_but_the_end_of_the_proxy_line_does_not(
    line: Line,
) -> None:
    assert line.sends(PROXY, b"\r\n", b"\r\n") == [False, False, True]


def test_an_empty_line_is_a_head_without_a_proxy_line_too(line: Line) -> None:
    assert line.sends(b"\r\n\r\n") == [True]
    assert line.arrival.has_head


@pytest.mark.parametrize(
    ("head", "circuit"),
    [
        (GET, b""),
        (b"PROXY TCP4 1.2.3.4 ::1 1 2\r\n" + GET, b"1.2.3.4"),
        (b"PROXY x\r\n" + GET, b""),
    ],
)
def test_a_circuit_is_known_from_the_proxy_line_alone(
    line: Line, head: bytes, circuit: bytes
) -> None:
    assert line.sends(head) == [True]
    assert line.arrival.circuit == circuit


@pytest.mark.parametrize(
    ("head", "first"),
    [
        (PROXY + GET, GET.partition(b"\r\n")[0]),
        (GET, GET.partition(b"\r\n")[0]),
        # gunicorn takes no empty line before it.
        (PROXY + b"\r\n" + GET, b""),
    ],
)
def test_the_first_line_is_that_behind_the_proxy_line(
    line: Line, head: bytes, first: bytes
) -> None:
    assert line.sends(head) == [True]
    assert line.arrival.line == first


def test_the_circuit_is_known_before_the_head_is_whole(line: Line) -> None:
    line.sends(PROXY + b"GET /")

    assert line.arrival.circuit == CIRCUIT


def test_a_short_body_has_to_be_whole(line: Line) -> None:
    assert line.sends(post(3), b"a", b"b") == [False, False, False]
    assert line.arrival.missing == 1
    assert line.sends(b"c") == [True]
    assert line.arrival.missing == 0 and not line.arrival.is_upload


def test_of_an_upload_the_beginning_has_to_be_there(line: Line) -> None:
    size = SHORT_BYTES + 1
    assert line.sends(post(size)) == [False]
    assert line.arrival.is_upload
    assert line.sends(*[b"x" * (SHORT_BYTES // 4)] * 4) == [False, False, False, True]
    assert line.arrival.missing == 1


def test_a_body_just_as_long_as_a_short_one_is_no_upload(line: Line) -> None:
    line.sends(post(SHORT_BYTES))

    assert not line.arrival.is_upload


@pytest.mark.parametrize("length", ["-1", "0x10", "", "1" * 13, "5 5"])
def test_a_length_that_is_none_is_left_to_gunicorn(line: Line, length: str) -> None:
    assert line.sends(post(length)) == [True]
    assert line.arrival.length == 0


@pytest.mark.parametrize(("size", "is_upload"), [(131_072, False), (131_073, True)])
def test_an_upload_is_longer_than_128_kib(line: Line, size: int, is_upload: bool) -> None:
    line.sends(post(size))

    assert line.arrival.is_upload == is_upload


def test_a_head_of_16_kib_is_taken_and_one_byte_more_is_not(line: Line) -> None:
    start, end = b"GET / HTTP/1.1\r\nX: ", b"\r\n\r\n"
    longest = start + b"x" * (16_384 - len(start)) + end
    assert line.sends(longest) == [True]

    client, server = socket.socketpair()
    with client, server, pytest.raises(BadHead):
        Line(client, server).sends(start + b"x" + longest.removeprefix(start))


def test_a_length_at_the_end_of_a_head_counts_and_one_in_the_body_does_not(line: Line) -> None:
    assert line.sends(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n") == [False]
    assert line.arrival.length == 2

    client, server = socket.socketpair()
    with client, server:
        other = Line(client, server)
        assert other.sends(GET + b"\r\nContent-Length: 9\r\n") == [True]
        assert other.arrival.length == 0


def test_a_head_without_end_is_refused(line: Line) -> None:
    line.sends(b"GET / HTTP/1.1\r\nX: " + b"x" * (HEAD_BYTES - 19))

    with pytest.raises(BadHead):
        line.sends(b"x")


def test_a_head_that_is_too_long_is_refused_although_it_ends(line: Line) -> None:
    with pytest.raises(BadHead):
        line.sends(b"GET / HTTP/1.1\r\nX: " + b"x" * HEAD_BYTES + b"\r\n\r\n")


def test_who_hangs_up_amid_a_head_is_forgotten_and_amid_a_body_gets_an_answer(line: Line) -> None:
    line.sends(post(3)[:10])
    line.client.shutdown(socket.SHUT_WR)
    with pytest.raises(ConnectionAbortedError):
        line.arrival.read()

    client, server = socket.socketpair()
    with client, server:
        other = Line(client, server)
        other.sends(post(3))
        client.shutdown(socket.SHUT_WR)
        assert other.arrival.read()


def test_the_deadline_is_for_the_whole_head_and_longer_with_a_body(line: Line) -> None:
    for byte in post(30_000)[:-1]:
        line.sends(bytes([byte]))
        assert line.arrival.deadline == 1_060.0
    line.sends(b"\n")

    assert line.arrival.deadline == 1_060.0 + (len(post(30_000)) + 30_000) / 1_000


def test_a_drop_waits_a_minute_for_a_head_and_for_a_body_at_one_kib_a_second(line: Line) -> None:
    arrival = Arrival(line.server, 0.0, ArrivalLimits())
    assert arrival.deadline == 60.0

    head = post(102_400)
    line.client.sendall(head)
    arrival.read()
    assert arrival.deadline == 60.0 + (len(head) + 102_400) / 1_024


def test_the_limits_of_a_drop_are_those_that_were_measured_under_attack() -> None:
    """docs/security.md reckons with them; whoever changes one changes the other."""
    limits = ArrivalLimits()

    assert (limits.slow_seconds, limits.fair_bytes) == (120, 8_192)
    assert (limits.uploads, limits.circuit_uploads, limits.circuit_requests) == (14, 2, 2)
    assert (limits.large_uploads, limits.large_bytes) == (10, 8_388_608)
    assert (limits.short_requests, limits.working_requests) == (8, 2)


def arrivals(most: int, circuits: str) -> tuple[Arrivals, list[Arrival], list[Arrival | None]]:
    """A full set, all that were added to it, and who gave way each time."""
    made, victims = [], []
    them = Arrivals(most)
    for circuit in circuits:
        one = Arrival(cast(socket.socket, None), 0.0, LIMITS)
        one.circuit = circuit.encode()
        made.append(one)
        victims.append(them.add(one))
    return them, made, victims


def test_the_oldest_of_the_circuit_with_most_gives_way() -> None:
    them, made, victims = arrivals(4, "abbbcc")

    assert victims == [None] * 4 + [made[1], made[2]] and len(them) == 4


def test_one_who_is_alone_on_a_circuit_is_not_the_first_to_give_way() -> None:
    _, made, victims = arrivals(3, "abc" + "d" * 5)

    # First all have one each, and the oldest goes.
    assert victims[3:] == [made[0], *made[3:7]]


def test_who_is_late_is_named_and_who_ended_is_not() -> None:
    them, made, _ = arrivals(3, "abc")
    them.discard(made[0])
    them.discard(made[0])

    assert (them.late(59.9), them.late(60.0)) == ([], made[1:])
    assert them.headless() == made[1:]


@pytest.fixture
def source(line: Line) -> BodySource:
    return BodySource(line.server, patience=0.05)


def test_a_thread_receives_nothing_before_its_source_is_open(
    line: Line, source: BodySource
) -> None:
    line.client.sendall(b"abc")
    memory = bytearray(2)

    assert (source.recv(5), source.recv_into(memoryview(memory))) == (b"", 0)
    source.open()
    assert source.recv_into(memoryview(memory)) == 2 and memory == b"ab"
    assert source.recv(5) == b"c" and source.taken == 3


def test_how_much_has_arrived_is_known_without_receiving_it(line: Line, source: BodySource) -> None:
    assert source.ahead() == 0
    line.client.sendall(b"x" * 40_000)
    assert source.ahead() == 40_000 and source.taken == 0
    source.open()
    assert source.recv(10_000) == b"x" * 10_000 and source.ahead() == 30_000
    line.client.close()
    assert source.ahead() == 30_000


def test_a_thread_waits_for_a_client_that_pauses(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_arrival, "_LOOK_MILLISECONDS", 5)
    source = BodySource(line.server, patience=20.0)
    source.open()
    sender = threading.Timer(0.05, line.client.sendall, [b"abc"])
    sender.start()

    assert source.recv(5) == b"abc"
    sender.join()


@pytest.mark.slow
def test_a_source_that_is_cut_ends_and_so_does_a_silent_one(line: Line, source: BodySource) -> None:
    source.open()
    assert source.recv(5) == b""  # after its patience
    line.client.sendall(b"abc")
    assert source.recv(1) == b"a"
    source.cut()

    assert (source.recv(5), source.recv_into(memoryview(bytearray(5)))) == (b"", 0)
