"""Destroying weeks with real gpg: their messages can never be opened again, all others can."""

import io
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from support.shared import copy_home, made_once, make_home

from dropbox.codename import WordLists
from dropbox.errors import CannotOpen, KeysError
from dropbox.gpg_agent import delete_secret, is_protected, secret_file, stop_agent
from dropbox.openpgp import Opener, Reviewers
from dropbox.packets import verify_detached
from dropbox.pinned_keys import read_pinned_keys
from dropbox.reviewer_key import make_reviewer_key, reviewer_key, seal_to_week
from scripts.ceremony import __main__ as ceremony
from scripts.ceremony import steps
from scripts.ceremony import weeks as week_module
from scripts.ceremony.new_key import Weeks, new_reviewer
from scripts.ceremony.passphrase import STRETCH, WORDS, Choice, drawn, own, write_settings
from scripts.ceremony.shares import join, split
from scripts.ceremony.weeks import CeremonyError, Epoch, destroy, ended_before, epoch_of, epochs


def today() -> date:
    """The UTC day, read each time because a run of all tests may go past midnight."""
    return datetime.now(UTC).date()


PASSPHRASE = "korrektes Pferd 馬 7"


def make_four_weeks(home: Path) -> None:
    start = today() - timedelta(days=15)
    make_reviewer_key(home, name="blue", weeks=4, start=start, passphrase="")


