"""The cases for counting, as far as all reviewers may read them."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.search import said, summary
from scripts.desk.search.summary import outlines_of

_ROWS = (
    'SELECT standing."case", outline.day, standing.category, standing.harms, standing.status, '
    'standing.merit, standing.reviewers FROM standing JOIN outline ON outline."case" = '
    'standing."case" WHERE standing."case" IN (SELECT value FROM json_each(?)) '
    'ORDER BY standing."case"'
)
_VALUES = {
    said.REVIEW: f"SELECT \"case\", value FROM said WHERE code = ? AND source = '{said.REVIEW}' "  # noqa: S608
    f"AND reader = '{said.EVERYBODY}'",
    "claimant": 'SELECT "case", value FROM fact WHERE code = ?',
}
_ANSWERED = (
    'SELECT answer."case", min(reply_bundle.day) FROM departure JOIN answer ON answer.id = '
    "departure.answer JOIN reply_bundle ON reply_bundle.number = departure.bundle WHERE "
    "answer.kind = 'answer' GROUP BY answer.\"case\""
)
_ANSWERED_ELSEWHERE = (
    'SELECT DISTINCT case_name."case" FROM desk_row JOIN case_name USING (characters) '
    "WHERE desk_row.kind = 'departure'"
)
# Steps that a case takes, in order; each has its label in titles.py.
ALL, LOOKED_AT, REVIEWED, DECIDED, OF_MERIT = "all", "looked at", "reviewed", "decided", "of merit"
STEPS = (ALL, LOOKED_AT, REVIEWED, DECIDED, OF_MERIT)


class Row(NamedTuple):
    """The countable facts about one case; ``merit`` is "" until its reviews are done."""

    number: int
    day: date
    category: str
    harms: tuple[str, ...]
    status: str
    merit: str
    reviewers: tuple[str, ...]


class Cases:
    """The cases with these *numbers*."""

    def __init__(self, casebook: Casebook, numbers: Sequence[int]) -> None:
        summary.catch_up(casebook)
        said.catch_up(casebook)
        self._casebook = casebook
        self._numbers = frozenset(numbers)
        found = casebook.database.execute(_ROWS, [json.dumps(list(numbers))])
        self.rows = [
            Row(
                number,
                date.fromisoformat(day),
                category,
                tuple(harms.split()),
                status,
                merit,
                tuple(reviewers.split()),
            )
            for number, day, category, harms, status, merit, reviewers in found
        ]

    def steps(self, row: Row) -> frozenset[str]:
        """The steps that the case has taken."""
        merit = row.merit in self._casebook.campaign.reviewing.always_second
        taken = {
            ALL: True,
            LOOKED_AT: bool(row.reviewers),
            REVIEWED: row.status not in ("st.new", "st.triaged") and bool(row.reviewers),
            DECIDED: bool(row.merit),
            OF_MERIT: merit,
        }
        return frozenset(step for step, whether in taken.items() if whether)

    def progress(self) -> dict[str, int]:
        """How many cases have taken each step."""
        reached = [self.steps(one) for one in self.rows]
        return {step: sum(step in one for one in reached) for step in STEPS}

    def values(self, code: str) -> dict[int, set[str]]:
        """The values of a field or question, by case: from its reviews, or else its claimant."""
        found: dict[int, set[str]] = {}
        for query in (_VALUES[said.REVIEW], _VALUES["claimant"]):
            reviewed = frozenset(found)
            for case, value in self._casebook.database.execute(query, [code]):
                if case in self._numbers and case not in reviewed:
                    found.setdefault(case, set()).add(value)
        return found

    def losses(self) -> Iterator[dict[str, dict[str, Decimal]]]:
        """The sums by currency and method that reviewers found, for each decided case with any.

        Where reviewers differ, the one who found the least in a currency counts.
        """
        decided = {one.number for one in self.rows if one.merit}
        cases = decided.intersection(self.values("amounts"))
        for case in outlines_of(self._casebook, sorted(cases)):
            least: dict[str, dict[str, Decimal]] = {}
            for judgement in self._casebook.layers.of(case).voices:
                for currency, sums in _sums(judgement.amounts).items():
                    known = least.get(currency)
                    if known is None or sum(sums.values()) < sum(known.values()):
                        least[currency] = sums
            if least:
                yield least

    @cached_property
    def _answered(self) -> dict[int, date]:
        database = self._casebook.database
        found = {case: date.fromisoformat(day) for case, day in database.execute(_ANSWERED)}
        for (case,) in database.execute(_ANSWERED_ELSEWHERE).fetchall():
            answers = self._casebook.answers.to(self._casebook.case(case))
            left = [one.left for one in answers if one.kind == "answer" and one.left]
            if left:
                found[case] = min(left)
        return found

    def days_to_answer(self) -> tuple[list[int], int]:
        """Days from arrival to the first answer, and how many cases have none."""
        waited = [
            max((self._answered[row.number] - row.day).days, 0)
            for row in self.rows
            if row.number in self._answered
        ]
        return waited, len(self.rows) - len(waited)


def _sums(amounts: Iterable[Mapping[str, str]]) -> dict[str, dict[str, Decimal]]:
    """The sums of *amounts* by currency and, in each, by method."""
    found: dict[str, dict[str, Decimal]] = {}
    for one in amounts:
        sums = found.setdefault(one["currency"], {})
        method = one.get("method", "")
        sums[method] = sums.get(method, Decimal()) + Decimal(one["amount"])
    return found
