"""The custody log as the desk writes it: a line for each act, in the reviewer's name; no texts."""

import json
import re
import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.cases import know_vault
from support.export_bundles import PHOTO, TEXT, Drop
from support.team import Prepared, Team

from dropbox.openpgp import Opener, Reviewers
from scripts.desk import __main__ as desk
from scripts.desk.audit import findings
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.custody import Line, Row, Session, digest, pinned
from scripts.desk.casebook.schema import guards

NOTE = "【虚构】内部备注 internal-remark"


def log(team: Team) -> list[Line]:
    with Casebook.open(team.casebook) as casebook:
        rows = casebook.database.table("custody").rows_where(order_by="number")
        lines = [Line.from_bytes(row["line"]) for row in rows]
    assert None not in lines
    return [line for line in lines if line is not None]


def acts(team: Team, since: int) -> list[tuple[str, str]]:
    return [(line.act, line.subject) for line in log(team)[since:] if line.act != "session"]


def verified(team: Team) -> bool:
    code, out, _ = team.run(0, "verify")
    return code == 0 and "Nothing was altered" in out


def first_case(team: Team) -> str:
    """Blocks have random names, so either report may be the first case."""
    rows = json.loads(team(0, "list", "--json"))
    return str(next(row["case"] for row in rows if row["files"]))


@pytest.fixture
def filed(team: Team, reviewers: Reviewers, prepared: Prepared) -> tuple[Team, str]:
    """Three reviewers of a casebook with two cases, and the number of the one with a file."""

    def file_two(team: Team) -> str:
        drop = Drop(reviewers, team.directory)
        drop.report(TEXT, attachments=(drop.file(PHOTO, "绝密照片.jpg"),), harms=("c1.harassed",))
        drop.report("second", claimant=2)
        team(0, "import", drop.bundle(1))
        return first_case(team)

    return team, prepared.bring("two cases", team, file_two)


@pytest.mark.slow
def test_every_act_has_its_line(filed: tuple[Team, str]) -> None:
    team, case = filed
    imported = log(team)
    assert sorted(line.subject for line in imported if line.act == "import") == sorted(
        ["B-1", team.case(1), team.case(2), case]
    )
    answer = team.directory / "answer.txt"
    answer.write_text("收到。", "utf-8")
    (team.directory / "out").mkdir()
    with Casebook.open(team.casebook) as casebook:
        know_vault(casebook, team.homes[0])
    since = len(log(team))

    team(0, "list")
    team(0, "find", "--no-words", "--status", "st.new")
    team(0, "show", case)
    team(0, "files", case)
    team(0, "files", case, "--out", team.directory / "out")
    team.judge(0, case, merit="m3", urgency="normal")
    team(0, "answer", case, "--text-file", answer, "--yes")
    team(0, "export-replies", team.directory / "replies.tar", "--yes")

    assert acts(team, since) == [
        ("view", "list"),
        ("view", "find"),
        ("view", case),
        ("view", case),
        ("export", case),
        ("view", case),
        ("label", case),
        ("answer", case),
        ("export", "R-1"),
        ("export", team.case(1)),
        ("export", team.case(2)),
        ("export", case),
        # The bundle that is acknowledged.
        ("export", "B-1"),
    ]
    assert verified(team)


