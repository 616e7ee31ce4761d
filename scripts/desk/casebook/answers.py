"""Answers as they stand in the casebook's file: waiting, taken back, or gone, and whether anything came after them."""

from datetime import date
from typing import Any

import sqlite_utils

from scripts.desk.case import Answer

# Conditions on the table ``answer``: not taken back; of these, those that wait, and those of a reviewer's that have left.
STANDING = "id not in (select answer from taken_back)"
QUEUED = f"answer.bundle is null and {STANDING}"
LEFT = "answer.bundle is not null and kind = 'answer'"
# How many answers a case has had, for each of thousands of acknowledgements.
GIVEN = f'SELECT count(*) FROM answer WHERE "case" = ? AND {STANDING}'  # noqa: S608 - ours alone
# A part of the very day on which an answer left counts if it was not here yet: the answer may have been read by then.
_ANSWERS = """
    SELECT answer.*, reply_bundle.day AS left, (
        SELECT min(part.day) FROM part
        WHERE part."case" = answer."case" AND part.number > departure.part AND part.day >= reply_bundle.day
    ) AS returned
    FROM answer LEFT JOIN departure ON departure.answer = answer.id
    LEFT JOIN reply_bundle ON reply_bundle.number = departure.bundle
    WHERE {} AND {} ORDER BY answer.id
"""


def read_answers(database: sqlite_utils.Database, where: str = "1", *values: int) -> list[Answer]:
    """The answers that were not taken back, in the order in which they were written."""
    return [_answer(row) for row in database.query(_ANSWERS.format(STANDING, where), values)]


def _answer(row: dict[str, Any]) -> Answer:
    days = {
        name: row[name] and date.fromisoformat(row[name]) for name in ("day", "left", "returned")
    }
    return Answer(**{**row, **days})
