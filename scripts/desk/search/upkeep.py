"""What lists and links need is worked out, where an import has not done it already."""

from collections.abc import Callable

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.search import similar, summary


def catch_up(casebook: Casebook, show: Callable[[str, int, int], None]) -> None:
    """Work it out; *show* is told which of the two is under way, how much of it is done, and the total."""
    summary.catch_up(casebook, lambda done, total: show("outlines", done, total))
    similar.catch_up(casebook, lambda done, total: show("links", done, total))
