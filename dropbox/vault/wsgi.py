"""Where gunicorn finds the vault. Built in the worker, since SQLite forbids a connection opened before a fork."""

import os
from datetime import UTC, datetime

from dropbox.settings import Settings
from dropbox.vault.factory import create_vault
from dropbox.vault.store import Store


def _now() -> datetime:
    return datetime.now(UTC)


_settings = Settings.load(os.environ)
_store = Store.open(_settings.database, clock=_now, pending_minutes=_settings.pending_minutes)
# What was pending when the vault ended has no report any more once its time is over.
_store.expire()

app = create_vault(_settings, store=_store, clock=_now)
