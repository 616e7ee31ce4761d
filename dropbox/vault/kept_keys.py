"""Keeping the sealed records of day keys: which are accepted, and how many a day.

Each front and the vault make a key at each start and at midnight. Somebody who has taken over a
front can send any number of records: they must neither fill the disk nor make the head of an export
longer than a desk will read, and have to leave room for the vault's own.
"""

import threading
from dataclasses import dataclass
from datetime import date, timedelta

from dropbox.day_key import DayKeyRecord
from dropbox.errors import BadDayKey, CannotStore
from dropbox.export_bundle import HEAD_BYTES
from dropbox.vault.block_store import BlockStore, StoredTwice
from dropbox.vault.day_calendar import Retention

# In addition to the days up to the hard limit: today, and a day on each side for clocks that
# differ.
_MORE_DAYS = 3


class TooManyKeys(CannotStore):
    """There are too many day keys of one day; this one was not kept."""


@dataclass(frozen=True)
class Bound:
    """How many records, and how many bytes of them, a day may have if one more is to be kept."""

    records: int
    size: int


def of_fronts(limit_days: int = Retention.limit_days) -> Bound:
    """The bound for the fronts, if a day is kept for *limit_days*.

    With 90 days, 405,900 bytes: 21 records for 16 reviewers, 114 for three.
    """
    return Bound(records=224, size=_bytes_a_day(limit_days) * 6 // 8)


def of_vault(limit_days: int = Retention.limit_days) -> Bound:
    """The bound for the vault; the last eighth is for everything else in a head."""
    return Bound(records=256, size=_bytes_a_day(limit_days) * 7 // 8)


def _bytes_a_day(limit_days: int) -> int:
    # Records travel in Base64.
    return HEAD_BYTES * 3 // 4 // (limit_days + _MORE_DAYS)


class KeptKeys:
    """The day keys in *store*; more are added within *bound*. Safe to call from several threads."""

    def __init__(self, store: BlockStore, bound: Bound) -> None:
        self._store = store
        self._bound = bound
        # Two threads at once would both see room for one.
        self._lock = threading.Lock()

    def keep(self, record: DayKeyRecord, today: date) -> None:
        """Keep *record*, whose day is at most one away from *today*; durable when this returns.

        A record that is already there is left as it is. Raises BadDayKey for another day,
        StoredTwice if another record has its id, TooManyKeys, or CannotStore.
        """
        if abs(record.day - today) > timedelta(days=1):
            raise BadDayKey("This day key is not one of today.")
        raw = record.to_bytes()
        with self._lock:
            kept = self._store.day_keys()
            if (record.day, raw) in kept:
                return
            if any(one.startswith(record.id) for _, one in kept):
                raise StoredTwice
            sizes = [len(one) for day, one in kept if day == record.day]
            if len(sizes) >= self._bound.records or sum(sizes) + len(raw) > self._bound.size:
                raise TooManyKeys
            self._store.keep_key(record.day, raw)
