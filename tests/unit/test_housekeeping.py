"""Housekeeping: expired items go even if nobody files, and timestamps do not reveal when somebody
filed.
"""

import os
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from support.clocks import age

from dropbox.errors import CannotStore
from dropbox.sizes import BLOCK_BYTES
from dropbox.vault.housekeeping import Housekeeping
from dropbox.vault.store import Pending, Store

LONG_AGO = (1_000_000_000, 1_000_000_000)


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
