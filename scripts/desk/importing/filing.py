"""Filing what a verified bundle holds: opening its reports and files, and adding them.

Several gpg processes decrypt at once; one thread adds the results, in order. Each batch is kept as
soon as it is done, the bundle's number only at the end: after an interruption, one simply imports
the bundle again.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, Protocol

from dropbox.durable_file import NewFile
from dropbox.errors import BadReport, CannotOpen
from dropbox.openpgp import Opener
from dropbox.reply import REPLIES_PER_DESK
from dropbox.report import Attachment, Report
from dropbox.sealing import MissingBlock
from scripts.desk.case import Part, Unopened, case_name
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.importing.batch import Batch
from scripts.desk.importing.workers import EarlyWorker, in_order
from scripts.desk.search import finding, similar, summary

ACKNOWLEDGEMENT = "acknowledgement"
# The rest of a case's replies stays free for answers, however many messages a claimant sends.
MOST_ACKNOWLEDGEMENTS = REPLIES_PER_DESK // 2

# Parts, or files, in one transaction: the most that is done again after a run was killed.
BATCH = 100

# The stage ("reports" or "files"), how many of its items are done, and their total.
Progress = Callable[[str, int, int], None]

# An OpenPGP message.
Sealed = bytes | memoryview


class SealedReport(NamedTuple):
    """A report in a bundle: its block, and the OpenPGP message in it.

    *position* is that of the block among all of the bundle's, from 1.
    """

    position: int
    block_id: bytes
    block_sha256: str
    day: date
    message: Sealed


class Source(Protocol):
    """A verified bundle's content."""

    @property
    def ids(self) -> frozenset[bytes]:
        """The ids of all its blocks."""

    def reports(self, known: frozenset[bytes]) -> Iterator[SealedReport]:
        """Everything that may be a report, but for blocks that are *known*."""

    def blocks_of(self, report: Report, attachment: Attachment) -> frozenset[bytes]:
        """Those of the bundle's blocks that belong to *attachment*.

        A report that claims more than there are costs nothing.
        """

    def open_file(
        self,
        report: Report,
        attachment: Attachment,
        opener: Opener,
        sink: Callable[[bytes], None],
    ) -> None:
        """Decrypt *attachment* into *sink*; see :func:`dropbox.sealing.open_attachment`."""


@dataclass(frozen=True)
class Opened:
    """The outcome of an import.

    ``known`` counts parts that were there before, ``unreferenced`` blocks that no report names.
    """

    number: int
    blocks: int
    cases: int
    parts: int
    files: int
    known: int
    unreferenced: int
    unopened: tuple[Unopened, ...]


