"""Verifying a casebook: its custody log line by line, then its rows and files against the log.

It needs no secret key: anybody with the reviewers' public keys can do it on a copy. A finding is a
sentence that names a line, a row or a file, and never quotes it.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from dropbox.errors import BadBundle, BadReport, CasedropError
from dropbox.packets import PublicKey
from dropbox.report import Report
from scripts.desk.case_name import characters_of, former_name, name_of
from scripts.desk.casebook import custody, tree
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.custody import ROWS, Row, origin
from scripts.desk.casebook.draws import by_chance
from scripts.desk.casebook.layers import considered_before
from scripts.desk.casebook.log_check import LogCheck, Progress
from scripts.desk.casebook.schema import guards
from scripts.desk.exchange.merging import check_row
from scripts.desk.search import said, summary


def findings(
    casebook: Casebook,
    keys: Mapping[str, PublicKey],
    now: datetime,
    *,
    noted_head: str = "",
    progress: Progress | None = None,
) -> list[str]:
    """Everything that was altered, as sentences; empty when all is well.

    *keys* are the reviewers' public keys by name. *noted_head* is the hash of a last line that was
    written down elsewhere.
    """
    audit = _Audit(casebook, keys, now, progress or (lambda _done, _all: None))
    audit.check_head(noted_head)
    for check, what in audit.checks():
        try:
            check()
        except (ValueError, TypeError, KeyError, IndexError, CasedropError):
            # Without the exception's text, which may quote the file.
            audit.found.append(f"The casebook's {what} cannot be read: the file was changed there.")
    return audit.found


def forks(casebook: Casebook) -> list[str]:
    """Where a desk's log continues more than once, as sentences. This is not an alteration."""
    desks = casebook.desks
    try:
        known = tree.read([*desks.own_lines(), *desks.lines()])
        numbers = {one.origin: int(one.meta["desk"]) for one in (desks.own(), *desks.others())}
    except (ValueError, TypeError, KeyError, IndexError):
        return []  # findings() says that it cannot be read
    return tree.forks(known, numbers)


