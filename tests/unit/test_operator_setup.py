"""`casedrop setup`: what it asks, what it writes and starts, and that again is harmless."""

import argparse
import os
import shutil
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from dropbox import settings as packaged
from dropbox.probe_mark import KEY_FILE, ProbeKey
from dropbox.settings import Settings
from scripts import casedrop
from scripts.command_line import CannotRun
from scripts.operator import setup
from scripts.operator.setup import SERVICES, SOCKETS, TIMERS, TOR, Given, Machine, set_up

ONION = "b" * 56 + ".onion"
CAMPAIGN = Path(packaged.__file__).with_name("campaign.toml")


class Systemd:
    """What systemctl was asked for. tor makes its key when it is started again."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.asked: list[tuple[str, ...]] = []
        self.failing = ""

    def __call__(self, *arguments: str) -> None:
        self.asked.append(arguments)
        if self.failing and self.failing in arguments:
            raise CannotRun("systemctl failed.")
        if arguments == ("restart", TOR):
            hostname = self.root / "var/lib/tor/casedrop/hostname"
            hostname.parent.mkdir(parents=True, exist_ok=True)
            hostname.write_text(ONION + "\n", "ascii")


@pytest.fixture
def systemd(tmp_path: Path) -> Systemd:
    for folder in ("usr/lib/systemd/system", "run/systemd/system", "var/lib", "etc/casedrop/keys"):
        (tmp_path / "root" / folder).mkdir(parents=True)
    (tmp_path / "root/usr/lib/systemd/system/casedrop-front.service").touch()
    return Systemd(tmp_path / "root")


@pytest.fixture
def machine(systemd: Systemd, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(systemd.root, systemd)
    monkeypatch.setattr(setup, "Machine", lambda _root, _systemctl: made)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr("dropbox.lockdown.lacking", lambda: ())
    # Rendering all pages is tested elsewhere.
    monkeypatch.setattr("scripts.operator.texts.check", lambda file: Settings.load(environ(file)))
    return made


def environ(file: Path) -> dict[str, str]:
    return {"CASEDROP_SETTINGS": str(file)}


def state(machine: Machine) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes() for path in sorted(machine.root.rglob("*")) if path.is_file()
    }


def typing(monkeypatch: pytest.MonkeyPatch, *answers: object) -> list[str]:
    left, questions = list(map(str, answers)), []

    def typed(question: str) -> str:
        questions.append(question)
        if not left:
            raise EOFError
        return left.pop(0)

    monkeypatch.setattr("builtins.input", typed)
    return questions


def test_a_new_drop_is_open_and_the_reviewers_are_told(
    machine: Machine,
    systemd: Systemd,
    keys_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    questions = typing(monkeypatch, keys_dir, "", "yes")
    assert casedrop.main(["setup"]) == 0

    settings = Settings.load(environ(machine.settings))
    assert settings.onion == ONION and settings.keys == machine.keys
    assert settings.campaign == CAMPAIGN and settings.front_user == "casedrop-front"
    assert (machine.secret / "salt").stat().st_mode & 0o777 == 0o600
    assert machine.secret.stat().st_mode & 0o777 == 0o700
    assert (machine.secret / "probe.key").stat().st_mode & 0o777 == 0o600
    assert settings.salt.hex() not in machine.settings.read_text("ascii")
    said = capsys.readouterr().out
    key = SigningKey(settings.export_key.read_bytes()).verify_key
    assert f"http://{ONION}/" in said and bytes(key).hex() in said
    assert len(questions) == 3
    started = [unit for one in systemd.asked if one[0] == "enable" for unit in one[2:]]
    assert set(started) >= {*SOCKETS, *SERVICES, *TIMERS}
    assert started.index(SOCKETS[0]) < started.index(SERVICES[0])
    # What runs already is not started again, but one that runs would be by "restart".
    begins = [one[0] for one in systemd.asked if SERVICES[0] in one]
    assert begins == ["restart", "enable"]


def test_a_new_export_key_gets_a_new_key_for_test_reports(
    machine: Machine, systemd: Systemd, keys_dir: Path
) -> None:
    """The desk takes a test report only by the word of the export key."""
    assert casedrop.main(["setup", "--yes", "--keys", str(keys_dir)]) == 0
    machine.export_key.unlink()
    systemd.asked = []
    assert casedrop.main(["setup", "--yes"]) == 0

    assert ("restart", *SERVICES) in systemd.asked
    export = SigningKey(machine.export_key.read_bytes())
    probe = ProbeKey.from_bytes((machine.secret / KEY_FILE).read_bytes())
    export.verify_key.verify(
        b"casedrop probe key 1\0" + bytes(probe.key.verify_key), probe.certificate
    )


@pytest.mark.parametrize("broken", ["daemon-reload", "restart"])
def test_what_a_run_that_broke_off_has_changed_starts_the_rooms_the_next_time(
    machine: Machine, systemd: Systemd, keys_dir: Path, tmp_path: Path, broken: str
) -> None:
    """They would seal to a reviewer who was removed, and nobody would be told."""
    assert casedrop.main(["setup", "--yes", "--keys", str(keys_dir)]) == 0
    fewer = Path(shutil.copytree(keys_dir, tmp_path / "fewer"))
    pins = (fewer / "FINGERPRINTS").read_text("utf-8").splitlines(keepends=True)
    (fewer / "FINGERPRINTS").write_text(pins[0], "utf-8")
    for path in fewer.glob(f"{Path(pins[1].split()[1]).stem}.*"):
        path.unlink()

    systemd.failing = broken
    assert casedrop.main(["setup", "--yes", "--keys", str(fewer)]) == 2
    assert not (machine.keys / pins[1].split()[1]).exists()
    for starts in (1, 0):
        systemd.failing, systemd.asked = "", []
        assert casedrop.main(["setup", "--yes"]) == 0
        begun = [one for one in systemd.asked if one[0] == "restart" and SERVICES[0] in one]
        assert len(begun) == starts


def test_keys_whose_folder_was_taken_away_when_a_run_was_killed_come_back(
    machine: Machine, systemd: Systemd, keys_dir: Path
) -> None:
    assert casedrop.main(["setup", "--yes", "--keys", str(keys_dir)]) == 0
    before = state(machine)
    machine.keys.rename(machine.keys.with_name("keys.old"))
    # What systemd-tmpfiles makes at the next start of the machine.
    machine.keys.mkdir()

    assert casedrop.main(["setup", "--yes"]) == 0
    assert state(machine) == before and not machine.keys.with_name("keys.old").exists()


def test_again_changes_nothing_and_stops_nothing(
    machine: Machine, systemd: Systemd, keys_dir: Path
) -> None:
    assert casedrop.main(["setup", "--yes", "--keys", str(keys_dir)]) == 0
    before, systemd.asked = state(machine), []

    assert casedrop.main(["setup", "--yes", "--keys", str(keys_dir)]) == 0
    assert casedrop.main(["setup", "--yes"]) == 0

    assert state(machine) == before
    assert not [one for one in systemd.asked if "restart" in one]


def test_other_keys_and_a_campaign_take_the_place_and_the_rooms_start_again(
    machine: Machine, systemd: Systemd, keys_dir: Path, tmp_path: Path
) -> None:
    campaign = tmp_path / "own.toml"
    campaign.write_bytes(CAMPAIGN.read_bytes() + b"# ours\n")
    common = ["setup", "--yes", "--campaign", str(campaign)]
    assert casedrop.main([*common, "--keys", str(keys_dir)]) == 0
    assert Settings.load(environ(machine.settings)).campaign == machine.campaign
    salt = (machine.secret / "salt").read_bytes()

    fewer = Path(shutil.copytree(keys_dir, tmp_path / "fewer"))
    first, *_ = [
        line for line in (fewer / "FINGERPRINTS").read_text("utf-8").splitlines() if ".asc" in line
    ]
    (fewer / "FINGERPRINTS").write_text(first + "\n", "utf-8")
    for path in fewer.iterdir():
        name = first.split()[-1].removesuffix(".asc")
        if path.name.partition(".")[0] not in (name, "FINGERPRINTS"):
            path.unlink()
    (fewer / "notes.txt").touch()
    systemd.asked = []
    assert casedrop.main(["setup", "--yes", "--keys", str(fewer)]) == 0

    assert ("restart", *SERVICES) in systemd.asked
    assert len([*machine.keys.iterdir()]) == 4 and not (machine.keys / "notes.txt").exists()
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in machine.keys.iterdir())
    assert (machine.secret / "salt").read_bytes() == salt


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ([], "Without the reviewers' public keys"),
        (["/nowhere"], "FINGERPRINTS"),
        (["KEYS", "/nowhere"], "/nowhere"),
        (["KEYS", "", "no"], "Nothing was changed."),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_changed(
    answers: list[str],
    sentence: str,
    machine: Machine,
    systemd: Systemd,
    keys_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = state(machine)
    typing(monkeypatch, *(str(keys_dir) if one == "KEYS" else one for one in answers))

    assert casedrop.main(["setup"]) == 2

    err = capsys.readouterr().err
    assert sentence in err and err.count("\n") == 1
    assert state(machine) == before and systemd.asked == []


def test_a_damaged_export_key_is_said_before_anything_is_changed(
    machine: Machine, systemd: Systemd, keys_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert casedrop.main(["setup", "--yes", "--keys", str(keys_dir)]) == 0
    machine.export_key.write_bytes(b"too short")
    (machine.keys / "FINGERPRINTS").unlink()
    before, systemd.asked = state(machine), []

    assert casedrop.main(["setup", "--yes", "--keys", str(keys_dir)]) == 2

    assert "export.key is damaged" in capsys.readouterr().err
    assert state(machine) == before and systemd.asked == []


def test_a_machine_that_cannot_run_it_is_refused(
    machine: Machine, systemd: Systemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = argparse.Namespace(keys=None, campaign=None, waive=[], yes=True)
    (machine.root / "run/systemd/system").rmdir()
    with pytest.raises(CannotRun, match="systemd does not run here"):
        setup.run(asked)
    (machine.root / "usr/lib/systemd/system/casedrop-front.service").unlink()
    with pytest.raises(CannotRun, match="units of the Debian package are not here"):
        setup.run(asked)
    monkeypatch.setattr(os, "geteuid", lambda: 1_000)
    with pytest.raises(CannotRun, match="Only root"):
        setup.run(asked)
    assert systemd.asked == []


def test_settings_for_another_address_stop_it_before_a_room_is_started(
    machine: Machine, systemd: Systemd, keys_dir: Path
) -> None:
    set_up(machine, Given(keys_dir, None))
    machine.hostname.write_text("c" * 56 + ".onion", "ascii")
    systemd.asked = []

    with pytest.raises(CannotRun, match=f"is for {ONION}, but tor's key is that of c"):
        set_up(machine, Given(None, None))

    assert not [one for one in systemd.asked if SERVICES[0] in one]


def test_a_campaign_that_the_settings_do_not_name_is_refused(
    machine: Machine, keys_dir: Path
) -> None:
    set_up(machine, Given(keys_dir, None))
    before = state(machine)

    assert casedrop.main(["setup", "--yes", "--campaign", str(CAMPAIGN)]) == 2

    assert state(machine) == before


def test_a_unit_that_does_not_start_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "systemctl"
    program.write_text('#!/bin/sh\necho "Job failed." >&2\nexit 1\n', "utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(CannotRun, match=r"Job failed\. Look at: journalctl --unit a\.service"):
        setup.systemctl("enable", "--now", "a.service")


def test_tor_that_makes_no_address_is_not_waited_for_forever(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "HOSTNAME_SECONDS", 0.0)
    silent = Machine(machine.root, lambda *_: None)

    with pytest.raises(CannotRun, match="tor has not made the address"):
        setup._address(silent)


def test_what_the_kernel_lacks_is_named_before_anything_is_changed_and_can_be_waived(
    machine: Machine,
    systemd: Systemd,
    keys_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("dropbox.lockdown.lacking", lambda: ("swap", "init_on_free"))
    before = state(machine)
    command = ["setup", "--yes", "--keys", str(keys_dir), "--waive", "swap"]

    assert casedrop.main(command) == 2
    said = capsys.readouterr().err
    assert "lacks init_on_free:" in said and "--waive init_on_free" in said
    assert casedrop.main([*command, "--waive", "everything"]) == 2
    assert "everything is not part of the lockdown" in capsys.readouterr().err
    assert state(machine) == before and systemd.asked == []

    assert casedrop.main([*command, "--waive", "init_on_free"]) == 0
    assert Settings.load(environ(machine.settings)).waived == {"swap", "init_on_free"}
    assert casedrop.main(["setup", "--yes"]) == 0
    assert casedrop.main(["setup", "--yes", "--waive", "access"]) == 2
    assert "[lockdown] waived" in capsys.readouterr().err
