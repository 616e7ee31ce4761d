"""Version 2 of the reply bundle: it comes back whole, bound to its drop, desk and reviewer."""

import json
import lzma
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from fuzz.openpgp import NOW, REVIEWER, detached

from dropbox.errors import BadBundle
from dropbox.packets import PublicKey
from dropbox.reply_bundle import (
    MAX_ACKNOWLEDGED,
    MAX_BYTES,
    MAX_REPLIES,
    NUMBER_STEP,
    Acknowledged,
    ReplyBundle,
    SealedReply,
    read_replies,
    write_replies,
)
from dropbox.sizes import REPLY_BYTES
from dropbox.tar_members import END, member

ONION, CAMPAIGN = "a" * 56 + ".onion", "wechat-2020"
TODAY = NOW.date()
VECTORS = Path(__file__).parents[1] / "vectors" / "bundle"
BUNDLE = ReplyBundle(
    onion=ONION,
    campaign=CAMPAIGN,
    desk=1,
    reviewer=REVIEWER.fingerprint,
    number=5,
    made=TODAY,
    expires=TODAY + timedelta(days=30),
    keep_until=TODAY + timedelta(days=400),
    replies=tuple(SealedReply(bytes([n]) * 16, bytes([n]) * REPLY_BYTES) for n in range(3)),
    acknowledged=(Acknowledged(b"v" * 16, 8, b"h" * 32), Acknowledged(b"v" * 16, 9, b"i" * 32)),
)


def read(
    data: bytes, *, onion: str = ONION, campaign: str = CAMPAIGN, now: datetime = NOW
) -> ReplyBundle:
    return read_replies(data, (REVIEWER,), onion=onion, campaign=campaign, now=now)


def written(**changes: Any) -> bytes:
    return write_replies(replace(BUNDLE, **changes), detached)


def signed(manifest: bytes, content: bytes = BUNDLE._content()) -> bytes:
    return (
        member("manifest.json", manifest)
        + member("manifest.sig", detached(manifest))
        + member("replies", content)
        + END
    )


def test_a_reply_bundle_comes_back_whole() -> None:
    assert read(written()) == BUNDLE
    assert read(written(replies=(), acknowledged=())).replies == ()
    assert read(written(desk=0)).desk == 0


def test_it_is_taken_by_one_drop_and_campaign_and_from_the_reviewer_who_signs() -> None:
    with pytest.raises(BadBundle, match="another onion"):
        read(written(), onion="b" * 56 + ".onion")
    with pytest.raises(BadBundle, match="another campaign"):
        read(written(), campaign="dam-2024")
    with pytest.raises(BadBundle, match="signed by another reviewer"):
        read(written(reviewer="B" * 40))
    other = PublicKey("C" * 40, REVIEWER.ed25519)
    with pytest.raises(BadBundle, match="not by a pinned reviewer"):
        read_replies(written(), (other,), onion=ONION, campaign=CAMPAIGN, now=NOW)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"expires": TODAY}, ""),
        ({"expires": TODAY - timedelta(days=1)}, "expired on"),
        ({"made": TODAY + timedelta(days=1)}, ""),
        ({"made": TODAY + timedelta(days=2)}, "dated in the future"),
        ({"expires": TODAY + timedelta(days=92)}, ""),
        ({"expires": TODAY + timedelta(days=93)}, "longer than 92 days"),
        ({"expires": date.max}, "longer than 92 days"),
        ({"keep_until": TODAY + timedelta(days=401)}, "at most 400 days"),
        ({"keep_until": date.max}, "at most 400 days"),
        ({"keep_until": TODAY}, ""),
        ({"keep_until": TODAY - timedelta(days=1)}, "at most 400 days"),
    ],
    ids=str,
)
def test_its_days_are_bounded(changes: dict[str, date], sentence: str) -> None:
    data = written(**changes)
    if not sentence:
        assert read(data) == replace(BUNDLE, **changes)  # type: ignore[arg-type]
        return
    with pytest.raises(BadBundle, match=sentence):
        read(data)


def test_the_last_day_is_a_day_in_utc() -> None:
    last = datetime(2026, 12, 24, 23, 59, 59, tzinfo=UTC)
    assert read(written(), now=last) == BUNDLE
    assert read(written(), now=last.astimezone(timezone(timedelta(hours=14)))) == BUNDLE
    with pytest.raises(BadBundle, match="expired"):
        read(written(), now=last + timedelta(seconds=1))


@pytest.mark.parametrize(
    ("number", "last", "sentence"),
    [
        (1, None, ""),
        (6, 5, ""),
        (5, 5, "not newer than 5"),
        (4, 5, "not newer than 5"),
        (NUMBER_STEP, None, ""),
        (NUMBER_STEP + 1, None, "skips more than 1000 numbers after 0"),
        (5 + NUMBER_STEP, 5, ""),
        (6 + NUMBER_STEP, 5, "skips more than 1000 numbers after 5"),
        (2**63 - 1, 5, "skips more than"),
    ],
)
def test_nobody_can_use_up_the_numbers_that_follow(
    number: int, last: int | None, sentence: str
) -> None:
    bundle = read(written(number=number))
    if not sentence:
        bundle.check_follows(last)
        return
    with pytest.raises(BadBundle, match=sentence):
        bundle.check_follows(last)


