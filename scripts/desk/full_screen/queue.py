"""The queue: which cases are listed, in which order, and what is shown of each in its row.

It holds numbers and codes; the beginning of a text is read only for rows that are on the screen.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dropbox.errors import CasedropError
from scripts.desk.full_screen.sitting import Sitting
from scripts.desk.full_screen.wording import word
from scripts.desk.review.judgement import Judgement
from scripts.desk.screen.chosen import CODES
from scripts.desk.search.columns import Column, columns_of
from scripts.desk.search.finding import Filters, find
from scripts.desk.search.queue_definitions import counts
from scripts.desk.search.saved_views import View as Saved
from scripts.desk.search.saved_views import Views
from scripts.desk.search.selection import Condition, Selection
from scripts.desk.search.summary import Outline, outlines_of

# How many rows are read at once, and how many are kept: a few screens.
_ROWS, _KEPT = 64, 1_024
_ALL_FOUND = 2**31
ALL, MARKED, _SAVED = "all", "marked", "saved."


@dataclass(frozen=True)
class View:
    """Cases that have something in common: ALL, MARKED, a queue of the desk, or a saved view."""

    code: str
    label: str
    count: int | None


@dataclass(frozen=True)
class Asked:
    """What is listed: a view's code, conditions, words, and the field by which it is sorted."""

    view: str = ALL
    where: tuple[str, ...] = ()
    words: str = ""
    sort: str = ""
    descending: bool = False


@dataclass(frozen=True, repr=False)
class Row:
    """What a case's row shows; *own* is what the reviewer at work said last."""

    outline: Outline
    standing: Mapping[str, Any]
    own: Judgement
    gist: str