@pytest.fixture
def home(gpg_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four weeks: the first is over, and two of the others are valid today."""
    made = made_once(
        tmp_path_factory, "four-weeks", lambda place: make_home(make_four_weeks, place)
    )
    return copy_home(made, gpg_home)


def weeks(home: Path) -> tuple[Epoch, ...]:
    return epochs(reviewer_key(home))


def can_open(home: Path, message: bytes) -> bool:
    try:
        return Opener(home).open(message) == b"old"
    except CannotOpen:
        return False


def messages(home: Path) -> list[bytes]:
    return [seal_to_week(home, one.key, b"old") for one in weeks(home)]


@pytest.mark.slow
def test_after_a_weeks_destruction_its_messages_cannot_be_opened_and_all_others_can(
    home: Path,
) -> None:
    old = messages(home)
    assert [can_open(home, message) for message in old] == [True] * 4
    secret = secret_file(home, weeks(home)[0].key.keygrip).read_bytes()

    seen = destroy(home, weeks(home)[:1], today=today())

    assert seen.kept == weeks(home)[1]
    assert [one.secret for one in weeks(home)] == [False, True, True, True]
    stop_agent(home)
    assert [can_open(home, message) for message in old] == [False, True, True, True]
    assert not [path for path in home.rglob("*") if path.is_file() and secret in path.read_bytes()]
    # The key itself still works: it signs, and can be renewed.
    assert Opener(home).sign(b"x", reviewer_key(home).fingerprint)


def test_a_destroyed_secrets_bytes_are_overwritten_before_they_are_let_go(
    home: Path, tmp_path: Path
) -> None:
    path = secret_file(home, weeks(home)[0].key.keygrip)
    before = path.read_bytes()
    (tmp_path / "same").hardlink_to(path)

    delete_secret(home, weeks(home)[0].key.keygrip)

    after = (tmp_path / "same").read_bytes()
    assert not path.exists() and len(after) == len(before)
    assert not any(before[at : at + 8] in after for at in range(0, len(before) - 8, 8))


def test_a_week_that_is_not_over_or_not_here_is_not_destroyed(home: Path) -> None:
    first, second, *_ = weeks(home)
    with pytest.raises(CeremonyError, match=f"{second.week} .* is not over.*Nothing was destroyed"):
        destroy(home, [first, second], today=today())
    assert all(one.secret for one in weeks(home))

    destroy(home, [first, second], today=today(), although_valid=True)
    assert [one.secret for one in weeks(home)] == [False, False, True, True]
    with pytest.raises(CeremonyError, match=f"secret of {first.week} is not here"):
        destroy(home, weeks(home)[:1], today=today())
    # All weeks, as one would in danger.
    assert destroy(home, weeks(home)[2:], today=today(), although_valid=True).kept is None
    assert not any(one.secret for one in weeks(home))


def test_a_week_is_over_on_the_day_after_its_last_and_not_on_it(home: Path) -> None:
    """Reports are sealed to it until the end of that day."""
    _, second, *_ = weeks(home)
    with pytest.raises(CeremonyError, match=r"is not over.*Nothing was destroyed"):
        destroy(home, [second], today=second.last)
    assert weeks(home)[1].secret

    destroy(home, [second], today=second.last + timedelta(days=1))
    assert not weeks(home)[1].secret


def test_weeks_are_chosen_by_name_or_by_the_day_before_which_they_ended(home: Path) -> None:
    key = reviewer_key(home)
    first, second, *_ = weeks(home)

    assert epoch_of(key, first.week) == first
    assert ended_before(key, today()) == (first,) == ended_before(key, second.last)
    assert ended_before(key, second.last + timedelta(days=1)) == (first, second)
    for name in ("2020-W01", "48", "", "2026-w48"):
        with pytest.raises(CeremonyError, match="week"):
            epoch_of(key, name)
    with pytest.raises(CeremonyError, match="ended before"):
        ended_before(key, first.last)


def test_a_destruction_that_would_not_show_is_said(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(week_module, "delete_secret", lambda *_: None)
    with pytest.raises(CeremonyError, match="After the destruction"):
        destroy(home, weeks(home)[:1], today=today())

    monkeypatch.setattr(week_module, "opens", lambda *_: False)
    with pytest.raises(CeremonyError, match=r"even now\. Nothing was destroyed"):
        destroy(home, weeks(home)[:1], today=today())


def run(home: Path, out: Path, *more: object) -> int:
    return ceremony.main(["destroy", "--home", str(home), "--out", str(out), *map(str, more)])


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


@pytest.mark.slow
def test_the_command_asks_back_and_leaves_a_record(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, third, _ = weeks(home)
    for text in ("", "yes\n", second.week + "\n"):
        typed(monkeypatch, text)
        assert run(home, tmp_path, "--week", first.week) == 2
        assert "Nothing was destroyed" in capsys.readouterr().err
    assert weeks(home)[0].secret and not (tmp_path / "05-destroyed").exists()

    typed(monkeypatch, first.week + "\n")
    assert run(home, tmp_path, "--week", first.week) == 0
    record = (tmp_path / "05-destroyed" / f"blue-{first.week}.txt").read_text("utf-8")
    said = capsys.readouterr().out
    assert record in said and "On flash memory, old copies of a file may remain" in said
    assert (
        first.key.fingerprint in record and f"A message to {second.week} could be opened" in record
    )

    assert run(home, tmp_path, "--ended-before", third.last, "--yes") == 2
    assert "is not over" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "05-destroyed").iterdir()] == [
        f"blue-{first.week}.txt"
    ]
    assert run(home, tmp_path, "--ended-before", third.last, "--yes", "--force") == 0
    assert [one.secret for one in weeks(home)] == [False, False, True, True]


def test_a_record_that_is_there_already_stops_the_destruction(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = weeks(home)[0]
    (tmp_path / "05-destroyed").mkdir()
    (tmp_path / "05-destroyed" / f"blue-{first.week}.txt").write_text("kept", "utf-8")

    assert run(home, tmp_path, "--week", first.week, "--yes") == 2
    assert "not overwritten" in capsys.readouterr().err and weeks(home)[0].secret


class Pinentry:
    """A stand-in for gpg's window: it types the passphrase in *file*, or closes; and it counts."""

    def __init__(self, directory: Path, home: Path) -> None:
        self._file, self._log = directory / "typed", directory / "asked"
        program = directory / "pinentry"
        program.write_text(
            f"""#!/bin/sh
echo OK
while read -r command rest; do
    case $command in
    GETPIN) echo x >> {self._log}
            if [ -s {self._file} ]
            then echo "D $(cat {self._file})"; echo OK
            else echo "ERR 83886179 cancelled"; fi;;
    BYE) echo OK; exit;;
    *) echo OK;;
    esac
done
""",
            "utf-8",
        )
        program.chmod(0o755)
        home.mkdir(mode=0o700)
        # The least key stretching that gpg's agent allows; how much it does is not tested here.
        (home / "gpg-agent.conf").write_text(
            f"pinentry-program {program}\ns2k-count 65536\n", "utf-8"
        )
        self._home = home
        self.types(PASSPHRASE)

    def types(self, passphrase: str) -> None:
        self._file.write_text(passphrase, "utf-8")

    def asked(self, act: Callable[[], object]) -> int:
        """How often *act* makes gpg ask if its agent remembers nothing."""
        stop_agent(self._home)
        self._log.write_text("", "utf-8")
        act()
        return len(self._log.read_text("utf-8").splitlines())


@pytest.fixture
def pinentry(gpg_home: Path, tmp_path: Path) -> Pinentry:
    return Pinentry(tmp_path, gpg_home)


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which the arguments of each gpg are recorded."""
    directory, log = tmp_path / "watched", tmp_path / "arguments"
    directory.mkdir()
    for name in ("gpg", "gpg-connect-agent"):
        real = subprocess.run(
            ["which", name], capture_output=True, text=True, check=True
        ).stdout.strip()
        (directory / name).write_text(f'#!/bin/sh\necho "$@" >> {log}\nexec {real} "$@"\n', "utf-8")
        (directory / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(directory), prepend=os.pathsep)
    return log


@pytest.mark.slow
def test_a_passphrase_is_asked_once_a_step_in_gpgs_own_window_and_guards_every_secret(
    gpg_home: Path, tmp_path: Path, pinentry: Pinentry, arguments: Path
) -> None:
    start = today() - timedelta(days=15)
    out = str(tmp_path / "out")
    new = [
        "new",
        "--home",
        str(gpg_home),
        "--name",
        "blue",
        "--out",
        out,
        "--weeks",
        "4",
        "--start",
        start.isoformat(),
        "--own-passphrase",
    ]
    renew = ["renew", "--home", str(gpg_home), "--out", str(tmp_path / "again"), "--weeks", "3"]

    # A new one is typed twice.
    assert pinentry.asked(lambda: ceremony.main(new)) == 2
    assert pinentry.asked(lambda: ceremony.main(renew)) == 1
    key = reviewer_key(gpg_home)
    assert len(key.weeks) == 7
    assert all(
        is_protected(gpg_home, grip)
        for grip in [key.keygrip, *(week.keygrip for week in key.weeks)]
    )
    message = seal_to_week(gpg_home, key.weeks[0], b"old")
    assert pinentry.asked(lambda: can_open(gpg_home, message)) == 1 and can_open(gpg_home, message)

    signed: list[bytes] = []
    assert pinentry.asked(lambda: signed.append(Opener(gpg_home).sign(b"x", key.fingerprint))) == 1
    pinned = read_pinned_keys(tmp_path / "again" / "01-server")
    assert (
        verify_detached(b"x", signed[0], pinned, datetime.now(UTC)).fingerprint == key.fingerprint
    )

    assert (
        pinentry.asked(lambda: run(gpg_home, tmp_path, "--week", weeks(gpg_home)[0].week, "--yes"))
        >= 1
    )
    assert [week.secret for week in reviewer_key(gpg_home).weeks] == [False, *[True] * 6]
    assert not can_open(gpg_home, message)
    assert (
        Reviewers.load(tmp_path / "again" / "01-server", tmp_path / "front").last_day()
        == weeks(gpg_home)[-1].last
    )

    (tmp_path / "paper").mkdir()
    second = weeks(gpg_home)[1]
    sealed, *sheets = split(
        gpg_home, second, name="blue", needed=2, shares=2, out=tmp_path / "paper"
    )
    texts = [(sheet.name, sheet.read_text("utf-8")) for sheet in sheets]
    # The secret that the sheets bring back still has its passphrase.
    assert pinentry.asked(lambda: join(gpg_home, sealed, texts)) == 1 and weeks(gpg_home)[1].secret
    assert is_protected(gpg_home, second.key.keygrip)
    seen = arguments.read_text("utf-8")
    assert "--quick-add-key" in seen and "GET_PASSPHRASE" in seen
    assert PASSPHRASE not in seen and PASSPHRASE.encode().hex().upper() not in seen.upper()


def make_protected(home: Path, out: Path, weeks: int) -> None:
    new_reviewer(home, name="blue", out=out, weeks=Weeks(today(), weeks), choose=own)


@pytest.mark.slow
def test_a_wrong_passphrase_or_a_closed_window_changes_nothing(
    gpg_home: Path, tmp_path: Path, pinentry: Pinentry
) -> None:
    make_protected(gpg_home, tmp_path / "keys", weeks=2)
    before = reviewer_key(gpg_home)
    renew = ["renew", "--home", str(gpg_home), "--out", str(tmp_path / "again"), "--weeks", "3"]

    for passphrase, refusal in (
        ("another one 8", "That is not the passphrase"),
        ("", "window for the passphrase was closed"),
    ):
        pinentry.types(passphrase)
        assert ceremony.main(renew) == 2
        assert run(gpg_home, tmp_path, "--week", weeks(gpg_home)[0].week, "--yes", "--force") == 2
        stop_agent(gpg_home)
        with pytest.raises(CannotOpen, match=refusal):
            Opener(gpg_home).sign(b"x", before.fingerprint)

    assert reviewer_key(gpg_home) == before and not (tmp_path / "again").exists()
    assert not list((tmp_path / "05-destroyed").iterdir())


@pytest.mark.parametrize("passphrase", ["", " begins with a space", "ends with one 7 "])
def test_a_passphrase_that_gpg_would_take_otherwise_makes_no_key(
    gpg_home: Path, tmp_path: Path, pinentry: Pinentry, passphrase: str
) -> None:
    pinentry.types(passphrase)

    with pytest.raises(KeysError, match=r"window was closed|passphrase cannot be empty"):
        make_protected(gpg_home, tmp_path / "keys", weeks=1)

    assert Opener(gpg_home).secret_fingerprints() == []


def secret_files(home: Path) -> list[bytes]:
    return [path.read_bytes() for path in (home / "private-keys-v1.d").iterdir()]


class Screen(io.StringIO):
    """A terminal's output."""

    def isatty(self) -> bool:
        return True

    @property
    def words(self) -> str:
        """The one line that is indented."""
        (line,) = [line for line in self.getvalue().splitlines() if line.startswith("    ")]
        return line.strip()


@dataclass(frozen=True)
class Person:
    """Presses Enter, then types into gpg's window what is made of the words on the screen."""

    screen: Screen
    pinentry: Pinentry
    typed: Callable[[str], str]

    def readline(self) -> str:
        self.pinentry.types(self.typed(self.screen.words))
        return "\n"

    def choice(self, monkeypatch: pytest.MonkeyPatch) -> Choice:
        monkeypatch.setattr("sys.stdout", self.screen)
        monkeypatch.setattr("sys.stdin", self)
        return lambda home: drawn(home, steps._show_words)


def test_words_drawn_at_random_are_shown_once_typed_once_and_stretched_little(
    gpg_home: Path,
    tmp_path: Path,
    pinentry: Pinentry,
    arguments: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (gpg_home / "gpg-agent.conf").write_text(f"pinentry-program {tmp_path / 'pinentry'}\n", "utf-8")
    screen = Screen()
    choose = Person(screen, pinentry, lambda words: words).choice(monkeypatch)

    assert pinentry.asked(lambda: make(gpg_home, tmp_path, choose)) == 1

    words = screen.words.split()
    assert len(words) == WORDS == 8 and set(words) <= set(WordLists.read().english)
    assert screen.getvalue().endswith("\x1b[H\x1b[2J\x1b[3J")
    files = secret_files(gpg_home)
    # The key, one week, and nothing else.
    assert len(files) == 2 and all(f'"{STRETCH}"'.encode() in file for file in files)
    key = reviewer_key(gpg_home)
    message = seal_to_week(gpg_home, key.weeks[0], b"old")
    assert pinentry.asked(lambda: can_open(gpg_home, message)) == 1 and can_open(gpg_home, message)
    seen = arguments.read_text("utf-8").upper()
    assert words[0].upper() not in seen and screen.words.encode().hex().upper() not in seen


def make(home: Path, out: Path, choose: Choice) -> None:
    new_reviewer(home, name="blue", out=out / "keys", weeks=Weeks(today(), 1), choose=choose)


def test_words_that_are_not_those_on_the_paper_make_no_key(
    gpg_home: Path, tmp_path: Path, pinentry: Pinentry, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose = Person(Screen(), pinentry, lambda words: words[:-1]).choice(monkeypatch)

    def fails() -> None:
        with pytest.raises(CeremonyError, match="not what was shown"):
            make(gpg_home, tmp_path, choose)

    assert pinentry.asked(fails) == 3
    assert not secret_files(gpg_home) and not (tmp_path / "keys").exists()


def test_words_are_shown_in_no_file(
    gpg_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = ["new", "--home", gpg_home, "--name", "blue", "--out", tmp_path / "out"]
    assert ceremony.main(list(map(str, new))) == 2

    said = capsys.readouterr()
    assert "only in a terminal" in said.err and not said.out
    assert not (gpg_home / "private-keys-v1.d").exists()
    # Nor is anything else left of it.
    assert ceremony.main(["new", "--home", str(tmp_path / "none"), *map(str, new[3:])]) == 2
    assert "only in a terminal" in capsys.readouterr().err and not (tmp_path / "none").exists()


def test_a_passphrase_of_ones_own_keeps_the_stretching_that_gpg_chooses(tmp_path: Path) -> None:
    """Somebody may have begun with words drawn at random, and then chosen their own."""
    home = tmp_path / "home"
    home.mkdir()
    write_settings(home, at_random=True)
    assert f"s2k-count {STRETCH}\n" in (home / "gpg-agent.conf").read_text("utf-8")

    write_settings(home, at_random=False)
    assert "s2k-count" not in (home / "gpg-agent.conf").read_text("utf-8")


def test_an_agent_that_has_read_other_settings_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reads them when it starts; until then it would stretch, and remember, as before."""
    stopped = list[Path]()
    monkeypatch.setattr("scripts.ceremony.passphrase.stop_agent", stopped.append)

    write_settings(tmp_path, at_random=True)
    write_settings(tmp_path, at_random=True)
    assert stopped == [tmp_path]
    write_settings(tmp_path, at_random=False)
    assert stopped == [tmp_path] * 2
