"""What crosses the air gap: export bundles (vault to desk) and reply bundles (desk to vault).

Both are deterministic tar files: the manifest, its signature, the content. The whole manifest is
checked before any content is used, and a bundle is accepted whole or not at all. Reads are bounded:
a bundle can be as large as the vault's disk, but no part of it larger than the limits below.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any, BinaryIO, NamedTuple

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from dropbox import canonical_json
from dropbox.canonical_json import whole_number
from dropbox.errors import BadBundle, BadPacket
from dropbox.packets import PublicKey, verify_detached
from dropbox.sizes import BLOCK_BYTES, ID_BYTES, REPLY_BYTES
from dropbox.tar_members import END, Members, member

VERSION = 1
EXPORT, REPLIES = "casedrop-export", "casedrop-replies"
# At 200 bytes a block, room to list about 300,000 blocks (20 GB).
MANIFEST_BYTES = 64 * 2**20
_SIGNATURE_BYTES = 4_096
# Every bundle holds this many replies (1 MiB), most of them to nobody, to hide the real number.
REPLIES_IN_A_BUNDLE = 256
MAX_REPLIES = 4_096
_REPLY_RECORD = ID_BYTES + REPLY_BYTES


class ListedBlock(NamedTuple):
    """A manifest's entry for a block: id, SHA-256 of its data, and the UTC day it became final."""

    id: bytes
    sha256: str
    day: date


@dataclass(frozen=True)
class ExportManifest:
    """Everything the vault held when it made export *number* (from 1), sorted by hash.

    Sorting hides the order of arrival. The format also has fields for ``previous`` (the hash of the
    previous manifest) and ``tombstones`` (what was removed since then); in this version they are
    empty.
    """

    number: int
    campaign: str
    blocks: tuple[ListedBlock, ...]

    @classmethod
    def of(cls, *, number: int, campaign: str, blocks: Iterable[ListedBlock]) -> "ExportManifest":
        """The manifest of *blocks*, which may come in any order."""
        return cls(
            number, campaign, tuple(sorted(blocks, key=lambda block: (block.sha256, block.id)))
        )

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        days = sorted(block.day.isoformat() for block in self.blocks)
        return canonical_json.encode(
            {
                "format": EXPORT,
                "version": VERSION,
                "number": self.number,
                "campaign": self.campaign,
                "previous": None,
                "days": [days[0], days[-1]] if days else [],
                "blocks": [
                    {"id": b.id.hex(), "sha256": b.sha256, "day": b.day.isoformat()}
                    for b in self.blocks
                ],
                "tombstones": [],
            },
            ascii_only=True,
        )

    @classmethod
    def from_bytes(cls, untrusted: bytes) -> "ExportManifest":
        """The manifest of :meth:`to_bytes`. Raises BadBundle for anything else."""
        body = _manifest(untrusted, EXPORT)
        try:
            blocks = tuple(_listed(entry) for entry in body["blocks"])
            manifest = cls(whole_number(body["number"]), str(body["campaign"]), blocks)
        except (KeyError, TypeError, ValueError):
            raise BadBundle("The manifest is damaged.") from None
        # Everything not read above (order, days, empty fields) must be what this version writes.
        if (
            manifest.to_bytes() != untrusted
            or ExportManifest.of(number=manifest.number, campaign=manifest.campaign, blocks=blocks)
            != manifest
        ):
            raise BadBundle("The manifest is not one that this version writes.")
        if len({block.id for block in blocks}) != len(blocks):
            raise BadBundle("The manifest lists a block twice.")
        return manifest


def _listed(entry: Any) -> ListedBlock:
    block = ListedBlock(
        bytes.fromhex(entry["id"]), str(entry["sha256"]), date.fromisoformat(entry["day"])
    )
    if len(block.id) != ID_BYTES or len(bytes.fromhex(block.sha256)) != 32:
        raise ValueError
    return block


def _manifest(untrusted: bytes, kind: str) -> dict[str, Any]:
    try:
        body = json.loads(untrusted)
    except (ValueError, RecursionError):
        raise BadBundle("The manifest is damaged.") from None
    if not isinstance(body, dict) or body.get("format") != kind:
        raise BadBundle(f"This is not a {kind} bundle.")
    if body.get("version") != VERSION:
        raise BadBundle("The bundle was written by another version of Casedrop.")
    return body


def _signed_export(manifest: bytes) -> bytes:
    """What the export key signs: the kind first, so no other signature of that key can match."""
    return EXPORT.encode() + b"\0" + manifest


def write_export(
    manifest: ExportManifest, get_block: Callable[[bytes], bytes], key: SigningKey
) -> Iterator[bytes]:
    """The export bundle in pieces; *get_block* returns a block's data by id when it is needed."""
    body = manifest.to_bytes()
    yield member("manifest.json", body)
    yield member("manifest.sig", key.sign(_signed_export(body)).signature)
    for block in manifest.blocks:
        yield member(block.id.hex(), get_block(block.id))
    yield END


