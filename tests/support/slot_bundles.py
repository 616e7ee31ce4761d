"""Export bundles of format 2 as a front and a vault make them, without either."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

from nacl.public import PrivateKey
from nacl.signing import SigningKey

from dropbox.block import Kind, seal_block
from dropbox.day_key import DayKey
from dropbox.export_bundle import (
    ACKNOWLEDGED,
    AcceptedReplies,
    GoneDay,
    Head,
    HeldDay,
    ListedBlock,
    Successor,
    bundle_name,
    in_volumes,
    volume_name,
    volume_of,
    write_head,
    write_volume,
)
from dropbox.openpgp import Reviewers
from dropbox.pieces import Pieces, seal_report_block
from dropbox.report import Attachment, Report
from dropbox.sealing import AttachmentSealer, Block
from dropbox.sizes import BLOCK_BYTES
from dropbox.tombstone import Reason, Tombstone
from dropbox.weekly_hpke import WeeklyHpke

SERVER = SigningKey(b"s" * 32)
TEXT = "【虚构】我的微信号在 2019 年被永久封禁。\r\n\x1b[31m \u202e 末"


@dataclass
class SlotDrop:
    """Claimants, a front and a vault in one, on the UTC day ``today``.

    A day begins with ``quantum`` slots of random bytes; what is filed takes one of them in place.
    """

    reviewers: Reviewers
    hpke: WeeklyHpke
    directory: Path
    today: date
    quantum: int = 24
    vault: bytes = b"v" * 16
    number: int = 1
    slots: dict[bytes, tuple[date, bytes]] = field(default_factory=dict)
    records: list[bytes] = field(default_factory=list)
    history: tuple[tuple[int, bytes], ...] = ()
    gone: tuple[GoneDay, ...] = ()
    successor: Successor | None = None
    replies: tuple[AcceptedReplies, ...] = ()
    onion: str = "a" * 56 + ".onion"
    _free: list[bytes] = field(default_factory=list)
    _key: DayKey | None = None
    _tombstones: DayKey | None = None

    def __post_init__(self) -> None:
        self.begin_day(self.today)

    def begin_day(self, day: date) -> None:
        """Begin *day*, with new day keys and slots."""
        self.today = day
        self._key, self._tombstones = self.restart(), self.restart()
        self._free = [os.urandom(16) for _ in range(self.quantum)]
        self.slots |= {one: (day, os.urandom(BLOCK_BYTES)) for one in self._free}

    def restart(self) -> DayKey:
        """A new key of today, its record kept."""
        self._key = DayKey.make(self.today)
        self.records.append(self._key.seal(self.hpke.current(self.today)).to_bytes())
        return self._key

    def fill(self, block_id: bytes, data: bytes) -> None:
        """Store a block in a free slot, which takes its id."""
        del self.slots[self._free.pop()]
        self.slots[block_id] = (self.today, data)

    def fill_all(self, blocks: Sequence[Block]) -> None:
        """Store blocks."""
        for block in blocks:
            self.fill(*block)

    def file(self, data: bytes, name: str = "照片.jpg") -> Attachment:
        """Seal and store a file."""
        assert self._key is not None
        key = self._key.key
        sealer = AttachmentSealer(
            self.reviewers,
            self.fill_all,
            2**30,
            format=Pieces(lambda _id: [key]),
        )
        sealer.write(data)
        return sealer.finish(name=name, type="image/jpeg")

    def report(
        self,
        text: str = TEXT,
        claimant: int = 1,
        attachments: Sequence[Attachment] = (),
        kind: str = "report",
    ) -> bytes:
        """Seal and store a report of *claimant*. Returns its block's id."""
        assert self._key is not None
        one = Report(
            kind=kind,
            campaign="wechat-2020",
            language="zh-Hans",
            category="c1",
            harms=(),
            text=text,
            attachments=tuple(attachments),
            reply_public=bytes(PrivateKey(bytes([claimant]) * 32).public_key),
            tag_key=bytes([claimant + 100]) * 32,
            reply_symmetric=bytes([claimant + 50]) * 32,
        )
        block_id = os.urandom(16)
        self.fill(block_id, seal_report_block(one, self.reviewers, self._key.key))
        return block_id

    def leave(self, message: bytes, kind: Kind = Kind.REPORT) -> bytes:
        """Store a block as a front that was taken over can: it opens, whatever is in it.

        Returns its id.
        """
        assert self._key is not None
        block_id = os.urandom(16)
        self.fill(block_id, seal_block(kind, message, self._key.key))
        return block_id

    def leave_shut_key(self) -> bytes:
        """Have a day key's record kept that opens for nobody. Returns its id."""
        record = DayKey.make(self.today).seal(self.hpke.current(self.today))
        shut = [(key_id, os.urandom(len(sealed))) for key_id, sealed in record.entries]
        self.records.append(replace(record, entries=tuple(shut)).to_bytes())
        return record.id

    def bury(self, block_id: bytes, reason: Reason = Reason.WITHDRAWN) -> None:
        """Delete a block as a vault does."""
        assert self._tombstones is not None
        day, data = self.slots[block_id]
        stone = Tombstone(reason, block_id, hashlib.sha256(data).digest())
        self.slots[block_id] = (day, stone.seal(self._tombstones.key))

    def end_day(self, day: date, reason: str = ACKNOWLEDGED) -> None:
        """Remove *day* as a whole."""
        gone = [one for one, (held, _) in self.slots.items() if held == day]
        for block_id in gone:
            del self.slots[block_id]
        self.gone += (GoneDay(day, len(gone), reason),)

    def bundle(self, *, key: SigningKey = SERVER, campaign: str = "wechat-2020") -> Path:
        """Export everything. Returns the bundle's directory."""
        listed = [
            ListedBlock(one, hashlib.sha256(data).digest(), day)
            for one, (day, data) in self.slots.items()
        ]
        volumes = in_volumes(listed)
        days = sorted({block.day for block in listed})
        counts = {day: sum(block.day == day for block in listed) for day in days}
        head = Head(
            vault=self.vault,
            onion=self.onion,
            campaign=campaign,
            number=self.number,
            salt=os.urandom(16),
            history=self.history,
            days=tuple(HeldDay(day, n, closed=day < self.today) for day, n in counts.items()),
            gone=self.gone,
            day_keys=tuple(self.records),
            replies=self.replies,
            volumes=tuple(map(volume_of, volumes)),
            successor=self.successor,
        )
        self.history += ((self.number, head.digest),)
        self.number += 1
        directory = self.directory / f"{bundle_name(head.number)}-{os.urandom(4).hex()}"
        directory.mkdir()
        (directory / "head.tar").write_bytes(write_head(head, key))
        for position, blocks in enumerate(volumes, 1):
            whole = write_volume(
                head, position, blocks, lambda block_id: self.slots[block_id][1], key
            )
            (directory / volume_name(position)).write_bytes(b"".join(whole))
        return directory

    def tomorrow(self) -> None:
        """Begin the next day."""
        self.begin_day(self.today + timedelta(days=1))
