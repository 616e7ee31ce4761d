"""Version 2 of the export bundle: heads and volumes come back whole, or are refused by name."""

import hashlib
import io
import json
import lzma
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey
from support.examples import examples

from dropbox import export_bundle
from dropbox.errors import BadBundle
from dropbox.export_bundle import (
    ACKNOWLEDGED,
    EXPIRED,
    MAX_HISTORY,
    AcceptedReplies,
    GoneDay,
    Head,
    HeldDay,
    ListedBlock,
    Successor,
    Volume,
    in_volumes,
    index_of,
    read_head,
    read_volume,
    volume_bytes,
    volume_of,
    write_head,
    write_volume,
)
from dropbox.sizes import BLOCK_BYTES
from dropbox.tar_members import END, Members, member, member_header

SERVER = SigningKey(b"s" * 32)
CAMPAIGN = "wechat-2020"
FIRST, SECOND = date(2026, 11, 24), date(2026, 11, 25)
DATA = {os.urandom(16): os.urandom(BLOCK_BYTES) for _ in range(5)}


def listed(data: Mapping[bytes, bytes] = DATA) -> tuple[ListedBlock, ...]:
    """The entries of *data*, the first two of an earlier day."""
    return tuple(
        ListedBlock(block_id, hashlib.sha256(block).digest(), FIRST if number < 2 else SECOND)
        for number, (block_id, block) in enumerate(data.items())
    )


VOLUMES = in_volumes(listed())
HEAD = Head(
    vault=b"v" * 16,
    onion="a" * 56 + ".onion",
    campaign=CAMPAIGN,
    number=9,
    salt=b"x" * 16,
    history=((7, b"\7" * 32), (8, b"\x08" * 32)),
    days=(HeldDay(FIRST, 2, closed=True), HeldDay(SECOND, 3, closed=False)),
    gone=(GoneDay(date(2026, 8, 1), 256, EXPIRED), GoneDay(date(2026, 11, 1), 512, ACKNOWLEDGED)),
    day_keys=(b"first record", b"second record"),
    replies=(AcceptedReplies(0, "A" * 40, 4),),
    volumes=tuple(map(volume_of, VOLUMES)),
)


def read(data: bytes, campaign: str = CAMPAIGN) -> Head:
    return read_head(io.BytesIO(data), SERVER.verify_key, campaign=campaign)


def signed(body: bytes, name: str = "casedrop-export-head", key: SigningKey = SERVER) -> bytes:
    signature = key.sign(name.encode() + b"\0" + body).signature
    return member("head.json", body) + member("head.sig", signature) + END


def volume(
    get_block: Callable[[bytes], bytes] = DATA.__getitem__, head: Head = HEAD, position: int = 1
) -> bytes:
    return b"".join(write_volume(head, position, VOLUMES[position - 1], get_block, SERVER))


def taken(data: bytes, head: Head = HEAD, position: int = 1) -> dict[ListedBlock, bytes]:
    found: dict[ListedBlock, bytes] = {}
    read_volume(io.BytesIO(data), head, position, SERVER.verify_key, found.__setitem__)
    return found


def test_a_head_comes_back_whole() -> None:
    assert read(write_head(HEAD, SERVER)) == HEAD


def test_a_head_that_follows_a_lost_vault_says_so() -> None:
    head = replace(HEAD, successor=Successor(b"o" * 16, 12, "磁盘坏了: all since 20 November."))

    assert read(write_head(head, SERVER)) == head
    assert head.to_bytes().isascii(), "as every head is, so that old ones keep their digests"


def test_a_head_is_refused_for_another_campaign_signer_or_purpose() -> None:
    with pytest.raises(BadBundle, match="another campaign"):
        read(write_head(HEAD, SERVER), "dam-2024")
    with pytest.raises(BadBundle, match="not by this drop's server"):
        read(write_head(HEAD, SigningKey(b"t" * 32)))
    with pytest.raises(BadBundle, match="not by this drop's server"):
        read(signed(HEAD.to_bytes(), "casedrop-export-trailer"))


