"""Selecting cases by conditions, in an order, as far as a reviewer may see.

Every condition and every order reads only what the reviewer may read. So neither a found case, nor
its position, nor a count reveals anything about a review to which the reviewer is kept blind, or
about a case that they gave away.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from dropbox.errors import CasedropError
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.search import said, summary
from scripts.desk.search.columns import CLAIMANT, SOURCES, Column, Kind, columns_of
from scripts.desk.search.known_codes import wrong_code
from scripts.desk.search.queue_definitions import queue_named
from scripts.desk.search.said import OWN
from scripts.terminal import one_line

_CONDITION = re.compile(r"\s*([^<>=!]+?)\s*(<=|>=|!=|=|<|>)\s*(.*?)\s*", re.DOTALL)
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?", re.ASCII)
_MONTH = re.compile(r"[12][0-9]{3}(-[0-9]{2}(-[0-9]{2})?)?", re.ASCII)
# Sorts after everything that begins with "2019-": 2019 as a whole comes before 2020.
_WITHIN = "-~"
# What the list shows even for a case that its reader gave away.
_ALWAYS_SHOWN = frozenset({"status", "day"})
# An outline is read only if needed: it is many times as long as a standing.
_TABLES = 'standing LEFT JOIN outline ON outline."case" = standing."case"'
_SHOWN_CHARACTERS = 60


class SelectionError(CasedropError):
    """This is not how cases are selected."""


@dataclass(frozen=True)
class Condition:
    """A column's code, perhaps with its source before it, an operator and a value.

    With the value "", = finds cases that say nothing there, and != those that do.
    """

    code: str
    operator: str
    value: str

    @classmethod
    def read(cls, typed: str) -> "Condition":
        """A condition as people type it: "status=st.new". Raises SelectionError."""
        found = _CONDITION.fullmatch(typed)
        if found is None:
            raise SelectionError(
                f"{one_line(typed, _SHOWN_CHARACTERS)} is no condition; one looks like "
                "status=st.new, merit!=mx, day<2026-06 or files>0, and category= asks for cases "
                "that say nothing there."
            )
        return cls(*found.groups())


@dataclass(frozen=True)
class Selection:
    """The cases of a queue that meet all conditions, sorted by a column; "" for none.

    Without ``sort`` they come by number, the order in which they arrived.
    """

    queue: str = ""
    where: tuple[Condition, ...] = ()
    sort: str = ""
    descending: bool = False

    @property
    def any(self) -> bool:
        """Whether it leaves any case out."""
        return bool(self.queue or self.where)

    @property
    def shows_given_away(self) -> bool:
        """Whether it uses only what is shown even for a case that its reader gave away."""
        asked = {self.sort or "day", *(one.code for one in self.where)}
        return not self.queue and asked <= _ALWAYS_SHOWN

    def numbers(self, casebook: Casebook, reviewer: str) -> list[int]:
        """The selected cases, in order, as far as *reviewer* may know them.

        Raises SelectionError, or WrongCode, which names the right codes.
        """
        summary.catch_up(casebook)
        said.catch_up(casebook)
        query = _Query(casebook, reviewer)
        conditions, values = ["1"], list[Any]()
        if self.queue:
            sql, more = queue_named(casebook.campaign, self.queue).condition(reviewer)
            conditions.append(sql)
            values += more
        for one in self.where:
            sql, more = query.condition(one)
            conditions.append(sql)
            values += more
        if not self.shows_given_away:
            conditions.append('standing."case" NOT IN (SELECT value FROM json_each(?))')
            values.append(json.dumps(list(casebook.layers.given_away(reviewer))))
        order = query.order(self.sort, descending=self.descending, few=self.any)
        once = "MATERIALIZED" if self.any else "NOT MATERIALIZED"
        found = casebook.database.execute(
            f'WITH wanted ("case", key) AS {once} ('  # noqa: S608 - ours alone
            f'SELECT standing."case", {order.stored} FROM {_TABLES} '
            f"WHERE {' AND '.join(conditions)}) "
            f'SELECT wanted."case" FROM wanted {order.joined} ORDER BY {order.order}',
            [*order.stored_values, *values, *order.joined_values],
        )
        return [number for (number,) in found]


class _Query:
    """SQL for conditions and orders, with its values; all text in it is ours alone."""

    def __init__(self, casebook: Casebook, reviewer: str) -> None:
        self._casebook = casebook
        self._reviewer = reviewer
        self._columns = columns_of(casebook.campaign)

    def condition(self, asked: Condition) -> tuple[str, list[Any]]:
        """A condition on the tables outline and standing."""
        column, sources = named(self._columns, asked.code)
        if not asked.value:
            return self._anything(column, sources, asked)
        compared, values = self._compared(column, sources, asked)
        negated = "NOT " if asked.operator == "!=" else ""
        if column.stored:
            return f"{negated}({compared})", values
        select = f'SELECT "case" FROM {{}} AND ({compared})'  # noqa: S608 - ours alone
        rows, more = self._rows(column.code, sources, select)
        return f'standing."case" {negated}IN ({rows})', _interleaved(more, values)

    def _anything(
        self, column: Column, sources: Sequence[str], asked: Condition
    ) -> tuple[str, list[Any]]:
        if asked.operator not in ("=", "!="):
            raise SelectionError(f"{asked.code}{asked.operator} lacks a value.")
        negated = "NOT " if asked.operator == "=" else ""
        if column.stored:
            return f"{column.stored} {'' if negated else '!'}= ''", []
        rows, values = self._rows(column.code, sources, 'SELECT "case" FROM {}')
        return f'standing."case" {negated}IN ({rows})', _interleaved(values, [])

    def _compared(
        self, column: Column, sources: Sequence[str], asked: Condition
    ) -> tuple[str, list[Any]]:
        """A comparison of a value with the wanted one; != is compared as =."""
        operator, wanted = asked.operator.replace("!=", "="), asked.value
        value = column.stored or "value"
        if column.kind is Kind.TEXT:
            raise SelectionError(
                f"{column.code} is a text: {column.code}!= asks for cases that have one, and "
                "`find` looks for its words."
            )
        if column.kind is Kind.NUMBER:
            if not _NUMBER.fullmatch(wanted):
                raise SelectionError(f"{asked.code} is a number; {_shown(wanted)} is none.")
            return f"CAST({value} AS REAL) {operator} ?", [float(wanted)]
        if column.kind is Kind.MONTH:
            return _month(asked, operator, value)
        if operator != "=":
            raise SelectionError(
                f"{asked.code} is {column.kind}: only = and != can be asked of it, not {operator}."
            )
        if column.kind is Kind.CODE and wanted not in self._known(column, sources):
            raise wrong_code(asked.code, wanted, self._known(column, sources))
        return f"{value} = ?", [wanted]

    def _known(self, column: Column, sources: Sequence[str]) -> list[str]:
        """The codes of *column*, including those in cases that the campaign does not have."""
        if column.stored:
            return list(column.codes)
        rows, values = self._rows(column.code, sources, "SELECT value FROM {}")
        found = self._casebook.database.execute(
            f"SELECT DISTINCT value FROM ({rows})",  # noqa: S608 - ours alone
            _interleaved(values, []),
        )
        return list(dict.fromkeys([*column.codes, *(value for (value,) in found)]))

    def _rows(self, code: str, sources: Sequence[str], select: str) -> tuple[str, list[list[Any]]]:
        """*select* from each source's rows of *code*, joined, and the values of each.

        The braces in *select* are where the table goes, with a condition behind it.
        """
        selects, values = list[str](), list[list[Any]]()
        for source in sources:
            if source == CLAIMANT:
                selects.append(select.format("fact AS held WHERE code = ?"))
                values.append([code])
            else:
                readers = "reader = ?" if source == OWN else "reader IN ('', ?)"
                select_from = f"said AS held WHERE code = ? AND source = ? AND {readers}"
                selects.append(select.format(select_from))
                values.append([code, source, self._reviewer])
        return " UNION ALL ".join(selects), values

    def values(self, typed: str) -> list[tuple[int, str]]:
        """(case, value) for each value in the column."""
        column, sources = named(self._columns, typed)
        if column.stored:
            select = f'SELECT standing."case", {column.stored} FROM {_TABLES}'  # noqa: S608
            return self._casebook.database.execute(select).fetchall()
        rows, values = self._rows(column.code, sources, 'SELECT "case", value FROM {}')
        return self._casebook.database.execute(rows, _interleaved(values, [])).fetchall()

    def order(self, sort: str, *, descending: bool, few: bool) -> "_Order":
        """The order by a column's values. Cases without one come last in either direction.

        With *few*, sort values are looked up only for the wanted cases.
        """
        direction = f"{'DESC' if descending else 'ASC'} NULLS LAST"
        if not sort:
            return _Order("NULL", [], "", [], f'wanted."case" {direction}')
        column, sources = named(self._columns, sort)
        if column.kind is Kind.TEXT:
            raise SelectionError(f"{column.code} is a text, by which nothing can be sorted.")
        if column.stored:
            key, values = _key(column, column.stored)
            return _Order(key, values, "", [], f'wanted.key {direction}, wanted."case"')
        select, values = _keys(column)
        rows, more = self._rows(column.code, sources, select)
        chosen = "max" if descending else "min"
        # The plus keeps SQLite from looking up every wanted case for every code.
        wanted = 'WHERE +"case" IN (SELECT "case" FROM wanted)' if few else ""
        joined = (
            f'LEFT JOIN (SELECT "case", {chosen}(key) AS key FROM ({rows}) {wanted} '  # noqa: S608
            'GROUP BY "case") AS sorted ON sorted."case" = wanted."case"'
        )
        before = [one for each in more for one in (*values, *each)]
        return _Order("NULL", [], joined, before, f'sorted.key {direction}, wanted."case"')


def values_of(casebook: Casebook, reviewer: str, typed: str) -> dict[int, set[str]]:
    """What each case has in a column, as far as *reviewer* may know. Raises WrongCode."""
    summary.catch_up(casebook)
    said.catch_up(casebook)
    query = _Query(casebook, reviewer)
    found: dict[int, set[str]] = {}
    for case, value in query.values(typed):
        found.setdefault(case, set()).add(value)
    return found


class _Order(NamedTuple):
    """An order of the table "wanted" in SQL, with a stored key or a joined one."""

    stored: str
    stored_values: list[Any]
    joined: str
    joined_values: list[Any]
    order: str


def named(columns: Mapping[str, Column], typed: str) -> tuple[Column, tuple[str, ...]]:
    """The column called *typed*, and the sources that it means. Raises WrongCode."""
    source, dot, code = typed.partition(".")
    if dot and source in SOURCES and code in columns and source in columns[code].sources:
        return columns[code], (source,)
    if typed not in columns:
        raise wrong_code("field", typed, list(columns), all_of="`list --fields`")
    # What only the reader said is used only when asked for by name.
    return columns[typed], tuple(one for one in columns[typed].sources if one != OWN)


def _key(column: Column, value: str) -> tuple[str, list[Any]]:
    """An expression to sort by: codes in the campaign's order, numbers as numbers."""
    if column.kind is Kind.NUMBER:
        return f"CAST({value} AS REAL)", []
    if column.codes and column.kind is Kind.CODE:
        # Quoted as in JSON, so that no code is found inside another, and an unlisted one is not
        # found.
        return f"nullif(instr(?, '\"' || {value} || '\"'), 0)", [json.dumps(column.codes)]
    return value, []


