"""Who may serve, and from what state: `casedrop up` before it starts anything."""

import os
from pathlib import Path

import pytest

from onion.errors import RunsAsRoot, SiteMissing, StateInUse
from onion.service import LOCK, _up, alone, serve


def test_root_does_not_serve_and_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    with pytest.raises(RunsAsRoot, match=r"does not serve as root: .* --as-root"):
        serve(tmp_path / "state")

    assert list(tmp_path.iterdir()) == []


def test_settings_that_cannot_be_read_are_said_before_tor_joins_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begun(*_: object, **__: object) -> None:
        pytest.fail("tor was started.")

    monkeypatch.setattr("onion.service.check_version", lambda _: None)
    monkeypatch.setattr("onion.service.installed_version", lambda: (0, 4, 9, 11))
    monkeypatch.setattr("onion.service.has_proof_of_work", lambda: True)
    monkeypatch.setattr("onion.service.Tor", begun)
    (tmp_path / "settings.toml").write_text("[vault\n", "utf-8")
    with pytest.raises(SiteMissing, match=r"settings\.toml cannot be read"):
        _up(tmp_path)


def test_a_state_is_one_starts_alone_until_that_ends(tmp_path: Path) -> None:
    with alone(tmp_path), pytest.raises(StateInUse, match="already serves from"), alone(tmp_path):
        pytest.fail("Two serve from one state.")

    with alone(tmp_path):
        assert (tmp_path / LOCK).stat().st_mode & 0o777 == 0o600


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / LOCK).symlink_to(tmp_path / "elsewhere")

    with pytest.raises(OSError, match="symbolic links"), alone(tmp_path):
        pytest.fail("It served.")

    assert not (tmp_path / "elsewhere").exists()
