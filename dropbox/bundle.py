"""Export bundles of version 1, which the desk still reads; vaults no longer write them.

A tar file: the manifest, its signature, the blocks. The whole manifest is checked before any block
is used, and a bundle is accepted whole or not at all. Reads are bounded: a bundle can be as large
as the vault's disk, but no part of it can exceed the limits below.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, BinaryIO, NamedTuple

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from dropbox import canonical_json
from dropbox.canonical_json import whole_number
from dropbox.errors import BadBundle
from dropbox.sizes import BLOCK_BYTES, ID_BYTES
from dropbox.tar_members import Members

VERSION = 1
EXPORT = "casedrop-export"
# At 200 bytes a block, room to list about 300,000 blocks (20 GB).
MANIFEST_BYTES = 64 * 2**20
_SIGNATURE_BYTES = 4_096


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
        body = _manifest(untrusted)
        try:
            blocks = tuple(_listed(entry) for entry in body["blocks"])
            manifest = cls(whole_number(body["number"]), str(body["campaign"]), blocks)
        except (KeyError, TypeError, ValueError):
            raise BadBundle("The manifest is damaged.") from None
        # Everything not read above (order, days, empty fields) must be as this version writes it.
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


def _manifest(untrusted: bytes) -> dict[str, Any]:
    try:
        body = json.loads(untrusted)
    except (ValueError, RecursionError):
        raise BadBundle("The manifest is damaged.") from None
    if not isinstance(body, dict) or body.get("format") != EXPORT:
        raise BadBundle(f"This is not a {EXPORT} bundle.")
    if body.get("version") != VERSION:
        raise BadBundle("The bundle was written by another version of Casedrop.")
    return body


def _signed_export(manifest: bytes) -> bytes:
    """What the export key signs: the kind first, so no other signature of that key can match."""
    return EXPORT.encode() + b"\0" + manifest


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
