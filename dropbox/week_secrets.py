"""The secret halves of a reviewer's weekly HPKE keys, in the gpg home directory. Offline only.

    GNUPGHOME/hpke/2026-11-23.gpg   the secret of the week from this day on, sealed to that week's
                                    OpenPGP subkey alone
    GNUPGHOME/hpke/public           the public halves of all weeks, signed by the primary key

So a secret has the passphrase of its week's subkey, and ends with it: once the subkey is destroyed,
nothing opens the file, even where flash memory keeps an old copy of it.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Self

from dropbox.durable_file import erase, replace_file, sync_folder
from dropbox.errors import CannotOpen, Damaged, KeysError, NoKeyHere
from dropbox.hpke import SecretKey
from dropbox.openpgp import Opener
from dropbox.packets import PublicKey, dearmor
from dropbox.reviewer_key import (
    ReviewerKey,
    WeeklyKey,
    export_public,
    reviewer_key,
    seal_to_week,
    sign_on,
)
from dropbox.weekly_hpke import VALID, ReviewerWeeks, Week, verified

FOLDER = "hpke"
_PUBLIC = "public"
# Precedes the secret inside its OpenPGP message, so that no other message passes for one.
_HEAD = b"casedrop weekly HPKE secret 1\0"
_LENGTH_BYTES = 2
# A key that begins later has a signature dated that day, which the server alone must not accept
# yet.
_LATER = datetime(9000, 1, 1, tzinfo=UTC)


def first_day(week: WeeklyKey) -> date:
    """The UTC day on which a subkey's week begins."""
    return datetime.fromtimestamp(week.made, UTC).date()


def secret_path(home: Path, start: date) -> Path:
    """The file with the sealed HPKE secret of the week from *start* on."""
    return home / FOLDER / f"{start.isoformat()}.gpg"


@dataclass(frozen=True)
class SignedWeeks:
    """A reviewer's public file and the detached signature over it."""

    data: bytes
    signature: bytes

    @classmethod
    def read(cls, home: Path) -> Self:
        """What *home* holds, not verified. Raises KeysError if there is nothing, or only half."""
        try:
            stored = (home / FOLDER / _PUBLIC).read_bytes()
        except OSError:
            raise KeysError(
                f"There are no weekly HPKE keys in {home}; the ceremony's step `public` makes them "
                "for the weeks whose secrets are there."
            ) from None
        end = _LENGTH_BYTES + int.from_bytes(stored[:_LENGTH_BYTES], "big")
        return cls(stored[end:], stored[_LENGTH_BYTES:end])

    def store(self, home: Path) -> None:
        """Keep this in *home*, in one file: never a new list with an old signature."""
        length = len(self.signature).to_bytes(_LENGTH_BYTES, "big")
        replace_file(home / FOLDER / _PUBLIC, length + self.signature + self.data)


def signed_weeks(home: Path, fingerprint: str) -> SignedWeeks:
    """The public halves of all weeks of the key *fingerprint*, as the server will accept them.

    Raises KeysError.
    """
    stored = SignedWeeks.read(home)
    signer = PublicKey.read(dearmor(export_public(home, fingerprint)))
    verified(stored.data, stored.signature, signer, _LATER)
    return stored


def missing(home: Path, key: ReviewerKey) -> list[WeeklyKey]:
    """The weeks of *key* that have a secret in *home* and no HPKE key. Raises KeysError."""
    known = {week.start for week in _weeks(home, key)}
    return [week for week in key.weeks if week.secret and first_day(week) not in known]


def _weeks(home: Path, key: ReviewerKey) -> tuple[Week, ...]:
    if not (home / FOLDER / _PUBLIC).exists():
        return ()
    return ReviewerWeeks.from_bytes(signed_weeks(home, key.fingerprint).data).weeks


def add_missing(home: Path, *, today: date, passphrase: str) -> None:
    """Make an HPKE key for each week in *home* that has none, and sign the list of all of them.

    The signature is dated *today* (UTC), or the key's first day if it begins later: gpg signs
    nothing before that. An interrupted run can be repeated.

    Raises KeysError, CannotSeal or OSError.
    """
    key = reviewer_key(home)
    lacking = missing(home, key)
    if not lacking:
        return
    folder = home / FOLDER
    if not folder.exists():
        folder.mkdir(mode=0o700)
        sync_folder(home)
    weeks = [*_weeks(home, key), *(_made(home, week) for week in lacking)]
    data = ReviewerWeeks(
        key.fingerprint, tuple(sorted(weeks, key=lambda week: week.start))
    ).to_bytes()
    on = max(today, first_day(key.weeks[0]))
    signature = sign_on(home, on, key.fingerprint, data, passphrase=passphrase)
    # After the secrets: anything sealed to a public half without its secret would be lost.
    SignedWeeks(data, signature).store(home)


def _made(home: Path, week: WeeklyKey) -> Week:
    if week.expires - week.made != VALID.total_seconds():
        raise KeysError(f"The subkey of {first_day(week)} is not valid for {VALID.days} days.")
    secret = SecretKey.generate()
    sealed = seal_to_week(home, week, _HEAD + secret.raw)
    replace_file(secret_path(home, first_day(week)), sealed)
    return Week(first_day(week), secret.public)


def erase_secret(home: Path, start: date) -> None:
    """Erase the sealed HPKE secret of the week from *start* on, if there is one. Raises OSError."""
    path = secret_path(home, start)
    if path.exists():
        erase(path)


class WeekSecrets:
    """The HPKE secrets of one gpg home, each opened by gpg when first needed, then kept in memory.

    Raises KeysError when the home has none.
    """

    def __init__(self, home: Path, opener: Opener) -> None:
        self._home = home
        self._opener = opener
        # Not verified: each secret is compared with the key id by which it was asked for.
        weeks = ReviewerWeeks.from_bytes(SignedWeeks.read(home).data).weeks
        self._starts = {week.key.key_id: week.start for week in weeks}
        self._opened: dict[bytes, SecretKey] = {}

    def find(self, key_id: bytes) -> SecretKey | None:
        """The secret of the key *key_id*, None if it is another reviewer's.

        Raises NoKeyHere if it was destroyed or is on paper, CannotOpen if its passphrase was not
        given or its file is damaged.
        """
        start = self._starts.get(key_id)
        if start is None:
            return None
        if key_id not in self._opened:
            self._opened[key_id] = self._open(key_id, start)
        return self._opened[key_id]

    def _open(self, key_id: bytes, start: date) -> SecretKey:
        try:
            plain = self._opener.open(secret_path(self._home, start).read_bytes())
        except (OSError, NoKeyHere):
            raise NoKeyHere(
                f"The HPKE key of the week from {start} cannot be opened: its secret was "
                "destroyed, or it is on paper."
            ) from None
        except Damaged:
            raise CannotOpen(
                f"The file with the HPKE key of the week from {start} is damaged."
            ) from None
        try:
            secret = SecretKey(plain.removeprefix(_HEAD))
            whole = plain.startswith(_HEAD) and secret.public.key_id == key_id
        except (KeysError, ValueError):
            whole = False
        if not whole:
            raise CannotOpen(f"The file with the HPKE key of the week from {start} is damaged.")
        return secret
