"""Day keys: a front's blocks are sealed under one for a day; it is sealed to every reviewer itself.

A day key exists only in the memory of the process that made it, and in its record, which the vault
keeps and every reviewer's HPKE key of the week opens.

    record = id (16) | day (4, days since 1970) | number of reviewers (1) | an entry for each
    entry  = key id (8) | the day key sealed by HPKE (1,168)

The entries are sorted by key id, so that the same record has the same bytes.
"""

import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Self

from dropbox.errors import BadDayKey, NoKeyHere
from dropbox.hpke import KEY_ID_BYTES, OVERHEAD_BYTES, PublicKey, SecretKey
from dropbox.sizes import ID_BYTES, MAX_REVIEWERS

KEY_BYTES = 32
SEALED_BYTES = KEY_BYTES + OVERHEAD_BYTES
_DAY_BYTES = 4
_HEAD_BYTES = ID_BYTES + _DAY_BYTES + 1
_ENTRY_BYTES = KEY_ID_BYTES + SEALED_BYTES
_EPOCH = date(1970, 1, 1)
_INFO = b"casedrop day key 2\0"


def record_bytes(reviewers: int) -> int:
    """The length of a record for this number of reviewers."""
    return _HEAD_BYTES + reviewers * _ENTRY_BYTES


@dataclass(frozen=True, repr=False)
class DayKey:
    """A key of KEY_BYTES for the blocks of one UTC day, and its public id. No repr."""

    id: bytes
    day: date
    key: bytes

    @classmethod
    def make(cls, day: date) -> Self:
        """A fresh key for *day*."""
        return cls(secrets.token_bytes(ID_BYTES), day, secrets.token_bytes(KEY_BYTES))

    def seal(self, reviewers: Sequence[PublicKey]) -> "DayKeyRecord":
        """Its record: sealed to each of *reviewers*, the HPKE keys of its day.

        Raises CannotSeal, or BadDayKey if there are none or too many, or one appears twice.
        """
        info = _info(self.id, self.day)
        entries = [(one.key_id, one.seal(self.key, info)) for one in reviewers]
        return DayKeyRecord(self.id, self.day, tuple(sorted(entries)))


def _info(id: bytes, day: date) -> bytes:
    return _INFO + day.isoformat().encode("ascii") + b"\0" + id


@dataclass(frozen=True)
class DayKeyRecord:
    """A sealed day key: for each reviewer the id of an HPKE key, and the day key sealed to it.

    Raises BadDayKey unless the entries are in order, have the right lengths, and appear only once.
    """

    id: bytes
    day: date
    entries: tuple[tuple[bytes, bytes], ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.entries) <= MAX_REVIEWERS or len(self.id) != ID_BYTES:
            raise BadDayKey
        if any(
            (len(key_id), len(sealed)) != (KEY_ID_BYTES, SEALED_BYTES)
            for key_id, sealed in self.entries
        ):
            raise BadDayKey
        if any(one[0] >= two[0] for one, two in pairwise(self.entries)):
            raise BadDayKey
        if self.day < _EPOCH:
            raise BadDayKey

    def to_bytes(self) -> bytes:
        """The record, of record_bytes(number of entries)."""
        return b"".join(
            [
                self.id,
                (self.day - _EPOCH).days.to_bytes(_DAY_BYTES, "big"),
                bytes([len(self.entries)]),
                *(key_id + sealed for key_id, sealed in self.entries),
            ]
        )

    @classmethod
    def from_bytes(cls, untrusted: bytes) -> Self:
        """The record of :meth:`to_bytes`. Raises BadDayKey for anything else."""
        head = untrusted[:_HEAD_BYTES]
        if len(head) != _HEAD_BYTES or len(untrusted) != record_bytes(head[-1]):
            raise BadDayKey
        try:
            day = _EPOCH + timedelta(int.from_bytes(head[ID_BYTES:-1], "big"))
        except OverflowError:
            raise BadDayKey from None
        starts = range(_HEAD_BYTES, len(untrusted), _ENTRY_BYTES)
        entries = (
            (
                untrusted[start : start + KEY_ID_BYTES],
                untrusted[start + KEY_ID_BYTES : start + _ENTRY_BYTES],
            )
            for start in starts
        )
        return cls(head[:ID_BYTES], day, tuple(entries))

    def require(self, reviewers: Collection[PublicKey]) -> None:
        """Raise BadDayKey unless it is sealed to exactly these *reviewers*' keys.

        What was sealed under a day key that a reviewer lacks would be lost to that reviewer.
        """
        if {key_id for key_id, _ in self.entries} != {one.key_id for one in reviewers}:
            raise BadDayKey("This day key is not sealed to exactly the expected reviewers.")

    def open(self, find: Callable[[bytes], SecretKey | None]) -> DayKey:
        """The day key, with the secret that *find* has for one of the key ids.

        Raises NoKeyHere if it has none, Damaged if the record was altered, or what *find* raises.
        """
        for key_id, sealed in self.entries:
            secret = find(key_id)
            if secret is not None:
                return DayKey(self.id, self.day, secret.open(sealed, _info(self.id, self.day)))
        raise NoKeyHere("This day key is sealed to none of the HPKE keys on this workstation.")
