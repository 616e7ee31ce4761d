"""Where gunicorn finds the front. Everything is read and checked here, once, before the first worker is forked."""

import os
import time

from dropbox.campaign import Campaign
from dropbox.codename import WordLists
from dropbox.front.factory import create_front
from dropbox.front.token import KEY_BYTES
from dropbox.front.vault_client import VaultClient
from dropbox.lockdown import lock_worker
from dropbox.openpgp import Reviewers
from dropbox.settings import Settings

__all__ = ["app", "lock_worker"]

_settings = Settings.load(os.environ)

app = create_front(
    _settings,
    reviewers=Reviewers.load(_settings.keys, _settings.gnupg_home),
    vault=VaultClient(_settings.intake_socket),
    campaign=Campaign.read(_settings.campaign),
    words=WordLists.read(),
    token_key=os.urandom(KEY_BYTES),
    clock=time.time,
)
