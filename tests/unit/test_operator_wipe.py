"""`casedrop wipe`: it stops what runs, overwrites what there is, and says what remains."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from support.stopped_drop import ONION, StoppedDrop

from dropbox import durable_file
from onion import socket_owner
from onion.socket_owner import owner_of, stop_owner
from scripts import casedrop
from scripts.command_line import CannotRun
from scripts.operator import wipe as wipe_command

# Listens on each path, then says so.
LISTENER = """
import socket, sys, time
kept = []
for path in sys.argv[1:]:
    kept.append(socket.socket(socket.AF_UNIX))
    kept[-1].bind(path)
    kept[-1].listen()
print("ready", flush=True)
time.sleep(60)
"""


def listening(*paths: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", LISTENER, *map(str, paths)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


@pytest.fixture
def drop(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> StoppedDrop:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    # Unix socket paths are short.
    made = StoppedDrop(tmp_path_factory.mktemp("w"))
    memory = made.state / "memory"
    memory.write_bytes(b"token keys")
    text = made.settings_file.read_text().replace("[vault]", 'key_memory = "memory"\n\n[vault]')
    made.settings_file.write_text(text)
    return made


@pytest.fixture
def running(drop: StoppedDrop) -> Iterator[subprocess.Popen[str]]:
    """One process behind all three sockets."""
    paths = [drop.state / "front.sock", drop.settings.courier_socket, drop.state / "tor/control"]
    process = listening(*paths)
    yield process
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def wipe(drop: StoppedDrop, monkeypatch: pytest.MonkeyPatch, typed: str = ONION) -> int:
    monkeypatch.setattr("builtins.input", lambda _: typed)
    return casedrop.main(["wipe", "--settings", str(drop.settings_file)])


def files(drop: StoppedDrop) -> list[Path]:
    return sorted(path for path in drop.state.parent.rglob("*") if path.is_file())


def test_everything_is_stopped_and_overwritten_and_what_remains_is_said(
    drop: StoppedDrop,
    running: subprocess.Popen[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # What a second name still sees was overwritten.
    salt, secret = drop.settings.salt.hex(), drop.tor / "hs_ed25519_secret_key"
    before = {path: path.read_bytes() for path in (drop.settings.store_file, secret)}
    for number, path in enumerate([*before, drop.settings_file]):
        os.link(path, drop.state.parent / f"second-{number}")
    assert wipe(drop, monkeypatch) == 0

    assert running.wait(10) == -signal.SIGKILL
    said = capsys.readouterr()
    assert "flash memory" in said.out and "switch it off" in said.out and said.err == ""
    assert [path.name for path in files(drop)] == ["second-0", "second-1", "second-2"]
    for number, content in enumerate(before.values()):
        after = (drop.state.parent / f"second-{number}").read_bytes()
        assert len(after) == len(content) and after[:4_096] != content[:4_096]
    assert salt.encode() not in (drop.state.parent / "second-2").read_bytes()


@pytest.mark.parametrize("typed", ["", "yes", ONION.removesuffix(".onion"), "a" + ONION[1:]])
def test_without_the_whole_address_nothing_is_touched(
    drop: StoppedDrop,
    running: subprocess.Popen[str],
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
) -> None:
    before = files(drop)
    assert wipe(drop, monkeypatch, typed) == 2

    assert files(drop) == before and running.poll() is None


def test_what_fails_is_named_and_the_rest_is_done(
    drop: StoppedDrop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    erase, bad = durable_file.erase, drop.settings.export_key

    def failing(path: Path) -> None:
        if path == bad:
            raise OSError(5, "Input/output error")
        erase(path)

    monkeypatch.setattr(durable_file, "erase", failing)
    assert wipe(drop, monkeypatch) == 2

    said = capsys.readouterr().err
    assert f"NOT overwritten: {bad}: Input/output error" in said and "1 things above" in said
    assert files(drop) == [bad]


def test_all_rooms_are_stopped_before_the_keys_go_and_the_store_goes_last(
    drop: StoppedDrop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is interrupted has wiped what matters most."""
    (drop.state / "salt").write_text(drop.settings.salt.hex())
    text = drop.settings_file.read_text()
    line = next(one for one in text.splitlines() if one.startswith("salt ="))
    drop.settings_file.write_text(text.replace(line, 'salt_file = "salt"'))
    done: list[Path] = []
    erase = durable_file.erase

    def noted(path: Path) -> None:
        done.append(path)
        erase(path)

    def stopped(path: Path) -> str:
        done.append(path)
        return ""

    monkeypatch.setattr(durable_file, "erase", noted)
    monkeypatch.setattr(socket_owner, "stop_owner", stopped)
    assert wipe(drop, monkeypatch) == 0

    front, tor = drop.state / "front.sock", drop.state / "tor/control"
    assert done[:3] == [front, drop.settings.courier_socket, tor]
    assert done[3:5] == [drop.tor / "hs_ed25519_secret_key", drop.state / "salt"]
    assert done[-1] == drop.settings.store_file