class Filing:
    """The filing of one verified bundle in the casebook."""

    def __init__(
        self,
        casebook: Casebook,
        source: Source,
        *,
        number: int,
        opener: Opener,
        early: EarlyWorker[Sealed, Report],
        batch: int,
    ) -> None:
        self._casebook = casebook
        self._source = source
        self._number = number
        self._opener = opener
        self._early = early
        self._batch = batch
        self._before = casebook.counts()
        self._reports = {one for one in source.ids if casebook.has_block(one)}
        self._named: set[bytes] = set()
        self._unopened: list[Unopened] = []

    def open_reports(self, progress: Progress) -> None:
        """Add each block that is a sealed report of this campaign to its case as a part."""
        total = len(self._source.ids)
        parts = Batch[tuple[SealedReport, Report]](self._casebook, self._batch, self._add_parts)
        sealed_reports = self._source.reports(frozenset(self._reports))
        with closing(in_order(sealed_reports, self._open_report)) as results:
            for sealed, opened in results:
                if isinstance(opened, Report):
                    parts.add((sealed, opened))
                else:
                    self._unopened.append(Unopened(sealed.block_id, 0, opened))
                progress("reports", sealed.position, total)
        parts.finish()
        progress("reports", total, total)

    def _add_parts(self, opened: Sequence[tuple[SealedReport, Report]]) -> None:
        for sealed, report in opened:
            self._add_part(sealed, report)
        # Now, while the workers wait for gpg. These tables are derived from the casebook alone, so
        # whatever an interrupted run leaves out is caught up when it is needed.
        summary.catch_up(self._casebook)
        finding.catch_up(self._casebook)
        similar.catch_up(self._casebook)

    def _open_report(self, sealed: SealedReport) -> Report | str:
        """The report, or why it cannot be opened. Runs in a worker's thread."""
        try:
            report = self._early.result(sealed.block_id, sealed.message)
        except (CannotOpen, BadReport) as why:
            return str(why)
        if report.campaign != self._casebook.campaign.code:
            return "This report belongs to another campaign."
        return report

    def _add_part(self, sealed: SealedReport, report: Report) -> None:
        """Add one part to the casebook, inside the transaction of its batch."""
        self._casebook.add_part(
            block_id=sealed.block_id,
            block_sha256=sealed.block_sha256,
            day=sealed.day,
            bundle=self._number,
            report=report,
        )
        self._reports.add(sealed.block_id)

    def open_files(self, progress: Progress) -> None:
        """Open each file that a report in the casebook names, unless it was opened before."""
        # At least one file for each of these parts.
        total, done = len(summary.parts_with_files(self._casebook)), 0
        files = Batch[tuple[Part, int]](self._casebook, self._batch, self._add_files)
        with closing(in_order(self._files(), self._open_file, apart=_sha256)) as results:
            for (part, place), reason in results:
                if reason:
                    self._unopened.append(Unopened(part.block_id, place + 1, reason))
                else:
                    files.add((part, place))
                done += 1
                progress("files", done, max(done, total))
        files.finish()

    def _files(self) -> Iterator[tuple[Part, int]]:
        """The files to open, each as its part and its place (from 0) in it."""
        for number in summary.parts_with_files(self._casebook):
            part = self._casebook.part(number)
            for place, attachment in enumerate(part.report.attachments):
                here = self._source.blocks_of(part.report, attachment)
                self._named.update(here)
                # A file without any block here is missing only if its report is in this bundle; for
                # an older report that was noted before.
                expected = bool(here) or part.block_id in self._source.ids
                if expected and not self._casebook.has_file(part, place):
                    yield part, place

    def _open_file(self, named: tuple[Part, int]) -> str:
        """Open a file into the casebook's directory; "", or why not. Runs in a worker's thread."""
        part, place = named
        try:
            self._write_file(part.report, part.report.attachments[place])
        except (MissingBlock, CannotOpen, BadReport) as why:
            return f"File {place + 1} of a part of {case_name(part.case)}: {why}"
        return ""

    def _add_files(self, named: Sequence[tuple[Part, int]]) -> None:
        for part, place in named:
            self._casebook.add_file(part, place)
        similar.catch_up(self._casebook)

    @property
    def named(self) -> frozenset[bytes]:
        """The blocks that belong to files of the casebook's reports, once these were opened."""
        return frozenset(self._named)

    def close(
        self,
        today: date,
        record: Callable[[Sequence[Unopened]], None],
        also: Sequence[Unopened] = (),
    ) -> Opened:
        """Count, and have *record* note the bundle as imported, with what could not be opened.

        *also* could not be opened either.
        """
        # One in some millions of a file's blocks begins like a report by chance.
        unopened = tuple(
            one for one in self._unopened if one.place or one.block_id not in self._named
        ) + tuple(also)
        self._acknowledge(today)
        record(unopened)
        after = self._casebook.counts()
        tried = {one.block_id for one in unopened}
        new = after.parts - self._before.parts
        return Opened(
            number=self._number,
            blocks=len(self._source.ids),
            cases=after.cases - self._before.cases,
            parts=new,
            files=after.files - self._before.files,
            known=len(self._reports) - new,
            unreferenced=len(self._source.ids - self._reports - self._named - tried),
            unopened=unopened,
        )

    def _acknowledge(self, today: date) -> None:
        """Queue "opened by the reviewers", one for each bundle that brought something to a case."""

        def queue(numbers: Sequence[int]) -> None:
            for case in summary.outlines_of(self._casebook, numbers):
                self._casebook.queue_answer(
                    case, kind=ACKNOWLEDGEMENT, language=case.language, day=today, text=""
                )

        cases = Batch[int](self._casebook, self._batch, queue)
        for number in summary.unacknowledged(
            self._casebook, ACKNOWLEDGEMENT, MOST_ACKNOWLEDGEMENTS
        ):
            cases.add(number)
        cases.finish()

    def _write_file(self, report: Report, attachment: Attachment) -> None:
        """Open *attachment* into the casebook's directory, durable and whole or not at all."""
        if not re.fullmatch("[0-9a-f]{64}", attachment.sha256, re.ASCII):
            raise BadReport("The report gives no SHA-256 for it.")
        if attachment.size > attachment.sealed_bytes:
            # Sealing never shrinks a file. gpg would unpack anything, so this bounds what it may
            # unpack by what was sent.
            raise BadReport("The report gives it a size that it cannot have.")
        path = self._casebook.file_path(attachment.sha256)
        if path.exists():
            # Another report sent the same file. This one is opened all the same: its report must
            # really hold the file, not only name it.
            self._source.open_file(report, attachment, self._opener, lambda _data: None)
            return
        # Left by an interrupted run; no other desk has this casebook open.
        path.with_name(path.name + ".part").unlink(missing_ok=True)
        with NewFile(path) as file:
            sink = bounded(file.write, attachment.size)
            self._source.open_file(report, attachment, self._opener, sink)


def _sha256(named: tuple[Part, int]) -> str:
    return named[0].report.attachments[named[1]].sha256


def bounded(sink: Callable[[bytes], None], most: int) -> Callable[[bytes], None]:
    """*sink* for at most *most* bytes: a longer file, which is refused later, fills no disk."""
    left = most

    def take(data: bytes) -> None:
        nonlocal left
        if len(data) <= left:
            sink(data)
        left -= len(data)

    return take
