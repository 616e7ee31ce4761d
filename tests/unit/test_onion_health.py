"""How a running service is asked: what its descriptor says, and the front as tor asks it."""

import socket
import threading
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from stem import ControllerError
from stem.descriptor.hidden_service import HiddenServiceDescriptorV3

from onion import service_health
from onion.control import Phase
from onion.errors import TorSilent
from onion.service_health import Descriptor, TorState, fetched, front_page, front_status, tor_state

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
            for _ in range(2):
                client = server.accept()[0]
                with client:
                    asked.append(client.recv(4_096))
                    client.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        assert front_status(path, ONION) == status
        page = front_page(path, ONION, "en/report")
        thread.join()
    assert page == (status, answer.partition(b"\r\n\r\n")[2])
    assert b"\r\nGET / HTTP" in asked[0] and b"\r\nGET /en/report HTTP" in asked[1]
    assert asked[0].startswith(b"PROXY TCP6 fc00:dead:beef:4dad:")
    assert f"\r\nHost: {ONION}\r\n".encode() in asked[0]


def test_a_front_that_is_not_there_has_no_status(tmp_path: Path) -> None:
    assert front_status(tmp_path / "none", ONION) == 0


class Asked:
    """A control connection; *breaks*: whether it breaks off."""

    def __init__(self, *, circuits: str = "1", breaks: bool = False) -> None:
        self.closed, self._breaks = False, breaks
        self._said = {
            "version": "0.4.9.11 (git-1)",
            "status/bootstrap-phase": 'PROGRESS=100 TAG=done SUMMARY="Done"',
            "status/circuit-established": circuits,
        }

    def get_info(self, name: str) -> str:
        if self._breaks:
            raise ControllerError("broken")
        return self._said.get(name, TEXT)

    def msg(self, _: str) -> None:
        """See Answers."""

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("circuits", ["0", "1"])
def test_tor_says_its_version_its_phase_and_whether_it_has_circuits(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, circuits: str
) -> None:
    asked = Asked(circuits=circuits)
    monkeypatch.setattr(service_health, "connected", lambda _: asked)

    assert tor_state(tmp_path, ONION, seconds=1) == TorState(
        "0.4.9.11", Phase(100, "Done"), circuits == "1", Descriptor(5, 0, MADE)
    )
    assert asked.closed


def test_a_tor_that_breaks_off_is_a_sentence_and_let_go(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = Asked(breaks=True)
    monkeypatch.setattr(service_health, "connected", lambda _: asked)

    with pytest.raises(TorSilent, match="broke off at"):
        tor_state(tmp_path, ONION)
    assert asked.closed


def test_without_proof_of_work_a_descriptor_is_as_old_as_its_certificate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ends = datetime(2026, 11, 28, 18)  # as stem gives it
    inner = SimpleNamespace(introduction_points=[1, 2, 3])
    outer = SimpleNamespace(decrypt=lambda _: inner, signing_cert=SimpleNamespace(expiration=ends))
    monkeypatch.setattr(HiddenServiceDescriptorV3, "from_str", lambda *_, **__: outer)

    made = datetime(2026, 11, 26, 12, tzinfo=UTC)
    assert Descriptor.read("text", ONION) == Descriptor(3, None, made)