def test_a_room_that_may_still_run_is_a_failure_and_the_rest_is_done(
    drop: StoppedDrop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    courier = drop.settings.courier_socket
    monkeypatch.setattr(
        socket_owner, "stop_owner", lambda path: "systemd has it." if path == courier else ""
    )
    assert wipe(drop, monkeypatch) == 2

    said = capsys.readouterr().err
    assert "The vault may still run: systemd has it." in said and "1 things above" in said
    assert files(drop) == []


def test_a_link_is_removed_and_what_it_points_to_is_not_touched(
    drop: StoppedDrop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = tmp_path / "somebody's"
    other.write_bytes(b"not the drop's")
    link = drop.settings.keys / "link"
    link.symlink_to(other)
    assert wipe(drop, monkeypatch) == 0

    assert not link.is_symlink() and other.read_bytes() == b"not the drop's"


def test_a_file_that_cannot_even_be_looked_at_is_not_passed_over() -> None:
    class Denied(type(Path())):  # type: ignore[misc]
        def is_file(self) -> bool:
            raise PermissionError

    assert wipe_command._is_there(Denied("secret"))


def test_a_folder_that_is_closed_is_said_and_the_rest_is_wiped(
    drop: StoppedDrop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    closed, scandir, access = drop.settings.keys, os.scandir, os.access

    def refuse(path: object) -> Any:
        if str(path) == str(closed):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    monkeypatch.setattr(os, "access", lambda path, mode: path != closed and access(path, mode))
    assert wipe(drop, monkeypatch) == 2

    said = capsys.readouterr().err
    assert f"NOT overwritten: {closed}" in said and "1 things above" in said
    monkeypatch.undo()
    assert all(path.is_relative_to(closed) for path in files(drop)) and files(drop)


def test_an_onion_key_elsewhere_is_not_passed_over(
    drop: StoppedDrop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (drop.tor / "hs_ed25519_secret_key").rename(drop.state / "moved")

    assert wipe(drop, monkeypatch) == 2
    assert "--tor-service" in capsys.readouterr().err


@pytest.fixture
def packaged(
    drop: StoppedDrop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> tuple[StoppedDrop, list[Path], list[str]]:
    """A drop of the Debian package under systemd: what it has elsewhere, what systemctl is told."""
    monkeypatch.setattr("scripts.operator.site.DEBIAN_SETTINGS", drop.state)
    monkeypatch.setattr(wipe_command, "_SYSTEMD", tmp_path)
    elsewhere = [tmp_path / name for name in ("memory/keys", "copy/1.key", "copies/1.gpg")]
    for path in elsewhere:
        path.parent.mkdir()
        path.write_bytes(b"secret")
    monkeypatch.setattr(wipe_command, "_DEBIAN_MEMORY", elsewhere[0].parent)
    monkeypatch.setattr(wipe_command, "_DEBIAN_COPIES", [path.parent for path in elsewhere[1:]])
    told: list[str] = []
    monkeypatch.setattr(wipe_command, "systemctl", lambda *words: told.append(" ".join(words)))
    return drop, elsewhere, told


def test_what_the_package_has_elsewhere_is_wiped_too_after_its_units_were_killed(
    packaged: tuple[StoppedDrop, list[Path], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    drop, elsewhere, told = packaged
    assert wipe(drop, monkeypatch) == 0 and not any(path.exists() for path in elsewhere)

    stop, kill, wait = told
    # Nobody waits for an upload under way, and nothing that was killed starts again.
    assert stop.startswith("--no-block stop ") and kill.startswith("kill --signal=KILL ")
    assert wait == stop.removeprefix("--no-block ")
    for unit in ("casedrop-front.socket", "casedrop-vault.service", "tor@default.service"):
        assert unit in stop
    assert {"casedrop-front.service", "casedrop-vault.service", "tor@default.service"} == set(
        kill.split()[2:]
    )


def test_what_stopping_the_front_removes_is_overwritten_all_the_same(
    packaged: tuple[StoppedDrop, list[Path], list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """systemd removes the folder in memory of a unit that stops."""
    drop, (keys, *_), _ = packaged
    os.link(keys, tmp_path / "second")
    monkeypatch.setattr(wipe_command, "systemctl", lambda *_: keys.unlink(missing_ok=True))
    assert wipe(drop, monkeypatch) == 0 and capsys.readouterr().err == ""
    left = (tmp_path / "second").read_bytes()
    assert len(left) == len(b"secret") and left != b"secret"


def test_a_unit_that_does_not_stop_is_said_and_the_rest_is_wiped(
    packaged: tuple[StoppedDrop, list[Path], list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    drop, elsewhere, _ = packaged

    def refuse(*words: str) -> None:
        # A unit that does not run has nothing to kill.
        if words[0] in ("stop", "kill"):
            raise CannotRun(f"systemctl {words[0]} failed: no.")

    monkeypatch.setattr(wipe_command, "systemctl", refuse)
    assert wipe(drop, monkeypatch) == 2 and not elsewhere[0].exists()
    said = capsys.readouterr().err
    assert "systemctl stop failed" in said and "systemctl kill" not in said
    assert "1 things above were NOT done" in said


def test_it_can_be_run_again_where_it_broke_off(
    packaged: tuple[StoppedDrop, list[Path], list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    drop, elsewhere, told = packaged
    monkeypatch.setattr(wipe_command, "_DEBIAN_VAULT", drop.settings.store_file.parent)
    for name in ("SERVICE", "PROBE"):
        monkeypatch.setattr(f"scripts.operator.site.DEBIAN_{name}", tmp_path / name)
    (tmp_path / "SERVICE").mkdir()
    (tmp_path / "SERVICE" / "hs_ed25519_secret_key").write_bytes(b"secret")
    other = tmp_path / "somebody's"
    other.write_bytes(b"not the drop's")
    drop.settings_file.unlink()

    assert wipe(drop, monkeypatch) == 2 and told == [] and drop.settings.store_file.exists()
    capsys.readouterr()
    assert wipe(drop, monkeypatch, "wipe everything") == 0
    assert "settings.toml cannot be read" in capsys.readouterr().out and len(told) == 3
    assert not [path for path in drop.state.rglob("*") if path.is_file()]
    assert not any(path.exists() for path in elsewhere) and other.exists()
    assert not list((tmp_path / "SERVICE").iterdir())
    assert wipe(drop, monkeypatch, "wipe everything") == 2
    assert "nothing left" in capsys.readouterr().err


def test_without_the_package_wrong_settings_are_said_and_nothing_is_wiped(
    drop: StoppedDrop, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop.settings_file.write_text("no settings")
    before = files(drop)
    assert wipe(drop, monkeypatch, "wipe everything") == 2 and files(drop) == before


def test_it_goes_on_when_the_terminal_is_closed(
    drop: StoppedDrop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is thrown out of the room has begun all of it."""

    class Closed(StringIO):
        def write(self, _: str) -> int:
            raise OSError(5, "Input/output error")

    heeded: list[object] = []

    def stopped(_: Path) -> str:
        heeded.append(signal.getsignal(signal.SIGHUP))
        return "It does not end."

    before = signal.getsignal(signal.SIGHUP)
    monkeypatch.setattr(socket_owner, "stop_owner", stopped)
    monkeypatch.setattr(sys, "stderr", Closed())
    try:
        assert wipe(drop, monkeypatch) == 2
    finally:
        signal.signal(signal.SIGHUP, before)
    assert heeded == [signal.SIG_IGN] * 3 and files(drop) == []


def test_another_drops_memory_is_not_touched(
    drop: StoppedDrop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "keys").write_bytes(b"token keys")
    monkeypatch.setattr(wipe_command, "_DEBIAN_MEMORY", tmp_path)
    text = drop.settings_file.read_text().replace('key_memory = "memory"\n', "")
    drop.settings_file.write_text(text)
    assert wipe(drop, monkeypatch) == 0 and (tmp_path / "keys").exists()


# --- Who is behind a socket ---


def test_the_owner_of_a_socket_is_the_process_that_listens(
    drop: StoppedDrop, running: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = drop.state / "front.sock"
    assert owner_of(path) == running.pid and owner_of(drop.state / "none") is None
    monkeypatch.setattr(socket_owner, "_SYSTEMD", running.pid)
    assert "systemctl kill" in stop_owner(path) and running.poll() is None
    monkeypatch.undo()
    assert stop_owner(path) == "" == stop_owner(path) and running.wait(10) == -signal.SIGKILL


def test_a_socket_that_cannot_be_asked_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "datagrams"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(str(path))
        assert str(path) in stop_owner(path)
