"""All reviewers' public files in one folder: as a server takes them, or not at all."""

import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from support.shared import made_once, make_home

from dropbox.openpgp import Reviewers
from dropbox.pinned_keys import read_pins
from dropbox.weekly_hpke import WeeklyHpke
from scripts.ceremony import __main__ as ceremony
from scripts.ceremony.new_key import Weeks, new_reviewer
from scripts.ceremony.passphrase import unprotected

DAYS = {"blue": 0, "green": -7, "late": 30}


@pytest.fixture
def ceremonies(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what three ceremonies wrote; the third key begins in a month."""

    def make(place: Path) -> None:
        today = datetime.now(UTC).date()
        for name, days in DAYS.items():
            hold(place / name, name, today + timedelta(days=days))

    made = made_once(tmp_path_factory, "three ceremonies", make)
    return Path(shutil.copytree(made, tmp_path / "ceremonies"))


def hold(out: Path, name: str, start: date) -> None:
    def make(home: Path) -> None:
        new_reviewer(
            home, name=name, out=out / "01-server", weeks=Weeks(start, 2), choose=unprotected
        )

    make_home(make, out.parent / f"home-{name}")
    shutil.rmtree(out.parent / f"home-{name}")


def gather(out: Path, *folders: Path) -> int:
    return ceremony.main(["gather", *map(str, folders), "--out", str(out)])


@pytest.mark.slow
def test_a_gathered_folder_is_what_a_server_takes(
    ceremonies: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "keys"
    assert gather(out, ceremonies / "blue", ceremonies / "green" / "01-server") == 0

    pins = read_pins(out)
    assert list(pins.values()) == ["blue.asc", "green.asc"]
    assert set(Reviewers.load(out, tmp_path / "front").fingerprints) == set(pins)
    WeeklyHpke.load(out, datetime.now(UTC))
    said = "".join(capsys.readouterr().out.split())
    assert all(fingerprint in said for fingerprint in pins)
    assert len(list(out.iterdir())) == 7


Change = Callable[[Path], object]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: shutil.copytree(c / "blue", c / "again"), "same key is in"),
        (lambda c: (c / "blue" / "01-server" / "blue.hpke.sig").unlink(), "is missing"),
        (
            lambda c: shutil.copy(
                c / "green" / "01-server" / "green.asc", c / "blue" / "01-server" / "blue.asc"
            ),
            "is not the pinned key",
        ),
        (
            lambda c: shutil.copy(
                c / "green" / "01-server" / "green.hpke", c / "blue" / "01-server" / "blue.hpke"
            ),
            "blue.hpke",
        ),
        (lambda c: (c / "empty").mkdir(), "no readable FINGERPRINTS"),
        (lambda c: rename(c / "green" / "01-server"), "have the name blue"),
    ],
)
def test_what_does_not_go_together_is_refused_and_nothing_is_left(
    ceremonies: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: Change,
    said: str,
) -> None:
    shutil.rmtree(ceremonies / "late")
    change(ceremonies)

    assert gather(tmp_path / "keys", *sorted(ceremonies.iterdir())) == 2
    assert said in capsys.readouterr().err and not (tmp_path / "keys").exists()


def rename(folder: Path) -> None:
    """Give the reviewer in *folder* the other one's name."""
    for file in folder.iterdir():
        file.rename(folder / file.name.replace("green", "blue"))
    pins = folder / "FINGERPRINTS"
    pins.write_text(pins.read_text("ascii").replace("green", "blue"), "ascii")


def test_a_key_that_no_server_takes_today_and_a_folder_that_exists_are_refused(
    ceremonies: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gather(tmp_path / "keys", *(ceremonies / name for name in DAYS)) == 2
    assert "late.asc" in capsys.readouterr().err and not (tmp_path / "keys").exists()

    (tmp_path / "keys").mkdir()
    assert gather(tmp_path / "keys", ceremonies / "blue") == 2
    assert "not overwritten" in capsys.readouterr().err
    assert not list((tmp_path / "keys").iterdir())
