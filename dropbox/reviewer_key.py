"""A reviewer's key in a gpg home: its weekly subkeys, making it, signing with it. Offline only.

It gets its subkeys for the weeks of a year on one day, so gpg is given each week's day as its time.
"""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from dropbox import gpg_command
from dropbox.errors import CannotSeal, KeysError
from dropbox.gpg_command import OFFLINE_OPTIONS, SEAL_OPTIONS


@dataclass(frozen=True)
class WeeklyKey:
    """One weekly encryption subkey: start and end (Unix seconds), and whether its secret key is
    here.
    """

    fingerprint: str
    keygrip: str
    made: int
    expires: int
    secret: bool


@dataclass(frozen=True)
class ReviewerKey:
    """The reviewer's key in a gpg home.

    *name* is its public name; *weeks* are in order of their start.
    """

    fingerprint: str
    keygrip: str
    name: str
    weeks: tuple[WeeklyKey, ...]


def reviewer_keys(home: Path) -> tuple[ReviewerKey, ...]:
    """Every key whose secret key is in *home*."""
    # Otherwise gpg would list neither the uses nor the days of a key that begins later.
    gpg = gpg_command.gpg_in(home, [*OFFLINE_OPTIONS, "--ignore-time-conflict"])
    return tuple(map(_reviewer_key, gpg.list_keys(secret=True)))


def reviewer_key(home: Path) -> ReviewerKey:
    """The key whose secret key is in *home*. Raises KeysError unless there is exactly one."""
    found = reviewer_keys(home)
    if len(found) != 1:
        raise KeysError(
            f"There are {len(found)} secret keys in {home}; it has to hold the key of one reviewer."
        )
    return found[0]


def _reviewer_key(key: Any) -> ReviewerKey:
    weeks = [
        # In the field that python-gnupg calls token, gpg marks an absent secret key with "#".
        WeeklyKey(
            subkey["fingerprint"],
            subkey["keygrip"],
            int(subkey["date"]),
            int(subkey["expires"]),
            secret=subkey["token"] == "+",  # noqa: S105 - gpg's field
        )
        for subkey in key.get("subkey_info", {}).values()
        if "e" in subkey["cap"] and subkey["expires"] and subkey["trust"] != "r"
    ]
    return ReviewerKey(
        key["fingerprint"],
        key["keygrip"],
        key["uids"][0],
        tuple(sorted(weeks, key=lambda week: week.made)),
    )


# Called with how many are made, and of how many.
Progress = Callable[[int, int], None]


def _quietly(done: int, total: int) -> None:
    """Report nothing."""


@contextmanager
def _whole() -> Iterator[None]:
    """Let Ctrl-C wait until this is over: a key is made whole or not at all.

    The terminal sends it to gpg too, which inherits the blocked signal.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def make_reviewer_key(
    home: Path,
    *,
    name: str,
    weeks: int,
    start: date,
    passphrase: str,
    progress: Progress = _quietly,
) -> str:
    """Make a reviewer's key in *home*: Ed25519 to certify and sign, *weeks* weekly cv25519 subkeys.

    The first subkey starts on *start* (UTC midnight), the others every seven days after it. Each is
    valid for 14 days, so two are valid at any time. With an empty *passphrase* the key has none.
    Returns the fingerprint. Raises KeysError.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    # python-gnupg's own parameters would put this user's and this computer's name into the public
    # key. No expiry: the pin file and the weekly subkeys limit the key's use.
    parameters = [
        "Key-Type: EDDSA",
        "Key-Curve: ed25519",
        "Key-Usage: cert,sign",
        f"Name-Real: {name}",
        "Expire-Date: 0",
        f"Passphrase: {passphrase}" if passphrase else "%no-protection",
        "%commit",
    ]
    with _whole():
        made = _gpg_on(home, start, passphrase).gen_key("\n".join(parameters) + "\n")
    if not made.fingerprint:
        raise KeysError("gpg did not make the key.")
    fingerprint = str(made.fingerprint)
    add_weeks(
        home,
        fingerprint,
        [start + timedelta(weeks=week) for week in range(weeks)],
        passphrase=passphrase,
        progress=progress,
    )
    return fingerprint


