"""Trying both rooms from inside, in gunicorn workers as in production, beside unlocked ones."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from support import refused_calls
from support.desk_side import Desk, courier_of
from support.front import ONION
from support.lacking import CALLS
from support.processes import children
from support.rooms import TESTS, serving, socket_of, started, wait
from support.waived import WAIVED

from dropbox.lockdown import PARTS
from onion.errors import DropStopped
from onion.launch import Drop
from scripts.newsite import Site, make_site
from scripts.rehearsal.claimant import Browser, File

DENIALS = {"EPERM", "EACCES", "EFBIG", "EROFS"}
# If the tests do not run as root, an unlocked worker may be denied these too; then they prove
# nothing.
PRIVILEGED = {
    "write to /run", "attach to another process", "read another process's memory",
    "enter another namespace", "start in another namespace", "change the root", "mount",
    "watch the kernel", "load a program into the kernel", "read its own memory",
}  # fmt: skip


@pytest.fixture
def site(tmp_path: Path, keys_dir: Path) -> Site:
    return make_site(tmp_path / "site", onion=ONION, keys=keys_dir)


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """A folder with a file, a listening socket, and one that takes datagrams."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "file").write_text("file", "utf-8")
    with (
        socket.socket(socket.AF_UNIX) as server,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as service,
    ):
        server.bind(str(folder / "socket"))
        server.listen()
        service.bind(str(folder / "datagrams"))
        yield folder


def tried(
    site: Site, outside: Path, room: str, waived: str = " ".join(WAIVED)
) -> dict[str, dict[str, Any]]:
    """The results of everything that tests/support/denied.py tries in a worker of *room*."""
    inside = site.settings_file.parent / "vault"
    (inside / "file").write_text("file", "utf-8")
    served = socket_of(site, room)
    # Where no vault runs, somebody listens in its place.
    sockets = ("intake.sock", "courier.sock") if room == "front" else ()
    with abstract_socket() as name, ExitStack() as open_sockets:
        for path in sockets:
            server = open_sockets.enter_context(socket.socket(socket.AF_UNIX))
            server.bind(str(site.settings_file.parent / path))
            open_sockets.callback((site.settings_file.parent / path).unlink)
            server.listen()
        told = {"ROOM": room, "OUTSIDE": str(outside), "INSIDE": str(inside), "ABSTRACT": name}
        environ = {
            "CASEDROP_LOCKDOWN_WAIVED": waived,
            **{f"DENIED_{key}": value for key, value in told.items()},
        }
        with serving(started(site, room, environ, application=("support.denied:app",)), served):
            return answer(served)


