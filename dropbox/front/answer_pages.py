"""The answers on a case page: as many as leave the page its one length, the others a button away, by weeks."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from markupsafe import escape

from dropbox.front.intake import ReceivedReply

# What the answers on one page may take in bytes of HTML: with it, the longest of the three languages' pages and a fresh
# form's token stay within one page's length. One answer alone is never held back.
ANSWERS_BYTES = 12_288
# An answer's marks around its text, its button, and its week's heading.
_MARKS_BYTES = 400

Week = tuple[date, list[ReceivedReply]]


class AnswerPage(NamedTuple):
    """The answers of one page by the Monday of their week, newest first, and where older ones begin, if there are any."""

    weeks: list[Week]
    first: int
    older: int | None


def answer_page(received: Sequence[ReceivedReply], first: int = 0) -> AnswerPage:
    """Those of *received* (newest first) that begin at index *first*; the newest when there is no such index."""
    if not 0 <= first < len(received):
        first = 0
    end, left = first, ANSWERS_BYTES
    while end < len(received) and (end == first or left >= _bytes(received[end])):
        left -= _bytes(received[end])
        end += 1
    return AnswerPage(weeks(received[first:end]), first, end if end < len(received) else None)


def weeks(received: Sequence[ReceivedReply]) -> list[Week]:
    """*received* by the Monday of its week: finer would say more of the reviewers than a claimant needs."""
    grouped: dict[date, list[ReceivedReply]] = {}
    for one in received:
        day = one.reply.day
        grouped.setdefault(day - timedelta(days=day.weekday()), []).append(one)
    return list(grouped.items())


def _bytes(one: ReceivedReply) -> int:
    return _MARKS_BYTES + len(str(escape(one.reply.text)).encode("utf-8"))
