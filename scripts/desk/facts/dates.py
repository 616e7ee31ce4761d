"""Dates as people know them: a day, a month or a year, about one, between two, before or after one.

One notation covers them all: 2019-03-15, 2019-03, 2019, ~2019-03, 2019-03..2019-05, <2019-03,
>2019-03, and nothing for an unknown date. People may type words instead.
"""

import calendar
import re
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from dropbox.errors import CasedropError
from dropbox.label import trilingual

# Nobody who writes to a drop tells of an earlier time, and nobody plans for a later one.
FIRST_YEAR, LAST_YEAR = 1900, 2100
_CHARACTERS = 60
_YEARS = rf"write a year from {FIRST_YEAR} to {LAST_YEAR} with four digits"
_ONE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?", re.ASCII)
_LUNAR = re.compile(
    "农历|農曆|阴历|陰曆|旧历|舊曆|lunar|闰|閏|正月|腊月|臘月|冬月|廿|初[一二三四五六七八九十]"
)
_REPUBLIC = re.compile(r"民国|民國|\broc\b|republic|^1[01]\d年", re.ASCII)
_TWO_DIGITS = re.compile(
    r"(?:['’]\d{2}|\d{1,2}[-/.年]\d{1,2}([-/.月]\d{1,4}日?)?|\d{2}年?)", re.ASCII
)
_UNKNOWN = frozenset({"", "unknown", "not known", "?", "不详", "不詳", "不清楚", "不知道"})
_BETWEEN = re.compile(r"\s*(?:\.{2,3}|至|到|\bto\b|\band\b)\s*")


class BadDate(CasedropError):
    """This is not a date; one is written 2019-03-15, 2019-03, 2019, about 2019, before 2019."""


