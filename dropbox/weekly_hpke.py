"""The reviewers' weekly HPKE keys: their public halves, pinned by a signature of the primary key.

Beside ``NAME.asc`` two files belong to a reviewer: ``NAME.hpke``, canonical JSON with the public
key of each week, and ``NAME.hpke.sig``, a detached OpenPGP signature over it. A week's key is valid
for the same 14 days as that week's OpenPGP subkey. Nothing here needs gpg.
"""

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

from dropbox import canonical_json
from dropbox.errors import BadPacket, KeysError
from dropbox.hpke import PublicKey
from dropbox.packets import PublicKey as SigningKey
from dropbox.packets import verify_detached
from dropbox.pinned_keys import read_pinned_keys, read_pins
from dropbox.system_error import explained

# In the signed bytes, so that this signature cannot be mistaken for one over anything else.
FORMAT = "casedrop weekly HPKE keys"
VERSION = 1
VALID = timedelta(days=14)
# 20 years of weeks take 1.8 MB.
MAX_BYTES = 4 * 2**20
MAX_SIGNATURE_BYTES = 4_096


@dataclass(frozen=True)
class Week:
    """A week's public key, valid from the UTC day ``start`` on, for 14 days."""

    start: date
    key: PublicKey

    def valid(self, day: date) -> bool:
        """Whether something may be sealed to it on *day* (UTC)."""
        return timedelta(0) <= day - self.start < VALID


@dataclass(frozen=True)
class ReviewerWeeks:
    """All weekly keys of the reviewer whose primary key is ``fingerprint``, by their start.

    Raises KeysError for a week or key that appears twice, and for weeks out of order.
    """

    fingerprint: str
    weeks: tuple[Week, ...]

    def __post_init__(self) -> None:
        starts = [week.start for week in self.weeks]
        for start, following in pairwise(starts):
            if start == following:
                raise KeysError(f"It has two keys for the week from {start}.")
        if starts != sorted(starts):
            raise KeysError("Its weeks are not in order.")
        if len({week.key.key_id for week in self.weeks}) != len(self.weeks):
            raise KeysError("It has one key for two weeks.")

    def current(self, day: date) -> Week | None:
        """The newest week valid on *day* (UTC), as with the OpenPGP subkeys; None if none is."""
        return next((week for week in reversed(self.weeks) if week.valid(day)), None)

    def to_bytes(self) -> bytes:
        """The public file, which the primary key signs: canonical JSON in ASCII."""
        return canonical_json.encode(
            {
                "format": FORMAT,
                "version": VERSION,
                "fingerprint": self.fingerprint,
                "weeks": [
                    {
                        "start": week.start.isoformat(),
                        "key": b64encode(week.key.raw).decode("ascii"),
                    }
                    for week in self.weeks
                ],
            },
            ascii_only=True,
        )

    @classmethod
    def from_bytes(cls, untrusted: bytes) -> Self:
        """The file of :meth:`to_bytes`. Raises KeysError for anything else."""
        try:
            body = json.loads(untrusted)
            weeks = tuple(map(_week, body["weeks"]))
            read = cls(body["fingerprint"], weeks)
            # Anything else that JSON would allow, and another format or version.
            whole = read.to_bytes() == untrusted
        except (ValueError, KeyError, TypeError, RecursionError):
            whole = False
        if not whole:
            raise KeysError("It is damaged, or of a version that cannot be read here.")
        return read


def _week(entry: Any) -> Week:
    return Week(
        date.fromisoformat(entry["start"]), PublicKey(b64decode(entry["key"], validate=True))
    )


@dataclass(frozen=True)
class WeeklyHpke:
    """The weekly HPKE keys of all pinned reviewers, in the order of their pins."""

    reviewers: tuple[ReviewerWeeks, ...]

    @classmethod
    def load(cls, keys: Path, now: datetime) -> Self:
        """Read and check ``NAME.hpke`` and ``NAME.hpke.sig`` of every reviewer pinned in *keys*.

        Raises KeysError naming the file. Refuses a file that is missing, damaged, another
        reviewer's, not pinned, not signed by this reviewer's primary key or without a key valid at
        *now*, and a key that two reviewers share.
        """
        signers = {key.fingerprint: key for key in read_pinned_keys(keys)}
        names = {fingerprint: file_name(pin) for fingerprint, pin in read_pins(keys).items()}
        pinned = {name + end for name in names.values() for end in ("", ".sig")}
        unpinned = sorted({file.name for file in keys.glob("*.hpke*")} - pinned)
        if unpinned:
            raise KeysError(f"{unpinned[0]} in {keys} belongs to no key pinned in FINGERPRINTS.")
        seen: dict[bytes, str] = {}
        read = []
        for fingerprint, name in names.items():
            weeks = _read(keys, name, signers[fingerprint], now)
            if weeks.current(now.date()) is None:
                raise KeysError(
                    f"{name} in {keys} has no key valid today; nothing could be sealed to it."
                )
            for week in weeks.weeks:
                other = seen.setdefault(week.key.key_id, name)
                if other != name:
                    raise KeysError(f"{name} in {keys} has a key that is also in {other}.")
            read.append(weeks)
        return cls(tuple(read))

    def current(self, day: date) -> tuple[PublicKey, ...]:
        """Each reviewer's key for what is sealed on *day* (UTC).

        Raises KeysError if a reviewer has none.
        """
        chosen = [one.current(day) for one in self.reviewers]
        found = tuple(week.key for week in chosen if week is not None)
        if len(found) != len(chosen):
            raise KeysError(f"A reviewer has no HPKE key valid on {day}.")
        return found

    def last_day(self) -> date:
        """The last UTC day on which every reviewer still has a valid key."""
        starts = [one.weeks[-1].start for one in self.reviewers]
        return min(starts) + VALID - timedelta(days=1)


def file_name(pinned: str) -> str:
    """The file with the weekly HPKE keys beside the public key file *pinned*, ``NAME.asc``."""
    return pinned.removesuffix(".asc") + ".hpke"


def verified(data: bytes, signature: bytes, signer: SigningKey, now: datetime) -> ReviewerWeeks:
    """The public file *data*, signed by *signer*, whose weeks it has to hold. Raises KeysError."""
    try:
        verify_detached(data, signature, (signer,), now)
    except BadPacket as why:
        raise KeysError(f"It is not signed by its reviewer: {why}") from None
    weeks = ReviewerWeeks.from_bytes(data)
    if weeks.fingerprint != signer.fingerprint:
        raise KeysError("It holds the weeks of another reviewer.")
    return weeks


def _read(keys: Path, name: str, signer: SigningKey, now: datetime) -> ReviewerWeeks:
    untrusted = _bounded(keys / name, MAX_BYTES)
    signature = _bounded(keys / f"{name}.sig", MAX_SIGNATURE_BYTES)
    try:
        return verified(untrusted, signature, signer, now)
    except KeysError as why:
        raise KeysError(f"{name} in {keys} cannot be used: {why}") from None


def _bounded(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            untrusted = file.read(limit + 1)
    except FileNotFoundError:
        raise KeysError(
            f"{path.name} in {path.parent} is missing; the key ceremony writes it beside the "
            "reviewer's public key."
        ) from None
    except OSError as why:
        raise KeysError(f"{path.name} in {path.parent} cannot be read: {explained(why)}") from None
    if len(untrusted) > limit:
        raise KeysError(f"{path.name} in {path.parent} is longer than such a file can be.")
    return untrusted
