"""What the custody log says about handing over: approvals, and the numbers given to documents.

The log is the ledger: nothing is ever removed from it, each line is signed, and other desks get it
with the work bundles.
"""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

import sqlite_utils

from scripts.desk.case_name import BadCaseName, read

APPROVE, NUMBER = "approve", "number"
# The subject of an approval.
HAND_OVER = "hand-over"
# A document's or a dossier's number: its desk, and a count from 1 there.
_NUMBERED = re.compile(
    r"(?P<series>[DC])(?P<desk>[0-9])-(?P<number>[0-9]{6,9}) (?P<case>[0-9A-Z]+)", re.ASCII
)
# The series for what claimants sent, and for what is compiled about a case.
DOCUMENT, DOSSIER = "D", "C"
_SUBJECTS = (
    "SELECT number, json_extract(CAST(line AS TEXT), '$.subject') FROM custody ORDER BY number",
    "SELECT rowid, json_extract(CAST(line AS TEXT), '$.subject') FROM desk_line ORDER BY rowid",
)
_ACT = (
    "SELECT json_extract(text, '$.time', '$.reviewer', '$.act', '$.plain') FROM "
    "(SELECT CAST(line AS TEXT) AS text FROM {} = ?)"
)
_LINE = _ACT.format("custody WHERE number"), _ACT.format("desk_line WHERE rowid")
# Lines that may be about one case share this many characters of its name.
_SHORT = 5
_LINES = (
    "SELECT json_extract(text, '$.reviewer'), json_extract(text, '$.subject'), "
    "json_extract(text, '$.plain') FROM (SELECT CAST(line AS TEXT) AS text FROM custody UNION ALL "
    "SELECT CAST(line AS TEXT) FROM desk_line) WHERE json_extract(text, '$.act') = ? "
)


class Number(NamedTuple):
    """A document's number, as it is printed on the document: D0-000001, or C0-000001."""

    desk: int
    number: int
    series: str = DOCUMENT

    def __str__(self) -> str:
        return f"{self.series}{self.desk}-{self.number:06d}"


def page_number(number: Number, page: int) -> str:
    """The number of *page* (from 1) of the document whose first page has this *number*.

    It follows from the document's number alone, so each page keeps its number whatever else is
    handed over.
    """
    return str(number) if page == 1 else f"{number}.{page:04d}"


class Act(NamedTuple):
    """A line of a custody log about one case; ``plain`` is the SHA-256 of what was read or made."""

    time: str
    reviewer: str
    act: str
    plain: str


class Productions:
    """The approvals and numbers in the custody logs of this desk and of those it has merged."""

    def __init__(self, database: sqlite_utils.Database, desk: int) -> None:
        self._database = database
        self._desk = desk

    def approved_by(self, digest: str) -> frozenset[str]:
        """The reviewers who approved handing over exactly this, by its SHA-256."""
        return frozenset(
            reviewer
            for reviewer, subject, plain in self._database.execute(_LINES, [APPROVE])
            if subject == HAND_OVER and plain == digest
        )

    def approvals(self) -> frozenset[str]:
        """Everything that was ever approved, of any kind, by its SHA-256."""
        return frozenset(plain for _, _, plain in self._database.execute(_LINES, [APPROVE]))

    def numbers(self) -> dict[tuple[str, str], Number]:
        """The number of each document that has one, by its case's whole name and its SHA-256."""
        return {(case, sha256): number for number, case, sha256 in self._given()}

    def next(self, series: str = DOCUMENT) -> Number:
        """The number after the highest of its *series* that this desk gave."""
        own = (
            number.number
            for number, _, _ in self._given()
            if (number.desk, number.series) == (self._desk, series)
        )
        return Number(self._desk, 1 + max(own, default=0), series)

    def acts(self) -> "Acts":
        """What the custody logs say so far about each case."""
        return Acts(self._database)

    def _given(self) -> Iterator[tuple[Number, str, str]]:
        for _, subject, sha256 in self._database.execute(_LINES, [NUMBER]):
            if found := _NUMBERED.fullmatch(subject):
                number = Number(int(found["desk"]), int(found["number"]), found["series"])
                yield number, found["case"], sha256


class Acts:
    """The lines of the custody logs about each case, up to the moment when this is made."""

    def __init__(self, database: sqlite_utils.Database) -> None:
        self._database = database
        # Only positions, so that a long log takes little memory.
        self._at: dict[str, list[tuple[int, int]]] = {}
        for log, query in enumerate(_SUBJECTS):
            for at, subject in database.execute(query):
                self._at.setdefault(str(subject or ""), []).append((log, at))
        self._named: dict[str, list[str]] = {}
        for subject in self._at:
            self._named.setdefault(_characters(subject)[:_SHORT], []).append(subject)

    def of(self, characters: str, former: str = "") -> list[Act]:
        """The acts on the case with this whole name, in order of time.

        Lines name a case by as much of its name as told it from others at the time, or by its
        *former* name.
        """
        subjects = [
            one
            for one in self._named.get(characters[:_SHORT], ())
            if characters.startswith(_characters(one))
        ]
        found = [
            Act(*json.loads(text))
            for subject in (*subjects, *([former] if former else ()))
            for log, at in self._at.get(subject, ())
            for (text,) in self._database.execute(_LINE[log], [at])
        ]
        return sorted(found, key=lambda one: one.time)


def _characters(subject: str) -> str:
    """The characters of the case's name that *subject* names, "" if it names none."""
    if numbered := _NUMBERED.fullmatch(subject):
        return numbered["case"]
    try:
        return read(subject)
    except BadCaseName:
        return ""


def subject(number: Number, case: str) -> str:
    """The subject of the line that gives *number* to a document of *case*, by its whole name."""
    return f"{number} {case}"
