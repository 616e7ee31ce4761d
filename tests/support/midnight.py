"""A pytest plugin for a run within a test, in which the day changes: it begins shortly before
midnight (UTC), which has passed when its first test has ended.

Python and gpg believe in that clock, as far as the run's own process asks and starts them.
"""

import datetime as module
import os
import shutil
import tempfile
import time
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import pytest

from support.clocks import BEFORE_MIDNIGHT

_time = time.time
_MIDNIGHT = datetime.fromtimestamp(_time(), UTC).replace(
    hour=0, minute=0, second=0, microsecond=0
) + timedelta(days=1)


class _Clock:
    """How many seconds the moved clock is ahead of the real one; gpg is told the time by a file."""

    def __init__(self, told: Path) -> None:
        self._told = told
        self.ahead = 0.0

    def move(self, to: datetime) -> None:
        self.ahead = to.timestamp() - _time()
        self._told.write_text(f"{to:%Y%m%dT%H%M%S}", "ascii")


def _gpg(programs: Path) -> Path:
    """Put a gpg that is told the time in front of the real one. Returns the file that tells it."""
    told, script = programs / "time", programs / "gpg"
    script.write_text(
        f'#!/bin/sh\nexec {shutil.which("gpg")} --faked-system-time "$(cat {told})" "$@"\n', "utf-8"
    )
    script.chmod(0o755)
    os.environ["PATH"] = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return told


_clock = _Clock(_gpg(Path(tempfile.mkdtemp(prefix="midnight"))))


class _Kind(type):
    """Whatever the standard library has made of the real classes is one of these, too."""

    def __instancecheck__(cls, one: object) -> bool:
        return isinstance(one, cls.__mro__[1])


class _Date(date, metaclass=_Kind):
    @classmethod
    def today(cls) -> Any:
        return cls.fromtimestamp(time.time())


class _DateTime(datetime, metaclass=_Kind):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Any:
        return cls.fromtimestamp(time.time(), tz)


# Before anything else is imported that asks for the day.
time.time = lambda: _time() + _clock.ahead
module.date, module.datetime = _Date, _DateTime  # type: ignore[misc]
_clock.move(_MIDNIGHT - BEFORE_MIDNIGHT - timedelta(seconds=30))
# On a busy machine the header is written a minute later.
_begun = _DateTime.now(UTC)


@pytest.hookimpl(trylast=True)
def pytest_runtest_logfinish() -> None:
    """The day has changed."""
    if datetime.fromtimestamp(time.time(), UTC) < _MIDNIGHT:
        _clock.move(_MIDNIGHT + timedelta(seconds=5))


def pytest_report_header() -> str:
    """So that the test outside sees that it was in use."""
    return f"from {_begun:%H:%M}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """See pytest_report_header."""
    terminalreporter.write_line(f"to {_DateTime.now(UTC):%H:%M}")


def pytest_unconfigure() -> None:
    """Remove the other gpg."""
    shutil.rmtree(_clock._told.parent, ignore_errors=True)
