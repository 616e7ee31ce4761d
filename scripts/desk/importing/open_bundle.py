"""Opening an export bundle: verifying all of it, then filing its reports and files."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from nacl.signing import VerifyKey

from dropbox.bundle import ExportManifest, ListedBlock, read_export
from dropbox.errors import BadBundle, BadPacket
from dropbox.openpgp import Opener
from dropbox.report import Attachment, Report
from dropbox.sealed_message import message_length
from dropbox.sealing import FORMAT_1, block_id, open_attachment
from dropbox.system_error import explained
from scripts.desk.case import Export
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.importing.blocks import Blocks, kept_in
from scripts.desk.importing.filing import (
    BATCH,
    Claim,
    Filing,
    Opened,
    Progress,
    SealedReport,
    early_worker,
)


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
        early_worker(opener) as early,
    ):
        positions: dict[bytes, int] = {}

        def take(listed: ListedBlock, data: bytes) -> None:
            positions[listed.id] = len(positions)
            blocks.add(data)
            if early.free and not casebook.has_block(listed.id):
                message = _message(data)
                if message is not None:
                    early.begin(listed.id, message)

        manifest = _verified(casebook, path, take)
        early.stop()
        filing = Filing(
            casebook,
            _Content(manifest, blocks, positions),
            opener=opener,
            early=early,
            batch=batch,
        )
        filing.open_reports(show)
        filing.open_files(show)
        export = Export(manifest.number, today, _fingerprint(manifest))
        return filing.close(
            manifest.number, today, lambda unopened: casebook.close_export(export, unopened)
        )


def _verified(
    casebook: Casebook, path: Path, take: Callable[[ListedBlock, bytes], None]
) -> ExportManifest:
    try:
        stream = path.open("rb")
    except OSError as why:
        raise BadBundle(f"The bundle {path} cannot be read: {explained(why)}") from None
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


@dataclass
class _Content:
    """What a verified bundle holds; see :class:`scripts.desk.importing.filing.Source`."""

    manifest: ExportManifest
    blocks: Blocks
    positions: Mapping[bytes, int]
    _pieces: set[bytes] = field(default_factory=set)
    _settled: set[bytes] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self.positions)

    def __contains__(self, block_id: bytes) -> bool:
        return block_id in self.positions

    def reports(self, known: Callable[[bytes], bool]) -> Iterator[SealedReport]:
        for position, listed in enumerate(self.manifest.blocks, 1):
            if known(listed.id):
                continue
            data = self._get(listed.id)
            assert data is not None
            message = _message(data)
            if message is not None:
                bundle = self.manifest.number
                yield SealedReport(position, listed.id, listed.sha256, listed.day, bundle, message)

    def claim(self, report: Report, attachment: Attachment) -> Claim:
        numbers = range(min(attachment.blocks, len(self)))
        ids = {block_id(attachment.block_key, number) for number in numbers}
        here = self.positions.keys() & ids
        self._pieces |= here
        return Claim(here=bool(here))

    def is_piece(self, block_id: bytes) -> bool:
        return block_id in self._pieces

    def settle(self, block_id: bytes) -> None:
        if block_id in self:
            self._settled.add(block_id)

    def unsettled(self) -> int:
        return len(self.positions.keys() - self._settled - self._pieces)

    def _get(self, block_id: bytes) -> bytes | None:
        position = self.positions.get(block_id)
        return None if position is None else self.blocks.at(position)

    def open_file(
        self,
        report: Report,
        attachment: Attachment,
        opener: Opener,
        sink: Callable[[bytes], None],
    ) -> None:
        open_attachment(attachment, self._get, opener, sink, format=FORMAT_1)


def _message(block: bytes) -> memoryview | None:
    """The sealed message that *block* begins with, if any; a file's blocks look random."""
    try:
        return memoryview(block)[: message_length(block)]
    except BadPacket:
        return None
