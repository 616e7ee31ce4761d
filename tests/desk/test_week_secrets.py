"""The secret halves of the weekly HPKE keys with real gpg: they live and end with their subkeys."""

import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from support.shared import copy_home, made_once, make_home

from dropbox import week_secrets
from dropbox.block import Kind, open_block, seal_block
from dropbox.day_key import DayKey, DayKeyRecord
from dropbox.errors import CannotOpen, KeysError
from dropbox.gpg_agent import delete_secret, stop_agent
from dropbox.hpke import SecretKey
from dropbox.openpgp import Opener, Reviewers
from dropbox.reviewer_key import add_weeks, make_reviewer_key, reviewer_key, seal_to_week
from dropbox.sealed_message import message_length, recipients
from dropbox.week_secrets import WeekSecrets, secret_path, signed_weeks
from dropbox.weekly_hpke import ReviewerWeeks, Week, WeeklyHpke
from scripts.ceremony import __main__ as ceremony
from scripts.ceremony.new_key import Weeks, new_reviewer
from scripts.ceremony.passphrase import unprotected
from scripts.ceremony.shares import join, split
from scripts.ceremony.weeks import destroy, epochs

REPORT = "【虚构】正文".encode()


def today() -> date:
    return datetime.now(UTC).date()


def make_three_weeks(place: Path) -> None:
    start = today() - timedelta(days=15)
    weeks = Weeks(start, 3)
    new_reviewer(place, name="blue", out=place / "out", weeks=weeks, choose=unprotected)


