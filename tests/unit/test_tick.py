"""Ticks come at fixed times, and the queue before them is bounded."""

import threading
import time

import pytest

from dropbox.errors import CannotStore
from dropbox.vault.block_store import Busy
from dropbox.vault.tick import Queue, Ticking, Waiting, seconds_to_next, seconds_to_settle


def entries(*slots: int) -> list[Waiting[str]]:
    return [Waiting(f"work {number}", cost) for number, cost in enumerate(slots)]


@pytest.mark.parametrize(
    ("now", "expected"), [(100.0, 2.0), (100.5, 1.5), (101.75, 0.25), (102.0, 2.0), (107.5, 0.5)]
)
def test_ticks_are_at_full_multiples_however_long_one_took(now: float, expected: float) -> None:
    assert seconds_to_next(2.0, 100.0, now) == pytest.approx(expected)


def test_a_tick_takes_what_came_first_and_no_more_than_it_can_write() -> None:
    queue: Queue[str] = Queue(100)
    added = entries(4, 0, 5, 2, 0)
    for one in added:
        queue.add(one, 0)

    assert queue.take(10) == added[:3]
    assert queue.take(10) == added[3:]
    assert queue.take(10) == [] and queue.is_empty()


def test_work_that_is_too_large_for_a_tick_has_one_of_its_own() -> None:
    queue: Queue[str] = Queue(8)
    (large, small) = entries(20, 1)
    queue.add(large, 0)
    with pytest.raises(Busy):
        queue.add(small, 0)
    assert queue.take(4) == [large]
    queue.ended([large])
    queue.add(small, 0)

    assert queue.take(4) == [small]


def test_work_that_is_too_large_for_a_tick_finds_room_in_a_queue_that_is_half_full() -> None:
    """A report that claims a thousand megabytes: it would else wait until nothing arrives."""
    queue: Queue[str] = Queue(8)
    half, large, one = entries(4, 20, 1)
    queue.add(half, 0)
    queue.add(large, 0)
    with pytest.raises(Busy):
        queue.add(one, 0)
    fuller: Queue[str] = Queue(8)
    fuller.add(entries(5)[0], 0)
    with pytest.raises(Busy):
        fuller.add(large, 0)


def test_there_is_room_again_when_a_tick_is_over_and_not_when_it_begins() -> None:
    queue: Queue[str] = Queue(8)
    first, second = entries(8, 1)
    queue.add(first, 0)
    taken = queue.take(8)
    with pytest.raises(Busy):
        queue.add(second, 0.05)
    timer = threading.Timer(0.1, queue.ended, [taken])
    timer.start()
    queue.add(second, 10.0)
    timer.join()


def test_whoever_waits_is_told_of_the_end_or_of_the_refusal() -> None:
    done, refused = entries(1, 1)
    assert not done.is_over() and not refused.is_over()
    done.end()
    refused.end(CannotStore())

    assert done.is_over()
    with pytest.raises(CannotStore):
        refused.is_over()


def test_ticks_begin_with_start_and_end_with_stop() -> None:
    ticks: list[float] = []
    ticking = Ticking(lambda: ticks.append(time.monotonic()), 0.01)
    assert not ticking.is_running()
    ticking.start()
    while len(ticks) < 3:
        time.sleep(0.005)
    assert ticking.is_running()
    ticking.stop()
    count = len(ticks)
    time.sleep(0.05)

    assert len(ticks) == count and not ticking.is_running()
    Ticking(lambda: None, 1.0).stop()


@pytest.mark.parametrize(
    ("now", "expected"),
    [(100.01, 0.49), (100.25, 0.25), (100.5, 0.5), (101.4, 0.1), (101.5, None), (101.9, None)],
)
def test_however_long_a_tick_took_the_files_are_settled_at_a_full_quarter(
    now: float, expected: float | None
) -> None:
    assert seconds_to_settle(2.0, 100.0, now) == (expected and pytest.approx(expected))


@pytest.mark.alone  # a thread that wakes 150 ms late leaves a moment out
def test_after_each_tick_the_files_are_settled_and_no_tick_is_left_out() -> None:
    events: list[tuple[str, float]] = []
    period = 0.2
    ticking = Ticking(
        lambda: events.append(("tick", time.monotonic())),
        period,
        lambda: events.append(("settle", time.monotonic())),
    )
    ticking.start()
    while len(events) < 8:
        time.sleep(0.01)
    ticking.stop()

    assert [name for name, _ in events[:8]] == ["tick", "settle"] * 4
    ticks = [at for name, at in events[:8] if name == "tick"]
    assert ticks[-1] - ticks[0] == pytest.approx(3 * period, abs=period / 2)
