import hashlib
import io
import lzma
import os
import tarfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from nacl.signing import SigningKey
from support.format_1 import write_export

from dropbox.bundle import ExportManifest, ListedBlock, read_export
from dropbox.errors import BadBundle
from dropbox.sizes import BLOCK_BYTES
from dropbox.tar_members import Members, member, member_header

SERVER = SigningKey(b"s" * 32)
BLOCKS = {bytes([n]) * 16: os.urandom(BLOCK_BYTES) for n in range(5)}
DAY = date(2026, 11, 24)
MANIFEST = ExportManifest.of(
    number=3,
    campaign="wechat-2020",
    blocks=[
        ListedBlock(key, hashlib.sha256(data).hexdigest(), DAY) for key, data in BLOCKS.items()
    ],
)


def export(
    manifest: ExportManifest = MANIFEST,
    blocks: dict[bytes, bytes] = BLOCKS,
    key: SigningKey = SERVER,
) -> bytes:
    return b"".join(write_export(manifest, blocks.__getitem__, key))


def read(data: bytes, campaign: str = "wechat-2020") -> tuple[ExportManifest, dict[bytes, bytes]]:
    found: dict[bytes, bytes] = {}
    manifest = read_export(
        io.BytesIO(data),
        SERVER.verify_key,
        campaign=campaign,
        sink=lambda listed, block: found.update({listed.id: block}),
    )
    return manifest, found


def test_an_export_comes_back_whole() -> None:
    assert read(export()) == (MANIFEST, BLOCKS)


VECTORS = Path(__file__).parents[1] / "vectors" / "bundle"


def stored(name: str) -> bytes:
    return lzma.decompress((VECTORS / name).read_bytes())


def test_a_stored_export_is_read_and_would_be_written_again_as_it_is() -> None:
    """Reader and writer always agree with each other; here they agree with an earlier server."""
    whole = stored("export_01_two_blocks.tar.xz")
    manifest, blocks = read(whole)

    assert blocks == {bytes([number]) * 16: bytes([number]) * BLOCK_BYTES for number in (1, 2)}
    assert (manifest.number, manifest.campaign) == (7, "wechat-2020")
    assert {listed.id[0]: listed.day for listed in manifest.blocks} == {
        1: date(2026, 11, 23),
        2: date(2026, 11, 24),
    }
    assert export(manifest, blocks) == whole


def test_the_server_signs_that_it_is_an_export_and_not_the_manifest_alone() -> None:
    members = Members(io.BytesIO(stored("export_01_two_blocks.tar.xz")))
    manifest, signature = (members.read(f"manifest.{name}", 4_096) for name in ("json", "sig"))

    SERVER.verify_key.verify(b"casedrop-export\0" + manifest, signature)
    bare = member("manifest.json", manifest)
    bare += member("manifest.sig", SERVER.sign(manifest).signature)
    with pytest.raises(BadBundle, match="signature is not by this drop's server"):
        read(bare)


@pytest.mark.parametrize(("more", "taken"), [(0, True), (1, False)])
def test_a_member_may_be_as_large_as_was_said_and_not_a_byte_larger(more: int, taken: bool) -> None:
    members = Members(io.BytesIO(member("one", bytes(1_000 + more))))
    if taken:
        assert members.read("one", 1_000) == bytes(1_000)
    else:
        with pytest.raises(BadBundle, match="too large"):
            members.read("one", 1_000)


@pytest.mark.parametrize(
    ("name", "before", "most"),
    [
        ("manifest.json", b"", 64 * 1_048_576),
        ("manifest.sig", member("manifest.json", b"{}"), 4_096),
    ],
)
def test_no_more_is_read_of_a_bundle_than_its_members_can_hold(
    name: str, before: bytes, most: int
) -> None:
    """A header alone says how long its member is going to be."""
    with pytest.raises(BadBundle, match=f"cut off inside {name}"):
        read(before + member_header(name, most))
    with pytest.raises(BadBundle, match=f"{name} in the bundle is too large"):
        read(before + member_header(name, most + 1))


def signed_export(body: bytes, *members: bytes) -> bytes:
    """A bundle of an odd manifest that the server signed all the same."""
    signature = SERVER.sign(b"casedrop-export\0" + body).signature
    parts = [member("manifest.json", body), member("manifest.sig", signature), *members]
    return b"".join([*parts, bytes(1_024)])


