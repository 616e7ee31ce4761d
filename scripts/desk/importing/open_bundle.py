"""Opening an export bundle: verified as a whole, then its reports and their files into the casebook.

Reports and files are decrypted by several gpg processes at once and added, in order, by one thread. Work is kept as it is
done, a batch at a time, and a bundle's number only at the end: a run that was broken off is simply run again.
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
from scripts.desk.importing.workers import Outrider, in_order
from scripts.desk.search import finding, similar, summary

ACKNOWLEDGEMENT = "acknowledgement"
# The rest of a case's replies is for answers, however many messages a claimant sends.
MOST_ACKNOWLEDGEMENTS = REPLIES_PER_DESK // 2

# Parts, or files, that are brought to the disk in one transaction: what a run that is killed does again at most.
BATCH = 100

# What is being done ("reports" or "files"), how much of it is done, and all of it.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Opened:
    """What came of a bundle. ``known`` reports were in the casebook already, ``unreferenced`` blocks nobody names."""

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
    """Verify the export bundle at *path* and add what is new in it to *casebook*, *batch* parts or files a transaction.

    Raises BadBundle, before anything was added, naming what is wrong with the bundle.
    """
    show = progress or (lambda _what, _done, _all: None)
    # By one hand while the rest of the bundle is read and verified. Nothing of it is kept before all is.
    with (
        kept_in(casebook.directory) as blocks,
        Outrider[bytes, Report](lambda data: open_report(data, opener)) as outrider,
    ):

        def take(listed: ListedBlock, data: bytes) -> None:
            blocks.add(listed, data)
            if outrider.free and _looks_like_report(data) and not casebook.has_block(listed.id):
                outrider.begin(listed.id, data)

        manifest = _verified(casebook, path, take)
        outrider.turn_back()
        arrival = _Arrival(
            casebook, manifest, blocks, opener=opener, outrider=outrider, batch=batch
        )
        arrival.open_reports(show)
        arrival.open_files(show)
        export = Export(manifest.number, today, _fingerprint(manifest))
        return arrival.close(export)


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
            f"This is bundle {manifest.number}; bundle {last.number} has been opened already, and is newer."
        )
    if _fingerprint(manifest) != last.manifest_sha256:
        raise BadBundle(
            f"Another bundle with the number {last.number} was opened on {last.day}; the server's is forked."
        )
    # What could not be opened (a mistyped passphrase, a key not at hand) may be tried again with the same bundle.
    if not casebook.unopened():
        raise BadBundle(
            f"Bundle {last.number} was opened on {last.day} already; there is nothing new in it."
        )
    return manifest


def _fingerprint(manifest: ExportManifest) -> str:
    return hashlib.sha256(manifest.to_bytes()).hexdigest()


class _Arrival:
    """One bundle's way into the casebook."""

    def __init__(
        self,
        casebook: Casebook,
        manifest: ExportManifest,
        blocks: Blocks,
        *,
        opener: Opener,
        outrider: Outrider[bytes, Report],
        batch: int,
    ) -> None:
        self._casebook = casebook
        self._opener = opener
        self._outrider = outrider
        self._manifest = manifest
        self._blocks = blocks
        self._batch = batch
        self._before = casebook.counts()
        self._reports: set[bytes] = set()
        self._named: set[bytes] = set()
        self._unopened: list[Unopened] = []

    def open_reports(self, progress: Progress) -> None:
        """Add every block that is a sealed report of this campaign as a part of its case."""
        every, kept = (
            len(self._manifest.blocks),
            Batch[tuple[ListedBlock, Report]](self._casebook, self._batch, self._add_parts),
        )
        with closing(in_order(self._sealed_reports(), self._open_report)) as results:
            for (place, listed, _data), opened in results:
                if isinstance(opened, Report):
                    kept.add((listed, opened))
                else:
                    self._unopened.append(Unopened(listed.id, 0, opened))
                progress("reports", place, every)
        kept.finish()
        progress("reports", every, every)

    def _add_parts(self, opened: Sequence[tuple[ListedBlock, Report]]) -> None:
        for listed, report in opened:
            self._add_part(listed, report)
        # While the threads wait for gpg. Made from the casebook alone: what a run leaves undone is done when it is needed.
        summary.catch_up(self._casebook)
        finding.catch_up(self._casebook)
        similar.catch_up(self._casebook)

    def _sealed_reports(self) -> Iterator[tuple[int, ListedBlock, bytes]]:
        """The blocks that look like a report and are not in the casebook, each with its place in the manifest."""
        for place, listed in enumerate(self._manifest.blocks, 1):
            if self._casebook.has_block(listed.id):
                self._reports.add(listed.id)
                continue
            data = self._blocks.get(listed.id)
            assert data is not None
            if _looks_like_report(data):
                yield place, listed, data

    def _open_report(self, sealed: tuple[int, ListedBlock, bytes]) -> Report | str:
        """The report, or why there is none. Runs in a thread."""
        try:
            report = self._outrider.result(sealed[1].id, sealed[2])
        except (CannotOpen, BadReport) as why:
            return str(why)
        if report.campaign != self._casebook.campaign.code:
            return "This report belongs to another campaign."
        return report

    def _add_part(self, listed: ListedBlock, report: Report) -> None:
        """The one place where a part enters the casebook; its batch's transaction is open."""
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
        """Open every file that a report in the casebook names and that has not been opened before."""
        every, done = self._manifest_files(), 0
        kept = Batch[tuple[Part, int]](self._casebook, self._batch, self._add_files)
        with closing(in_order(self._files(), self._open_file, apart=_sha256)) as results:
            for (part, place), reason in results:
                if reason:
                    self._unopened.append(Unopened(part.block_id, place + 1, reason))
                else:
                    kept.add((part, place))
                done += 1
                progress("files", done, max(done, every))
        kept.finish()

    def _manifest_files(self) -> int:
        """How many parts name files: so many files there are at least."""
        return len(summary.parts_with_files(self._casebook))

    def _files(self) -> Iterator[tuple[Part, int]]:
        """The files to open, each by its part and place."""
        listed = {block.id for block in self._manifest.blocks}
        for number in summary.parts_with_files(self._casebook):
            part = self._casebook.part(number)
            for place, attachment in enumerate(part.report.attachments):
                here = _blocks_of(attachment, listed)
                self._named.update(here)
                # Of a report that is not in this bundle, files without any block here are not missing: they were noted.
                if (part.block_id in listed or here) and not self._casebook.has_file(part, place):
                    yield part, place

    def _open_file(self, named: tuple[Part, int]) -> str:
        """Open a file to its place on the disk; "", or why it could not be. Runs in a thread."""
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
        """Note the bundle as worked through, and count."""
        # By chance, one in some millions of blocks of a file begins like a report.
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
        """Queue "opened by the reviewers" for every case that something came for: one for each bundle that brought some."""

        def queue(numbers: Sequence[int]) -> None:
            for case in summary.outlines_of(self._casebook, numbers):
                self._casebook.queue_answer(
                    case, kind=ACKNOWLEDGEMENT, language=case.language, day=today, text=""
                )

        kept = Batch[int](self._casebook, self._batch, queue)
        for number in summary.unacknowledged(
            self._casebook, ACKNOWLEDGEMENT, MOST_ACKNOWLEDGEMENTS
        ):
            kept.add(number)
        kept.finish()


