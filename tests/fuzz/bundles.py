"""The tar format, and export bundles of version 1 with arbitrary signed manifests."""

import hashlib
import io
import tarfile
from contextlib import suppress
from datetime import date

from nacl.signing import SigningKey
from support.format_1 import write_export

from dropbox.bundle import ExportManifest, ListedBlock, read_export
from dropbox.errors import BadBundle
from dropbox.sizes import BLOCK_BYTES
from dropbox.tar_members import Members
from fuzz.mutation import mutate_json
from fuzz.target import Target

_CAMPAIGN = "wechat-2020"
_SERVER = SigningKey(b"s" * 32)
_DAY = date(2026, 11, 24)
_BLOCKS = {bytes([n]) * 16: bytes([n]) * BLOCK_BYTES for n in range(3)}
_LISTED = [
    ListedBlock(key, hashlib.sha256(data).hexdigest(), _DAY) for key, data in _BLOCKS.items()
]
_MANIFESTS = [
    ExportManifest.of(number=3, campaign=_CAMPAIGN, blocks=_LISTED[:count]) for count in (0, 1, 3)
]


def _tar(*members: tuple[str, bytes]) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        end = whole.tell() + 2 * tarfile.BLOCKSIZE
    return whole.getvalue()[:end]


def _header(**fields: object) -> bytes:
    info = tarfile.TarInfo("manifest.json")
    for name, value in fields.items():
        setattr(info, name, value)
    return info.tobuf(tarfile.GNU_FORMAT)


_LONG = _header(name="././@LongLink", type=tarfile.GNUTYPE_LONGNAME, size=4) + b"abc".ljust(
    512, b"\0"
)
_PAX = _header(name="pax", type=tarfile.XHDTYPE, size=22) + b"22 path=manifest.json\n".ljust(
    512, b"\0"
)


class Counted(io.BytesIO):
    """A stream that records the largest read."""

    largest = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Read like a file."""
        self.largest = max(self.largest, 2**62 if size is None or size < 0 else size)
        return super().read(size)


def members(data: bytes) -> bytes:
    """A tar of two members.

    BadBundle, or what the first holds; no more is asked for at once than a member may hold.
    """
    stream = Counted(data)
    try:
        read = Members(stream)
        first = read.read("manifest.json", 4_096)
        assert len(first) <= 4_096 and len(read.read("manifest.sig", 512)) <= 512
        read.end()
    finally:
        assert stream.largest <= 4_096, "as much is read at once as an untrusted header says"
    return first


_SMALL = _tar(("manifest.json", b"{}"), ("manifest.sig", b"s" * 64))
MEMBERS = Target(
    members,
    (BadBundle,),
    [
        _SMALL,
        _tar(),
        _LONG * 3 + _SMALL,
        _PAX + _SMALL,
        _header(type=tarfile.GNUTYPE_SPARSE, size=4_096) + _SMALL,
        _header(size=2**40) + _SMALL,
        _header(type=tarfile.SYMTYPE, linkname="/etc/passwd") + _SMALL,
    ],
    8_192,
    words=[
        _LONG,
        _PAX,
        b"ustar\x0000",
        b"ustar  \0",
        b"\x80\0\0\0\0\0\0\0\0\0\x10\0",
        b"\xff" * 12,
        b"7777777777\0",
    ],
)


def export_bundle(data: bytes) -> ExportManifest:
    """A whole export.

    BadBundle, or the manifest that was signed, and then every block that it lists came as it was.
    """
    found: dict[bytes, bytes] = {}
    manifest = read_export(
        io.BytesIO(data),
        _SERVER.verify_key,
        campaign=_CAMPAIGN,
        sink=lambda listed, block: found.update({listed.id: block}),
    )
    assert manifest in _MANIFESTS, "a manifest that was never signed is taken"
    assert found == {block.id: _BLOCKS[block.id] for block in manifest.blocks}
    return manifest


EXPORT_BUNDLE = Target(
    export_bundle,
    (BadBundle,),
    [b"".join(write_export(m, _BLOCKS.__getitem__, _SERVER)) for m in _MANIFESTS[:2]],
    70_000,
)


class _Written(ExportManifest):
    """A manifest of arbitrary bytes for the server's own writer."""

    def to_bytes(self) -> bytes:
        return self.campaign.encode("utf-8", "surrogateescape")


def signed_manifest(data: bytes) -> ExportManifest:
    """An export's manifest, signed whatever it is.

    BadBundle, or a manifest that is written again as the same bytes.
    """
    written = _Written(1, data.decode("utf-8", "surrogateescape"), tuple(_LISTED))
    bundle = b"".join(write_export(written, _BLOCKS.__getitem__, _SERVER))
    with suppress(BadBundle):
        assert (
            read_export(
                io.BytesIO(bundle), _SERVER.verify_key, campaign=_CAMPAIGN, sink=lambda *_: None
            ).to_bytes()
            == data
        )
    manifest = ExportManifest.from_bytes(data)
    assert manifest.to_bytes() == data and manifest.number > 0
    return manifest


_EXPORT_WORDS = [
    b'"blocks":[',
    b'"number":1',
    b'"day":"2026-11-24"',
    b'"previous":null',
    b"[[[[",
    b"Infinity",
    b"-1",
    b"1e400",
]
SIGNED_MANIFEST = Target(
    signed_manifest,
    (BadBundle,),
    [m.to_bytes() for m in _MANIFESTS],
    4_096,
    words=_EXPORT_WORDS,
    mutate=mutate_json,
)
