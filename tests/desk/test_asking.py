"""gpg asks for the passphrase in the reviewer's terminal, and what goes wrong there is said."""

import os
import pty
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.shared import copy_home, made_once, make_home

from dropbox.errors import (
    CannotOpen,
    NoPassphrase,
    NoPinentry,
    NoSigningKey,
    NowhereToAsk,
    WrongPassphrase,
)
from dropbox.gpg_agent import stop_agent
from dropbox.opening_failure import why_locked
from dropbox.openpgp import Opener
from dropbox.reviewer_key import make_reviewer_key
from scripts.ceremony.passphrase import write_settings
from scripts.desk import __main__ as desk
from scripts.desk.commands import lock
from scripts.terminal import name_terminal

Home = Callable[[str], Path]
# What a pinentry answers when it is asked for the passphrase.
RIGHT = "D words\nOK"
WRONG, CLOSED = "D wrong\nOK", "ERR 83886179 Operation cancelled <Pinentry>"
NO_TERMINAL = "ERR 83918950 Inappropriate ioctl for device <Pinentry>"


@pytest.fixture(scope="session")
def locked_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gpg home whose key has a passphrase, only to be copied."""

    def make(home: Path) -> None:
        home.mkdir(mode=0o700, exist_ok=True)
        # The least stretching, which takes half a second otherwise for each use of a key.
        settings = home / "gpg-agent.conf"
        settings.write_text("s2k-count 65536\n", "utf-8")
        today = datetime.now(UTC).date()
        make_reviewer_key(home, name="locked", weeks=1, start=today, passphrase="words")
        settings.unlink()

    return (
        made_once(tmp_path_factory, "locked home", lambda place: make_home(make, place / "home"))
        / "home"
    )


@pytest.fixture
def locked(
    locked_home: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Home]:
    """A gpg home whose key has a passphrase, and whose pinentry gives this answer."""
    # Short, since gpg-agent's socket is in it.
    home = copy_home(locked_home, tmp_path_factory.mktemp("h"))

    def answering(answer: str) -> Path:
        program = tmp_path / "pinentry"
        if answer:
            lines = "\n".join(f"echo '{line}'" for line in answer.split("\n"))
            program.write_text(
                "#!/bin/sh\necho OK\nwhile read -r word rest; do case $word in\n"
                f"GETPIN) {lines} ;;\nBYE) exit ;;\n*) echo OK ;;\nesac; done\n",
                "utf-8",
            )
            program.chmod(0o755)
        settings = home / "gpg-agent.conf"
        if not settings.exists():
            settings.write_text(f"pinentry-program {program}\n", "utf-8")
        return home

    yield answering
    stop_agent(home)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (WRONG, WrongPassphrase),
        (CLOSED, NoPassphrase),
        ("", NoPinentry),
        (NO_TERMINAL, NowhereToAsk),
    ],
)
def test_each_thing_that_can_be_in_the_way_of_a_passphrase_has_a_sentence(
    locked: Home, answer: str, error: type[CannotOpen]
) -> None:
    secret = Opener(locked(answer))
    (fingerprint,) = secret.secret_fingerprints()

    with pytest.raises(error) as refused:
        secret.sign(b"data", fingerprint)
    assert str(refused.value) == error.__doc__


def signs(home: Path) -> bool:
    """Whether the agent still knows the passphrase: if it asks, the window is closed."""
    secret = Opener(home)
    (fingerprint,) = secret.secret_fingerprints()
    try:
        return bool(secret.sign(b"data", fingerprint))
    except NoPassphrase:
        return False


def test_lock_has_the_agent_forget_the_passphrase(
    locked: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    home = locked(RIGHT)
    assert signs(home)
    locked(CLOSED)
    assert signs(home)

    assert desk.main(["--home", str(home), "lock"]) == 0
    assert "Locked" in capsys.readouterr().out and not signs(home)
    # Again, when no agent runs.
    stop_agent(home)
    assert desk.main(["--home", str(home), "lock"]) == 0


def test_lock_does_not_say_that_it_locked_what_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GNUPGHOME", raising=False)

    assert [desk.main([*home, "lock"]) for home in ([], ["--home", str(tmp_path / "no")])] == [2, 2]
    said = capsys.readouterr()
    assert not said.out
    assert "--home" in said.err.splitlines()[0] and "no directory" in said.err.splitlines()[1]


def test_lock_says_when_the_agent_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "stop_agent", lambda _: False)

    assert desk.main(["--home", str(tmp_path), "lock"]) == 2
    said = capsys.readouterr()
    assert "does not end" in said.err and not said.out


@pytest.mark.slow
def test_a_passphrase_is_forgotten_when_its_time_is_over(locked: Home) -> None:
    home = locked(RIGHT)
    write_settings(home, at_random=True)
    settings = home / "gpg-agent.conf"
    settings.write_text(settings.read_text("utf-8").replace("-ttl 600", "-ttl 1"), "utf-8")
    assert signs(home)
    locked(CLOSED)

    # The agent counts whole seconds.
    time.sleep(2.1)
    assert not signs(home)


def test_a_key_that_is_not_here_has_another_one(reviewer_homes: list[Path]) -> None:
    with pytest.raises(NoSigningKey, match="--home"):
        Opener(reviewer_homes[0]).sign(b"data", "0" * 40)


def test_the_sentences_are_different_ones() -> None:
    errors = (WrongPassphrase, NoPassphrase, NoPinentry, NowhereToAsk, NoSigningKey)

    assert len({str(error()) for error in errors}) == len(errors)


@pytest.mark.parametrize(
    "line", [b"", b"[GNUPG:] FAILURE", b"[GNUPG:] FAILURE sign x", b"[GNUPG:] FAILURE sign 1"]
)
def test_a_failure_that_is_none_of_these_is_left_to_others(line: bytes) -> None:
    assert why_locked([line.split()]) is None


def test_a_message_that_gpg_did_not_open_for_a_wrong_passphrase_says_so() -> None:
    found = why_locked([b"[GNUPG:] ERROR pkdecrypt_failed 11".split()])

    assert isinstance(found, WrongPassphrase)


def test_gpg_is_told_the_terminal_at_which_the_reviewer_sits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("GPG_TTY", raising=False)
    person, terminal = pty.openpty()
    kept = os.dup(0)
    try:
        os.dup2(terminal, 0)
        name_terminal()
        assert os.environ["GPG_TTY"] == os.ttyname(terminal)
    finally:
        os.dup2(kept, 0)
        for descriptor in (kept, person, terminal):
            os.close(descriptor)
        monkeypatch.setenv("GPG_TTY", "/dev/pts/own")
    name_terminal()
    assert os.environ["GPG_TTY"] == "/dev/pts/own", "what somebody has set stays"
