"""A vault of format 2 in this process, as a front sees it, and what the desk makes of its store."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from dropbox.block import Kind, Opened
from dropbox.day_key import DayKey, DayKeyRecord
from dropbox.errors import CannotOpen, CasedropError
from dropbox.front.block_client import Claim, SealedBlock
from dropbox.hpke import SecretKey
from dropbox.openpgp import Opener
from dropbox.pieces import Pieces, piece_ids
from dropbox.report import Attachment, Report
from dropbox.sealing import open_attachment, open_message
from dropbox.tombstone import Reason, Tombstone
from dropbox.vault import block_store
from dropbox.vault.day_store import DayStore
from dropbox.weekly_hpke import ReviewerWeeks, Week, WeeklyHpke
from scripts.desk.importing.opened_blocks import DayKeys
from support.day_stores import open_days


class DayVault:
    """A store of days and slots behind the methods of VaultClient.

    ``failures``: what a call of this name raises. The names of all calls are in ``asked``.
    """

    def __init__(
        self, path: Path, clock: Callable[[], datetime], reviewers: Sequence[SecretKey]
    ) -> None:
        self.asked: list[str] = []
        self.failures: dict[str, CasedropError] = {}
        key = DayKey.make(clock().date())

        def tombstone(block_id: bytes, reason: Reason, digest: bytes) -> bytes:
            return Tombstone(reason, block_id, digest).seal(key.key)

        self.store: DayStore = open_days(path, clock, tombstone=tombstone)
        record = key.seal([one.public for one in reviewers])
        self.store.keep_key(record.day, record.to_bytes())

    def _ask(self, call: str) -> None:
        self.asked.append(call)
        if call in self.failures:
            raise self.failures[call]

    def put(self, blocks: Sequence[SealedBlock]) -> None:
        """See VaultClient."""
        self._ask("put")
        self.store.put([block_store.Block(*block) for block in blocks])

    def commit(self, report: SealedBlock, claims: Sequence[Claim]) -> None:
        """See VaultClient."""
        self._ask("commit")
        self.store.commit(
            block_store.Block(*report), [block_store.Claim(*claim) for claim in claims]
        )

    def erase(self, owned: Sequence[tuple[bytes, bytes]]) -> None:
        """See VaultClient."""
        self._ask("erase")
        self.store.erase(owned)

    def withdraw(self, secret: bytes) -> None:
        """See VaultClient."""
        self._ask("withdraw")
        self.store.withdraw(secret)

    def keep_day_key(self, record: DayKeyRecord) -> None:
        """See VaultClient."""
        self._ask("keep_day_key")
        self.store.keep_key(record.day, record.to_bytes())

    def replies(self, tags: Sequence[bytes]) -> list[tuple[int, bytes]]:
        """See VaultClient."""
        self._ask("replies")
        return self.store.replies(tags)

    def forget_replies(self, tags: Sequence[bytes]) -> None:
        """See VaultClient."""
        self._ask("forget_replies")
        self.store.forget_replies(tags)


def weekly_hpke(reviewers: Sequence[SecretKey], day: date) -> WeeklyHpke:
    """Each of these keys as that of a reviewer, for the week around *day*."""
    return WeeklyHpke(
        tuple(
            ReviewerWeeks(f"{number:040X}", (Week(day - timedelta(days=3), one.public),))
            for number, one in enumerate(reviewers)
        )
    )


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
        cut = Pieces(lambda block_id: self.keys.of(self.listed[block_id]))
        open_attachment(attachment, self.store.read, self.opener, pieces.append, format=cut)
        return b"".join(pieces)

    def is_there(self, attachment: Attachment) -> bool:
        """Whether the file can be opened whole."""
        try:
            self.file(attachment)
        except CannotOpen:
            return False
        return set(piece_ids(attachment)) <= set(self.listed)