def altered(**changes: Any) -> bytes:
    body = json.loads(BUNDLE.manifest()) | changes
    kept = {name: value for name, value in body.items() if value is not ...}
    return json.dumps(kept, sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "changes",
    [
        {"number": 0},
        {"number": "5"},
        {"number": 2**63},
        {"desk": -1},
        {"desk": True},
        {"count": 2},
        {"sha256": "00" * 32},
        {"made": "20261124"},
        {"expires": ...},
        {"onion": 1},
        {"more": 1},
        {"acknowledged": [["76" * 16, 8, "68" * 31]]},
        {"acknowledged": [["76" * 15, 8, "68" * 32]]},
        {"acknowledged": [["76" * 16, 0, "68" * 32]]},
        {"acknowledged": [["76" * 16, 8]]},
        {"acknowledged": [["76" * 16, 8, "68" * 32]] * 2},
    ],
    ids=str,
)
def test_a_signed_manifest_that_this_version_does_not_write_is_refused(
    changes: dict[str, Any],
) -> None:
    assert read(signed(altered())) == BUNDLE

    with pytest.raises(BadBundle, match=r"damaged|not those named|repeated"):
        read(signed(altered(**changes)))


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (altered(format="casedrop-export-head"), "not a reply bundle"),
        (altered(version=1), "another version"),
        (b"[]", "not a reply bundle"),
        (b"[" * 100_000, "damaged"),
    ],
    ids=["other format", "older", "a list", "deep"],
)
def test_something_else_that_is_signed_is_no_reply_bundle(body: bytes, sentence: str) -> None:
    with pytest.raises(BadBundle, match=sentence):
        read(signed(body))


def test_replies_that_are_cut_off_or_repeated_are_refused() -> None:
    with pytest.raises(BadBundle, match="repeated"):
        read(written(replies=(BUNDLE.replies[0],) * 2))
    with pytest.raises(BadBundle, match="cut off"):
        read(signed(BUNDLE.manifest(), BUNDLE._content()[:-1]))
    with pytest.raises(BadBundle, match="not those named"):
        read(signed(BUNDLE.manifest(), BUNDLE._content()[: -REPLY_BYTES - 16]))


@pytest.mark.slow
def test_as_many_as_allowed_are_taken_and_no_more() -> None:
    def replies(count: int) -> tuple[SealedReply, ...]:
        return tuple(SealedReply(n.to_bytes(16, "big"), bytes(REPLY_BYTES)) for n in range(count))

    def acknowledged(count: int) -> tuple[Acknowledged, ...]:
        return tuple(Acknowledged(bytes(16), n + 1, bytes(32)) for n in range(count))

    assert (MAX_REPLIES, MAX_ACKNOWLEDGED, MAX_BYTES) == (4_096, 1_000, 17_956_864)
    most = {"replies": replies(MAX_REPLIES), "acknowledged": acknowledged(MAX_ACKNOWLEDGED)}
    largest = written(**most)
    assert len(largest) < MAX_BYTES and read(largest) == replace(BUNDLE, **most)  # type: ignore[arg-type]
    with pytest.raises(BadBundle, match="too large"):
        read(written(replies=replies(MAX_REPLIES + 1)))
    with pytest.raises(BadBundle, match="too many"):
        read(written(acknowledged=acknowledged(MAX_ACKNOWLEDGED + 1)))


@pytest.mark.parametrize(
    ("manifest", "signature", "sentence"),
    [
        (2**20, 64, "The reply bundle is refused"),
        (2**20 + 1, 64, "manifest.json in the bundle is too large"),
        (100, 4_096, "The reply bundle is refused"),
        (100, 4_097, "manifest.sig in the bundle is too large"),
    ],
)
def test_no_more_is_read_than_a_bundle_can_hold(
    manifest: int, signature: int, sentence: str
) -> None:
    data = member("manifest.json", bytes(manifest)) + member("manifest.sig", bytes(signature))
    with pytest.raises(BadBundle, match=sentence):
        read(data)


def test_one_byte_changed_anywhere_is_noticed() -> None:
    whole = written()
    for at in range(0, len(whole), 211):
        with pytest.raises(BadBundle):
            read(whole[:at])
        changed = bytearray(whole)
        changed[at] ^= 0x10
        # Dates, owners and checksums of a tar header are nothing that is read.
        with suppress(BadBundle):
            assert read(bytes(changed)) == BUNDLE, at


def test_a_stored_bundle_is_read_and_would_be_written_again_as_it_is() -> None:
    whole = lzma.decompress((VECTORS / "replies_02_three.tar.xz").read_bytes())

    assert read(whole) == BUNDLE
    assert written() == whole


def test_a_bundle_of_version_1_is_refused_with_a_sentence() -> None:
    first = lzma.decompress((VECTORS / "replies_01_two.tar.xz").read_bytes())
    with pytest.raises(BadBundle, match="another version of Casedrop"):
        read(first)
