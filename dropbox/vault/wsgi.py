"""The vault for gunicorn, built in the worker: SQLite forbids connections from before a fork."""

import os
from datetime import UTC, datetime

from dropbox.lockdown import Room, check_disk, lock, warn_waived
from dropbox.settings import Settings
from dropbox.vault.factory import create_vault
from dropbox.vault.socket_users import socket_users
from dropbox.vault.store_url import limits_of, store_of
from dropbox.vault.tombstones import Renewal, Tombstones


def _now() -> datetime:
    return datetime.now(UTC)


_settings = Settings.load(os.environ)
# The user ids that each socket answers, by its path; gunicorn_vault refuses all others.
admitted = socket_users(_settings)
_room = Room(
    "vault",
    writable=_settings.store_file.parent,
    sockets=(_settings.intake_socket.parent, _settings.courier_socket.parent),
)
warn_waived(_room, _settings.waived)
# Before the store's first tick: whatever is once written to such a disk stays there.
check_disk(_room, _settings.waived)
_tombstones = Tombstones.load(_settings.keys, clock=_now, limit_days=_settings.limit_days)
_store = store_of(
    _settings.store, clock=_now, tombstone=_tombstones.seal, limits=limits_of(_settings)
)
app = create_vault(_settings, store=_store, tombstones=_tombstones, clock=_now)


def lock_worker() -> None:
    """Lock the worker; gunicorn_vault calls this before it serves. Raises CannotLockDown."""
    lock(_room, _settings.waived)
    # Threads start in a locked worker: a lock does not reach other threads.
    _store.start()
    Renewal(_tombstones, _store).start()


def close_worker() -> None:
    """Write what waits for a tick; gunicorn_vault calls this when the worker ends."""
    _store.close()
