"""Pages of lists: a screen or two for people, everything at once for programs."""

import argparse
from dataclasses import dataclass

from dropbox.errors import CasedropError

# A screen or two, which takes only a moment, however large the casebook is.
MOST_LISTED = 30


class PageError(CasedropError):
    """There is no such page."""


@dataclass(frozen=True)
class Page:
    """Page ``number`` (from 1) of pages with at most ``most`` rows; 0 for all rows on one page."""

    number: int
    most: int

    @classmethod
    def of(cls, asked: argparse.Namespace) -> "Page":
        """The page that the options of :func:`scripts.desk.options.add_page` ask for.

        Raises PageError.
        """
        if asked.page < 1 or (asked.limit or 0) < 0:
            raise PageError("Pages, and the cases on them, are counted from 1.")
        whole = asked.json and asked.page == 1
        return cls(
            asked.page, asked.limit if asked.limit is not None else 0 if whole else MOST_LISTED
        )

    @property
    def skip(self) -> int:
        """The number of rows on the pages before this one."""
        return (self.number - 1) * self.most

    def note(self, total: int, rows: str = "cases") -> str:
        """A sentence that says which page of *total* rows this is, "" if it is the only one."""
        if not self.most or total <= self.most:
            return ""
        pages = -(-total // self.most)
        return (
            f"Page {self.number} of {pages}, {total:,} {rows} in all; --page shows another page, "
            "--limit 0 shows all.\n"
        )
