"""Blocks of format 2: one size, random to others, and opened by their own key alone."""

import hashlib
import json
import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt as aead_seal
from support.examples import examples

from dropbox import block
from dropbox.block import (
    CONTENT_BYTES,
    PAYLOAD_BYTES,
    Kind,
    Opened,
    open_block,
    piece_id,
    piece_key,
    seal_block,
)
from dropbox.errors import CannotOpen, CannotSeal
from dropbox.sizes import BLOCK_BYTES

KEY, OTHER = b"k" * 32, b"o" * 32
CONTEXT = b"casedrop block 2"
VECTORS = sorted((Path(__file__).parents[1] / "vectors" / "block").glob("*.json"))


@pytest.mark.slow
@given(st.sampled_from(Kind), st.binary(max_size=300), st.sampled_from([0, 1, 65_194]))
@examples(40)
def test_content_comes_back_whatever_its_length_in_a_block_of_one_size(
    kind: Kind, start: bytes, more: int
) -> None:
    content = start + bytes(more)
    sealed = seal_block(kind, content, KEY)

    assert len(sealed) == BLOCK_BYTES
    assert open_block(sealed, [OTHER, KEY]) == Opened(kind, content, 1)


def test_the_sizes_are_those_of_the_format() -> None:
    assert (BLOCK_BYTES, PAYLOAD_BYTES, CONTENT_BYTES) == (65_536, 65_496, 65_494)


@pytest.mark.parametrize("length", [0, 1, CONTENT_BYTES - 1, CONTENT_BYTES])
def test_contents_at_the_limits_fit(length: int) -> None:
    content = b"\x80" * length

    assert open_block(seal_block(Kind.PIECE, content, KEY), [KEY]).content == content


def test_content_that_is_too_long_is_refused_and_not_cut() -> None:
    with pytest.raises(CannotSeal, match=f"room for {CONTENT_BYTES}"):
        seal_block(Kind.REPORT, bytes(CONTENT_BYTES + 1), KEY)


def test_the_same_content_sealed_twice_shares_no_bytes() -> None:
    one, two = (seal_block(Kind.NOTHING, b"", KEY) for _ in range(2))

    # Of 65,536 random bytes, 256 are equal by chance.
    assert sum(a == b for a, b in zip(one, two, strict=True)) < 400


@pytest.mark.parametrize("at", [0, 23, 24, 30_000, BLOCK_BYTES - 17, BLOCK_BYTES - 1])
def test_one_altered_bit_anywhere_opens_nothing(at: int) -> None:
    sealed = bytearray(seal_block(Kind.REPORT, b"message", KEY))
    sealed[at] ^= 1

    with pytest.raises(CannotOpen):
        open_block(bytes(sealed), [KEY])


@pytest.mark.parametrize("untrusted", [b"", bytes(BLOCK_BYTES - 1), bytes(BLOCK_BYTES + 1)])
def test_a_block_of_another_length_is_refused_before_any_key_is_tried(untrusted: bytes) -> None:
    with pytest.raises(CannotOpen, match="has 65536 bytes"):
        open_block(untrusted, iter([KEY]))


def test_random_bytes_open_with_none_of_many_keys_and_each_is_tried_once() -> None:
    keys = iter([os.urandom(32) for _ in range(50)])

    with pytest.raises(CannotOpen, match="None of the day keys"):
        open_block(os.urandom(BLOCK_BYTES), keys)

    assert list(keys) == []


def test_no_key_is_tried_behind_the_one_that_fits() -> None:
    keys = iter([OTHER, KEY, OTHER, OTHER])

    assert open_block(seal_block(Kind.REPORT, b"m", KEY), keys).key == 1
    assert len(list(keys)) == 2


def by_the_book(payload: bytes, context: bytes = CONTEXT, nonce: bytes = b"n" * 24) -> bytes:
    return nonce + aead_seal(payload, context, nonce, KEY)


