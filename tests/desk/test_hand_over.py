"""`hand-over`: what leaves for counsel, who has to agree, and what is never in it."""

import hashlib
import json
import shutil
import subprocess
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support import hostile_files
from support.cases import add, attachment, new_casebook, report
from support.decided_cases import FULL, at_work, decided, handed, held, plan_of, put, rows
from support.durable import steps
from support.team import Team
from support.unpacked import unpacked

from dropbox.codename import WordLists, new_codename
from dropbox.reviewer_key import export_public
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.custody import Session
from scripts.desk.casebook.productions import APPROVE, HAND_OVER, NUMBER, Number, subject
from scripts.desk.production.approval import NotApproved, approve, code_of, hand_over_approved
from scripts.desk.production.handing_over import SCHEMA, hand_over
from scripts.desk.production.load_files import CASE_HEADS, _dat_value, case_cells, cell
from scripts.desk.production.plan import planned
from scripts.desk.production.records import Document, Numbering, documents, record


@pytest.mark.slow
def test_two_cases_are_in_every_table_and_the_open_one_is_named(ready: Team) -> None:
    plan = ready(0, "hand-over")
    assert f"Held back, its reviews are not done: 1 case: {ready.case(3)}" in plan
    assert "Ready: 2 cases." in plan and "Nobody has approved this. Code: " in plan

    out = handed(ready)

    table = rows(out / "cases.csv")
    assert [one["case"] for one in table] == [ready.case(1), ready.case(2)]
    assert table[0]["documents"] == "D0-000001; D0-000002" and table[0]["us"] == "california"
    schema = json.loads(SCHEMA.read_text("utf-8"))
    records = [json.loads(line) for line in (out / "cases.jsonl").read_text("utf-8").splitlines()]
    for one in records:
        assert set(one) == set(schema["properties"]) == set(schema["required"])
        for name in ("documents", "harms", "amounts"):
            for item in one[name]:
                assert set(item) == set(schema["properties"][name]["items"]["required"])
    assert records[0]["claimant_said"] == {"province": "prov.GD"}
    assert (out / "texts" / "D0-000003.txt").read_bytes() == b"=1+1\r\nsecond line"
    assert (out / "natives" / "D0-000002.bin").read_bytes() == b"abc"
    assert [one["withheld_for"] for one in rows(out / "withheld.csv")] == ["open"]
    assert rows(out / "privilege-log.csv") == []
    lines = (out / "load.dat").read_bytes().decode("utf-8-sig").split("\r\n")
    values = [line[1:-1].split("þ\x14þ") for line in lines[:-1]]
    assert len(values) == 4 and {len(line) for line in values} == {len(values[0])}
    assert values[2][:4] == ["D0-000002", "D0-000002", "D0-000001", "D0-000002"]


@pytest.mark.slow
def test_the_list_of_hashes_is_whole_and_signed(ready: Team, tmp_path: Path) -> None:
    out = handed(ready)

    lines = [line.split("  ", 1) for line in (out / "SHA256SUMS").read_text().splitlines()]
    listed = {name: sha256 for sha256, name in lines}
    there = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert there - set(listed) == {"SHA256SUMS", "SHA256SUMS.sig"}
    for name, sha256 in listed.items():
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == sha256
    fingerprint = next(
        row["fingerprint"]
        for row in json.loads(ready(0, "reviewers", "--json"))
        if row["name"] == "reviewer-1"
    )
    key = tmp_path / "key.asc"
    key.write_bytes(export_public(ready.homes[0], fingerprint))
    gpg = ["gpg", "--homedir", str(tmp_path), "--batch", "--no-autostart"]
    subprocess.run([*gpg, "--import", str(key)], check=True, capture_output=True)
    verify = [*gpg, "--verify", "SHA256SUMS.sig", "SHA256SUMS"]
    subprocess.run(verify, check=True, capture_output=True, cwd=out)
    (out / "SHA256SUMS").write_text("changed")
    assert subprocess.run(verify, check=False, capture_output=True, cwd=out).returncode != 0


@pytest.mark.slow
def test_nothing_in_it_leads_back_to_the_claimant_or_to_a_reviewer(ready: Team) -> None:
    with Casebook.open(ready.casebook) as casebook:
        keys = [
            value
            for case in casebook.cases()
            for value in (case.reply_public, case.tag_key, case.parts[0].block_id)
        ]
    names = [row["fingerprint"] for row in json.loads(ready(0, "reviewers", "--json"))]

    out = handed(ready)

    for path in out.rglob("*"):
        if path.is_file() and path.name != "SHA256SUMS.sig":
            # A dossier says who prepared, approved and handled it, by name.
            named = [*names, *([] if path.parent.name == "dossiers" else ["reviewer-1"])]
            assert not any(key in path.read_bytes() for key in keys), path
            for data in unpacked(path.read_bytes()):
                assert not any(key.hex().encode() in data.lower() for key in keys), path
                assert b"a note of ours" not in data
                assert not any(name.encode() in data for name in named), path


