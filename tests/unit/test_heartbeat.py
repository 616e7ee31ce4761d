"""What systemd hears of a room: that it is ready, and that it works, after a real answer alone."""

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from dropbox.front.vault_client import _TIMEOUT_SECONDS
from onion.heartbeat import ANSWER_SECONDS, RETRY_SECONDS, Heartbeat, notify

READY, AGAIN = b"READY=1\nWATCHDOG=1", b"WATCHDOG=1"


class Systemd:
    """The socket that NOTIFY_SOCKET names."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.socket.bind(address)

    def heard(self) -> list[bytes]:
        said = []
        try:
            while True:
                said.append(self.socket.recv(100))
        except BlockingIOError:
            return said


class Room:
    """A room whose answers the test chooses, and a clock."""

    def __init__(self, folder: Path) -> None:
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(folder / "room"))
        self.listener.listen(1)
        self.listener.setblocking(False)
        self.systemd = Systemd(str(folder / "notify"))
        self.now = 100.0
        self.heart = Heartbeat(
            str(folder / "notify"),
            folder / "room",
            host="x.onion",
            seconds=45.0,
            clock=lambda: self.now,
        )

    def beat(self, answer: bytes | None) -> list[bytes]:
        """Let it ask and be answered; what systemd heard."""
        self.heart.beat()
        connection, _ = self.listener.accept()
        with connection:
            request = connection.recv(1_000)
            assert request.startswith(b"GET /health HTTP/1.1\r\nHost: x.onion\r\n")
            if answer is not None:
                self.heart.beat()
                assert self.systemd.heard() == []
                connection.sendall(answer)
        self.heart.beat()
        return self.systemd.heard()


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path)
    with closing(made.listener), closing(made.systemd.socket):
        yield made
    if made.heart._asked is not None:
        made.heart._asked.close()


def is_asked(room: Room) -> bool:
    room.heart.beat()
    try:
        room.listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def test_the_first_good_answer_means_ready_and_each_later_one_that_it_works(room: Room) -> None:
    assert room.beat(b"HTTP/1.1 200 OK\r\n\r\n" + b"page" * 10_000) == [READY]

    room.now += 44.9
    assert not is_asked(room)

    room.now += 0.2
    assert room.beat(b"HTTP/1.0 204 No Content\r\n\r\n") == [AGAIN]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 500 Internal Server Error\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\n\r\n",
        b"HTTP/1.1 302 Found\r\n\r\n",
        b"something else that has 200 in it",
        b"HTTP/1.1",
        b"",
        None,
    ],
)
def test_any_other_answer_tells_systemd_nothing_and_is_asked_for_again(
    answer: bytes | None, room: Room
) -> None:
    assert room.beat(answer) == []

    assert not is_asked(room)
    room.now += RETRY_SECONDS
    assert room.beat(b"HTTP/1.1 200 OK\r\n\r\n") == [READY]


def test_a_room_that_takes_a_request_and_says_nothing_is_given_up_after_its_time(
    room: Room,
) -> None:
    room.heart.beat()
    first, _ = room.listener.accept()
    with first:
        # Which has begun well, but not ended.
        first.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        room.now += ANSWER_SECONDS - 0.1
        assert not is_asked(room)
        room.now += 0.1
        room.heart.beat()
        assert room.systemd.heard() == []
        room.now += RETRY_SECONDS
        assert is_asked(room) and room.systemd.heard() == []


def test_an_answer_that_breaks_off_is_none(room: Room) -> None:
    room.heart.beat()
    connection, _ = room.listener.accept()
    with connection:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        room.heart.beat()
        # With the request unread, the end is a reset.
    room.heart.beat()

    assert room.systemd.heard() == []
    room.now += RETRY_SECONDS
    assert room.beat(b"HTTP/1.1 200 OK\r\n\r\n") == [READY]


def test_an_answer_is_waited_for_longer_than_the_front_waits_for_the_vault() -> None:
    assert ANSWER_SECONDS == 40.0 > _TIMEOUT_SECONDS


def test_a_room_that_did_not_answer_is_asked_again_after_a_second(room: Room) -> None:
    assert room.beat(None) == []
    room.now += 0.9
    assert not is_asked(room)
    room.now += 0.1
    assert is_asked(room)


def test_only_the_status_of_an_answer_is_kept(room: Room) -> None:
    room.heart.beat()
    connection, _ = room.listener.accept()
    with connection:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + bytes(30_000))
        room.heart.beat()

        assert len(room.heart._answer) == len(b"HTTP/1.1 200")


def test_a_room_that_is_not_there_is_asked_again(room: Room, tmp_path: Path) -> None:
    (tmp_path / "room").rename(tmp_path / "away")
    room.heart.beat()

    (tmp_path / "away").rename(tmp_path / "room")
    assert not is_asked(room)
    room.now += RETRY_SECONDS
    assert room.beat(b"HTTP/1.1 200 OK\r\n\r\n") == [READY]


def test_nothing_is_asked_where_systemd_did_not_start_it(tmp_path: Path) -> None:
    assert Heartbeat.of({}, tmp_path / "room", host="x") is None
    assert Heartbeat.of({"NOTIFY_SOCKET": ""}, tmp_path / "room", host="x") is None


@pytest.mark.parametrize(
    ("watchdog", "seconds"),
    [
        ({"WATCHDOG_USEC": "180000000"}, 45.0),
        ({}, 60.0),
        ({"WATCHDOG_USEC": "-1"}, 60.0),
    ],
)
def test_it_beats_four_times_in_systemds_time(
    watchdog: dict[str, str], seconds: float, tmp_path: Path
) -> None:
    made = Heartbeat.of({"NOTIFY_SOCKET": "@x", **watchdog}, tmp_path / "room", host="x")

    assert made is not None and made._seconds == seconds


def test_an_abstract_address_is_one_and_a_systemd_that_is_gone_stops_nothing(
    tmp_path: Path,
) -> None:
    name = f"casedrop-test-{tmp_path}"
    listening = Systemd(f"\0{name}")
    with closing(listening.socket):
        notify(f"@{name}", "READY=1")
        assert listening.heard() == [b"READY=1"]

    notify(f"@{name}", "WATCHDOG=1")
    notify(str(tmp_path / "nobody"), "WATCHDOG=1")
