"""Which day keys are tried for a block and in which order, and the threads that open blocks."""

import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, cast

import pytest
from support.cases import attachment, report

from dropbox.block import Kind, piece_id, piece_key, seal_block
from dropbox.day_key import DayKey
from dropbox.errors import CannotOpen
from scripts.desk.case import Cause
from scripts.desk.importing.batch import Batch
from scripts.desk.importing.content import Content, _Pieces
from scripts.desk.importing.opened_blocks import DayKeys, UnopenedKey
from scripts.desk.importing.workers import EarlyWorker, in_order

DAY = date(2026, 11, 23)
ONE = timedelta(days=1)


def opened(*days: date) -> tuple[DayKeys, list[DayKey]]:
    """Keys that were opened, one for each of *days* in their order."""
    made = [DayKey.make(day) for day in days]
    keys = DayKeys()
    for one in made:
        keys.ids.add(one.id)
        keys._by_day.setdefault(one.day, []).append(one)
    return keys, made


def shut(day: date) -> UnopenedKey:
    return UnopenedKey(b"", day, "why", Cause.NO_KEY)


def test_a_block_is_tried_with_the_keys_of_its_day_then_of_the_day_before_and_after() -> None:
    keys, made = opened(*(DAY + beside * ONE for beside in (-2, -1, 0, 0, 1, 2)))

    assert keys.of(DAY) == [made[2], made[3], made[1], made[4]]
    assert keys.of(DAY + 9 * ONE) == []


@pytest.mark.parametrize(("beside", "near"), [(-2, False), (-1, True), (0, True), (1, True),
                                              (2, False)])  # fmt: skip
def test_a_key_that_stays_shut_concerns_its_day_and_the_two_beside_it(
    beside: int, near: bool
) -> None:
    keys = DayKeys(unopened=[shut(DAY + beside * ONE)])

    assert keys.shut_near(DAY) == near
    assert not DayKeys().shut_near(DAY)


@pytest.mark.parametrize(("count", "crowded"), [(48, []), (49, [DAY])])
def test_more_keys_a_day_than_a_day_of_restarts_makes_are_said(
    count: int, crowded: list[date]
) -> None:
    keys, _ = opened(*[DAY] * (count - 3), DAY + ONE)
    keys.unopened = [shut(DAY)] * 3 + [shut(DAY + ONE)]

    assert keys.crowded() == crowded


def test_what_opened_a_block_is_tried_first_for_the_next() -> None:
    keys, (first, second, third, before) = opened(DAY, DAY, DAY, DAY - ONE)
    block = seal_block(Kind.REPORT, b"message", third.key)

    found = keys.open_block(DAY, block)
    assert found is not None and (found.kind, found.content) == (Kind.REPORT, b"message")
    assert keys.of(DAY) == [third, first, second, before]
    # It is that of the other day for a block which came just past midnight.
    assert keys.open_block(DAY - ONE, block) is not None
    keys.prefer(second.key, DAY + ONE)
    assert keys.of(DAY) == [second, third, first, before]
    keys.prefer(b"unknown", DAY)
    assert keys.of(DAY) == [second, third, first, before]
    assert keys.open_block(DAY + 2 * ONE, block) is None


def test_what_the_last_import_tried_is_not_tried_again() -> None:
    keys, (old, new) = opened(DAY, DAY)
    keys.tried = {old.id}
    blocks = [seal_block(Kind.REPORT, b"", one.key) for one in (old, new)]

    assert [keys.open_block(DAY, one, fresh=True) is not None for one in blocks] == [False, True]
    assert [keys.open_block(DAY, one) is not None for one in blocks] == [True, True]


def test_a_tombstone_is_sealed_under_a_key_of_a_later_day_than_its_block() -> None:
    keys, made = opened(DAY - ONE, DAY, DAY + ONE, DAY + 5 * ONE, DAY + 5 * ONE)
    stones = [seal_block(Kind.TOMBSTONE, b"stone", one.key) for one in made]

    found = [keys.open_tombstone(DAY, one) for one in stones]
    assert [one is not None for one in found] == [False, False, True, True, True]
    # Each key is remembered once, in the order in which they opened something.
    assert keys.open_tombstone(DAY, stones[3]) is not None
    assert keys._under_stones == [one.key for one in made[2:]]
    assert keys.open_tombstone(DAY, seal_block(Kind.REPORT, b"", made[3].key)) is None
    # One that opened another tombstone has to be of a later day here, too.
    assert keys.open_tombstone(DAY + ONE, stones[2]) is None


