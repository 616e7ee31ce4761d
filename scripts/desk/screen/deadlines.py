"""How the desk shows when claims lapse."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from rich.table import Table
from rich.text import Text

from scripts.desk.screen.output import counted, table
from scripts.desk.search.limitation import Clock, Running
from scripts.terminal import one_line

_THEORY_CHARACTERS = 60
# How many names of cases without a date are shown; `--json` has them all.
_NAMED = 10


def clock_table(
    claims: Sequence[Running], names: Mapping[int, str], language: str, today: date
) -> Table:
    """A row for each claim, with the days left until its last one."""
    listed = table("case")
    listed.add_column("days left", justify="right")
    for head in ("last day", "since"):
        listed.add_column(head)
    listed.add_column("claim", overflow="fold")
    for claim in claims:
        left = (claim.last - today).days
        cells = (
            names[claim.case],
            f"{left:,}" if left >= 0 else "lapsed",
            claim.last.isoformat(),
            claim.since,
            one_line(claim.theory.in_(language), _THEORY_CHARACTERS),
        )
        listed.add_row(*map(Text, cells))
    return listed


def without_date_lines(found: Clock, names: Mapping[int, str], language: str) -> Iterator[str]:
    """For each theory, the cases for which nobody knows when it began."""
    for theory, cases in found.without_date:
        if cases:
            more = "" if len(cases) <= _NAMED else " …"
            listed = ", ".join(names[case] for case in cases[:_NAMED])
            label = one_line(theory.in_(language), _THEORY_CHARACTERS)
            yield f"No date, {label}: {counted(len(cases), 'case')}: {listed}{more}"


def clock_values(
    claims: Sequence[Running], found: Clock, names: Mapping[int, str], today: date
) -> dict[str, Any]:
    """The claims, and the cases without a date by theory, for programs."""
    return {
        "claims": [
            {
                "case": names[claim.case],
                "theory": claim.theory.code,
                "since": claim.since,
                "last_day": claim.last.isoformat(),
                "days_left": (claim.last - today).days,
            }
            for claim in claims
        ],
        "no_date": {
            theory.code: [names[case] for case in cases] for theory, cases in found.without_date
        },
    }
