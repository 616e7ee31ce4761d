"""The key ceremony with real gpg: what it makes is what the server takes, and nothing secret leaves the workstation."""

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest

from dropbox.errors import KeysError
from dropbox.openpgp import Opener, Reviewers, stop_agent
from dropbox.packets import dearmor, packets, read_pins
from scripts import ceremony
from scripts.ceremony import CeremonyError, Weeks, new_reviewer

TODAY = datetime.now(UTC).date()
SECRET_KEY, SECRET_SUBKEY = 5, 7


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    # Short, since gpg-agent's socket is in it.
    place = tmp_path_factory.mktemp("h") / "g"
    yield place
    if place.exists():
        stop_agent(place)


def make(home: Path, out: Path, name: str = "blue", count: int = 2, start: date = TODAY) -> str:
    return new_reviewer(home, name=name, out=out, weeks=Weeks(start, count), protected=False)


def test_what_the_ceremony_makes_is_what_the_server_takes(home: Path, keys_dir: Path, tmp_path: Path) -> None:
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


def test_no_secret_is_written_out(home: Path, tmp_path: Path) -> None:
    make(home, tmp_path / "out")

    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["FINGERPRINTS", "blue.asc"]
    tags = {packet.tag for packet in packets(dearmor((tmp_path / "out" / "blue.asc").read_bytes()))}
    assert tags and not tags & {SECRET_KEY, SECRET_SUBKEY}


def test_the_weeks_are_as_many_and_as_late_as_asked(home: Path, tmp_path: Path) -> None:
    make(home, tmp_path / "out", count=3, start=TODAY - timedelta(days=3))

    assert Reviewers.load(tmp_path / "out", tmp_path / "front").last_day() == TODAY + timedelta(days=-3 + 14 + 14 - 1)


def test_a_key_that_begins_later_is_not_used_before(home: Path, tmp_path: Path) -> None:
    make(home, tmp_path / "out", count=1, start=TODAY + timedelta(days=10))

    with pytest.raises(KeysError, match=r"blue\.asc"):
        Reviewers.load(tmp_path / "out", tmp_path / "front")


def test_a_home_with_a_key_or_a_name_that_is_taken_is_refused_before_anything_is_made(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    make(home, out, count=1)
    pins, key = (out / "FINGERPRINTS").read_bytes(), (out / "blue.asc").read_bytes()

    with pytest.raises(CeremonyError, match=r"secret key .* already"):
        make(home, out, name="green")
    with pytest.raises(CeremonyError, match="exists already or is pinned"):
        make(tmp_path / "other", out)
    (out / "blue.asc").unlink()
    with pytest.raises(CeremonyError, match="exists already or is pinned"):
        make(tmp_path / "other", out)

    assert (out / "FINGERPRINTS").read_bytes() == pins and key
    assert not (tmp_path / "other").exists() and [path.name for path in out.iterdir()] == ["FINGERPRINTS"]


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


def test_a_pin_file_without_a_last_line_end_is_continued_on_a_new_line(home: Path, tmp_path: Path) -> None:
    (tmp_path / "FINGERPRINTS").write_text("A" * 40 + "  red.asc", "utf-8")

    fingerprint = make(home, tmp_path, count=1)

    assert read_pins(tmp_path) == {"A" * 40: "red.asc", fingerprint: "blue.asc"}


def test_the_command_line_warns_of_a_key_without_passphrase(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["new", "--home", str(home), "--name", "blue", "--out", str(tmp_path), "--weeks", "1", "--unprotected"]
    assert ceremony.main(arguments) == 0

    said = capsys.readouterr().out
    assert "only for demonstrations and tests" in said
    assert next(iter(read_pins(tmp_path))) in said.replace(" ", "")

    assert ceremony.main(arguments) == 1
    assert ceremony.main([*arguments[:-3], "--weeks", "0", "--unprotected"]) == 1
    errors = capsys.readouterr().err
    assert errors.count("\n") == 2 and "already" in errors and "from 1 to" in errors