def _keys(column: Column) -> tuple[str, list[Any]]:
    """The cases and :func:`_key` of a table's rows, as a select with braces where the table goes.

    Each code is looked up once and not in each row: a campaign has dozens of harms, but cases have
    tens of thousands.
    """
    if column.codes and column.kind is Kind.CODE:
        return (
            'SELECT "case", place.key AS key FROM json_each(?) AS place CROSS JOIN {} '
            "AND held.value = place.value",
            [json.dumps(column.codes)],
        )
    key, values = _key(column, "held.value")
    return f'SELECT "case", {key} AS key FROM {{}}', values  # noqa: S608 - ours alone


def _month(asked: Condition, operator: str, value: str) -> tuple[str, list[Any]]:
    """2019 means all of it: = finds 2019-03, < finds what came before and > what came after."""
    wanted = asked.value
    if not _MONTH.fullmatch(wanted):
        raise SelectionError(
            f"{asked.code} is a month or a day, such as 2019, 2019-03 or 2019-03-15; "
            f"{_shown(wanted)} is none."
        )
    if operator == "=":
        return f"{value} = ? OR {value} BETWEEN ? AND ?", [wanted, f"{wanted}-", wanted + _WITHIN]
    bound = wanted + _WITHIN if operator in (">", "<=") else wanted
    return f"{value} {operator} ?", [bound]


def _interleaved(each: Sequence[Sequence[Any]], last: Sequence[Any]) -> list[Any]:
    """The values of each source, each followed by *last*."""
    return [value for one in each for value in (*one, *last)]


def _shown(value: str) -> str:
    return one_line(value, _SHOWN_CHARACTERS)