@pytest.mark.slow
def test_nothing_leaves_without_a_second_reviewer_or_after_a_change(ready: Team) -> None:
    out = ready.directory / "production"
    code = json.loads(ready(0, "hand-over", "--json"))["code"]

    for step in ((), ("--approve", code)):
        if step:
            ready(0, "hand-over", *step)  # by the one who writes it
        done, _, error = ready.run(0, "hand-over", "--out", out)
        assert done == 2 and f"--approve {code}" in error and not out.exists()
    # The second reviewer approves another selection, and a wrong code.
    done, _, error = ready.run(1, "hand-over", "--approve", code, "--where", "files>0")
    assert done == 2 and "Nothing was approved" in error
    assert ready.run(1, "hand-over", "--approve", "0000-0000-0000-0000")[0] == 2
    ready(1, "hand-over", "--approve", code.upper())
    assert "Approved by reviewer-1, reviewer-2." in ready(0, "hand-over")
    # What was approved is not what there is now.
    ready.judge(1, ready.case(1), **{**FULL, "evidence": 3})
    assert ready.run(0, "hand-over", "--out", out)[0] == 2 and not out.exists()


@pytest.mark.slow
@pytest.mark.parametrize("flag", ["privileged", "minor"])
def test_a_flag_holds_a_case_back_until_it_is_allowed_by_name(ready: Team, flag: str) -> None:
    ready.judge(0, ready.case(1), **FULL, us="california", flags=[flag])
    out = handed(ready)
    assert [one["case"] for one in rows(out / "cases.csv")] == [ready.case(2)]
    withheld = {one["case"]: one["withheld_for"] for one in rows(out / "withheld.csv")}
    assert withheld == {ready.case(1): flag, ready.case(3): "open"}
    assert len(rows(out / "privilege-log.csv")) == (flag == "privileged")

    shutil.rmtree(out)
    allowed = handed(ready, "--allow", flag)
    assert len(rows(allowed / "cases.csv")) == 2


@pytest.mark.slow
def test_documents_keep_their_numbers_and_new_ones_go_on(ready: Team) -> None:
    first = handed(ready, "--where", "files>0")
    assert sorted({path.stem for path in first.rglob("D0-*")}) == ["D0-000001", "D0-000002"]
    shutil.rmtree(first)

    second = handed(ready)

    assert sorted({path.stem for path in second.rglob("D0-*")}) == [
        f"D0-00000{number}" for number in (1, 2, 3)
    ]
    assert rows(second / "cases.csv")[0]["documents"] == "D0-000001; D0-000002"


def test_a_file_that_was_altered_stops_it_and_leaves_no_folder(ready: Team) -> None:
    sha256 = hashlib.sha256(b"abc").hexdigest()
    (ready.casebook / "attachments" / sha256).write_bytes(b"abd")
    ways = ("--without-pictures",)
    code = json.loads(ready(0, "hand-over", "--json", *ways))["code"]
    ready(1, "hand-over", "--approve", code, *ways)

    done, _, error = ready.run(0, "hand-over", "--out", ready.directory / "production", *ways)

    assert done == 2 and "altered" in error
    assert not list(ready.directory.glob("production*"))


@pytest.mark.slow
def test_a_folder_that_is_there_is_left_alone(ready: Team) -> None:
    out = handed(ready)
    before = sorted(path.name for path in out.rglob("*"))

    done, _, error = ready.run(0, "hand-over", "--out", out, "--without-pictures")

    assert done == 2 and "is there already" in error
    assert sorted(path.name for path in out.rglob("*")) == before


def test_a_text_with_a_codename_is_held_back_whichever_of_a_case_it_is(team: Team) -> None:
    spelled = " ".join(one.typed for one in WordLists.read().spell(new_codename(), "en"))
    texts = [f"my codename is {spelled}", "nothing"]
    with Casebook.open(team.casebook) as casebook:
        add(casebook, report(texts[0], 1), report(texts[1], 1, kind="message"))
    for who in (0, 1):
        team.judge(who, team.case(), **FULL)

    assert "its text has what could be a codename: 1 case" in team(0, "hand-over")
    with Casebook.open(team.casebook) as casebook:
        for one in texts:
            words: Any = SimpleNamespace(contains_codename=one.__eq__)
            assert [held.reason for held in planned(casebook, (1,), (), words).held] == ["codename"]


# --- In one process ---

_LOG = "SELECT CAST(line AS TEXT) FROM custody ORDER BY number"


