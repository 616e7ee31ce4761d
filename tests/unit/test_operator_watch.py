"""`casedrop watch`: each alarm is told once when it begins and once when it ends."""

import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.running_site import RunningSite, running_site

from dropbox.pinned_keys import read_pinned_keys
from scripts import casedrop
from scripts.operator import alarms, health
from scripts.operator.alarms import Alarms, AlarmsError
from scripts.operator.health_finding import Finding, State

SENDMAIL = """#!/bin/sh
[ -e {folder}/broken ] && exit 75
echo "$@" >> {folder}/arguments
cat >> {folder}/mails
"""


@pytest.fixture
def running(
    tmp_path_factory: pytest.TempPathFactory, keys_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RunningSite]:
    fingerprints = [key.fingerprint for key in read_pinned_keys(keys_dir)]
    monkeypatch.setattr(health, "WARN_DAYS", -1)
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    folder = tmp_path_factory.mktemp("w")
    with running_site(folder, keys_dir, fingerprints, monkeypatch) as made:
        yield made


def watch(
    running: RunningSite, capsys: pytest.CaptureFixture[str], code: int = 0, *more: str
) -> str:
    assert casedrop.main(["watch", *running.arguments, *more]) == code
    said = capsys.readouterr()
    assert said.out == ""
    return said.err


def finding(part: str, state: State, of: str = "") -> Finding:
    return Finding(part, state, "It is so.", of=of)


