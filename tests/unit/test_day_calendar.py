"""When days leave the store, how, and what a clock that jumps can do to them."""

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from support.day_stores import (
    SECRET,
    SMALL,
    START,
    TickClock,
    bundle_of,
    claim,
    export_and_acknowledge,
    file_report,
    held,
    open_days,
    piece,
    report,
    rows_of,
)

from dropbox.errors import PendingGone
from dropbox.reply_bundle import Acknowledged
from dropbox.vault.block_store import ClockJumped, Day, DayState, Export
from dropbox.vault.day_calendar import DayRow, Days, ExportRow, Retention
from dropbox.vault.day_store import DayStore
from dropbox.vault.slot_heads import day_number
from dropbox.vault.vault_clock import VaultClock

FIRST = START.date()


@pytest.fixture
def clock() -> TickClock:
    return TickClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.sqlite"


@pytest.fixture
def store(path: Path, clock: TickClock) -> Iterator[DayStore]:
    opened = open_days(path, clock)
    yield opened
    opened.close()


def pass_days(store: DayStore, clock: TickClock, days: int) -> None:
    """Tick once a day."""
    for _ in range(abs(days)):
        clock.next_day(1 if days > 0 else -1)
        store.tick()


def states(store: DayStore) -> dict[date, DayState]:
    return {day.day: day.state for day in store.days()}


def acknowledge_first(store: DayStore, clock: TickClock) -> None:
    pass_days(store, clock, 1)
    export_and_acknowledge(store, 1)
    assert states(store)[FIRST] is DayState.KEPT


# --- Acknowledgement, grace, limit ---


def test_an_acknowledged_day_stays_through_its_grace_and_leaves_as_a_whole(
    store: DayStore, clock: TickClock
) -> None:
    filed, _ = file_report(store, 3)
    acknowledge_first(store, clock)
    pass_days(store, clock, 7)
    assert states(store)[FIRST] is DayState.KEPT and store.read(filed.id) == filed.data
    clock.next_day()
    for _ in range(2 * SMALL.quantum):
        store.tick()

    assert states(store)[FIRST] is DayState.GONE and store.read(filed.id) is None


def test_an_acknowledged_day_is_not_exported_again(store: DayStore, clock: TickClock) -> None:
    filed, _ = file_report(store)
    acknowledge_first(store, clock)

    assert store.snapshot() and filed.id not in {slot.id for slot in store.snapshot()}


def test_an_export_holds_the_days_that_were_over_when_it_was_made(
    store: DayStore, clock: TickClock
) -> None:
    second, head = FIRST + timedelta(1), os.urandom(32)
    pass_days(store, clock, 1)
    store.note_export(Export(1, head))
    pass_days(store, clock, 3)
    store.accept(bundle_of(1, acknowledged=[Acknowledged(store.vault_id(), 1, head)]))
    found = states(store)

    assert (found[FIRST], found[second]) == (DayState.KEPT, DayState.CLOSED)
    assert {slot.day for slot in store.snapshot()} == set(found) - {FIRST}


def test_an_export_does_not_hold_what_came_after_the_clock_was_set_back(
    store: DayStore, clock: TickClock
) -> None:
    head = os.urandom(32)
    pass_days(store, clock, 1)
    store.note_export(Export(1, head))
    pass_days(store, clock, -1)
    filed, _ = file_report(store)
    pass_days(store, clock, 2)
    store.accept(bundle_of(1, acknowledged=[Acknowledged(store.vault_id(), 1, head)]))

    assert filed.id in {slot.id for slot in store.snapshot()}


def test_what_is_withdrawn_in_the_grace_period_is_gone_at_once(
    store: DayStore, clock: TickClock
) -> None:
    filed, (one,) = file_report(store, 1)
    acknowledge_first(store, clock)
    store.withdraw(SECRET)

    assert all(store.read(block.id) != block.data for block in (filed, one))


def test_a_day_that_nobody_acknowledges_leaves_at_the_limit_and_is_remembered_as_long(
    path: Path, clock: TickClock
) -> None:
    retention = Retention(grace_days=2, limit_days=5)
    store = open_days(path, clock, limits=replace(SMALL, retention=retention, removal_slots=64))
    filed, _ = file_report(store)
    pass_days(store, clock, 5)
    assert states(store)[FIRST] is DayState.CLOSED and store.read(filed.id) == filed.data
    pass_days(store, clock, 1)
    assert store.read(filed.id) is None
    assert store.days()[0] == Day(FIRST, SMALL.quantum, DayState.GONE, False)
    export_and_acknowledge(store, 1)
    assert store.days()[0] == Day(FIRST, SMALL.quantum, DayState.GONE, False)
    pass_days(store, clock, 5)
    assert FIRST in states(store)
    pass_days(store, clock, 1)

    assert FIRST not in states(store)
    store.close()


