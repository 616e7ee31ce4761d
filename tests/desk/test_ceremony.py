"""The key ceremony with real gpg: the server takes its keys, and no secret leaves it."""

import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
import wcwidth

from dropbox.errors import KeysError
from dropbox.gpg_agent import stop_agent
from dropbox.openpgp import Opener, Reviewers
from dropbox.packets import dearmor, packets
from dropbox.pinned_keys import read_pins
from dropbox.reviewer_key import reviewer_key
from scripts.ceremony import __main__ as ceremony
from scripts.ceremony.new_key import Weeks, new_reviewer
from scripts.ceremony.paper import COLUMNS, LINES
from scripts.ceremony.passphrase import unprotected
from scripts.ceremony.weeks import CeremonyError


def today() -> date:
    """The UTC day, read each time because a run of all tests may go past midnight."""
    return datetime.now(UTC).date()


SECRET_KEY, SECRET_SUBKEY, USER_ID = 5, 7, 13


@pytest.fixture
def home(gpg_home: Path) -> Path:
    return gpg_home


def make(
    home: Path, out: Path, name: str = "blue", count: int = 2, start: date | None = None
) -> str:
    return new_reviewer(
        home, name=name, out=out, weeks=Weeks(start or today(), count), choose=unprotected
    )


@pytest.mark.slow
def test_what_the_ceremony_makes_is_what_the_server_takes(
    home: Path, keys_dir: Path, tmp_path: Path
) -> None:
    out = Path(shutil.copytree(keys_dir, tmp_path / "keys"))
    before = read_pins(out)

    fingerprint = make(home, out)

    assert read_pins(out) == {**before, fingerprint: "blue.asc"}
    assert home.stat().st_mode & 0o777 == 0o700
    reviewers = Reviewers.load(out, tmp_path / "front")
    assert fingerprint in reviewers.fingerprints
    sealed: list[bytes] = []
    reviewers.seal(BytesIO(b"report"), sealed.append)
    assert Opener(home).open(b"".join(sealed)) == b"report"


def test_the_agent_offers_no_password_manager_forgets_after_ten_minutes_and_own_settings_stay(
    home: Path, tmp_path: Path
) -> None:
    make(home, tmp_path / "out", count=1)
    assert (home / "gpg-agent.conf").read_text("utf-8") == (
        "no-allow-external-cache\ndefault-cache-ttl 600\nmax-cache-ttl 7200\n"
    )

    other = tmp_path / "o"
    other.mkdir(mode=0o700)
    (other / "gpg-agent.conf").write_text("max-cache-ttl 60\n", "utf-8")
    make(other, tmp_path / "out", name="green", count=1)
    stop_agent(other)
    assert (other / "gpg-agent.conf").read_text("utf-8") == (
        "max-cache-ttl 60\nno-allow-external-cache\ndefault-cache-ttl 600\n"
    )


def test_no_secret_is_written_out(home: Path, tmp_path: Path) -> None:
    make(home, tmp_path / "out")

    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "FINGERPRINTS",
        "blue.asc",
        "blue.hpke",
        "blue.hpke.sig",
    ]
    tags = {packet.tag for packet in packets(dearmor((tmp_path / "out" / "blue.asc").read_bytes()))}
    assert tags and not tags & {SECRET_KEY, SECRET_SUBKEY}


def test_the_weeks_are_as_many_and_as_late_as_asked(home: Path, tmp_path: Path) -> None:
    make(home, tmp_path / "out", count=3, start=today() - timedelta(days=3))

    assert Reviewers.load(tmp_path / "out", tmp_path / "front").last_day() == today() + timedelta(
        days=-3 + 14 + 14 - 1
    )


def test_a_key_has_from_one_week_to_ten_years() -> None:
    assert [Weeks(today(), count).count for count in (1, 520)] == [1, 520]
    for count in (0, 521):
        with pytest.raises(CeremonyError, match="from 1 to 520"):
            Weeks(today(), count)


def test_a_key_that_begins_later_is_not_used_before(home: Path, tmp_path: Path) -> None:
    make(home, tmp_path / "out", count=1, start=today() + timedelta(days=10))

    with pytest.raises(KeysError, match=r"blue\.asc"):
        Reviewers.load(tmp_path / "out", tmp_path / "front")


