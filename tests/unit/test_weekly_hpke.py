"""The reviewers' weekly HPKE keys: only a file that its own reviewer signed is taken."""

import json
import os
import shutil
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dropbox import canonical_json
from dropbox.errors import KeysError
from dropbox.hpke import SecretKey
from dropbox.openpgp import Opener
from dropbox.pinned_keys import read_pins
from dropbox.reviewer_key import reviewer_key
from dropbox.weekly_hpke import ReviewerWeeks, Week, WeeklyHpke, file_name

VECTORS = Path(__file__).parents[1] / "vectors" / "weekly_hpke"
NOVEMBER = datetime(2026, 11, 25, 12, tzinfo=UTC)
START = date(2026, 11, 16)
SECRETS = [SecretKey(bytes([number]) * 96) for number in range(8)]


def weeks(count: int = 3, fingerprint: str = "A" * 40) -> ReviewerWeeks:
    return ReviewerWeeks(
        fingerprint,
        tuple(
            Week(START + timedelta(weeks=number), SECRETS[number].public) for number in range(count)
        ),
    )


def today() -> datetime:
    return datetime.now(UTC)


def test_the_files_on_disk_are_read_and_written_to_the_byte() -> None:
    read = WeeklyHpke.load(VECTORS, NOVEMBER)

    assert [one.fingerprint for one in read.reviewers] == list(read_pins(VECTORS))
    for one, name in zip(read.reviewers, ("first", "second"), strict=True):
        assert [week.start for week in one.weeks] == [START, START + timedelta(days=7)]
        assert one.to_bytes() == (VECTORS / f"{name}.hpke").read_bytes()
    assert read.last_day() == date(2026, 12, 6)


def test_the_current_week_is_the_newest_that_is_valid_on_the_day() -> None:
    reviewer = weeks(2)
    first, second = reviewer.weeks
    valid = {day: reviewer.current(START + timedelta(days=day)) for day in range(-1, 22)}

    assert [valid[day] for day in (-1, 0, 6)] == [None, first, first]
    assert [valid[day] for day in (7, 13, 14, 20, 21)] == [second, second, second, second, None]


def test_each_reviewers_current_key_is_given_in_the_order_of_the_pins() -> None:
    read = WeeklyHpke.load(VECTORS, NOVEMBER)

    assert read.current(date(2026, 11, 20)) == tuple(one.weeks[0].key for one in read.reviewers)
    assert read.current(date(2026, 11, 25)) == tuple(one.weeks[1].key for one in read.reviewers)
    for day in (date(2026, 11, 15), date(2026, 12, 7)):
        with pytest.raises(KeysError, match=f"valid on {day}"):
            read.current(day)


def test_what_the_ceremony_makes_is_read(keys_dir: Path) -> None:
    read = WeeklyHpke.load(keys_dir, today())

    assert [one.fingerprint for one in read.reviewers] == list(read_pins(keys_dir))
    assert {len(one.weeks) for one in read.reviewers} == {4}
    assert len({week.key for one in read.reviewers for week in one.weeks}) == 8


Change = Callable[[Path, Opener], None]


def signed(keys: Path, opener: Opener, data: bytes, name: str = "reviewer-1") -> None:
    """Put *data* into *keys*, signed by the first reviewer."""
    (keys / f"{name}.hpke").write_bytes(data)
    fingerprint = opener.secret_fingerprints()[0]
    (keys / f"{name}.hpke.sig").write_bytes(opener.sign(data, fingerprint))


def altered(keys: Path, opener: Opener, **values: Any) -> None:
    body = {**json.loads((keys / "reviewer-1.hpke").read_bytes()), **values}
    signed(keys, opener, canonical_json.encode(body, ascii_only=True))


def entries(keys: Path, name: str = "reviewer-1") -> list[dict[str, str]]:
    return list(json.loads((keys / f"{name}.hpke").read_bytes())["weeks"])


def change_nothing(keys: Path, opener: Opener) -> None:
    altered(keys, opener)


def remove_file(keys: Path, opener: Opener) -> None:
    (keys / "reviewer-1.hpke").unlink()


def remove_signature(keys: Path, opener: Opener) -> None:
    (keys / "reviewer-1.hpke.sig").unlink()


def exchange(keys: Path, opener: Opener) -> None:
    for end in (".hpke", ".hpke.sig"):
        one, two = keys / f"reviewer-1{end}", keys / f"reviewer-2{end}"
        kept = one.read_bytes()
        one.write_bytes(two.read_bytes())
        two.write_bytes(kept)


