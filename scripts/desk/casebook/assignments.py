"""Who is to review which case: any reviewer can assign cases, and the latest assignment counts."""

from datetime import date
from typing import NamedTuple

import sqlite_utils

from scripts.desk.case import Keyed
from scripts.desk.casebook.desks import Desks
from scripts.desk.casebook.shared_rows import Note, SharedRows


class Assignment(NamedTuple):
    """*reviewer* gave a case to *assignee* ("" for nobody) on *day*.

    Both are fingerprints.
    """

    assignee: str
    reviewer: str
    day: date


class Assignments:
    """The table ``assignment``, and those of other desks."""

    def __init__(self, database: sqlite_utils.Database, desks: Desks, note: Note) -> None:
        self._rows = SharedRows(database, desks, "assignment", act="assign", note=note)

    def of(self, case: int) -> tuple[Assignment, ...]:
        """All assignments of *case*; the last one counts."""
        return tuple(
            Assignment(row["assignee"], row["reviewer"], date.fromisoformat(row["day"]))
            for row in self._rows.of(case)
        )

    def assignee(self, case: int) -> str:
        """Who *case* is assigned to, "" for nobody."""
        rows = self._rows.of(case)
        return str(rows[-1]["assignee"]) if rows else ""

    def add(self, case: Keyed, assignee: str, *, reviewer: str, day: date) -> None:
        """Give *case* to *assignee*, in the current transaction."""
        row = {"assignee": assignee, "reviewer": reviewer, "day": day.isoformat()}
        self._rows.add(case, row)
