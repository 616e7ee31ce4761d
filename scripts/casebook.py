"""The casebook: what the desk knows, in one directory on an encrypted disk. The only user of SQLite offline.

Two layers. What claimants sent (cases, their parts, opened files) is only ever added to; the file itself refuses a
change. What the desk does (bundles opened, answers, what could not be opened) stands in tables of its own.
"""

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import sqlite_utils

from dropbox.campaign import Campaign
from dropbox.errors import CampaignError, CasedropError
from dropbox.reply import DESKS, REPLIES_PER_DESK
from dropbox.report import KINDS, Report
from scripts.case import Answer, Case, Counts, Export, Part, Unopened, case_name
from scripts.landing import NewFile

VERSION = 2
_FILE, _CAMPAIGN, _ATTACHMENTS, _LOCK = "casebook.sqlite", "campaign.toml", "attachments", "lock"
# As on the server: what is removed is overwritten, and nothing is written outside this directory.
_PRAGMAS = {
    "journal_mode": "truncate",
    "secure_delete": 1,
    "temp_store": 2,
    "synchronous": 2,
    "trusted_schema": 0,
    "foreign_keys": 1,
}
_CLAIMANT_LAYER = ("cases", "part", "attachment")


class CasebookError(CasedropError):
    """The casebook cannot be used."""


def create(directory: Path, *, server_key: bytes, campaign: Path, desk: int) -> None:
    """Make an empty casebook in *directory*, which is made (0700) if absent. Raises CasebookError or CampaignError.

    *server_key* (32 bytes) is the server's export key, *campaign* the campaign's file (a copy is kept inside), *desk*
    the number (from 0) that no other desk of this drop has.
    """
    if not 0 <= desk < DESKS:
        raise CasebookError(f"The desk's number is from 0 to {DESKS - 1}.")
    if len(server_key) != 32:
        raise CasebookError("The server's export key is 64 hex digits.")
    code = Campaign.read(campaign).code
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as why:
        raise CasebookError(f"{directory} cannot be made: {why.strerror}.") from None
    _refuse_others(directory)
    if (directory / _FILE).exists():
        raise CasebookError(f"There is a casebook in {directory} already.")
    (directory / _ATTACHMENTS).mkdir(mode=0o700, exist_ok=True)
    with NewFile(directory / _CAMPAIGN) as copy:
        copy.write(campaign.read_bytes())
    # Under another name until it is whole, so that a broken-off start leaves no half casebook.
    made = directory / (_FILE + ".part")
    made.unlink(missing_ok=True)
    with _database(made) as database:
        _make_tables(database)
        database.table("meta").insert({"version": VERSION, "campaign": code, "server_key": server_key, "desk": desk})
    made.with_name(made.name + "-journal").unlink(missing_ok=True)
    made.rename(directory / _FILE)


def _refuse_others(directory: Path) -> None:
    if directory.stat().st_mode & 0o077:
        raise CasebookError(f"Others on this computer can read {directory}; close it with chmod 700 first.")


@contextmanager
def _lock(directory: Path) -> Iterator[None]:
    """Held while a desk works: case and reply numbers are counted by one desk at a time."""
    descriptor = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise CasebookError(f"Another desk has the casebook in {directory} open.") from None
    finally:
        os.close(descriptor)


@contextmanager
def _database(path: Path) -> Iterator[sqlite_utils.Database]:
    """SQLite's errors become a sentence here; no statement's values are in it."""
    # Readable by its owner only from its first byte on.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(path)
    try:
        for name, value in _PRAGMAS.items():
            connection.execute(f"PRAGMA {name}={value}")
            if connection.execute(f"PRAGMA {name}").fetchone()[0] != value:
                raise CasebookError(f"SQLite on this computer does not take the setting {name}.")
        yield sqlite_utils.Database(connection)
    except sqlite3.Error as why:
        raise CasebookError(f"The casebook file {path} cannot be used: {why}.") from None
    finally:
        connection.close()


def _make_tables(database: sqlite_utils.Database) -> None:
    def table(name: str, columns: dict[str, type], *, pk: str | tuple[str, ...], nullable: Sequence[str] = ()) -> None:
        database.create_table(name, columns, pk=pk, not_null=set(columns) - set(nullable), strict=True)

    table("meta", {"version": int, "campaign": str, "server_key": bytes, "desk": int}, pk="version")
    table("cases", {"number": int, "reply_public": bytes, "tag_key": bytes}, pk="number")
    database.table("cases").create_index(["reply_public", "tag_key"], unique=True)
    keys, text = {"number": int, "case": int, "block_id": bytes}, {"block_sha256": str, "day": str}
    table("part", {**keys, **text, "bundle": int, "report": bytes}, pk="number")
    database.table("part").create_index(["block_id"], unique=True)
    database.table("part").create_index(["case"])
    table("attachment", {"part": int, "place": int, "sha256": str}, pk=("part", "place"))
    table("export", {"number": int, "day": str, "manifest_sha256": str}, pk="number")
    table("unopened", {"block_id": bytes, "place": int, "reason": str}, pk=("block_id", "place"))
    words = {"kind": str, "language": str, "day": str, "text": str}
    table(
        "answer",
        {"id": int, "case": int, **words, "number": int, "bundle": int},
        pk="id",
        nullable=["number", "bundle"],
    )
    database.table("answer").create_index(["case"])
    table("reply_bundle", {"number": int, "day": str, "sha256": str}, pk="number")
    for name in _CLAIMANT_LAYER:
        for act in ("UPDATE", "DELETE"):
            database.execute(
                f"CREATE TRIGGER {name}_{act.lower()} BEFORE {act} ON {name} "
                "BEGIN SELECT RAISE(ABORT, 'what claimants sent is never changed'); END"
            )


