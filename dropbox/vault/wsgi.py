"""The vault for gunicorn, built in the worker: SQLite forbids connections from before a fork."""

import os
from collections.abc import Callable
from datetime import UTC, datetime

from dropbox.lockdown import Room, check_disk, lock, warn_waived
from dropbox.settings import Settings
from dropbox.vault.factory import create_block_vault, create_vault
from dropbox.vault.housekeeping import Housekeeping
from dropbox.vault.store import Store
from dropbox.vault.store_url import limits_of, store_of
from dropbox.vault.tombstones import Renewal, Tombstones


def _now() -> datetime:
    return datetime.now(UTC)


_settings = Settings.load(os.environ)
_room = Room(
    "vault",
    writable=_settings.database.parent,
    sockets=(_settings.intake_socket.parent, _settings.courier_socket.parent),
)
warn_waived(_room, _settings.waived)
# Before the store's first tick: what is written once to such a disk stays there.
check_disk(_room, _settings.waived)
# Threads that start once the worker is locked: a lock does not reach other threads.
_threads: list[Callable[[], None]] = []
_closing: list[Callable[[], None]] = []

if _settings.store is None:
    _store = Store.open(_settings.database, clock=_now, pending_minutes=_settings.pending_minutes)
    _threads.append(Housekeeping(_store).start)
    app = create_vault(_settings, store=_store, clock=_now)
else:
    _tombstones = Tombstones.load(_settings.keys, clock=_now, limit_days=_settings.limit_days)
    _limits = limits_of(_settings)
    _slots = store_of(_settings.store, clock=_now, tombstone=_tombstones.seal, limits=_limits)
    _closing.append(_slots.close)
    _threads += [_slots.start, Renewal(_tombstones, _slots).start]
    app = create_block_vault(_settings, store=_slots, tombstones=_tombstones, clock=_now)


def lock_worker() -> None:
    """Lock the worker; gunicorn_vault calls this before it serves. Raises CannotLockDown."""
    lock(_room, _settings.waived)
    for start in _threads:
        start()


def close_worker() -> None:
    """Write what waits for a tick; gunicorn_vault calls this when the worker ends."""
    for close in _closing:
        close()
