"""gpg-agent, which holds the secret keys of a gpg home: passphrases, deleting a key, stopping it.

Offline only. The agent asks for passphrases in its own pinentry window; they are never in a command
line or a file.
"""

import errno
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from dropbox.durable_file import erase
from dropbox.errors import KeysError

_NO_CACHE = "X"
# An agent ends within milliseconds, unless the machine is very busy.
_END_SECONDS, _POLL_SECONDS = 5.0, 0.005
# GnuPG's programs that are run, and the Debian packages that contain them.
_PROGRAMS = {
    "gpg": "gnupg",
    "gpg-agent": "gpg-agent",
    "gpg-connect-agent": "gpgconf",
    "gpgconf": "gpgconf",
}


def refuse_missing(*programs: str) -> None:
    """Raise KeysError if one of *programs*, by default all of GnuPG's, is not on this computer."""
    for program in programs or _PROGRAMS:
        if shutil.which(program) is None:
            raise KeysError(
                f"{program} is not on this computer; it is in the Debian package "
                f"{_PROGRAMS[program]}."
            )


def refuse_closed(home: Path) -> None:
    """Raise PermissionError if this user may not read *home*, in which gpg would list no key."""
    if home.is_dir() and not os.access(home, os.R_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(home))


def _ask(home: Path, command: str) -> list[str]:
    """Send one command to the agent; return the lines of its answer. Raises KeysError unless OK."""
    try:
        done = subprocess.run(
            ["gpg-connect-agent", "--homedir", str(home), command, "/bye"],
            check=False,
            capture_output=True,
            text=True,
        )
    except OSError:
        refuse_missing("gpg-connect-agent")
        raise KeysError("gpg-connect-agent cannot be started.") from None
    lines = done.stdout.splitlines()
    if not lines or not lines[-1].startswith("OK"):
        # The agent's own text contains no secret, but otherwise depends on the system and language.
        raise KeysError(
            "gpg's agent refused: the passphrase window was closed, or the secret key is not here."
        )
    return lines


def ask_passphrase(home: Path, *, new: bool = False, what: str = "") -> str:
    """The passphrase typed into gpg's own window, twice if it is *new*.

    *what* is the window's text. Raises KeysError if it cannot be used.
    """
    what = what or (
        "Choose the passphrase for this reviewer's key."
        if new
        else "The passphrase of this reviewer's key."
    )
    what = what.replace(" ", "+")
    options = "--repeat=1 --check --qualitybar" if new else ""
    answer = _ask(home, f"GET_PASSPHRASE {options} {_NO_CACHE} {_NO_CACHE} Passphrase: {what}")[-1]
    try:
        passphrase = bytes.fromhex(answer.removeprefix("OK")).decode("utf-8")
    except ValueError:
        raise KeysError("The passphrase is not UTF-8.") from None
    # gpg strips the passphrase of a new key, which it reads from a line, but not of an old one.
    if not passphrase or passphrase != passphrase.strip() or not passphrase.isprintable():
        raise KeysError("A passphrase cannot be empty, and cannot begin or end with a space.")
    return passphrase


def is_protected(home: Path, keygrip: str) -> bool:
    """Whether the secret key *keygrip* (40 hex digits) has a passphrase.

    Raises KeysError if absent.
    """
    lines = _ask(home, f"KEYINFO {_checked(keygrip)}")
    return lines[0].split()[7:8] != ["C"]


def secret_file(home: Path, keygrip: str) -> Path:
    """The agent's file for the secret key *keygrip*: documented, and the same since gpg 2.1."""
    return home / "private-keys-v1.d" / f"{_checked(keygrip)}.key"


def delete_secret(home: Path, keygrip: str) -> None:
    """Delete one secret key and overwrite its bytes (:func:`erase`); durable when this returns.

    Flash memory keeps old copies: there, only the disk's encryption and the key's passphrase
    protect them. Raises KeysError or OSError if the key is absent, or still present afterwards.
    """
    path = secret_file(home, keygrip)
    # The agent itself unlinks the file, and forgets the key.
    erase(path, remove=lambda _: _ask(home, f"DELETE_KEY --force {keygrip}"))
    if path.exists():
        raise KeysError(
            "gpg's agent reports that it deleted the secret key, but the file still exists."
        )


def stop_agent(home: Path) -> bool:
    """Stop the gpg-agent of *home*, which caches passphrases in memory, and wait for its end.

    Returns whether it has stopped. An agent that is ending still takes connections, and gpg would
    find no secret key there.
    """
    done = subprocess.run(
        # What gpgconf --kill sends; it does not wait.
        [
            "gpg-connect-agent",
            "--no-autostart",
            "--homedir",
            str(home),
            "GETINFO pid",
            "KILLAGENT",
            "/bye",
        ],
        check=False,
        capture_output=True,
    )
    found = re.search(rb"^D ([0-9]+)$", done.stdout, re.MULTILINE)
    deadline = time.monotonic() + _END_SECONDS
    while found and _runs(int(found[1])) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return not (found and _runs(int(found[1])))


def _runs(process: int) -> bool:
    """Whether there is such a process; one that has ended and is not reaped yet has no command."""
    try:
        return bool(Path(f"/proc/{process}/cmdline").read_bytes())
    except OSError:
        return False


def _checked(keygrip: str) -> str:
    if not re.fullmatch("[0-9A-F]{40}", keygrip):
        raise KeysError("gpg reports no keygrip for this key.")
    return keygrip
