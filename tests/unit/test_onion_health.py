"""How a running service is asked: what its descriptor says, and the front as tor asks it."""

import socket
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from stem import ControllerError

from onion.errors import TorSilent
from onion.health import Descriptor, fetched, front_status, tor_state

# A service with proof of work in a private network, as tor 0.4.9.11 gave it.
TEXT = (Path(__file__).parents[1] / "vectors" / "tor" / "descriptor.txt").read_text("ascii")
ONION = "7xa56snlgscvcntpwro652bundndtv5gjghe5qijyahdcd6nmf7mhoyd.onion"
MADE = datetime(2026, 11, 26, 9, 18, 21, tzinfo=UTC)


def test_a_descriptor_tells_introduction_points_effort_and_age() -> None:
    assert Descriptor.read(TEXT, ONION) == Descriptor(5, 0, MADE)


def test_a_descriptor_of_another_service_or_a_damaged_one_is_refused() -> None:
    for text, onion in ((TEXT, "b" * 56 + ".onion"), (TEXT[:900], ONION), ("", ONION)):
        with pytest.raises(ValueError):
            Descriptor.read(text, onion)


class SomeTor:
    """A tor whose directories answer from the *late*-th question on."""

    def __init__(self, late: int, *, cached: str = "", text: str = TEXT, own: str = TEXT) -> None:
        self.late, self.cached, self.text, self.own = late, cached, text, own
        self.told: list[str] = []
        self.questions = 0

    def get_info(self, name: str) -> str:
        if name.startswith("hs/service/"):
            return self.own
        self.questions += 1
        found = self.text if self.questions > self.late else self.cached
        if not found:
            raise ControllerError("Not found in cache")
        return found

    def msg(self, message: str) -> None:
        self.told.append(message)


def test_the_descriptor_is_fetched_as_a_visitor_does() -> None:
    tor, slept = SomeTor(3), list[float]()

    assert fetched(tor, ONION, 10, sleep=slept.append) == Descriptor(5, 0, MADE)
    assert tor.told == [f"HSFETCH {ONION.removesuffix('.onion')}"] and len(slept) == 2


def test_what_was_fetched_before_is_enough_when_it_is_what_the_service_made() -> None:
    slept = list[float]()
    assert fetched(SomeTor(99, cached=TEXT), ONION, 10, sleep=slept.append) is not None
    assert slept == []


def test_no_descriptor_in_time_is_none_and_an_old_one_is_shown() -> None:
    slept = list[float]()
    assert fetched(SomeTor(99), ONION, 2, sleep=slept.append) is None and len(slept) == 4
    assert fetched(SomeTor(0, text="damaged"), ONION, 1, sleep=slept.append) is None
    # No directory gives a newer one than tor has fetched before: its age tells.
    older = SomeTor(99, cached=TEXT, own="newer")
    assert fetched(older, ONION, 2, sleep=slept.append) == Descriptor(5, 0, MADE)


def test_a_tor_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(TorSilent, match="does not answer at"):
        tor_state(tmp_path / "control", ONION)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100_000, 200),
        (b"HTTP/1.1 500 Oh\r\n\r\n", 500),
        (b"SSH-2.0", 0),
        (b"", 0),
    ],
)
def test_the_front_is_asked_as_tor_asks_it(
    tmp_path_factory: pytest.TempPathFactory, answer: bytes, status: int
) -> None:
    path, asked = tmp_path_factory.mktemp("f") / "s", list[bytes]()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            client = server.accept()[0]
            with client:
                asked.append(client.recv(4_096))
                client.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        assert front_status(path, ONION) == status
        thread.join()
    assert asked[0].startswith(b"PROXY TCP6 fc00:dead:beef:4dad:")
    assert f"\r\nHost: {ONION}\r\n".encode() in asked[0]


def test_a_front_that_is_not_there_has_no_status(tmp_path: Path) -> None:
    assert front_status(tmp_path / "none", ONION) == 0
