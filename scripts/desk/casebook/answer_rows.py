"""Answers in the casebook's file: queued, taken back or sent, and whether the claimant returned."""

from datetime import date
from typing import Any

import sqlite_utils

from dropbox.reply import REPLIES_PER_DESK
from scripts.desk.case import Answer

# The kind of an answer that says only that the reviewers opened what the claimant sent.
ACKNOWLEDGEMENT = "acknowledgement"
# The rest of a case's replies stays free for answers, however many messages a claimant sends.
MOST_ACKNOWLEDGEMENTS = REPLIES_PER_DESK // 2
# Conditions on the table ``answer``: not taken back; queued; written by a reviewer and sent.
VALID = "id not in (select answer from taken_back)"
QUEUED = f"answer.bundle is null and {VALID}"
LEFT = "answer.bundle is not null and kind = 'answer'"
# Left in a reply bundle, for the first time or again; both values are the bundle's number.
LEFT_IN = "(departure.bundle = ? or answer.id in (select answer from sent_again where bundle = ?))"
# The number of answers to a case, as one plain statement: an import asks it thousands of times.
GIVEN = f'SELECT count(*) FROM answer WHERE "case" = ? AND {VALID}'  # noqa: S608 - ours alone
# A part filed on the very day on which an answer left counts as a return if it arrived later: the
# claimant may have read the answer by then.
_ANSWERS = """
    SELECT answer.*, case_name.name AS case_name, reply_bundle.day AS left, (
        SELECT min(part.day) FROM part WHERE part."case" = answer."case"
        AND part.number > departure.part AND part.day >= reply_bundle.day
    ) AS returned
    FROM answer JOIN case_name ON case_name."case" = answer."case"
    LEFT JOIN departure ON departure.answer = answer.id
    LEFT JOIN reply_bundle ON reply_bundle.number = departure.bundle
    WHERE {} AND {} ORDER BY answer.id
"""


def read_answers(database: sqlite_utils.Database, where: str = "1", *values: int) -> list[Answer]:
    """The answers that were not taken back and meet *where*, in the order they were written."""
    return [_answer(row) for row in database.query(_ANSWERS.format(VALID, where), values)]


def _answer(row: dict[str, Any]) -> Answer:
    days = {
        name: row[name] and date.fromisoformat(row[name]) for name in ("day", "left", "returned")
    }
    return Answer(**{**row, **days})
