"""The process that makes a locked worker's connections, started by a program in its place."""

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dropbox.front.vault_connector import VaultConnector

ROOT = Path(__file__).parents[2]
WORKER = """
import json, os, signal, socket, subprocess, sys, threading, time
from pathlib import Path
from dropbox.errors import CannotLockDown
from dropbox.front.vault_connector import ConnectorEnded, VaultConnector
from dropbox.lockdown import lacking
path = Path(sys.argv[1])
ended = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: ended.set())

def told_to_end():
    # In short waits: a signal that comes just before one is handled only behind it.
    return any(ended.wait(0.1) for _ in range(200))

def listening(queue=5):
    path.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen(queue)
    return server

def came(connector):
    try:
        with connector.connect() as one:
            return [one.family == socket.AF_UNIX, os.get_inheritable(one.fileno())]
    except OSError as why:
        return type(why).__name__

connector = VaultConnector(path, {"dumps", *lacking()})
connector.start()
connector.check()
child = connector._child
"""
EXCHANGE = """
descriptors = [os.readlink(one) for one in Path(f"/proc/{child}/fd").iterdir()]
with listening() as server, connector.connect() as one:
    there, _ = server.accept()
    with there:
        one.sendall(b"question")
        heard = there.recv(100).decode()
        there.sendall(b"answer")
        heard += one.recv(100).decode()
lines = Path(f"/proc/{child}/status").read_text().splitlines()
status = dict(line.split(":\\t", 1) for line in lines)
found = [came(connector)]
with listening():
    found.append(came(connector))
    os.kill(child, signal.SIGTERM)
    time.sleep(0.1)
    found.append(came(connector))
path.unlink()
found.append(came(connector))
connector.close()
print(json.dumps({
    "heard": heard,
    "descriptors": [one.partition(":")[0] for one in descriptors],
    "locks": [status["Seccomp"], status["NoNewPrivs"]],
    "found": found,
    "told to end": ended.is_set(),
    "left": Path(f"/proc/{child}").exists(),
}))
"""
FULL = """
with listening(0):
    full, held = [], []
    while len(full) < 3:
        try:
            held.append(connector.connect())
        except OSError as why:
            full.append(type(why).__name__)
    print(json.dumps([len(held) < 5, full]))
"""
KILLED = """
with listening():
    os.kill(child, signal.SIGKILL)
    noticed = told_to_end()
    print(json.dumps([noticed, came(connector), Path(f"/proc/{child}").exists()]))
"""
STOPPED = """
connector._channel.settimeout(0.2)
os.kill(child, signal.SIGSTOP)
found = came(connector)
print(json.dumps([found, told_to_end()]))
os.kill(child, signal.SIGKILL)
"""
ORPHAN = """
print(child, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
UNLOCKED = """
from dropbox import landlock
def none(rules):
    raise CannotLockDown("Landlock: none here.")
landlock.restrict = none
connector = VaultConnector(Path(sys.argv[1]), lacking())
connector.start()
try:
    connector.check()
except CannotLockDown as why:
    print(why)
"""


def run(program: str, path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WORKER + program, str(path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=60,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )


@pytest.fixture
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Unix socket paths are short.
    return tmp_path_factory.mktemp("u") / "s"


def test_connections_are_handed_over_and_go_to_whoever_listens_there_now(path: Path) -> None:
    done = run(EXCHANGE, path)
    assert done.returncode == 0, done.stderr

    usable, refused = [True, False], "ConnectionRefusedError"
    assert json.loads(done.stdout) == {
        "heard": "questionanswer",
        # Of all that the worker has open, its channel alone.
        "descriptors": ["socket"],
        "locks": ["2", "1"],
        # What stops a service is sent to all its processes, and this one goes on with the worker.
        "found": [refused, usable, usable, refused],
        "told to end": False,
        "left": False,
    }


def test_a_full_queue_is_no_connection_at_once(path: Path) -> None:
    done = run(FULL, path)

    assert json.loads(done.stdout) == [True, ["ConnectionRefusedError"] * 3], done.stderr


@pytest.mark.slow
def test_a_worker_whose_connector_is_killed_is_told_to_end(path: Path) -> None:
    done = run(KILLED, path)

    assert json.loads(done.stdout) == [True, "ConnectorEnded", False], done.stderr


@pytest.mark.slow
def test_a_connector_that_does_not_answer_is_none(path: Path) -> None:
    done = run(STOPPED, path)

    assert json.loads(done.stdout) == ["ConnectorEnded", True], done.stderr


@pytest.mark.slow
def test_a_connector_ends_with_its_worker(path: Path) -> None:
    done = run(ORPHAN, path)
    assert done.returncode == -signal.SIGKILL, done.stderr

    child = Path("/proc") / done.stdout.strip()
    deadline = time.monotonic() + 20
    while alive(child):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def alive(process: Path) -> bool:
    """Whether it runs: nobody may have asked yet how it ended."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.slow
def test_a_connector_that_cannot_be_locked_stops_the_start(path: Path) -> None:
    done = run(UNLOCKED, path)

    assert done.stdout.startswith("The front cannot be locked down, part landlock: Landlock: none")


def test_an_answer_without_a_descriptor_is_no_connection() -> None:
    """As when this worker has no descriptor left: the kernel then keeps the connection back."""
    ours, theirs = socket.socketpair()
    connector = VaultConnector(Path("/nowhere"))
    connector._channel = ours
    with ours, theirs:
        theirs.sendall(b"+")
        with pytest.raises(ConnectionRefusedError):
            connector.connect()
        assert theirs.recv(10) == b"?"
