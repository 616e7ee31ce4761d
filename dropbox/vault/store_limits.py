"""Sizes and times of a store of days and slots; the settings change some of them."""

from dataclasses import dataclass, field

from dropbox.vault.day_calendar import Retention
from dropbox.vault.reply_heads import BATCH
from dropbox.vault.tick_changes import largest_tick_pages


@dataclass(frozen=True)
class StoreLimits:
    """Sizes and times of a store.

    ``quantum``: slots that a day begins with and grows by (256 are 16 MiB). ``tick_seconds``: from
    one tick to the next. ``tick_slots``: the most slots taken in one tick. ``queue_slots``: the
    most that wait in memory (1,024 are 64 MiB). ``patience_seconds``: how long an arrival waits for
    room in the queue. ``removal_slots``: how many slots of a leaving day are overwritten in a tick.
    ``keys_a_day``: how many records of day keys are kept for a day. ``file_slots``: files are
    refused when this many slots of a day would be taken. ``kept_slots``: files are refused when
    there is only room for this many, which are for reports.
    """

    quantum: int = 256
    tick_seconds: float = 1.0
    tick_slots: int = 768
    queue_slots: int = 1_024
    patience_seconds: float = 20.0
    removal_slots: int = 256
    keys_a_day: int = 256
    file_slots: int = 65_536
    kept_slots: int = 2_048
    retention: Retention = field(default_factory=Retention)

    @property
    def reserve(self) -> int:
        """With fewer free slots than this, the day gets another quantum."""
        return max(1, self.quantum // 4)

    @property
    def journal_pages(self) -> int:
        """How many pages the largest tick replaces.

        That is what arrives, or what makes room for it in a growing day; the rest of its new
        quanta; a quantum of spare slots; a part of a leaving day.
        """
        slots = self.tick_slots + 3 * self.quantum + self.removal_slots
        return largest_tick_pages(slots=slots, replies=2 * BATCH)