class Certainty(StrEnum):
    """How well a time is known."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"
    ABOUT = "about"
    BETWEEN = "between"
    BEFORE = "before"
    AFTER = "after"
    UNKNOWN = "unknown"


NO_DATE = trilingual("没有日期", "沒有日期", "no date")
_SHOWN = {
    Certainty.ABOUT: trilingual("约 {}", "約 {}", "about {}"),
    Certainty.BETWEEN: trilingual("{} 至 {}", "{} 至 {}", "{} to {}"),
    Certainty.BEFORE: trilingual("{} 之前", "{} 之前", "before {}"),
    Certainty.AFTER: trilingual("{} 之后", "{} 之後", "after {}"),
    Certainty.UNKNOWN: NO_DATE,
}


# Words before or after a date, in the order in which they are tried.
_MARKS = (
    (
        Certainty.ABOUT,
        ("about ", "around ", "circa ", "~", "大约", "大約", "大概", "约", "約"),
        ("左右", "前后", "前後"),
    ),
    (Certainty.BEFORE, ("before ", "<"), ("之前", "以前", "前")),
    (Certainty.AFTER, ("after ", ">"), ("之后", "之後", "以后", "以後", "后", "後")),
)


@dataclass(frozen=True)
class FactDate:
    """When something was: its certainty, what was written, and the days that it can mean.

    ``first`` and ``last`` are None where it is open-ended. "About" adds as much again on both
    sides.
    """

    certainty: Certainty
    parts: tuple[str, ...]
    first: date | None
    last: date | None

    @property
    def written(self) -> str:
        """The date in the notation that :func:`read` reads."""
        signs = {Certainty.ABOUT: "~", Certainty.BEFORE: "<", Certainty.AFTER: ">"}
        return signs.get(self.certainty, "") + "..".join(self.parts)

    def shown(self, language: str) -> str:
        """The date in words."""
        words = _SHOWN.get(self.certainty)
        return words.in_(language).format(*self.parts) if words else self.written

    @property
    def dated(self) -> bool:
        """Whether anything is known about it."""
        return self.certainty is not Certainty.UNKNOWN

    @property
    def order(self) -> tuple[date, int, date]:
        """A sort key; a time with only an end or only a beginning sorts by that one."""
        known = [span(one) for one in self.parts]
        if not known:
            return date.max, 2, date.max
        if self.certainty is Certainty.BEFORE:
            return known[0][0], -1, known[0][0]
        if self.certainty is Certainty.AFTER:
            return known[0][1], 1, known[0][1]
        return known[0][0], 0, known[-1][1]

    def may_be_before(self, other: "FactDate") -> bool:
        """Whether this may have been before *other*, which is listed before it."""
        if Certainty.UNKNOWN in (self.certainty, other.certainty):
            return False
        if self.certainty is other.certainty is Certainty.DAY:
            return False
        return self.first is None or other.last is None or self.first < other.last


UNKNOWN = FactDate(Certainty.UNKNOWN, (), None, None)


def read(written: str) -> FactDate:
    """A stored date; one in a notation that this desk does not know counts as unknown."""
    try:
        return parse(written)
    except BadDate:
        return UNKNOWN


def parse(typed: str) -> FactDate:
    """A date as people type it. Raises BadDate, which says how to write it."""
    if len(typed) > _CHARACTERS:
        raise BadDate
    text = " ".join(unicodedata.normalize("NFKC", typed).lower().split())
    if text in _UNKNOWN:
        return UNKNOWN
    _refuse(text)
    for certainty, begins, ends in _MARKS:
        if rest := _without(text, begins, ends):
            return _made(certainty, (_single(rest),))
    sides = _BETWEEN.split(text.removeprefix("between ").removeprefix("from "))
    if len(sides) == 2:
        return _made(Certainty.BETWEEN, (_single(sides[0]), _single(sides[1])))
    one = _single(text)
    kinds = (Certainty.YEAR, Certainty.MONTH, Certainty.DAY)
    return _made(kinds[one.count("-")], (one,))


def _refuse(text: str) -> None:
    """Refuse calendars and spellings that can mean several days, each with its own sentence."""
    if _LUNAR.search(text):
        raise BadDate(
            "A lunar date is another day in each year: write the day of the ordinary calendar, or "
            "the months in which it can have been, such as 2019-02..2019-03."
        )
    if _REPUBLIC.search(text):
        raise BadDate(
            "Years of the Republic of China begin with 1912: add 1911, so that 108 becomes 2019."
        )
    if _TWO_DIGITS.fullmatch(text):
        raise BadDate(
            f"It is not certain which year this is: {_YEARS}, and write it first, as in 2019-03-15."
        )


def _without(text: str, begins: tuple[str, ...], ends: tuple[str, ...]) -> str:
    """*text* without the first of these marks that it has, "" if it has none."""
    for mark in begins:
        if text.startswith(mark):
            return text.removeprefix(mark).strip()
    for mark in ends:
        if text.endswith(mark):
            return text.removesuffix(mark).strip()
    return ""


def _single(text: str) -> str:
    """A day, month or year as 2019-03-15, 2019-03 or 2019. Raises BadDate."""
    plain = re.sub(r"[年月/.]", "-", re.sub("[日号號]$", "", text)).replace(" ", "").rstrip("-")
    found = _ONE.fullmatch(plain)
    if found is None:
        _refuse(text)
        raise BadDate
    year, month, day = (None if one is None else int(one) for one in found.groups())
    assert year is not None
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise BadDate(f"The year {year} cannot be meant here: {_YEARS}.")
    try:
        date(year, 1 if month is None else month, 1 if day is None else day)
    except ValueError:
        raise BadDate(f"There is no {plain} in the calendar.") from None
    return "-".join([f"{year}", *(f"{one:02d}" for one in (month, day) if one is not None)])


def span(one: str) -> tuple[date, date]:
    """The first and the last day of 2019-03-15, 2019-03 or 2019."""
    year, month, day = ([*map(int, one.split("-")), 0, 0])[:3]
    if day:
        return date(year, month, day), date(year, month, day)
    if month:
        return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])
    return date(year, 1, 1), date(year, 12, 31)


def _made(certainty: Certainty, parts: tuple[str, ...]) -> FactDate:
    """The date from its *parts*. Raises BadDate if the second of two is before the first."""
    first, last = span(parts[0])[0], span(parts[-1])[1]
    if certainty is Certainty.BETWEEN and first > span(parts[-1])[0]:
        raise BadDate("The first of the two dates is after the second.")
    day = timedelta(days=1)
    if certainty is Certainty.ABOUT:
        width = last - first + day
        return FactDate(certainty, parts, first - width, last + width)
    if certainty is Certainty.BEFORE:
        return FactDate(certainty, parts, None, first - day)
    if certainty is Certainty.AFTER:
        return FactDate(certainty, parts, last + day, None)
    return FactDate(certainty, parts, first, last)