def sign_for_another(keys: Path, opener: Opener) -> None:
    """The first reviewer signs the second's file."""
    signed(keys, opener, (keys / "reviewer-2.hpke").read_bytes(), "reviewer-2")


def sign_as_another(keys: Path, opener: Opener) -> None:
    """The first reviewer signs, in the first's place, the weeks of the second."""
    signed(keys, opener, (keys / "reviewer-2.hpke").read_bytes())


def alter_after_signing(keys: Path, opener: Opener) -> None:
    data = (keys / "reviewer-1.hpke").read_bytes()
    (keys / "reviewer-1.hpke").write_bytes(data.replace(b'"version":1', b'"version":2'))


def sign_something_else(keys: Path, opener: Opener) -> None:
    """A manifest, a report: whatever else a reviewer has signed does not hold weeks."""
    signed(keys, opener, canonical_json.encode({"number": 1, "desk": 0}, ascii_only=True))


def cut_signature(keys: Path, opener: Opener) -> None:
    path = keys / "reviewer-1.hpke.sig"
    path.write_bytes(path.read_bytes()[:-1])


def damage(keys: Path, opener: Opener) -> None:
    signed(keys, opener, b"\x00\xff" * 100)


def add_space(keys: Path, opener: Opener) -> None:
    signed(keys, opener, (keys / "reviewer-1.hpke").read_bytes() + b"\n")


def other_format(keys: Path, opener: Opener) -> None:
    altered(keys, opener, format="casedrop weekly OpenPGP keys")


def later_version(keys: Path, opener: Opener) -> None:
    altered(keys, opener, version=2)


def more_fields(keys: Path, opener: Opener) -> None:
    altered(keys, opener, more=1)


def double_week(keys: Path, opener: Opener) -> None:
    first, second, *others = entries(keys)
    altered(keys, opener, weeks=[first, {**second, "start": first["start"]}, *others])


def double_key(keys: Path, opener: Opener) -> None:
    first, second, *others = entries(keys)
    altered(keys, opener, weeks=[first, {**first, "start": second["start"]}, *others])


def out_of_order(keys: Path, opener: Opener) -> None:
    altered(keys, opener, weeks=entries(keys)[::-1])


def no_weeks(keys: Path, opener: Opener) -> None:
    altered(keys, opener, weeks=[])


def only_old_weeks(keys: Path, opener: Opener) -> None:
    old = [{**one, "start": f"2020-01-0{n}"} for n, one in enumerate(entries(keys), 1)]
    altered(keys, opener, weeks=old)


def only_later_weeks(keys: Path, opener: Opener) -> None:
    later = [{**one, "start": f"9999-12-3{n}"} for n, one in enumerate(entries(keys)[:2])]
    altered(keys, opener, weeks=later)


def key_of_another(keys: Path, opener: Opener) -> None:
    """A week for which the first reviewer names a key of the second."""
    _, *others = entries(keys)
    stolen = entries(keys, "reviewer-2")[0]
    altered(keys, opener, weeks=[stolen, *others])


def key_that_is_none(keys: Path, opener: Opener) -> None:
    first, *others = entries(keys)
    bad = b64encode(b"\xff" * 1_216).decode()
    altered(keys, opener, weeks=[{**first, "key": bad}, *others])


def weeks_that_are_none(keys: Path, opener: Opener) -> None:
    altered(keys, opener, weeks=[7])


def add_unpinned(keys: Path, opener: Opener) -> None:
    shutil.copy(keys / "reviewer-1.hpke", keys / "stranger.hpke")


def add_unpinned_signature(keys: Path, opener: Opener) -> None:
    shutil.copy(keys / "reviewer-1.hpke.sig", keys / "stranger.hpke.sig")


def as_long_as_allowed(keys: Path, opener: Opener) -> None:
    os.truncate(keys / "reviewer-1.hpke", 4_194_304)


def too_long(keys: Path, opener: Opener) -> None:
    os.truncate(keys / "reviewer-1.hpke", 4_194_305)


def longest_signature(keys: Path, opener: Opener) -> None:
    (keys / "reviewer-1.hpke.sig").write_bytes(bytes(4_096))


def long_signature(keys: Path, opener: Opener) -> None:
    (keys / "reviewer-1.hpke.sig").write_bytes(bytes(4_097))


