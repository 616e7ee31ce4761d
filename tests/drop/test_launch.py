"""The two gunicorns of a drop, with stand-ins for the applications."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.other_user import open_folder, said_to_another

import onion.service
from dropbox.errors import CasedropError
from onion import launch
from onion.child_process import Child
from onion.errors import BadPath, DropStopped, OnionError, ReviewersMissing, SiteMissing
from onion.launch import Drop, check_site

ROOT = Path(launch.__file__).parent.parent
CIRCUIT = "fc00:dead:beef:4dad::0:42"
PROXY_LINE = f"PROXY TCP6 {CIRCUIT} ::1 66 80\r\n".encode()

STAND_IN = """
import json, os, socket, time

LOCKED = []

class OwnUser(dict):
    def get(self, name, none):
        return [os.getuid()]

# As the vault does: whose processes each socket answers.
admitted = OwnUser()

def lock_worker():
    LOCKED.append(os.getpid())

def close_worker():
    open(f"{__file__}.{os.getpid()}.closed", "x").close()

def facts(environ):
    connection = environ["gunicorn.socket"]
    # Asking os.umask would set it, and the next request would see what this one set.
    with open("/proc/self/status") as status:
        umask = next(line.split()[1] for line in status if line.startswith("Umask:"))
    return {
        "socket": connection.getsockname(),
        "address": environ.get("REMOTE_ADDR"),
        "locked": LOCKED == [os.getpid()],
        "silence": connection.gettimeout(),
        "received": len(environ["wsgi.input"].read()),
        "umask": int(umask, 8),
        "pid": os.getpid(),
    }

def app(environ, start_response):
    if environ["PATH_INFO"] == "/fail":
        raise ValueError("the claimant's words")
    body = json.dumps(facts(environ)).encode()
    size = ("Content-Length", str(len(body)))
    start_response("200 OK", [("Content-Type", "application/json"), size])
    return [body]
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A settings file, and beside it a package `dropbox` in place of the applications."""
    for room in ("front", "vault"):
        (tmp_path / "dropbox" / room).mkdir(parents=True)
        (tmp_path / "dropbox" / room / "__init__.py").touch()
        (tmp_path / "dropbox" / room / "wsgi.py").write_text(STAND_IN, "utf-8")
    (tmp_path / "dropbox" / "__init__.py").touch()
    settings = tmp_path / "settings.toml"
    settings.write_text(
        '[vault]\nintake_socket = "intake.sock"\ncourier_socket = "courier.sock"\n', "utf-8"
    )
    return settings


def environ(site: Path, more: str = "") -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "GUNICORN_CMD_ARGS": f"--pythonpath {site.parent} {more}",
    }


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def drop(site: Path, said: list[str]) -> Iterator[Drop]:
    with Drop(
        site, site.with_name("front.sock"), environ(site, "--timeout 2"), said.append
    ) as running:
        yield running


def ask(path: Path, request: bytes, *later: bytes, pause: float = 0.0) -> bytes:
    """The whole response until the server closes; *later* is sent piece by piece with pauses."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(str(path))
        client.sendall(request)
        for piece in later:
            time.sleep(pause)
            client.sendall(piece)
        answer = b""
        while data := client.recv(65536):
            answer += data
        return answer