@dataclass(repr=False)
class Queue:
    """The cases that the reviewer at work may see, as they were when :meth:`load` was called."""

    sitting: Sitting
    asked: Asked = field(default_factory=Asked)
    numbers: list[int] = field(default_factory=list)
    views: list[View] = field(default_factory=list)
    note: str = ""
    _as_of: int = -1
    _marked: set[int] = field(default_factory=set)
    _rows: dict[int, Row] = field(default_factory=dict)

    def load(self) -> None:
        """Read the views and the listed cases again. Raises what finding and selecting raise."""
        casebook, viewer = self.sitting.casebook, self.sitting.viewer
        waiting = counts(casebook, viewer.reviewer)
        away = casebook.layers.given_away(viewer.reviewer)
        total = casebook.counts().cases - len(away)
        self.views = [
            View(ALL, word("All cases", viewer.language), total),
            *(View(one.code, one.in_(viewer.language), count) for one, count in waiting),
            *(View(_SAVED + name, f"{name} (saved)", None) for name in self._saved()),
            View(MARKED, word("Marked", viewer.language), len(self._marked)),
        ]
        self._rows.clear()
        self._as_of = self.sitting.changes
        self._list()

    @property
    def stale(self) -> bool:
        """Whether something was added to the casebook since it was read."""
        return self._as_of != self.sitting.changes

    def _list(self) -> None:
        """Read the listed cases."""
        self.numbers, self.note = self._selected(), ""
        if self.asked.words:
            self._keep_found()

    def _saved(self) -> dict[str, Saved]:
        return Views(self.sitting.casebook.directory).all()

    def _view(self) -> Saved:
        """The view's query, whether it was saved or is a queue of the desk."""
        view = self.asked.view
        if view.startswith(_SAVED):
            return Views(self.sitting.casebook.directory).named(view.removeprefix(_SAVED))
        return Saved({} if view in (ALL, MARKED) else {"queue": view})

    def _selected(self) -> list[int]:
        asked, view, casebook = self.asked, self._view(), self.sitting.casebook
        sort, descending = view.options.get("sort", ""), view.descending
        if asked.sort or asked.descending:
            sort, descending = asked.sort, asked.descending
        codes = (f"{name}={view.options[name]}" for name in CODES if view.options.get(name))
        where = map(Condition.read, (*codes, *view.where, *asked.where))
        selection = Selection(view.options.get("queue", ""), tuple(where), sort, descending)
        reviewer = self.sitting.viewer.reviewer
        # `list` may show that a case exists which was given away; this list never does.
        away = casebook.layers.given_away(reviewer)
        numbers = [one for one in selection.numbers(casebook, reviewer) if one not in away]
        return [one for one in numbers if one in self._marked or asked.view != MARKED]

    def _keep_found(self) -> None:
        words, casebook = self.asked.words, self.sitting.casebook
        reviewer = self.sitting.viewer.reviewer
        away = casebook.layers.given_away(reviewer)
        found = find(casebook, words, Filters(), reviewer=reviewer, without=away, most=_ALL_FOUND)
        self.note = found.note
        numbers = {one.outline.number for one in found.cases}
        self.numbers = [one for one in self.numbers if one in numbers]

    def ask(self, **changes: Any) -> None:
        """List by a changed query; if that fails, list as before. Raises what :meth:`load`
        raises.
        """
        before, self.asked = self.asked, replace(self.asked, **changes)
        try:
            self._list()
        except CasedropError:
            self.asked = before
            self._list()
            raise

    def save(self, name: str) -> None:
        """Save the query as a view, without the words. Raises ViewError."""
        queues = [one.code for one, _ in counts(self.sitting.casebook, "")]
        queue = self.asked.view if self.asked.view in queues else ""
        options = {"queue": queue, "sort": self.asked.sort}
        views = Views(self.sitting.casebook.directory)
        views.save(name, Saved(options, self.asked.where, self.asked.descending))
        self.load()

    @property
    def saved_view(self) -> str:
        """The name of the saved view that is shown, "" if it is not one."""
        view = self.asked.view
        return view.removeprefix(_SAVED) if view.startswith(_SAVED) else ""

    def delete(self, name: str) -> None:
        """Delete a saved view, and list all cases. Raises ViewError."""
        Views(self.sitting.casebook.directory).delete(name)
        self.asked = Asked()
        self.load()

    def columns(self) -> dict[str, Column]:
        """The fields by which cases can be filtered and sorted."""
        return columns_of(self.sitting.casebook.campaign)

    @property
    def title(self) -> str:
        """What is listed, in words."""
        labels = {view.code: view.label for view in self.views}
        asked = self.asked
        sort = asked.sort or ("arrival" if asked.descending else "")
        return "; ".join(
            (
                labels.get(asked.view, asked.view),
                *asked.where,
                *([f"with “{asked.words}”"] if asked.words else []),
                *([f"by {sort}{', descending' if asked.descending else ''}"] if sort else []),
            )
        )

    def mark(self, number: int) -> None:
        """Mark a case, or take its mark away; marks last as long as the sitting."""
        self._marked ^= {number}
        self.views[-1] = replace(self.views[-1], count=len(self._marked))

    @property
    def marked(self) -> list[int]:
        """The marked cases, the first to arrive first."""
        return sorted(self._marked)

    def is_marked(self, number: int) -> bool:
        """Whether a case is marked."""
        return number in self._marked

    def row(self, index: int) -> Row | None:
        """The row of the case at *index*; None if the case is gone."""
        number = self.numbers[index]
        if number not in self._rows:
            if len(self._rows) > _KEPT:
                self._rows.clear()
            begin = index - index % _ROWS
            self._read(self.numbers[begin : begin + _ROWS])
        return self._rows.get(number)

    def _read(self, numbers: Sequence[int]) -> None:
        casebook, viewer = self.sitting.casebook, self.sitting.viewer
        chosen = {"numbers": json.dumps(list(numbers))}
        where = '"case" IN (SELECT value FROM json_each(:numbers))'
        standings = {row["case"]: row for row in casebook.layers.standings(where, chosen)}
        for outline in outlines_of(casebook, numbers):
            own = casebook.layers.of(outline).own(viewer.reviewer)
            gist = casebook.translations.gist(outline.number, viewer.language)
            self._rows[outline.number] = Row(
                outline,
                standings[outline.number],
                own.judgement if own else Judgement(),
                gist.text if gist else "",
            )

    def clear(self) -> None:
        """Forget all of it."""
        self.numbers, self.views, self.note, self.asked = [], [], "", Asked()
        self._rows.clear()
        self._marked.clear()