def _looks_like_report(block: bytes) -> bool:
    """Whether it begins with a sealed message; a file's block looks random."""
    try:
        message_length(block)
    except BadPacket:
        return False
    return True


def _blocks_of(attachment: Attachment, listed: set[bytes]) -> set[bytes]:
    """Those of *listed* that are of *attachment*; it is not asked for more than there are, whatever the report says."""
    numbers = range(min(attachment.blocks, len(listed)))
    return listed.intersection(block_id(attachment.block_key, number) for number in numbers)


def _sha256(named: tuple[Part, int]) -> str:
    return named[0].report.attachments[named[1]].sha256


def _write_file(casebook: Casebook, attachment: Attachment, blocks: Blocks, opener: Opener) -> None:
    """Open *attachment* to its place in the casebook, durable and whole or not at all."""
    if not re.fullmatch("[0-9a-f]{64}", attachment.sha256, re.ASCII):
        raise BadReport("The report gives no SHA-256 for it.")
    if attachment.size > attachment.sealed_bytes:
        # Sealing never makes smaller; gpg would unpack anything, so what it may unpack is bounded by what came.
        raise BadReport("The report gives it a size that it cannot have.")
    place = casebook.file_path(attachment.sha256)
    if place.exists():
        # Another report sent the same file. This one is opened all the same: it must have it, not only name it.
        open_attachment(attachment, blocks.get, opener, lambda _data: None)
        return
    # Left by a run that was broken off; no other desk is at work here.
    place.with_name(place.name + ".part").unlink(missing_ok=True)
    with NewFile(place) as file:
        open_attachment(attachment, blocks.get, opener, bounded(file.write, attachment.size))


def bounded(sink: Callable[[bytes], None], most: int) -> Callable[[bytes], None]:
    """*sink* for at most *most* bytes: a longer file fills no disk, and is refused when its size is compared."""
    left = most

    def take(data: bytes) -> None:
        nonlocal left
        if len(data) <= left:
            sink(data)
        left -= len(data)

    return take