def get(path: Path, where: str = "/", before: bytes = b"") -> bytes:
    return ask(
        path, before + f"GET {where} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    )


def facts(answer: bytes) -> dict[str, object]:
    found: dict[str, object] = json.loads(answer.partition(b"\r\n\r\n")[2])
    return found


def members(*groups: int) -> list[int]:
    """The running processes of these process groups."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, group = entry.read_text().rpartition(")")[2].split()[:3]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(group) in groups and state != "Z":
            found.append(int(entry.parent.name))
    return found


def wait_until(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def test_front_and_vault_answer_and_say_nothing_of_themselves(
    drop: Drop, site: Path, said: list[str]
) -> None:
    front, intake, courier = (
        site.with_name(f"{name}.sock") for name in ("front", "intake", "courier")
    )

    for path in (front, intake, courier):
        answer = get(path)
        headers = answer.partition(b"\r\n\r\n")[0].lower()
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"server:" not in headers and b"date:" not in headers and b"gunicorn" not in headers
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        # The vault tells its two sockets apart by this.
        assert facts(answer)["socket"] == str(path)
        # Nothing instead of gunicorn's own error page, which would quote the request.
        assert ask(path, b"what is this\r\n\r\n") == b""
        assert get(path, "/fail") == b""
    assert not any("claimant" in line or "what is this" in line or "/fail" in line for line in said)
    # What a room says is read by another thread.
    sentence = "A request ended in ValueError, number 1."
    assert wait_until(lambda: any(sentence in line for line in said))


def test_both_rooms_are_locked_by_their_application_and_close_to_others(
    drop: Drop, site: Path
) -> None:
    front, vault = (facts(get(site.with_name(name))) for name in ("front.sock", "intake.sock"))

    assert front["locked"] is vault["locked"] is True
    assert front["umask"] == vault["umask"] == 0o077


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 1100 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 2100 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(33)) + b"\r\n",
    ],
    ids=["long line", "long header", "many headers"],
)
def test_a_request_that_no_browser_sends_gets_a_closed_connection(
    head: bytes, drop: Drop, site: Path
) -> None:
    assert ask(site.with_name("front.sock"), PROXY_LINE + head) == b""
    assert facts(get(site.with_name("front.sock")))["received"] == 0


def test_front_and_vault_end_with_a_parent_that_was_killed(site: Path) -> None:
    program = f"""
import time
from pathlib import Path
from onion.launch import Drop
drop = Drop(Path({str(site)!r}), Path({str(site.with_name("front.sock"))!r}), {environ(site)!r})
drop.start()
print(drop.front_pid, drop.vault_pid, flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, text=True, stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    groups = [int(number) for number in parent.stdout.readline().split()]
    assert members(*groups) != []

    parent.kill()
    parent.communicate()

    assert wait_until(lambda: members(*groups) == [])


@pytest.mark.parametrize("when_told", ["", "stop_on_early_sigterm()"])
def test_a_worker_that_is_told_to_end_in_its_first_moment_ends(when_told: str) -> None:
    """Otherwise the worker has its master's handler, and keeps running."""
    program = f"""
import os, signal, time
from onion.gunicorn_hardening import stop_on_early_sigterm
{when_told}
signal.signal(signal.SIGTERM, lambda *_: None)
workers = []
for _ in range(20):
    worker = os.fork()
    if not worker:
        time.sleep(0.5)
        os._exit(0)
    os.kill(worker, signal.SIGTERM)
    workers.append(worker)
print(sum(os.WIFSIGNALED(os.waitpid(worker, 0)[1]) for worker in workers))
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, text=True, capture_output=True, check=True
    )

    assert int(ended.stdout) == 20 if when_told else int(ended.stdout) < 20


def test_the_front_knows_the_circuit_of_its_only_request_on_a_connection(
    drop: Drop, site: Path
) -> None:
    request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = ask(site.with_name("front.sock"), PROXY_LINE + request + request)

    assert facts(answer)["address"] == CIRCUIT
    assert answer.count(b"HTTP/1.1 200") == 1
    assert b"\r\nConnection: close\r\n" in answer


def test_the_vault_keeps_a_connection_for_the_next_request(drop: Drop, site: Path) -> None:
    request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    last = request.replace(b"Host", b"Connection: close\r\nHost")
    answer = ask(site.with_name("intake.sock"), request, last, pause=0.2)

    assert answer.count(b"HTTP/1.1 200") == 2


def test_an_upload_may_take_longer_than_the_worker_timeout(drop: Drop, site: Path) -> None:
    """The fixture's timeout is 2 s; the body takes 4 s and the same worker answers."""
    front = site.with_name("front.sock")
    # The worker gets a thread for it with the third piece: see onion.request_arrival.
    body = [b"x" * 50_000] * 6
    head = PROXY_LINE + b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n"

    told = facts(ask(front, head, *body, pause=0.75))

    assert told["received"] == 300_000
    # Its thread waits for what arrives and never for the socket itself.
    assert told["silence"] == 0
    assert told["pid"] in members(drop.front_pid)


def test_a_killed_vault_can_be_started_again_beside_the_same_front(drop: Drop, site: Path) -> None:
    front_pid, vault_pid = drop.front_pid, drop.vault_pid
    drop.kill_vault()

    assert not drop.running
    # A worker that waits for the disk ends a moment after its signal.
    assert wait_until(lambda: members(vault_pid) == [])
    assert not launch.answers(site.with_name("intake.sock"))
    assert launch.answers(site.with_name("front.sock"))

    drop.start_vault()

    assert drop.running and drop.front_pid == front_pid and drop.vault_pid != vault_pid
    assert launch.answers(site.with_name("courier.sock"))


def test_nothing_is_left_after_the_stop(site: Path) -> None:
    with Drop(site, site.with_name("front.sock"), environ(site)) as drop:
        groups = drop.front_pid, drop.vault_pid
        assert wait_until(
            lambda: len(members(*groups)) == 5
        )  # two masters, two front workers, one vault worker
        started = time.monotonic()

    assert members(*groups) == []
    assert time.monotonic() - started < 5
    assert not site.with_name("front.sock").exists()


def test_a_vault_that_is_stopped_closes_its_store_and_a_killed_one_does_not(site: Path) -> None:
    def closed(room: str) -> int:
        return len(list((site.parent / "dropbox" / room).glob("wsgi.py.*.closed")))

    with Drop(site, site.with_name("front.sock"), environ(site)) as drop:
        drop.kill_vault()
        assert closed("vault") == 0
        drop.start_vault()

    # Each worker once, and the front's two have connectors to end.
    assert (closed("vault"), closed("front")) == (1, 2)


def test_a_vaults_worker_ends_with_a_master_that_was_killed_whatever_it_does(site: Path) -> None:
    """Otherwise it holds the file, which the next vault needs, until its requests are answered."""
    application = site.parent / "dropbox" / "vault" / "wsgi.py"
    with Drop(site, site.with_name("front.sock"), environ(site)) as drop:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(site.with_name("intake.sock")))
            client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf")
            time.sleep(0.5)
            before = drop.vault_pid
            os.kill(before, signal.SIGKILL)
            assert wait_until(lambda: members(before) == [])
        # While it loads the application, too: longer than is waited for here.
        application.write_text("import time; time.sleep(60)", "utf-8")
        booting = Child("vault", vault_command(), environ=vault_environ(site), cwd=ROOT)
        assert wait_until(lambda: len(members(booting.pid)) == 2)
        os.kill(booting.pid, signal.SIGKILL)
        assert wait_until(lambda: members(booting.pid) == [])
        booting.stop(1)


def vault_command() -> list[str]:
    return [sys.executable, "-m", "gunicorn", "-c", str(ROOT / "onion" / "gunicorn_vault.py")]


def vault_environ(site: Path) -> dict[str, str]:
    return {**environ(site), "CASEDROP_SETTINGS": str(site)}


class Broken(Exception):
    """Interrupts a stop."""


@pytest.mark.parametrize("breaks", [False, True])
def test_the_front_ends_before_the_vault_that_it_may_still_need(
    breaks: bool, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if the front's stop is interrupted, as by a second Ctrl-C, the vault is stopped."""
    drop = Drop(site, site.with_name("front.sock"), environ(site))
    stopped: list[tuple[str, bool]] = []
    stop = Child.stop

    def noted(child: Child, seconds: float) -> bool:
        stopped.append((child.name, launch.answers(site.with_name("intake.sock"))))
        ended = stop(child, seconds)
        if breaks and child.name == "front":
            raise Broken
        return ended

    monkeypatch.setattr(Child, "stop", noted)
    drop.start()
    with pytest.raises(Broken) if breaks else nullcontext():
        drop.stop()

    assert stopped == [("front", True), ("vault", True)]
    assert members(drop.front_pid, drop.vault_pid) == []


@pytest.mark.parametrize("room", ["front", "vault"])
def test_an_application_that_cannot_start_is_reported_with_its_sentence(
    room: str, site: Path
) -> None:
    wsgi = site.parent / "dropbox" / room / "wsgi.py"
    wsgi.write_text('raise RuntimeError("The setting [site] salt is missing.")\n', "utf-8")
    drop = Drop(site, site.with_name("front.sock"), environ(site))

    with pytest.raises(
        DropStopped, match=rf"The {room} stopped while starting: .*\[site\] salt is missing"
    ):
        drop.start()

    assert not drop.running
    assert wait_until(lambda: members(drop.front_pid, drop.vault_pid) == [])


@pytest.mark.parametrize("last_day", ["2020-01-01", "2999-01-01", "nonsense"])
def test_once_the_reviewers_keys_have_ended_the_vault_goes_on_without_a_front(
    last_day: str, site: Path
) -> None:
    for room, line, instead in (
        ("front", "import json", 'raise RuntimeError("The key has expired.")\nimport json'),
        ("vault", "json.dumps(facts(environ))", f'json.dumps({{"keys_end": "{last_day}"}})'),
    ):
        wsgi = site.parent / "dropbox" / room / "wsgi.py"
        wsgi.write_text(STAND_IN.replace(line, instead), "utf-8")
    drop = Drop(site, site.with_name("front.sock"), environ(site), vault_alone=True)

    refused = pytest.raises(DropStopped, match="The key has expired")
    with nullcontext() if last_day == "2020-01-01" else refused, drop:
        assert drop.running and "The key has expired." in drop.front_refusal
        assert launch.answers(site.with_name("courier.sock"))
        assert not launch.answers(site.with_name("front.sock"))
        drop.kill_vault()
        assert not drop.running

    assert wait_until(lambda: members(drop.front_pid, drop.vault_pid) == [])


@pytest.mark.parametrize("installed", [False, True])
def test_the_command_that_the_missing_settings_name_makes_them(
    installed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "my drop" / "settings.toml"
    environ = {**os.environ, "PYTHONPATH": str(Path(launch.__file__).parents[1])}
    programs = {"python": f'#!/bin/sh\nexec {sys.executable} "$@"\n'}
    if installed:
        programs["casedrop"] = f"#!{sys.executable}\nfrom scripts.casedrop import main\nmain()\n"
    (tmp_path / "bin").mkdir()
    for name, script in programs.items():
        (tmp_path / "bin" / name).write_text(script, "utf-8")
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    with pytest.raises(SiteMissing) as missing:
        check_site(settings, ONION, {})
    command = str(missing.value).partition(" with: ")[2]

    subprocess.run(command, shell=True, check=True, cwd=tmp_path, env=environ)

    assert ("bin/casedrop newsite" in command) == installed
    assert f'onion = "{ONION}"' in settings.read_text("utf-8")


def test_settings_without_the_vaults_sockets_are_refused(site: Path) -> None:
    site.write_text("[vault]\nintake_socket = 'a.sock'\n", "utf-8")
    with pytest.raises(SiteMissing, match=r"\[vault\] courier_socket is missing"):
        Drop(site, site.with_name("front.sock"), {})

    site.write_text("[vault\n", "utf-8")
    with pytest.raises(SiteMissing, match="cannot be read"):
        Drop(site, site.with_name("front.sock"), {})

    with pytest.raises(SiteMissing, match="does not exist"):
        Drop(site.with_name("none.toml"), site.with_name("front.sock"), {})


def test_settings_and_sockets_that_the_system_refuses_are_sentences(site: Path) -> None:
    with open_folder() as folder:
        settings = Path(shutil.copy(site, folder))
        settings.chmod(0o644)

        def start() -> None:
            try:
                Drop(settings, folder / "front.sock", {}).start()
            except OnionError as why:
                raise CasedropError(str(why)) from None

        folder.chmod(0o555)
        said = said_to_another(start)
        assert said.startswith(f"No socket can be made in {folder}: Permission denied to the user ")
        settings.chmod(0)
        said = said_to_another(start)
        assert said.startswith(f"The settings file cannot be read: {settings}: Permission denied ")

    with pytest.raises(BadPath, match=r"/none: No such file or directory\."):
        Drop(site, site.parent / "none" / "front.sock", {}).start()


def test_a_socket_path_that_is_too_long_is_refused(site: Path) -> None:
    with pytest.raises(BadPath, match="path can have 107 bytes"):
        Drop(site, site.with_name("f" * 107), {})


ONION = "a" * 56 + ".onion"


def test_a_site_is_complete_with_its_address_and_pinned_keys(tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    with pytest.raises(SiteMissing, match=f"There are no settings yet: .*newsite --onion {ONION}"):
        check_site(settings, ONION, {})

    settings.write_text(f'[site]\nonion = "{"b" * 56}.onion"\n', "utf-8")
    with pytest.raises(SiteMissing, match=f"for another address: .* has to be {ONION}"):
        check_site(settings, ONION, {})

    settings.write_text(f'[site]\nonion = "{ONION}"\nkeys = "public"\n', "utf-8")
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "one.asc").touch()
    with pytest.raises(
        ReviewersMissing,
        match=r"No reviewers' public keys are pinned in .*/public: .*casedrop-ceremony",
    ):
        check_site(settings, ONION, {})

    (tmp_path / "public" / "FINGERPRINTS").touch()
    check_site(settings, ONION, {})

    # As in the application, the environment overrides the file.
    with pytest.raises(SiteMissing, match="for another address"):
        check_site(settings, ONION, {"CASEDROP_SITE_ONION": f"{'c' * 56}.onion"})
    with pytest.raises(ReviewersMissing, match="/none"):
        check_site(settings, ONION, {"CASEDROP_SITE_KEYS": "none"})


@dataclass
class Day:
    """A drop, a tor and a clock that run for *hours* and then end."""

    hours: float
    now: float = 5_000.0

    @property
    def running(self) -> bool:
        return self.now < 5_000 + self.hours * 3_600

    def refresh(self) -> None:
        pass

    def notice(self) -> str:
        return "The keys end."

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += 600 * seconds


@pytest.mark.parametrize(("hours", "times"), [(0.1, 1), (23.9, 1), (24.1, 2), (71.9, 3), (72.1, 4)])
def test_the_operator_is_told_of_the_keys_at_the_start_and_once_a_day(
    hours: float, times: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    day = Day(hours)
    monkeypatch.setattr(onion.service, "time", day)

    with pytest.raises(DropStopped):
        onion.service._watch(day, day)  # type: ignore[arg-type]

    assert capsys.readouterr().err == "The keys end.\n" * times


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"notice": "The keys end."}', "The keys end."),
        (b'{"notice": "a\\nb"}', ""),
        (b'{"notice": 7}', ""),
        (b"[]", ""),
        (b"no JSON", ""),
        (b"", ""),
    ],
)
def test_a_notice_is_one_line_or_nothing(body: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        answering = threading.Thread(
            target=lambda: answer_once(listener, b"HTTP/1.0 200 OK\r\n\r\n" + body)
        )
        answering.start()
        assert launch.notice(path) == said
        answering.join()
    assert launch.notice(tmp_path / "nobody") == ""


def answer_once(listener: socket.socket, data: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(4_096)
        connection.sendall(data)


def up(tmp_path: Path, tor: str | None) -> subprocess.Popen[str]:
    """Run `python -m onion up` with the shell script *tor* as tor, or without any."""
    programs = tmp_path / "bin"
    programs.mkdir(exist_ok=True)
    if tor is not None:
        (programs / "tor").write_text(f"#!/bin/sh\n{tor}\n", "utf-8")
        (programs / "tor").chmod(0o755)
    argv = [sys.executable, "-m", "onion", "up", "--as-root", "--state", str(tmp_path / "state")]
    return subprocess.Popen(
        argv,
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PATH": f"{programs}:/nowhere"},
    )


def a_tor_that(does: str) -> str:
    version = "--version) echo 'Tor version 0.4.9.11.';;"
    return f"case $1 in {version} --list-modules) echo 'pow: yes';; *) {does};; esac"


@pytest.mark.parametrize(
    ("tor", "sentence"),
    [
        (None, "tor is not installed; on Debian: apt install tor."),
        (
            "echo 'Tor version 0.4.8.10.'",
            "The installed tor is 0.4.8.10; a public onion service needs 0.4.9.11 or newer",
        ),
        ("echo nothing", "tor --version shows no version; reinstall tor."),
        (a_tor_that("echo '[err] no'; exit 1"), "Its last output: [err] no"),
    ],
)
def test_up_says_one_sentence_when_tor_cannot_serve(
    tor: str | None, sentence: str, tmp_path: Path
) -> None:
    running = up(tmp_path, tor)
    _, said = running.communicate(timeout=30)

    assert running.returncode == 2
    assert sentence in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_up_ends_in_order_when_asked_to(number: signal.Signals, tmp_path: Path) -> None:
    tor_pid = tmp_path / "pid"
    # Under nohup these tests inherit a SIGHUP that is ignored, and would pass that on.
    before = signal.signal(number, signal.SIG_DFL)
    try:
        running = up(tmp_path, a_tor_that(f"echo $$ > {tor_pid}; exec /bin/sleep 60"))
    finally:
        signal.signal(number, before)
    assert wait_until(lambda: tor_pid.exists() and tor_pid.read_text() != "")
    assert running.stdout is not None
    first = running.stdout.readline()

    running.send_signal(number)
    told, said = running.communicate(timeout=30)

    assert (running.returncode, said) == (0, "")
    assert [first, told] == ["Joining the Tor network.\n", "Stopped.\n"]
    assert members(int(tor_pid.read_text())) == []


def test_a_second_start_with_the_same_state_is_refused_and_removes_nothing(tmp_path: Path) -> None:
    tor_pid = tmp_path / "pid"
    tor = a_tor_that(f"echo $$ > {tor_pid}; exec /bin/sleep 60")
    first = up(tmp_path, tor)
    try:
        assert wait_until(lambda: tor_pid.exists() and tor_pid.read_text() != "")
        for name in ("front.sock", "intake.sock", "courier.sock"):
            (tmp_path / "state" / name).touch()
        kept = files_of(tmp_path / "state")

        second = up(tmp_path, tor)
        told, said = second.communicate(timeout=30)

        assert (second.returncode, told) == (2, "")
        assert said.startswith("Another `casedrop up` already serves from ")
        assert len(said.splitlines()) == 1
        assert files_of(tmp_path / "state") == kept
        assert members(int(tor_pid.read_text())) != []
    finally:
        first.terminate()
        first.communicate(timeout=30)


def files_of(directory: Path) -> dict[str, tuple[int, int]]:
    """Each file's inode and time of change."""
    return {
        str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in directory.rglob("*")
    }
