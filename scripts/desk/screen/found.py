"""How the desk shows the result of a search: the cases, with the words around the hit."""

from collections.abc import Iterable
from typing import Any

from rich.table import Table
from rich.text import Text

from dropbox.campaign import Campaign
from scripts.desk.screen.cases import category_label
from scripts.desk.screen.output import table
from scripts.desk.search.finding import Found
from scripts.terminal import one_line


def found_table(found: Iterable[Found]) -> Table:
    """A row for each case that was found, with the words around the hit."""
    listed = table()
    for name in ("case", "day", "cat.", "in"):
        listed.add_column(name, no_wrap=True)
    # Never cut off, because the hit is in the middle.
    listed.add_column("words", overflow="fold")
    for one in found:
        case, (before, hit, after) = one.outline, one.excerpt
        words = Text(before).append(hit, style="bold").append(after) if one.where else Text(before)
        listed.add_row(
            Text(case.name),
            Text(case.day.isoformat()),
            Text(one_line(case.category, 12)),
            Text(one.where),
            words,
        )
    return listed


def found_values(found: Iterable[Found], campaign: Campaign, language: str) -> list[dict[str, Any]]:
    """The values that :func:`found_table` shows, with the codes."""
    return [
        {
            "case": one.outline.name,
            "day": one.outline.day.isoformat(),
            "category": one.outline.category,
            "category_label": category_label(campaign, one.outline.category, language),
            "in": one.where,
            "excerpt": "".join(one.excerpt),
        }
        for one in found
    ]
