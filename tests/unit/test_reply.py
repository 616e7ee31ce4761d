import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt as aead_seal
from nacl.public import PrivateKey, PublicKey, SealedBox

from dropbox.errors import BadReply
from dropbox.padding import pad
from dropbox.reply import (
    DESKS,
    REPLIES_PER_DESK,
    Reply,
    open_reply,
    reply_tag,
    reply_tags,
    seal_reply,
)
from dropbox.sizes import REPLY_BYTES

REPLY = Reply("answer", "zh-Hans", date(2026, 11, 24), "谢谢您的报告。\n请问具体月份？")
KEY = PrivateKey(b"k" * 32)
SYMMETRIC = b"s" * 32
VECTORS = sorted((Path(__file__).parents[1] / "vectors" / "reply").glob("*.json"))


def test_a_reply_is_opened_by_its_case_only() -> None:
    sealed = seal_reply(REPLY, bytes(KEY.public_key))

    assert len(sealed) == REPLY_BYTES
    assert open_reply(sealed, bytes(KEY)) == REPLY
    with pytest.raises(BadReply):
        open_reply(sealed, b"j" * 32)


def test_short_and_long_replies_have_one_length() -> None:
    lengths = {
        len(seal_reply(replace(REPLY, text="好" * n), bytes(KEY.public_key))) for n in (0, 1, 1_300)
    }

    assert lengths == {REPLY_BYTES}


def test_an_answer_that_is_too_long_is_refused_with_by_how_much() -> None:
    with pytest.raises(BadReply, match=r"too long by \d+ bytes"):
        seal_reply(replace(REPLY, text="好" * 1_400), bytes(KEY.public_key))


def test_the_longest_answer_fits_and_by_how_much_a_longer_one_does_not_is_exact() -> None:
    least = len(b'{"day":"2026-11-24","kind":"answer","language":"zh-Hans","text":"","version":1}')
    # A sealed box takes 48 bytes, the padding at least one.
    room = REPLY_BYTES - 48 - 1 - least

    longest = replace(REPLY, text="x" * room)
    assert open_reply(seal_reply(longest, bytes(KEY.public_key)), bytes(KEY)) == longest
    for more in (1, 2, 1_000):
        with pytest.raises(BadReply, match=f"too long by {more} bytes"):
            seal_reply(replace(REPLY, text="x" * (room + more)), bytes(KEY.public_key))


def test_half_a_character_is_refused() -> None:
    with pytest.raises(BadReply, match="half a character"):
        seal_reply(replace(REPLY, text="\ud83d"), bytes(KEY.public_key))


@pytest.mark.parametrize("at", [0, 40, 2_000, REPLY_BYTES - 1])
def test_an_altered_reply_is_refused(at: int) -> None:
    sealed = bytearray(seal_reply(REPLY, bytes(KEY.public_key)))
    sealed[at] ^= 1

    with pytest.raises(BadReply):
        open_reply(bytes(sealed), bytes(KEY))


def sealed(plain: bytes) -> bytes:
    return bytes(SealedBox(PublicKey(bytes(KEY.public_key))).encrypt(pad(plain, REPLY_BYTES - 48)))


def test_a_reply_is_opened_from_how_it_is_written() -> None:
    plain = '{"day":"2026-11-24","kind":"answer","language":"en","text":"好","version":1}'

    assert open_reply(sealed(plain.encode()), bytes(KEY)) == Reply(
        "answer", "en", date(2026, 11, 24), "好"
    )


@pytest.mark.parametrize(
    "plain",
    [
        b"",
        b"[]",
        b"[" * 4_000,
        b'{"day":"2026-11-24","kind":"answer","language":"en","text":"\\ud800","version":1}',
        b'{"day":"2026-11-24","kind":"answer","language":"\\ud800","text":"","version":1}',
        b'{"day":"2026-11-24","kind":"answer","language":"en","text":7,"version":1}',
        b'{"day":"2026-11-24","kind":"answer","language":null,"text":"","version":1}',
        b'{"day":"20261124","kind":"answer","language":"en","text":"","version":1}',
        b'{"day":"2026-11-24","kind":"answer","language":"en","text":"","version":2}',
        b'{"day":"2026-11-24","kind":"answer","language":"en","text":"","version":true}',
        b'{"day":"2026-11-24","kind":["answer"],"language":"en","text":"","version":1}',
    ],
)
def test_what_no_page_could_show_is_refused_although_it_was_sealed_to_the_case(
    plain: bytes,
) -> None:
    with pytest.raises(BadReply):
        open_reply(sealed(plain), bytes(KEY))


def test_a_reply_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(BadReply):
        open_reply(seal_reply(replace(REPLY, kind="order"), bytes(KEY.public_key)), bytes(KEY))


def test_all_tags_of_all_cases_differ() -> None:
    tags = [*reply_tags(b"a" * 32), *reply_tags(b"b" * 32)]

    assert len(set(tags)) == len(tags) == 2 * DESKS * REPLIES_PER_DESK


def test_a_tag_does_not_change_between_versions() -> None:
    """The claimant's codename must find old replies after every update."""
    assert reply_tag(b"k" * 32, desk=1, number=2).hex() == "90bb719f0aa5b0d489499cefbb117055"


