"""How long the disk lasts: reckoned with days and slots alone."""

from datetime import date, timedelta

import pytest

from dropbox.vault.block_store import Day, DayState
from dropbox.vault.day_calendar import Retention
from dropbox.vault.disk_forecast import days_left

TODAY = date(2026, 11, 26)
KEEP = Retention(grace_days=7, limit_days=90)


def day(ago: int, slots: int = 256, state: DayState = DayState.CLOSED) -> Day:
    return Day(TODAY - timedelta(ago), slots, DayState.OPEN if ago == 0 else state, False)


def left(days: list[Day], free_slots: int) -> int | None:
    return days_left(days, today=TODAY, free_slots=free_slots, retention=KEEP)


def test_a_vault_without_days_needs_nothing() -> None:
    assert left([], 0) is None


@pytest.mark.parametrize(("free_slots", "days"), [(0, 0), (255, 0), (256, 1), (2_560, 10)])
def test_every_day_takes_what_the_last_week_took(free_slots: int, days: int) -> None:
    assert left([day(ago) for ago in range(8)], free_slots) == days


def test_a_disk_for_all_days_until_their_limit_lasts_for_ever() -> None:
    # Today's slots serve again after 91 days, and so on.
    assert left([day(0)], 90 * 256) is None
    assert left([day(0)], 89 * 256) == 89


def test_the_mean_is_of_a_week_and_today_counts_when_it_is_more() -> None:
    week = [day(ago, 256) for ago in range(1, 7)] + [day(7, 512)]
    # 2,048 slots in seven days are 293 a day, rounded up.
    assert left([*week, day(8, 9_999), day(0, 0)], 293 * 3) == 3
    assert left([*week, day(8, 9_999), day(0, 0)], 293 * 3 - 1) == 2
    assert left([*week, day(0, 1_024)], 1_024 * 3) == 3


def test_what_leaves_makes_room() -> None:
    today = day(0)
    assert left([today, day(90)], 0) == 1
    assert left([today, day(91, state=DayState.LEAVING)], 256) == 2
    # In its grace period: after a week, whatever its own limit is.
    kept = day(20, 512, DayState.KEPT)
    assert left([today, kept], 256 * 7) == 9
    assert left([today, kept], 256 * 6) == 6
    assert left([today, day(20, 512)], 256 * 7) == 7
    assert left([today, day(95, state=DayState.GONE)], 0) == 0


@pytest.mark.parametrize(("free_days", "days"), [(365, 365), (366, None)])
def test_a_disk_that_lasts_for_more_than_a_year_needs_no_date(
    free_days: int, days: int | None
) -> None:
    kept_for_long = Retention(grace_days=7, limit_days=400)
    lasts = days_left([day(0)], today=TODAY, free_slots=free_days * 256, retention=kept_for_long)

    assert lasts == days
