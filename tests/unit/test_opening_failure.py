"""Why a message does not open: another's, no key of its week here, no passphrase, or damage."""

import shutil
import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from support.cases import report

from dropbox.errors import CannotOpen, Damaged, NoKeyHere, SealedToOthers
from dropbox.gpg_agent import stop_agent
from dropbox.opening_failure import OwnWeeks
from dropbox.openpgp import Opener, Reviewers
from dropbox.reviewer_key import make_reviewer_key, reviewer_key, seal_to_week
from dropbox.sealing import open_message, seal_message


def bent(message: bytes, *positions: int) -> bytes:
    """*message* with a bit turned at each of *positions*."""
    changed = bytearray(message)
    for at in positions:
        changed[at] ^= 1
    return bytes(changed)


@pytest.fixture
def message(reviewers: Reviewers) -> bytes:
    return seal_message(report("text"), reviewers)


# In the session keys for both reviewers, or in what they seal.
@pytest.mark.parametrize("positions", [(60, 60 + 96), (80, 80 + 96), (-30,)])
def test_what_is_sealed_to_a_key_here_and_does_not_open_is_damaged(
    message: bytes, opener: Opener, positions: tuple[int, ...]
) -> None:
    assert open_message(message, opener) == report("text")
    with pytest.raises(Damaged):
        open_message(bent(message, *positions), opener)


def test_what_is_no_message_is_damaged(message: bytes, opener: Opener) -> None:
    for other in (b"", message[:-1], message + b"\0", bytes(400)):
        with pytest.raises(Damaged):
            open_message(other, opener)


def test_what_is_sealed_to_others_alone_is_told_apart(second_home: Path, opener: Opener) -> None:
    week = reviewer_key(second_home).weeks[0]
    with pytest.raises(SealedToOthers, match="no key of the reviewer"):
        opener.open(seal_to_week(second_home, week, b"x"))


def test_a_week_whose_secret_is_gone_is_a_missing_key(
    first_home: Path, opener: Opener, gpg_home: Path
) -> None:
    shutil.copytree(first_home, gpg_home, ignore=shutil.ignore_patterns("S.*", "*.lock"))
    gpg_home.chmod(0o700)
    gone, kept = reviewer_key(gpg_home).weeks[:2]
    messages = [seal_to_week(gpg_home, week, b"x") for week in (gone, kept)]
    (gpg_home / "private-keys-v1.d" / f"{gone.keygrip}.key").unlink()

    mine = Opener(gpg_home)
    with pytest.raises(NoKeyHere) as refused:
        mine.open(messages[0])
    assert not isinstance(refused.value, SealedToOthers)
    assert mine.open(messages[1]) == b"x"
    assert [opener.open(message) for message in messages] == [b"x", b"x"]


@pytest.mark.slow
def test_a_key_that_is_not_unlocked_is_neither_missing_nor_damaged(gpg_home: Path) -> None:
    """gpg says the same as of a damaged session key."""
    make_reviewer_key(
        gpg_home, name="locked", weeks=1, start=datetime.now(UTC).date(), passphrase="words"
    )
    stop_agent(gpg_home)
    (gpg_home / "gpg-agent.conf").write_text("pinentry-program /bin/false\n")

    with pytest.raises(CannotOpen) as refused:
        Opener(gpg_home).open(seal_to_week(gpg_home, reviewer_key(gpg_home).weeks[0], b"x"))
    assert type(refused.value) is CannotOpen


@pytest.mark.slow
def test_an_agent_that_was_stopped_has_ended(gpg_home: Path) -> None:
    gpg_home.mkdir(mode=0o700)
    for _ in range(20):
        asked = ["gpg-connect-agent", "--homedir", str(gpg_home), "GETINFO pid", "/bye"]
        said = subprocess.run(asked, capture_output=True, check=True, text=True).stdout
        agent = Path("/proc", said.split()[1], "cmdline")
        assert b"gpg-agent" in agent.read_bytes()
        stop_agent(gpg_home)
        assert not agent.exists() or agent.read_bytes() == b""
    # Without one, there is nothing to stop.
    stop_agent(gpg_home)


def test_a_week_is_here_on_its_days_alone(opener: Opener, first_home: Path) -> None:
    weeks = reviewer_key(first_home).weeks
    first = datetime.fromtimestamp(weeks[0].made, UTC).date()
    last = datetime.fromtimestamp(weeks[-1].expires - 1, UTC).date()

    assert opener.has_week(first) and opener.has_week(last)
    assert not opener.has_week(first - timedelta(days=1))
    assert not opener.has_week(last + timedelta(days=1))
    assert not opener.has_week(date(2001, 1, 1))


class Listed:
    """A week without gpg."""

    def __init__(self, fingerprint: str, *, secret: bool = True) -> None:
        self.fingerprint, self.secret = fingerprint, secret


def test_each_key_is_tried_once_however_many_messages_fail() -> None:
    tried: list[str] = []

    def works(week: Listed) -> bool:
        tried.append(week.fingerprint)
        return True

    weeks = OwnWeeks(lambda: [Listed("A" * 40), Listed("B" * 40, secret=False)], works)
    addressed = [[b"[GNUPG:]", b"ENC_TO", b"A" * 16, b"18", b"0"]]
    assert {type(weeks.reason(addressed)) for _ in range(100)} == {Damaged}
    assert tried == ["A" * 40]


def test_a_key_that_does_not_work_yet_is_tried_again() -> None:
    answers = iter([False, True])
    weeks = OwnWeeks(lambda: [Listed("A" * 40)], lambda _week: next(answers))
    addressed = [[b"[GNUPG:]", b"ENC_TO", b"A" * 16, b"18", b"0"]]

    assert type(weeks.reason(addressed)) is CannotOpen
    assert type(weeks.reason(addressed)) is Damaged


def test_status_lines_that_name_nobody_or_are_cut_off_say_nothing() -> None:
    weeks = OwnWeeks(lambda: [Listed("A" * 40)], lambda _week: True)
    for status in ([], [[b"[GNUPG:]"]], [[b"[GNUPG:]", b"ENC_TO"]], [[b"gpg:", b"fatal"]]):
        assert type(weeks.reason(status)) is CannotOpen
