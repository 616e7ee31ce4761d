"""Bringing the tables for lists and links up to date, if an import has not done so already."""

from collections.abc import Callable

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.search import said, similar, summary


def catch_up(casebook: Casebook, show: Callable[[str, int, int], None]) -> None:
    """Bring outlines, values for filters, and links up to date. *show* gets (stage, done,
    total).
    """
    summary.catch_up(casebook, lambda done, total: show("outlines", done, total))
    said.catch_up(casebook, lambda done, total: show("reviews", done, total))
    similar.catch_up(casebook, lambda done, total: show("links", done, total))
