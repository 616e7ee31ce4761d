"""How the desk shows queues, the fields to filter and sort by, and saved views."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from scripts.desk.screen.output import table
from scripts.desk.search.columns import Column
from scripts.desk.search.queue_definitions import Queue
from scripts.desk.search.said import OWN
from scripts.desk.search.saved_views import View
from scripts.terminal import one_line

_VIEW_CHARACTERS = 200


def queues_table(counts: Iterable[tuple[Queue, int]], language: str) -> Table:
    """A row for each queue, with how many cases are in it."""
    listed = table("queue")
    listed.add_column("cases", justify="right")
    listed.add_column("what waits")
    for queue, count in counts:
        style = "bold" if count else "dim"
        cells = (queue.code, f"{count:,}", queue.in_(language))
        listed.add_row(*(Text(cell, style=style) for cell in cells))
    return listed


def queue_values(counts: Iterable[tuple[Queue, int]], language: str) -> list[dict[str, Any]]:
    """The queues with their counts."""
    return [
        {"queue": queue.code, "label": queue.in_(language), "cases": count}
        for queue, count in counts
    ]


def fields_table(columns: Iterable[Column], language: str) -> Table:
    """A row for each field: its code, what it holds, who says it, and its label."""
    listed = table("field", "is", "said by")
    listed.add_column("label", overflow="fold")
    for one in columns:
        label = one.label(one.code, language)
        said_by = ", ".join(source for source in one.sources if source != OWN)
        cells = (one.code, str(one.kind), said_by, label if label != one.code else "")
        listed.add_row(*map(Text, cells))
    return listed


def codes_table(column: Column, language: str) -> Table:
    """A row for each code that a field may have."""
    listed = table(column.code)
    listed.add_column(one_line(column.label(column.code, language), _VIEW_CHARACTERS))
    for code in column.codes:
        listed.add_row(Text(code), Text(column.label(code, language)))
    return listed


def field_values(columns: Iterable[Column], language: str) -> list[dict[str, Any]]:
    """What :func:`fields_table` shows."""
    return [
        {
            "field": one.code,
            "is": str(one.kind),
            "of": list(one.sources),
            "label": one.label(one.code, language),
            "codes": {code: one.label(code, language) for code in one.codes},
        }
        for one in columns
    ]


def views_table(views: Mapping[str, View]) -> Table:
    """A row for each saved view: its name and its query."""
    listed = table("view")
    listed.add_column("asks for", overflow="fold")
    for name, view in views.items():
        listed.add_row(Text(name), Text(one_line(view.command, _VIEW_CHARACTERS) or "all cases"))
    return listed


def view_values(views: Mapping[str, View]) -> list[dict[str, Any]]:
    """The saved views."""
    return [
        {
            "view": name,
            **{key: value for key, value in view.options.items() if value},
            "where": list(view.where),
            "descending": view.descending,
        }
        for name, view in views.items()
    ]
