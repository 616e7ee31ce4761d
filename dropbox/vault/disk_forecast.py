"""How long the disk lasts if reports keep arriving as they do now.

It calculates with days as every export lists them: slots in quanta, not what is in them.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta

from dropbox.vault.block_store import Day, DayState
from dropbox.vault.day_calendar import Retention

# A week, so that a busy weekday neither raises an alarm nor hides one.
_MEASURED_DAYS = 7
# Nobody plans a disk for more than a year.
_HORIZON_DAYS = 366


def days_left(
    days: Sequence[Day], *, today: date, free_slots: int, retention: Retention
) -> int | None:
    """For how many days after *today* there is room for all slots; None if over a year.

    *days* are all days that the store knows; *free_slots* is how many slots fit into the disk's
    free space and the file's spare slots. A day is assumed to take the last week's mean, or as many
    slots as today already has if that is more: a flood has to show on its first day. The desk's
    next acknowledgement cannot be foreseen, so an unacknowledged day is assumed to stay until its
    limit.
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
            # Days that arrived after today begin to leave as well.
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
