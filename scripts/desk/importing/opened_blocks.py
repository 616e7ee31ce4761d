"""Telling what the blocks of a bundle are: with its day keys, which the reviewer's keys open.

A block shows nothing before a day key opens it. Each is tried with the keys of its own day and of
the two beside it, since the clocks of front and vault pass midnight one after the other.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from dropbox.block import Kind, Opened, open_block
from dropbox.day_key import DayKey, DayKeyRecord
from dropbox.errors import CannotOpen
from dropbox.hpke import SecretKey

_BESIDE = (timedelta(0), timedelta(-1), timedelta(1))


class UnopenedKey(NamedTuple):
    """A day key that stayed shut: the id of its record, its day, and why."""

    id: bytes
    day: date
    why: str


@dataclass
class DayKeys:
    """The day keys that were opened, by day, the one that opened a block last in front.

    ``ids`` are those of their records.
    What is sealed under those ``unopened`` stays shut too.
    """

    _by_day: dict[date, list[DayKey]] = field(default_factory=dict)
    ids: set[bytes] = field(default_factory=set)
    unopened: list[UnopenedKey] = field(default_factory=list)

    @classmethod
    def open(cls, records: Iterable[bytes], find: Callable[[bytes], SecretKey | None]) -> "DayKeys":
        """Open all *records* that the secrets of *find* can open. Raises BadDayKey."""
        keys = cls()
        for raw in records:
            record = DayKeyRecord.from_bytes(raw)
            try:
                opened = record.open(find)
            except CannotOpen as why:
                keys.unopened.append(UnopenedKey(record.id, record.day, str(why)))
                continue
            keys.ids.add(opened.id)
            keys._by_day.setdefault(opened.day, []).append(opened)
        return keys

    def of(self, day: date) -> list[bytes]:
        """The keys that a block of *day* may be sealed under, the likeliest first."""
        days = (day + beside for beside in _BESIDE)
        return [key.key for one in days for key in self._by_day.get(one, ())]

    def open_block(self, day: date, block: bytes) -> Opened | None:
        """What *block* is, or None if no key opens it: filling, or a piece of a file."""
        keys = self.of(day)
        try:
            opened = open_block(block, keys)
        except CannotOpen:
            return None
        self._prefer(keys[opened.key])
        return opened

    def open_tombstone(self, day: date, block: bytes) -> Opened | None:
        """The tombstone in the place of another block of *day*, or None.

        It is sealed under the vault's key of the day on which it was made, that or any later one.
        """
        keys = (key.key for one in self._by_day if one > day for key in self._by_day[one])
        try:
            opened = open_block(block, keys)
        except CannotOpen:
            return None
        return opened if opened.kind is Kind.TOMBSTONE else None

    def _prefer(self, key: bytes) -> None:
        """Try *key* first from now on: most blocks of a day are sealed under one."""
        for keys in self._by_day.values():
            if keys[0].key != key:
                keys.sort(key=lambda one: one.key != key)
