"""Where slots are, by their ids, in few bytes; ids of slots are names in a list."""

import os
import random
import sys

import pytest

from dropbox.sizes import ID_BYTES
from dropbox.vault import slot_index
from dropbox.vault.slot_heads import Head, SlotHeads, noise
from dropbox.vault.slot_index import SlotIndex
from dropbox.vault.slot_schema import DAY_BYTES


@pytest.mark.parametrize("marks", [1, 2, 2**32])
def test_it_finds_what_a_dict_finds_whatever_comes_and_goes(
    marks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With few marks almost all entries of a part look alike."""
    monkeypatch.setattr(slot_index, "_MARKS", marks)
    monkeypatch.setattr(slot_index, "_PARTS", 2)
    chance = random.Random(15)
    ids = [os.urandom(ID_BYTES) for _ in range(60)]
    index, known = SlotIndex(ids.__getitem__), dict[bytes, int]()
    for _ in range(600):
        place = chance.randrange(len(ids))
        if known.pop(ids[place], None) is not None:
            index.remove(ids[place], place)
            if chance.random() < 0.5:
                ids[place] = os.urandom(ID_BYTES)
        else:
            index.add(ids[place], place)
            known[ids[place]] = place

    assert [index.place(one) for one in ids] == [known.get(one) for one in ids]
    assert index.place(os.urandom(ID_BYTES)) is None


def test_what_is_not_known_is_removed_without_harm() -> None:
    ids = [os.urandom(ID_BYTES) for _ in range(3)]
    index = SlotIndex(ids.__getitem__)
    index.add(ids[0], 0)
    index.remove(ids[1], 1)
    index.remove(ids[0], 2)

    assert index.place(ids[0]) == 0 and index.place(ids[1]) is None


def test_a_mark_across_two_entries_is_none_of_theirs() -> None:
    part = bytearray(b"\1\2\3\4\0\0\5\6" + b"\7\x08\3\4\0\0\0\1")

    assert slot_index._found(part, b"\5\6\7\x08") == []
    assert slot_index._found(part, b"\7\x08\3\4") == [8]


def test_a_slot_that_moves_is_found_where_it_is() -> None:
    heads = [noise(20_000)[0] for _ in range(3)]
    slots = SlotHeads(bytes(head) for head in heads[:2])
    moved = Head(20_000, heads[0].id, heads[0].erase_hash, heads[0].sha256)
    # A tick takes over in the order of places, so an id is at both for a moment.
    slots.set(2, moved)
    slots.set(0, heads[2])

    assert [slots.place(head.id) for head in heads] == [2, 1, 0]
    assert slots.counts == {20_000: 3} and len(slots) == 3


def test_a_slot_takes_less_than_90_bytes_of_memory_with_its_head() -> None:
    count = 40_000
    slots = SlotHeads(bytes(DAY_BYTES) + os.urandom(64) for _ in range(count))
    parts = [part for part in slots._index._parts if part is not None]
    # 60 bytes of each part are Python's, which with more slots count for less.
    taken = sum(map(sys.getsizeof, parts)) - 60 * len(parts) + sys.getsizeof(slots._heads)

    assert 72 <= taken / count < 90
