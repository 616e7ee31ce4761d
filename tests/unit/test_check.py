"""`casedrop check`: what would stop a start is said while the drop still serves."""

import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts import casedrop
from scripts.newsite import make_site
from scripts.operator import check

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


def test_a_program_for_mail_that_is_not_there_is_said_before_an_alarm_needs_it(
    settings: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.operator.texts.check", lambda _: None)
    program = settings.with_name("sendmail")
    alarms = f'[alarms]\nmail_to = "me@example.org"\nsendmail = "{program}"\n'
    settings.write_text(settings.read_text("utf-8") + alarms, "utf-8")
    for mode, sentence in ((None, "CANNOT be mailed"), (0o600, "CANNOT"), (0o700, "are mailed")):
        if mode is not None:
            program.touch()
            program.chmod(mode)
        assert casedrop.main(["check", "--settings", str(settings)]) == 0
        out = capsys.readouterr().out
        assert sentence in out and "me@example.org" in out and str(program) in out


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


@pytest.mark.parametrize(("data", "sentence"), [(b"short", "is damaged"), (None, "export.key")])
def test_an_export_key_that_no_vault_starts_with_is_named(
    settings: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    data: bytes | None,
    sentence: str,
) -> None:
    monkeypatch.setattr("scripts.operator.texts.check", lambda _: None)
    monkeypatch.setattr(check, "check_keys", lambda _: "")
    key = settings.with_name("export.key")
    key.unlink()
    if data is not None:
        key.write_bytes(data)
    assert casedrop.main(["check", "--settings", str(settings)]) == 2
    assert sentence in capsys.readouterr().err


# --- Whom the rooms run as ---


@pytest.fixture
def of_all() -> Iterator[Path]:
    """A folder that other users may enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_what_a_room_may_not_read_is_found_and_what_it_may_is_not(of_all: Path) -> None:
    user = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    folder, file, closed = of_all / "folder", of_all / "file", of_all / "closed"
    folder.mkdir(mode=0o755)
    file.touch(0o644)
    closed.touch(0o000)
    assert check.unreadable([folder, file, closed], user) == [str(closed)]
    folder.chmod(0o644)
    assert check.unreadable([folder, file], user) == [str(folder)]
    folder.chmod(0o755)


def test_a_start_that_would_fail_for_want_of_rights_is_not_called_right(
    settings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What root copies into the folder of the keys with a narrow umask, only root can read."""
    monkeypatch.setattr("scripts.operator.texts.check", lambda _: None)
    monkeypatch.setattr(check, "check_keys", lambda _: "")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(check, "unreadable", lambda paths, _: [str(paths[0])])
    settings.parent.chmod(0o755)
    assert casedrop.main(["check", "--settings", str(settings)]) == 0
    me = pwd.getpwuid(os.getuid()).pw_name
    text = settings.read_text("utf-8")
    settings.write_text(f'{text}front_user = "{me}"\n', "utf-8")
    assert casedrop.main(["check", "--settings", str(settings)]) == 2
    assert f"may not read {settings}: chmod a+rX" in capsys.readouterr().err
    # The package's own folder has to be open, even if all of it is closed.
    settings.parent.chmod(0o700)
    monkeypatch.setattr(check, "_PACKAGED", settings.parent)
    assert casedrop.main(["check", "--settings", str(settings)]) == 2
    settings.parent.chmod(0o755)
    settings.write_text(f'{text}front_user = "nobody-here"\n', "utf-8")
    assert casedrop.main(["check", "--settings", str(settings)]) == 2
    assert "nobody-here" in capsys.readouterr().err


def test_what_was_restored_and_is_still_closed_to_all_others_is_checked_without_their_rights(
    settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sheet for a lost server has it checked before it is copied to where the rooms read."""
    monkeypatch.setattr("scripts.operator.texts.check", lambda _: None)
    monkeypatch.setattr(check, "check_keys", lambda _: "")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(check, "unreadable", lambda paths, _: [str(paths[0])])
    monkeypatch.setattr(check, "_OWNER", os.getuid())
    me = pwd.getpwuid(os.getuid()).pw_name
    settings.write_text(f'{settings.read_text("utf-8")}front_user = "{me}"\n', "utf-8")
    for mode, code in ((0o700, 0), (0o710, 2), (0o701, 2)):
        settings.parent.chmod(mode)
        assert casedrop.main(["check", "--settings", str(settings)]) == code
