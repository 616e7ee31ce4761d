"""A vault in this process, as a front sees it, and what the desk makes of its store."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx

from dropbox.block import Kind, Opened
from dropbox.errors import CannotOpen, CasedropError, PendingGone, VaultUnavailable
from dropbox.front.vault_client import VaultClient
from dropbox.hpke import SecretKey
from dropbox.openpgp import Opener
from dropbox.pieces import Pieces, piece_ids
from dropbox.report import Attachment, Report
from dropbox.sealing import open_attachment, open_message
from dropbox.tombstone import Reason, Tombstone
from dropbox.vault.day_store import DayStore
from dropbox.vault.intake_routes import create_intake
from dropbox.vault.tombstones import Tombstones
from scripts.desk.importing.opened_blocks import DayKeys
from support.day_stores import open_days
from support.vault_keys import WEEKLY


class DayVault(VaultClient):
    """A client of the real intake routes over a store, without a socket between them.

    ``failures``: what a request to this path raises. The paths of all requests are in ``asked``.
    """

    def __init__(self, path: Path, clock: Callable[[], datetime]) -> None:
        self.asked: list[str] = []
        self.failures: dict[str, CasedropError] = {}
        tombstones = Tombstones(WEEKLY, clock=clock)
        self.store: DayStore = open_days(path, clock, tombstone=tombstones.seal)
        tombstones.renew(self.store)
        app = create_intake(self.store, clock=clock)
        self._transport = httpx.WSGITransport(app=app)

    def _post(
        self,
        path: str,
        body: Sequence[bytes],
        conflict: type[VaultUnavailable | PendingGone] = VaultUnavailable,
    ) -> bytes:
        self.asked.append(path)
        if path in self.failures:
            raise self.failures[path]
        return super()._post(path, body, conflict)


@dataclass
class DeskSide:
    """What a reviewer finds in a store: every slot of a snapshot, opened with the day keys."""

    store: DayStore
    opener: Opener
    secret: SecretKey

    def __post_init__(self) -> None:
        records = [record for _, record in self.store.day_keys()]
        self.keys = DayKeys.open(records, {self.secret.public.key_id: self.secret}.get)
        self.listed = {block.id: block.day for block in self.store.snapshot()}

    def opened(self) -> dict[bytes, Opened]:
        """Each block that a day key alone opens, by its id."""
        found = {}
        for block_id, day in self.listed.items():
            data = self.store.read(block_id)
            assert data is not None
            block = self.keys.open_block(day, data)
            if block is not None:
                found[block_id] = block
        return found

    def reports(self) -> dict[bytes, Report]:
        """The reports, by the id of their block."""
        return {
            block_id: open_message(block.content, self.opener)
            for block_id, block in self.opened().items()
            if block.kind is Kind.REPORT
        }

    def tombstones(self) -> dict[bytes, Reason]:
        """What is gone, and why."""
        found = {}
        for block_id, block in self.opened().items():
            if block.kind is Kind.TOMBSTONE:
                stone = Tombstone.from_content(block.content)
                assert stone.id == block_id
                found[block_id] = stone.reason
        return found

    def file(self, attachment: Attachment) -> bytes:
        """The bytes of a file. Raises what open_attachment does."""
        pieces: list[bytes] = []
        cut = Pieces(lambda one: [key.key for key in self.keys.of(self.listed[one])])
        open_attachment(attachment, self.store.read, self.opener, pieces.append, format=cut)
        return b"".join(pieces)

    def is_there(self, attachment: Attachment) -> bool:
        """Whether the file can be opened whole."""
        try:
            self.file(attachment)
        except CannotOpen:
            return False
        return set(piece_ids(attachment)) <= set(self.listed)
