"""Lists come in pages: a screen or two for people, all at once for programs."""

import argparse
from dataclasses import dataclass

from dropbox.errors import CasedropError

# A screen or two; so many are shown in a moment, whatever the size of the casebook.
MOST_LISTED = 30


class PageError(CasedropError):
    """There is no such page."""


@dataclass(frozen=True)
class Page:
    """Page *number* (from 1) of *most* rows each; 0 for all in one."""

    number: int
    most: int

    @classmethod
    def of(cls, asked: argparse.Namespace) -> "Page":
        """What was asked for by the options of :func:`scripts.desk.options.add_page`. Raises PageError."""
        if asked.page < 1 or (asked.limit or 0) < 0:
            raise PageError("Pages and the cases on them are counted from 1.")
        whole = asked.json and asked.page == 1
        return cls(
            asked.page, asked.limit if asked.limit is not None else 0 if whole else MOST_LISTED
        )

    @property
    def skip(self) -> int:
        """How many rows stand before it."""
        return (self.number - 1) * self.most

    def said(self, every: int) -> str:
        """A sentence about where this page of *every* rows stands, "" when there is no other."""
        if not self.most or every <= self.most:
            return ""
        pages = -(-every // self.most)
        return f"Page {self.number} of {pages}, {every} cases in all; --page shows another, --limit 0 all.\n"