def answer(path: Path) -> dict[str, dict[str, Any]]:
    with socket.socket(socket.AF_UNIX) as client:
        # A thousand calls, some of them slow in an unlocked process, on a busy machine.
        client.settimeout(240)
        client.connect(str(path))
        client.sendall(b"GET /denied HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        with closing(client.makefile("rb")) as stream:
            found: dict[str, dict[str, Any]] = json.loads(stream.read().partition(b"\r\n\r\n")[2])
    return found


@contextmanager
def abstract_socket() -> Iterator[str]:
    """The name of a socket that is not in the file system."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("")
        server.listen()
        yield server.getsockname()[1:].decode()


@pytest.mark.parametrize("room", ["front", "vault"])
def test_a_locked_worker_can_write_execute_connect_and_attach_nowhere(
    room: str, site: Site, outside: Path
) -> None:
    locked = tried(site, outside, room)
    free = tried(site, outside, room, " ".join(PARTS))

    assert {way: came for way, came in locked["tried"].items() if came not in DENIALS} == {}
    # The control: an unlocked worker can do each of these, or is refused for another reason.
    same = {way for way, came in free["tried"].items() if came == locked["tried"][way]}
    assert same - (PRIVILEGED if os.geteuid() else set()) == set()
    assert set(locked["needed"].values()) == {"done"}
    expected = refused_calls.refused(writing=room == "vault", executing=room == "front")
    assert {call: locked["calls"][call] for call in expected} == expected
    # The control, for each call; the kernel refuses some to ordinary users anyway, see
    # tests/unit/test_seccomp.py.
    refused_anyway = {call for call, how in expected.items() if free["calls"][call] == how}
    assert refused_anyway == set() or os.geteuid()
    # And every other number that the room does not need, some hundred of which this kernel has.
    assert set(locked["numbers"].values()) <= {"EPERM", "ENOSYS"} and len(locked["numbers"]) > 400
    free_numbers = [how for how in free["numbers"].values() if how not in ("EPERM", "ENOSYS")]
    assert len(free_numbers) > 100
    unlimited = [resource.RLIM_INFINITY] * 2
    assert locked["state"] == {
        "dumpable": 0,
        "seccomp": 2,
        "no new privileges": 1,
        "core dump": [0, 0],
        "file": unlimited if room == "vault" else [0, 0],
    }
    assert [free["state"][name] for name in ("dumpable", "seccomp", "file")] == [1, 0, unlimited]
    print(
        room,
        json.dumps(
            {
                way: f"{came} (unlocked: {free['tried'][way]})"
                for way, came in locked["tried"].items()
            }
        ),
    )


def locks(worker: int) -> list[tuple[str, str]]:
    """(no new privileges, seccomp) of each thread of a process, as the kernel says."""
    found = []
    for task in Path(f"/proc/{worker}/task").iterdir():
        lines = (task / "status").read_text("ascii").splitlines()
        state = dict(line.split(":\t", 1) for line in lines)
        found.append((state["NoNewPrivs"], state["Seccomp"]))
    return found


def test_in_a_locked_drop_all_threads_are_locked_and_do_their_work(
    site: Site, reviewer_homes: list[Path], tmp_path: Path
) -> None:
    """Ticks store and delete, the tombstones' thread has kept a key, and exports are made."""
    desk = Desk.create(site, tmp_path / "casebook", reviewer_homes[0])
    with (
        Drop(site.settings_file, site.front_socket, os.environ) as drop,
        Browser(ONION, transport=httpx.HTTPTransport(uds=str(site.front_socket))) as browser,
    ):
        page = browser.get("/en/report")
        photo = File("photo.jpg", "image/jpeg", os.urandom(150_000))
        done = browser.send(page.form(), {"category": "c1", "text": "text"}, files=[photo])
        assert done.status == 200
        first = desk.carry(tmp_path)
        inbox = browser.get("/en/inbox").form()
        case = browser.send(inbox, {"codename": page.codename()})
        assert browser.send(case.form(), {}, button=("act", "withdraw")).status == 200
        second = desk.carry(tmp_path)
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(courier_of(site)))) as courier:
            status = courier.get("http://vault/status").json()
        found = {pid: locks(pid) for pid in children(drop.vault_pid) + children(drop.front_pid)}
        (vault,) = children(drop.vault_pid)

    assert (first.opened.parts, first.opened.files, first.opened.unopened) == (1, 1, ())
    # Each block that is gone has a tombstone that the desk has opened: else it would be a finding.
    assert (second.opened.parts, second.findings, second.opened.unopened) == (1, (), ())
    assert (status["trouble"], status["tombstones"]) == (None, "")
    assert {lock for threads in found.values() for lock in threads} == {("1", "2")}
    # The main thread, that of the ticks and that of the tombstones at least.
    assert len(found[vault]) >= 3 and all(len(threads) >= 2 for threads in found.values())


def connectors(front: int) -> dict[int, list[int]]:
    """The processes that each of the front's workers has started."""
    return {worker: children(worker) for worker in children(front)}


def test_filing_goes_on_after_the_vault_or_what_connects_to_it_was_killed(site: Site) -> None:
    with (
        Drop(site.settings_file, site.front_socket, os.environ) as drop,
        Browser(ONION, transport=httpx.HTTPTransport(uds=str(site.front_socket))) as browser,
    ):

        def filed() -> bool:
            form = browser.get("/en/report").form()
            return browser.send(form, {"category": "c1", "text": "text"}).status == 200

        assert filed()
        first = connectors(drop.front_pid)
        drop.kill_vault()
        drop.start_vault()
        after_the_vault = filed()
        # A worker may have been recycled meanwhile.
        wait(lambda: all(len(own) == 1 for own in connectors(drop.front_pid).values()))
        second = connectors(drop.front_pid)
        for (connector,) in second.values():
            os.kill(connector, signal.SIGKILL)
        # gunicorn starts other workers, without anybody's request.
        wait(lambda: len(third := connectors(drop.front_pid)) == 2 and not {*second} & {*third})
        wait(lambda: all(len(own) == 1 for own in connectors(drop.front_pid).values()))
        after_the_connectors = filed()

    assert (after_the_vault, after_the_connectors) == (True, True)
    # One for each worker.
    assert [len(own) for own in (*first.values(), *second.values())] == [1] * 4