@pytest.mark.parametrize(("desk", "number"), [(DESKS, 0), (-1, 0), (0, REPLIES_PER_DESK), (0, -1)])
def test_a_tag_outside_of_what_login_probes_is_refused(desk: int, number: int) -> None:
    with pytest.raises(BadReply):
        reply_tag(b"k" * 32, desk=desk, number=number)


def second(reply: Reply = REPLY) -> bytes:
    """A reply of version 2."""
    return seal_reply(reply, bytes(KEY.public_key), reply_symmetric=SYMMETRIC)


def test_a_reply_of_version_2_needs_both_keys() -> None:
    sealed = second()

    assert len(sealed) == REPLY_BYTES
    assert open_reply(sealed, bytes(KEY), reply_symmetric=SYMMETRIC) == REPLY
    for private, symmetric in (
        (bytes(KEY), None),
        (bytes(KEY), b"t" * 32),
        (b"j" * 32, SYMMETRIC),
        (SYMMETRIC, bytes(KEY)),
    ):
        with pytest.raises(BadReply):
            open_reply(sealed, private, reply_symmetric=symmetric)


def test_a_claimant_with_both_keys_opens_a_reply_of_version_1_too() -> None:
    sealed = seal_reply(REPLY, bytes(KEY.public_key))

    assert open_reply(sealed, bytes(KEY), reply_symmetric=SYMMETRIC) == REPLY


@pytest.mark.parametrize("at", [0, 23, 24, 80, 2_000, REPLY_BYTES - 1])
def test_an_altered_reply_of_version_2_is_refused(at: int) -> None:
    sealed = bytearray(second())
    sealed[at] ^= 1

    with pytest.raises(BadReply):
        open_reply(bytes(sealed), bytes(KEY), reply_symmetric=SYMMETRIC)


@pytest.mark.parametrize("untrusted", [b"", bytes(20), bytes(24), bytes(39), bytes(REPLY_BYTES)])
def test_what_is_no_reply_is_refused_with_both_keys(untrusted: bytes) -> None:
    with pytest.raises(BadReply):
        open_reply(untrusted, bytes(KEY), reply_symmetric=SYMMETRIC)


def test_short_and_long_replies_of_version_2_have_one_length() -> None:
    assert {len(second(replace(REPLY, text="好" * n))) for n in (0, 1, 1_300)} == {REPLY_BYTES}


def test_the_longest_answer_of_version_2_fits_and_no_longer_one() -> None:
    least = len(b'{"day":"2026-11-24","kind":"answer","language":"zh-Hans","text":"","version":2}')
    # A sealed box takes 48 bytes, its encryption 40, the padding at least one.
    room = REPLY_BYTES - 48 - 40 - 1 - least

    longest = replace(REPLY, text="x" * room)
    assert open_reply(second(longest), bytes(KEY), reply_symmetric=SYMMETRIC) == longest
    for more in (1, 2, 1_000):
        with pytest.raises(BadReply, match=f"too long by {more} bytes"):
            second(replace(REPLY, text="x" * (room + more)))


def test_a_reply_of_version_2_looks_random_where_one_of_version_1_shows_its_x25519_key() -> None:
    """The highest bit of an X25519 key is always 0: that alone tells version 1 from chance."""
    one = {seal_reply(REPLY, bytes(KEY.public_key))[31] >> 7 for _ in range(64)}
    two = [second() for _ in range(64)]

    assert one == {0}
    for at in (31, 24 + 31):
        assert {sealed[at] >> 7 for sealed in two} == {0, 1}


def test_a_version_in_the_wrong_wrapping_is_refused() -> None:
    """What a version-1 box holds is never taken for version 2, nor the other way round."""
    nonce, context = b"n" * 24, b"casedrop reply 2"
    plain = '{"day":"2026-11-24","kind":"answer","language":"en","text":"好","version":%d}'

    def wrapped(version: int) -> bytes:
        padded = pad((plain % version).encode(), REPLY_BYTES - 48 - 40)
        box = SealedBox(PublicKey(bytes(KEY.public_key))).encrypt(padded)
        return nonce + aead_seal(bytes(box), context, nonce, SYMMETRIC)

    assert open_reply(wrapped(2), bytes(KEY), reply_symmetric=SYMMETRIC).text == "好"
    with pytest.raises(BadReply):
        open_reply(wrapped(1), bytes(KEY), reply_symmetric=SYMMETRIC)
    with pytest.raises(BadReply):
        open_reply(sealed((plain % 2).encode()), bytes(KEY), reply_symmetric=SYMMETRIC)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda path: path.stem)
def test_vectors(vector: Path) -> None:
    expected = json.loads(vector.read_text("utf-8"))
    keys = {name: bytes.fromhex(expected[name]) for name in ("reply_private", "reply_symmetric")}

    opened = open_reply(bytes.fromhex(expected["sealed"]), **keys)

    assert opened == Reply(
        expected["kind"],
        expected["language"],
        date.fromisoformat(expected["day"]),
        expected["text"],
    )


def test_there_are_vectors_of_both_versions() -> None:
    assert [path.stem for path in VECTORS] == ["01_version_1", "02_version_2"]
