from dataclasses import replace
from datetime import date

import pytest
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
