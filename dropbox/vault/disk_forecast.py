"""How long the disk lasts if reports go on arriving as they do now.

It reckons with days as they are listed in every export: slots by quanta, nothing of what is in
them.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta

from dropbox.vault.block_store import Day, DayState
from dropbox.vault.day_calendar import Retention

# A week, so that a busy weekday neither raises an alarm nor hides one.
_MEASURED_DAYS = 7
# Beyond a year nobody plans a disk.
_HORIZON_DAYS = 366


def days_left(
    days: Sequence[Day], *, today: date, free_slots: int, retention: Retention
) -> int | None:
    """For how many days after *today* every slot that is needed has room; None for over a year.

    *days* are all that the store knows, *free_slots* is how many slots fit into what the disk has
    free and the file has spare. A day takes as many slots as the last week's mean, or as today has
    already, if that is more: a flood has to be seen on its first day. Nobody knows when the desk
    acknowledges next, so a day that was not acknowledged stays until its limit.
    """
    rate = _slots_a_day(days, today)
    leaving = Counter[int]()
    for day in days:
        leaving[_days_until_it_left(day, today, retention)] += day.slots
    room = free_slots + leaving[0]
    for later in range(1, _HORIZON_DAYS + 1):
        room += leaving[later] - rate
        if room < 0:
            return later - 1
        if later > retention.limit_days:
            # What arrived after today begins to leave as well.
            room += rate
    return None


def _slots_a_day(days: Sequence[Day], today: date) -> int:
    recent = [
        day.slots
        for day in days
        if timedelta() < today - day.day <= timedelta(days=_MEASURED_DAYS) and day.slots
    ]
    mean = -(-sum(recent) // len(recent)) if recent else 0
    return max(mean, sum(day.slots for day in days if day.day == today))


def _days_until_it_left(day: Day, today: date, retention: Retention) -> int:
    """In how many days its slots can be used again; -1 for a day whose slots are used already."""
    if day.state is DayState.GONE:
        return -1
    if day.state is DayState.LEAVING:
        return 0
    limit = (day.day - today).days + retention.limit_days + 1
    graced = retention.grace_days + 1 if day.state is DayState.KEPT else limit
    return max(0, min(limit, graced))
