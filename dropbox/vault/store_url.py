"""The engine of the store, chosen by a URL in the settings."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from dropbox.errors import StoreError
from dropbox.settings import Settings
from dropbox.vault.block_store import BlockStore, SealTombstone
from dropbox.vault.day_calendar import Retention
from dropbox.vault.day_store import DayStore
from dropbox.vault.store_limits import StoreLimits

# The most slots that one tick takes, in quanta.
_TICK_QUANTA = 3


def store_of(
    url: str,
    *,
    clock: Callable[[], datetime],
    tombstone: SealTombstone,
    limits: StoreLimits | None = None,
) -> BlockStore:
    """Open the store at *url*: ``sqlite:///`` and an absolute path. Raises StoreError."""
    parts = urlsplit(url)
    if parts.scheme != "sqlite":
        raise StoreError(f"There is no engine for a store at {parts.scheme}://; use sqlite:///.")
    if parts.netloc or parts.query or parts.fragment or not parts.path.startswith("/"):
        raise StoreError("The store's URL is sqlite:/// and an absolute path, and nothing else.")
    return DayStore.open(Path(unquote(parts.path)), clock=clock, tombstone=tombstone, limits=limits)


def limits_of(settings: Settings) -> StoreLimits:
    """The store's sizes and times as the operator set them."""
    return StoreLimits(
        quantum=settings.quantum,
        # A drop with small quanta also has a small journal, and starts faster.
        tick_slots=min(StoreLimits.tick_slots, _TICK_QUANTA * settings.quantum),
        removal_slots=min(StoreLimits.removal_slots, settings.quantum),
        file_slots=settings.file_slots,
        kept_slots=settings.kept_slots,
        tick_seconds=settings.tick_milliseconds / 1_000,
        retention=Retention(settings.grace_days, settings.limit_days),
    )
