"""`casedrop check`: what would stop a start is said while the drop still serves."""

import shutil
from pathlib import Path

import pytest

from scripts import casedrop
from scripts.newsite import make_site

ONION = "b" * 56 + ".onion"


@pytest.fixture
def settings(tmp_path: Path, keys_dir: Path) -> Path:
    shutil.copytree(keys_dir, tmp_path / "keys")
    return make_site(tmp_path / "site", onion=ONION, keys=tmp_path / "keys").settings_file


@pytest.mark.slow
def test_a_site_without_a_mistake_is_right_in_every_part(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(settings.parent.rglob("*"))

    assert casedrop.main(["check", "--settings", str(settings)]) == 0

    out, err = capsys.readouterr()
    assert "pinned" in out or "The reviewers' weekly keys expire" in out
    assert "The longest page" in out and "A start would find nothing wrong" in out and err == ""
    assert sorted(settings.parent.rglob("*")) == before


def test_a_mistake_in_fingerprints_is_found_before_the_stop(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pins = settings.parent.parent / "keys" / "FINGERPRINTS"
    pins.write_text(pins.read_text("utf-8").replace(".asc", ".acs", 1), "utf-8")

    assert casedrop.main(["check", "--settings", str(settings)]) == 2

    out, err = capsys.readouterr()
    assert err.count("\n") == 1 and "FINGERPRINTS" in err
    assert "nothing wrong" not in out


def test_a_wrong_setting_is_named(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings.write_text(settings.read_text("utf-8") + "grace_days = 0\n", "utf-8")

    assert casedrop.main(["check", "--settings", str(settings)]) == 2

    assert "[vault] grace_days" in capsys.readouterr().err