@pytest.fixture
def home(gpg_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three weeks: the first is over; the public files are in ``out``."""
    made = made_once(
        tmp_path_factory, "three-weeks", lambda place: make_home(make_three_weeks, place)
    )
    return copy_home(made, gpg_home)


def public(home: Path) -> tuple[Week, ...]:
    data = signed_weeks(home, reviewer_key(home).fingerprint).data
    return ReviewerWeeks.from_bytes(data).weeks


def found(home: Path) -> list[bool]:
    """Which weeks' secrets can be opened."""
    secrets = WeekSecrets(home, Opener(home))

    def opens(week: Week) -> bool:
        try:
            secret = secrets.find(week.key.key_id)
        except CannotOpen:
            return False
        return secret is not None and secret.public == week.key

    return [opens(week) for week in public(home)]


def test_the_secret_of_every_week_opens_and_fits_its_public_half(home: Path) -> None:
    assert found(home) == [True] * 3
    assert WeekSecrets(home, Opener(home)).find(b"another1") is None


def test_gpg_opens_each_week_once_and_only_when_it_is_needed(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = list[bytes]()
    real = Opener.open

    def noted(self: Opener, data: bytes) -> bytes:
        opened.append(data)
        return real(self, data)

    monkeypatch.setattr(Opener, "open", noted)
    secrets = WeekSecrets(home, Opener(home))
    first, second, _ = public(home)
    assert opened == []

    for _ in range(3):
        secrets.find(first.key.key_id)
    secrets.find(second.key.key_id)

    assert opened == [secret_path(home, week.start).read_bytes() for week in (first, second)]


def test_a_secret_is_its_owners_alone_and_sealed_to_its_own_week_alone(home: Path) -> None:
    secrets = WeekSecrets(home, Opener(home))
    folder = home / week_secrets.FOLDER

    assert folder.stat().st_mode & 0o777 == 0o700 and len(list(folder.iterdir())) == 4
    for week, epoch in zip(public(home), epochs(reviewer_key(home)), strict=True):
        path = secret_path(home, week.start)
        secret = secrets.find(week.key.key_id)
        assert path.stat().st_mode & 0o777 == 0o600 and secret is not None
        assert recipients(path.read_bytes()) == [epoch.key.fingerprint[-16:]]
        for file in (one for one in home.rglob("*") if one.is_file()):
            assert secret.raw[:32] not in file.read_bytes()


def test_a_destroyed_week_takes_its_hpke_key_with_it_even_from_an_old_copy(home: Path) -> None:
    path = secret_path(home, public(home)[0].start)
    copy = path.read_bytes()

    destroy(home, epochs(reviewer_key(home))[:1], today=today())

    assert not path.exists() and found(home) == [False, True, True]
    stop_agent(home)
    path.write_bytes(copy)
    assert found(home) == [False, True, True]
    # It is still in the list that was signed: the server does not need to know.
    assert len(public(home)) == 3


def test_a_week_whose_hpke_file_is_gone_can_still_be_destroyed(home: Path) -> None:
    secret_path(home, public(home)[0].start).unlink()

    destroy(home, epochs(reviewer_key(home))[:1], today=today())

    assert not epochs(reviewer_key(home))[0].secret


def test_while_a_week_is_on_paper_its_hpke_key_is_shut_and_opens_when_it_is_back(
    home: Path, tmp_path: Path
) -> None:
    epoch = epochs(reviewer_key(home))[1]
    sealed, *sheets = split(home, epoch, name="blue", needed=2, shares=2, out=tmp_path)
    stop_agent(home)
    assert found(home) == [True, False, True]

    join(home, sealed, [(sheet.name, sheet.read_text("utf-8")) for sheet in sheets])

    assert found(home) == [True] * 3


def other_secret(home: Path) -> bytes:
    return b"casedrop weekly HPKE secret 1\0" + SecretKey.generate().raw


def secret(home: Path, number: int) -> bytes:
    found = WeekSecrets(home, Opener(home)).find(public(home)[number].key.key_id)
    assert found is not None
    return found.raw


def without_its_head(home: Path) -> bytes:
    return secret(home, 1)


def of_another_length(home: Path) -> bytes:
    return other_secret(home) + b"x"


def of_another_week(home: Path) -> bytes:
    return b"casedrop weekly HPKE secret 1\0" + secret(home, 2)


@pytest.mark.parametrize(
    "content", [other_secret, without_its_head, of_another_length, of_another_week]
)
def test_a_message_that_is_not_that_weeks_secret_is_refused(
    home: Path, content: Callable[[Path], bytes]
) -> None:
    week, epoch = public(home)[1], epochs(reviewer_key(home))[1]
    secret_path(home, week.start).write_bytes(seal_to_week(home, epoch.key, content(home)))

    with pytest.raises(CannotOpen, match="damaged"):
        WeekSecrets(home, Opener(home)).find(week.key.key_id)


def test_a_home_without_hpke_keys_says_so_and_gets_them_by_the_step_public(
    home: Path, tmp_path: Path
) -> None:
    shutil.rmtree(home / week_secrets.FOLDER)
    with pytest.raises(KeysError, match="no weekly HPKE keys"):
        WeekSecrets(home, Opener(home))

    assert ceremony.main(["public", "--home", str(home), "--out", str(tmp_path)]) == 0

    assert found(home) == [True] * 3
    now = datetime.now(UTC)
    assert len(WeeklyHpke.load(tmp_path / "01-server", now).reviewers[0].weeks) == 3


def test_weeks_whose_secret_is_gone_get_no_hpke_key(home: Path) -> None:
    destroy(home, epochs(reviewer_key(home))[:1], today=today())
    shutil.rmtree(home / week_secrets.FOLDER)

    week_secrets.add_missing(home, today=today(), passphrase="")

    assert [week.start for week in public(home)] == [
        epoch.first for epoch in epochs(reviewer_key(home))[1:]
    ]


def test_more_weeks_get_keys_and_those_before_keep_theirs(home: Path) -> None:
    before, last = public(home), epochs(reviewer_key(home))[-1]
    add_weeks(home, reviewer_key(home).fingerprint, [last.first + timedelta(7)], passphrase="")

    week_secrets.add_missing(home, today=today(), passphrase="")

    assert public(home)[:3] == before and len(public(home)) == 4 and found(home) == [True] * 4
    stored = (home / "hpke" / "public").read_bytes()
    week_secrets.add_missing(home, today=today(), passphrase="")
    assert (home / "hpke" / "public").read_bytes() == stored


def test_an_interrupted_run_publishes_no_key_without_its_secret_and_can_be_repeated(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(home / week_secrets.FOLDER)

    def fail(*_: object, **__: object) -> bytes:
        raise KeysError("The window was closed.")

    with monkeypatch.context() as broken:
        broken.setattr(week_secrets, "sign_on", fail)
        with pytest.raises(KeysError, match="window was closed"):
            week_secrets.add_missing(home, today=today(), passphrase="")
    with pytest.raises(KeysError, match="no weekly HPKE keys"):
        signed_weeks(home, reviewer_key(home).fingerprint)

    week_secrets.add_missing(home, today=today(), passphrase="")
    assert found(home) == [True] * 3


@pytest.mark.parametrize("at", [0, 1, 30, -1])
def test_a_list_of_weeks_that_was_altered_in_the_home_is_not_written_out_or_signed_again(
    home: Path, tmp_path: Path, at: int, capsys: pytest.CaptureFixture[str]
) -> None:
    path = home / "hpke" / "public"
    stored = bytearray(path.read_bytes())
    stored[at] ^= 1
    path.write_bytes(stored)

    assert ceremony.main(["public", "--home", str(home), "--out", str(tmp_path)]) == 2
    assert "not signed by its reviewer" in capsys.readouterr().err
    assert not (tmp_path / "01-server").exists()


def test_a_subkey_of_another_length_than_a_weeks_gets_no_key(gpg_home: Path) -> None:
    fingerprint = make_reviewer_key(gpg_home, name="blue", weeks=0, start=today(), passphrase="")
    command = ["gpg", "--homedir", str(gpg_home), "--batch", "--pinentry-mode", "loopback"]
    command += ["--passphrase", "", "--quick-add-key", fingerprint, "cv25519", "encr", "30d"]
    subprocess.run(command, check=True, capture_output=True)

    with pytest.raises(KeysError, match="not valid for 14 days"):
        week_secrets.add_missing(gpg_home, today=today(), passphrase="")


def filed(home: Path, tmp_path: Path) -> tuple[bytes, bytes]:
    """A report on the vault's disk: the day key's record, and the block under it."""
    keys = home / "out"
    reviewers = WeeklyHpke.load(keys, datetime.now(UTC)).current(today())
    day_key = DayKey.make(today())
    message = list[bytes]()
    Reviewers.load(keys, tmp_path / "front").seal(BytesIO(REPORT), message.append)
    block = seal_block(Kind.REPORT, b"".join(message), day_key.key)
    return day_key.seal(reviewers).to_bytes(), block


def opened(record: bytes, block: bytes, find: Callable[[bytes], SecretKey | None]) -> bytes:
    return open_block(block, [DayKeyRecord.from_bytes(record).open(find).key]).content


def test_a_block_opens_with_both_secrets_and_with_neither_of_them_alone(
    home: Path, tmp_path: Path
) -> None:
    record, block = filed(home, tmp_path)
    secrets = WeekSecrets(home, Opener(home))

    # Both.
    message = opened(record, block, secrets.find)
    assert Opener(home).open(message) == REPORT

    # The OpenPGP secrets alone: the day key is shut, and the block is no message.
    shutil.move(home / "hpke", tmp_path / "hpke")
    with pytest.raises(KeysError):
        WeekSecrets(home, Opener(home))
    with pytest.raises(CannotOpen):
        opened(record, block, lambda _: None)
    with pytest.raises(CannotOpen):
        opened(record, block, lambda _: SecretKey.generate())
    with pytest.raises(CannotOpen):
        Opener(home).open(block)

    # The HPKE secrets alone, as if ML-KEM and X25519 were broken: the message is shut.
    for epoch in epochs(reviewer_key(home)):
        delete_secret(home, epoch.key.keygrip)
    stop_agent(home)
    assert opened(record, block, secrets.find) == message
    with pytest.raises(CannotOpen):
        Opener(home).open(message)


def test_the_message_in_a_block_is_whole_and_opens_with_gpg_as_it_is(
    home: Path, tmp_path: Path
) -> None:
    record, block = filed(home, tmp_path)
    message = opened(record, block, WeekSecrets(home, Opener(home)).find)

    assert message_length(message) == len(message)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--decrypt"]
    assert subprocess.run(gpg, input=message, capture_output=True, check=True).stdout == REPORT