def unpin(keys: Path, opener: Opener) -> None:
    (keys / "reviewer-1.asc").unlink()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (remove_file, r"reviewer-1\.hpke in .* is missing"),
        (remove_signature, r"reviewer-1\.hpke\.sig in .* is missing"),
        (exchange, r"reviewer-1\.hpke .*not signed by its reviewer"),
        (sign_for_another, r"reviewer-2\.hpke .*not signed by its reviewer"),
        (sign_as_another, r"reviewer-1\.hpke .*weeks of another reviewer"),
        (alter_after_signing, r"reviewer-1\.hpke .*does not fit"),
        (sign_something_else, r"reviewer-1\.hpke .*damaged"),
        (cut_signature, r"reviewer-1\.hpke .*not signed"),
        (damage, r"reviewer-1\.hpke .*damaged"),
        (add_space, r"reviewer-1\.hpke .*damaged"),
        (other_format, r"reviewer-1\.hpke .*damaged"),
        (later_version, r"reviewer-1\.hpke .*damaged, or of a version"),
        (more_fields, r"reviewer-1\.hpke .*damaged"),
        (double_week, r"reviewer-1\.hpke .*two keys for the week"),
        (double_key, r"reviewer-1\.hpke .*one key for two weeks"),
        (out_of_order, r"reviewer-1\.hpke .*not in order"),
        (no_weeks, r"reviewer-1\.hpke .*no key valid today"),
        (only_old_weeks, r"reviewer-1\.hpke .*no key valid today"),
        (only_later_weeks, r"reviewer-1\.hpke .*no key valid today"),
        (key_of_another, r"reviewer-2\.hpke .*also in reviewer-1\.hpke"),
        (key_that_is_none, r"reviewer-1\.hpke .*not an HPKE public key"),
        (weeks_that_are_none, r"reviewer-1\.hpke .*damaged"),
        (add_unpinned, r"stranger\.hpke in .*no key pinned"),
        (add_unpinned_signature, r"stranger\.hpke\.sig in .*no key pinned"),
        (as_long_as_allowed, r"reviewer-1\.hpke .*does not fit"),
        (longest_signature, r"reviewer-1\.hpke .*not signed"),
        (too_long, r"reviewer-1\.hpke in .* longer"),
        (long_signature, r"reviewer-1\.hpke\.sig in .* longer"),
        (unpin, r"reviewer-1\.asc"),
    ],
)
@pytest.mark.slow
def test_every_fault_stops_the_start_with_a_sentence_that_names_the_file(
    change: Change, said: str, keys_dir: Path, opener: Opener, tmp_path: Path
) -> None:
    keys = Path(shutil.copytree(keys_dir, tmp_path / "keys"))
    change(keys, opener)

    with pytest.raises(KeysError, match=said):
        WeeklyHpke.load(keys, today())


def test_a_file_that_is_signed_again_unchanged_is_taken(
    keys_dir: Path, opener: Opener, tmp_path: Path
) -> None:
    """The control of what is refused above."""
    keys = Path(shutil.copytree(keys_dir, tmp_path / "keys"))
    change_nothing(keys, opener)

    assert WeeklyHpke.load(keys, today()) == WeeklyHpke.load(keys_dir, today())


def test_a_signature_from_the_future_is_refused(keys_dir: Path) -> None:
    with pytest.raises(KeysError, match=r"reviewer-1\.hpke .*future"):
        WeeklyHpke.load(keys_dir, today() - timedelta(days=9))


def test_the_weeks_are_those_of_the_subkeys(keys_dir: Path, reviewer_homes: list[Path]) -> None:
    read = WeeklyHpke.load(keys_dir, today())

    for home, one in zip(reviewer_homes, read.reviewers, strict=True):
        assert [
            datetime.fromtimestamp(week.made, UTC).date() for week in reviewer_key(home).weeks
        ] == [week.start for week in one.weeks]


@pytest.mark.parametrize("untrusted", [b"", b"[]", b"{}", b"null", b"[" * 100_000, b"\xff", b"7"])
def test_what_is_no_file_of_weeks_is_refused(untrusted: bytes) -> None:
    with pytest.raises(KeysError, match="damaged"):
        ReviewerWeeks.from_bytes(untrusted)


def test_weeks_come_back_as_they_were() -> None:
    assert ReviewerWeeks.from_bytes(weeks().to_bytes()) == weeks()


def test_the_name_of_the_file_follows_from_that_of_the_public_key() -> None:
    assert (file_name("first.asc"), file_name("odd")) == ("first.hpke", "odd.hpke")
