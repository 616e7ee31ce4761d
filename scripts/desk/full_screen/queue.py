"""The queue: which cases are listed, in which order, and what is known of each for its row.

It holds numbers and codes; the beginning of a text is read only for rows that are on the screen.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dropbox.errors import CasedropError
from scripts.desk.full_screen.sitting import Sitting
from scripts.desk.review.judgement import Judgement
from scripts.desk.search.finding import Filters, find
from scripts.desk.search.summary import Outline, outlines_of

# So many rows are read at once, and so many kept: a few screens.
_ROWS, _KEPT = 64, 1_024
_ALL_FOUND = 2**31
ALL, MARKED = "", "marked"


@dataclass(frozen=True)
class View:
    """Cases that have something in common; *code* is ALL, MARKED or a status."""

    code: str
    label: str
    count: int


@dataclass(frozen=True, repr=False)
class Row:
    """What is known of a case for its row; *own* is what the reviewer at work said last."""

    outline: Outline
    standing: Mapping[str, Any]
    own: Judgement


class Queue:
    """The cases that the reviewer at work may see, as they were when :meth:`load` was called."""

    def __init__(self, sitting: Sitting) -> None:
        self._sitting = sitting
        self.view, self.words, self.note = ALL, "", ""
        self.newest_first = False
        self.marked: set[int] = set()
        self.numbers: list[int] = []
        self.views: list[View] = []
        self._rows: dict[int, Row] = {}

    def load(self) -> None:
        """Read the views and the numbers of the chosen one again. Raises FindingError."""
        casebook, viewer = self._sitting.casebook, self._sitting.viewer
        away = casebook.layers.given_away(viewer.reviewer)
        status = {
            row["case"]: row["status"]
            for row in casebook.layers.standings()
            if row["case"] not in away
        }
        counts = Counter(status.values())
        labels = casebook.campaign.reviewing
        self.views = [
            View(ALL, "All cases", len(status)),
            *(
                View(code, labels.label("status", code, viewer.language), counts[code])
                for code in labels.codes("status")
                if counts[code]
            ),
            View(MARKED, "Marked", len(self.marked)),
        ]
        self._rows.clear()
        self.note = ""
        found = self._found(away) if self.words else status
        self.numbers = [
            number
            for number in found
            if self.view == ALL
            or (number in self.marked if self.view == MARKED else status[number] == self.view)
        ]
        if self.newest_first:
            self.numbers.reverse()

    def _found(self, away: frozenset[int]) -> list[int]:
        answered = find(
            self._sitting.casebook, self.words, Filters(), without=away, most=_ALL_FOUND
        )
        self.note = answered.note
        return [one.outline.number for one in answered.cases]

    def search(self, words: str) -> None:
        """List only cases that hold these *words*, "" for all. Raises FindingError."""
        before, self.words = self.words, words.strip()
        try:
            self.load()
        except CasedropError:
            self.words = before
            self.load()
            raise

    def choose(self, view: str) -> None:
        """List the cases of this view."""
        self.view = view
        self.load()

    def mark(self, number: int) -> None:
        """Mark a case, or take its mark away; marks last as long as the sitting."""
        self.marked ^= {number}
        self.views[-1] = View(MARKED, "Marked", len(self.marked))

    def row(self, index: int) -> Row | None:
        """What is known of the case in row *index*; None if it is gone."""
        number = self.numbers[index]
        if number not in self._rows:
            if len(self._rows) > _KEPT:
                self._rows.clear()
            begin = index - index % _ROWS
            self._read(self.numbers[begin : begin + _ROWS])
        return self._rows.get(number)

    def _read(self, numbers: Sequence[int]) -> None:
        casebook, reviewer = self._sitting.casebook, self._sitting.viewer.reviewer
        chosen = {"numbers": json.dumps(list(numbers))}
        where = '"case" IN (SELECT value FROM json_each(:numbers))'
        standings = {row["case"]: row for row in casebook.layers.standings(where, chosen)}
        for outline in outlines_of(casebook, numbers):
            own = casebook.layers.of(outline).own(reviewer)
            judgement = own.judgement if own else Judgement()
            self._rows[outline.number] = Row(outline, standings[outline.number], judgement)

    def clear(self) -> None:
        """Forget all of it."""
        self.numbers, self.views, self.words, self.note = [], [], "", ""
        self._rows.clear()
        self.marked.clear()