def test_each_alarm_is_told_once_when_it_begins_and_once_when_it_ends(
    running: RunningSite, capsys: pytest.CaptureFixture[str]
) -> None:
    assert watch(running, capsys) == ""
    running.front, running.vault["disk_days"] = 500, 3
    said = watch(running, capsys)
    assert said.count("Alarm: ") == 2 and "front: " in said and "disk: " in said
    assert watch(running, capsys) == ""
    running.front = 200
    assert watch(running, capsys).startswith("Alarm over: front: ")
    assert watch(running, capsys) == ""

    log = running.site.file.with_name("alarms.log")
    assert [line.split()[2:4] for line in log.read_text("utf-8").splitlines()] == [
        ["begins:", "front:"],
        ["begins:", "disk:"],
        ["ends:", "front:"],
    ]
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_the_journal_gets_a_priority(
    running: RunningSite, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    running.front = 0
    assert watch(running, capsys).startswith("<3>Alarm: front")
    running.front = 200
    assert watch(running, capsys).startswith("<5>Alarm over: front")


def test_what_cannot_be_asked_neither_begins_nor_ends_an_alarm() -> None:
    alarms, begun, _ = Alarms().compared([finding("disk", State.ALARM)])
    assert begun == ["disk: It is so."]
    for findings in ([finding("disk", State.UNKNOWN)], [finding("vault", State.GOOD)]):
        alarms, begun, ended = alarms.compared(findings)
        assert (begun, ended, list(alarms.told)) == ([], [], ["disk"])
    assert Alarms().compared([finding("disk", State.UNKNOWN)])[1:] == ([], [])


def test_a_descriptor_that_cannot_be_fetched_once_is_no_alarm_yet() -> None:
    bad, good = finding("descriptor", State.ALARM), finding("descriptor", State.GOOD)
    alarms, begun, _ = Alarms().compared([bad])
    assert begun == []
    assert alarms.compared([bad])[1] == ["descriptor: It is so."]
    recovered = alarms.compared([good])[0]
    assert recovered.compared([bad])[1] == []


def test_the_alarm_of_a_reviewer_who_left_ends() -> None:
    alarms, _, _ = Alarms().compared([finding("keys", State.ALARM, of="a.asc")])

    assert alarms.compared([finding("vault", State.GOOD)])[2] == ["keys a.asc: no longer pinned."]


def test_mail_goes_only_where_the_settings_say_and_is_tried_again(
    running: RunningSite, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    sendmail = tmp_path / "sendmail"
    sendmail.write_text(SENDMAIL.format(folder=tmp_path))
    sendmail.chmod(0o700)
    running.front = 0
    watch(running, capsys)
    assert not (tmp_path / "mails").exists()

    with running.site.file.open("a", encoding="utf-8") as settings:
        settings.write(f'[alarms]\nmail_to = "operator@example.org"\nsendmail = "{sendmail}"\n')
    running.front = 200
    (tmp_path / "broken").touch()
    said = watch(running, capsys, 2)
    assert "Alarm over: front" in said and "exit code 75" in said
    assert "tries again" in watch(running, capsys, 2)
    (tmp_path / "broken").unlink()
    assert watch(running, capsys) == "" == watch(running, capsys)

    mails = (tmp_path / "mails").read_text("utf-8")
    assert mails.count("ends: front: ") == mails.count("Subject: Alarm") == 1
    assert running.site.settings.onion not in mails
    assert (tmp_path / "arguments").read_text() == "-i -- operator@example.org\n"

    sendmail.unlink()
    running.front = 0
    said = watch(running, capsys, 2)
    assert f"{sendmail} does not run: No such file or directory. Check the path" in said


def test_mail_that_is_left_for_another_program_is_sent_once_and_waits_while_it_cannot_be(
    running: RunningSite, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """What looks at the drop has no way into a mail queue, and what mails none to the drop."""
    sendmail, waiting = tmp_path / "sendmail", running.site.file.with_name("mail.json")
    sendmail.write_text(SENDMAIL.format(folder=tmp_path))
    sendmail.chmod(0o700)
    text = running.site.file.read_text("utf-8")
    mailed = f'[alarms]\nmail_to = "operator@example.org"\nsendmail = "{sendmail}"\n'
    running.site.file.write_text(text + mailed, "utf-8")
    send = ["mail-alarms", "--folder", str(waiting.parent)]

    watch(running, capsys, 0, "--mail-later")
    assert not waiting.exists() and casedrop.main(send) == 0
    for status in (0, 200):
        running.front = status
        watch(running, capsys, 0, "--mail-later")
    assert not (tmp_path / "mails").exists()
    assert stat.S_IMODE(waiting.stat().st_mode) == 0o600

    (tmp_path / "broken").touch()
    assert casedrop.main(send) == 2 and "exit code 75" in capsys.readouterr().err
    (tmp_path / "broken").unlink()
    assert casedrop.main(send) == 0 == casedrop.main(send)
    mails = (tmp_path / "mails").read_text("utf-8")
    assert mails.count("Subject: Alarm") == mails.count("ends: front: ") == 1
    assert mails.count("begins: front: ") == 1 and not waiting.exists()

    running.front = 0
    watch(running, capsys, 0, "--mail-later")
    running.site.file.write_text(text, "utf-8")
    watch(running, capsys, 0, "--mail-later")
    assert not waiting.exists(), "Nobody wants mail any more."


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"to": 1, "sendmail": "/x", "lines": []}', '{"to": "a", "sendmail": "/x"}'],
)
def test_damaged_mail_that_waits_is_named(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert casedrop.main(["mail-alarms", "--folder", str(tmp_path / "none")]) == 2
    assert "There is no folder" in capsys.readouterr().err
    (tmp_path / "mail.json").write_text(text)
    assert casedrop.main(["mail-alarms", "--folder", str(tmp_path)]) == 2
    assert f"{tmp_path / 'mail.json'} is damaged" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text", ["", "[]", '{"told": {}}', '{"told": [1], "seen": [], "unsent": []}']
)
def test_a_damaged_account_of_alarms_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "alarms.json").write_text(text)

    with pytest.raises(AlarmsError, match="damaged; remove it"):
        Alarms.read(tmp_path)


def test_a_program_for_mail_that_does_not_end_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarms, "_SENDMAIL_SECONDS", 0.1)
    sendmail = tmp_path / "sendmail"
    sendmail.write_text("#!/bin/sh\nexec sleep 30\n")
    sendmail.chmod(0o700)
    with pytest.raises(AlarmsError, match=r"did not end in 0 s\..* tries again"):
        alarms.mail(sendmail, "operator@example.org", ["front: silent"])


def test_a_link_in_the_place_of_the_log_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("somebody's")
    (tmp_path / "alarms.log").symlink_to(tmp_path / "other")
    with pytest.raises(OSError):
        alarms.append(tmp_path, ["front: silent"], datetime(2026, 11, 26, tzinfo=UTC))

    assert (tmp_path / "other").read_text() == "somebody's"


def test_a_line_is_one_however_long_what_was_found_is() -> None:
    found = Finding("front", State.ALARM, "x" * 10_000 + "\nnext line")
    (line,) = Alarms().compared([found])[1]

    assert len(line) < 700 and "\n" not in line
