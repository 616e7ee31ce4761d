"""The kinds of figures: bars, a grid or a listing, and what to count."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

# Statistical offices publish no cell under five persons without a reason of its own.
LEAST = 5
# A count, or None if it is left out, and what is shown in its place: not "<5", since the next
# smallest is left out too.
Cell = int | None
LEFT_OUT = "–"


@dataclass(frozen=True)
class Bars:
    """A count for each label."""

    title: str
    rows: tuple[tuple[str, Cell], ...]
    note: str = ""


@dataclass(frozen=True)
class Grid:
    """A count for each pair of a row and a column."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    note: str = ""


@dataclass(frozen=True)
class Listing:
    """Rows of texts and numbers, one for each currency or field."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


Figure = Bars | Grid | Listing


@dataclass(frozen=True)
class Asked:
    """What to count: cases by number, the labels' language, and the least count that is shown.

    Days are counted from ``today``; ``whole``: these are all cases, not a selection. ``exact``: for
    counsel, so a sum is shown even if one case makes up nearly all of it.
    """

    numbers: Sequence[int]
    language: str
    today: date
    least: int = LEAST
    whole: bool = True
    exact: bool = False

    @property
    def guarded(self) -> bool:
        """Whether sums are left out that would reveal one case's loss."""
        return self.least > 1 and not self.exact
