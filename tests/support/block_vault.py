"""A vault of format 2 for gunicorn, as far as its sockets and ticks go; for tests.

A day begins with QUANTUM slots, and ticks come every TICK_SECONDS.
"""

import os
import sys
from datetime import UTC, datetime

from dropbox.campaign import Campaign
from dropbox.lockdown import Room, lock
from dropbox.packets import last_day, read_pinned_keys
from dropbox.settings import Settings
from dropbox.vault.block_routes import create_block_intake
from dropbox.vault.day_store import DayStore, StoreLimits
from dropbox.vault.export_routes import create_block_courier
from dropbox.vault.factory import SocketDispatcher, read_export_key
from dropbox.vault.tick import Ticking
from dropbox.vault.tombstones import RENEWAL_SECONDS, Tombstones

QUANTUM = 2_048
TICK_SECONDS = 0.5


def _now() -> datetime:
    return datetime.now(UTC)


_settings = Settings.load(os.environ)
_tombstones = Tombstones.load(_settings.keys, clock=_now)
_store = DayStore.open(
    _settings.store_file,
    clock=_now,
    tombstone=_tombstones.seal,
    limits=StoreLimits(quantum=QUANTUM, tick_seconds=TICK_SECONDS),
)
_tombstones.renew(_store)
_renewal = Ticking(lambda: _tombstones.renew(_store), RENEWAL_SECONDS)

app = SocketDispatcher(
    {
        str(_settings.intake_socket): create_block_intake(_store, clock=_now),
        str(_settings.courier_socket): create_block_courier(
            _store,
            onion=_settings.onion,
            campaign=Campaign.read(_settings.campaign).code,
            export_key=read_export_key(_settings.export_key),
            signers=read_pinned_keys(_settings.keys),
            keys_end=last_day(_settings.keys),
            tombstones=_tombstones,
            clock=_now,
        ),
    }
)

_room = Room("vault", writable=_settings.store_file.parent)
# gunicorn's packaged settings look for lock_worker there.
sys.modules["dropbox.vault.wsgi"] = sys.modules[__name__]


def lock_worker() -> None:
    """Lock the worker before it serves."""
    lock(_room, _settings.waived)
    _store.start()
    _renewal.start()
