"""The parts of all cases in the casebook's file: what claimants sent, which never changes."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import sqlite_utils

from dropbox.errors import BadReport
from dropbox.report import KINDS, Report
from scripts.desk.case import Part
from scripts.desk.casebook.file import CasebookError
from scripts.desk.casebook.names import Names


class Parts:
    """The parts in *database*. Raises CasebookError in every method that reads one."""

    def __init__(self, database: sqlite_utils.Database, names: Names) -> None:
        self._database = database
        self._names = names
        # The parts added in the open transaction, so that they need not be read back in it.
        self._fresh: dict[int, Part] = {}

    @contextmanager
    def together(self) -> Iterator[None]:
        """A transaction: on disk as a whole when the block ends, or not at all.

        A block inside another belongs to the outer one. If the outer one catches an error and
        continues, what was done before the error is kept.
        """
        if self._database.conn.in_transaction:
            yield
            return
        try:
            with self._database.atomic():
                yield
        finally:
            self._fresh.clear()

    def has_block(self, block_id: bytes) -> bool:
        """Whether the report in this block has been added."""
        return (
            self._database.execute("SELECT 1 FROM part WHERE block_id = ?", [block_id]).fetchone()
            is not None
        )

    def add(self, row: dict[str, Any], report: Report) -> Part:
        """Add *report* and the other columns of its row, in the transaction that also logs it."""
        number = self._database.execute(
            'INSERT INTO part ("case", block_id, block_sha256, day, bundle, report) '
            "VALUES (:case, :block_id, :block_sha256, :day, :bundle, :report)",
            row,
        ).lastrowid
        assert number is not None
        part = Part(
            number,
            row["case"],
            row["block_id"],
            date.fromisoformat(row["day"]),
            row["bundle"],
            report,
        )
        self._fresh[part.number] = part
        return part

    def case_of(self, report: Report) -> tuple[int, bool]:
        """The number of the case of *report*, and whether new reply keys have just made it."""
        # By both keys: a report with somebody's reply key and a wrong tag key must not lead that
        # person's answers astray.
        keys = [report.reply_public, report.tag_key]
        found = self._database.execute(
            "SELECT number FROM cases WHERE reply_public = ? AND tag_key = ?", keys
        ).fetchone()
        if found is None:
            added = self._database.execute(
                "INSERT INTO cases (reply_public, tag_key) VALUES (?, ?)", keys
            )
            assert added.lastrowid is not None
            self._names.add(added.lastrowid, *keys)
            return added.lastrowid, True
        (number,) = found
        return int(number), False

    def part(self, number: int) -> Part:
        """The part with this number."""
        if number in self._fresh:
            return self._fresh[number]
        for part in self._read("number = ?", number):
            return part
        raise CasebookError(f"There is no part {number} in this casebook.")

    def in_block(self, block_id: bytes) -> Part:
        """The part that came in this block."""
        for part in self._read("block_id = ?", block_id):
            return part
        raise CasebookError("There is no part in this casebook that came in this block.")

    def last(self) -> int:
        """The number of the part added last, 0 before the first."""
        found = self._database.execute("SELECT coalesce(max(number), 0) FROM part")
        (number,) = found.fetchone()
        return int(number)

    def all(self) -> Iterator[Part]:
        """All parts, in the order in which they came."""
        return self._read("1 ORDER BY day, number")

    def of_case(self, number: int) -> tuple[Part, ...]:
        """The parts of a case, oldest first."""
        return tuple(sorted(self._read('"case" = ?', number), key=_order))

    def sealed_and_plain(self, number: int) -> list[tuple[str, bytes]]:
        """For each part of a case: the SHA-256 of its sealed block, and its bytes in the clear."""
        return list(
            self._database.execute(
                'SELECT block_sha256, report FROM part WHERE "case" = ? ORDER BY number', [number]
            )
        )

    def _read(self, where: str, *values: int | bytes) -> Iterator[Part]:
        columns = 'number, "case", block_id, day, bundle, report'
        query = f"SELECT {columns} FROM part WHERE {where}"  # noqa: S608 - ours alone
        for row in self._database.execute(query, values):
            yield self._fresh.get(row[0]) or _part(*row)


def _order(part: Part) -> tuple[date, int, int, bytes]:
    """Parts of one day have no order of their own: a report then sorts before its messages.

    Others are sorted by block id and not by number, so that every desk has the same order.
    """
    return part.day, part.bundle, KINDS.index(part.report.kind), part.block_id


def _part(number: int, case: int, block_id: bytes, day: str, bundle: int, report: bytes) -> Part:
    try:
        return Part(
            number, case, block_id, date.fromisoformat(day), bundle, Report.from_bytes(report)
        )
    except (BadReport, ValueError):
        raise CasebookError(
            f"Part {number} of the casebook was changed and cannot be read; see `verify`."
        ) from None