def only(data: bytes, name: bytes = b"a" * 16) -> ExportManifest:
    """A manifest of one block."""
    listed = ListedBlock(name, hashlib.sha256(data).hexdigest(), DAY)
    return ExportManifest.of(number=1, campaign="wechat-2020", blocks=[listed])


@pytest.mark.parametrize("size", [0, 1, BLOCK_BYTES - 1])
def test_a_block_of_another_length_is_refused_although_it_is_signed(size: int) -> None:
    data, name = b"x" * size, (b"a" * 16).hex()

    whole = signed_export(only(b"x" * BLOCK_BYTES).to_bytes(), member(name, b"x" * BLOCK_BYTES))
    assert read(whole)[0].number == 1
    with pytest.raises(BadBundle, match=f"Block {name} was altered"):
        read(signed_export(only(data).to_bytes(), member(name, data)))


def test_a_member_of_another_name_or_kind_is_refused_although_its_content_is_right() -> None:
    data, name = b"x" * BLOCK_BYTES, (b"a" * 16).hex()
    body = only(data).to_bytes()
    right = member(name, data)
    for kind in (tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.CONTTYPE):
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.type = len(data), 0o600, kind
        odd = info.tobuf(tarfile.USTAR_FORMAT) + right[tarfile.BLOCKSIZE :]
        with pytest.raises(BadBundle, match="something else where"):
            read(signed_export(body, odd))
    with pytest.raises(BadBundle, match="something else where"):
        read(signed_export(body, member((b"b" * 16).hex(), data)))


def test_what_is_between_and_behind_the_members_is_zeros_and_nothing_more() -> None:
    whole = export()
    behind_the_manifest = 512 + len(MANIFEST.to_bytes())
    assert whole[behind_the_manifest : behind_the_manifest + 1] == b"\0"
    changed = bytearray(whole)
    changed[behind_the_manifest] = 1

    with pytest.raises(BadBundle, match=r"damaged after manifest\.json"):
        read(bytes(changed))
    for odd in (whole + bytes(512), whole + b"x", whole[:-1], whole[:-512], whole[:-1] + b"x"):
        with pytest.raises(BadBundle, match="has no proper end"):
            read(odd)


def test_a_cut_inside_a_member_is_named() -> None:
    with pytest.raises(BadBundle, match=r"cut off inside manifest\.json"):
        read(export()[:700])


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (b'"version":1', b'"version":2', "another version"),
        (b'"version":1', b'"version":"1"', "another version"),
        (
            b'"format":"casedrop-export"',
            b'"format":"casedrop-replies"',
            "not a casedrop-export bundle",
        ),
        (b'"id":"' + b"61" * 16, b'"id":"' + b"61" * 15, "manifest is damaged"),
        (b'"id":"' + b"61" * 16, b'"id":"' + b"61" * 17, "manifest is damaged"),
        (b'"number":1', b'"number":0', "manifest is damaged"),
        (b'"number":1', b'"number":9223372036854775808', "manifest is damaged"),
    ],
)
def test_a_signed_manifest_that_no_server_writes_says_what_is_wrong(
    old: bytes, new: bytes, sentence: str
) -> None:
    body = only(b"x" * BLOCK_BYTES).to_bytes()
    assert body.count(old) == 1

    with pytest.raises(BadBundle, match=sentence):
        read(signed_export(body.replace(old, new)))


def test_a_hash_of_another_length_is_refused() -> None:
    manifest = only(b"x")
    for sha256 in ("ab" * 31, "ab" * 33, ""):
        odd = replace(manifest, blocks=(manifest.blocks[0]._replace(sha256=sha256),))
        with pytest.raises(BadBundle, match="manifest is damaged"):
            ExportManifest.from_bytes(odd.to_bytes())


def test_the_largest_number_is_read() -> None:
    largest = replace(only(b"x"), number=2**63 - 1)

    assert ExportManifest.from_bytes(largest.to_bytes()) == largest


def test_an_empty_export_is_a_bundle_too() -> None:
    empty = ExportManifest.of(number=1, campaign="wechat-2020", blocks=[])

    assert read(export(empty)) == (empty, {})


def test_an_export_is_deterministic_and_does_not_tell_the_order_of_filing() -> None:
    backwards = ExportManifest.of(
        number=3, campaign="wechat-2020", blocks=reversed(MANIFEST.blocks)
    )

    assert export(backwards) == export()


def test_the_places_for_the_chain_and_the_tombstones_are_in_the_format() -> None:
    assert b'"previous":null' in MANIFEST.to_bytes() and b'"tombstones":[]' in MANIFEST.to_bytes()


