"""Which cases come back for a second review, by a draw that neither claimants nor reviewers
control.

Every case takes part in the draw at its first review. `quality --draw` draws once more from those
that were rejected; its result is recorded, so a later change of the share or the key does not undo
it.
"""

import hashlib
from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

import sqlite_utils

from scripts.desk.case import Keyed
from scripts.desk.casebook.desks import Desks
from scripts.desk.casebook.shared_rows import Note, SharedRows

# Two draws with one key that are independent of each other.
SECOND, QUALITY = b"cd1:second", b"cd1:quality"


def sampled(key: bytes, case: Keyed, percent: int, draw: bytes = SECOND) -> bool:
    """Whether *case* is in the random sample that gets a second review.

    The draw is a keyed hash of the case's own reply keys. The claimant chose those but does not
    know *key*, which was drawn with the casebook and is bound into the start of the custody log;
    reviewers can choose neither. Anybody with the casebook can repeat the draw. It depends on no
    other case, so desks that draw from different cases draw what one desk would draw from all.
    """
    drawn = hashlib.blake2b(
        case.reply_public + case.tag_key, key=key, person=draw, digest_size=8
    ).digest()
    return int.from_bytes(drawn, "big") * 100 < percent * 2**64


class Draw(NamedTuple):
    """A rejected case was drawn by the sample key of the desk with the origin *key*.

    That key draws *percent* of all cases; *reviewer* (a fingerprint) asked for it on *day*.
    """

    key: str
    percent: int
    reviewer: str
    day: date


# The reviewer's looks at a case before it was drawn: here, or else elsewhere.
_SEEN_BEFORE = """
    WITH own AS (
        SELECT number, json_extract(CAST(line AS TEXT), '$.row') AS row,
        json_extract(CAST(line AS TEXT), '$.time') AS time,
        json_extract(CAST(line AS TEXT), '$.act') AS act,
        json_extract(CAST(line AS TEXT), '$.subject') AS subject,
        json_extract(CAST(line AS TEXT), '$.reviewer') AS reviewer FROM custody
    ), here AS (
        SELECT min(number) AS number FROM own
        WHERE row IN (SELECT 'draw/' || number FROM draw WHERE "case" = ?1)
    ), elsewhere AS (
        SELECT min(json_extract(CAST(desk_line.line AS TEXT), '$.time')) AS time FROM desk_row
        JOIN case_name USING (characters) JOIN desk_line ON desk_line.sha256 = desk_row.line
        WHERE case_name."case" = ?1 AND kind = 'draw'
    )
    SELECT 1 FROM own, here, elsewhere
    WHERE own.act = 'view' AND own.subject = ?2 AND own.reviewer = ?3 AND own.time >= ?4
    AND iif(here.number, own.number < here.number, own.time < elsewhere.time) LIMIT 1
"""


class Draws:
    """The table ``draw``, and those of other desks."""

    def __init__(self, database: sqlite_utils.Database, desks: Desks, note: Note) -> None:
        self._database = database
        self._rows = SharedRows(database, desks, "draw", act="draw", note=note)

    def cases(self) -> list[int]:
        """The cases here that were ever drawn."""
        found = self._database.execute(
            'SELECT "case" FROM draw UNION SELECT case_name."case" FROM desk_row '
            "JOIN case_name USING (characters) WHERE kind = 'draw' ORDER BY 1"
        )
        return [number for (number,) in found]

    def of(self, case: int) -> tuple[Draw, ...]:
        """The draws of *case*: several, if desks drew it before they knew of each other."""
        return tuple(
            Draw(**{**row, "day": date.fromisoformat(row["day"])}) for row in self._rows.of(case)
        )

    def seen_before(self, case: Keyed, reviewer: str, since: date) -> bool:
        """Whether *reviewer* looked at *case* here between *since* and the draw.

        The whole day counts, even a look earlier on the day of a review.
        """
        found = self._database.execute(
            _SEEN_BEFORE, [case.number, case.name, reviewer, since.isoformat()]
        )
        return found.fetchone() is not None

    def add(self, case: Keyed, draw: Draw) -> None:
        """Record that *case* was drawn, in the current transaction."""
        self._rows.add(case, {**draw._asdict(), "day": draw.day.isoformat()})


def by_chance(draw: Draw, case: Keyed, keys: Mapping[str, bytes]) -> bool:
    """Whether *draw* drew *case* by its key. *keys* are the desks' sample keys by origin."""
    key = keys.get(draw.key)
    return key is not None and sampled(key, case, draw.percent, QUALITY)
