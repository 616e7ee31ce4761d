"""gpg's command, started with the keys of one home directory and options for each purpose.

This is the only module that starts python-gnupg. Callers judge what gpg says about a key or a
message: no single indication of success is enough.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gnupg

from dropbox.errors import KeysError
from dropbox.gpg_agent import refuse_missing

# python-gnupg logs status lines and the start of each result; none of that may reach a log.
logging.getLogger("gnupg").setLevel(logging.CRITICAL + 1)

# What installs Casedrop refuses an older one, too: scripts/release/environment.py.
OLDEST_GPG = (2, 2, 36)
_READ_BYTES = 65_536

SERVER_OPTIONS = [
    "--no-options",
    "--no-autostart",  # importing and sealing must not start an agent
    "--lock-never",
    "--no-random-seed-file",
    "--no-auto-key-locate",
    "--disable-dirmngr",
    "--no-permission-warning",
]
# Quiet, because otherwise gpg looks up the name of every message's recipients to print it, unread.
OFFLINE_OPTIONS = ["--no-options", "--disable-dirmngr", "--no-permission-warning", "--quiet"]
# Binary and uncompressed, so the length reveals nothing about the content; no version, comment,
# file name. Even with --no-options gpg reads /etc/gnupg/gpg.conf, which could add recipients, hide
# them, or change the text: everything that an option can switch off is switched off here.
SEAL_OPTIONS = [
    "--trust-model",
    "always",
    "--no-encrypt-to",
    "--no-default-recipient",
    "--no-groups",
    "--no-throw-keyids",
    "--no-armor",
    "--no-textmode",
    "--no-for-your-eyes-only",
    "--compress-algo",
    "none",
    "--cipher-algo",
    "AES256",
    "--no-emit-version",
    "--no-comments",
    "--set-filename",
    "",
]


def gpg_in(home: Path, options: Sequence[str]) -> Any:
    """python-gnupg's gpg with the keys in *home* and these *options*.

    Raises KeysError if there is no gpg, or one that is too old, no such directory, or gpg cannot be
    started in it.
    """
    try:
        gpg = gnupg.GPG(gnupghome=str(home), options=list(options))
    except (OSError, ValueError):
        refuse_missing("gpg")
        if not home.is_dir():
            raise KeysError(f"There is no directory {home}, where gpg's keys should be.") from None
        raise KeysError(f"gpg cannot be started with its keys in {home}.") from None
    _refuse_old(gpg.version)
    gpg.buffer_size = _READ_BYTES
    return gpg


def _refuse_old(version: tuple[int, ...] | None) -> None:
    if version is None:
        raise KeysError("The installed gpg names no version; reinstall the package gnupg.")
    if version < OLDEST_GPG:
        found, needed = (".".join(map(str, one)) for one in (version, OLDEST_GPG))
        raise KeysError(
            f"The installed gpg is {found}; {needed} or later is needed, because an older one can "
            "be made to report a signature that nobody made (CVE-2022-34903). Upgrade the package "
            "gnupg."
        )
