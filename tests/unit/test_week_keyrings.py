"""Many messages of one week are opened with a keyring of their own, and all as without it."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from support.cases import report

from dropbox import gpg_process, week_keyrings
from dropbox.errors import Damaged, SealedToOthers
from dropbox.openpgp import Opener, Reviewers
from dropbox.reviewer_key import reviewer_key, seal_to_week
from dropbox.sealing import open_message, seal_message
from dropbox.week_keyrings import WeekKeyrings, named_in


@pytest.fixture
def keyrings(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What gpg got as its keyring each time it opened a message, b"" for its own.

    A keyring is made after one message.
    """
    used: list[bytes] = []
    real = gpg_process.run

    def run(command: Sequence[str], *rest: Any) -> gpg_process.Result:
        if "--decrypt" in command:
            used.append(rest[3] if "--keyring" in command else b"")
        return real(command, *rest)

    monkeypatch.setattr(gpg_process, "run", run)
    monkeypatch.setattr(week_keyrings, "_ENOUGH", 1)
    return used


@pytest.fixture
def message(reviewers: Reviewers) -> bytes:
    return seal_message(report("text"), reviewers)


def test_the_messages_that_follow_are_opened_with_a_keyring_of_their_week(
    message: bytes, first_home: Path, keyrings: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    opener, weeks = Opener(first_home), reviewer_key(first_home).weeks
    folders: list[str] = []
    make = tempfile.mkdtemp

    def mkdtemp(*where: Any) -> str:
        folders.append(make(*where))
        return folders[-1]

    monkeypatch.setattr(tempfile, "mkdtemp", mkdtemp)

    assert [open_message(message, opener) for _ in range(3)] == [report("text")] * 3
    first, tried, *later = keyrings
    assert first == b"" and tried and later == [tried, tried]
    held = [week for week in weeks if bytes.fromhex(week.fingerprint) in tried]
    assert [week.fingerprint[-16:] for week in held] == [named_in(message)[0]]
    assert len(folders) == 1 and not Path(folders[0]).exists()

    # Those of another week name another key.
    other = next(week for week in weeks if week not in held)
    assert opener.open(seal_to_week(first_home, other, b"x")) == b"x"
    assert keyrings[4] == b""


@pytest.mark.slow
def test_what_does_not_open_is_told_apart_with_the_keyring_as_without(
    message: bytes, first_home: Path, second_home: Path, keyrings: list[bytes]
) -> None:
    opener = Opener(first_home)
    open_message(message, opener)
    bent = message[:-30] + bytes([message[-30] ^ 1]) + message[-29:]

    with pytest.raises(Damaged):
        open_message(bent, opener)
    assert keyrings[-1]
    with pytest.raises(SealedToOthers):
        opener.open(seal_to_week(second_home, reviewer_key(second_home).weeks[0], b"x"))


@pytest.mark.slow
def test_a_keyring_that_does_not_open_is_not_used(
    message: bytes, first_home: Path, keyrings: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    opener = Opener(first_home)
    monkeypatch.setattr(Opener, "_keyring", lambda *_: b"no keyring")

    assert [open_message(message, opener) for _ in range(2)] == [report("text")] * 2
    assert keyrings == [b"", b"no keyring", b""]


def test_without_room_for_a_keyring_messages_open_all_the_same(
    message: bytes, first_home: Path, keyrings: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    opener = Opener(first_home)

    def full(*_: object) -> bytes:
        raise OSError

    monkeypatch.setattr(Opener, "_keyring", full)
    assert [open_message(message, opener) for _ in range(2)] == [report("text")] * 2
    assert keyrings == [b"", b""]


def test_a_keyring_is_made_once_for_each_kind_of_messages() -> None:
    keyrings = WeekKeyrings()

    assert [keyrings.opened(("A", "B")) for _ in range(10)] == [False] * 7 + [True] + [False] * 2
    assert [keyrings.opened(("A",)) for _ in range(8)] == [False] * 7 + [True]
    assert not any(keyrings.opened(()) for _ in range(10))
    assert keyrings.of(("A",)) == b""
    keyrings.keep(("A",), b"ring")
    assert (keyrings.of(("A",)), keyrings.of(("A", "B"))) == (b"ring", b"")


def test_a_front_that_names_ever_new_keys_gets_no_ever_new_keyrings() -> None:
    """It can put any number of strangers beside the reviewer to whom it seals."""
    keyrings = WeekKeyrings()
    made = sum(keyrings.opened((str(kind),)) for _ in range(10) for kind in range(100))

    assert made == 64


def test_what_is_no_message_names_nobody() -> None:
    for data in (b"", bytes(5_000), b"\x84"):
        assert named_in(data) == ()
