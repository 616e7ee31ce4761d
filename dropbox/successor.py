"""The operator's statement that a new vault takes the place of a lost one, as a file beside it.

After a lost disk the vault's id and its series of bundles are new, and no desk takes its bundles
until the operator has said so. The vault reads the statement at its start and puts it into the head
of every export, which the server signs. It stays until the operator removes it: each desk has to
see it, and once a desk has, it has no further effect.
"""

import json
import os
from pathlib import Path
from typing import Any

from dropbox import canonical_json
from dropbox.canonical_json import hex_bytes, whole_number
from dropbox.durable_file import write_new
from dropbox.errors import SettingsError
from dropbox.export_bundle import LOST_CHARACTERS, VAULT_BYTES, Successor
from dropbox.system_error import explained

FORMAT = "casedrop successor"
VERSION = 1
_NAME = "successor.json"
# A character takes at most twelve in JSON; the rest is short.
_MAX_BYTES = 12 * LOST_CHARACTERS + 1_024


def successor_path(database: Path) -> Path:
    """Where the statement about the vault with the file *database* is."""
    return database.with_name(_NAME)


def write_successor(path: Path, successor: Successor) -> None:
    """Write the statement; an existing one is not overwritten.

    Raises SettingsError if it says something impossible, CannotWrite or OSError.
    """
    _check(successor)
    write_new(path, _bytes(successor))
    if os.geteuid() == 0:
        # The vault, another user, has to read it.
        folder = path.parent.stat()
        os.chown(path, folder.st_uid, folder.st_gid)


def read_successor(path: Path) -> Successor | None:
    """The statement at *path*, None if there is none. Raises SettingsError naming the file."""
    try:
        with path.open("rb") as file:
            untrusted = file.read(_MAX_BYTES)
    except FileNotFoundError:
        return None
    except OSError as why:
        raise SettingsError(
            f"The statement about a lost vault {path} cannot be read: {explained(why)}"
        ) from None
    try:
        successor = _parsed(json.loads(untrusted))
        _check(successor)
        # Anything else that JSON would allow, and another format or version.
        whole = _bytes(successor) == untrusted
    except (KeyError, TypeError, ValueError, RecursionError, SettingsError):
        whole = False
    if not whole:
        raise SettingsError(
            f"The statement about a lost vault {path} is damaged, or of a version that cannot be "
            "read here."
        )
    return successor


def _parsed(body: Any) -> Successor:
    return Successor(
        hex_bytes(body["vault"], VAULT_BYTES),
        whole_number(body["number"], least=0),
        str(body["lost"]),
    )


def _bytes(successor: Successor) -> bytes:
    return canonical_json.encode(
        {
            "format": FORMAT,
            "version": VERSION,
            "vault": successor.vault.hex(),
            "number": successor.number,
            "lost": successor.lost,
        },
        ascii_only=True,
    )


def _check(successor: Successor) -> None:
    if len(successor.vault) != VAULT_BYTES:
        raise SettingsError(f"A vault's id has {2 * VAULT_BYTES} hexadecimal digits.")
    if successor.number < 0:
        raise SettingsError("The number of the last bundle that was pulled is not negative.")
    if not successor.lost.strip() or len(successor.lost) > LOST_CHARACTERS:
        raise SettingsError(
            f"What was lost has to be said, in at most {LOST_CHARACTERS} characters."
        )
    # It is shown on the reviewers' terminals.
    if not all(one.isprintable() or one == "\n" for one in successor.lost):
        raise SettingsError("What was lost is said in plain text, without control characters.")
