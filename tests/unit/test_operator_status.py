"""`casedrop status`: what it finds out, how it says it, and its exit code."""

import errno
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.running_site import RunningSite, running_site

from dropbox.codename import new_codename
from dropbox.pinned_keys import read_pinned_keys
from onion.control import Phase
from onion.errors import TorSilent
from onion.service_health import Descriptor, TorState
from scripts import casedrop
from scripts.courier.transfer import CourierError
from scripts.operator import health, site
from scripts.operator.health import examine
from scripts.operator.health_finding import (
    Finding,
    State,
    as_lines,
    as_prometheus,
    exit_code,
)
from scripts.operator.probe_record import ProbeRecord

NOW = datetime.now(UTC)
TODAY = NOW.date()


@pytest.fixture
def running(
    tmp_path_factory: pytest.TempPathFactory, keys_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RunningSite]:
    fingerprints = [key.fingerprint for key in read_pinned_keys(keys_dir)]
    # Unix socket paths are short. The reviewers' keys in the tests end before three weeks are over.
    monkeypatch.setattr(health, "WARN_DAYS", -1)
    folder = tmp_path_factory.mktemp("h")
    with running_site(folder, keys_dir, fingerprints, monkeypatch) as made:
        yield made


def ago(days: int) -> str:
    return (TODAY - timedelta(days)).isoformat()


def found(running: RunningSite, now: datetime = NOW) -> dict[str, Finding]:
    return {one.name: one for one in examine(running.site, now)}


def test_a_drop_that_is_well_has_no_alarm_and_names_every_part(running: RunningSite) -> None:
    findings = found(running)

    assert {one.state for one in findings.values()} == {State.GOOD}
    assert list(findings) == [
        "tor", "descriptor", "front", "vault", "clock", "pull", "acknowledgement", "disk",
        "reviewers", "probe", "keys reviewer-1.asc", "keys reviewer-2.asc", "swap",
    ]  # fmt: skip


BAD_VAULT: list[tuple[str, dict[str, Any], str]] = [
    ("vault", {"trouble": "The disk has no room."}, "no room"),
    ("vault", {"tombstones": "No key of today."}, "No key"),
    ("clock", {"today": ago(2)}, ago(2)),
    ("pull", {"exported": ago(14)}, "14 days ago"),
    ("pull", {"exported": None, "oldest": ago(14)}, "Nobody has pulled"),
    ("disk", {"disk_days": 13}, "13 days"),
    ("reviewers", {"reviewers": []}, "casedrop reload"),
]


@pytest.mark.parametrize(("part", "says", "sentence"), BAD_VAULT)
def test_what_the_vault_says_becomes_an_alarm(
    running: RunningSite, part: str, says: dict[str, Any], sentence: str
) -> None:
    running.vault.update(says)
    findings = found(running)

    assert [one.name for one in findings.values() if one.state is State.ALARM] == [part]
    assert sentence in findings[part].sentence


def test_how_the_test_reports_went_is_said_even_when_the_vault_is_silent(
    running: RunningSite,
) -> None:
    running.site.probe.mkdir()
    # A new day may have begun since this module was loaded.
    pulled = date.fromisoformat(running.vault["exported"])
    record = ProbeRecord().after_success(new_codename(), pulled - timedelta(1))
    record.write(running.site.probe)
    sentence = f"The bundle of {pulled} lists that of {pulled - timedelta(1)}."
    assert sentence in found(running)["probe"].sentence
    running.site.settings.courier_socket.unlink()
    assert found(running)["probe"].state is State.GOOD
    record.after_failure("So.", TODAY).after_failure("So.", TODAY).write(running.site.probe)
    assert found(running)["probe"].state is State.ALARM
    (running.site.probe / "probe.json").write_text("[]", "ascii")
    damaged = found(running)["probe"]
    assert damaged.state is State.ALARM and "remove it" in damaged.sentence


@pytest.mark.parametrize(
    "says",
    [{"exported": ago(13)}, {"disk_days": 14}, {"today": ago(1)}, {"exported": None}],
)
def test_the_last_day_before_an_alarm_is_good(running: RunningSite, says: dict[str, Any]) -> None:
    running.vault.update(says)

    assert exit_code(list(found(running).values())) == 0


def test_a_pull_that_was_not_finished_is_named(running: RunningSite) -> None:
    running.vault["pull"] = ago(3)

    assert f"not finished; the last whole one was on {ago(3)}" in found(running)["pull"].sentence


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ("clock", {"today": "2026-13-99"}),
        ("pull", {"exported": 7, "oldest": None}),
        ("disk", {"free_bytes": True}),
        ("reviewers", {"reviewers": "all"}),
    ],
)
def test_nonsense_from_the_vault_is_what_cannot_be_asked(
    running: RunningSite, part: str, says: dict[str, Any]
) -> None:
    running.vault.update(says)
    findings = found(running)

    assert findings[part].state is State.UNKNOWN
    assert exit_code(list(findings.values())) == 2


