"""Filing what a verified bundle holds: opening its reports and files, and adding them.

Several gpg processes decrypt at once; one thread adds the results, in order. Each batch is kept as
soon as it is done, the bundle's number only at the end: after an interruption, one simply imports
the bundle again.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple, Protocol

from dropbox.durable_file import NewFile
from dropbox.errors import BadReport, CannotOpen, CasedropError, SealedToOthers
from dropbox.openpgp import Opener
from dropbox.probe_mark import is_probe
from dropbox.report import Attachment, Report
from dropbox.sealing import MissingBlock, open_message
from scripts.desk.case import Cause, Part, Unopened, cause_of
from scripts.desk.casebook.answer_rows import ACKNOWLEDGEMENT, MOST_ACKNOWLEDGEMENTS
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.importing.batch import Batch
from scripts.desk.importing.workers import EarlyWorker, in_order
from scripts.desk.search import index, similar, summary

# Parts, or files, in one transaction: the most that has to be repeated after a run was killed.
BATCH = 100

# The stage ("reports" or "files"), how many of its items are done, and their total.
Progress = Callable[[str, int, int], None]

# An OpenPGP message.
Sealed = bytes | memoryview


class SealedReport(NamedTuple):
    """A report in a bundle: its block, and the OpenPGP message in it.

    *position* is that of the block among all blocks of the bundle, from 1; *bundle* is the bundle's
    number.
    """

    position: int
    block_id: bytes
    block_sha256: str
    day: date
    bundle: int
    message: Sealed


class Claim(NamedTuple):
    """Whether a bundle has any of a file's blocks, and whether its claimant took one back."""

    here: bool
    withdrawn: bool = False


