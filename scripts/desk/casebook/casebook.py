"""The casebook: everything that the desk knows, in one directory on an encrypted disk.

What claimants sent (cases, their parts, opened files) and what reviewers say about it is only ever
added, never changed: the file itself refuses changes. Bundles, answers and what could not be opened
are in tables of their own; see schema.sql.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import sqlite_utils

from dropbox.campaign import Campaign
from dropbox.errors import CampaignError
from dropbox.packets import PublicKey
from dropbox.report import Report
from scripts.desk.case import Answer, Case, Counts, Export, Part, Unopened
from scripts.desk.casebook import answer_rows, custody, schema
from scripts.desk.casebook.answers import Answers
from scripts.desk.casebook.assignments import Assignments
from scripts.desk.casebook.bundles import Bundles, LastBundle, Seen, Source
from scripts.desk.casebook.custody import Row, Session, digest
from scripts.desk.casebook.departures import Departures
from scripts.desk.casebook.desks import Desks
from scripts.desk.casebook.draws import Draws
from scripts.desk.casebook.facts import Contact, Event, Facts, Party, SameParties
from scripts.desk.casebook.file import CasebookError, locked, opened, refuse_others
from scripts.desk.casebook.layers import Layers
from scripts.desk.casebook.link_decisions import LinkDecisions
from scripts.desk.casebook.names import Names
from scripts.desk.casebook.numbers import Numbers
from scripts.desk.casebook.parts import Parts
from scripts.desk.casebook.productions import Productions
from scripts.desk.casebook.redactions import Redactions
from scripts.desk.casebook.releases import Confirmations, Releases
from scripts.desk.casebook.translations import Translations
from scripts.desk.casebook.unopened import SetAside
from scripts.desk.review.judgement import Judgement

__all__ = ["FILE", "VERSION", "Casebook", "CasebookError"]

VERSION = 9
FILE, CAMPAIGN, ATTACHMENTS = "casebook.sqlite", "campaign.toml", "attachments"
VIEWS = "views.json"  # may be absent; see scripts.desk.search.saved_views
_CASE = (
    "SELECT number, coalesce(name, ''), reply_public, tag_key FROM cases "
    'LEFT JOIN case_name ON case_name."case" = cases.number'
)


def refuse_file(directory: Path) -> None:
    """Raise CasebookError if *directory*, which should hold a casebook, is a file."""
    if directory.exists() and not directory.is_dir():
        raise CasebookError(f"{directory} is a file; name the directory that holds the casebook.")


class Casebook:
    """An open casebook, for one desk at a time. Every method may raise CasebookError."""

    def __init__(self, directory: Path, database: sqlite_utils.Database) -> None:
        self.directory = directory
        self._database = database
        self.names = Names(database)
        self._parts = Parts(database, self.names)
        # The reviewer at work. Without one, acts leave no line in the custody log, and `verify`
        # names their rows.
        self.session: Session | None = None
        found = schema.version(database.conn)
        if found != VERSION:
            older = " `migrate` brings it there, and keeps a copy." if 0 < found < VERSION else ""
            raise CasebookError(
                f"This casebook is of version {found}; this desk works with version {VERSION}."
                + older
            )
        meta = next(iter(database.table("meta").rows))
        self.server_key = bytes(meta["server_key"])
        self.desk = int(meta["desk"])
        self.campaign = Campaign.read(directory / CAMPAIGN)
        if self.campaign.code != meta["campaign"]:
            raise CampaignError(
                f"{directory / CAMPAIGN} is not the campaign with which this casebook was made."
            )
        self.origin = str(meta["origin"])
        self.bundles = Bundles(database)
        self.set_aside = SetAside(database)
        self.desks = Desks(database, self.origin)
        self.translations = Translations(database, self.desks, self.note)
        self.assignments = Assignments(database, self.desks, self.note)
        self.draws = Draws(database, self.desks, self.note)
        self.link_decisions = LinkDecisions(database, self.desks, self.names, self.note)
        self.events = Facts(database, self.desks, Event, self.note)
        self.parties = Facts(database, self.desks, Party, self.note)
        self.same_parties = SameParties(database, self.desks, self.note)
        self.contacts = Facts(database, self.desks, Contact, self.note)
        self.releases = Releases(database, self.desks, self.note)
        self.redactions = Redactions(database, self.desks, self.note)
        self.productions = Productions(database, self.desk)
        self.confirmations = Confirmations(database, self.desks, self.note)
        self.departures = Departures(database)
        self.numbers = Numbers(database, self.desks, self.confirmations, self.desk)
        self.answers = Answers(database, self.desks, self.numbers, self.note, self.together)
        self.layers = Layers(
            database, self.campaign.reviewing, self.desks, self.draws, self.assignments
        )

    @classmethod
    @contextmanager
    def open(cls, directory: Path) -> Iterator["Casebook"]:
        """The casebook in *directory*, locked until the block ends. Others must not have access to
        it.
        """
        if not (directory / FILE).is_file():
            refuse_file(directory)
            raise CasebookError(
                f"There is no casebook in {directory}. If it is on a stick or another disk, plug "
                "that in and unlock it; `init` makes a new one."
            )
        refuse_others(directory)
        with locked(directory), opened(directory / FILE) as database:
            yield cls(directory, database)

    def file_path(self, sha256: str) -> Path:
        """The path of the opened file with this SHA-256."""
        return self.directory / ATTACHMENTS / bytes.fromhex(sha256).hex()

    def note(
        self,
        act: str,
        subject: str,
        table: str = "",
        row: Mapping[str, Any] | None = None,
        **hashes: str,
    ) -> None:
        """Add a line that records *row* of *table* to the custody log, for the reviewer at work."""
        if self.session is not None:
            self.session.note(
                act, subject, **hashes, row=Row.of(table, row) if row is not None else None
            )

    def viewed(self, case: Case) -> None:
        """Log that the reviewer at work looked at *case*: a line with both hashes for each part."""
        for cipher, report in self._parts.sealed_and_plain(case.number):
            self.note("view", case.name, cipher=cipher, plain=digest(report))

    def add_reviewer(self, name: str, key: PublicKey) -> None:
        """Pin another reviewer's public key, unless it is pinned already. Raises CustodyError."""
        with self._database.atomic():
            if row := custody.add_reviewer(self._database, name, key):
                self.note("reviewer", key.fingerprint, "reviewer", row)

    def pinned(self) -> dict[str, PublicKey]:
        """The reviewers' keys that the casebook holds, by name."""
        return custody.pinned(self._database)

    def log(self, first: int, last: int) -> dict[int, custody.Line]:
        """Those lines of the custody log numbered *first* to *last* that can be read."""
        return custody.read_lines(self._database, first, last)

    def log_lines(self) -> int:
        """How many lines the custody log has."""
        return custody.head(self._database, self.origin).number

    @property
    def database(self) -> sqlite_utils.Database:
        """The open file, for registers and checks that query it themselves."""
        return self._database

    @contextmanager
    def together(self) -> Iterator[None]:
        """A transaction: on disk as a whole when the block ends, or not at all."""
        with self._parts.together():
            yield

    # What claimants sent

    def has_block(self, block_id: bytes) -> bool:
        """Whether the report in this block is in the casebook."""
        return self._parts.has_block(block_id)

    def add_part(
        self, *, block_id: bytes, block_sha256: str, day: date, bundle: int, report: Report
    ) -> Part:
        """Add an opened report to its case; a new pair of reply keys makes a new case."""
        data = report.to_bytes()
        with self.together():
            case, first = self._parts.case_of(report)
            row = {
                "case": case,
                "block_id": block_id,
                "block_sha256": block_sha256,
                "day": day.isoformat(),
            }
            row |= {"bundle": bundle, "report": data}
            part = self._parts.add(row, report)
            self._arrived(part, {"number": part.number, **row}, first=first)
            self.forget_unopened(block_id)
        return part

    def _arrived(self, part: Part, row: Mapping[str, Any], *, first: bool) -> None:
        hashes = {"cipher": row["block_sha256"], "plain": digest(row["report"])}
        name = self.names.of(part.case)
        self.note("import", name, "part", row, **hashes)
        keys = part.report.reply_public, part.report.tag_key
        self.layers.settle(Case(part.case, name, *keys, (part,)) if first else self.case(part.case))

    def has_file(self, part: Part, place: int) -> bool:
        """Whether attachment *place* (from 0) of *part* has been opened."""
        return self._count("attachment", "part = ? and place = ?", part.number, place) > 0

    def add_file(self, part: Part, place: int) -> None:
        """Record that attachment *place* of *part* was opened and is at its :meth:`file_path`."""
        row = {"part": part.number, "place": place, "sha256": part.report.attachments[place].sha256}
        with self._database.atomic():
            self._database.table("attachment").insert(row)
            name = self.names.of(part.case)
            self.note("import", name, "attachment", row, plain=str(row["sha256"]))
            self.forget_unopened(part.block_id, place + 1)

    def parts(self) -> Iterator[Part]:
        """All parts, in the order in which they came."""
        yield from self._parts.all()

    def part(self, number: int) -> Part:
        """One part. Raises CasebookError when there is none with this number."""
        return self._parts.part(number)

    def part_in(self, block_id: bytes) -> Part:
        """The part that came in this block. Raises CasebookError if there is none."""
        return self._parts.in_block(block_id)

    def last_part(self) -> int:
        """The number of the part added last, 0 before the first."""
        return self._parts.last()

    def cases(self) -> Iterator[Case]:
        """All cases by number."""
        rows = self._database.execute(f"{_CASE} ORDER BY number")
        for number, name, public, tag in rows:
            yield Case(number, name, public, tag, self._parts.of_case(number))

    def case(self, number: int) -> Case:
        """One case. Raises CasebookError when there is none with this number."""
        row = self._database.execute(f"{_CASE} WHERE number = ?", [number]).fetchone()
        if row is None:
            raise CasebookError(f"There is no case with the number {number} in this casebook.")
        return Case(row[0], row[1], row[2], row[3], self._parts.of_case(number))

    # What the desk does

    def forget_unopened(self, block_id: bytes, place: int = 0) -> None:
        """Note that something unopened was opened or taken back. Call this in a transaction."""
        for table in ("unopened", "set_aside"):
            self._database.execute(
                f"DELETE FROM {table} WHERE block_id = ? AND place = ?",  # noqa: S608 - ours alone
                [block_id, place],
            )

    def last_export(self) -> Export | None:
        """The last export bundle that was imported, None before the first."""
        for row in self._database.table("export").rows_where(order_by="number desc"):
            return Export(row["number"], date.fromisoformat(row["day"]), row["manifest_sha256"])
        return None

    def close_export(self, export: Export, unopened: Sequence[Unopened]) -> None:
        """Record that *export* has been imported, and what could not be opened in it so far."""
        row = {
            "number": export.number,
            "day": export.day.isoformat(),
            "manifest_sha256": export.manifest_sha256,
        }
        with self._database.atomic():
            self._database.table("export").insert(row, replace=True)
            self.note("import", f"B-{export.number}", "export", row, cipher=export.manifest_sha256)
            self.note_unopened(unopened)

    def note_unopened(self, unopened: Sequence[Unopened]) -> None:
        """Record what could not be opened so far, in the current transaction."""
        self._database.conn.executemany(
            "INSERT OR REPLACE INTO unopened (block_id, place, reason) VALUES (?, ?, ?)",
            ((one.block_id, one.place, one.reason) for one in unopened),
        )

    def close_bundle(
        self,
        bundle: LastBundle,
        day: date,
        unopened: Sequence[Unopened],
        slots: Iterable[tuple[bytes, Seen]] = (),
        tried: Iterable[bytes] = (),
    ) -> None:
        """Record that *bundle* was imported on *day*, and what could not be opened in it so far.

        *slots* and *tried*: see :meth:`scripts.desk.casebook.bundles.Bundles.keep`.
        """
        head = bundle.digest.hex()
        row: dict[str, Any] = {"vault": bundle.vault.hex(), "number": bundle.number}
        row |= {"day": day.isoformat(), "head": head, "onion": bundle.onion}
        with self._database.atomic():
            if self.bundles.keep(row, bundle, slots, tried):
                self.note("import", f"B-{bundle.number}", "bundle", row, cipher=head)
            self.note_unopened(unopened)

    def unopened(self) -> list[Unopened]:
        """Everything that could not be opened so far."""
        return [
            Unopened(**row)
            for row in self._database.table("unopened").rows_where(order_by="block_id, place")
        ]

    def holds_back(self) -> bool:
        """Whether only the server has something unopened, so that nothing is acknowledged."""
        found = self._database.execute(
            "SELECT 1 FROM unopened LEFT JOIN set_aside USING (block_id, place) "
            "WHERE set_aside.kept IS NULL LIMIT 1"
        )
        return found.fetchone() is not None

    def add_layer(self, case: Case, judgement: Judgement, *, role: str, day: date) -> None:
        """Add a version of the reviewer's layer, which covers all parts of *case*.

        Raises ReviewError if the rules forbid it.
        """
        assert self.session is not None
        with self._database.atomic():
            row = self.layers.add(
                case,
                self.layers.placed(case, judgement),
                reviewer=self.session.reviewer,
                role=role,
                day=day,
            )
            self.note("label", case.name, "layer", row, plain=digest(row["judgement"].encode()))
            self.layers.settle(case)

    def leave(
        self,
        bundle: int,
        sha256: str,
        day: date,
        answers: Sequence[Answer],
        write: Callable[[], None],
        acknowledged: Source | None = None,
    ) -> None:
        """Record that *answers*, with their numbers, left in reply bundle *bundle*, maybe again.

        So did the acknowledgement of the export bundle *acknowledged*, if any. *write* writes the
        bundle's file, last in the same transaction: if it raises, the answers are still queued.
        """
        with self._database.atomic():
            row = {"number": bundle, "day": day.isoformat(), "sha256": sha256}
            self._database.table("reply_bundle").insert(row)
            self.note("export", f"R-{bundle}", "reply_bundle", row, cipher=sha256)
            for answer in answers:
                if answer.left is not None:
                    self.answers.send_again(answer, bundle)
                    continue
                case = self.case(answer.case)
                self.answers.depart(answer, case, bundle)
                self.layers.settle(case)
            if acknowledged is not None and acknowledged == self.bundles.unacknowledged():
                self._note_acknowledged(acknowledged, bundle)
            write()

    def _note_acknowledged(self, source: Source, bundle: int) -> None:
        row: dict[str, Any] = {"vault": source.vault.hex(), "number": source.number}
        row["reply_bundle"] = bundle
        self._database.table("acknowledgement").insert(row)
        head = source.head.hex()
        self.note("export", f"B-{source.number}", "acknowledgement", row, cipher=head)

    def restored(self, day: date, backup: str) -> int:
        """Record that this casebook was restored on *day* from the backup with the hash *backup*.

        Numbers that may have been used since the backup are skipped. Returns the number that now
        counts as the last reply bundle's.
        """
        with self._database.atomic():
            self.note("import", "backup", plain=backup)
            row = self.numbers.skip(day)
            self.note("export", f"R-{row['number']}", "reply_bundle", row)
        return int(row["number"])

    def counts(self) -> Counts:
        """How much the casebook holds."""
        # Bundles of the first format came before all others.
        last = self.bundles.newest() or self.last_export()
        return Counts(
            cases=self._count("cases"),
            parts=self._count("part"),
            files=self._count("attachment"),
            unopened=self._count("unopened"),
            last_export=last.number if last else 0,
            last_replies=self.numbers.last_bundle(),
            queued=self._count("answer", answer_rows.QUEUED),
            left=self._count("answer", "bundle is not null"),
        )

    def _count(self, table: str, where: str = "1", *values: bytes | int) -> int:
        return self._database.table(table).count_where(where, values)