def test_tor_is_asked_whether_it_has_joined_and_what_it_published(running: RunningSite) -> None:
    well = running.tor
    assert not isinstance(well, Exception)
    old = Descriptor(5, 7, NOW - timedelta(hours=3, minutes=1))
    for part, state in [
        ("tor", replace(well, phase=Phase(95, "Circuit"))),
        ("tor", replace(well, has_circuits=False)),
        ("descriptor", replace(well, descriptor=None)),
        ("descriptor", replace(well, descriptor=old)),
        ("descriptor", replace(well, descriptor=replace(old, made=NOW, introduction_points=1))),
    ]:
        running.tor = state
        findings = found(running)
        assert [one.name for one in findings.values() if one.state is State.ALARM] == [part]
    running.tor = replace(well, descriptor=replace(old, made=NOW - timedelta(hours=2, minutes=59)))
    descriptor = found(running)["descriptor"]
    assert descriptor.state is State.GOOD
    assert "179 minutes" in descriptor.sentence and "effort 7" in descriptor.sentence
    # Without the puzzle nobody knows as exactly.
    for hours, state_of in ((53, State.GOOD), (55, State.ALARM)):
        late = Descriptor(3, None, NOW - timedelta(hours=hours))
        running.tor = replace(well, descriptor=late)
        assert found(running)["descriptor"].state is state_of