@pytest.mark.parametrize("part", CALLS)
@pytest.mark.parametrize("room", ["front", "vault"])
def test_a_kernel_that_lacks_a_part_stops_the_start_and_a_waiver_is_told_at_every_start(
    room: str, part: str, site: Site, outside: Path
) -> None:
    served = socket_of(site, room)
    if (room, part) == ("vault", "limits"):
        return  # the vault writes a file
    lacking = (sys.executable, str(TESTS / "support" / "lacking.py"), part)
    refused = started(site, room, through=lacking)
    wait(lambda: not refused.running)
    assert any(
        f"The {room} cannot be locked down, part {part}: " in line for line in refused.last_lines
    ), refused.last_lines

    # Unless privileges are given up, the kernel accepts no filter, and Landlock only from root.
    parts = [part, "landlock", "seccomp"] if part == "privileges" else [part]
    # This machine is no server.
    parts += WAIVED
    waived = {"CASEDROP_LOCKDOWN_WAIVED": " ".join(parts)}
    with serving(started(site, room, waived, through=lacking), served) as waiving:
        assert waiving.last_lines == [
            f"The lockdown of the {room} is incomplete: the settings waive {one}."
            for one in PARTS
            if one in parts
        ]


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"PYTHONMALLOC": "pymalloc"}, "PYTHONMALLOC has to be malloc"),
        ({"MALLOC_PERTURB_": "0"}, "MALLOC_PERTURB_ has to be 165"),
        ({"GLIBC_TUNABLES": ""}, "glibc.malloc.tcache_count=0"),
    ],
)
def test_a_front_whose_memory_is_not_overwritten_does_not_start(
    environ: dict[str, str], sentence: str, site: Site
) -> None:
    with (
        pytest.raises(DropStopped) as refusal,
        Drop(site.settings_file, site.front_socket, {**os.environ, **environ}),
    ):
        pass

    assert "cannot be locked down, part allocator: " in str(refusal.value) and sentence in str(
        refusal.value
    )


STRANGER = """
import os, socket, sys
os.chdir(sys.argv[1])
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
for name in ("intake.sock", "courier.sock"):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(name)
        try:
            client.sendall(b"GET /status HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n")
            print(name, client.recv(12)[9:].decode() or "closed")
        except (ConnectionResetError, BrokenPipeError):
            print(name, "closed")
"""


def test_the_vaults_sockets_are_closed_to_other_users_and_open_to_those_named(site: Site) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can be another user")
    folder = site.settings_file.parent
    said: list[str] = []

    def came(named: str) -> list[str]:
        environ = {"CASEDROP_VAULT_FRONT_USER": named, "CASEDROP_VAULT_COURIER_USERS": named}
        served = socket_of(site, "vault")
        with serving(started(site, "vault", environ, log=said.append), served):
            # As if somebody had been given the wrong group.
            for path in (folder, served, folder / "courier.sock"):
                path.chmod(0o777)
            command = (sys.executable, "-c", STRANGER, str(folder))
            done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        return done.stdout.splitlines()

    assert came("daemon") == ["intake.sock closed", "courier.sock closed"]
    # The control: 404 says that the request was read.
    assert came("nobody") == ["intake.sock 404", "courier.sock 200"]
    refusals = [line for line in said if line.endswith("refuses processes of the user 65534.")]
    assert len(refusals) == 2


def test_only_known_parts_can_be_waived(site: Site) -> None:
    waived = {"CASEDROP_LOCKDOWN_WAIVED": "access everything"}
    with (
        pytest.raises(DropStopped) as refusal,
        Drop(site.settings_file, site.front_socket, {**os.environ, **waived}),
    ):
        pass

    assert "[lockdown] waived" in str(refusal.value) and "landlock, seccomp" in str(refusal.value)
