"""Fixtures of the desk's tests."""

from pathlib import Path

import pytest
from support.export_bundles import CAMPAIGN, SERVER
from support.team import Prepared, Team


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Casebooks in which something has been done already."""
    return Prepared(tmp_path_factory.mktemp("prepared"))


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
