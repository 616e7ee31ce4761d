"""gpg-agent, which keeps the secret keys of one gpg home: asking for a passphrase, deleting a key, ending the agent.

Offline only. Passphrases are asked for by the agent's own pinentry window and never stand in an argument or a file.
"""

import re
import subprocess
from pathlib import Path

from dropbox.durable_file import erase
from dropbox.errors import KeysError

_NO_CACHE = "X"


def _ask(home: Path, command: str) -> list[str]:
    """The agent's answer to one command, line by line. Raises KeysError unless it ends with OK."""
    try:
        done = subprocess.run(
            ["gpg-connect-agent", "--homedir", str(home), command, "/bye"],
            check=False,
            capture_output=True,
            text=True,
        )
    except OSError:
        raise KeysError("gpg-connect-agent cannot be started: is gpg installed?") from None
    lines = done.stdout.splitlines()
    if not lines or not lines[-1].startswith("OK"):
        # The agent's own text names no secret, but the window's language and the system decide what else is in it.
        raise KeysError(
            "gpg's agent did not do this: the window was closed, or there is no such secret key here."
        )
    return lines


def ask_passphrase(home: Path, *, new: bool) -> str:
    """What the person types into gpg's own window, a *new* one twice. Raises KeysError when it cannot be used."""
    what = (
        "Choose+the+passphrase+for+this+reviewer's+key."
        if new
        else "The+passphrase+of+this+reviewer's+key."
    )
    options = "--repeat=1 --check --qualitybar" if new else ""
    answer = _ask(home, f"GET_PASSPHRASE {options} {_NO_CACHE} {_NO_CACHE} Passphrase: {what}")[-1]
    try:
        passphrase = bytes.fromhex(answer.removeprefix("OK")).decode("utf-8")
    except ValueError:
        raise KeysError("The passphrase is not UTF-8.") from None
    # gpg takes a new key's passphrase from a line, whose ends it strips, and a known key's as it is.
    if not passphrase or passphrase != passphrase.strip() or not passphrase.isprintable():
        raise KeysError("A passphrase is not empty, and neither begins nor ends with a space.")
    return passphrase


def is_protected(home: Path, keygrip: str) -> bool:
    """Whether the secret key *keygrip* (40 hex digits) has a passphrase. Raises KeysError if it is not here."""
    lines = _ask(home, f"KEYINFO {_checked(keygrip)}")
    return lines[0].split()[7:8] != ["C"]


def secret_file(home: Path, keygrip: str) -> Path:
    """Where the agent keeps the secret key *keygrip*: a documented place, the same in every gpg since 2.1."""
    return home / "private-keys-v1.d" / f"{_checked(keygrip)}.key"


def delete_secret(home: Path, keygrip: str) -> None:
    """Delete one secret key, durable. Raises KeysError or OSError if it is not here or still there afterwards.

    Its bytes are overwritten as well (:func:`erase`). On flash memory, which keeps old copies, the disk's encryption and the
    key's passphrase are what is left to guard it.
    """
    path = secret_file(home, keygrip)
    # The agent itself unlinks the file, and forgets the key.
    erase(path, remove=lambda _: _ask(home, f"DELETE_KEY --force {keygrip}"))
    if path.exists():
        raise KeysError(
            "gpg's agent says that it deleted the secret key, but the file is still there."
        )


def stop_agent(home: Path) -> None:
    """End the gpg-agent of *home*, which holds passphrases in memory."""
    subprocess.run(
        ["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"], check=False, capture_output=True
    )


def _checked(keygrip: str) -> str:
    if not re.fullmatch("[0-9A-F]{40}", keygrip):
        raise KeysError("gpg gives no keygrip for this key.")
    return keygrip