def test_the_key_that_opened_a_piece_is_tried_first_for_the_next() -> None:
    keys, (first, second) = opened(DAY, DAY)
    pieces = _Pieces(lambda _: DAY, keys)
    block_key = b"b" * 32
    sealed = [
        seal_block(kind, b"piece", piece_key(second.key, block_key, 3))
        for kind in (Kind.PIECE, Kind.REPORT)
    ]

    with pytest.raises(CannotOpen, match="This block is no piece of a file"):
        pieces.open(sealed[1], block_key, 3)
    assert keys.of(DAY) == [first, second]
    assert pieces.open(sealed[0], block_key, 3) == b"piece"
    assert keys.of(DAY) == [second, first]
    with pytest.raises(CannotOpen):
        pieces.open(sealed[0], block_key, 4)
    with pytest.raises(CannotOpen):
        _Pieces(lambda _: None, keys).open(sealed[0], block_key, 3)


class Numbered:
    """Stands in for a listing in which pieces with some numbers are missing."""

    def __init__(self, block_key: bytes, total: int, missing: range) -> None:
        self.ids = {
            piece_id(block_key, number): number for number in range(total) if number not in missing
        }
        self.total = total

    def __len__(self) -> int:
        return self.total

    def find(self, one: bytes) -> int | None:
        return self.ids.get(one)


@pytest.mark.parametrize(
    ("missing", "found"),
    [
        (range(0), 200),
        (range(10, 74), 136),
        # So many that nobody looks any further.
        (range(10, 75), 10),
        (range(65), 0),
    ],
)
def test_pieces_are_looked_for_until_sixty_five_in_a_row_are_missing(
    missing: range, found: int
) -> None:
    one = attachment("a", b"a")
    content = cast(Any, Content.__new__(Content))
    content.listing = Numbered(one.block_key, 300, missing)
    claimed, of = replace(one, blocks=200), report("", 1, reply_symmetric=b"s" * 32)

    assert len(list(Content.pieces(content, of, claimed))) == found
    # A file may claim more blocks than there are slots.
    content.listing.total = 5
    assert len(list(Content.pieces(content, of, claimed))) == min(found, 5)


# --- Threads ---


def test_threads_end_with_what_they_were_for_and_are_asked_as_often_as_before() -> None:
    before, threads = sys.getswitchinterval(), threading.active_count()
    inside = list[float]()

    def work(job: int) -> int:
        inside.append(sys.getswitchinterval())
        return job

    results = in_order(range(3), work)
    assert next(results) == (0, 0)
    assert sys.getswitchinterval() == pytest.approx(0.0005)
    results.close()
    assert (sys.getswitchinterval(), threading.active_count()) == (before, threads)
    assert inside[0] == pytest.approx(0.0005)
    assert list(in_order((), work)) == []
    assert threading.active_count() == threads


def test_results_are_taken_before_too_many_wait() -> None:
    taken = list[int]()
    begun = list[int]()

    def jobs() -> Any:
        for job in range(300):
            begun.append(job)
            yield job

    for job, _ in in_order(jobs(), lambda job: job):
        taken.append(job)
        # The first one runs alone; then at most 128 wait.
        assert len(begun) - len(taken) in ({0} if job == 0 else range(128))
    assert taken == list(range(300))


def test_work_that_is_begun_early_is_done_once_and_only_so_much_of_it() -> None:
    done = list[int]()
    go = threading.Event()

    def work(job: int) -> int:
        go.wait(10)
        done.append(job)
        return -job

    with EarlyWorker(work) as worker:
        for job in range(64):
            assert worker.free
            worker.begin(bytes([job]), job)
        assert not worker.free
        worker.stop()
        go.set()
        # What was not begun, or was cancelled, is done when it is asked for, by whoever asks.
        assert [worker.result(bytes([job]), job) for job in (0, 63)] == [0, -63]
        assert worker.free
        assert worker.result(b"never begun", 7) == -7
    assert sorted(done)[:1] == [0] and done.count(0) == done.count(63) == done.count(7) == 1


def test_what_is_begun_early_ends_with_its_block() -> None:
    threads = threading.active_count()
    with EarlyWorker[int, int](lambda job: job) as worker:
        worker.begin(b"a", 1)
        assert worker.result(b"a", 1) == 1
        assert threading.active_count() == threads + 1
    assert threading.active_count() == threads


# --- Batches ---


class Together:
    """Stands in for a casebook: counts transactions."""

    def __init__(self) -> None:
        self.count = 0

    def together(self) -> "Together":
        self.count += 1
        return self

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


def test_items_are_kept_in_batches_of_exactly_their_size() -> None:
    kept = list[list[int]]()
    casebook = Together()
    keep: Callable[[Any], None] = lambda items: kept.append(list(items))  # noqa: E731
    batch = Batch[int](cast(Any, casebook), 3, keep)
    for one in range(7):
        batch.add(one)
    assert kept == [[0, 1, 2], [3, 4, 5]]
    batch.finish()
    batch.finish()

    assert kept == [[0, 1, 2], [3, 4, 5], [6]] and casebook.count == 3
