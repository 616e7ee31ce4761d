"""Opening an export bundle: verifying all of it, then adding its reports and files.

Several gpg processes decrypt at once; one thread adds the results, in order. Each batch is kept as
soon as it is done, the bundle's number only at the end: after an interruption, one simply imports
the bundle again.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from nacl.signing import VerifyKey

from dropbox.bundle import ExportManifest, ListedBlock, read_export
from dropbox.durable_file import NewFile
from dropbox.errors import BadBundle, BadPacket, BadReport, CannotOpen
from dropbox.openpgp import Opener
from dropbox.packets import message_length
from dropbox.reply import REPLIES_PER_DESK
from dropbox.report import Attachment, Report
from dropbox.sealing import MissingBlock, block_id, open_attachment, open_report
from scripts.desk.case import Export, Part, Unopened, case_name
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.importing.batch import Batch
from scripts.desk.importing.blocks import Blocks, kept_in
from scripts.desk.importing.workers import EarlyWorker, in_order
from scripts.desk.search import finding, similar, summary

ACKNOWLEDGEMENT = "acknowledgement"
# The rest of a case's replies stays free for answers, however many messages a claimant sends.
MOST_ACKNOWLEDGEMENTS = REPLIES_PER_DESK // 2

# Parts, or files, in one transaction: the most that is done again after a run was killed.
BATCH = 100

# The stage ("reports" or "files"), how many of its items are done, and their total.
Progress = Callable[[str, int, int], None]


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


def open_bundle(
    casebook: Casebook,
    path: Path,
    opener: Opener,
    *,
    today: date,
    progress: Progress | None = None,
    batch: int = BATCH,
) -> Opened:
    """Verify the export bundle at *path* and add what is new in it to *casebook*.

    Parts and files are added in transactions of at most *batch*.
    Raises BadBundle, before anything was added, naming what is wrong with the bundle.
    """
    show = progress or (lambda _stage, _done, _total: None)
    # Opens the first reports while the rest of the bundle is read and verified. None of them is
    # kept before all of the bundle has been.
    with (
        kept_in(casebook.directory) as blocks,
        EarlyWorker[bytes, Report](lambda data: open_report(data, opener)) as early,
    ):

        def take(listed: ListedBlock, data: bytes) -> None:
            blocks.add(listed, data)
            if early.free and _looks_like_report(data) and not casebook.has_block(listed.id):
                early.begin(listed.id, data)

        manifest = _verified(casebook, path, take)
        early.stop()
        opening = _Import(casebook, manifest, blocks, opener=opener, early=early, batch=batch)
        opening.open_reports(show)
        opening.open_files(show)
        export = Export(manifest.number, today, _fingerprint(manifest))
        return opening.close(export)


def _verified(
    casebook: Casebook, path: Path, take: Callable[[ListedBlock, bytes], None]
) -> ExportManifest:
    try:
        stream = path.open("rb")
    except OSError as why:
        raise BadBundle(f"The bundle {path} cannot be read: {why.strerror}.") from None
    with stream:
        key = VerifyKey(casebook.server_key)
        manifest = read_export(stream, key, campaign=casebook.campaign.code, sink=take)
    last = casebook.last_export()
    if last is None or manifest.number > last.number:
        return manifest
    if manifest.number < last.number:
        raise BadBundle(
            f"This is bundle {manifest.number}; bundle {last.number}, which is newer, has been "
            "opened already."
        )
    if _fingerprint(manifest) != last.manifest_sha256:
        raise BadBundle(
            f"Another bundle with the number {last.number} was opened on {last.day}: the server's "
            "series of bundles has forked."
        )
    # The same bundle may be tried again for what could not be opened: because of a mistyped
    # passphrase, or a key that was missing.
    if not casebook.unopened():
        raise BadBundle(
            f"Bundle {last.number} was opened on {last.day} already; there is nothing new in it."
        )
    return manifest


def _fingerprint(manifest: ExportManifest) -> str:
    return hashlib.sha256(manifest.to_bytes()).hexdigest()


class _Import:
    """The import of one verified bundle into the casebook."""

    def __init__(
        self,
        casebook: Casebook,
        manifest: ExportManifest,
        blocks: Blocks,
        *,
        opener: Opener,
        early: EarlyWorker[bytes, Report],
        batch: int,
    ) -> None:
        self._casebook = casebook
        self._opener = opener
        self._early = early
        self._manifest = manifest
        self._blocks = blocks
        self._batch = batch
        self._before = casebook.counts()
        self._reports: set[bytes] = set()
        self._named: set[bytes] = set()
        self._unopened: list[Unopened] = []

    def open_reports(self, progress: Progress) -> None:
        """Add each block that is a sealed report of this campaign to its case as a part."""
        total = len(self._manifest.blocks)
        parts = Batch[tuple[ListedBlock, Report]](self._casebook, self._batch, self._add_parts)
        with closing(in_order(self._sealed_reports(), self._open_report)) as results:
            for (position, listed, _data), opened in results:
                if isinstance(opened, Report):
                    parts.add((listed, opened))
                else:
                    self._unopened.append(Unopened(listed.id, 0, opened))
                progress("reports", position, total)
        parts.finish()
        progress("reports", total, total)

    def _add_parts(self, opened: Sequence[tuple[ListedBlock, Report]]) -> None:
        for listed, report in opened:
            self._add_part(listed, report)
        # Now, while the workers wait for gpg. These tables are derived from the casebook alone, so
        # whatever an interrupted run leaves out is caught up when it is needed.
        summary.catch_up(self._casebook)
        finding.catch_up(self._casebook)
        similar.catch_up(self._casebook)

    def _sealed_reports(self) -> Iterator[tuple[int, ListedBlock, bytes]]:
        """The blocks that look like a new report, each with its position in the manifest."""
        for position, listed in enumerate(self._manifest.blocks, 1):
            if self._casebook.has_block(listed.id):
                self._reports.add(listed.id)
                continue
            data = self._blocks.get(listed.id)
            assert data is not None
            if _looks_like_report(data):
                yield position, listed, data

    def _open_report(self, sealed: tuple[int, ListedBlock, bytes]) -> Report | str:
        """The report, or why it cannot be opened. Runs in a worker's thread."""
        try:
            report = self._early.result(sealed[1].id, sealed[2])
        except (CannotOpen, BadReport) as why:
            return str(why)
        if report.campaign != self._casebook.campaign.code:
            return "This report belongs to another campaign."
        return report

    def _add_part(self, listed: ListedBlock, report: Report) -> None:
        """Add one part to the casebook, inside the transaction of its batch."""
        number = self._manifest.number
        self._casebook.add_part(
            block_id=listed.id,
            block_sha256=listed.sha256,
            day=listed.day,
            bundle=number,
            report=report,
        )
        self._reports.add(listed.id)

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
        listed = {block.id for block in self._manifest.blocks}
        for number in summary.parts_with_files(self._casebook):
            part = self._casebook.part(number)
            for place, attachment in enumerate(part.report.attachments):
                here = _blocks_of(attachment, listed)
                self._named.update(here)
                # A file without any block here is missing only if its report is in this bundle; for
                # an older report that was noted before.
                if (part.block_id in listed or here) and not self._casebook.has_file(part, place):
                    yield part, place

    def _open_file(self, named: tuple[Part, int]) -> str:
        """Open a file into the casebook's directory; "", or why not. Runs in a worker's thread."""
        part, place = named
        try:
            _write_file(self._casebook, part.report.attachments[place], self._blocks, self._opener)
        except (MissingBlock, CannotOpen, BadReport) as why:
            return f"File {place + 1} of a part of {case_name(part.case)}: {why}"
        return ""

    def _add_files(self, named: Sequence[tuple[Part, int]]) -> None:
        for part, place in named:
            self._casebook.add_file(part, place)
        similar.catch_up(self._casebook)

    def close(self, export: Export) -> Opened:
        """Record the bundle as imported, and count."""
        # One in some millions of a file's blocks begins like a report by chance.
        unopened = tuple(
            one for one in self._unopened if one.place or one.block_id not in self._named
        )
        self._acknowledge(export.day)
        self._casebook.close_export(export, unopened)
        after, blocks = self._casebook.counts(), self._manifest.blocks
        tried = {one.block_id for one in unopened}
        new = after.parts - self._before.parts
        return Opened(
            number=export.number,
            blocks=len(blocks),
            cases=after.cases - self._before.cases,
            parts=new,
            files=after.files - self._before.files,
            known=len(self._reports) - new,
            unreferenced=len({block.id for block in blocks} - self._reports - self._named - tried),
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


def _looks_like_report(block: bytes) -> bool:
    """Whether a block begins with a sealed message; a file's blocks look random."""
    try:
        message_length(block)
    except BadPacket:
        return False
    return True


def _blocks_of(attachment: Attachment, listed: set[bytes]) -> set[bytes]:
    """The blocks of *attachment* among *listed*.

    A report that claims more than there are costs nothing.
    """
    numbers = range(min(attachment.blocks, len(listed)))
    return listed.intersection(block_id(attachment.block_key, number) for number in numbers)


def _sha256(named: tuple[Part, int]) -> str:
    return named[0].report.attachments[named[1]].sha256


def _write_file(casebook: Casebook, attachment: Attachment, blocks: Blocks, opener: Opener) -> None:
    """Open *attachment* into the casebook's directory, durable and whole or not at all."""
    if not re.fullmatch("[0-9a-f]{64}", attachment.sha256, re.ASCII):
        raise BadReport("The report gives no SHA-256 for it.")
    if attachment.size > attachment.sealed_bytes:
        # Sealing never shrinks a file. gpg would unpack anything, so this bounds what it may unpack
        # by what was sent.
        raise BadReport("The report gives it a size that it cannot have.")
    path = casebook.file_path(attachment.sha256)
    if path.exists():
        # Another report sent the same file. This one is opened all the same: its report must really
        # hold the file, not only name it.
        open_attachment(attachment, blocks.get, opener, lambda _data: None)
        return
    # Left by an interrupted run; no other desk has this casebook open.
    path.with_name(path.name + ".part").unlink(missing_ok=True)
    with NewFile(path) as file:
        open_attachment(attachment, blocks.get, opener, bounded(file.write, attachment.size))


def bounded(sink: Callable[[bytes], None], most: int) -> Callable[[bytes], None]:
    """*sink* for at most *most* bytes: a longer file, which is refused later, fills no disk."""
    left = most

    def take(data: bytes) -> None:
        nonlocal left
        if len(data) <= left:
            sink(data)
        left -= len(data)

    return take