def test_another_servers_signature_is_refused() -> None:
    with pytest.raises(BadBundle, match="signature is not by this drop's server"):
        read(export(key=SigningKey(b"x" * 32)))


def test_another_campaign_is_refused() -> None:
    with pytest.raises(BadBundle, match="another campaign"):
        read(export(), campaign="other")


def test_an_altered_block_is_named() -> None:
    key = MANIFEST.blocks[2].id

    with pytest.raises(BadBundle, match=f"Block {key.hex()} was altered"):
        read(export(blocks={**BLOCKS, key: bytes(BLOCK_BYTES)}))


def test_exchanged_blocks_are_refused() -> None:
    one, two = MANIFEST.blocks[0].id, MANIFEST.blocks[1].id

    with pytest.raises(BadBundle, match="altered"):
        read(export(blocks={**BLOCKS, one: BLOCKS[two], two: BLOCKS[one]}))


def test_a_bundle_cut_off_anywhere_is_refused() -> None:
    whole = export()
    for cut in (0, 1, 100, 512, 700, 2_000, 3_000, 70_000, len(whole) - 1_024 - BLOCK_BYTES):
        with pytest.raises(BadBundle):
            read(whole[:cut])


@pytest.mark.slow
def test_a_changed_byte_anywhere_is_refused_or_changes_nothing() -> None:
    """Some bytes in tar headers mean nothing; the signature or a hash covers all others."""
    whole = export()
    for at in range(0, len(whole) - 1_024, 331):
        changed = bytearray(whole)
        changed[at] ^= 1
        try:
            assert read(bytes(changed)) == (MANIFEST, BLOCKS)
        except BadBundle:
            continue


def header(**fields: object) -> bytes:
    info = tarfile.TarInfo("manifest.json")
    for name, value in fields.items():
        setattr(info, name, value)
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize(
    "front",
    [
        header(name="././@LongLink", type=tarfile.GNUTYPE_LONGNAME, size=4)
        + b"abc".ljust(512, b"\0"),
        header(type=tarfile.XHDTYPE, size=22) + b"22 path=manifest.json\n".ljust(512, b"\0"),
        header(type=tarfile.GNUTYPE_SPARSE, size=4),
        header(type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        header(size=-512),
    ],
    ids=["long name", "extended", "sparse", "link", "negative size"],
)
@pytest.mark.parametrize("times", [1, 2_000])
def test_a_header_that_no_bundle_has_is_refused_however_often_it_comes(
    front: bytes, times: int
) -> None:
    with pytest.raises(BadBundle):
        read(front * times + export())


def test_no_more_is_read_at_once_than_a_member_may_hold_whatever_its_header_says() -> None:
    class Endless(io.BytesIO):
        largest = 0

        def read(self, size: int | None = -1, /) -> bytes:
            self.largest = max(self.largest, size or 0)
            return super().read(min(size or 0, 512))

    for kind in (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.REGTYPE):
        stream = Endless(header(type=kind, size=2**33) + bytes(1024))
        with pytest.raises(BadBundle):
            read_export(stream, SERVER.verify_key, campaign="wechat-2020", sink=lambda *_: None)
        assert stream.largest <= 512


def test_something_added_behind_the_blocks_is_refused() -> None:
    more = {**BLOCKS, b"m" * 16: bytes(BLOCK_BYTES)}
    longer = ExportManifest.of(
        number=3,
        campaign="wechat-2020",
        blocks=[*MANIFEST.blocks, ListedBlock(b"m" * 16, "ff" * 32, DAY)],
    )
    last = export(longer, more)[-1_024 - 512 - BLOCK_BYTES :]
    assert longer.blocks[-1].id == b"m" * 16

    with pytest.raises(BadBundle, match="more than its manifest lists"):
        read(export()[:-1_024] + last)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"\xff", b'{"format":"casedrop-export","version":2}', b"[" * 50_000]
)
def test_what_is_not_a_manifest_is_refused(body: bytes) -> None:
    with pytest.raises(BadBundle):
        ExportManifest.from_bytes(body)


def test_a_manifest_that_lists_a_block_twice_or_unsorted_is_refused() -> None:
    blocks = MANIFEST.blocks

    with pytest.raises(BadBundle):
        ExportManifest.from_bytes(replace(MANIFEST, blocks=(*blocks, blocks[-1])).to_bytes())
    with pytest.raises(BadBundle):
        ExportManifest.from_bytes(replace(MANIFEST, blocks=blocks[::-1]).to_bytes())
