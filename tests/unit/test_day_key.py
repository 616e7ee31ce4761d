"""Day keys: sealed to each reviewer, in records of one length that hold nothing else."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import examples

from dropbox.day_key import SEALED_BYTES, DayKey, DayKeyRecord, record_bytes
from dropbox.errors import BadDayKey, CannotOpen
from dropbox.hpke import SecretKey
from dropbox.sizes import MAX_REVIEWERS

DAY = date(2026, 11, 25)
REVIEWERS = [SecretKey(bytes([number]) * 96) for number in range(MAX_REVIEWERS + 1)]
VECTORS = sorted((Path(__file__).parents[1] / "vectors" / "day_key").glob("*.json"))


def secrets_of(*held: SecretKey) -> Callable[[bytes], SecretKey | None]:
    """What a workstation with these secrets finds."""
    return {one.public.key_id: one for one in held}.get


def sealed(count: int = 3, day: date = DAY) -> tuple[DayKey, DayKeyRecord]:
    key = DayKey.make(day)
    return key, key.seal([one.public for one in REVIEWERS[:count]])


@pytest.mark.parametrize("count", [1, 3, MAX_REVIEWERS])
def test_each_reviewer_opens_it_alone_and_nobody_else_does(count: int) -> None:
    key, record = sealed(count)

    for one in REVIEWERS[:count]:
        assert DayKeyRecord.from_bytes(record.to_bytes()).open(secrets_of(one)) == key
    with pytest.raises(CannotOpen, match="none of the HPKE keys"):
        record.open(secrets_of(*REVIEWERS[count:]))


@given(st.integers(1, 4), st.dates(date(1970, 1, 1), date(9999, 12, 31)))
@examples(25)
def test_a_record_has_one_length_for_so_many_reviewers_and_is_read_to_the_byte(
    count: int, day: date
) -> None:
    key, record = sealed(count, day)
    data = record.to_bytes()

    assert len(data) == record_bytes(count) == 21 + count * (8 + 1_168)
    assert DayKeyRecord.from_bytes(data) == record
    assert DayKeyRecord.from_bytes(data).to_bytes() == data
    assert key.key not in data and DayKeyRecord.from_bytes(data).day == day


def test_the_order_of_the_reviewers_is_not_in_the_record() -> None:
    key = DayKey.make(DAY)
    publics = [one.public for one in REVIEWERS[:4]]

    one, two = key.seal(publics), key.seal(publics[::-1])

    assert [entry[0] for entry in one.entries] == [entry[0] for entry in two.entries]


def test_keys_and_ids_are_fresh_and_do_not_show_themselves() -> None:
    made = [DayKey.make(DAY) for _ in range(100)]

    assert len({one.key for one in made} | {one.id for one in made}) == 200
    assert all(len(one.key) == 32 and len(one.id) == 16 for one in made)
    assert made[0].key.hex() not in repr(made[0]) and repr(made[0].key) not in repr(made[0])


@pytest.mark.slow
@given(st.data())
@examples(60)
def test_no_altered_record_gives_a_key(data: st.DataObject) -> None:
    key, record = sealed(2)
    stored = bytearray(record.to_bytes())
    at, bit = data.draw(st.integers(0, len(stored) - 1)), data.draw(st.integers(0, 7))
    stored[at] ^= 1 << bit
    # The first reviewer's entry is at 21, the second's behind it.
    mine = next(one for one in REVIEWERS if one.public.key_id == record.entries[0][0])

    try:
        opened = DayKeyRecord.from_bytes(bytes(stored)).open(secrets_of(mine))
    except (BadDayKey, CannotOpen):
        return
    # Only the other's entry can change unseen; its owner finds it altered.
    assert opened == key and at >= 21 + 8 + SEALED_BYTES


def test_a_record_under_another_id_or_day_opens_nothing() -> None:
    _, record = sealed()

    for other in (replace(record, id=os.urandom(16)), replace(record, day=DAY + timedelta(days=1))):
        with pytest.raises(CannotOpen):
            other.open(secrets_of(*REVIEWERS))


def test_an_entry_of_another_record_opens_nothing() -> None:
    (_, one), (_, two) = sealed(), sealed()

    with pytest.raises(CannotOpen):
        replace(one, entries=two.entries).open(secrets_of(*REVIEWERS))


STORED = sealed(2)[1].to_bytes()
ENTRY = (len(STORED) - 21) // 2
FIRST, SECOND = STORED[21 : 21 + ENTRY], STORED[21 + ENTRY :]


@pytest.mark.parametrize(
    "untrusted",
    [
        b"",
        STORED[:20],
        STORED[:-1],
        STORED + b"\0",
        STORED[:20] + b"\0",
        STORED[:20] + b"\0" + FIRST + SECOND,
        STORED[:20] + b"\x03" + FIRST + SECOND,
        STORED[:20] + b"\x01" + FIRST + SECOND,
        STORED[:21] + SECOND + FIRST,
        STORED[:21] + FIRST + FIRST,
        STORED[:20] + bytes([17]) + bytes(17 * ENTRY),
        STORED[:16] + b"\xff" * 4 + STORED[20:],
    ],
    ids=[
        "empty", "no count", "short", "long", "no reviewer", "none counted", "one more counted",
        "one less counted", "out of order", "one twice", "too many", "no such day",
    ],
)  # fmt: skip
def test_what_is_not_a_record_is_refused(untrusted: bytes) -> None:
    with pytest.raises(BadDayKey):
        DayKeyRecord.from_bytes(untrusted)


def test_the_parts_of_what_is_refused_are_a_record_when_they_are_right() -> None:
    assert DayKeyRecord.from_bytes(STORED[:21] + FIRST + SECOND).to_bytes() == STORED
    one = STORED[:20] + b"\x01" + FIRST
    assert DayKeyRecord.from_bytes(one).to_bytes() == one


def test_nothing_is_sealed_to_nobody_to_too_many_or_to_one_reviewer_twice() -> None:
    key, publics = DayKey.make(DAY), [one.public for one in REVIEWERS]

    for reviewers in ([], publics, [publics[0], publics[0]]):
        with pytest.raises(BadDayKey):
            key.seal(reviewers)


def test_a_record_that_lacks_a_reviewer_or_has_another_is_refused() -> None:
    _, record = sealed(3)
    expected = [one.public for one in REVIEWERS]

    record.require(expected[:3])
    record.require(expected[2::-1])
    for others in (expected[:2], expected[:4], expected[1:4], []):
        with pytest.raises(BadDayKey, match="exactly the expected reviewers"):
            record.require(others)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda path: path.stem)
def test_vectors(vector: Path) -> None:
    expected = json.loads(vector.read_text("utf-8"))
    stored = bytes.fromhex(expected["record"])
    record = DayKeyRecord.from_bytes(stored)

    assert record.to_bytes() == stored
    for raw in expected["secrets"]:
        opened = record.open(secrets_of(SecretKey(bytes.fromhex(raw))))
        assert opened.id.hex() == expected["id"] and opened.day.isoformat() == expected["day"]
        assert opened.key.hex() == expected["key"]


def test_there_are_vectors() -> None:
    assert len(VECTORS) == 2
