"""A campaign's optional questions: reading answers from a form, storing and showing them.

A report has no entry for a question without an answer. The other answers are, by the question's
kind: the code of a choice (``one``), the codes of several (``many``), "2026-03" or "2026"
(``month``), "2026" (``year``), a short text (``short``), or a list of lines, each of which maps a
column's code to that column's answer (``lines``).
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dropbox.errors import AnswerTooLong, BadAnswer, YearMissing
from dropbox.label import Label

KINDS = ("one", "many", "month", "year", "short", "lines")
# Kinds whose choices are listed in the campaign file.
WITH_CHOICES = ("one", "many")
# A column of a line has one value.
IN_LINES = ("one", "short")

# Enough for an amount, a price, or a month in words.
SHORT_CHARACTERS = 24
LINES = 3
MONTHS = tuple(f"{month:02}" for month in range(1, 13))

_YEAR = re.compile(r"20[0-9]{2}")


@dataclass(frozen=True)
class Question(Label):
    """One question.

    ``why`` is half a sentence on what the answer is for; only ``lines`` has ``columns``.
    """

    why: Mapping[str, str]
    kind: str
    choices: tuple[Label, ...] = ()
    columns: tuple["Question", ...] = ()

    @property
    def codes(self) -> frozenset[str]:
        """The codes of the choices."""
        return frozenset(choice.code for choice in self.choices)

    @property
    def cells(self) -> int:
        """How many values a form always sends for it, even if empty; unticked boxes send none."""
        return {"many": 0, "month": 2, "lines": LINES * len(self.columns)}.get(self.kind, 1)

    def read(self, untrusted: Sequence[str]) -> Any:
        """The answer in the values a form sent, in the form's order, or None if there is none.

        Raises BadAnswer, YearMissing or AnswerTooLong.
        """
        return _READERS[self.kind](self, untrusted)

    def shown(self, answer: Any, language: str) -> str:
        """An answer from a report as a person reads it.

        An answer of another kind is shown unchanged.
        """
        if self.kind == "lines" and isinstance(answer, list):
            return "; ".join(self._line_shown(line, language) for line in answer)
        if isinstance(answer, list):
            return ", ".join(self.shown(code, language) for code in answer)
        return next(
            (choice.in_(language) for choice in self.choices if choice.code == answer), str(answer)
        )

    def _line_shown(self, line: Any, language: str) -> str:
        if not isinstance(line, dict):
            return str(line)
        columns = [column for column in self.columns if column.code in line]
        return ", ".join(
            f"{column.in_(language)} {column.shown(line[column.code], language)}"
            for column in columns
        )


@dataclass(frozen=True)
class Group(Label):
    """Questions that are shown together."""

    questions: tuple[Question, ...]


def _one(question: Question, untrusted: Sequence[str]) -> str | None:
    value = untrusted[0] if untrusted else ""
    if not value:
        return None
    if value not in question.codes:
        raise BadAnswer
    return value


def _many(question: Question, untrusted: Sequence[str]) -> list[str] | None:
    if not set(untrusted) <= question.codes:
        raise BadAnswer
    return [choice.code for choice in question.choices if choice.code in untrusted] or None


def _year(question: Question, untrusted: Sequence[str]) -> str | None:
    value = untrusted[0] if untrusted else ""
    if value and not _YEAR.fullmatch(value):
        raise BadAnswer
    return value or None


def _month(question: Question, untrusted: Sequence[str]) -> str | None:
    """The page has two lists: the year's value comes first, then the month's."""
    year, month = _year(question, untrusted[:1]), "".join(untrusted[1:2])
    if month and month not in MONTHS:
        raise BadAnswer
    if month and not year:
        raise YearMissing
    return f"{year}-{month}" if month else year


def _short(question: Question, untrusted: Sequence[str]) -> str | None:
    """Full-width digits and letters, which Chinese keyboards produce, become ASCII."""
    value = " ".join(unicodedata.normalize("NFKC", untrusted[0] if untrusted else "").split())
    if len(value) > SHORT_CHARACTERS:
        raise AnswerTooLong
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in value):
        raise BadAnswer
    return value or None


def _lines(question: Question, untrusted: Sequence[str]) -> list[dict[str, str]] | None:
    """A form sends all columns of all lines, even if empty, so a position gives the column."""
    width = len(question.columns)
    if len(untrusted) > LINES * width:
        raise BadAnswer
    lines = []
    for start in range(0, len(untrusted), width):
        cells = zip(question.columns, untrusted[start : start + width], strict=False)
        answers = [(column.code, column.read([value])) for column, value in cells]
        lines.append({code: answer for code, answer in answers if answer is not None})
    return [line for line in lines if line] or None


_READERS = {
    "one": _one,
    "many": _many,
    "year": _year,
    "month": _month,
    "short": _short,
    "lines": _lines,
}