@pytest.mark.long
def test_nothing_of_a_day_is_left_in_the_file_and_its_slots_are_used_again(
    store: DayStore, path: Path, clock: TickClock
) -> None:
    filed, pieces = file_report(store, 5)
    store.tick()
    acknowledge_first(store, clock)
    pass_days(store, clock, 8)
    for _ in range(SMALL.quantum):
        store.tick()
    size = path.stat().st_size
    pass_days(store, clock, 1)
    store.close()

    raw = path.read_bytes() + path.with_name(path.name + "-journal").read_bytes()
    for one in (filed, *pieces):
        assert one.id not in raw
        assert [at for at in range(0, 60_000, 999) if one.data[at : at + 24] in raw] == []
    assert path.stat().st_size == size
    assert len(held(path)) == 10 * SMALL.quantum


@pytest.mark.slow
def test_keys_are_kept_as_long_as_a_block_under_them(
    store: DayStore, path: Path, clock: TickClock
) -> None:
    """A block may come after the midnight that ended its key, and a tombstone is younger."""
    store.keep_key(FIRST, b"first")
    pass_days(store, clock, 1)
    store.keep_key(FIRST + timedelta(1), b"second")
    export_and_acknowledge(store, 1)
    pass_days(store, clock, 9)
    for _ in range(SMALL.quantum):
        store.tick()
    assert states(store)[FIRST] is DayState.GONE
    assert [record for _, record in store.day_keys()] == [b"first", b"second"]
    export_and_acknowledge(store, 2)
    pass_days(store, clock, 9)
    for _ in range(12 * SMALL.quantum // SMALL.removal_slots):
        store.tick()

    assert store.day_keys() == []
    # Nor are they on the disk.
    store.close()
    assert rows_of(path, "SELECT record FROM day_key") == []
    assert b"first" not in path.read_bytes()


def test_a_day_is_removed_in_bounded_steps_and_a_restart_goes_on_with_it(
    store: DayStore, path: Path, clock: TickClock
) -> None:
    for _ in range(10):
        file_report(store, 3)
    acknowledge_first(store, clock)
    pass_days(store, clock, 7)
    clock.next_day()
    slots = [store._writer.heads.counts[day_number(FIRST)]]
    for _ in range(3):
        store.tick()
        slots.append(store._writer.heads.counts[day_number(FIRST)])
    assert store.days()[0] == Day(FIRST, slots[0], DayState.LEAVING, True)
    assert [before - after for before, after in itertools.pairwise(slots)] == [
        SMALL.removal_slots
    ] * 3
    store.close()
    again = open_days(path, clock)
    while states(again)[FIRST] is DayState.LEAVING:
        before = again._writer.heads.counts[day_number(FIRST)]
        again.tick()
        assert before - again._writer.heads.counts[day_number(FIRST)] <= SMALL.removal_slots

    assert again.days()[0] == Day(FIRST, slots[0], DayState.GONE, True)
    again.close()


# --- The clock ---


JUMPS = [timedelta(days=1, seconds=1), timedelta(days=400), -timedelta(days=1, seconds=1)]


@pytest.mark.parametrize("jump", JUMPS)
def test_a_clock_that_jumps_stops_all_that_arrives_until_it_is_confirmed(
    store: DayStore, clock: TickClock, jump: timedelta
) -> None:
    filed, (one,) = file_report(store, 1)
    mine, _ = file_report(store, 0, b"m" * 32)
    store.accept(bundle_of(1, [b"t" * 16]))
    days = store.days()
    clock.now += jump
    store.tick()
    arrivals: list[Callable[[], object]] = [
        lambda: store.put([piece()]),
        lambda: store.commit(report(), []),
        lambda: store.keep_key(FIRST, b"key"),
        lambda: store.accept(bundle_of(2)),
        lambda: store.note_export(Export(1, bytes(32))),
    ]
    for arrival in arrivals:
        with pytest.raises(ClockJumped):
            arrival()
    assert "clock" in str(store.trouble())
    assert store.days() == days and store.read(filed.id) == filed.data
    assert store.replies([b"t" * 16]) and store.snapshot()
    store.withdraw(b"m" * 32)
    assert store.read(mine.id) != mine.data
    store.confirm_clock()
    store.tick()
    again, _ = file_report(store, 1)

    assert store.trouble() is None and store.read(again.id) == again.data
    assert (store.read(one.id) == one.data) == (jump < timedelta(days=90))


def test_a_clock_that_comes_back_has_still_to_be_confirmed(
    store: DayStore, clock: TickClock
) -> None:
    clock.next_day(30)
    store.tick()
    clock.next_day(-30)
    store.tick()
    with pytest.raises(ClockJumped):
        file_report(store)
    store.confirm_clock()
    file_report(store)


def test_a_slow_or_hasty_clock_is_no_jump(store: DayStore, clock: TickClock) -> None:
    for change in (timedelta(hours=23), timedelta(hours=-23), timedelta(days=1)):
        clock.now += change
        store.tick()
        file_report(store)

    assert store.trouble() is None


A_MOMENT = timedelta(microseconds=1)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_day_is_the_most_that_a_clock_may_move_between_two_looks(
    clock: TickClock, sign: int
) -> None:
    believed = VaultClock(clock, 0)
    for _ in range(2):
        clock.now += sign * timedelta(days=1)
        believed.look()
    assert not believed.jumped and believed.day() == day_number(FIRST) + 2 * sign
    clock.now += sign * (timedelta(days=1) + A_MOMENT)
    believed.look()
    assert believed.jumped and believed.day() == day_number(FIRST) + 2 * sign
    # It does not go on by itself, even when the clock is where it was.
    clock.now = START + sign * timedelta(days=2)
    believed.look()
    assert believed.jumped
    clock.now += sign * timedelta(days=40)
    believed.confirm()
    assert not believed.jumped and believed.day() == day_number(FIRST) + 42 * sign
    believed.look()
    assert not believed.jumped


def test_days_are_those_of_utc(clock: TickClock) -> None:
    clock.now = datetime(2026, 11, 25, 7, 59, tzinfo=timezone(timedelta(hours=8)))
    believed = VaultClock(clock, 0)
    assert believed.day() == day_number(FIRST)
    clock.now += timedelta(minutes=1)
    believed.look()

    assert believed.day() == day_number(FIRST) + 1


@pytest.mark.parametrize("days", [-3, -2, -1, 0, 1, 2, 3])
def test_a_vault_that_last_saw_another_day_believes_that_one_until_it_is_told(
    clock: TickClock, days: int
) -> None:
    last = day_number(FIRST) - days
    believed = VaultClock(clock, last)
    far = abs(days) > 1
    assert (believed.jumped, believed.day()) == (far, last if far else day_number(FIRST))
    believed.look()
    assert believed.jumped is far
    believed.confirm()

    assert (believed.jumped, believed.day()) == (False, day_number(FIRST))


@pytest.mark.parametrize(("days", "jumped"), [(1, False), (2, True), (-1, False), (-2, True)])
def test_a_jump_while_the_vault_was_stopped_is_seen_at_its_start(
    store: DayStore, path: Path, clock: TickClock, days: int, jumped: bool
) -> None:
    filed, _ = file_report(store)
    store.close()
    clock.next_day(days)
    again = open_days(path, clock)
    assert (again.trouble() is not None) == jumped
    if jumped:
        with pytest.raises(ClockJumped):
            file_report(again)
        again.close()
        again = open_days(path, clock)
        assert again.trouble() and again.read(filed.id) == filed.data
        again.confirm_clock()
        again.tick()
    file_report(again)
    again.close()
    last = open_days(path, clock)

    assert last.trouble() is None
    last.close()


def test_a_clock_set_to_1970_or_the_year_9000_removes_nothing(
    store: DayStore, path: Path, clock: TickClock
) -> None:
    filed, _ = file_report(store)
    for now in (START.replace(year=1970), START.replace(year=9000)):
        clock.now = now
        for _ in range(5):
            store.tick()
        store.close()
        store = open_days(path, clock)
        assert store.read(filed.id) == filed.data
    store.close()


def test_what_arrives_on_an_acknowledged_day_after_the_clock_was_set_back_is_exported(
    store: DayStore, clock: TickClock
) -> None:
    acknowledge_first(store, clock)
    clock.next_day(-1)
    store.tick()
    filed, _ = file_report(store)

    assert states(store)[FIRST] is DayState.OPEN
    assert filed.id in {slot.id for slot in store.snapshot()}


def test_a_claim_of_a_piece_that_left_with_its_day_is_refused(
    store: DayStore, clock: TickClock
) -> None:
    one = piece()
    store.put([one])
    store.tick()
    acknowledge_first(store, clock)
    pass_days(store, clock, 8)
    for _ in range(SMALL.quantum):
        store.tick()
    with pytest.raises(PendingGone):
        store.commit(report(), [claim(one)])


# --- The rows of days and exports, without a store ---

LIMITS = Retention(grace_days=7, limit_days=90)
TODAY = 20_000


def days_of(
    rows: dict[int, DayRow] | None = None, exports: dict[int, ExportRow] | None = None
) -> Days:
    return Days(dict(rows or {}), dict(exports or {}), LIMITS)


def export(day: int, acknowledged: int = 0) -> ExportRow:
    return ExportRow(bytes(32), day, acknowledged)


def test_only_the_newest_exports_are_remembered() -> None:
    days = days_of()
    for number in (1, 2):
        days.note_export(number, bytes(32), TODAY, 2)
    assert list(days.exports) == [1, 2] and len(days.statements) == 2

    days.note_export(3, bytes(32), TODAY + 1, 2)

    assert days.exports == {2: export(TODAY), 3: export(TODAY + 1)}
    assert days.statements[-1] == ("DELETE FROM export WHERE number = ?", (1,))
    assert (days.last_export(), days_of().last_export()) == (TODAY + 1, None)


def test_an_acknowledgement_makes_older_ones_superfluous_and_keeps_what_is_open() -> None:
    days = days_of(
        {TODAY - 91: DayRow(), TODAY - 3: DayRow(), TODAY - 2: DayRow(), TODAY - 1: DayRow()},
        {1: export(TODAY - 5, 1), 2: export(TODAY - 4), 3: export(TODAY - 2), 4: export(TODAY, 1)},
    )
    days.acknowledge(3, TODAY)

    assert {number: row.acknowledged for number, row in days.exports.items()} == {2: 0, 3: 1, 4: 1}
    assert {day: row.acknowledged for day, row in days.rows.items() if row.acknowledged} == {
        TODAY - 3: TODAY
    }
    assert ("DELETE FROM export WHERE number = ?", (1,)) in days.statements
    assert days.last_acknowledgement() == TODAY and days_of().last_acknowledgement() is None
    assert len(days.statements) == 3


@pytest.mark.parametrize(
    ("row", "age", "state"),
    [
        (DayRow(), 0, DayState.OPEN),
        (DayRow(), -1, DayState.OPEN),
        (DayRow(), 1, DayState.CLOSED),
        (DayRow(), 90, DayState.CLOSED),
        (DayRow(), 91, DayState.LEAVING),
        (DayRow(acknowledged=TODAY), 1, DayState.KEPT),
        (DayRow(acknowledged=TODAY - 7), 10, DayState.KEPT),
        (DayRow(acknowledged=TODAY - 8), 10, DayState.LEAVING),
        (DayRow(acknowledged=TODAY - 8, gone=TODAY), 10, DayState.GONE),
        (DayRow(gone=TODAY), 91, DayState.GONE),
    ],
)
def test_the_state_of_a_day_follows_from_its_row_and_age(
    row: DayRow, age: int, state: DayState
) -> None:
    days = days_of({TODAY - age: row})

    (described,) = days.described({TODAY - age: 12}, TODAY)
    assert (described.state, described.slots) == (state, 12)
    assert described.acknowledged == bool(row.acknowledged)
    assert days.leaving(TODAY) == ([TODAY - age] if state is DayState.LEAVING else [])
    assert days.first_kept() == (None if row.gone else TODAY - age)


def test_a_day_that_is_gone_is_remembered_as_long_as_one_can_be_kept() -> None:
    gone = {number: DayRow(gone=TODAY - number) for number in (89, 90, 91, 92)}
    days = days_of(gone)
    for left in ({89, 90, 92}, {89, 90}, {89, 90}):
        days.forget_gone(TODAY)
        assert set(days.rows) == left
    assert days.statements == [("DELETE FROM day WHERE day = ?", (day,)) for day in (91, 92)]


def test_a_day_that_begins_again_is_open_and_no_later_export_holds_it() -> None:
    days = days_of({5: DayRow(), 6: DayRow(slots=3)}, {1: export(5), 2: export(6), 3: export(7)})
    days.begin(5)
    assert [row.day for row in days.exports.values()] == [5, 5, 5]
    assert len(days.statements) == 2
    days.begin(6)
    assert days.rows[6] == DayRow() and len(days.statements) == 3
    days.begin(7)
    assert days.rows[7] == DayRow() and len(days.statements) == 4


def test_a_day_that_leaves_keeps_the_number_of_slots_that_it_had_first() -> None:
    days = days_of({1: DayRow(), 2: DayRow()})
    for slots in (12, 8):
        days.leave(1, slots)
    days.gone(1, TODAY)

    assert days.rows == {1: DayRow(slots=12, gone=TODAY), 2: DayRow()}
    assert len(days.statements) == 2
    other = days.draft()
    other.leave(2, 4)
    assert days.rows[2] == DayRow() and other.statements != days.statements
    assert days.first_kept() == 2