def altered(**changes: Any) -> bytes:
    """The head as signed JSON with *changes*; a change to ... removes the field."""
    body = json.loads(HEAD.to_bytes()) | changes
    kept = {name: value for name, value in body.items() if value is not ...}
    return json.dumps(kept, sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "changes",
    [
        {"vault": "00"},
        {"vault": ...},
        {"salt": "00" * 17},
        {"onion": 1},
        {"campaign": None},
        {"number": 0},
        {"number": True},
        {"number": 2**63},
        {"number": 8},
        {"number": 9.0},
        {"history": [[8, "08" * 32], [7, "07" * 32]]},
        {"history": [[7, "07" * 32], [7, "07" * 32]]},
        {"history": [[7, "07" * 31]]},
        {"history": {"7": "07" * 32}},
        {"days": [["2026-11-25", 3, False], ["2026-11-24", 2, True]]},
        {"days": [["2026-11-24", 2, True]]},
        {"days": [["2026-11-24", 2, 1], ["2026-11-25", 3, False]]},
        {"days": [["20261124", 2, True], ["2026-11-25", 3, False]]},
        {"gone": [["2026-11-24", 2, "expired"]]},
        {"gone": [["2026-11-01", 2, "lost"]]},
        {"day_keys": ["not base64"]},
        {"day_keys": [""" Zmlyc3Q="""]},
        {"replies": [[-1, "A" * 40, 4]]},
        {"replies": [[0, "A" * 40, 0]]},
        {"volumes": []},
        {"volumes": [[5, "00"]]},
        {"volumes": [[4_097, "00" * 32]]},
        {"successor": ["00" * 16, 12]},
        {"successor": ["00" * 16, -1, "lost"]},
        {"successor": ["00" * 16, 12, "x" * 2_001]},
        {"more": 1},
    ],
    ids=str,
)
def test_a_signed_head_that_this_version_does_not_write_is_refused(changes: dict[str, Any]) -> None:
    assert read(signed(altered())) == HEAD

    with pytest.raises(BadBundle, match=r"damaged|not one that this version writes"):
        read(signed(altered(**changes)))


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (altered(format="casedrop-export"), "not a casedrop-export-head"),
        (altered(version=3), "another version"),
        (b"[]", "not a casedrop-export-head"),
        (b"{", "damaged"),
        (b"[" * 100_000, "damaged"),
    ],
    ids=["other format", "newer", "a list", "no JSON", "deep"],
)
def test_something_else_that_is_signed_is_no_head(body: bytes, sentence: str) -> None:
    with pytest.raises(BadBundle, match=sentence):
        read(signed(body))


def test_limits_are_where_they_are_said_to_be() -> None:
    history = tuple((number, bytes(32)) for number in range(1, MAX_HISTORY + 1))
    longest = replace(HEAD, number=2_000, history=history)
    assert read(write_head(longest, SERVER)) == longest
    lost = replace(HEAD, successor=Successor(b"o" * 16, 0, "x" * 2_000))
    assert read(write_head(lost, SERVER)) == lost
    full = replace(
        HEAD, days=(HeldDay(FIRST, 4_096, closed=True),), volumes=(Volume(4_096, bytes(32)),)
    )
    assert read(write_head(full, SERVER)) == full

    fuller = HeldDay(FIRST, 4_097, closed=True), (Volume(4_097, bytes(32)),)
    with pytest.raises(BadBundle):
        read(write_head(replace(HEAD, days=fuller[:1], volumes=fuller[1]), SERVER))
    more = replace(longest, history=(*history, (MAX_HISTORY + 1, bytes(32))))
    with pytest.raises(BadBundle):
        read(write_head(more, SERVER))


def test_the_same_content_has_another_hash_under_another_salt() -> None:
    assert (
        replace(HEAD, salt=b"y" * 16).digest
        != HEAD.digest
        == hashlib.sha256(HEAD.to_bytes()).digest()
    )


def test_a_volume_comes_back_whole() -> None:
    assert taken(volume()) == {block: DATA[block.id] for block in listed()}


@pytest.mark.slow
@examples()
@given(st.sets(st.binary(min_size=16, max_size=16), max_size=40))
def test_blocks_are_in_volumes_by_id_and_each_in_one(ids: set[bytes]) -> None:
    blocks = [ListedBlock(one, bytes(32), FIRST) for one in ids]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export_bundle, "VOLUME_BLOCKS", 7)
        volumes = in_volumes(blocks)

    assert [block for part in volumes for block in part] == sorted(blocks)
    assert all(len(part) == 7 for part in volumes[:-1])


def test_what_was_deleted_while_it_was_read_is_in_the_trailer() -> None:
    deleted, tombstone = next(iter(DATA)), os.urandom(BLOCK_BYTES)
    found = taken(volume((DATA | {deleted: tombstone}).__getitem__))

    by_id = {block.id: (block, data) for block, data in found.items()}
    assert by_id[deleted][1] == tombstone
    assert by_id[deleted][0].sha256 == hashlib.sha256(tombstone).digest()
    assert all(data == DATA[one] for one, (_, data) in by_id.items() if one != deleted)


def test_altered_blocks_are_named_whether_the_trailer_lists_others_or_none() -> None:
    whole = bytearray(volume())
    at = bytes(whole).index(DATA[VOLUMES[0][2].id])
    whole[at + 70] ^= 1
    with pytest.raises(BadBundle, match=rf"Altered in volume 1: {VOLUMES[0][2].id.hex()}\."):
        taken(bytes(whole))

    # The original in place of the tombstone that the server signed.
    deleted = VOLUMES[0][0].id
    tombstone = os.urandom(BLOCK_BYTES)
    carried = volume((DATA | {deleted: tombstone}).__getitem__)
    with pytest.raises(BadBundle, match=rf"Altered in volume 1: {deleted.hex()}\."):
        taken(carried.replace(tombstone, DATA[deleted]))


