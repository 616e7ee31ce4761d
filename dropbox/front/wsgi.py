"""The front for gunicorn. Everything is read and checked once, before the first worker forks."""

import os
import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from dropbox.campaign import Campaign
from dropbox.codename import WordLists
from dropbox.front.factory import create_front
from dropbox.front.form_token import KEY_BYTES
from dropbox.front.vault_client import VaultClient
from dropbox.key_expiry import notice
from dropbox.lockdown import Room, lock, warn_waived
from dropbox.openpgp import Reviewers
from dropbox.settings import Settings

_settings = Settings.load(os.environ)
_reviewers = Reviewers.load(_settings.keys, _settings.gnupg_home)

app = create_front(
    _settings,
    reviewers=_reviewers,
    vault=VaultClient(_settings.intake_socket),
    campaign=Campaign.read(_settings.campaign),
    words=WordLists.read(),
    token_key=os.urandom(KEY_BYTES),
    clock=time.time,
)

# python-gnupg runs the gpg found in PATH; the front can run no other program.
_room = Room(
    "front",
    readable=(_settings.gnupg_home,),
    programs=tuple(Path(found).resolve() for found in (shutil.which("gpg"),) if found),
    sees_plaintext=True,
)
warn_waived(_room, _settings.waived)
if _notice := notice(_reviewers.last_day(), datetime.now(UTC).date()):
    sys.stderr.write(_notice + "\n")


def lock_worker() -> None:
    """Lock the worker; gunicorn_front calls this before it serves. Raises CannotLockDown."""
    lock(_room, _settings.waived)
