"""A new site: settings that load, a secret salt, a private export key, no overwriting."""

import stat
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from dropbox.settings import Settings
from scripts.newsite import SiteExists, main, make_site

ONION = "b" * 56 + ".onion"


def test_a_new_site_can_be_loaded_and_its_export_key_fits(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", onion=ONION, keys=tmp_path / 'a "quoted" 钥匙 folder')
    settings = Settings.load({"CASEDROP_SETTINGS": str(site.settings_file)})

    assert settings.onion == ONION
    assert settings.keys == tmp_path / 'a "quoted" 钥匙 folder'
    assert bytes(SigningKey(settings.export_key.read_bytes()).verify_key) == site.export_public
    assert stat.S_IMODE(settings.export_key.stat().st_mode) == 0o600
    assert stat.S_IMODE(site.settings_file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "site" / "probe.key").stat().st_mode) == 0o600


def test_a_site_and_its_keys_can_be_moved_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here" / "keys").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    site = make_site(Path("var"), onion=ONION, keys=Path("keys"))
    assert 'keys = "../keys"' in site.settings_file.read_text("utf-8")

    (tmp_path / "here").rename(tmp_path / "there")
    moved = Settings.load({"CASEDROP_SETTINGS": str(tmp_path / "there" / "var" / "settings.toml")})

    assert moved.keys.samefile(tmp_path / "there" / "keys")


def test_keys_below_the_site_are_named_from_it(tmp_path: Path) -> None:
    (tmp_path / "here" / "keys").mkdir(parents=True)
    site = make_site(tmp_path / "here", onion=ONION, keys=tmp_path / "here" / "keys")

    assert 'keys = "keys"' in site.settings_file.read_text("utf-8")
    assert Settings.load({"CASEDROP_SETTINGS": str(site.settings_file)}).keys.is_dir()


def test_two_sites_have_different_salts_and_keys(tmp_path: Path) -> None:
    sites = [make_site(tmp_path / name, onion=ONION, keys=tmp_path) for name in ("one", "two")]
    salts = [Settings.load({"CASEDROP_SETTINGS": str(site.settings_file)}).salt for site in sites]

    assert salts[0] != salts[1] and sites[0].export_public != sites[1].export_public


def test_a_site_that_exists_is_not_touched(tmp_path: Path) -> None:
    site = make_site(tmp_path, onion=ONION, keys=tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    with pytest.raises(SiteExists, match=r"settings.toml exists already"):
        make_site(tmp_path, onion=ONION, keys=tmp_path)

    assert {
        path.name: path.read_bytes()
        for path in site.settings_file.parent.iterdir()
        if path.is_file()
    } == before


def test_a_wrong_address_leaves_nothing_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--onion", "wrong.onion", str(tmp_path)]) == 2

    assert "an onion address" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_what_the_desk_needs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--onion", ONION, str(tmp_path)]) == 0

    assert (tmp_path / "export.pub").read_text("ascii").strip() in capsys.readouterr().out