@pytest.mark.slow
def test_a_line_names_who_and_when_and_the_hashes(filed: tuple[Team, str]) -> None:
    team, case = filed
    first = Opener(team.homes[0]).secret_fingerprints()[0]
    lines = log(team)

    assert {line.reviewer for line in lines} == {first} and [line.number for line in lines] == list(
        range(1, len(lines) + 1)
    )
    at = datetime.strptime(lines[0].time, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert abs((datetime.now(UTC) - at).total_seconds()) < 300
    with Casebook.open(team.casebook) as casebook:
        part = next(one for one in casebook.parts() if one.report.attachments)
        sealed = next(
            iter(casebook.database.table("part").rows_where("number = ?", [part.number]))
        )["block_sha256"]
    line = next(one for one in lines if one.row == f"part/{part.number}")
    assert (line.act, line.subject, line.cipher, line.plain) == (
        "import",
        case,
        sealed,
        digest(part.report.to_bytes()),
    )
    team(0, "show", case)
    seen = log(team)[-1]
    assert (seen.act, seen.subject, seen.cipher, seen.plain) == (
        "view",
        case,
        line.cipher,
        line.plain,
    )
    assert sum(line.plain == part.report.attachments[0].sha256 for line in lines) == 1


def test_the_log_holds_nothing_that_anybody_wrote(filed: tuple[Team, str]) -> None:
    team, case = filed
    answer = team.directory / "answer.txt"
    answer.write_text("答复内容 answer-text", "utf-8")
    team.judge(0, case, merit="m3", urgency="danger", note=NOTE, tags=["tag-of-mine"])
    team(0, "answer", case, "--text-file", answer, "--yes")

    connection = sqlite3.connect(team.casebook / "casebook.sqlite")
    lines = b"".join(line for (line,) in connection.execute("select line from custody"))
    connection.close()
    # The digits of a hash are random: a year is among them now and then.
    written = re.sub(rb"[0-9a-f]{40,}", b"#", lines)

    words = (
        "internal-remark",
        "answer-text",
        "tag-of-mine",
        "绝密",
        "jpg",
        "封禁",
        "2019",
        "danger",
        "c1.harassed",
    )
    assert not [
        word
        for word in words
        if word.encode() in written or json.dumps(word).strip('"').encode() in written
    ]
    assert lines.isascii() and len(written) < len(lines)


def test_a_refused_act_leaves_no_line_but_that_somebody_sat_down(filed: tuple[Team, str]) -> None:
    team, case = filed
    since = len(log(team))
    form = team.directory / "bad.toml"
    form.write_text('merit = "m9"', "utf-8")

    for arguments in (
        ["show", "K7-QX4M"],
        ["review", case, "--form", form],
        ["adjudicate", case, "--print"],
    ):
        assert team.run(0, *arguments)[0] == 2

    assert acts(team, since) == [] and len(log(team)) == since + 3 and verified(team)


def test_nobody_works_whom_the_casebook_does_not_know(
    filed: tuple[Team, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    team, case = filed
    since = len(log(team))
    team.homes.append(tmp_path_factory.mktemp("empty"))

    for arguments in (["list"], ["show", case], ["review", case, "--print"]):
        code, out, err = team.run(3, *arguments)
        assert (code, out) == (
            2,
            "",
        ) and "no secret key here of any reviewer whom this casebook knows" in err
    assert desk.main(["--casebook", str(team.casebook), "show", case]) == 2
    assert "--home" in team.capsys.readouterr().err
    assert len(log(team)) == since


def test_what_is_done_without_a_reviewer_is_named(filed: tuple[Team, str]) -> None:
    team, _ = filed
    with Casebook.open(team.casebook) as casebook:
        casebook.answers.queue(
            casebook.case(1), kind="answer", language="en", day=datetime.now(UTC).date(), text="x"
        )

    code, out, _ = team.run(0, "verify")

    assert code == 1 and "has no line in the log" in out and out.count("\n") == 1


def test_lines_go_back_with_what_they_speak_of(filed: tuple[Team, str]) -> None:
    """A transaction that fails takes its lines with it, and the next act goes on from there."""
    team, _ = filed

    def fail() -> None:
        raise OSError(28, "No space left on device")

    with Casebook.open(team.casebook) as casebook:
        secret = Opener(team.homes[0])
        reviewer = secret.secret_fingerprints()[0]
        casebook.session = Session(
            casebook.database, casebook.origin, reviewer, lambda data: secret.sign(data, reviewer)
        )
        before = casebook.database.table("custody").count
        with pytest.raises(OSError, match="No space"):
            casebook.leave(
                1,
                "00" * 32,
                datetime.now(UTC).date(),
                casebook.answers.numbered(casebook.answers.queued()),
                fail,
            )
        assert casebook.database.table("custody").count == before
        casebook.note("view", casebook.names.of(1))
        assert findings(casebook, pinned(casebook.database), datetime.now(UTC)) == []


KILLED = """
import os, signal, sys
from scripts.desk.casebook import casebook
from scripts.desk import __main__ as desk

def settle(self, case):
    os.kill(os.getpid(), signal.SIGKILL)

def layer(self, case, judgement, *, role, day):
    casebook.Layers.settle = settle
    return kept(self, case, judgement, role=role, day=day)

kept = casebook.Casebook.add_layer
casebook.Casebook.add_layer = layer
sys.exit(desk.main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_a_desk_killed_in_the_middle_of_a_review_loses_nothing(filed: tuple[Team, str]) -> None:
    """The layer and its line are in the file, but not committed, when the desk is killed."""
    team, case = filed
    form = team.directory / "sheet.toml"
    said = {"category": "c1", "merit": "m3", "urgency": "normal"}
    form.write_text(team.sheet(0, case, **said), "utf-8")
    since = len(log(team))
    always = ["--casebook", str(team.casebook), "--home", str(team.homes[0])]

    killed = subprocess.run(
        [sys.executable, "-c", KILLED, *always, "review", case, "--form", str(form)],
        cwd=Path(desk.__file__).parents[2],
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert verified(team) and acts(team, since) == []
    assert json.loads(team(0, "show", case, "--json"))["review"]["layers"] == []
    assert json.loads(team(0, "review", case, "--form", form, "--json"))["version"] == 1
    assert verified(team)


def test_a_reviewer_who_comes_later_is_known_from_then_on(
    reviewer_homes: list[Path],
    third_home: Path,
    keys_dir: Path,
    desk_keys: Path,
    team: Team,
    reviewers: Reviewers,
) -> None:
    team.casebook = team.directory / "of-two"
    key = bytes(32).hex()
    campaign = Path(desk.__file__).parents[2] / "dropbox" / "campaign.toml"
    team(0, "init", "--server-key", key, "--campaign", campaign, "--desk", 0, "--keys", keys_dir)
    assert team.run(2, "list")[0] == 2

    assert team(0, "reviewers", "--keys", desk_keys).count("\n") == 3
    team(2, "list")

    assert verified(team)
    assert [line.act for line in log(team) if line.act != "session"] == ["reviewer", "view"]
    other = team.directory / "other-keys"
    other.mkdir()
    (other / "reviewer-1.asc").write_bytes((desk_keys / "reviewer-3.asc").read_bytes())
    third = Opener(third_home).secret_fingerprints()[0]
    (other / "FINGERPRINTS").write_text(f"{third}  reviewer-1.asc\n", "utf-8")
    assert team(0, "reviewers", "--keys", other) == team(0, "reviewers"), (
        "whoever is known stays as they are"
    )


def test_no_two_reviewers_have_one_name(
    reviewer_homes: list[Path], keys_dir: Path, desk_keys: Path, third_home: Path, team: Team
) -> None:
    team.casebook = team.directory / "of-two"
    campaign = Path(desk.__file__).parents[2] / "dropbox" / "campaign.toml"
    team(
        0,
        "init",
        "--server-key",
        bytes(32).hex(),
        "--campaign",
        campaign,
        "--desk",
        0,
        "--keys",
        keys_dir,
    )
    other = team.directory / "other-keys"
    other.mkdir()
    (other / "reviewer-1.asc").write_bytes((desk_keys / "reviewer-3.asc").read_bytes())
    (other / "FINGERPRINTS").write_text(
        f"{Opener(third_home).secret_fingerprints()[0]}  reviewer-1.asc\n", "utf-8"
    )

    code, _, err = team.run(0, "reviewers", "--keys", other)

    assert (
        code == 2
        and "Another reviewer of this casebook is called reviewer-1" in err
        and verified(team)
    )


def test_without_a_keys_directory_a_casebook_knows_whoever_made_it(team: Team) -> None:
    team.casebook = team.directory / "own"
    campaign = Path(desk.__file__).parents[2] / "dropbox" / "campaign.toml"
    assert "for 1 reviewer." in team(
        1, "init", "--server-key", bytes(32).hex(), "--campaign", campaign, "--desk", 0
    )

    team(1, "list")

    assert team.run(0, "list")[0] == 2 and verified(team)


def test_the_head_is_told_and_changes_with_every_line(filed: tuple[Team, str]) -> None:
    team, case = filed
    heads = []
    for _ in range(2):
        team(0, "show", case)
        heads.append(json.loads(team(0, "status", "--json"))["custody_head"])

    assert len(set(heads)) == 2 and all(len(head) == 64 for head in heads)
    assert heads[-1] in team(0, "status")


def session(casebook: Casebook, home: Path) -> Session:
    secret = Opener(home)
    reviewer = secret.secret_fingerprints()[0]
    return Session(
        casebook.database, casebook.origin, reviewer, lambda data: secret.sign(data, reviewer)
    )


def test_a_line_that_its_own_signer_replaced_later_is_named(filed: tuple[Team, str]) -> None:
    """Both lines have valid signatures of the same session; only the chain tells."""
    team, _ = filed
    with Casebook.open(team.casebook) as casebook:
        at_work, table = session(casebook, team.homes[0]), casebook.database.table("custody")
        casebook.database.execute("drop trigger custody_delete")
        at_work.note("view", casebook.names.of(1))
        number = table.count
        first = dict(next(iter(table.rows_where("number = ?", [number]))))
        table.delete(number)
        at_work.note("view", casebook.names.of(2))
        at_work.note("view", "list")
        assert len(findings(casebook, pinned(casebook.database), datetime.now(UTC))) == 1, (
            "the guard alone"
        )
        table.delete(number)
        table.insert(first)
        casebook.database.execute(guards()["custody_delete"])

        found = findings(casebook, pinned(casebook.database), datetime.now(UTC))

    assert found == [
        f"Line {number + 1} of the log does not follow line {number}: one of them was replaced."
    ]


def test_a_row_that_was_altered_and_signed_for_again_is_named(filed: tuple[Team, str]) -> None:
    """A reviewer alters a row and adds a line that fits; the first line still has the old hash."""
    team, _ = filed
    with Casebook.open(team.casebook) as casebook:
        table = casebook.database.table("answer")
        row = dict(next(iter(table.rows)))
        table.update(row["id"], {"text": "written later"})
        at_work = session(casebook, team.homes[0])
        altered = Row.of("answer", {**row, "text": "written later"})
        at_work.note("answer", casebook.names.of(1), row=altered)

        found = findings(casebook, pinned(casebook.database), datetime.now(UTC))

    assert len(found) == 1 and re.fullmatch(
        r"Line \d+ of the log records .+ again, after line \d+\.", found[0]
    )


def test_a_session_is_vouched_for_by_the_reviewer_whom_its_lines_name(
    filed: tuple[Team, str],
) -> None:
    """The second reviewer signs a session key, but its lines name the first."""
    team, _ = filed
    first, second = (Opener(home).secret_fingerprints()[0] for home in team.homes[:2])
    with Casebook.open(team.casebook) as casebook:
        secret = Opener(team.homes[1])
        Session(
            casebook.database, casebook.origin, first, lambda data: secret.sign(data, second)
        ).note("view", casebook.names.of(1))

        found = findings(casebook, pinned(casebook.database), datetime.now(UTC))

    assert len(found) == 2 and all("no reviewer vouches for its session" in one for one in found)
