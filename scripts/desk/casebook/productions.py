"""What the custody log says of handing over: approvals, and the numbers that documents were given.

The log is the ledger: nothing is ever taken out of it, each line is signed, and other desks get it
with the work bundles.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

import sqlite_utils

APPROVE, NUMBER = "approve", "number"
# The subject of an approval.
HAND_OVER = "hand-over"
# A document's number: of which desk, and counted from 1 there.
_NUMBERED = re.compile(r"D(?P<desk>[0-9])-(?P<number>[0-9]{6,9}) (?P<case>[0-9A-Z]+)", re.ASCII)
_LINES = (
    "SELECT json_extract(text, '$.reviewer'), json_extract(text, '$.subject'), "
    "json_extract(text, '$.plain') FROM (SELECT CAST(line AS TEXT) AS text FROM custody UNION ALL "
    "SELECT CAST(line AS TEXT) FROM desk_line) WHERE json_extract(text, '$.act') = ? "
)


class Number(NamedTuple):
    """A document's number, as it is printed on the document: D0-000001."""

    desk: int
    number: int

    def __str__(self) -> str:
        return f"D{self.desk}-{self.number:06d}"


class Productions:
    """The approvals and numbers in the custody logs of this desk and of those it has merged."""

    def __init__(self, database: sqlite_utils.Database, desk: int) -> None:
        self._database = database
        self._desk = desk

    def approved_by(self, digest: str) -> frozenset[str]:
        """The reviewers who approved that exactly this is handed over, by its SHA-256."""
        return frozenset(
            reviewer
            for reviewer, subject, plain in self._database.execute(_LINES, [APPROVE])
            if subject == HAND_OVER and plain == digest
        )

    def numbers(self) -> dict[tuple[str, str], Number]:
        """The number of each document that has one, by its case's whole name and its SHA-256."""
        return {(case, sha256): number for number, case, sha256 in self._given()}

    def next(self) -> Number:
        """The number after the highest that this desk gave."""
        own = (number.number for number, _, _ in self._given() if number.desk == self._desk)
        return Number(self._desk, 1 + max(own, default=0))

    def _given(self) -> Iterator[tuple[Number, str, str]]:
        for _, subject, sha256 in self._database.execute(_LINES, [NUMBER]):
            if found := _NUMBERED.fullmatch(subject):
                yield Number(int(found["desk"]), int(found["number"])), found["case"], sha256


def subject(number: Number, case: str) -> str:
    """The subject of the line that gives *number* to a document of *case*, by its whole name."""
    return f"{number} {case}"
