"""The time that the vault believes: one that jumps by more than a day may be wrong.

Days leave by this time and cannot be brought back. So moving the clock far stops the vault instead
of emptying it.
"""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

from dropbox.vault.slot_heads import day_number, day_of

_JUMP = timedelta(days=1)


class VaultClock:
    """The last time of *clock* (UTC) that is believed, and whether it has ``jumped`` since.

    *last_day* is the number of the last day that the vault saw, 0 if it has seen none.
    """

    def __init__(self, clock: Callable[[], datetime], last_day: int) -> None:
        self._clock = clock
        self._seen, self.jumped = clock(), False
        if last_day and abs(self.day() - last_day) > 1:
            self._seen, self.jumped = datetime.combine(day_of(last_day), time(), UTC), True

    def look(self) -> None:
        """Believe the present time, unless it is too far from the last one."""
        now = self._clock()
        if abs(now - self._seen) > _JUMP:
            self.jumped = True
        if not self.jumped:
            self._seen = now

    def confirm(self) -> None:
        """Accept that the present time is right: somebody says so."""
        self._seen = self._clock()
        self.jumped = False

    def day(self) -> int:
        """The number of the UTC day."""
        return day_number(self._seen.astimezone(UTC).date())
