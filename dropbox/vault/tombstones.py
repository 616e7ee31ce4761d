"""The vault's own day key, and the tombstones that are sealed under it.

The key is like a front's: made in memory, sealed to the reviewers' HPKE keys of the week, and its
record is in the store before anything is sealed under it. It is made at the start and at midnight,
never because something is deleted. The vault never seals anything else, and it opens nothing.
"""

import os
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Self

from dropbox.day_key import DayKey, DayKeyRecord
from dropbox.errors import CannotSeal, CannotStore, CasedropError, KeysError
from dropbox.sizes import BLOCK_BYTES
from dropbox.tombstone import Reason, Tombstone
from dropbox.vault.block_store import BlockStore, StoredTwice
from dropbox.vault.day_calendar import Retention
from dropbox.vault.kept_keys import KeptKeys, of_vault
from dropbox.weekly_hpke import WeeklyHpke

# How soon after midnight the key changes, and how soon there is one again once it can be kept.
RENEWAL_SECONDS = 10.0


class Tombstones:
    """Seals tombstones. *weekly*: the reviewers' keys; without them, *why_none* says what is wrong.

    *limit_days*: how long a day and its keys are kept at most. Deleting never fails for want of a
    key: if there is none, because the reviewers' keys ended or its record cannot be kept, random
    bytes take the block's place. The desk then finds an altered block without an explanation, which
    is better than a claimant who cannot withdraw.
    """

    def __init__(
        self,
        weekly: WeeklyHpke | None,
        *,
        clock: Callable[[], datetime],
        why_none: str = "",
        limit_days: int = Retention.limit_days,
    ) -> None:
        self._weekly = weekly
        self._clock = clock
        self._why = why_none
        self._limit_days = limit_days
        self._key: DayKey | None = None
        self._record = b""
        # Made, but perhaps not kept: the next attempt uses the same, so that the store does not
        # fill with records of keys that nobody uses.
        self._made: tuple[DayKey, DayKeyRecord] | None = None
        # Two at once would keep two records.
        self._renewing = threading.Lock()

    @classmethod
    def load(
        cls,
        keys: Path,
        *,
        clock: Callable[[], datetime],
        limit_days: int = Retention.limit_days,
    ) -> Self:
        """With the keys of all reviewers pinned in *keys*, or without if they cannot be used.

        Without them only the front does not start: the vault still gives out what it has.
        """
        try:
            return cls(WeeklyHpke.load(keys, clock()), clock=clock, limit_days=limit_days)
        except KeysError as why:
            return cls(None, clock=clock, why_none=str(why), limit_days=limit_days)

    def seal(self, block_id: bytes, reason: int, replaces: bytes) -> bytes:
        """BLOCK_BYTES to replace *block_id*, whose bytes had the SHA-256 *replaces*.

        Never waits: it is called in the middle of a tick.
        """
        key = self._key
        if key is None:
            return os.urandom(BLOCK_BYTES)
        return Tombstone(Reason(reason), block_id, replaces).seal(key.key)

    def renew(self, store: BlockStore) -> None:
        """Make today's key, unless there is one. Call it at the start and every RENEWAL_SECONDS.

        If that fails, the previous key stays in use as long as its record is kept: it protects only
        which of the vault's blocks are tombstones, and a tombstone that opens tells the desk what
        happened. :meth:`note` says so.
        """
        with self._renewing:
            today = self._clock().astimezone(UTC).date()
            if self._key is None or self._key.day != today:
                self._renew(store, today)

    def _renew(self, store: BlockStore, today: date) -> None:
        try:
            if self._weekly is None:
                raise KeysError(self._why)
            if self._made is None or self._made[0].day != today:
                key = DayKey.make(today)
                self._made = key, key.seal(self._weekly.current(today))
            key, record = self._made
            KeptKeys(store, of_vault(self._limit_days)).keep(record, today)
        except (KeysError, CannotSeal, CannotStore, StoredTwice) as why:
            self._lapse(store, why)
            return
        self._key, self._record, self._why = key, record.to_bytes(), ""
        self._made = None

    def _lapse(self, store: BlockStore, why: CasedropError) -> None:
        self._why = str(why)
        if self._record not in [record for _, record in store.day_keys()]:
            # Nobody could open what would be sealed under it.
            self._key = None

    def note(self) -> str:
        """A sentence for the operator if there is no key for today, else ""."""
        if not self._why:
            return ""
        if self._key is not None:
            return f"Tombstones are sealed under the key of {self._key.day}: {self._why}"
        return (
            "What is deleted now is overwritten at random, and the desk will find it altered, for "
            f"want of a key for tombstones: {self._why}"
        )


class Renewal:
    """Renews the key of *tombstones* in a thread of its own, from ``start`` to ``stop``."""

    def __init__(
        self, tombstones: Tombstones, store: BlockStore, seconds: float = RENEWAL_SECONDS
    ) -> None:
        self._tombstones = tombstones
        self._store = store
        self._seconds = seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tombstones", daemon=True)

    def start(self) -> None:
        """Start, with the first key at once.

        Lock the room first: a lock does not reach other threads.
        """
        self._thread.start()

    def stop(self) -> None:
        """Stop, and wait until the current run is over."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._tombstones.renew(self._store)
            self._stopped.wait(self._seconds)
