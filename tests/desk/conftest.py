"""Fixtures of the desk's tests."""

from pathlib import Path

import pytest
from support.export_bundles import CAMPAIGN, SERVER
from support.team import Team


@pytest.fixture
def team(
    reviewer_homes: list[Path],
    third_home: Path,
    desk_keys: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Team:
    """Three reviewers at an empty casebook."""
    made = Team(tmp_path / "casebook", [*reviewer_homes, third_home], capsys, tmp_path)
    key = bytes(SERVER.verify_key).hex()
    made(0, "init", "--server-key", key, "--campaign", CAMPAIGN, "--desk", 0, "--keys", desk_keys)
    return made