class _Audit:
    def __init__(
        self, casebook: Casebook, keys: Mapping[str, PublicKey], now: datetime, progress: Progress
    ) -> None:
        self._casebook = casebook
        self._keys = tuple(keys.values())
        self._now = now
        self._progress = progress
        self.found: list[str] = []
        rows = casebook.database.table("custody").rows_where(order_by="number")
        self._log = LogCheck((row["number"], row["line"], row["signature"]) for row in rows)

    def _rows(self, table: str) -> Iterator[dict[str, Any]]:
        yield from self._casebook.database.table(table).rows

    def check_file(self) -> None:
        """SQLite finds the file sound, and the triggers still guard what must never change."""
        database = self._casebook.database
        answers = [row[0] for row in database.execute("PRAGMA integrity_check").fetchall()]
        self.found += [f"The casebook's file is damaged: {one}." for one in answers if one != "ok"]
        triggers = dict(
            database.execute(
                "select name, sql from sqlite_master where type = 'trigger'"
            ).fetchall()
        )
        if any(triggers.get(name) != trigger for name, trigger in guards().items()):
            self.found.append(
                "The casebook's file no longer guards what is never changed: "
                "its triggers were changed."
            )

    def checks(self) -> list[tuple[Callable[[], None], str]]:
        """All checks but the head's, each with what it reads.

        Some build on what earlier ones found.
        """
        return [
            (self.check_file, "structure"),
            (self.check_log, "log"),
            (self.check_origin, "settings"),
            (self.check_rows, "rows"),
            (self.check_cases, "cases"),
            (self.check_names, "names of cases"),
            (self.check_considered, "reviews' parts"),
            (self.check_departures, "answers"),
            (self.check_files, "list of files"),
            (self.check_sealed, "sealed blocks"),
            (self.check_desks, "work of other desks"),
            (self.check_draws, "draws"),
            (self.check_standings, "reviews"),
        ]

    def check_log(self) -> None:
        """Each line of the log is signed and follows the one before."""
        self.found += self._log.check(self._keys, self._now, self._progress)

    def check_origin(self) -> None:
        """The settings and first keys are those with which the log begins."""
        meta = next(self._rows("meta"))
        added = {line.row for line in self._log.good.values()}
        first = [
            row for row in self._rows("reviewer") if f"reviewer/{row['fingerprint']}" not in added
        ]
        computed = origin({key: value for key, value in meta.items() if key != "origin"}, first)
        logged = self._log.good[1].before if 1 in self._log.good else computed
        if meta["origin"] != computed or logged != computed:
            self.found.append(
                "The casebook's settings or its reviewers' keys are not those with which it was "
                "made."
            )

    def check_head(self, noted: str) -> None:
        """A head that was written down is still in the log."""
        if noted and noted.lower() not in {*self._log.links, self._casebook.origin}:
            self.found.append(
                "No line of the log has the hash that was written down: "
                "the log's end was cut off or replaced."
            )

    # What the log records

    def check_rows(self) -> None:
        """Each row that must never change has a line in the log, and is as that line says."""
        logged: dict[str, tuple[int, str]] = {}
        for number, line in sorted(self._log.good.items()):
            # Only a bundle that had to be opened again is logged again.
            if line.row in logged and not line.row.startswith("export/"):
                self.found.append(
                    f"Line {number} of the log records {_row_name(line.row)} again, "
                    f"after line {logged[line.row][0]}."
                )
            if line.row:
                logged[line.row] = (number, line.row_sha256)
        reviewers = {f"reviewer/{row['fingerprint']}" for row in self._rows("reviewer")}
        pinned_first = reviewers - set(logged)
        for table in ROWS:
            for row in self._rows(table):
                self._check_row(Row.of(table, row), logged, pinned_first)
        self.found += [
            f"{_row_name(name)} was removed; line {number} of the log records it."
            for name, (number, _) in logged.items()
        ]

    def _check_row(
        self, row: Row, logged: dict[str, tuple[int, str]], needs_none: set[str]
    ) -> None:
        number, sha256 = logged.pop(row.name, (0, ""))
        if number == 0 and row.name not in needs_none:
            self.found.append(
                f"{_row_name(row.name)} has no line in the log: it was added, or its line is gone."
            )
        elif number and sha256 != row.sha256:
            self.found.append(f"{_row_name(row.name)} was changed since line {number} of the log.")

    def check_cases(self) -> None:
        """Each case has the reply keys of its reports; others would lead its answers astray."""
        keys = {row["number"]: (row["reply_public"], row["tag_key"]) for row in self._rows("cases")}
        seen = set()
        for row in self._rows("part"):
            seen.add(row["case"])
            try:
                report = Report.from_bytes(row["report"])
            except (BadReport, AttributeError):
                continue  # check_rows named its row as changed
            if keys.get(row["case"]) != (report.reply_public, report.tag_key):
                self.found.append(
                    f"The reply keys of {self._case(row['case'])} "
                    f"are not those of its part {row['number']}."
                )
        self.found += [
            f"{self._case(number)} has no part: it was added."
            for number in keys
            if number not in seen
        ]

    def check_names(self) -> None:
        """Each case has the name that follows from its keys; otherwise it would be mistaken for
        another.

        Every desk computes the same names, so a wrong one leads answers and sheets astray.
        """
        computed = {
            row["number"]: characters_of(row["reply_public"], row["tag_key"])
            for row in self._rows("cases")
        }
        # In sorted order, the name that shares the most with it is one of its neighbours.
        around = ["", *sorted(computed.values()), ""]
        names = {
            one: name_of(one, before, after)
            for before, one, after in zip(around, around[1:], around[2:], strict=False)
        }
        rows = {row["case"]: row for row in self._rows("case_name")}
        kept = {
            number: (row["characters"], row["name"])
            for number, row in rows.items()
            # Its former number must not lead to another case either.
            if row["former"] in ("", former_name(number))
        }
        for number, characters in computed.items():
            if kept.pop(number, None) != (characters, names[characters]):
                self.found.append(
                    f"The name of case number {number} is not the one that follows from its keys."
                )
        self.found += [
            f"There is a name for case number {number}, but no such case." for number in kept
        ]

    def check_considered(self) -> None:
        """Layers of earlier versions cover the parts that the log has before them."""
        rows = list(self._rows("layer"))
        older = {row["number"] for row in rows if not self._names_its_parts(row["judgement"])}
        lines = {line.row: number for number, line in self._log.good.items()}
        computed = considered_before(
            lines,
            [(row["number"], row["case"]) for row in rows if row["number"] in older],
            [(row["number"], row["case"]) for row in self._rows("part")],
        )
        kept = {(row["layer"], row["part"]) for row in self._rows("considered")}
        self.found += [
            f"The parts that layer {number} was of are not those that the log has before it."
            for number in sorted({layer for layer, _ in computed ^ kept})
        ]

    @staticmethod
    def _names_its_parts(judgement: str) -> bool:
        return bool(json.loads(judgement).get("considered"))

    def _case(self, number: int) -> str:
        """What a finding calls a case."""
        return self._casebook.names.of(number) or f"Case number {number}"

    def check_departures(self) -> None:
        """Answers are marked as sent with the number and bundle that the log has."""
        sent = {row["answer"]: (row["number"], row["bundle"]) for row in self._rows("departure")}
        for row in self._rows("answer"):
            if (row["number"], row["bundle"]) != sent.get(row["id"], (None, None)):
                self.found.append(
                    f"Answer {row['id']} is not marked as the log has it: "
                    "when it left, or that it did not."
                )

    def check_files(self) -> None:
        """Each opened file is there and has its SHA-256."""
        rows = list(self._rows("attachment"))
        for done, row in enumerate(rows, 1):
            name = f"The file of {_row_name('attachment/{part}/{place}'.format(**row)).lower()}"
            try:
                same = _sha256(self._casebook.file_path(row["sha256"])) == row["sha256"]
            except FileNotFoundError:
                self.found.append(f"{name} is gone.")
            except (ValueError, TypeError):
                continue  # check_rows named its row as changed
            else:
                if not same:
                    self.found.append(f"{name} was changed.")
            self._progress(done, len(rows))

    def check_sealed(self) -> None:
        """Each block or day key that is kept sealed has its SHA-256."""
        for row in self._rows("sealed"):
            if hashlib.sha256(row["data"]).hexdigest() != row["sha256"]:
                self.found.append(f"{_row_name('sealed/{number}'.format(**row))} was changed.")

    def check_desks(self) -> None:
        """The logs of other desks are whole and signed, and each row is as its line records it."""
        desks = self._casebook.desks
        others = desks.others()
        self.found += [
            f"The settings of desk {desk.meta['desk']}, as it gave them to this one, were changed."
            for desk in others
            if custody.digest(desk.settings.encode()) != desk.origin
        ]
        lines = list(desks.lines())
        known = tree.read([*desks.own_lines(), *lines])
        self.found += tree.faults(lines, known, self._keys, self._now)
        for row, _ in desks.rows():
            try:
                check_row(row, known)
            except BadBundle:
                self.found.append(
                    f"{_row_name(f'{row.kind}/')}of another desk was changed: its line of the log "
                    "records something else."
                )

    def check_draws(self) -> None:
        """Cases came back for a second review only by a random draw, which anybody can repeat."""
        keys = self._casebook.desks.sample_keys()
        for number in self._casebook.draws.cases():
            case = self._casebook.case(number)
            if not all(by_chance(one, case, keys) for one in self._casebook.draws.of(number)):
                self.found.append(
                    f"{case.name} was drawn for a second review, but not by the key that is named."
                )

    def check_standings(self) -> None:
        """The standings follow from the layers, and the outlines from the parts.

        Checked only when layers and parts themselves are unchanged.
        """
        if self.found:
            return
        standings = {row["case"]: row for row in self._rows("standing")}
        for case in self._casebook.cases():
            if standings.pop(case.number, None) != self._casebook.layers.standing(case):
                self.found.append(
                    f"The summary of {case.name} is not what follows from its reviews and answers."
                )
        self.found += [
            f"There is a summary of case number {number}, but no such case." for number in standings
        ]
        self.found += [
            f"What lists show of {self._case(number)} is not what its parts say."
            for number in summary.altered(self._casebook)
        ]
        self.found += [
            f"What filters know of {self._case(number)} is not what its reviews say."
            for number in said.altered(self._casebook)
        ]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _row_name(row: str) -> str:
    """A row's name as people read it: "Part 3", "Attachment 3/0"."""
    table, _, key = row.partition("/")
    return f"{table.replace('_', ' ').capitalize()} {key}"
