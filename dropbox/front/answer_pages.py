"""Splitting a case's answers into pages, so that each page fits in one page length."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from markupsafe import escape

from dropbox.front.intake import ReceivedReply

# The answers on one page can take this many bytes of HTML: then the longest of the three languages'
# pages, with a fresh form token, stays within one page length. A single answer is always shown.
ANSWERS_BYTES = 12_288
# An answer's markup, its button, and the heading of its week.
_MARKUP_BYTES = 400

Week = tuple[date, list[ReceivedReply]]


class AnswerPage(NamedTuple):
    """The answers of one page by the Monday of their week, newest first.

    ``first`` and ``older`` are indexes into all answers: of this page's first answer, and of the
    next page's, or None on the last page.
    """

    weeks: list[Week]
    first: int
    older: int | None

    @property
    def indexes(self) -> list[int]:
        """The indexes of the tags of its answers."""
        return [one.index for _, week in self.weeks for one in week]


def answer_page(received: Sequence[ReceivedReply], first: int) -> AnswerPage:
    """The page of *received* (newest first) that starts at *first*, or at 0 if there is none."""
    if not 0 <= first < len(received):
        first = 0
    end, left = first, ANSWERS_BYTES
    while end < len(received) and (end == first or left >= _bytes(received[end])):
        left -= _bytes(received[end])
        end += 1
    return AnswerPage(weeks(received[first:end]), first, end if end < len(received) else None)


def weeks(received: Sequence[ReceivedReply]) -> list[Week]:
    """*received* by the Monday of its week: exact days would reveal the reviewers' habits."""
    grouped: dict[date, list[ReceivedReply]] = {}
    for answer in received:
        day = answer.reply.day
        grouped.setdefault(day - timedelta(days=day.weekday()), []).append(answer)
    return list(grouped.items())


def _bytes(answer: ReceivedReply) -> int:
    return _MARKUP_BYTES + len(str(escape(answer.reply.text)).encode("utf-8"))
