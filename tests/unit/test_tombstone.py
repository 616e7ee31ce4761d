import os

import pytest

from dropbox.block import CONTENT_BYTES, Kind, open_block
from dropbox.errors import CannotOpen
from dropbox.sizes import BLOCK_BYTES
from dropbox.tombstone import Reason, Tombstone

KEY = os.urandom(32)


@pytest.mark.parametrize("reason", Reason)
def test_a_tombstone_comes_back_from_a_block_like_any_other(reason: Reason) -> None:
    stone = Tombstone(reason, b"i" * 16, b"s" * 32)
    block = stone.seal(KEY)

    opened = open_block(block, [KEY])
    assert len(block) == BLOCK_BYTES and opened.kind is Kind.TOMBSTONE
    assert Tombstone.from_content(opened.content) == stone


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\1",
        b"\0" + bytes(48),
        b"\3" + bytes(48),
        b"\1" + bytes(47),
        b"\1" + bytes(49),
        os.urandom(CONTENT_BYTES),
    ],
    ids=["nothing", "reason alone", "no reason", "later reason", "short", "long", "other"],
)
def test_anything_else_is_damaged(content: bytes) -> None:
    with pytest.raises(CannotOpen, match="tombstone is damaged"):
        Tombstone.from_content(content)
    for one, two in ((15, 32), (17, 32), (16, 31)):
        with pytest.raises(CannotOpen):
            Tombstone(Reason.WITHDRAWN, bytes(one), bytes(two))


def test_its_content_is_written_as_it_always_was() -> None:
    content = b"\2" + b"i" * 16 + b"s" * 32
    stone = Tombstone(Reason.ABANDONED, b"i" * 16, b"s" * 32)
    assert Tombstone.from_content(content) == stone
    assert open_block(stone.seal(KEY), [KEY]).content == content
