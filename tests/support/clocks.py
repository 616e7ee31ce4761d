"""Clocks that a test moves."""

import os
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path


class MovedClock:
    """The date that every gpg started from now on believes in."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def now(self) -> datetime:
        """Noon of that day."""
        return datetime.strptime(self._file.read_text("ascii"), "%Y%m%dT%H%M%S").replace(tzinfo=UTC)

    def move(self, day: date) -> None:
        """Set it."""
        self._file.write_text(f"{day:%Y%m%d}T120000", "ascii")


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, 10, 20, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class AheadClock:
    """What time.time() says in processes that are started with ``environ``; it is ahead by what a
    test asks for, while they run.
    """

    def __init__(self, file: Path) -> None:
        file.write_bytes(struct.pack("d", 0))
        self._file = file

    @property
    def environ(self) -> dict[str, str]:
        """What such a process needs in its environment."""
        moved = str(Path(__file__).parent / "moved")
        path = os.environ.get("PYTHONPATH")
        return {
            "AHEAD_CLOCK": str(self._file),
            "PYTHONPATH": os.pathsep.join([moved, path] if path else [moved]),
        }

    @contextmanager
    def ahead(self, seconds: float) -> Iterator[None]:
        """Inside, be ahead by *seconds*."""
        self._set(seconds)
        try:
            yield
        finally:
            self._set(0)

    def _set(self, seconds: float) -> None:
        # In place: the processes have mapped this very file.
        with self._file.open("r+b") as file:
            file.write(struct.pack("d", seconds))


def age(path: Path) -> float:
    """Seconds since the file was last changed, by its bytes or its timestamps."""
    return time.time() - min(path.stat().st_mtime, path.stat().st_ctime)


# Longer than any test takes that asks for the day more than once.
BEFORE_MIDNIGHT = timedelta(minutes=2)


def wait_past_midnight(
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Wait for the next day (UTC) if it begins soon."""
    now = clock()
    tomorrow = (now + BEFORE_MIDNIGHT).replace(hour=0, minute=0, second=0, microsecond=0)
    if tomorrow > now:
        sleep((tomorrow - now).total_seconds() + 1)
