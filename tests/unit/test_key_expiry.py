"""Three weeks before the reviewers' keys end, everybody concerned is told."""

from datetime import date, timedelta

import pytest

from dropbox.key_expiry import notice

LAST = date(2026, 11, 30)


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (22, ""),
        (21, "expire on 2026-11-30, in 21 days: renew them"),
        (2, "expire on 2026-11-30, in 2 days: renew them"),
        (1, "expire on 2026-11-30, in 1 day: renew them"),
        (0, "expire on 2026-11-30, today: renew them"),
        (-1, "expired on 2026-11-30: no report is accepted"),
        (-400, "expired on 2026-11-30: no report is accepted"),
    ],
)
def test_the_notice_comes_three_weeks_before_the_last_day_and_stays(left: int, said: str) -> None:
    sentence = notice(LAST, LAST - timedelta(days=left))

    assert said in sentence and bool(said) == bool(sentence)
