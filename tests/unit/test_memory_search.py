"""How tests search the memory of a process."""

import os
import random

import pytest
from support.memory import SHORTEST_BYTES, Search, occurrences


def test_each_is_counted_wherever_it_is() -> None:
    choose = random.Random(5)
    needles = {str(size): choose.randbytes(size) for size in (SHORTEST_BYTES, 16, 31, 512)}
    for begin in range(20):
        for name, needle in needles.items():
            pieces = [choose.randbytes(begin), needle, bytes(begin), needle]
            assert Search(needles).counts(b"".join(pieces)) == {name: 2}
            assert Search(needles).counts(bytes(begin) + needle[:-1] + bytes(40)) == {}


def test_in_much_data_it_counts_as_python_does() -> None:
    choose = random.Random(6)
    needles = {str(number): choose.randbytes(40) for number in range(9)}
    # Each half of the data is longer than what is searched at once.
    data = bytearray(choose.randbytes(400_000) + bytes(400_000))
    for number in range(40):
        at = number * 20_000 + choose.randrange(10_000)
        data[at : at + 40] = needles[str(number % 7)]

    expected = {name: bytes(data).count(needle) for name, needle in needles.items()}
    assert Search(needles).counts(bytes(data)) == {key: n for key, n in expected.items() if n}
    assert len(expected) == 9 and sorted(expected.values())[:3] == [0, 0, 5]


def test_nothing_is_in_no_data_and_what_is_too_short_is_refused() -> None:
    assert Search({"a": bytes(range(15))}).counts(b"") == {}
    with pytest.raises(AssertionError):
        Search({"a": bytes(SHORTEST_BYTES - 1)})


def test_what_a_process_holds_is_found() -> None:
    assert occurrences(os.getpid(), {"held": os.urandom(64)})["held"] >= 1