def add_weeks(
    home: Path,
    fingerprint: str,
    starts: Sequence[date],
    *,
    passphrase: str,
    progress: Progress = _quietly,
) -> None:
    """Add to the key *fingerprint* a subkey for 14 days from each day in *starts* (UTC midnight).

    Raises KeysError saying how many were made; those remain.
    """
    for count, start in enumerate(starts):
        # gpg can only make a key that starts later if it is given a fake time.
        gpg = _gpg_on(home, start, passphrase)
        secret = {"master_passphrase": passphrase} if passphrase else {}
        with _whole():
            added = gpg.add_subkey(
                fingerprint, algorithm="cv25519", usage="encr", expire="14d", **secret
            )
        if added.returncode != 0:
            raise KeysError(
                f"gpg made {count} of {len(starts)} weekly keys and refused the next: "
                "is the passphrase right?"
            )
        progress(count + 1, len(starts))


def _gpg_on(home: Path, day: date, passphrase: str) -> Any:
    """gpg with *day* as its date. It receives a passphrase through a pipe."""
    at = ["--faked-system-time", f"{day:%Y%m%d}T000000!", "--ignore-time-conflict"]
    unprotected = [] if passphrase else ["--pinentry-mode", "loopback", "--passphrase", ""]
    gpg = gpg_command.gpg_in(home, ["--no-options", "--disable-dirmngr", *at, *unprotected])
    gpg.encoding = "utf-8"
    return gpg


def seal_to_week(home: Path, week: WeeklyKey, data: bytes) -> bytes:
    """*data* sealed to this subkey alone, as if on a day when it was valid. Raises CannotSeal."""
    at = datetime.fromtimestamp(week.made, UTC).date() + timedelta(days=1)
    result = _gpg_on(home, at, "").encrypt(
        data, [week.fingerprint + "!"], armor=False, always_trust=True, extra_args=SEAL_OPTIONS
    )
    if not result.ok or result.returncode != 0:
        raise CannotSeal
    return bytes(result.data)


def signing(
    gpg: Any, data: bytes, fingerprint: str, passphrase: str | None = None
) -> tuple[bytes, list[list[bytes]]]:
    """A binary detached signature, b"" if gpg made none, and the words of gpg's status lines."""
    # python-gnupg's keyid would become --default-key: if that key is missing, gpg uses another.
    signer = ["--local-user", fingerprint + "!"]
    result = gpg.sign(
        data,
        passphrase=passphrase,
        detach=True,
        binary=True,
        clearsign=False,
        extra_args=signer,
    )
    status = [line.encode().split() for line in str(result.stderr).splitlines()]
    return (bytes(result.data) if result.data and result.returncode == 0 else b""), status


def sign_on(home: Path, day: date, fingerprint: str, data: bytes, *, passphrase: str) -> bytes:
    """A binary detached signature over *data* by the primary key *fingerprint*, dated *day*.

    A ceremony already has the *passphrase*, so no window asks for it again. Raises KeysError.
    """
    signature, _ = signing(_gpg_on(home, day, passphrase), data, fingerprint, passphrase or None)
    if not signature:
        raise KeysError("gpg could not sign the weekly keys: is the passphrase right?")
    return signature


def export_public(home: Path, fingerprint: str) -> bytes:
    """The public key *fingerprint* in *home*, ASCII-armored. Raises KeysError if absent."""
    armored = gpg_command.gpg_in(home, OFFLINE_OPTIONS).export_keys(fingerprint)
    if not armored:
        raise KeysError("There is no such key here.")
    return str(armored).encode("ascii")
