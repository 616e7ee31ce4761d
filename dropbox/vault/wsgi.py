"""The vault for gunicorn, built in the worker: SQLite forbids connections from before a fork."""

import os
from datetime import UTC, datetime

from dropbox.lockdown import Room, lock, warn_waived
from dropbox.settings import Settings
from dropbox.vault.factory import create_vault
from dropbox.vault.housekeeping import Housekeeping
from dropbox.vault.store import Store


def _now() -> datetime:
    return datetime.now(UTC)


_settings = Settings.load(os.environ)
_store = Store.open(_settings.database, clock=_now, pending_minutes=_settings.pending_minutes)
_housekeeping = Housekeeping(_store)

app = create_vault(_settings, store=_store, clock=_now)

_room = Room("vault", writable=_settings.database.parent)
warn_waived(_room, _settings.waived)


def lock_worker() -> None:
    """Lock the worker; gunicorn_vault calls this before it serves. Raises CannotLockDown."""
    lock(_room, _settings.waived)
    _housekeeping.start()
