"""What many cases show together, in numbers: counts, tables, and what is left out of them.

Everything comes from what all reviewers may read in a case: what its claimant said, and what counts
of its reviews. A small count could point at a person, so it is left out, and so is the next
smallest where the total would give it away.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from itertools import combinations

from dropbox.label import Label
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.charts import titles
from scripts.desk.charts.case_progress import progress
from scripts.desk.charts.damage_sums import damages, listed
from scripts.desk.charts.shapes import LEAST, LEFT_OUT, Asked, Bars, Cell, Figure, Grid, Listing
from scripts.desk.charts.small_cells import hidden, hidden_in_grid
from scripts.desk.progress import Progress, watched
from scripts.desk.quality_control import FEW, agreement
from scripts.desk.search.columns import Column, columns_of
from scripts.desk.search.counted import Cases
from scripts.desk.search.limitation import by_time, clock
from scripts.desk.search.said import EVENT_KIND, EVERYBODY, PARTY_ROLE

__all__ = ["LEAST", "LEFT_OUT", "Asked", "Bars", "Cell", "Figure", "Grid", "Listing", "figures"]

# This many periods are legible below or beside each other; with more, they become longer.
_PERIODS, _GRID_PERIODS = 26, 12
# How many of the most frequent harms are shown, and how many codes of one field.
_HARMS, _CODES = 12, 24
_DAYS = ((7, titles.WEEK), (14, titles.TWO_WEEKS), (30, titles.MONTH), (90, titles.QUARTER))
# Days until a claim lapses: a quarter and a year.
_LAPSE = (90, 365)


def figures(casebook: Casebook, asked: Asked, progress: Progress | None = None) -> list[Figure]:
    """All figures in which anything is counted; *progress* is called for each."""
    counted = _Figures(casebook, asked)
    counts: list[Callable[[], Sequence[Figure]]] = [
        lambda: [counted.intake(), counted.intake_by_category(), counted.progress()],
        lambda: [counted.tiers(), counted.harms(), counted.harms_together()],
        counted.fields,
        counted.crosses,
        lambda: [counted.facts(titles.EVENTS, EVENT_KIND), counted.facts(titles.ROLES, PARTY_ROLE)],
        lambda: [counted.losses()],
        lambda: [counted.days_to_answer()],
        lambda: [counted.clock()],
        *([lambda: [counted.agreement()]] if asked.whole else []),
    ]
    found = [one for count in watched(counts, len(counts), progress) for one in count()]
    return [one for one in found if _counts_something(one)]


def _counts_something(figure: Figure) -> bool:
    if isinstance(figure, Bars):
        return any(cell != 0 for _, cell in figure.rows)
    return bool(figure.rows)


class _Figures:
    def __init__(self, casebook: Casebook, asked: Asked) -> None:
        self._casebook = casebook
        self._campaign = casebook.campaign
        self._asked = asked
        self._cases = Cases(casebook, asked.numbers)
        self._columns = columns_of(casebook.campaign)

    def _title(self, label: Label) -> str:
        return label.in_(self._asked.language)

    def _label(self, column: Column, code: str) -> str:
        return column.label(code, self._asked.language)

    def _name(self, column: Column) -> str:
        """The column's question: its own label or, for a list that every campaign has, the usual
        word.
        """
        known = titles.OF_FIELDS.get(column.code)
        return self._title(known) if known else self._label(column, column.code)

    def _bars(self, title: Label, counts: Iterable[tuple[str, int]]) -> Bars:
        rows = tuple(counts)
        cells = hidden([count for _, count in rows], self._asked.least)
        labels = (label for label, _ in rows)
        return Bars(self._title(title), tuple(zip(labels, cells, strict=True)))

    def intake(self) -> Bars:
        """Cases by the week in which they arrived, or by a longer period."""
        period = period_of([one.day for one in self._cases.rows], _PERIODS)
        counts = Counter(period(one.day) for one in self._cases.rows)
        return self._bars(titles.INTAKE, sorted(counts.items()))

    def intake_by_category(self) -> Grid:
        """Cases by their category and by the time at which they arrived."""
        period = period_of([one.day for one in self._cases.rows], _GRID_PERIODS)
        counts = Counter((one.category, period(one.day)) for one in self._cases.rows)
        periods = sorted({period for _, period in counts})
        column = self._columns["category"]
        rows = [
            (self._label(column, code), [counts[code, period] for period in periods])
            for code in _in_order(column.codes, {code for code, _ in counts})
        ]
        return self._grid(titles.INTAKE_BY_CATEGORY, periods, rows)

    def _grid(
        self, title: Label, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[int]]]
    ) -> Grid:
        cells = hidden_in_grid([counts for _, counts in rows], self._asked.least)
        labelled = zip((label for label, _ in rows), cells, strict=True)
        return Grid(self._title(title), tuple(columns), tuple(labelled) if columns else ())

    def progress(self) -> Bars:
        """How far the cases have come: for each step, those that took it."""
        cells = progress(self._cases, self._asked.least)
        rows = tuple((self._title(label), cells[step]) for step, label in titles.STEPS)
        return Bars(self._title(titles.PROGRESS), rows)

    def tiers(self) -> Bars:
        """Decided cases by their merit."""
        counts = Counter(one.merit for one in self._cases.rows if one.merit)
        return self._by_code(titles.TIERS, self._columns["merit"], counts)

    def _by_code(self, title: Label, column: Column, counts: Counter[str]) -> Bars:
        codes = _in_order(column.codes, set(counts))[:_CODES] if counts else []
        return self._bars(title, [(self._label(column, code), counts[code]) for code in codes])

    def harms(self) -> Bars:
        """The most frequent harms."""
        counts = Counter(harm for one in self._cases.rows for harm in one.harms)
        column = self._columns["harms"]
        most = counts.most_common(_HARMS)
        return self._bars(titles.HARMS, [(self._label(column, code), n) for code, n in most])

    def harms_together(self) -> Grid:
        """Cases that have both of two harms."""
        counts = Counter(harm for one in self._cases.rows for harm in one.harms)
        most = [harm for harm, _ in counts.most_common(_HARMS)]
        pairs = Counter(
            pair for one in self._cases.rows for pair in combinations(sorted(one.harms), 2)
        )
        column = self._columns["harms"]

        def both(one: str, other: str) -> int:
            return counts[one] if one == other else pairs[min(one, other), max(one, other)]

        rows = []
        for number, one in enumerate(most, 1):
            counted = (both(one, other) for other in most)
            cells = tuple(None if 0 < cell < self._asked.least else cell for cell in counted)
            rows.append((f"{number}. {self._label(column, one)}", cells))
        numbers = tuple(str(number) for number in range(1, len(most) + 1))
        return Grid(self._title(titles.HARMS_TOGETHER), numbers, tuple(rows))

    def fields(self) -> list[Bars]:
        """The campaign's own fields that have choices: what reviews say, or else the claimant."""
        found = []
        for field in self._campaign.reviewing.fields:
            if field.choices:
                counts = Counter(
                    value for values in self._cases.values(field.code).values() for value in values
                )
                found.append(self._by_code(field, self._columns[field.code], counts))
        return found

    def crosses(self) -> list[Grid]:
        """Pairs of questions or fields that the campaign wants to compare."""
        return [
            self._cross(self._columns[row], self._columns[column])
            for row, column in self._campaign.reviewing.crosses
            if row in self._columns and column in self._columns
        ]

    def _cross(self, row: Column, column: Column) -> Grid:
        down, across = self._cases.values(row.code), self._cases.values(column.code)
        counts = Counter(
            (one, other)
            for case, values in down.items()
            for one in values
            for other in across.get(case, ())
        )
        rows = _present(row.codes, {one for one, _ in counts})[:_CODES]
        columns = _present(column.codes, {other for _, other in counts})[:_CODES]
        title = Label("", {"en": f"{self._name(row)} × {self._name(column)}"})
        return self._grid(
            title,
            [self._label(column, code) for code in columns],
            [(self._label(row, one), [counts[one, other] for other in columns]) for one in rows],
        )

    def facts(self, title: Label, code: str) -> Bars:
        """Cases with each kind of event, or role of a person; names are in no figure."""
        counts = Counter(value for values in self._cases.values(code).values() for value in values)
        return self._by_code(title, self._columns[code], counts)

    def losses(self) -> Listing:
        """Losses that reviewers found, by currency and by what they rest on."""
        found = damages(self._casebook, self._cases, self._asked)
        return listed(found, self._campaign.reviewing, self._asked)

    def clock(self) -> Bars:
        """Claims by the time until they lapse, where counsel said when."""
        found = clock(self._casebook, EVERYBODY, self._asked.numbers)
        counts = by_time(found.running, self._asked.today, _LAPSE)
        labels = (titles.LAPSED, *titles.UNTIL, titles.AFTER)
        rows = [(self._title(label), count) for label, count in zip(labels, counts, strict=True)]
        undated = sum(len(cases) for _, cases in found.without_date)
        rows.append((self._title(titles.NO_DATE), undated))
        return self._bars(titles.CLOCK, rows)

    def agreement(self) -> Listing:
        """How well first and second reviewers agree, field by field."""
        found = [one for one in agreement(self._casebook) if one.units]
        rows = tuple(
            (
                self._name(self._columns[one.field]),
                f"{one.units:,}",
                _share(one.kappa),
                _share(one.alpha),
            )
            for one in found
        )
        heads = tuple(map(self._title, (titles.FIELD, titles.UNITS, titles.KAPPA, titles.ALPHA)))
        return Listing(
            self._title(titles.AGREEMENT),
            heads,
            rows,
            self._title(titles.AGREEMENT_NOTE).replace("%", str(FEW)),
        )

    def days_to_answer(self) -> Bars:
        """Days from the arrival of a case to its first answer."""
        waited, waiting = self._cases.days_to_answer()
        counts, previous = [], -1
        for most, label in _DAYS:
            counts.append((self._title(label), sum(previous < days <= most for days in waited)))
            previous = most
        counts.append((self._title(titles.LONGER), sum(days > previous for days in waited)))
        counts.append((self._title(titles.NO_ANSWER), waiting))
        return self._bars(titles.DAYS, counts if waited else [])


def _share(value: float | None) -> str:
    return LEFT_OUT if value is None else f"{value:.2f}"


def _present(codes: Sequence[str], present: set[str]) -> list[str]:
    """Those of *codes* that are *present*, in their order, followed by anything that is not a
    code.
    """
    return [*(code for code in codes if code in present), *sorted(present - set(codes))]


def _in_order(codes: Sequence[str], present: set[str]) -> list[str]:
    """All *codes*, or from a long list those *present*, followed by anything that is not a code."""
    return _present(codes, present if len(codes) > _CODES else present | set(codes))


def period_of(days: Sequence[date], most: int) -> Callable[[date], str]:
    """A function from a day to its period: a week (its Monday), a month or a year; about *most*."""
    if not days:
        return date.isoformat
    begin, end = min(days), max(days)
    if (end - begin).days < 7 * most:
        return lambda day: (day - timedelta(days=day.weekday())).isoformat()
    if (end - begin).days < 30 * most:
        return lambda day: f"{day:%Y-%m}"
    return lambda day: f"{day:%Y}"
