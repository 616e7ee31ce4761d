"""What is blacked out in everything that leaves: added by any reviewer, and taken back by any.

A redaction names the exact bytes to which it applies, by their SHA-256: it can neither slide to
another text nor miss a second copy of the same file. All that were not taken back count, whoever
added them.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, NamedTuple

import sqlite_utils

from scripts.desk.case import Keyed
from scripts.desk.casebook.desks import Desks
from scripts.desk.casebook.shared_rows import Note, SharedRows

TEXT, BOX, FILE = "text", "box", "file"
# A box is in millionths of its page's width and height.
WHOLE = 1_000_000
KEY_BYTES = 16


class Box(NamedTuple):
    """A rectangle on a page, in WHOLE parts of its width and height, from the top left corner."""

    x: int
    y: int
    width: int
    height: int


class Redaction(NamedTuple):
    """*reviewer* (a fingerprint) blacks out a span of a TEXT, a BOX on a page, or a whole FILE.

    ``sha256`` is that of the text or of the file's bytes, in hex; ``key`` is random, in hex. In a
    TEXT, characters ``start`` to ``stop`` (exclusive) are blacked out; for a BOX, ``page`` counts
    from 1. Fields that a kind does not have are 0.
    """

    key: str
    kind: str
    sha256: str
    page: int
    x: int
    y: int
    width: int
    height: int
    start: int
    stop: int
    reason: str
    reviewer: str
    day: date

    @property
    def box(self) -> Box:
        """Where it is on its page."""
        return Box(self.x, self.y, self.width, self.height)


class End(NamedTuple):
    """*reviewer* took back the redaction with this *key*, and why."""

    key: str
    because: str
    reviewer: str
    day: date


class Redactions:
    """The tables ``redaction`` and ``redaction_end``, and those of other desks."""

    def __init__(self, database: sqlite_utils.Database, desks: Desks, note: Note) -> None:
        self._rows = SharedRows(database, desks, "redaction", act="redact", note=note)
        self._ends = SharedRows(database, desks, "redaction_end", act="redact", note=note)

    def of(self, case: int) -> tuple[Redaction, ...]:
        """All that were ever added to *case*, in their order."""
        return _redactions(self._rows.of(case))

    def ends(self, case: int) -> dict[str, End]:
        """The redactions of *case* that were taken back, by key: the first time for each."""
        found: dict[str, End] = {}
        for row in _without_rank(self._ends.of(case)):
            end = End(**{**row, "day": date.fromisoformat(row["day"])})
            found.setdefault(end.key, end)
        return found

    def standing(self, case: int) -> tuple[Redaction, ...]:
        """Those of *case* that count, in their order."""
        ended = self.ends(case)
        return tuple(one for one in self.of(case) if one.key not in ended)

    def all_standing(self) -> list[Redaction]:
        """Those of all cases that count."""
        ended = {row["key"] for rows in self._ends.all().values() for row in rows}
        found = (_redactions(rows) for rows in self._rows.all().values())
        return [one for some in found for one in some if one.key not in ended]

    def add(self, case: Keyed, redaction: Redaction) -> None:
        """Add *redaction* to *case*, in the current transaction."""
        self._rows.add(case, {**redaction._asdict(), "day": redaction.day.isoformat()})

    def end(self, case: Keyed, end: End) -> None:
        """Record that a redaction of *case* is taken back, in the current transaction."""
        row = {**end._asdict(), "day": end.day.isoformat()}
        self._ends.add(case, row)


def _redactions(rows: Iterable[dict[str, Any]]) -> tuple[Redaction, ...]:
    return tuple(
        Redaction(**{**row, "day": date.fromisoformat(row["day"])}) for row in _without_rank(rows)
    )


def _without_rank(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return ({name: row[name] for name in row if name != "rank"} for row in rows)
