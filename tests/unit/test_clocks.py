"""The clocks of tests."""

from datetime import UTC, datetime, timedelta

import pytest
from support.clocks import BEFORE_MIDNIGHT, wait_past_midnight

MIDNIGHT = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "waits"),
    [
        (BEFORE_MIDNIGHT, True),
        (BEFORE_MIDNIGHT + timedelta(microseconds=1), False),
        (timedelta(microseconds=1), True),
        (timedelta(0), False),
        (timedelta(hours=12), False),
    ],
)
def test_only_shortly_before_midnight_is_the_next_day_waited_for(
    before: timedelta, waits: bool
) -> None:
    waited: list[float] = []

    wait_past_midnight(lambda: MIDNIGHT - before, waited.append)

    assert bool(waited) is waits
    assert all(MIDNIGHT - before + timedelta(seconds=one) > MIDNIGHT for one in waited)