ROW = {bytes([number]) * 16: os.urandom(BLOCK_BYTES) for number in range(12)}


@pytest.mark.parametrize(
    ("count", "more"), [(1, ""), (2, ""), (10, ""), (11, " and 1 more"), (12, " and 2 more")]
)
def test_the_first_ten_of_the_altered_blocks_are_named(count: int, more: str) -> None:
    blocks = in_volumes(listed(ROW))[0]
    head = replace(
        HEAD,
        days=(HeldDay(FIRST, 2, closed=True), HeldDay(SECOND, 10, closed=False)),
        volumes=(volume_of(blocks),),
    )
    # The last one was deleted during the export, which is no alteration, unless it is one.
    held = ROW | {blocks[-1].id: bytes(BLOCK_BYTES)}
    whole = b"".join(write_volume(head, 1, blocks, held.__getitem__, SERVER))
    assert len(taken(whole, head)) == 12
    for block in blocks[:count]:
        data = held[block.id]
        whole = whole.replace(data, data[:-1] + bytes([data[-1] ^ 1]))

    with pytest.raises(BadBundle) as refusal:
        taken(whole, head)

    names = ", ".join(block.id.hex() for block in blocks[:count][:10])
    assert str(refusal.value) == f"Altered in volume 1: {names}{more}."


def test_a_trailer_that_somebody_else_signed_is_refused() -> None:
    """Whoever alters blocks can list them in a trailer, too, but not sign it."""
    for signer, sentence in ((SERVER, None), (SigningKey(b"t" * 32), "not by this drop's server")):
        whole = b"".join(write_volume(HEAD, 1, VOLUMES[0], DATA.__getitem__, signer))
        if sentence is None:
            assert len(taken(whole)) == 5
        else:
            with pytest.raises(BadBundle, match=sentence):
                taken(whole)


def test_each_volume_is_compared_with_its_own_entry_of_the_head() -> None:
    parts = [blocks[at : at + 2] for blocks in VOLUMES for at in (0, 2, 4)]
    head = replace(HEAD, volumes=tuple(map(volume_of, parts)))

    for position, part in enumerate(parts, 1):
        whole = b"".join(write_volume(head, position, part, DATA.__getitem__, SERVER))
        assert [block.id for block in taken(whole, head, position)] == [block.id for block in part]


def test_a_volume_with_every_block_deleted_is_no_larger_than_the_courier_expects() -> None:
    deleted = dict.fromkeys(ROW, bytes(BLOCK_BYTES))
    for count in (0, 1, 12):
        blocks = listed(dict(list(ROW.items())[:count]))
        whole = b"".join(write_volume(HEAD, 1, blocks, deleted.__getitem__, SERVER))
        assert len(whole) <= volume_bytes(volume_of(blocks)) < len(whole) + 16_384


@pytest.mark.parametrize(
    ("name", "before"), [("head.json", b""), ("trailer.json", volume().partition(b"trailer")[0])]
)
def test_no_more_is_read_of_a_head_or_trailer_than_they_can_hold(name: str, before: bytes) -> None:
    """A header alone says how long its member is going to be."""
    read_it = read if name == "head.json" else taken
    with pytest.raises(BadBundle, match=f"cut off inside {name}"):
        read_it(before + member_header(name, 64 * 1_048_576))
    with pytest.raises(BadBundle, match=f"{name} in the bundle is too large"):
        read_it(before + member_header(name, 64 * 1_048_576 + 1))


def test_a_volume_of_another_bundle_or_place_is_refused() -> None:
    other = replace(HEAD, number=10)
    with pytest.raises(BadBundle, match="belongs to another bundle"):
        taken(volume(head=other))
    empty = replace(HEAD, days=HEAD.days[:1], volumes=(volume_of(()),) * 2)
    parts = b"".join(write_volume(empty, 2, (), DATA.__getitem__, SERVER))
    with pytest.raises(BadBundle, match="belongs to another bundle"):
        read_volume(io.BytesIO(parts), empty, 1, SERVER.verify_key, lambda *_: None)


def test_an_index_that_the_head_does_not_name_is_refused() -> None:
    head = replace(HEAD, volumes=(Volume(5, bytes(32)),))
    with pytest.raises(BadBundle, match="index of volume 1"):
        taken(volume(), head)


