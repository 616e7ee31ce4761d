"""What a thief of the vault's disk can compute: knows the format and the code, but no key.

Everything that a slot's row, its place among the file's pages, its bytes, and SQLite's journal can
tell is a number for each slot, a trait. The tests compare the traits with what really happened.
"""

import sqlite3
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import kendalltau, mannwhitneyu

from dropbox.vault.journal import HEADER_BYTES, journal_path

_LEAF, _OVERFLOW_HEAD = 0x0D, 4


class Slot(NamedTuple):
    """A slot as the file shows it: place, day, id, bytes, leaf page, cell, overflow pages."""

    place: int
    day: int
    id: bytes
    data: bytes
    leaf: int
    cell: int
    pages: tuple[int, ...]


class Seized:
    """A copy of a vault's file and its journal. Pages are numbered from 1."""

    def __init__(self, path: Path) -> None:
        self.raw = path.read_bytes()
        self.journal = journal_path(path).read_bytes()
        self.page_bytes = int.from_bytes(self.raw[16:18], "big")
        connection = sqlite3.connect(path)
        rows = connection.execute("SELECT place, head, bytes FROM slot").fetchall()
        # What can be counted: how many there are of everything, and how long it is.
        self.totals: dict[str, Any] = {
            "bytes of the file": len(self.raw),
            "bytes of the journal": len(self.journal),
            "rows": str(
                [
                    connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                    for table in ("slot", "reply", "day", "day_key", "export", "accepted")
                ]
            ),
            "free pages": connection.execute("PRAGMA freelist_count").fetchone()[0],
            "lengths of rows": str(Counter((len(head), len(data)) for _, head, data in rows)),
            "slots of each day": [
                count for _, count in sorted(Counter(head[:4] for _, head, _ in rows).items())
            ],
        }
        # Not to be compared: four bytes at random are the number of a page by chance, too.
        self.named = len(list(self.named_pages()))
        connection.close()
        where = dict(self._cells())
        self.slots = [
            Slot(place, int.from_bytes(head[:4], "big"), head[4:20], data, *where[place])
            for place, head, data in rows
        ]

    def named_pages(self) -> Iterator[int]:
        """The page numbers in the journal, where SQLite writes them."""
        count = len(self.raw) // self.page_bytes
        for at in range(HEADER_BYTES, len(self.journal), self.page_bytes + 8):
            number = int.from_bytes(self.journal[at : at + 4], "big")
            if 1 <= number <= count:
                yield number

    def _page(self, number: int) -> bytes:
        return self.raw[(number - 1) * self.page_bytes : number * self.page_bytes]

    def _cells(self) -> Iterator[tuple[int, tuple[int, int, tuple[int, ...]]]]:
        """For each slot's place its leaf page, the number of its cell, and its overflow pages."""
        for number in range(2, len(self.raw) // self.page_bytes + 1):
            page = self._page(number)
            if page[0] != _LEAF:
                continue
            starts = [
                int.from_bytes(page[at : at + 2], "big")
                for at in range(8, 8 + 2 * int.from_bytes(page[3:5], "big"), 2)
            ]
            for cell, start in enumerate(starts):
                if start > self.page_bytes - 16:
                    continue
                size, at = _varint(page, start)
                place, at = _varint(page, at)
                if not 65_536 < size < 65_700:
                    continue
                usable = self.page_bytes
                least = (usable - 12) * 32 // 255 - 23
                local = least + (size - least) % (usable - 4)
                local = local if local <= usable - 35 else least
                pages: list[int] = []
                following = int.from_bytes(page[at + local : at + local + 4], "big")
                while following and len(pages) < 40:
                    pages.append(following)
                    following = int.from_bytes(self._page(following)[:_OVERFLOW_HEAD], "big")
                yield place, (number, cell, tuple(pages))


def _varint(page: bytes, at: int) -> tuple[int, int]:
    value = 0
    for _ in range(9):
        value = value << 7 | page[at] & 0x7F
        at += 1
        if page[at - 1] < 0x80:
            break
    return value, at


def _spread(data: bytes) -> int:
    """The sum of the squares of how often each byte is in *data*."""
    counts = np.bincount(np.frombuffer(data, np.uint8), minlength=256)
    return int(np.dot(counts, counts))


def traits(seized: Seized) -> dict[str, dict[bytes, float]]:
    """Each trait of each slot, by its id."""
    named = Counter(seized.named_pages())
    measures: dict[str, Callable[[Slot], float]] = {
        "its place": lambda slot: slot.place,
        "its leaf page": lambda slot: slot.leaf,
        "its cell": lambda slot: slot.cell,
        "its first overflow page": lambda slot: slot.pages[0],
        "gaps between its pages": lambda slot: sum(
            abs(one - other - 1) for one, other in zip(slot.pages[1:], slot.pages, strict=False)
        ),
        "its id": lambda slot: int.from_bytes(slot.id[:6], "big"),
        "its first bytes": lambda slot: int.from_bytes(slot.data[:6], "big"),
        "bits that are set": lambda slot: int.from_bytes(slot.data, "big").bit_count(),
        "spread of its bytes": lambda slot: _spread(slot.data),
        "its compressed size": lambda slot: len(zlib.compress(slot.data, 1)),
        "pages named in the journal": lambda slot: sum(named[page] for page in slot.pages),
    }
    return {
        name: {slot.id: float(measure(slot)) for slot in seized.slots}
        for name, measure in measures.items()
    }


def told(values: Mapping[bytes, float], groups: Sequence[tuple[set[bytes], set[bytes]]]) -> float:
    """How well a trait tells the first of each two sets from the second.

    Both are of one day. In deviations from chance.
    """
    scores = []
    for these, those in groups:
        first, second = [values[one] for one in these], [values[one] for one in those]
        if not first or not second or len({*first, *second}) == 1:
            continue
        found = mannwhitneyu(first, second, method="asymptotic").statistic
        mean = len(first) * len(second) / 2
        ranks = len(first) + len(second)
        ties = sum(n**3 - n for n in Counter([*first, *second]).values())
        spread = (len(first) * len(second) / 12 * (ranks + 1 - ties / (ranks * (ranks - 1)))) ** 0.5
        scores.append((found - mean) / spread)
    return float(sum(scores) / len(scores) ** 0.5) if scores else 0.0


def ordered(values: Mapping[bytes, float], orders: Sequence[Sequence[bytes]]) -> float:
    """How well a trait tells the order of filing within each day, in deviations from chance."""
    scores = []
    for order in orders:
        given = [values[one] for one in order]
        count = len(given)
        if count < 4 or len(set(given)) == 1:
            continue
        statistic = kendalltau(range(count), given).statistic
        scores.append(statistic / (2 * (2 * count + 5) / (9 * count * (count - 1))) ** 0.5)
    return float(sum(scores) / len(scores) ** 0.5) if scores else 0.0


def together(
    values: Mapping[bytes, float],
    reports: Sequence[Sequence[bytes]],
    shuffled: Callable[[Sequence[bytes]], Sequence[bytes]],
) -> float:
    """Whether slots of one report are nearer to each other than by chance; reports of one day.

    In deviations from what 60 random assignments of the same slots give.
    """
    everything = [one for report in reports for one in report]
    ranks = {one: rank for rank, one in enumerate(sorted(everything, key=values.__getitem__))}
    if len({values[one] for one in everything}) == 1:
        return 0.0

    def distance(names: Sequence[bytes]) -> float:
        total, at = 0.0, 0
        for report in reports:
            part = [ranks[one] for one in names[at : at + len(report)]]
            total += max(part) - min(part)
            at += len(report)
        return total

    chance = [distance(shuffled(everything)) for _ in range(60)]
    mean = sum(chance) / len(chance)
    spread = (sum((one - mean) ** 2 for one in chance) / (len(chance) - 1)) ** 0.5
    return (distance(everything) - mean) / spread if spread else 0.0


def by_day(seized: Seized) -> dict[int, set[bytes]]:
    """The ids of each day's slots."""
    found: dict[int, set[bytes]] = defaultdict(set)
    for slot in seized.slots:
        found[slot.day].add(slot.id)
    return found
