"""The front for gunicorn. Everything is read and checked once, before the first worker forks."""

import os
import shutil
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask

from dropbox.campaign import Campaign
from dropbox.codename import COST, WordLists
from dropbox.errors import CasedropError
from dropbox.front.arrived_files import ArrivedFiles
from dropbox.front.circuit_limits import CircuitLimits
from dropbox.front.day_keys import TodaysKey
from dropbox.front.factory import create_front, load_pages
from dropbox.front.intake import Intake
from dropbox.front.page_length import check_page_lengths
from dropbox.front.request_kinds import COSTS, Kind, kind_of
from dropbox.front.shared_keys import SharedKeys, default_path
from dropbox.front.submission import NO_PLACE
from dropbox.front.turn import NO_TURN, RESTS, TURN, rest, wait_for_turn
from dropbox.front.vault_client import VaultClient
from dropbox.front.vault_connector import VaultConnector
from dropbox.key_expiry import notice
from dropbox.lockdown import Room, lock, warn_waived
from dropbox.next_address import read_next_address
from dropbox.openpgp import Reviewers
from dropbox.public_keys import PublicKeys
from dropbox.settings import Settings
from dropbox.system_error import told
from dropbox.weekly_hpke import WeeklyHpke

_WATCH_SECONDS = 60.0

_settings = Settings.load(os.environ)

_keys = SharedKeys.open(
    _settings.key_memory
    or default_path(_settings.salt, _settings.intake_socket, os.environ.get("XDG_RUNTIME_DIR")),
    time.time,
)
if _keys.damaged:
    sys.stderr.write(
        "The keys of form pages in memory are damaged and are made anew: pages that are open now "
        "ask for the codename again.\n"
    )

_arrived = ArrivedFiles(_keys, time.time)
_connector = VaultConnector(_settings.intake_socket, _settings.waived)
_vault = VaultClient(_connector.connect)
_words = WordLists.read()
_limits = CircuitLimits.of(_settings)


def _load() -> tuple[Flask, TodaysKey]:
    """The application with the present reviewers' keys and campaign.

    Raises CasedropError or OSError.
    """
    # Keys of reviewers who left stay in gpg's directory; only the pinned ones are sealed to.
    reviewers = Reviewers.load(_settings.keys, _settings.gnupg_home)
    campaign = Campaign.read(_settings.campaign)
    hpke = WeeklyHpke.load(_settings.keys, datetime.now(UTC))
    day_key = TodaysKey(reviewers=hpke.current, keep=_vault.keep_day_key, clock=time.time)
    check_page_lengths(_settings, campaign, _words)
    moves_to = None
    if _settings.next_address is not None:
        moves_to = read_next_address(
            _settings.next_address,
            onion=_settings.onion,
            keys=_settings.keys,
            now=datetime.now(UTC),
        )
    made = create_front(
        _settings,
        intake=Intake(
            _settings,
            reviewers=reviewers,
            vault=_vault,
            day_key=day_key.current,
            campaign=campaign,
            cost=COST,
            charge=_limits.charge,
            turn=wait_for_turn,
            rest=rest,
        ),
        public_keys=PublicKeys.load(_settings.keys),
        campaign=campaign,
        words=_words,
        keys=_keys,
        clock=time.time,
        next_address=moves_to,
    )
    load_pages(made)
    if told := notice(min(reviewers.last_day(), hpke.last_day()), datetime.now(UTC).date()):
        sys.stderr.write(told + "\n")
    return made, day_key


app, _day_key = _load()

# python-gnupg runs the gpg found in PATH; the front can run no other program.
_room = Room(
    "front",
    readable=(_settings.gnupg_home,),
    programs=tuple(Path(found).resolve() for found in (shutil.which("gpg"),) if found),
    sockets=(_settings.intake_socket.parent,),
    sees_plaintext=True,
    takes_connections=True,
)
warn_waived(_room, _settings.waived)

# Under this name gunicorn's worker says in the WSGI environment that an upload has no thread.
no_place = NO_PLACE
# Under these it passes functions: one that waits until an upload can be filed, and one to call when
# a request only waits for the vault.
takes_turn, rests = TURN, RESTS
# Under this one it says that a request has waited too long for its turn.
no_turn = NO_TURN
# With this the worker gives each kind its share, and serves newcomers first: see onion.turns.Kinds.
request_kinds = {
    "of": kind_of,
    "costs": tuple(COSTS[kind] for kind in Kind),
    "rank": _limits.rank,
    "begin": _limits.begin,
}
# What gunicorn's worker has to know: see onion.request_arrival.ArrivalLimits.
arrival_limits = {
    name: getattr(_settings, name)
    for name in ("head_seconds", "slow_seconds", "slowest_bytes", "uploads", "large_uploads")
}


def reload_application() -> str:
    """Use the present keys and campaign for the workers that fork from here on.

    Returns a sentence if they cannot be used; then everything stays as it was.
    """
    global app, _day_key
    try:
        app, _day_key = _load()
    except CasedropError as why:
        return str(why)
    except OSError as why:
        return told(why)
    return ""


def lock_worker() -> None:
    """Lock the worker; gunicorn_front calls this before it serves. Raises CannotLockDown."""
    # A process of its own, which a locked worker could not start and which reads no request.
    _connector.start()
    lock(_room, _settings.waived)
    _connector.check()
    # Threads start in a locked worker: a lock does not reach other threads. Without this one, the
    # key of the day before would only be overwritten at the next request.
    threading.Thread(target=_watch_keys, daemon=True).start()
    _day_key.start()


def close_worker() -> None:
    """End what the worker started; gunicorn_front calls this when the worker ends."""
    _connector.close()


def _watch_keys() -> None:
    while True:
        _keys.now()
        _arrived.sweep()
        time.sleep(_WATCH_SECONDS)
