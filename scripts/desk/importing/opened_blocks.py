"""Telling what the blocks of a bundle are, with its day keys, which the reviewer's keys open.

A block shows nothing before a day key opens it. Each is tried with the keys of its own day and of
the two beside it, since the clocks of front and vault pass midnight one after the other.

A front that was taken over can leave up to 224 keys a day, and a block that none of them opens is
then tried with 672, which takes 20 ms of CPU time. So what the last import tried is not tried
again, unless a key is new.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from dropbox.block import Kind, Opened, open_block
from dropbox.day_key import DayKey, DayKeyRecord
from dropbox.errors import CannotOpen
from dropbox.hpke import SecretKey
from scripts.desk.case import Cause, cause_of

_BESIDE = (timedelta(0), timedelta(-1), timedelta(1))
# Front and vault make a key each at midnight and at each start. This many cannot come from an
# operator's restarts.
_MANY_KEYS = 48


class UnopenedKey(NamedTuple):
    """A day key that stayed shut: the id of its record, its day, and why."""

    id: bytes
    day: date
    why: str
    cause: Cause


@dataclass
class DayKeys:
    """The day keys that were opened, by day, the last one to open a block first.

    ``ids`` are those of their records, ``tried`` those that the last import knew. What is sealed
    under the ``unopened`` ones stays shut, too. Lists are replaced and never changed: several
    threads read them.
    """

    _by_day: dict[date, list[DayKey]] = field(default_factory=dict)
    ids: set[bytes] = field(default_factory=set)
    unopened: list[UnopenedKey] = field(default_factory=list)
    tried: Collection[bytes] = ()
    _under_stones: list[bytes] = field(default_factory=list)

    @classmethod
    def open(
        cls,
        records: Iterable[bytes],
        find: Callable[[bytes], SecretKey | None],
        tried: Collection[bytes] = (),
    ) -> "DayKeys":
        """Open all *records* that the secrets of *find* can open. Raises BadDayKey."""
        keys = cls(tried=tried)
        for raw in records:
            record = DayKeyRecord.from_bytes(raw)
            try:
                opened = record.open(find)
            except CannotOpen as why:
                keys.unopened.append(UnopenedKey(record.id, record.day, str(why), cause_of(why)))
                continue
            keys.ids.add(opened.id)
            keys._by_day.setdefault(opened.day, []).append(opened)
        return keys

    def crowded(self) -> list[date]:
        """The days with more keys than any start of a front or vault explains."""
        counts = Counter(one.day for one in self.unopened)
        counts.update({day: len(keys) for day, keys in self._by_day.items()})
        return sorted(day for day, count in counts.items() if count > _MANY_KEYS)

    def of(self, day: date) -> list[DayKey]:
        """The keys that a block of *day* may be sealed under, the likeliest first."""
        return [key for beside in _BESIDE for key in self._by_day.get(day + beside, ())]

    def shut_near(self, day: date) -> bool:
        """Whether one of the keys near *day* stayed shut."""
        return any(abs(one.day - day) <= timedelta(days=1) for one in self.unopened)

    def open_block(self, day: date, block: bytes, *, fresh: bool = False) -> Opened | None:
        """What *block* is, or None if no key opens it: filling, or a piece of a file.

        *fresh*: try only keys that the last import did not know.
        """
        keys = self.of(day)
        if fresh:
            keys = [key for key in keys if key.id not in self.tried]
        try:
            opened = open_block(block, [key.key for key in keys])
        except CannotOpen:
            return None
        self.prefer(keys[opened.key].key, day)
        return opened

    def open_tombstone(self, day: date, block: bytes) -> Opened | None:
        """The tombstone in the place of another block of *day*, or None.

        It is sealed under the vault's key of the day on which it was made, which may be any later
        day: whatever opened another tombstone is tried first.
        """
        later = [key.key for one in self._by_day if one > day for key in self._by_day[one]]
        allowed = set(later)
        keys = [key for key in self._under_stones if key in allowed]
        keys += [key for key in later if key not in self._under_stones]
        try:
            opened = open_block(block, keys)
        except CannotOpen:
            return None
        if opened.kind is not Kind.TOMBSTONE:
            return None
        if keys[opened.key] not in self._under_stones:
            self._under_stones.append(keys[opened.key])
        return opened

    def prefer(self, key: bytes, day: date) -> None:
        """Try *key* first from now on for blocks of *day*: most are sealed under one."""
        for one in (day + beside for beside in _BESIDE):
            keys = self._by_day.get(one, [])
            first = [other for other in keys if other.key == key]
            if first and keys[0] is not first[0]:
                self._by_day[one] = [*first, *(other for other in keys if other.key != key)]