class Source(Protocol):
    """A verified bundle's content."""

    def __len__(self) -> int:
        """How many blocks it has."""

    def __contains__(self, block_id: bytes) -> bool:
        """Whether a block is in it."""

    def reports(self, known: Callable[[bytes], bool]) -> Iterator[SealedReport]:
        """Everything that may be a report, except blocks that are *known*."""

    def claim(self, report: Report, attachment: Attachment) -> Claim:
        """Note which of the bundle's blocks belong to *attachment*, and say whether any do.

        A report that claims more blocks than there are costs nothing.
        """

    def is_piece(self, block_id: bytes) -> bool:
        """Whether a file claimed this block."""

    def settle(self, block_id: bytes) -> None:
        """Note that a block is a report, filed or not; blocks that are not here are ignored."""

    def unsettled(self) -> int:
        """How many blocks are neither a report nor claimed by a file of one."""

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
    ``probes``: the days of the operator's test reports, which were left out.
    """

    number: int
    blocks: int
    cases: int
    parts: int
    files: int
    known: int
    unreferenced: int
    unopened: tuple[Unopened, ...]
    probes: tuple[date, ...] = ()


def early_worker(opener: Opener) -> EarlyWorker[Sealed, Report]:
    """Opens reports before anybody knows whether the bundle verifies. Use in a ``with`` block."""
    return EarlyWorker(lambda message: open_message(message, opener))


class Filing:
    """The filing of one verified bundle in the casebook."""

    def __init__(
        self,
        casebook: Casebook,
        source: Source,
        *,
        opener: Opener,
        early: EarlyWorker[Sealed, Report],
        batch: int,
    ) -> None:
        self._casebook = casebook
        self._source = source
        self._opener = opener
        self._early = early
        self._batch = batch
        self._before = casebook.counts()
        self._known = 0
        self._unopened: list[Unopened] = []
        self._taken_back: list[tuple[bytes, int]] = []
        # The operator's test reports by their reply keys.
        self._probes: dict[bytes, date] = {}

    def open_reports(self, progress: Progress) -> None:
        """Add each block that is a sealed report of this campaign to its case as a part."""
        total = len(self._source)
        parts = Batch[tuple[SealedReport, Report]](self._casebook, self._batch, self._add_parts)
        sealed_reports = self._source.reports(self._is_known)
        with closing(in_order(sealed_reports, self._open_report)) as results:
            for sealed, opened in results:
                if isinstance(opened, Unopened):
                    self._unopened.append(opened)
                elif not self._leave_out(sealed, opened):
                    parts.add((sealed, opened))
                progress("reports", sealed.position, total)
        parts.finish()
        progress("reports", total, total)

    def _leave_out(self, sealed: SealedReport, report: Report) -> bool:
        """Whether it is the operator's test report, which becomes no case.

        A repeated one, meant to make something vanish, is filed: the probe files each only once.
        """
        if report.reply_public in self._probes:
            return False
        if not is_probe(report, sealed.day, self._casebook.server_key):
            return False
        self._probes[report.reply_public] = sealed.day
        self._source.settle(sealed.block_id)
        return True

    def _is_known(self, block_id: bytes) -> bool:
        if not self._casebook.has_block(block_id):
            return False
        self._known += 1
        self._source.settle(block_id)
        return True

    def _add_parts(self, opened: Sequence[tuple[SealedReport, Report]]) -> None:
        for sealed, report in opened:
            self._add_part(sealed, report)
        # Now, while the workers wait for gpg. These tables are derived from the casebook alone, so
        # whatever an interrupted run leaves out is caught up when it is needed.
        summary.catch_up(self._casebook)
        index.catch_up(self._casebook)
        similar.catch_up(self._casebook)

    def _open_report(self, sealed: SealedReport) -> Report | Unopened:
        """The report, or why it cannot be opened. Runs in a worker's thread."""
        try:
            report = self._early.result(sealed.block_id, sealed.message)
        except (CannotOpen, BadReport) as why:
            return Unopened(sealed.block_id, 0, *self._reason(why, sealed.day))
        if report.campaign != self._casebook.campaign.code:
            another = "This report belongs to another campaign."
            return Unopened(sealed.block_id, 0, another, Cause.DAMAGED)
        return report

    def _reason(self, why: CasedropError, day: date) -> tuple[str, Cause]:
        """Why a report or file of *day* was not opened, in words, and the cause."""
        if isinstance(why, SealedToOthers) and self._opener.has_week(day):
            # A front seals each report to all reviewers, so this one is not as it should be.
            return f"{why} A key of its week is here.", Cause.DAMAGED
        return str(why), cause_of(why)

    def _add_part(self, sealed: SealedReport, report: Report) -> None:
        """Add one part to the casebook, inside the transaction of its batch."""
        self._casebook.add_part(
            block_id=sealed.block_id,
            block_sha256=sealed.block_sha256,
            day=sealed.day,
            bundle=sealed.bundle,
            report=report,
        )
        self._source.settle(sealed.block_id)

    def open_files(self, progress: Progress) -> None:
        """Open each file that a report in the casebook names, unless it was opened before."""
        # At least one file for each of these parts.
        parts = self._parts_with_files()
        total, done = len(parts), 0
        files = Batch[tuple[Part, int]](self._casebook, self._batch, self._add_files)
        with closing(in_order(self._files(parts), self._open_file, apart=_sha256)) as results:
            for (part, place), unopened in results:
                if unopened is not None:
                    name = self._casebook.names.of(part.case)
                    reason = f"File {place + 1} of a part of {name}: {unopened.reason}"
                    self._unopened.append(replace(unopened, reason=reason))
                else:
                    files.add((part, place))
                done += 1
                progress("files", done, max(done, total))
        files.finish()

    def _parts_with_files(self) -> list[int]:
        """The parts whose files may be in this bundle: the part is in it, or some are not opened
        yet.
        """
        return [
            part.number
            for part in summary.parts_with_files(self._casebook)
            if part.missing or part.block_id in self._source
        ]

    def _files(self, parts: Sequence[int]) -> Iterator[tuple[Part, int]]:
        """The files to open, each as its part and its place (from 0) in it."""
        for part in map(self._casebook.part, parts):
            for place, attachment in enumerate(part.report.attachments):
                claim = self._source.claim(part.report, attachment)
                if self._casebook.has_file(part, place):
                    continue
                if claim.withdrawn:
                    self._taken_back.append((part.block_id, place + 1))
                # A file without any block here is missing only if its report is in this bundle; for
                # an older report that was noted before.
                elif claim.here or part.block_id in self._source:
                    yield part, place

    def _open_file(self, named: tuple[Part, int]) -> Unopened | None:
        """Open a file into the casebook's directory, or say why not. Runs in a worker's thread."""
        part, place = named
        try:
            self._write_file(part.report, part.report.attachments[place])
        except (MissingBlock, CannotOpen, BadReport) as why:
            reason, cause = self._reason(why, part.day)
            return Unopened(part.block_id, place + 1, reason, cause)
        return None

    def _add_files(self, named: Sequence[tuple[Part, int]]) -> None:
        for part, place in named:
            self._casebook.add_file(part, place)
        similar.catch_up(self._casebook)

    def close(
        self,
        number: int,
        today: date,
        record: Callable[[Sequence[Unopened]], None],
        also: Sequence[Unopened] = (),
    ) -> Opened:
        """Count, and have *record* note bundle *number* as imported, with what was not opened.

        *also* could not be opened either.
        """
        # One in some millions of file blocks begins like a report by chance.
        unopened = tuple(
            one for one in self._unopened if one.place or not self._source.is_piece(one.block_id)
        ) + tuple(also)
        for one in unopened:
            if not one.place:
                self._source.settle(one.block_id)
        self._acknowledge(today)
        with self._casebook.together():
            for block_id, place in self._taken_back:
                self._casebook.forget_unopened(block_id, place)
            record(unopened)
        after = self._casebook.counts()
        new = after.parts - self._before.parts
        return Opened(
            number=number,
            blocks=len(self._source),
            cases=after.cases - self._before.cases,
            parts=new,
            files=after.files - self._before.files,
            known=self._known,
            unreferenced=self._source.unsettled(),
            unopened=unopened,
            probes=tuple(sorted(self._probes.values())),
        )

    def _acknowledge(self, today: date) -> None:
        """Queue "opened by the reviewers", once for each bundle that brought something to a
        case.
        """

        def queue(numbers: Sequence[int]) -> None:
            for case in summary.outlines_of(self._casebook, numbers):
                self._casebook.answers.queue(
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
            # really contain the file, not just name it.
            self._source.open_file(report, attachment, self._opener, lambda _data: None)
            return
        # Left by an interrupted run; no other desk has this casebook open.
        path.with_name(path.name + ".part").unlink(missing_ok=True)
        with NewFile(path) as file:
            # Opening stops at the size that the report gives, so that no bomb fills the disk.
            self._source.open_file(report, attachment, self._opener, file.write)


def _sha256(named: tuple[Part, int]) -> str:
    return named[0].report.attachments[named[1]].sha256
