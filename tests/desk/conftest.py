"""Fixtures of the desk's tests."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cases import new_casebook
from support.decided_cases import decide
from support.export_bundles import CAMPAIGN, SERVER, Drop
from support.line import Line
from support.shared import made_once
from support.team import Prepared, Team

from dropbox.openpgp import Reviewers
from dropbox.packets import PublicKey
from dropbox.pinned_keys import read_pinned_keys
from scripts.desk.casebook.casebook import Casebook


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Casebooks in which something has been done already."""
    return Prepared(tmp_path_factory)


@pytest.fixture
def team(
    reviewer_homes: list[Path],
    third_home: Path,
    desk_keys: Path,
    prepared: Prepared,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Team:
    """Three reviewers at an empty casebook."""

    def begin(team: Team) -> None:
        key = bytes(SERVER.verify_key).hex()
        team(
            0, "init", "--server-key", key, "--campaign", CAMPAIGN, "--desk", 0, "--keys", desk_keys
        )

    made = Team(tmp_path / "casebook", [*reviewer_homes, third_home], capsys, tmp_path)
    prepared.bring("empty", made, begin)
    return made


@pytest.fixture
def ready(team: Team, prepared: Prepared) -> Team:
    """Two cases that were decided, and an open one: see support.decided_cases."""
    prepared.bring("decided cases", team, decide)
    return team


@pytest.fixture
def drop(reviewers: Reviewers, tmp_path: Path) -> Drop:
    """A drop of the two reviewers; its bundles are written beside the casebook."""
    return Drop(reviewers, tmp_path)


@pytest.fixture(scope="session")
def pinned(keys_dir: Path) -> dict[str, PublicKey]:
    """The two reviewers by name, as a casebook knows them."""
    return {f"reviewer-{number}": key for number, key in enumerate(read_pinned_keys(keys_dir), 1)}


@pytest.fixture(scope="session")
def empty_casebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of an empty casebook that is only copied."""

    def make(place: Path) -> None:
        with new_casebook(place / "casebook"):
            pass

    return made_once(tmp_path_factory, "empty casebook", make) / "casebook"


@pytest.fixture
def casebook_directory(tmp_path: Path, empty_casebook: Path) -> Path:
    """The directory of an empty casebook of that drop, which knows no reviewers."""
    shutil.copytree(empty_casebook, tmp_path / "casebook")
    return tmp_path / "casebook"


@pytest.fixture
def casebook(casebook_directory: Path) -> Iterator[Casebook]:
    """The casebook in *casebook_directory*, open."""
    with Casebook.open(casebook_directory) as opened:
        yield opened


@pytest.fixture
def line(
    tmp_path: Path,
    reviewer_homes: list[Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Line:
    """The first reviewer at the command line, 200 columns wide; the casebook may have to be
    made.
    """
    monkeypatch.setenv("COLUMNS", "200")
    return Line(tmp_path / "casebook", reviewer_homes[0], capsys, monkeypatch)
