"""Housekeeping: expired items go even if nobody files, and timestamps do not reveal when somebody
filed.
"""

import os
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.front import ONION

from dropbox.errors import CannotStore
from dropbox.sizes import BLOCK_BYTES
from dropbox.vault.housekeeping import Housekeeping
from dropbox.vault.store import Pending, Store
from onion.launch import Drop
from scripts.newsite import make_site

LONG_AGO = (1_000_000_000, 1_000_000_000)


def age(path: Path) -> float:
    """Seconds since the file was last changed, by its bytes or its timestamps."""
    return time.time() - min(path.stat().st_mtime, path.stat().st_ctime)


def wait_for_beat(path: Path) -> None:
    deadline = time.monotonic() + 20
    while age(path) > 1_000:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_file_and_its_journal_have_the_time_of_now(tmp_path: Path) -> None:
    path = tmp_path / "vault.sqlite"
    store = Store.open(path, clock=lambda: datetime.now(UTC), pending_minutes=240)
    os.utime(path, LONG_AGO)
    store.touch()
    assert age(path) < 1_000
    store.commit(Pending(b"i" * 16, bytes(BLOCK_BYTES)), b"t" * 16, [])
    before = path.read_bytes()
    for file in (path, Path(f"{path}-journal")):
        os.utime(file, LONG_AGO)
        store.touch()
        assert age(file) < 1_000
    store.expire()
    store.close()

    assert path.read_bytes() == before


class Counting:
    """A store that counts the runs, and whose disk fails at the first ones."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.enough = threading.Event()

    def expire(self) -> None:
        self.did.append("expire")
        if len(self.did) < 3:
            raise CannotStore

    def touch(self) -> None:
        self.did.append("touch")
        if len(self.did) > 6:
            self.enough.set()


def test_a_beat_goes_on_after_the_disk_failed_until_it_is_stopped() -> None:
    store = Counting()
    beat = Housekeeping(store, 0.001)  # type: ignore[arg-type]
    beat.start()
    assert store.enough.wait(20)
    beat.stop()
    done = len(store.did)
    time.sleep(0.05)

    assert len(store.did) == done
    assert store.did[:6] == ["expire", "expire", "expire", "touch", "expire", "touch"]


@pytest.mark.drop
def test_a_vault_freshens_its_file_by_itself(tmp_path: Path, keys_dir: Path) -> None:
    site = make_site(tmp_path / "site", onion=ONION, keys=keys_dir)
    path = site.settings_file.parent / "vault" / "vault.sqlite"
    Store.open(path, clock=lambda: datetime.now(UTC), pending_minutes=240).close()
    os.utime(path, LONG_AGO)
    with Drop(site.settings_file, site.front_socket, os.environ):
        wait_for_beat(path)
