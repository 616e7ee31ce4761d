"""What SIGHUP does to a room's master, and what `casedrop reload` says."""

import errno
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn import arbiter
from support.stopped_drop import ONION

from dropbox.next_address import NextAddress
from dropbox.vault import reload_check
from onion import service_health
from onion.sighup import _checked, rebuild_application, reload_on_hangup
from scripts import casedrop
from scripts.newsite import make_site
from scripts.operator import check, reload


class Master:
    """What of gunicorn's arbiter is used."""

    def __init__(self, workers: int) -> None:
        self.num_workers = workers
        self.WORKERS = dict.fromkeys(range(1, workers + 1))
        self.killed: list[tuple[int, int]] = []
        self.managed = 0

    def spawn_worker(self) -> None:
        self.WORKERS[max(self.WORKERS, default=0) + 1] = None

    def kill_worker(self, pid: int, number: int) -> None:
        self.killed.append((pid, number))


@pytest.fixture(autouse=True)
def own_arbiter(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """gunicorn's own methods are there again afterwards."""

    def manage(server: Master) -> None:
        server.managed += 1

    monkeypatch.setattr(arbiter.Arbiter, "handle_hup", None)
    monkeypatch.setattr(arbiter.Arbiter, "manage_workers", manage)
    yield


def hang_up(server: Master) -> None:
    handle: Callable[[Any], None] = arbiter.Arbiter.handle_hup
    handle(server)


def manage(server: Master) -> None:
    handle: Callable[[Any], None] = arbiter.Arbiter.manage_workers
    handle(server)


def test_new_workers_take_over_before_the_old_ones_are_told_to_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    reload_on_hangup(lambda _: "")
    server = Master(2)
    hang_up(server)

    assert list(server.WORKERS) == [1, 2, 3, 4]
    assert server.killed == [(1, signal.SIGTERM), (2, signal.SIGTERM)]
    assert "Reloaded" in capsys.readouterr().err
    # A new one ends while an old one still serves an upload: another takes its place.
    del server.WORKERS[1], server.WORKERS[3]
    manage(server)
    assert list(server.WORKERS) == [2, 4, 5] and server.managed == 0
    manage(server)
    assert list(server.WORKERS) == [2, 4, 5]
    # All old ones have ended: gunicorn goes on as ever.
    del server.WORKERS[2]
    manage(server)
    assert server.managed == 1


def test_a_second_reload_does_not_forget_who_still_ends() -> None:
    reload_on_hangup(lambda _: "")
    server = Master(2)
    hang_up(server)
    hang_up(server)
    manage(server)

    assert list(server.WORKERS) == [1, 2, 3, 4, 5, 6] and server.managed == 0


def test_what_is_wrong_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    reload_on_hangup(lambda _: "No key is pinned.")
    server = Master(2)
    hang_up(server)

    assert list(server.WORKERS) == [1, 2] and server.killed == []
    assert "all goes on as before: No key is pinned." in capsys.readouterr().err


def test_the_only_worker_ends_before_the_next_begins() -> None:
    reload_on_hangup(lambda _: "", one_at_a_time=True)
    server = Master(1)
    hang_up(server)
    manage(server)
    assert list(server.WORKERS) == [1] and server.killed == [(1, signal.SIGTERM)]
    server.WORKERS.clear()
    manage(server)
    assert server.managed == 1


def test_the_application_is_taken_only_if_it_could_be_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = SimpleNamespace(app="old", reload_application=lambda: "Wrong.")
    monkeypatch.setitem(sys.modules, "some_room", module)
    server = SimpleNamespace(
        cfg=SimpleNamespace(wsgi_app="some_room:app"), app=SimpleNamespace(callable="old")
    )
    assert rebuild_application(server) == "Wrong." and server.app.callable == "old"
    module.reload_application, module.app = lambda: "", "new"
    assert rebuild_application(server) == "" and server.app.callable == "new"


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["sh", "-c", "echo checked"], ""),
        (["sh", "-c", "echo A line.; echo Wrong. >&2"], "Wrong."),
        (["true"], "the check ended without a word."),
        (["/nowhere"], "the check does not run (FileNotFoundError)."),
    ],
)
def test_a_check_counts_only_if_it_says_so(command: list[str], sentence: str) -> None:
    assert _checked(command) == sentence


# --- The command ---


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Whom the command signals."""
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr("os.kill", lambda pid, number: sent.append((pid, number)))
    return sent


def run(tmp_path: Path, keys: Path) -> int:
    settings = make_site(tmp_path / "site", onion=ONION, keys=keys).settings_file
    return casedrop.main(["reload", "--settings", str(settings)])


def test_what_the_system_refuses_to_the_vaults_check_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The last line of a traceback would be what the reload says."""
    monkeypatch.setenv("CASEDROP_SETTINGS", str(tmp_path / "settings.toml"))

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path))

    monkeypatch.setattr("dropbox.settings.Settings.load", lambda _: None)
    monkeypatch.setattr(reload_check, "check", refuse)

    assert reload_check.main() == 2
    said = capsys.readouterr().err
    assert said.startswith(f"{tmp_path}: Permission denied. It belongs to ")
    assert said.count("\n") == 1


def test_a_room_that_does_not_run_is_named_and_nobody_is_told(
    tmp_path: Path,
    keys_dir: Path,
    told: list[tuple[int, int]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(check, "run", lambda _: None)
    assert run(tmp_path, keys_dir) == 2
    assert "The vault does not run" in capsys.readouterr().err and told == []


def test_a_room_that_does_not_take_the_keys_is_named(
    tmp_path: Path,
    keys_dir: Path,
    told: list[tuple[int, int]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(check, "run", lambda _: None)
    monkeypatch.setattr(reload, "_master", lambda room, _: len(room))
    monkeypatch.setattr(reload, "_SECONDS", 0.0)
    assert run(tmp_path, keys_dir) == 2
    assert "The vault was told, but" in capsys.readouterr().err
    assert told == [(5, signal.SIGHUP)]


def test_a_next_address_that_the_front_does_not_show_is_said(
    tmp_path: Path,
    keys_dir: Path,
    told: list[tuple[int, int]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The setting counts from the next start, and the operator thinks that it is shown."""
    new = "n" * 56 + ".onion"
    pages = iter([b"an old worker's", b"still", b"<b>nnnn</b> <b>" + new[4:].encode() + b"</b>"])
    monkeypatch.setattr(check, "run", lambda _: None)
    monkeypatch.setattr(check, "next_address", lambda _: NextAddress(new, "F" * 40))
    monkeypatch.setattr(reload, "_master", lambda room, _: len(room))
    monkeypatch.setattr(reload, "_vault_has", lambda *_: True)
    monkeypatch.setattr(reload, "_front_has", lambda *_: True)
    monkeypatch.setattr(reload, "_POLL_SECONDS", 0.0)
    monkeypatch.setattr(service_health, "front_page", lambda *_: (200, next(pages, b"nothing")))
    assert run(tmp_path, keys_dir) == 0 and len(told) == 2

    monkeypatch.setattr(reload, "_SECONDS", 0.0)
    shutil.rmtree(tmp_path / "site")
    assert run(tmp_path, keys_dir) == 2
    assert "does not name the next address" in capsys.readouterr().err


def test_wrong_keys_are_named_before_anybody_is_told(
    tmp_path: Path,
    told: list[tuple[int, int]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(tmp_path, tmp_path) == 2
    assert "FINGERPRINTS" in capsys.readouterr().err and told == []