def test_a_home_with_a_key_or_a_name_that_is_taken_is_refused_before_anything_is_made(
    home: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    make(home, out, count=1)
    pins, key = (out / "FINGERPRINTS").read_bytes(), (out / "blue.asc").read_bytes()

    with pytest.raises(CeremonyError, match=r"secret key .* already"):
        make(home, out, name="green")
    with pytest.raises(CeremonyError, match="exists already or is pinned"):
        make(tmp_path / "other", out)
    for file in ("blue.asc", "blue.hpke", "blue.hpke.sig"):
        (out / file).unlink()
        with pytest.raises(CeremonyError, match="exists already or is pinned"):
            make(tmp_path / "other", out)

    assert (out / "FINGERPRINTS").read_bytes() == pins and key
    assert not (tmp_path / "other").exists() and [path.name for path in out.iterdir()] == [
        "FINGERPRINTS"
    ]


@pytest.mark.parametrize("name", ["", "x", "Blue", "-rf", "../up", "a b", "name\n", "王", "a" * 40])
def test_a_name_that_is_no_plain_word_is_refused(home: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(CeremonyError, match="a-z"):
        make(home, tmp_path / "out", name=name)

    assert not home.exists() and not (tmp_path / "out").exists()


def test_a_home_that_others_can_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o755)

    with pytest.raises(CeremonyError, match="chmod 700"):
        make(tmp_path / "home", tmp_path / "out")


def test_a_broken_pin_file_stops_the_ceremony(home: Path, tmp_path: Path) -> None:
    (tmp_path / "FINGERPRINTS").write_text("nonsense\n", "utf-8")

    with pytest.raises(KeysError, match="line 1"):
        make(home, tmp_path)

    assert not home.exists()


def test_a_pin_file_without_a_last_line_end_is_continued_on_a_new_line(
    home: Path, tmp_path: Path
) -> None:
    (tmp_path / "FINGERPRINTS").write_text("A" * 40 + "  red.asc", "utf-8")

    fingerprint = make(home, tmp_path, count=1)

    assert read_pins(tmp_path) == {"A" * 40: "red.asc", fingerprint: "blue.asc"}


def test_the_public_key_says_nothing_of_the_computer_that_made_it(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "alice")
    make(home, tmp_path / "out", count=1)

    binary = dearmor((tmp_path / "out" / "blue.asc").read_bytes())
    assert [packet.body for packet in packets(binary) if packet.tag == USER_ID] == [b"blue"]


def run(command: str, home: Path, *more: object) -> int:
    return ceremony.main([command, "--home", str(home), *map(str, more)])


@pytest.mark.parametrize(
    ("command", "needed"),
    [
        ("new --name blue", "--out"),
        ("new --out d", "--name"),
        ("destroy --out d --yes", "--week --ended-before"),
        ("split --out d --sheets 3 --needed 2", "--week"),
        ("split --out d --week 2026-W48 --needed 2", "--sheets"),
        ("split --out d --week 2026-W48 --sheets 3", "--needed"),
        ("join --sheet a", "--sealed"),
    ],
)
def test_what_nobody_may_leave_out_is_asked_for(
    command: str, needed: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, *rest = command.split()

    assert run(name, home, *rest) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert needed in said and "required" in said


@pytest.mark.parametrize(
    "command",
    [
        "new --name blue --out d --start 2026-13-01",
        "destroy --out d --ended-before yesterday",
        "destroy --out d --ended-before 20261201x",
    ],
)
def test_a_day_that_is_none_is_answered_with_how_one_is_written(
    command: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, *rest = command.split()

    assert run(name, home, *rest) == 2
    assert "a day is written as 2026-12-01" in capsys.readouterr().err.splitlines()[-1]


def begin(home: Path, out: Path, *more: object) -> int:
    return run("new", home, "--name", "blue", "--out", out, "--unprotected", "--weeks", 1, *more)


def files(directory: Path) -> list[str]:
    return sorted(
        str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()
    )


def test_a_ceremony_leaves_its_files_sorted_by_where_they_go(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert begin(home, tmp_path) == 0

    said = capsys.readouterr().out
    assert "only for demonstrations and tests" in said
    assert next(iter(read_pins(tmp_path / "01-server"))) in "".join(said.split())
    assert files(tmp_path) == [
        "01-server/FINGERPRINTS",
        "01-server/blue.asc",
        "01-server/blue.hpke",
        "01-server/blue.hpke.sig",
        "02-paper/blue-fingerprint.txt",
        "03-safe/blue-revocation.asc",
    ]
    first, *others = files(tmp_path)[1:]
    assert str(tmp_path / first) in said and "blue.hpke, blue.hpke.sig and FINGERPRINTS" in said
    assert all(str(tmp_path / name) in said for name in others[2:])


@pytest.mark.slow
def test_each_step_can_be_done_alone_and_overwrites_nothing(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begin(home, tmp_path / "a")
    before = {name: (tmp_path / "a" / name).read_bytes() for name in files(tmp_path / "a")}

    assert [
        run(step, home, "--out", tmp_path / "a") for step in ("public", "sheet", "revocation")
    ] == [2, 2, 2]
    assert begin(home, tmp_path / "a") == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 4
    for error, words in zip(
        errors,
        ["exists already or is pinned", "not overwritten", "moved out before", "already"],
        strict=True,
    ):
        assert words in error
    assert {name: (tmp_path / "a" / name).read_bytes() for name in files(tmp_path / "a")} == before

    assert [run(step, home, "--out", tmp_path / "b") for step in ("public", "sheet")] == [0, 0]
    again = {name: (tmp_path / "b" / name).read_bytes() for name in files(tmp_path / "b")}
    assert again == {name: content for name, content in before.items() if not name.startswith("03")}


@pytest.mark.slow
def test_the_revocation_certificate_ends_the_key_and_is_no_longer_beside_it(
    home: Path, tmp_path: Path
) -> None:
    begin(home, tmp_path)

    assert not list(home.rglob("*.rev"))
    # gpg puts a colon in front, so that nobody uses it by mistake.
    certificate = (
        (tmp_path / "03-safe" / "blue-revocation.asc")
        .read_bytes()
        .replace(b":-----BEGIN", b"-----BEGIN")
    )
    Reviewers.load(tmp_path / "01-server", tmp_path / "front")
    subprocess.run(
        ["gpg", "--homedir", home, "--batch", "--quiet", "--import"], input=certificate, check=True
    )
    run("public", home, "--out", tmp_path / "after")
    with pytest.raises(KeysError, match=r"blue\.asc has expired or was revoked"):
        Reviewers.load(tmp_path / "after" / "01-server", tmp_path / "other")


def test_the_fingerprint_sheet_fits_on_one_page_and_says_it_in_three_languages(
    home: Path, tmp_path: Path
) -> None:
    begin(home, tmp_path)

    sheet = (tmp_path / "02-paper" / "blue-fingerprint.txt").read_text("utf-8")
    fingerprint = next(iter(read_pins(tmp_path / "01-server")))
    lines = sheet.splitlines()
    assert len(lines) <= LINES and max(map(wcwidth.wcswidth, lines)) <= COLUMNS
    assert re.findall("[0-9A-F]{4}", "\n".join(lines[6:10])) == re.findall("....", fingerprint)
    assert all(
        words in sheet for words in ("Reports are locked", "简体中文：报告", "繁體中文：報告")
    )
    assert sheet.count((today() + timedelta(days=13)).isoformat()) == 3


@pytest.mark.slow
def test_a_ceremony_that_broke_off_can_be_brought_to_its_end(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing = tmp_path / "bin" / "gpg"
    failing.parent.mkdir()
    real, count = shutil.which("gpg"), tmp_path / "count"
    failing.write_text(
        f"""#!/bin/sh
case "$*" in *quick-add-key*) echo x >> {count}; [ $(wc -l < {count}) -lt 3 ] || exit 2;; esac
exec {real} "$@"
""",
        "utf-8",
    )
    failing.chmod(0o755)
    out = tmp_path / "out"
    with monkeypatch.context() as broken:
        broken.setenv("PATH", str(failing.parent), prepend=os.pathsep)
        assert begin(home, out, "--weeks", 4) == 2
        assert "gpg made 2 of 4 weekly keys" in capsys.readouterr().err and not out.exists()

    assert run("renew", home, "--out", out, "--weeks", 2) == 0
    assert run("revocation", home, "--out", out) == 0
    assert len(files(out)) == 6
    assert Reviewers.load(out / "01-server", tmp_path / "front").last_day() == today() + timedelta(
        days=3 * 7 + 13
    )


@pytest.mark.slow
def test_ctrl_c_stops_between_two_weeks_and_the_rest_is_added_later(
    home: Path, tmp_path: Path
) -> None:
    """The terminal sends it to this process and to gpg."""
    stopping, count = tmp_path / "bin" / "gpg", tmp_path / "count"
    stopping.parent.mkdir()
    stopping.write_text(
        f"""#!/bin/sh
case "$*" in *quick-add-key*)
    echo x >> {count}
    [ $(wc -l < {count}) -ne 2 ] || kill -INT $PPID $$;;
esac
exec {shutil.which("gpg")} "$@"
""",
        "utf-8",
    )
    stopping.chmod(0o755)
    new = ["new", "--home", home, "--name", "blue", "--out", tmp_path / "out", "--unprotected"]
    done = subprocess.run(
        [sys.executable, "-m", "scripts.ceremony", *map(str, new), "--weeks", "4"],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PATH": f"{stopping.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr.strip()) == (130, ceremony.STOPPED)
    assert [week.secret for week in reviewer_key(home).weeks] == [True, True]
    assert len(list((home / "private-keys-v1.d").iterdir())) == 3
    assert not list(home.glob("**/*.tmp")) and not (tmp_path / "out").exists()
    assert run("renew", home, "--out", tmp_path / "out", "--weeks", 2, "--early") == 0
    assert len(reviewer_key(home).weeks) == 4
    assert Reviewers.load(tmp_path / "out" / "01-server", tmp_path / "front")


@pytest.mark.slow
def test_a_terminal_shows_how_many_weeks_are_made_and_a_file_does_not(
    home: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert begin(home, tmp_path / "a") == 0 and not capsys.readouterr().err

    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert run("renew", home, "--out", tmp_path / "b", "--weeks", 2) == 0
    assert capsys.readouterr().err == "\r1 of 2 weekly keys\r2 of 2 weekly keys\n"


def test_the_command_line_speaks_in_sentences(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert begin(home, tmp_path, "--weeks", 0) == 2
    assert run("weeks", home) == 2
    home.mkdir(mode=0o700)
    assert run("weeks", home) == 2
    home.chmod(0o755)
    assert run("weeks", home) == 2

    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 4 and not files(tmp_path)
    for error, words in zip(
        errors, ["from 1 to", "no directory", "0 secret keys", "chmod 700"], strict=True
    ):
        assert words in error
