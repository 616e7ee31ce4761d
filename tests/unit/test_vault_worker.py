"""How a worker of the vault begins and ends: what it gives up, before what."""

import importlib
import os
import sys
import threading
from collections.abc import Collection, Iterator
from io import StringIO
from pathlib import Path
from types import ModuleType

import pytest

from dropbox import lockdown
from dropbox.lockdown import Room
from scripts.newsite import Site, make_site

MODULE = "dropbox.vault.wsgi"


@pytest.fixture
def site(tmp_path: Path, keys_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    made = make_site(tmp_path / "site", onion="a" * 56 + ".onion", keys=keys_dir)
    monkeypatch.setenv("CASEDROP_SETTINGS", str(made.settings_file))
    monkeypatch.setenv("CASEDROP_LOCKDOWN_WAIVED", "landlock")
    return made


@pytest.fixture
def looked_at(site: Site, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path | None, bool]]:
    """The folders of which the file system was asked, and whether the store was there by then."""
    found: list[tuple[Path | None, bool]] = []

    def noted(room: Room, waived: Collection[str]) -> None:
        assert waived == {"landlock"} and room.writable is not None
        found.append((room.writable, any(room.writable.glob("*.sqlite"))))

    monkeypatch.setattr(lockdown, "check_disk", noted)
    return found


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """What the worker says from its first moment on."""
    monkeypatch.setattr(sys, "stderr", StringIO())
    assert isinstance(sys.stderr, StringIO)
    return sys.stderr


@pytest.fixture
def worker(
    looked_at: list[tuple[Path | None, bool]], told: StringIO, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ModuleType]:
    """The module that gunicorn's worker loads; without the renewal of the vault's day key."""
    monkeypatch.delitem(sys.modules, MODULE, raising=False)
    loaded = importlib.import_module(MODULE)
    yield loaded
    loaded.close_worker()
    del sys.modules[MODULE]


def ticking() -> int:
    return sum(thread.name == "tick" for thread in threading.enumerate())


@pytest.mark.slow
def test_the_operator_is_told_what_is_waived_and_the_disk_is_asked_before_the_store_is_made(
    site: Site,
    looked_at: list[tuple[Path | None, bool]],
    worker: ModuleType,
    told: StringIO,
) -> None:
    folder = site.settings_file.parent / "vault"

    assert looked_at == [(folder, False)] and list(folder.glob("*.sqlite"))
    assert told.getvalue() == (
        "The lockdown of the vault is incomplete: the settings waive landlock.\n"
    )
    assert set(map(frozenset, worker.admitted.values())) == {
        frozenset({os.geteuid()}),
        frozenset({os.geteuid(), 0}),
    }


@pytest.mark.slow
def test_a_worker_is_locked_as_a_vault_before_it_has_a_second_thread(
    site: Site, worker: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    before = ticking()

    def lock(room: Room, waived: Collection[str]) -> None:
        assert (room.name, waived, ticking()) == ("vault", {"landlock"}, before)
        # It starts nothing, connects to nothing, and reads nothing but its sockets' folders.
        assert not room.programs and not room.readable and not room.makes_connections
        assert room.writable == site.settings_file.parent / "vault"
        begun.append("locked")

    class Renewal:
        def __init__(self, *_: object) -> None:
            """See dropbox.vault.tombstones.Renewal."""

        def start(self) -> None:
            begun.append("renewing")

    monkeypatch.setattr(worker, "lock", lock)
    monkeypatch.setattr(worker, "Renewal", Renewal)
    worker.lock_worker()

    assert begun == ["locked", "renewing"] and ticking() == before + 1
    worker.close_worker()
    assert ticking() == before