def read_export(
    stream: BinaryIO, key: VerifyKey, *, campaign: str, sink: Callable[[ListedBlock, bytes], None]
) -> ExportManifest:
    """Check an export bundle and pass each block to *sink*. Raises BadBundle naming what is wrong.

    *sink* receives each block as soon as it is checked; if this raises, the caller discards them
    all.
    """
    members = Members(stream)
    body = members.read("manifest.json", MANIFEST_BYTES)
    signature = members.read("manifest.sig", _SIGNATURE_BYTES)
    try:
        key.verify(_signed_export(body), signature)
    except (BadSignatureError, ValueError):
        raise BadBundle(
            "The bundle's signature is not by this drop's server, or the manifest was altered."
        ) from None
    manifest = ExportManifest.from_bytes(body)
    if manifest.campaign != campaign:
        raise BadBundle("The bundle belongs to another campaign.")
    for listed in manifest.blocks:
        data = members.read(listed.id.hex(), BLOCK_BYTES)
        if len(data) != BLOCK_BYTES or hashlib.sha256(data).hexdigest() != listed.sha256:
            raise BadBundle(f"Block {listed.id.hex()} was altered.")
        sink(listed, data)
    members.end()
    return manifest


class SealedReply(NamedTuple):
    """One reply in transit: its tag (ID_BYTES), and REPLY_BYTES that one case can open."""

    tag: bytes
    sealed: bytes


@dataclass(frozen=True)
class ReplyBundle:
    """Replies of one desk.

    The vault accepts it until ``expires`` and keeps it until ``keep_until``. Both are UTC days. The
    format also has a field ``acknowledged`` (the blocks that the desk has opened); in this version
    it is empty.
    """

    number: int
    campaign: str
    desk: int
    expires: date
    keep_until: date
    replies: tuple[SealedReply, ...]

    def _content(self) -> bytes:
        return b"".join(reply.tag + reply.sealed for reply in self.replies)

    def _manifest(self) -> bytes:
        return canonical_json.encode(
            {
                "format": REPLIES,
                "version": VERSION,
                "number": self.number,
                "campaign": self.campaign,
                "desk": self.desk,
                "expires": self.expires.isoformat(),
                "keep_until": self.keep_until.isoformat(),
                "count": len(self.replies),
                "sha256": hashlib.sha256(self._content()).hexdigest(),
                "acknowledged": [],
            },
            ascii_only=True,
        )


def write_replies(bundle: ReplyBundle, sign: Callable[[bytes], bytes]) -> bytes:
    """The whole bundle. *sign* makes a reviewer's detached OpenPGP signature of the manifest."""
    manifest = bundle._manifest()
    parts = [member("manifest.json", manifest), member("manifest.sig", sign(manifest))]
    return b"".join([*parts, member("replies", bundle._content()), END])


def read_replies(
    data: bytes, signers: Sequence[PublicKey], *, campaign: str, now: datetime
) -> ReplyBundle:
    """Check a reply bundle against the pinned *signers*. Raises BadBundle naming what is wrong."""
    members = Members(BytesIO(data))
    body = members.read("manifest.json", MANIFEST_BYTES)
    signature = members.read("manifest.sig", _SIGNATURE_BYTES)
    try:
        verify_detached(body, signature, tuple(signers), now)
    except BadPacket as why:
        raise BadBundle(f"The reply bundle is refused: {why}") from None
    content = members.read("replies", MAX_REPLIES * _REPLY_RECORD)
    members.end()
    bundle = _reply_bundle(_manifest(body, REPLIES), content)
    if bundle._manifest() != body:
        raise BadBundle("The replies are not those named in the manifest.")
    if bundle.campaign != campaign:
        raise BadBundle("The reply bundle belongs to another campaign.")
    if bundle.expires < now.astimezone(UTC).date():
        raise BadBundle(f"The reply bundle expired on {bundle.expires}.")
    return bundle


def _reply_bundle(body: dict[str, Any], content: bytes) -> ReplyBundle:
    cuts = range(0, len(content), _REPLY_RECORD)
    replies = [
        SealedReply(content[at : at + ID_BYTES], content[at + ID_BYTES : at + _REPLY_RECORD])
        for at in cuts
    ]
    if len(content) % _REPLY_RECORD or len({reply.tag for reply in replies}) != len(replies):
        raise BadBundle("The replies are cut off, or one is repeated.")
    try:
        desk, number = whole_number(body["desk"], least=0), whole_number(body["number"])
        expires, keep_until = (date.fromisoformat(body[name]) for name in ("expires", "keep_until"))
        return ReplyBundle(number, str(body["campaign"]), desk, expires, keep_until, tuple(replies))
    except (KeyError, TypeError, ValueError):
        raise BadBundle("The manifest is damaged.") from None
