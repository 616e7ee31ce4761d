"""Opening an export bundle: verified as a whole, then its reports and their files into the casebook.

Work is kept as it is done, and a bundle's number only at the end: a run that was broken off is simply run again.
"""

import hashlib
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from io import FileIO
from pathlib import Path

from nacl.signing import VerifyKey

from dropbox.block import BLOCK_BYTES
from dropbox.bundle import ExportManifest, ListedBlock, read_export
from dropbox.errors import BadBundle, BadPacket, BadReport, CannotOpen
from dropbox.openpgp import Opener
from dropbox.packets import message_length
from dropbox.reply import REPLIES_PER_DESK
from dropbox.report import Attachment
from dropbox.sealing import MissingBlock, attachment_block_ids, open_attachment, open_report
from scripts.case import Export, Part, Unopened, case_name
from scripts.casebook import Casebook
from scripts.landing import CannotWrite, NewFile
from scripts.outbox import wants_no_answer

ACKNOWLEDGEMENT = "acknowledgement"
# The rest of a case's replies is for answers, however many messages a claimant sends.
MOST_ACKNOWLEDGEMENTS = REPLIES_PER_DESK // 2

Progress = Callable[[int, int], None]


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


def open_bundle(casebook: Casebook, path: Path, opener: Opener, *, today: date, progress: Progress | None = None) -> Opened:
    """Verify the export bundle at *path* and add what is new in it to *casebook*. *progress* gets (done, all) blocks.

    Raises BadBundle, before anything was added, naming what is wrong with the bundle.
    """
    with _blocks(casebook.directory) as blocks:
        manifest = _verified(casebook, path, blocks)
        arrival = _Arrival(casebook, opener, manifest, blocks)
        arrival.open_reports(progress or (lambda _done, _all: None))
        arrival.open_files()
        export = Export(manifest.number, today, _fingerprint(manifest))
        return arrival.close(export)


def _verified(casebook: Casebook, path: Path, blocks: "_Blocks") -> ExportManifest:
    try:
        stream = path.open("rb")
    except OSError as why:
        raise BadBundle(f"The bundle {path} cannot be read: {why.strerror}.") from None
    with stream:
        key = VerifyKey(casebook.server_key)
        manifest = read_export(stream, key, campaign=casebook.campaign.code, sink=blocks.add)
    last = casebook.last_export()
    if last is None or manifest.number > last.number:
        return manifest
    if manifest.number < last.number:
        raise BadBundle(f"This is bundle {manifest.number}; bundle {last.number} has been opened already, and is newer.")
    if _fingerprint(manifest) != last.manifest_sha256:
        raise BadBundle(f"Another bundle with the number {last.number} was opened on {last.day}; the server's is forked.")
    # What could not be opened (a mistyped passphrase, a key not at hand) may be tried again with the same bundle.
    if not casebook.unopened():
        raise BadBundle(f"Bundle {last.number} was opened on {last.day} already; there is nothing new in it.")
    return manifest


def _fingerprint(manifest: ExportManifest) -> str:
    return hashlib.sha256(manifest.to_bytes()).hexdigest()


class _Blocks:
    """The bundle's verified blocks, by id, in a file without a name: sealed as they came, gone when it is closed."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self._places: dict[bytes, int] = {}

    def add(self, listed: ListedBlock, data: bytes) -> None:
        """Keep a block."""
        view = memoryview(data)
        try:
            while view:
                view = view[self._file.write(view) :]
        except OSError as why:
            raise CannotWrite(f"The bundle does not fit beside the casebook: {why.strerror}.") from None
        self._places[listed.id] = len(self._places)

    def get(self, block_id: bytes) -> bytes | None:
        """A block's data, or None."""
        place = self._places.get(block_id)
        if place is None:
            return None
        self._file.seek(place * BLOCK_BYTES)
        return self._file.read(BLOCK_BYTES)


@contextmanager
def _blocks(directory: Path) -> Iterator[_Blocks]:
    # Unbuffered, so that a full disk shows at the write and not at the end.
    with tempfile.TemporaryFile(dir=directory, buffering=0) as file:
        yield _Blocks(file)


class _Arrival:
    """One bundle's way into the casebook."""

    def __init__(self, casebook: Casebook, opener: Opener, manifest: ExportManifest, blocks: _Blocks) -> None:
        self._casebook = casebook
        self._opener = opener
        self._manifest = manifest
        self._blocks = blocks
        self._before = casebook.counts()
        self._reports: set[bytes] = set()
        self._named: set[bytes] = set()
        self._unopened: list[Unopened] = []

    def open_reports(self, progress: Progress) -> None:
        """Add every block that is a sealed report of this campaign as a part of its case."""
        for done, listed in enumerate(self._manifest.blocks, 1):
            if self._casebook.has_block(listed.id):
                self._reports.add(listed.id)
            else:
                self._open_report(listed)
            progress(done, len(self._manifest.blocks))

    def _open_report(self, listed: ListedBlock) -> None:
        data = self._blocks.get(listed.id)
        assert data is not None
        try:
            message_length(data)
        except BadPacket:
            return  # a file's block, which looks random
        try:
            report = open_report(data, self._opener)
            if report.campaign != self._casebook.campaign.code:
                raise BadReport("This report belongs to another campaign.")
        except (CannotOpen, BadReport) as why:
            self._unopened.append(Unopened(listed.id, 0, str(why)))
            return
        number = self._manifest.number
        self._casebook.add_part(block_id=listed.id, block_sha256=listed.sha256, day=listed.day, bundle=number, report=report)
        self._reports.add(listed.id)

    def open_files(self) -> None:
        """Open every file that a report in the casebook names and that has not been opened before."""
        listed = {block.id for block in self._manifest.blocks}
        for part in self._casebook.parts():
            for place, attachment in enumerate(part.report.attachments):
                ids = attachment_block_ids(attachment)
                self._named.update(listed.intersection(ids))
                # Of a report that is not in this bundle, files without any block here are not missing: they were noted.
                if (part.block_id in listed or listed.intersection(ids)) and not self._casebook.has_file(part, place):
                    self._open_file(part, place)

    def _open_file(self, part: Part, place: int) -> None:
        attachment = part.report.attachments[place]
        try:
            _write_file(self._casebook, attachment, self._blocks, self._opener)
        except (MissingBlock, CannotOpen, BadReport) as why:
            reason = f"File {place + 1} of a part of {case_name(part.case)}: {why}"
            self._unopened.append(Unopened(part.block_id, place + 1, reason))
        else:
            self._casebook.add_file(part, place)

    def close(self, export: Export) -> Opened:
        """Note the bundle as worked through, and count."""
        # By chance, one in some millions of blocks of a file begins like a report.
        unopened = tuple(one for one in self._unopened if one.place or one.block_id not in self._named)
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
        for case in self._casebook.cases():
            kinds = {part.report.kind for part in case.parts}
            acknowledged = [one for one in self._casebook.answers_to(case) if one.kind == ACKNOWLEDGEMENT]
            brought = {part.bundle for part in case.parts}
            if "withdrawal" in kinds or wants_no_answer(case):
                continue
            if len(acknowledged) < min(len(brought), MOST_ACKNOWLEDGEMENTS):
                self._casebook.queue_answer(case, kind=ACKNOWLEDGEMENT, language=case.language, day=today, text="")


def _write_file(casebook: Casebook, attachment: Attachment, blocks: _Blocks, opener: Opener) -> None:
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
