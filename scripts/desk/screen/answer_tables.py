"""How the desk shows answers: ready ones, those that wait or have left, and who came back."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from rich.table import Table
from rich.text import Text

from dropbox.ready_answer import Template
from scripts.desk.case import Answer
from scripts.desk.screen.output import table


def templates_table(templates: Iterable[Template], language: str) -> Table:
    """A row for each ready answer."""
    listed = table("code", "what it is for")
    for one in templates:
        listed.add_row(Text(one.code), Text(one.in_(language)))
    return listed


def outbox_values(
    answers: Iterable[Answer], withheld: Mapping[int, str], today: date
) -> list[dict[str, Any]]:
    """The answers that wait, the oldest first, without their texts; ``days`` is how long.

    *withheld* says, by id, why some do not leave.
    """
    return [
        {
            "number": one.id,
            "case": one.case_name,
            "kind": one.kind,
            "language": one.language,
            "day": one.day.isoformat(),
            "days": (today - one.day).days,
            "withheld": withheld.get(one.id, ""),
        }
        for one in answers
    ]


def left_values(answers: Iterable[Answer]) -> list[dict[str, Any]]:
    """The answers that have left, when, and when the claimant came back (None for not yet)."""
    return [
        {
            "case": one.case_name,
            "language": one.language,
            "day": one.day.isoformat(),
            "bundle": one.bundle,
            "left": one.left and one.left.isoformat(),
            "returned": one.returned and one.returned.isoformat(),
        }
        for one in answers
    ]


def arrival_values(answers: Sequence[Answer], arrivals: Mapping[int, str]) -> list[dict[str, Any]]:
    """The rows of :func:`left_values`, and whether each arrived; *arrivals* has that by id."""
    rows = left_values(answers)
    return [
        {**row, "arrival": str(arrivals.get(one.id, ""))}
        for one, row in zip(answers, rows, strict=True)
    ]


def values_table(values: Sequence[dict[str, Any]]) -> Table:
    """The rows of :func:`outbox_values` or :func:`arrival_values`."""
    listed = table(*(values[0] if values else ()))
    for row in values:
        listed.add_row(
            *(Text("nothing yet" if cell is None else str(cell)) for cell in row.values())
        )
    return listed


def answered_values(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    """For each answered case: how many answers left, the last one, and who came back when."""
    cases: dict[int, list[Answer]] = {}
    for one in answers:
        cases.setdefault(one.case, []).append(one)
    return [
        {"answers": len(ones), **left_values(ones[-1:])[0]} for _, ones in sorted(cases.items())
    ]


def came_back(answered: Iterable[dict[str, Any]]) -> str:
    """The cases of :func:`answered_values` whose claimants came back, each with the day."""
    return ", ".join(f"{one['case']} ({one['returned']})" for one in answered if one["returned"])
