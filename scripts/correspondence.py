"""Answers as they stand in the casebook's file: waiting, taken back, or gone, and whether anything came after them."""

from datetime import date
from typing import Any

import sqlite_utils

from scripts.case import Answer

QUEUED = "answer.bundle is null and id not in (select answer from taken_back)"
# A part of the very day on which an answer left counts if it was not here yet: the answer may have been read by then.
_ANSWERS = """
    SELECT answer.*, reply_bundle.day AS left, (
        SELECT min(part.day) FROM part
        WHERE part."case" = answer."case" AND part.number > departure.part AND part.day >= reply_bundle.day
    ) AS returned
    FROM answer LEFT JOIN departure ON departure.answer = answer.id
    LEFT JOIN reply_bundle ON reply_bundle.number = departure.bundle
    WHERE id NOT IN (SELECT answer FROM taken_back) AND {} ORDER BY answer.id
"""


def make_tables(database: sqlite_utils.Database) -> None:
    """The table of answers that were taken back; what was written stays for the record, though it never leaves."""
    columns = {"answer": int, "day": str}
    database.create_table("taken_back", columns, pk="answer", not_null=set(columns), strict=True)


def answers(database: sqlite_utils.Database, where: str = "1", *values: int) -> list[Answer]:
    """The answers that were not taken back, in the order in which they were written."""
    return [_answer(row) for row in database.query(_ANSWERS.format(where), values)]


def left(database: sqlite_utils.Database) -> list[Answer]:
    """The answers that have left, acknowledgements not among them."""
    return answers(database, "answer.bundle is not null and kind = 'answer'")


def take_back(database: sqlite_utils.Database, answer: Answer, *, day: date) -> dict[str, Any]:
    """Note that a queued answer is not to leave. Returns the row of ``taken_back``."""
    row = {"answer": answer.id, "day": day.isoformat()}
    database.table("taken_back").insert(row)
    return row


def _answer(row: dict[str, Any]) -> Answer:
    days = {name: row[name] and date.fromisoformat(row[name]) for name in ("day", "left", "returned")}
    return Answer(**{**row, **days})
