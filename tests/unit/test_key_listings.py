"""Which keys and subkeys of gpg's listing are used: gpg's words for each are given, without gpg."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from dropbox.errors import CannotSeal, KeysError
from dropbox.openpgp import Opener, Reviewers, _encryption_subkeys
from dropbox.reviewer_key import WeeklyKey, _reviewer_key, export_public

PRIMARY, SIGNING, WEEKLY = "A" * 40, "B" * 40, "C" * 40
DAY = 86_400
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


class Listing:
    """gpg, as far as it lists keys."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        self._keys = keys

    def list_keys(self) -> list[dict[str, Any]]:
        return list(self._keys)


def subkey(fingerprint: str = WEEKLY, **changes: str) -> dict[str, str]:
    """A weekly subkey as python-gnupg lists it: from 100 s to 200 s after 1970."""
    usual = {"cap": "e", "trust": "u", "algo": "18", "date": "100", "expires": "200"}
    names = {"keyid": fingerprint[-16:], "fingerprint": fingerprint, "keygrip": "G", "token": "+"}
    return {**usual, **names, **changes}


def key(*subkeys: dict[str, str], **changes: str) -> dict[str, Any]:
    return {
        "fingerprint": PRIMARY,
        "keygrip": "P",
        "uids": ["a reviewer"],
        "trust": "u",
        "subkeys": [[one["keyid"], one["cap"], one["fingerprint"]] for one in subkeys],
        "subkey_info": {one["keyid"]: one for one in subkeys},
        **changes,
    }


def found(*keys: dict[str, Any]) -> list[tuple[str, int, int]]:
    subkeys = _encryption_subkeys(Listing(*keys), PRIMARY, "a.asc")
    return [(one.fingerprint, one.made, one.expires) for one in subkeys]


def test_an_encryption_subkey_is_used_with_its_days_and_its_whole_fingerprint() -> None:
    signing = subkey(SIGNING, cap="s")

    assert found(key(signing, subkey())) == [(WEEKLY, 100, 200)]
    assert found(key(signing)) == [] == found(key())


@pytest.mark.parametrize("trust", ["e", "r", "d", "i"])
def test_a_key_that_gpg_does_not_trust_stops_the_start(trust: str) -> None:
    with pytest.raises(KeysError, match=r"a\.asc has expired or was revoked"):
        found(key(subkey(), trust=trust))


@pytest.mark.parametrize("trust", ["r", "d", "i"])
def test_a_subkey_that_gpg_does_not_trust_is_left_out(trust: str) -> None:
    assert found(key(subkey(SIGNING, trust=trust), subkey())) == [(WEEKLY, 100, 200)]


def test_a_subkey_that_is_over_or_not_known_to_be_good_is_judged_by_its_days() -> None:
    for trust in ("e", "-", "q"):
        assert found(key(subkey(trust=trust), trust="-")) == [(WEEKLY, 100, 200)]


@pytest.mark.parametrize("listed", [(), (key(fingerprint=SIGNING),), (key(), key())])
def test_a_key_that_gpg_has_not_imported_once_stops_the_start(
    listed: tuple[dict[str, Any], ...],
) -> None:
    with pytest.raises(KeysError, match=r"gpg rejects the key in a\.asc"):
        found(*listed)


@pytest.mark.parametrize(
    ("changes", "why"), [({"algo": "1"}, "not cv25519"), ({"expires": ""}, "never expires")]
)
def test_any_unfit_subkey_stops_the_start(changes: dict[str, str], why: str) -> None:
    with pytest.raises(KeysError, match=rf"a\.asc .*{why}"):
        found(key(subkey(SIGNING), subkey(**changes)))


def test_one_reviewer_alone_is_sealed_to_only_if_known() -> None:
    reviewers = Reviewers(None, {PRIMARY: (), SIGNING: ()}, lambda: NOON)

    assert reviewers.alone(SIGNING).fingerprints == (SIGNING,)
    with pytest.raises(CannotSeal, match=WEEKLY):
        reviewers.alone(WEEKLY)


def test_a_reviewers_weeks_are_those_that_encrypt_and_end_in_their_order() -> None:
    later = subkey(SIGNING, date="150", expires="250", token="#")
    left_out = [
        subkey("D" * 40, cap="s"),
        subkey("E" * 40, expires=""),
        subkey("F" * 40, trust="r"),
    ]
    made = _reviewer_key(key(later, *left_out, subkey()))

    assert (made.fingerprint, made.keygrip, made.name) == (PRIMARY, "P", "a reviewer")
    assert made.weeks == (
        WeeklyKey(WEEKLY, "G", 100, 200, secret=True),
        WeeklyKey(SIGNING, "G", 150, 250, secret=False),
    )


@pytest.mark.parametrize(
    ("made", "expires", "secret", "has"),
    [
        (0, DAY, True, True),
        (DAY - 1, 2 * DAY, True, True),
        (DAY, 2 * DAY, True, False),
        (-DAY, 1, True, True),
        (-DAY, 0, True, False),
        (0, DAY, False, False),
    ],
)
def test_a_week_is_here_if_it_was_valid_at_any_moment_of_the_day_and_its_secret_is(
    made: int, expires: int, secret: bool, has: bool
) -> None:
    day = date(2026, 11, 26)
    begin = int(datetime(2026, 11, 26, tzinfo=UTC).timestamp())
    opener = Opener.__new__(Opener)
    opener.__dict__["_weeks"] = (WeeklyKey(WEEKLY, "G", begin + made, begin + expires, secret),)

    assert opener.has_week(day) == has


def test_a_key_that_is_not_here_is_not_exported_as_nothing(gpg_home: Path) -> None:
    gpg_home.mkdir(mode=0o700)
    with pytest.raises(KeysError, match="no such key"):
        export_public(gpg_home, PRIMARY)
