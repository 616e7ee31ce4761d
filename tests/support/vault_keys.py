"""Reviewers' weekly HPKE keys for a vault in tests, without a ceremony, and what they open."""

from collections.abc import Sequence
from datetime import date, timedelta

from dropbox.block import Kind, open_block
from dropbox.day_key import DayKeyRecord
from dropbox.errors import CannotOpen
from dropbox.hpke import SecretKey
from dropbox.tombstone import Tombstone
from dropbox.weekly_hpke import ReviewerWeeks, Week, WeeklyHpke
from support.day_stores import START

SECRETS = [SecretKey(bytes([number]) * 96) for number in (1, 2)]
# They are valid from the day before START's, for 14 days.
FIRST = START.date() - timedelta(days=1)
LAST = FIRST + timedelta(days=13)
WEEKLY = WeeklyHpke(
    tuple(
        ReviewerWeeks(letter * 40, (Week(FIRST, secret.public),))
        for letter, secret in zip("AB", SECRETS, strict=True)
    )
)


def opened(records: Sequence[tuple[date, bytes]] | Sequence[bytes]) -> list[bytes]:
    """The day keys in these records, as the second reviewer opens them."""
    raw = [one if isinstance(one, bytes) else one[1] for one in records]
    find = {SECRETS[1].public.key_id: SECRETS[1]}.get
    return [DayKeyRecord.from_bytes(one).open(find).key for one in raw]


def tombstone_in(block: bytes, keys: Sequence[bytes]) -> Tombstone | None:
    """The tombstone in *block*, None if none of *keys* opens one."""
    try:
        found = open_block(block, keys)
    except CannotOpen:
        return None
    assert found.kind is Kind.TOMBSTONE
    return Tombstone.from_content(found.content)