def test_what_comes_after_a_decision_holds_a_case_back_and_ends_an_approval(ready: Team) -> None:
    with Casebook.open(ready.casebook) as casebook:
        before = plan_of(casebook)
        assert before.ready == (1, 2) and held(casebook) == {3: "open"}

        add(casebook, report("and this", 1, kind="message"))
        assert held(casebook) == {1: "reopened", 3: "open"}
        assert plan_of(casebook).sha256 != before.sha256
        add(casebook, report("", 1, kind="withdrawal"), report("", 2, kind="withdrawal"))

        assert held(casebook) == {1: "withdrawn", 2: "withdrawn", 3: "open"}


def test_a_file_that_was_not_opened_holds_its_case_back(
    ready: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Casebook, "has_file", lambda *_: False)
    with Casebook.open(ready.casebook) as casebook:
        assert held(casebook) == {1: "unopened", 3: "open"}


def test_a_flag_that_is_allowed_needs_an_approval_of_its_own(ready: Team) -> None:
    with Casebook.open(ready.casebook) as casebook:
        assert plan_of(casebook, "minor").sha256 != plan_of(casebook).sha256


def test_the_language_and_the_pictures_are_approved_too(
    ready: Team, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("scripts.desk.pictures.drawing_room.PROGRAM", "no-such-program")
    with Casebook.open(ready.casebook) as casebook:
        at_work(casebook)
        data = hostile_files.pdf()
        put(casebook, data)
        add(casebook, report("", 4, attachments=(attachment("a.pdf", data),)))
        decided(casebook, 4)
        plan = plan_of(casebook, cases=(1, 4))
        ways = [
            plan.written(language, pictures=pictures)
            for language in ("en", "zh-Hans", "zh-Hant")
            for pictures in (True, False)
        ]
        assert len({one.sha256 for one in ways}) == 6
        assert ways[0].sha256 == plan.sha256
        slips = ways[1]
        with pytest.raises(NotApproved, match="with labels in en, without pictures of files"):
            approve(casebook, plan, code_of(slips))
        for one in (plan, slips):
            casebook.note(APPROVE, HAND_OVER, plain=one.sha256)
        assert not casebook.productions.approved_by(ways[2].sha256)
        casebook.session = Session(
            casebook.database, casebook.origin, "A" * 40, lambda _: b"signature"
        )
        for one in ways[2:]:
            with pytest.raises(NotApproved, match="Another reviewer has to approve this first"):
                hand_over_approved(casebook, one, tmp_path / "out", lambda _: b"", lambda *_: None)
        # Who approved pictures gets no slip sheets in their place.
        with pytest.raises(NotApproved, match=r"bubblewrap is not .*needs an approval"):
            hand_over_approved(casebook, plan, tmp_path / "out", lambda _: b"", lambda *_: None)
        assert not (tmp_path / "out").exists()
        hand_over_approved(casebook, slips, tmp_path / "out", lambda _: b"", lambda *_: None)


def test_the_folder_has_its_name_once_all_of_it_is_on_the_disk_for_its_owner_alone(
    ready: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = ready.directory / "production"
    with Casebook.open(ready.casebook) as casebook:
        at_work(casebook)
        found = steps(monkeypatch)
        done = hand_over(casebook, plan_of(casebook), out, lambda _: b"signature")
        log = [json.loads(line) for (line,) in casebook.database.execute(_LOG)]

    paths = {path.name: path for path in out.rglob("*")}
    named = next(at for at, (step, *_) in enumerate(found) if step == "rename")
    synced = {name: size for step, name, size in found[:named] if step == "fsync"}
    for name, path in paths.items():
        assert synced[name] == (None if path.is_dir() else path.stat().st_size), name
        assert path.stat().st_mode & 0o077 == 0, name
    # The folder itself before it has its name, and the one that it is in afterwards.
    assert set(synced) - set(paths) == {name for name in synced if ".unfinished-" in name} != set()
    assert found[named + 1 :] == [("fsync", ready.directory.name, None)]
    assert out.stat().st_mode & 0o077 == 0
    files = [path for path in paths.values() if path.is_file()]
    exported = [one["plain"] for one in log if one["act"] == "export"]
    series = [
        [
            hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(files, key=lambda path: path.name)
            if path.parent.name in folders
        ]
        for folders in (("texts", "natives"), ("images",), ("dossiers",))
    ]
    for hashes in series:
        assert [one for one in exported if one in hashes] == hashes
    assert len(exported) == sum(map(len, series)) == 8
    assert (done.cases, done.documents) == (2, 3)
    assert done.bytes == sum(path.stat().st_size for path in files)


def test_only_an_approval_of_exactly_this_plan_counts(ready: Team) -> None:
    with Casebook.open(ready.casebook) as casebook:
        at_work(casebook)
        productions = casebook.productions
        casebook.note("view", HAND_OVER, plain="a" * 64)
        casebook.note(APPROVE, "something else", plain="a" * 64)
        casebook.note(APPROVE, HAND_OVER, plain="b" * 64)
        assert not productions.approved_by("a" * 64)
        assert productions.approved_by("b" * 64) == {"F" * 40}


def test_a_desk_counts_on_from_its_own_numbers_and_knows_those_of_others(ready: Team) -> None:
    theirs, ours = Number(7, 41), Number(0, 5)
    with Casebook.open(ready.casebook) as casebook:
        at_work(casebook)
        assert casebook.productions.next() == Number(0, 1)
        casebook.note(NUMBER, subject(theirs, "ABC"), plain="a" * 64)
        casebook.note(NUMBER, subject(ours, "DEF"), plain="b" * 64)
        casebook.note(NUMBER, subject(Number(0, 9), "GHI") + " or so", plain="c" * 64)

        assert casebook.productions.next() == Number(0, 6)
        assert casebook.productions.numbers() == {
            ("ABC", "a" * 64): theirs,
            ("DEF", "b" * 64): ours,
        }


def numbered(casebook: Casebook, case: int) -> list[Document]:
    """The documents of a case, with those numbers that the custody log says."""
    return documents(casebook.case(case), Numbering(casebook))


def test_a_document_keeps_its_number_and_is_there_once(tmp_path: Path) -> None:
    scan, note = attachment("SCAN.PDF", b"scan"), attachment("run.EXE", b"note")
    with new_casebook(tmp_path / "casebook") as casebook:
        at_work(casebook)
        add(casebook, report("", 1, attachments=(scan,)), report("second", 2))
        (second,) = numbered(casebook, 2)
        add(casebook, report("more", 1, kind="message", attachments=(note, scan)))
        found = numbered(casebook, 1)
        again = numbered(casebook, 2)
        parts = casebook.case(1).parts

    assert str(second.number) == "D1-000001" and again[0].number == second.number
    assert [(one.path, one.kind, one.name, one.part == parts[0]) for one in found] == [
        ("natives/D1-000002.pdf", "file", "SCAN.PDF", True),
        ("texts/D1-000003.txt", "message", "", False),
        ("natives/D1-000004.bin", "file", "run.EXE", False),
    ]
    assert [one.size for one in found] == [4, 4, 4]


def test_a_record_says_what_was_decided_and_when(ready: Team) -> None:
    judgement = SimpleNamespace(period_from="2019-01", period_to="2020-02", amounts=[])
    agreed = SimpleNamespace(category="c1", merit="m2", evidence=2, harms={"h1": "claimed"})
    agreed.said = lambda _: ""
    deciding = SimpleNamespace(day=date(2026, 12, 24), judgement=judgement)
    reviews: Any = SimpleNamespace(
        agreed=agreed, deciding=deciding, urgency="high", flags=("minor",)
    )
    with Casebook.open(ready.casebook) as casebook:
        told = {**record(casebook, casebook.case(1), reviews, []), "dossier": {"path": ""}}
        label = next(one.in_("en") for one in casebook.campaign.categories if one.code == "c1")

    assert told["period"] == {"from": "2019-01", "to": "2020-02"}
    assert (told["decided"], told["flags"], told["urgency"]) == ("2026-12-24", ["minor"], "high")
    assert (told["category"], told["category_label"]) == ("c1", label)
    assert told["harms"] == [{"harm": "h1", "status": "claimed"}]
    cells = dict(zip(CASE_HEADS, case_cells(told, []), strict=True))
    assert (cells["period_from"], cells["period_to"]) == ("2019-01", "2020-02")
    assert (cells["harms"], cells["flags"]) == ("h1 (claimed)", "minor")


def test_no_value_of_a_load_file_ends_itself() -> None:
    assert _dat_value("a\x14þb®c\r\nd\n") == "a\ufffdthb(R)c®d®"


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_no_cell_is_a_formula(begin: str) -> None:
    assert cell(f"{begin}1")[0] in "'\ufffd"
    assert cell("a=1") == "a=1" and cell("a\x00b") == "a\ufffdb"


@pytest.mark.slow
def test_what_any_reviewer_adds_after_the_approval_ends_it(team: Team) -> None:
    with Casebook.open(team.casebook) as casebook:
        add(casebook, report("【虚构】甲", 1))
    name, tier = team.case(), {"merit": "m3"}
    team.judge(0, name, **FULL)
    team.judge(1, name, **{**FULL, **tier})
    team.judge(2, name, "adjudicate", **{**FULL, **tier})
    code = json.loads(team(2, "hand-over", "--json"))["code"]

    # Who decided is the same; the evidence is the most that anybody says.
    team.judge(0, name, **{**FULL, "evidence": 4})

    assert json.loads(team(2, "hand-over", "--json"))["code"] != code