class Casebook:
    """An open casebook, for one desk at a time. Use in a ``with`` block. Raises CasebookError in every method."""

    def __init__(self, directory: Path, database: sqlite_utils.Database) -> None:
        self.directory = directory
        self._database = database
        # The parts of the transaction that is open: what is worked out from them there need not read them again.
        self._fresh: dict[int, Part] = {}
        meta = next(iter(database.table("meta").rows), {"version": 0})
        found = meta["version"]
        if found != VERSION:
            raise CasebookError(f"This casebook is of version {found}; this desk works with version {VERSION}.")
        self.server_key = bytes(meta["server_key"])
        self.desk = int(meta["desk"])
        self.campaign = Campaign.read(directory / _CAMPAIGN)
        if self.campaign.code != meta["campaign"]:
            raise CampaignError(f"{directory / _CAMPAIGN} is not the campaign with which this casebook was made.")

    @classmethod
    @contextmanager
    def open(cls, directory: Path) -> Iterator["Casebook"]:
        """The casebook in *directory*, locked until the block ends. Refused when others could read the directory."""
        if not (directory / _FILE).is_file():
            raise CasebookError(f"There is no casebook in {directory}; make one with `init`.")
        _refuse_others(directory)
        with _lock(directory), _database(directory / _FILE) as database:
            yield cls(directory, database)

    def file_path(self, sha256: str) -> Path:
        """Where the opened file with this SHA-256 is kept."""
        return self.directory / _ATTACHMENTS / bytes.fromhex(sha256).hex()

    @property
    def database(self) -> sqlite_utils.Database:
        """For the registers, which read these tables and write their own."""
        return self._database

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is done inside is on the disk as a whole when the block ends, or not at all."""
        try:
            with self._database.atomic():
                yield
        finally:
            self._fresh.clear()

    # What claimants sent

    def has_block(self, block_id: bytes) -> bool:
        """Whether the report in this block is in the casebook already."""
        return self._database.execute("SELECT 1 FROM part WHERE block_id = ?", [block_id]).fetchone() is not None

    def add_part(self, *, block_id: bytes, block_sha256: str, day: date, bundle: int, report: Report) -> Part:
        """Add an opened report to its case; a pair of reply keys not seen before makes the next case."""
        with self._database.atomic():
            case = self._case_number(report)
            number = self._database.execute(
                'INSERT INTO part ("case", block_id, block_sha256, day, bundle, report) VALUES (?, ?, ?, ?, ?, ?)',
                [case, block_id, block_sha256, day.isoformat(), bundle, report.to_bytes()],
            ).lastrowid
            self._forget(block_id, 0)
        part = Part(int(number or 0), case, block_id, day, bundle, report)
        if self._database.conn.in_transaction:
            self._fresh[part.number] = part
        return part

    def _case_number(self, report: Report) -> int:
        # By both keys: a report with another's reply key and a wrong tag key must not lead that one's answers astray.
        keys = [report.reply_public, report.tag_key]
        found = self._database.execute("SELECT number FROM cases WHERE reply_public = ? AND tag_key = ?", keys).fetchone()
        if found is None:
            return int(self._database.execute("INSERT INTO cases (reply_public, tag_key) VALUES (?, ?)", keys).lastrowid or 0)
        return int(found[0])

    def has_file(self, part: Part, place: int) -> bool:
        """Whether attachment *place* (from 0) of *part* has been opened."""
        return self._count("attachment", "part = ? and place = ?", part.number, place) > 0

    def add_file(self, part: Part, place: int) -> None:
        """Note that attachment *place* of *part* was opened and stands at its :meth:`file_path`."""
        row = {"part": part.number, "place": place, "sha256": part.report.attachments[place].sha256}
        with self._database.atomic():
            self._database.table("attachment").insert(row)
            self._forget(part.block_id, place + 1)

    def parts(self) -> Iterator[Part]:
        """All parts, in the order in which they came."""
        yield from map(_part, self._database.table("part").rows_where(order_by="day, number"))

    def part(self, number: int) -> Part:
        """One part. Raises CasebookError when there is none with this number."""
        if number in self._fresh:
            return self._fresh[number]
        for row in self._rows("SELECT * FROM part WHERE number = ?", number):
            return _part(row)
        raise CasebookError(f"There is no part {number} in this casebook.")

    def last_part(self) -> int:
        """The number of the part that was added last, 0 before the first."""
        return int(self._database.execute("SELECT coalesce(max(number), 0) FROM part").fetchone()[0])

    def cases(self) -> Iterator[Case]:
        """All cases by number."""
        yield from map(self._case, self._database.table("cases").rows_where(order_by="number"))

    def case(self, number: int) -> Case:
        """One case. Raises CasebookError when there is none with this number."""
        for row in self._rows("SELECT * FROM cases WHERE number = ?", number):
            return self._case(row)
        raise CasebookError(f"There is no case {case_name(number)} in this casebook.")

    def _case(self, row: dict[str, Any]) -> Case:
        parts = map(_part, self._rows('SELECT * FROM part WHERE "case" = ?', row["number"]))
        return Case(row["number"], row["reply_public"], row["tag_key"], tuple(sorted(parts, key=_order)))

    def _rows(self, select: str, *values: int) -> Iterator[dict[str, Any]]:
        found = self._database.execute(select, values)
        names = [column[0] for column in found.description]
        yield from (dict(zip(names, row, strict=True)) for row in found)

    # What the desk does

    def _forget(self, block_id: bytes, place: int) -> None:
        self._database.execute("DELETE FROM unopened WHERE block_id = ? AND place = ?", [block_id, place])

    def last_export(self) -> Export | None:
        """The last export bundle that was worked through, None before the first."""
        for row in self._database.table("export").rows_where(order_by="number desc", limit=1):
            return Export(row["number"], date.fromisoformat(row["day"]), row["manifest_sha256"])
        return None

    def close_export(self, export: Export, unopened: Sequence[Unopened]) -> None:
        """Note that *export* has been worked through, and what of it could not be opened; that stays until it can."""
        row = {"number": export.number, "day": export.day.isoformat(), "manifest_sha256": export.manifest_sha256}
        with self._database.atomic():
            self._database.table("export").insert(row, replace=True)
            self._database.table("unopened").insert_all([one._asdict() for one in unopened], replace=True)

    def unopened(self) -> list[Unopened]:
        """What could not be opened so far."""
        return [Unopened(**row) for row in self._database.table("unopened").rows_where(order_by="block_id, place")]

    def queued(self) -> list[Answer]:
        """The answers that have not left yet, in the order in which they were written."""
        return self._answers("bundle is null")

    def answers_to(self, case: Case) -> list[Answer]:
        """All answers to *case*, in the order in which they were written."""
        return self._answers('"case" = ?', case.number)

    def _answers(self, where: str, *values: int) -> list[Answer]:
        rows = self._database.table("answer").rows_where(where, values, order_by="id")
        return [Answer(**{**row, "day": date.fromisoformat(row["day"])}) for row in rows]

    def queue_answer(self, case: Case, *, kind: str, language: str, day: date, text: str) -> None:
        """Queue an answer. Raises CasebookError when its case has had as many as one desk can give."""
        if self._count("answer", '"case" = ?', case.number) >= REPLIES_PER_DESK:
            raise CasebookError(f"{case.name} has {REPLIES_PER_DESK} answers; one desk cannot give more to a case.")
        row = [case.number, kind, language, day.isoformat(), text]
        self._database.execute('INSERT INTO answer ("case", kind, language, day, text) VALUES (?, ?, ?, ?, ?)', row)

    def leave(self, bundle: int, sha256: str, day: date, answers: Sequence[Answer], land: Callable[[], None]) -> None:
        """Note that *answers*, with their numbers, left in reply bundle *bundle*; *land* puts it in its place.

        *land* comes last in the same transaction: when it raises, the answers are still queued.
        """
        with self._database.atomic():
            self._database.table("reply_bundle").insert({"number": bundle, "day": day.isoformat(), "sha256": sha256})
            for answer in answers:
                self._database.table("answer").update(answer.id, {"number": answer.number, "bundle": bundle})
            land()

    def numbered(self, answers: Sequence[Answer]) -> list[Answer]:
        """*answers* with the next reply numbers of their cases."""
        taken: dict[int, int] = {}
        result = []
        for answer in answers:
            number = taken.get(answer.case, self._count("answer", '"case" = ? and bundle is not null', answer.case))
            taken[answer.case] = number + 1
            result.append(replace(answer, number=number))
        return result

    def counts(self) -> Counts:
        """How much is in the casebook."""
        last = self.last_export()
        return Counts(
            cases=self._count("cases"),
            parts=self._count("part"),
            files=self._count("attachment"),
            unopened=self._count("unopened"),
            last_export=last.number if last else 0,
            last_replies=self._count("reply_bundle"),
            queued=self._count("answer", "bundle is null"),
            left=self._count("answer", "bundle is not null"),
        )

    def _count(self, table: str, where: str = "1", *values: bytes | int) -> int:
        return self._database.table(table).count_where(where, values)


def _order(part: Part) -> tuple[date, int, int, int]:
    """What came on one day comes in no order of its own: then a report stands before what was added to it."""
    return part.day, part.bundle, KINDS.index(part.report.kind), part.number


def _part(row: dict[str, Any]) -> Part:
    report = Report.from_bytes(row["report"])
    return Part(row["number"], row["case"], row["block_id"], date.fromisoformat(row["day"]), row["bundle"], report)
