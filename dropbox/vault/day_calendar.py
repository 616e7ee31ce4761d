"""The days of the store: how long each is kept, the exports that hold them, and the ledger.

A day leaves as a whole: after the desk acknowledged everything in it and a grace period, or at a
hard limit. It is remembered for some time after that, so that exports can say where it went.
"""

import os
from dataclasses import dataclass, field
from typing import NamedTuple

from dropbox.sizes import ID_BYTES
from dropbox.vault.block_store import Day, DayState
from dropbox.vault.slot_heads import day_of
from dropbox.vault.slot_schema import DAY_BYTES, LEDGER_BYTES, LEDGER_CONTENT_BYTES
from dropbox.vault.tick_changes import Statement

_NEVER = 0


@dataclass(frozen=True)
class Retention:
    """How many days a day's slots stay after it was acknowledged, and how many at most."""

    grace_days: int = 7
    limit_days: int = 90


class DayRow(NamedTuple):
    """How many slots a day had when it left, and the days of its acknowledgement and its end."""

    slots: int = 0
    acknowledged: int = _NEVER
    gone: int = _NEVER


class ExportRow(NamedTuple):
    """An export: the SHA-256 of its head, the day it was made, whether it is acknowledged."""

    head: bytes
    day: int
    acknowledged: int = 0


@dataclass
class Days:
    """The rows of days and exports by number, and what one tick changes in them."""

    rows: dict[int, DayRow]
    exports: dict[int, ExportRow]
    retention: Retention
    statements: list[Statement] = field(default_factory=list)

    def draft(self) -> "Days":
        """A copy for one tick."""
        return Days(dict(self.rows), dict(self.exports), self.retention)

    def begin(self, day: int) -> None:
        """A day begins, or begins again after a restart."""
        if self.rows.get(day) != DayRow():
            self._set_day(day, DayRow())
        # Where the clock was set back, exports of later days do not hold what arrives now.
        for number, export in self.exports.items():
            if export.day > day:
                self._set_export(number, export._replace(day=day))

    def note_export(self, number: int, head: bytes, today: int, most: int) -> None:
        """Note an export of what is there today; the oldest beyond *most* is forgotten."""
        self._set_export(number, ExportRow(head, today))
        if len(self.exports) > most:
            self._forget_export(min(self.exports))

    def acknowledge(self, number: int, today: int) -> None:
        """Note that the desk has everything of the days that were over when an export was made."""
        export = self.exports[number]
        self._set_export(number, export._replace(acknowledged=1))
        for earlier in [one for one in self.exports if one < number]:
            if self.exports[earlier].acknowledged:
                self._forget_export(earlier)
        for day, row in list(self.rows.items()):
            if day < export.day and self.is_listed(day, today):
                self._set_day(day, row._replace(acknowledged=today))

    def is_listed(self, day: int, today: int) -> bool:
        """Whether exports hold a day."""
        return self.rows.get(day) == DayRow() and not self._is_past_limit(day, today)

    def leaving(self, today: int) -> list[int]:
        """The days whose time is over and whose slots are not gone yet, in order."""
        return [day for day, row in sorted(self.rows.items()) if self._leaves(day, row, today)]

    def leave(self, day: int, slots: int) -> None:
        """Note that a day with this many *slots* begins to leave, or continues to."""
        if not self.rows[day].slots:
            self._set_day(day, self.rows[day]._replace(slots=slots))

    def gone(self, day: int, today: int) -> None:
        """Note that all slots of a day are overwritten."""
        self._set_day(day, self.rows[day]._replace(gone=today))

    def forget_gone(self, today: int) -> None:
        """Forget one day that has been gone for as long as a day can be kept."""
        for day, row in sorted(self.rows.items()):
            if row.gone and today - row.gone > self.retention.limit_days:
                del self.rows[day]
                self.statements.append(("DELETE FROM day WHERE day = ?", (day,)))
                return

    def first_kept(self) -> int | None:
        """The oldest day that still has slots."""
        return min((day for day, row in self.rows.items() if not row.gone), default=None)

    def last_export(self) -> int | None:
        """The day of the newest export."""
        return self.exports[max(self.exports)].day if self.exports else None

    def last_acknowledgement(self) -> int | None:
        """When the desk last acknowledged one of the days that are remembered."""
        return max(
            (row.acknowledged for row in self.rows.values() if row.acknowledged), default=None
        )

    def described(self, counts: dict[int, int], today: int) -> list[Day]:
        """Every day with its number of slots and its state."""
        return [
            Day(
                day_of(day),
                row.slots or counts.get(day, 0),
                self._state(day, row, today),
                bool(row.acknowledged),
            )
            for day, row in sorted(self.rows.items())
        ]

    def _state(self, day: int, row: DayRow, today: int) -> DayState:
        if row.gone:
            return DayState.GONE
        if self._leaves(day, row, today):
            return DayState.LEAVING
        if row.acknowledged:
            return DayState.KEPT
        return DayState.OPEN if day >= today else DayState.CLOSED

    def _leaves(self, day: int, row: DayRow, today: int) -> bool:
        if row.gone:
            return False
        graced = row.acknowledged and today - row.acknowledged > self.retention.grace_days
        return bool(graced) or self._is_past_limit(day, today)

    def _is_past_limit(self, day: int, today: int) -> bool:
        return today - day > self.retention.limit_days

    def _set_day(self, day: int, row: DayRow) -> None:
        self.rows[day] = row
        self.statements.append(("INSERT OR REPLACE INTO day VALUES (?, ?, ?, ?)", (day, *row)))

    def _set_export(self, number: int, row: ExportRow) -> None:
        self.exports[number] = row
        self.statements.append(
            ("INSERT OR REPLACE INTO export VALUES (?, ?, ?, ?)", (number, *row))
        )

    def _forget_export(self, number: int) -> None:
        del self.exports[number]
        self.statements.append(("DELETE FROM export WHERE number = ?", (number,)))


class Ledger(NamedTuple):
    """The one row that every tick writes: the vault's id, and the last day that it saw."""

    vault_id: bytes
    seen: int

    @classmethod
    def of(cls, raw: bytes) -> "Ledger":
        """From its LEDGER_BYTES."""
        return cls(raw[:ID_BYTES], int.from_bytes(raw[ID_BYTES:LEDGER_CONTENT_BYTES], "big"))

    def __bytes__(self) -> bytes:
        """Its bytes, with a different ending each time, so that every tick writes something new."""
        content = self.vault_id + self.seen.to_bytes(DAY_BYTES, "big")
        return content + os.urandom(LEDGER_BYTES - len(content))
