"""The address that a drop moves to: one line that a reviewer signed, shown on the first page.

    casedrop next address 1 OLD.onion NEW.onion

The detached signature (gpg --detach-sign) is beside it, in a file whose name ends in .sig. As long
as the file is not there, the statement is not in force.
"""

import re
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from dropbox.errors import BadPacket, SettingsError
from dropbox.packets import verify_detached
from dropbox.pinned_keys import read_pinned_keys
from dropbox.system_error import explained

_LINE = re.compile(rb"casedrop next address 1 ([a-z2-7]{56}\.onion) ([a-z2-7]{56}\.onion)\n")
_MAX_BYTES = 4_096


class NextAddress(NamedTuple):
    """The new address, and the fingerprint of the reviewer who signed it."""

    onion: str
    fingerprint: str


def read_next_address(path: Path, *, onion: str, keys: Path, now: datetime) -> NextAddress | None:
    """The statement at *path* about the drop *onion*; None if there is none yet.

    *keys* holds the pinned reviewers' keys, *now* is UTC time. Raises SettingsError naming the
    file, or KeysError.
    """
    try:
        untrusted, signature = _bounded(path), _bounded(path.with_name(path.name + ".sig"))
    except FileNotFoundError:
        if path.exists():
            raise SettingsError(f"The next address in {path} has no {path.name}.sig.") from None
        return None
    except OSError as why:
        raise SettingsError(f"The next address {path} cannot be read: {explained(why)}") from None
    found = _LINE.fullmatch(untrusted)
    if found is None:
        raise SettingsError(f"{path} is not the line 'casedrop next address 1 OLD NEW'.")
    old, new = (one.decode("ascii") for one in found.groups())
    if old != onion or new == onion:
        raise SettingsError(f"The next address in {path} is not that of this drop, {onion}.")
    try:
        signer = verify_detached(untrusted, signature, read_pinned_keys(keys), now)
    except BadPacket as why:
        raise SettingsError(
            f"The next address in {path} is not signed as it has to be: {why}"
        ) from (None)
    return NextAddress(new, signer.fingerprint)


def _bounded(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MAX_BYTES)
