"""The cases that a list shows, a page at a time."""

import argparse
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.search.known_codes import check_codes
from scripts.desk.search.saved_views import View, Views
from scripts.desk.search.selection import Condition, Selection, SelectionError

# The codes by which a list can be chosen.
CODES = ("status", "correspondence", "merit", "urgency")


@dataclass(frozen=True)
class Chosen:
    """The cases that a list shows: with these codes ("" for any), a selection, and a starting
    point.

    ``after`` is the number of the case after which the list begins, 0 for all. A page has at most
    ``most`` of these (0 for all) after the first ``skip``.
    """

    status: str = ""
    correspondence: str = ""
    merit: str = ""
    urgency: str = ""
    selection: Selection = field(default_factory=Selection)
    after: int = 0
    most: int = 0
    skip: int = 0

    def numbers(self, casebook: Casebook, reviewer: str) -> list[int]:
        """The cases on all pages, in order. Raises SelectionError or WrongCode."""
        codes = ((name, getattr(self, name)) for name in CODES)
        where = tuple(Condition(name, "=", code) for name, code in codes if code)
        selection = replace(self.selection, where=(*where, *self.selection.where))
        numbers = selection.numbers(casebook, reviewer)
        if self.after and not (self.selection.sort or self.selection.descending):
            return numbers[bisect_right(numbers, self.after) :]
        if self.after and self.after not in numbers:
            raise SelectionError("The case after which the list is to begin is not in it.")
        return numbers[numbers.index(self.after) + 1 :] if self.after else numbers

    def page(self, numbers: Sequence[int]) -> Sequence[int]:
        """Those of *numbers* that are on the page."""
        return numbers[self.skip : self.skip + self.most] if self.most else numbers[self.skip :]


def chosen_by(casebook: Casebook, asked: argparse.Namespace, *, most: int = 0) -> Chosen:
    """The cases that --queue, --where and --view together select, at most *most* of them.

    Raises SelectionError, ViewError or WrongCode.
    """
    view = Views(casebook.directory).named(asked.view) if asked.view else View({})
    codes = {name: view.options.get(name, "") for name in CODES}
    check_codes(casebook, codes)
    selection = Selection(
        asked.queue or view.options.get("queue", ""),
        tuple(map(Condition.read, (*view.where, *asked.where))),
        view.options.get("sort", ""),
        view.descending,
    )
    return Chosen(**codes, selection=selection, after=0, most=most, skip=0)
