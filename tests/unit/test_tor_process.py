"""What is asked of a tor process and its control socket, with stand-ins for both."""

import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from stem import ControllerError
from stem.connection import AuthenticationFailure

from onion import control
from onion.control import (
    NOT_STARTED,
    OLDEST_TOR,
    Phase,
    Tor,
    check_version,
    connected,
    has_proof_of_work,
    installed_version,
    phase_of,
)
from onion.errors import NotBootstrapped, NotPublished, TorMissing, TorStopped, TorTooOld

JOINING = 'NOTICE BOOTSTRAP PROGRESS=45 TAG=x SUMMARY="Asking for relays"'
JOINED = 'NOTICE BOOTSTRAP PROGRESS=100 TAG=done SUMMARY="Done"'
RELAYS = "r one\ns Fast\nr two\nw r \n"


class Child:
    """A process."""

    running, last_line, stopped, pid = True, "its last words", 0, 7
    patience = 0.0

    def stop(self, seconds: float) -> None:
        self.stopped += 1
        self.patience = seconds


class Controller:
    """A control connection that answers what it is made with; an error is raised."""

    def __init__(self, *said: str | Exception) -> None:
        self.said, self.closed = list(said), 0

    def get_info(self, name: str, default: str = "") -> str:
        if name == "ns/all":
            return RELAYS
        answer = self.said.pop(0) if len(self.said) > 1 else self.said[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self.closed += 1


def tor(*controllers: Controller) -> Any:
    """A tor that runs; each new connection is the next of *controllers*."""
    made: Any = Tor.__new__(Tor)
    made.name, made.phase, made.uploads = "visitor", NOT_STARTED, 0
    made._child, made._controller = Child(), None
    left = list(controllers)

    def connected() -> Controller:
        if not left:
            raise AuthenticationFailure("no cookie yet")
        return left.pop(0)

    made._connected = connected
    return made


def test_how_far_tor_has_got_is_read_from_what_it_says() -> None:
    said: Callable[[str], Any] = Controller
    assert phase_of(said(JOINING)) == Phase(45, "Asking for relays")
    assert phase_of(said("nothing")) is None


def test_a_control_socket_that_breaks_off_is_asked_anew_and_what_it_said_last_stays() -> None:
    first = Controller(JOINING, ControllerError("gone"))
    made = tor(first, Controller("nothing"), Controller(JOINED))
    assert made.refresh() == Phase(45, "Asking for relays")
    assert made.refresh() == Phase(45, "Asking for relays") and first.closed == 1
    assert made.refresh() == Phase(45, "Asking for relays")
    made._close_control()

    assert made.refresh() == Phase(100, "Done")
    assert tor().refresh() == NOT_STARTED


def test_a_tor_that_ended_by_itself_is_said_with_its_last_words() -> None:
    made = tor(Controller(JOINING))
    made.refresh()
    made._child.running = False

    with pytest.raises(TorStopped, match=r"visitor stopped .* at 45 %.* its last words"):
        made.refresh()


def test_each_phase_is_told_once_and_only_a_whole_network_is_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(control, "POLL_SECONDS", 0.0)
    told: list[str] = []
    almost = JOINING.replace("45", "99")
    made = tor(Controller(JOINING, JOINING, almost, JOINED))
    made.wait_bootstrapped(time.monotonic() + 60, told.append)

    assert told == ["visitor: 45 %, Asking for relays", "visitor: 99 %, Asking for relays"]
    with pytest.raises(NotBootstrapped, match="the last phase was 45 %"):
        tor(Controller(JOINING)).wait_bootstrapped(time.monotonic() - 1, told.append)


def test_uploads_alone_count_and_too_few_in_time_are_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(control, "POLL_SECONDS", 0.0)
    made = tor(Controller(JOINED))
    for action in ("UPLOAD", "UPLOADED", "FAILED"):
        made._count_upload(SimpleNamespace(action=action))
    assert made.uploads == 1
    made.wait_published(time.monotonic() - 1, copies=1)

    with pytest.raises(NotPublished, match="1 of 2 copies"):
        made.wait_published(time.monotonic() - 1, copies=2)


def test_relays_are_counted_and_without_a_connection_none_is_known() -> None:
    assert (tor(Controller(JOINED)).relays_known(), tor().relays_known()) == (2, 0)


def test_the_process_is_stopped_even_if_its_connection_cannot_be_closed() -> None:
    made = tor(Controller(JOINED))
    made.refresh()
    made._controller.close = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        made.stop()

    assert made._child.stopped == 1


def test_a_tor_that_does_not_end_in_five_seconds_is_killed() -> None:
    made = tor(Controller(JOINED))
    made.refresh()
    connection = made._controller
    made.stop()

    assert (made._child.patience, connection.closed, made._controller) == (5.0, 1, None)


class Clock:
    """A clock that goes on while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += 1.0


def test_it_is_asked_ten_times_a_second_and_to_the_last_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    joining, publishing = Clock(), Clock()
    monkeypatch.setattr(control, "time", joining)
    with pytest.raises(NotBootstrapped):
        tor(Controller(JOINING)).wait_bootstrapped(2.0, lambda _: None)
    monkeypatch.setattr(control, "time", publishing)
    with pytest.raises(NotPublished):
        tor(Controller(JOINED)).wait_published(2.0, copies=1)

    # At 0, 1 and 2 seconds; at 3 it is too late.
    assert joining.slept == publishing.slept == [0.1] * 3


def test_a_tor_is_started_with_its_torrc_alone_in_a_closed_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Any] = []

    def child(name: str, argv: list[str], **more: Any) -> Child:
        started.append((name, argv, more))
        return Child()

    monkeypatch.setattr(control, "Child", child)
    monkeypatch.setenv("PATH", "/somewhere")
    monkeypatch.setenv("SECRET", "x")
    data, file = tmp_path / "a" / "data", tmp_path / "a" / "data.torrc"
    for _ in range(2):
        made = Tor("service", "Torrc 中", data=data, control=tmp_path / "control", program="thetor")

    argv = ["thetor", "--defaults-torrc", "/dev/null", "-f", str(file)]
    environ = {"HOME": str(data), "PATH": "/somewhere"}
    assert started == [("service", argv, {"environ": environ, "cwd": data})] * 2
    assert file.read_text("utf-8") == "Torrc 中" and data.stat().st_mode & 0o777 == 0o700
    assert (made.pid, made.phase, made.uploads) == (7, Phase(0, NOT_STARTED.summary), 0)


def test_a_tor_that_is_not_there_is_said_when_it_is_started(tmp_path: Path) -> None:
    with pytest.raises(TorMissing):
        Tor("x", "", data=tmp_path / "d", control=tmp_path / "c", program=str(tmp_path / "none"))


def test_a_control_socket_is_connected_to_once_it_is_there_and_closed_if_it_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Controller(JOINED)
    refused: list[Exception] = [AuthenticationFailure("another cookie")]

    def authenticate() -> None:
        if refused:
            raise refused.pop()

    made.authenticate = authenticate  # type: ignore[attr-defined]
    monkeypatch.setattr("onion.control.Controller.from_socket_file", lambda _: made)
    path = tmp_path / "control"
    with pytest.raises(ControllerError):
        connected(path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        with pytest.raises(AuthenticationFailure):
            connected(path)
        assert made.closed == 1
        assert connected(path) is made and made.closed == 1


def test_each_connection_counts_uploads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[Any] = []
    made: Any = Tor.__new__(Tor)
    made._control_path = tmp_path / "control"
    stand_in = SimpleNamespace(add_event_listener=lambda *what: asked.append(what))

    def connect(path: Path) -> Any:
        asked.append(path)
        return stand_in

    monkeypatch.setattr(control, "connected", connect)

    assert made._connected() is stand_in
    assert asked == [tmp_path / "control", (made._count_upload, "HS_DESC")]


def test_a_tor_has_ten_seconds_to_say_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(argv: list[str], **more: Any) -> None:
        assert argv == ["tor", "--version"]
        raise subprocess.TimeoutExpired(argv, more["timeout"])

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(TorMissing, match="tor --version does not run") as raised:
        installed_version()
    cause = raised.value.__cause__
    assert isinstance(cause, subprocess.TimeoutExpired) and cause.timeout == 10.0


def test_only_a_tor_older_than_the_oldest_is_refused() -> None:
    check_version(OLDEST_TOR)
    check_version((0, 5, 0, 0))
    with pytest.raises(TorTooOld, match=r"is 0\.4\.9\.10; .* needs 0\.4\.9\.11"):
        check_version((0, 4, 9, 10))


@pytest.mark.parametrize(
    ("said", "version", "has"),
    [
        ("Tor version 0.4.9.11 (git-1).\npow: yes", (0, 4, 9, 11), True),
        ("Tor version 0.4.8.1.\npow: no\nnot-pow: yes", (0, 4, 8, 1), False),
    ],
)
def test_the_installed_tor_says_its_version_and_what_it_was_built_with(
    said: str, version: tuple[int, ...], has: bool, tmp_path: Path
) -> None:
    program = tmp_path / "tor"
    # Its exit code says nothing of that.
    program.write_text(f"#!/bin/sh\necho '{said}'\nexit 1\n")
    program.chmod(0o700)

    assert installed_version(str(program)) == version
    assert has_proof_of_work(str(program)) == has


@pytest.mark.parametrize("script", [None, "#!/bin/sh\necho hello\n", "#!/nowhere\n"])
def test_a_tor_that_is_missing_or_does_not_run_is_said(script: str | None, tmp_path: Path) -> None:
    program = tmp_path / "tor"
    if script:
        program.write_text(script)
        program.chmod(0o700)

    with pytest.raises(TorMissing):
        installed_version(str(program))
