"""The limitation clock: when claims lapse, by the table that counsel wrote into the campaign file.

A theory of a claim has conditions, the date from which it runs, and a number of months. Only what
its reader may know is read of a case.
"""

import calendar
from collections.abc import Collection
from dataclasses import dataclass
from datetime import MAXYEAR, date, timedelta
from itertools import pairwise

from dropbox.label import Label
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.search.selection import Condition, Selection, values_of


@dataclass(frozen=True)
class Running:
    """A claim in a case: its theory, the date from which it runs, as somebody said, and its last
    day.
    """

    case: int
    theory: Label
    since: str
    last: date


@dataclass(frozen=True)
class Clock:
    """The claims, in the order in which they lapse, and the cases without a date for each
    theory.
    """

    running: tuple[Running, ...]
    without_date: tuple[tuple[Label, tuple[int, ...]], ...]


def clock(casebook: Casebook, reviewer: str, numbers: Collection[int]) -> Clock:
    """The claims of the cases with these *numbers*, as *reviewer* may know them.

    Raises SelectionError or WrongCode for a condition in the campaign file that asks for nothing.
    """
    running, without_date = list[Running](), list[tuple[Label, tuple[int, ...]]]()
    for one in casebook.campaign.reviewing.limitations:
        chosen = Selection(where=tuple(map(Condition.read, one.where)))
        lacking = set(chosen.numbers(casebook, reviewer)) & set(numbers)
        for code in one.begins:
            dated = {
                case: _first(values)
                for case, values in values_of(casebook, reviewer, code).items()
                if case in lacking
            }
            for case, first in dated.items():
                if first is not None:
                    last = after_months(first[1], one.months) - timedelta(days=1)
                    running.append(Running(case, one, first[0], last))
                    lacking.discard(case)
        without_date.append((one, tuple(sorted(lacking))))
    running.sort(key=lambda claim: (claim.last, claim.case))
    return Clock(tuple(running), tuple(without_date))


def _first(values: Collection[str]) -> tuple[str, date] | None:
    """The earliest date given, with the first day that it can mean: the claim may be older than its
    claimant remembers, but the clock never assumes a later date.
    """
    found = [(value, day) for value in values if (day := first_day(value)) is not None]
    # As texts, too, "2019" comes before "2019-03" and that before "2019-03-15".
    return min(found, default=None)


def first_day(value: str) -> date | None:
    """The first day of "2019", "2019-03" or "2019-03-15"; None for anything else."""
    whole = f"{value}-01-01"[: len("2019-03-15")]
    try:
        return date.fromisoformat(whole)
    except ValueError:
        return None


def after_months(day: date, months: int) -> date:
    """The same day *months* later, or the last day of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > MAXYEAR:
        return date.max
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def by_time(claims: Collection[Running], today: date, days: tuple[int, ...]) -> list[int]:
    """How many claims have lapsed by *today*, lapse in up to each of *days*, and later."""
    left = [(claim.last - today).days for claim in claims]
    bounds = (-1, *days)
    within = [sum(low < one <= high for one in left) for low, high in pairwise(bounds)]
    return [sum(one < 0 for one in left), *within, sum(one > bounds[-1] for one in left)]