@pytest.mark.parametrize(
    ("age", "points", "effort", "good"),
    [
        (timedelta(hours=3), 2, 0, True),
        (timedelta(hours=3, seconds=1), 2, 0, False),
        (timedelta(0), 1, 0, False),
        (timedelta(hours=54), 2, None, True),
        (timedelta(hours=54, seconds=1), 2, None, False),
        (timedelta(seconds=-30), 5, 7, True),
    ],
)
def test_a_descriptor_that_is_too_old_or_names_too_few_points_is_an_alarm(
    age: timedelta, points: int, effort: int | None, good: bool
) -> None:
    published = Descriptor(points, effort, NOW - age)
    shown = health._descriptor(TorState("0.4.9.11", Phase(100, "Done"), True, published), NOW)

    assert (shown.state is State.GOOD) == good
    assert shown.values["age_minutes"] == max(0, age // timedelta(minutes=1))


def test_a_part_that_does_not_answer_leaves_the_others(
    running: RunningSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(_: Path) -> dict[str, object]:
        raise CourierError("The vault does not answer.")

    running.tor, running.front = TorSilent("tor does not answer."), 0
    monkeypatch.setattr(health, "status", silent)
    findings = found(running)

    alarms = [one.name for one in findings.values() if one.state is State.ALARM]
    assert alarms == ["tor", "front", "vault"]
    assert findings["keys reviewer-1.asc"].state is State.GOOD


def test_a_front_that_a_reload_did_not_reach_is_an_alarm(running: RunningSite) -> None:
    """It is the front that seals, and the vault has been told before it."""
    running.shown = {"F" * 40}
    told = found(running)["reviewers"]
    assert told.state is State.ALARM and "The front seals to others than " in told.sentence
    running.shown = None
    assert found(running)["reviewers"].state is State.GOOD


def test_the_fronts_page_of_keys_says_to_whom_it_seals(
    running: RunningSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    asked: list[str] = []
    body = b"<p>AAAA AAAA AAAA AAAA AAAA <b>AAAA</b> AAAA AAAA AAAA AAAA</p> <p>" + b"B" * 40

    def page(_: Path, onion: str, name: str) -> tuple[int, bytes]:
        asked.append(name)
        return (200, body) if len(asked) == 1 else (503, body)

    monkeypatch.setattr(health, "front_page", page)
    assert health.front_reviewers(running.site) == {"A" * 40, "B" * 40}
    assert health.front_reviewers(running.site) is None and asked == ["zh-hans/keys"] * 2


def test_a_front_that_answers_with_an_error_is_an_alarm(running: RunningSite) -> None:
    running.front = 500

    assert found(running)["front"].state is State.ALARM


def test_a_stopped_tor_of_the_package_is_looked_for_where_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside, debian = tmp_path / "tor" / "control", tmp_path / "run"
    assert site._present(beside, debian) == beside
    monkeypatch.setattr(site, "DEBIAN_SETTINGS", tmp_path)
    assert site._present(beside, debian) == debian
    beside.parent.mkdir()
    beside.touch()
    assert site._present(beside, debian) == beside


def test_a_socket_that_is_missing_or_closed_to_this_user_is_told_apart(
    running: RunningSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.site.front_socket.unlink()
    assert found(running)["front"].sentence.startswith("The front does not run")

    courier = running.site.settings.courier_socket
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != courier and access(path, mode))
    findings = found(running)
    assert findings["vault"].state is State.UNKNOWN and "pull" not in findings
    assert exit_code(list(findings.values())) == 1


@pytest.mark.parametrize(("left", "state"), [(21, State.ALARM), (22, State.GOOD)])
def test_each_reviewers_keys_are_told_three_weeks_before_they_end(
    running: RunningSite, monkeypatch: pytest.MonkeyPatch, left: int, state: State
) -> None:
    days = found(running)["keys reviewer-1.asc"].values["days_left"]
    assert isinstance(days, int)
    monkeypatch.undo()
    earlier = NOW - timedelta(days=left - days)
    keys = [one for one in health._keys(running.site, earlier.date()) if one.of == "reviewer-1.asc"]

    assert [(one.state, one.values["days_left"]) for one in keys] == [(state, left)]


def test_hpke_keys_that_end_first_count_and_missing_ones_are_an_alarm(
    running: RunningSite, keys_dir: Path, tmp_path: Path
) -> None:
    for file in keys_dir.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "reviewer-2.hpke").unlink()
    site = replace(running.site, settings=replace(running.site.settings, keys=tmp_path))
    first, second = health._keys(site, TODAY)
    assert first.state is State.GOOD and second.state is State.ALARM

    (tmp_path / "FINGERPRINTS").unlink()
    (only,) = health._keys(site, TODAY)
    assert only.state is State.ALARM and "FINGERPRINTS" in only.sentence


def test_active_swap_is_an_alarm(running: RunningSite, tmp_path: Path) -> None:
    swaps = tmp_path / "swaps"
    assert health._swap(swaps).state is State.UNKNOWN
    swaps.write_text("Filename Type\n/dev/sda2 partition\n")
    assert health._swap(swaps).state is State.ALARM


# --- The command ---


def test_the_command_shows_lines_or_json_and_its_exit_code_tells_the_worst(
    running: RunningSite, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["status", *running.arguments]
    assert casedrop.main(command) == 0
    assert capsys.readouterr().out.count("\n") == 13

    running.vault["exported"] = (datetime.now(UTC).date() - timedelta(20)).isoformat()
    assert casedrop.main(command) == 1
    (alarm,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("!")]
    assert "20 days ago" in alarm

    assert casedrop.main([*command, "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["exit_code"] == 1
    (pull,) = [part for part in said["parts"] if part["part"] == "pull"]
    assert (pull["state"], pull["values"]) == ("alarm", {"days_ago": 20})


def test_wrong_settings_are_a_sentence_and_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert casedrop.main(["status", "--settings", str(tmp_path / "none")]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_the_prometheus_file_is_replaced_whole_and_readable(
    running: RunningSite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "casedrop.prom"
    path.write_text("old")
    path.chmod(0o600)
    assert casedrop.main(["status", *running.arguments, "--prometheus", str(path)]) == 0

    lines = path.read_text("utf-8").splitlines()
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [one.name for one in tmp_path.iterdir()] == ["casedrop.prom"]
    assert 'casedrop_good{part="tor",of=""} 1' in lines
    assert "casedrop_descriptor_introduction_points 5" in lines
    assert any(line.startswith('casedrop_keys_days_left{of="reviewer-1.asc"} ') for line in lines)
    assert lines.count("# TYPE casedrop_good gauge") == 1


def test_a_full_disk_leaves_the_prometheus_file_as_it_was_and_nothing_beside_it(
    running: RunningSite,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "casedrop.prom"
    path.write_text("old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert casedrop.main(["status", *running.arguments, "--prometheus", str(path)]) == 2

    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["casedrop.prom"]
    said = capsys.readouterr()
    assert said.err.startswith(f"{path}: No space left on device. Make room on that disk")


@pytest.mark.parametrize("name", ["/", ".", ""])
def test_a_folder_in_the_place_of_the_prometheus_file_is_said(
    running: RunningSite, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert casedrop.main(["status", *running.arguments, "--prometheus", name]) == 2
    assert "is a folder" in capsys.readouterr().err


def test_what_is_shown_cannot_act_on_a_terminal_or_break_a_label() -> None:
    odd = Finding("keys", State.ALARM, "\x1b[31m red", of='a"\\\n.asc', values={"days_left": -3})
    unknown = Finding("swap", State.UNKNOWN, "?", values={"size": None, "name": "x"})

    assert "\x1b" not in "".join(as_lines([odd]))
    assert as_prometheus([odd, unknown]).splitlines() == [
        "# TYPE casedrop_good gauge",
        'casedrop_good{part="keys",of="a\\"\\\\\\n.asc"} 0',
        'casedrop_good{part="swap",of=""} NaN',
        "# TYPE casedrop_keys_days_left gauge",
        'casedrop_keys_days_left{of="a\\"\\\\\\n.asc"} -3',
    ]
    assert as_lines([]) == [] and exit_code([]) == 0
