"""How large a store's ticks and journal are, and how soon a day grows."""

import pytest

from dropbox.vault.store_limits import StoreLimits
from dropbox.vault.tick_changes import Changes, Row, largest_tick_pages

WHOLE, HEAD = Row(b"head", b"data"), Row(b"head", None)
STATEMENT = ("DELETE FROM day_key", ())


def test_a_store_that_nobody_changed_has_these_sizes_and_times() -> None:
    limits = StoreLimits()

    assert (limits.quantum, limits.tick_slots, limits.queue_slots) == (256, 768, 1_024)
    assert (limits.removal_slots, limits.keys_a_day, limits.kept_slots) == (256, 256, 2_048)
    assert (limits.tick_seconds, limits.patience_seconds) == (1, 20)
    assert (limits.retention.grace_days, limits.retention.limit_days) == (7, 90)
    # 69 MB of journal.
    assert limits.journal_pages == 16_782


@pytest.mark.parametrize(("quantum", "reserve"), [(1, 1), (4, 1), (7, 1), (8, 2), (256, 64)])
def test_a_day_grows_when_less_than_a_quarter_of_a_quantum_is_free(
    quantum: int, reserve: int
) -> None:
    assert StoreLimits(quantum=quantum).reserve == reserve


def test_the_journal_has_room_for_what_the_largest_tick_replaces() -> None:
    small = StoreLimits(quantum=4, tick_slots=10, removal_slots=2)

    assert small.journal_pages == largest_tick_pages(slots=10 + 3 * 4 + 2, replies=512)
    assert largest_tick_pages(slots=0, replies=0) == 2 + 12 + 8 * 16
    assert largest_tick_pages(slots=3, replies=5) == 142 + 27 + 5


@pytest.mark.parametrize(
    ("changes", "pages"),
    [
        (Changes(), 2),
        (Changes(slots={0: WHOLE}), 2 + 9),
        (Changes(slots={9: WHOLE, 3: HEAD}), 2 + 9 + 1),
        (Changes(slots={10: WHOLE}), 2 + 12),
        (Changes(slots={10: WHOLE, 11: WHOLE, 0: WHOLE}), 2 + 12 + 9),
        (Changes(replies={4: WHOLE}), 2 + 1),
        (Changes(replies={5: WHOLE}), 2 + 12),
        (Changes(statements=[STATEMENT, STATEMENT]), 2 + 2 * 16),
    ],
)
def test_a_tick_replaces_the_pages_of_what_it_overwrites(changes: Changes, pages: int) -> None:
    assert changes.pages(slots=10, replies=5) == pages
    assert changes.any() == (pages > 2)