@pytest.mark.parametrize("order", [(1, 0), (0, 0)], ids=["not in order", "twice"])
def test_an_index_out_of_order_or_with_a_block_twice_is_refused(order: tuple[int, ...]) -> None:
    blocks = [VOLUMES[0][number] for number in order]
    head = replace(HEAD, days=(HeldDay(FIRST, 2, closed=True),), volumes=(volume_of(blocks),))
    whole = b"".join(write_volume(head, 1, blocks, DATA.__getitem__, SERVER))
    with pytest.raises(BadBundle, match="twice, or not in order"):
        taken(whole, head)


def test_a_day_that_no_calendar_has_is_refused() -> None:
    index = bytes(48) + b"\xff" * 4
    head = replace(HEAD, volumes=(Volume(1, hashlib.sha256(index).digest()),))
    with pytest.raises(BadBundle, match="damaged"):
        taken(member("index", index), head)


def test_wherever_a_volume_or_a_head_is_cut_or_changed_it_is_refused() -> None:
    whole, head = volume(), write_head(HEAD, SERVER)
    seed = int(os.environ.get("CASEDROP_SEED", "1"))
    places = [(seed * 7_919 + n * 104_729) % len(whole) for n in range(100)]
    for at in places:
        with pytest.raises(BadBundle):
            taken(whole[:at])
        changed = bytearray(whole)
        changed[at] ^= 0x10
        # Dates, owners and checksums of a tar header are nothing that is read.
        try:
            found = taken(bytes(changed))
        except BadBundle:
            continue
        assert found == taken(whole), at
    for at in range(0, len(head), 97):
        with pytest.raises(BadBundle):
            read(head[:at])


def test_what_follows_a_volume_or_is_too_long_is_refused() -> None:
    with pytest.raises(BadBundle, match=r"no proper end|more than"):
        taken(volume()[: -len(END)] + member("more", b"x") + END)
    index = index_of(VOLUMES[0])
    short = member("index", index) + member("blocks", bytes(BLOCK_BYTES)) + END
    with pytest.raises(BadBundle, match="does not have the length"):
        taken(short)


@pytest.mark.parametrize(
    ("size", "sentence"),
    [(64, "signature is not by this drop's server"), (65, "head.sig in the bundle is too large")],
)
def test_a_signature_of_another_length_is_not_read(size: int, sentence: str) -> None:
    with pytest.raises(BadBundle, match=sentence):
        read(member("head.json", HEAD.to_bytes()) + member("head.sig", bytes(size)) + END)


@pytest.mark.long
def test_a_year_of_days_fits_a_head() -> None:
    days = tuple(HeldDay(FIRST + timedelta(n), 256, closed=True) for n in range(90))
    keys = tuple(os.urandom(20_000) for _ in range(900))
    head = replace(HEAD, days=days, day_keys=keys, volumes=(Volume(256, bytes(32)),) * 90)

    assert read(write_head(head, SERVER)).day_keys == keys


VECTORS = Path(__file__).parents[1] / "vectors" / "bundle"


def stored(name: str) -> bytes:
    return lzma.decompress((VECTORS / name).read_bytes())


def test_a_stored_bundle_is_read_and_would_be_written_again_as_it_is() -> None:
    """Reader and writer always agree with each other; here they agree with an earlier server."""
    whole = stored("export_02_head.tar.xz")
    head = read(whole)

    assert (head.number, head.campaign, head.vault) == (7, CAMPAIGN, b"v" * 16)
    assert head.history == ((5, b"\5" * 32), (6, b"\6" * 32))
    assert head.days == (HeldDay(FIRST, 1, closed=True), HeldDay(SECOND, 1, closed=False))
    assert head.gone == (GoneDay(date(2026, 11, 1), 256, ACKNOWLEDGED),)
    assert head.day_keys == (b"first record", b"second record")
    assert head.replies == (AcceptedReplies(1, "A" * 40, 3),)
    assert head.successor == Successor(b"o" * 16, 2, "The disk broke.")
    assert write_head(head, SERVER) == whole

    found = taken(stored("export_02_volume.tar.xz"), head)
    # The second was deleted while it was read.
    assert [(block.id, block.day, data) for block, data in found.items()] == [
        (bytes([n]) * 16, day, bytes([byte]) * BLOCK_BYTES)
        for n, day, byte in ((1, FIRST, 1), (2, SECOND, 0xEE))
    ]


def test_the_server_signs_what_it_is_and_not_the_bytes_alone() -> None:
    members = Members(io.BytesIO(stored("export_02_head.tar.xz")))
    body, signature = (members.read(f"head.{name}", 4_096) for name in ("json", "sig"))

    SERVER.verify_key.verify(b"casedrop-export-head\0" + body, signature)
    bare = member("head.json", body) + member("head.sig", SERVER.sign(body).signature) + END
    with pytest.raises(BadBundle, match="not by this drop's server"):
        read(bare)
