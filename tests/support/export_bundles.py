"""Export bundles of version 1 as their vault made them, without a vault."""

import hashlib
import os
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from nacl.public import PrivateKey
from nacl.signing import SigningKey

from dropbox.bundle import ExportManifest, ListedBlock
from dropbox.openpgp import Reviewers
from dropbox.report import Attachment, Report
from dropbox.sealing import FORMAT_1, AttachmentSealer, Block
from support.format_1 import seal_report, write_export

CAMPAIGN = Path(__file__).parents[2] / "dropbox" / "campaign.toml"


SERVER = SigningKey(b"s" * 32)


DAY = date(2026, 11, 23)


TEXT = "【虚构】我的微信号在 2019 年被永久封禁。\r\n\x1b[31m \u202e 末"


PHOTO = os.urandom(200_000)


@dataclass
class Drop:
    """A claimant and a vault in one: seals reports and files into blocks and exports them in
    bundles.
    """

    reviewers: Reviewers
    directory: Path
    blocks: dict[bytes, bytes] = field(default_factory=dict)

    def file(self, data: bytes, name: str = "照片.jpg", **changes: object) -> Attachment:
        sealer = AttachmentSealer(self.reviewers, self.blocks.update, 2**30, format=FORMAT_1)
        sealer.write(data)
        return replace(sealer.finish(name=name, type="image/jpeg"), **changes)  # type: ignore[arg-type]

    def report(self, text: str = TEXT, claimant: int = 1, **changes: object) -> bytes:
        key = PrivateKey(bytes([claimant]) * 32)
        fields: dict[str, object] = {
            "kind": "report",
            "campaign": "wechat-2020",
            "language": "zh-Hans",
            "category": "c1",
        }
        fields |= {
            "harms": (),
            "text": text,
            "attachments": (),
            "reply_public": bytes(key.public_key),
        }
        one = Report(**{**fields, "tag_key": bytes([claimant + 100]) * 32, **changes})  # type: ignore[arg-type]
        block = Block(os.urandom(16), seal_report(one, self.reviewers))
        self.blocks.update([block])
        return block.id

    def bundle(
        self, number: int, *, campaign: str = "wechat-2020", key: SigningKey = SERVER
    ) -> Path:
        listed = [
            ListedBlock(name, hashlib.sha256(data).hexdigest(), DAY)
            for name, data in self.blocks.items()
        ]
        manifest = ExportManifest.of(number=number, campaign=campaign, blocks=listed)
        path = self.directory / f"bundle-{number}-{os.urandom(4).hex()}.tar"
        path.write_bytes(b"".join(write_export(manifest, self.blocks.__getitem__, key)))
        return path
