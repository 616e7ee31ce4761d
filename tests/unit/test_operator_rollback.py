"""An upgrade of the Debian package copies the vault, and `casedrop rollback` goes back to it."""

import errno
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.day_stores import open_days
from support.stopped_drop import StoppedDrop

from dropbox.vault.block_store import Export
from dropbox.vault.restored_file import series_of
from scripts import casedrop
from scripts.command_line import CannotRun
from scripts.operator.rollback import STORE, Copies, roll_back
from scripts.release.debian_files import TEMPLATES

VERSION = "0.1.0+py311"


class Server:
    """A root with a vault in it, and what systemctl was asked for."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.drop = StoppedDrop(folder)
        self.copies = Copies(self.root, (os.getuid(), os.getgid()))
        self.copies.vault.parent.mkdir(parents=True)
        (self.root / "run").mkdir()
        shutil.copytree(self.drop.settings.store_file.parent, self.copies.vault)
        self.asked: list[tuple[str, ...]] = []

    @property
    def store(self) -> Path:
        return self.copies.vault / STORE

    def upgrade(self, *changes: tuple[str, str], **environ: str) -> tuple[int, str]:
        """What the package's script does before an upgrade from VERSION, with *changes* to it."""
        script = (TEMPLATES / "control" / "preinst").read_text("utf-8")
        for folder in ("/var/lib/", "/run/"):
            script = script.replace(folder, f"{self.root}{folder}")
        for old, new in changes:
            assert old in script
            script = script.replace(old, new)
        done = subprocess.run(
            ["bash", "-c", script, "preinst", "upgrade", VERSION],
            env={**os.environ, **environ}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stderr

    def pull(self, number: int) -> None:
        """The vault gives out bundle *number*."""
        store = open_days(self.store, self.drop.clock)
        store.note_export(Export(number, b"h" * 32))
        store.close()

    def go_back(self) -> None:
        roll_back(self.copies, VERSION, lambda *words: self.asked.append(words))


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


@pytest.fixture
def type_in(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def type_in(*words: str) -> None:
        left = list(words)
        monkeypatch.setattr("builtins.input", lambda _: left.pop(0))

    return type_in


def test_the_store_comes_back_byte_for_byte_and_the_other_one_is_kept(
    server: Server, type_in: Callable[..., None]
) -> None:
    before = server.store.read_bytes()
    assert server.upgrade() == (0, "")
    server.store.write_bytes(b"of another version")
    type_in("go back", "1")
    server.go_back()

    assert server.store.read_bytes() == before
    assert server.store.stat().st_mode & 0o777 == 0o600
    assert (server.copies.folder / "replaced" / STORE).read_bytes() == b"of another version"
    assert [words[0] for words in server.asked] == ["stop", "reset-failed", "start"]
    # Nothing of it is left in the clear.
    assert sorted(path.name for path in server.copies.folder.iterdir()) == [
        f"{VERSION}.gpg", "replaced",
    ]  # fmt: skip


@pytest.mark.slow
def test_after_another_bundle_it_takes_the_place_of_the_vault_that_went_on(
    server: Server, type_in: Callable[..., None]
) -> None:
    assert server.upgrade() == (0, "")
    server.pull(2)
    type_in("go back", "2")
    server.go_back()

    assert series_of(server.store).vault != server.drop.vault
    assert server.copies.vault.joinpath("successor.json").exists()


def test_the_copy_is_sealed_with_a_key_that_is_not_beside_it(server: Server) -> None:
    store = server.store.read_bytes()
    assert server.upgrade() == (0, "")
    copy, key = server.copies.of(VERSION)

    assert store[:16] not in copy.read_bytes() and b"SQLite" not in copy.read_bytes()
    assert key.is_relative_to(server.root / "run") and copy.stat().st_mode & 0o777 == 0o600


def test_without_room_the_upgrade_is_refused(server: Server) -> None:
    code, said = server.upgrade(("room=$(", "room=$(echo 7; true "))

    assert code == 1 and "7 KiB are free. Nothing was changed." in said
    assert list(server.copies.folder.iterdir()) == []


def test_a_copy_that_is_not_what_the_vault_holds_refuses_the_upgrade(server: Server) -> None:
    # Somebody writes between the copy and the comparison.
    code, said = server.upgrade(('sync "$made.part"', 'echo x >>"$vault/store.sqlite"'))

    assert code == 1 and "it is not what the vault holds" in said
    assert list(server.copies.folder.iterdir()) == []


def test_the_operator_can_upgrade_without_a_copy(server: Server) -> None:
    assert server.upgrade(CASEDROP_NO_COPY="1") == (0, "")
    assert not server.copies.folder.exists()


def test_without_the_copy_of_this_version_nothing_changes(server: Server) -> None:
    before = server.store.read_bytes()
    assert server.upgrade() == (0, "")
    with pytest.raises(CannotRun, match=r"There are copies of 0\.1\.0"):
        roll_back(server.copies, "0.2.0+py311", lambda *_: None)
    # The machine was started again, so the key has gone.
    server.copies.of(VERSION)[1].unlink()
    with pytest.raises(CannotRun, match="until the machine starts again"):
        server.go_back()
    assert server.store.read_bytes() == before and server.asked == []


def test_a_copy_that_was_altered_changes_nothing(
    server: Server, type_in: Callable[..., None]
) -> None:
    assert server.upgrade() == (0, "")
    copy, _ = server.copies.of(VERSION)
    raw = bytearray(copy.read_bytes())
    raw[len(raw) // 2] ^= 1
    copy.write_bytes(raw)
    before = server.store.read_bytes()
    type_in("go back", "1")
    with pytest.raises(CannotRun, match="nothing was changed"):
        server.go_back()

    assert server.store.read_bytes() == before and server.asked == []


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_what_fails_half_way_leaves_the_vault_as_it_was_and_the_rooms_started(
    server: Server, type_in: Callable[..., None], monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    """A vault that finds no store makes an empty one, and nobody looks for the other."""
    assert server.upgrade() == (0, "")
    (server.copies.vault / "successor.json").write_bytes(b"a statement")
    before = {path.name: path.read_bytes() for path in server.copies.vault.iterdir()}
    move, moved = shutil.move, []

    def full(source: Path, target: Path) -> None:
        moved.append(source)
        if len(moved) == failing:
            target.write_bytes(b"half of it")
            raise OSError(errno.ENOSPC, "No space left on device")
        move(source, target)

    monkeypatch.setattr(shutil, "move", full)
    type_in("go back", "1")
    with pytest.raises(OSError, match="No space"):
        server.go_back()

    assert {path.name: path.read_bytes() for path in server.copies.vault.iterdir()} == before
    assert [words[0] for words in server.asked] == ["stop", "reset-failed", "start"]
    assert [path.name for path in server.copies.folder.iterdir()] == [f"{VERSION}.gpg"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_who_interrupts_it_waits_until_the_copy_is_in_its_place(
    server: Server,
    type_in: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
) -> None:
    store = server.store.read_bytes()
    assert server.upgrade() == (0, "")
    server.store.write_bytes(b"of another version")
    move = shutil.move

    def interrupted(source: Path, target: Path) -> None:
        os.kill(os.getpid(), number)
        move(source, target)

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "move", interrupted)
    handler = signal.signal(number, end)
    type_in("go back", "1")
    try:
        with pytest.raises(KeyboardInterrupt):
            server.go_back()
    finally:
        signal.signal(number, handler)

    assert server.store.read_bytes() == store
    assert [words[0] for words in server.asked] == ["stop", "reset-failed", "start"]


def test_another_answer_changes_nothing(server: Server, type_in: Callable[..., None]) -> None:
    assert server.upgrade() == (0, "")
    type_in("yes")
    with pytest.raises(CannotRun, match="Nothing was changed"):
        server.go_back()
    assert server.asked == []


def test_what_was_replaced_before_is_kept_when_somebody_goes_back_again(
    server: Server, type_in: Callable[..., None]
) -> None:
    newer = server.store.read_bytes()
    assert server.upgrade() == (0, "")
    kept = []
    for content in (newer + b"of the other version", newer + b"and again"):
        server.store.write_bytes(content)
        type_in("go back", "1")
        server.go_back()
        kept.append(content)
    found = [path.read_bytes() for path in sorted(server.copies.folder.glob(f"replaced*/{STORE}"))]
    assert found == kept


def test_where_there_is_no_package_a_sentence_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr("scripts.operator.rollback.pwd.getpwnam", {}.__getitem__)
    monkeypatch.setattr("scripts.operator.rollback._installed_version", lambda: VERSION)
    assert casedrop.main(["rollback"]) == 2
    assert "no user casedrop-vault" in capsys.readouterr().err

    monkeypatch.undo()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess((), 1))
    assert casedrop.main(["rollback"]) == 2
    assert "package is not installed here" in capsys.readouterr().err