@pytest.mark.parametrize(
    "payload",
    [
        b"\x04" + b"\x80".ljust(PAYLOAD_BYTES - 1, b"\0"),
        b"\xff" + b"\x80".ljust(PAYLOAD_BYTES - 1, b"\0"),
        bytes(PAYLOAD_BYTES),
        b"\x01" + b"m\x80".ljust(PAYLOAD_BYTES - 2, b"\0") + b"\x01",
    ],
    ids=["a fourth kind", "an unknown kind", "no padding", "bytes behind the padding"],
)
def test_a_payload_that_nobody_here_writes_is_refused_although_its_key_is_right(
    payload: bytes,
) -> None:
    with pytest.raises(CannotOpen, match="damaged"):
        open_block(by_the_book(payload), [KEY])


def test_a_block_for_another_purpose_is_not_one() -> None:
    payload = b"\x01" + b"m\x80".ljust(PAYLOAD_BYTES - 1, b"\0")

    assert open_block(by_the_book(payload), [KEY]) == Opened(Kind.REPORT, b"m", 0)
    with pytest.raises(CannotOpen):
        open_block(by_the_book(payload, b"casedrop block 3"), [KEY])


@pytest.mark.slow
def test_blocks_of_all_kinds_look_random() -> None:
    """Each byte value about as often as the others: a chi-square over 64 blocks of each kind.

    The control is a payload that was not sealed.
    """

    def chi_square(data: bytes) -> float:
        expected, seen = len(data) / 256, Counter(data)
        return sum((seen[value] - expected) ** 2 / expected for value in range(256))

    contents = {Kind.NOTHING: b"", Kind.REPORT: b"\x85" * 60_000, Kind.PIECE: bytes(CONTENT_BYTES)}
    for kind, content in contents.items():
        seen = b"".join(seal_block(kind, content, KEY) for _ in range(64))
        # 255 degrees of freedom: the mean is 255, and less than one in 10 million is beyond 390.
        assert 150 < chi_square(seen) < 390, kind
    assert chi_square(bytes(CONTENT_BYTES)) > 1_000_000


def test_a_piece_opens_only_in_its_place_of_its_file_on_its_day() -> None:
    day, file, number = b"d" * 32, b"f" * 32, 7
    sealed = seal_block(Kind.PIECE, b"cut", piece_key(day, file, number))

    assert open_block(sealed, [piece_key(day, file, number)]).content == b"cut"
    for key in (
        day,
        file,
        piece_key(day, file, 8),
        piece_key(day, b"g" * 32, number),
        piece_key(b"e" * 32, file, number),
        piece_key(file, day, number),
    ):
        with pytest.raises(CannotOpen):
            open_block(sealed, [key])


def test_the_ids_and_keys_of_pieces_all_differ_and_have_not_changed() -> None:
    ids = {piece_id(key, number) for key in (KEY, OTHER) for number in range(500)}
    keys = {piece_key(KEY, OTHER, number) for number in range(500)}

    assert len(ids) == 1_000 and len(keys) == 500
    assert piece_id(KEY, 1).hex() == "d55f6a70685e2dae13d92f28e98cd6e4"
    expected = "8b51bf5ee30478d9b4776dd4450f7347b7d830771fc8d821ffe93c87e7ea3247"
    assert piece_key(KEY, OTHER, 1).hex() == expected


@pytest.mark.parametrize("vector", VECTORS, ids=lambda path: path.stem)
def test_vectors(vector: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A block on disk would be 64 KiB of random bytes; its hash and all that it is made of do."""
    expected = json.loads(vector.read_text("utf-8"))
    key, nonce = bytes.fromhex(expected["key"]), bytes.fromhex(expected["nonce"])
    content = bytes.fromhex(expected["content"]) * expected["times"]
    kind = Kind(expected["kind"])
    padded = (content + b"\x80").ljust(PAYLOAD_BYTES - 1, b"\0")
    stored = nonce + aead_seal(bytes([kind]) + padded, CONTEXT, nonce, key)
    assert hashlib.sha256(stored).hexdigest() == expected["sha256"]

    assert open_block(stored, [key]) == Opened(kind, content, 0)
    monkeypatch.setattr(block, "random", lambda _: nonce)
    assert seal_block(kind, content, key) == stored


def test_there_is_a_vector_of_each_kind() -> None:
    assert {json.loads(path.read_text("utf-8"))["kind"] for path in VECTORS} == set(Kind)
