"""Reviewing at the command line: who sees what, what is refused, how texts look on a terminal."""

import io
import json
import re
import tomllib
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from support.cases import know_vault
from support.export_bundles import TEXT, Drop
from support.team import Prepared, Team, fingerprint, toml

from dropbox.campaign import Campaign
from dropbox.errors import BadReport
from dropbox.openpgp import Reviewers
from dropbox.report import Report
from scripts.desk.case import Case
from scripts.desk.casebook.casebook import VERSION, Casebook
from scripts.desk.casebook.draws import sampled

SECRET = "【虚构】first-reviewers-remark"
FULL: dict[str, Any] = {
    "category": "c1",
    "merit": "m3",
    "urgency": "danger",
    "tags": ["first-tag"],
    "note": SECRET,
    "credibility": SECRET,
}


@pytest.fixture
def filed(team: Team, reviewers: Reviewers, prepared: Prepared) -> Team:
    """One claimant's case."""

    def file_one(team: Team) -> None:
        drop = Drop(reviewers, team.directory)
        drop.report(TEXT, harms=("c1.harassed",))
        team(0, "import", drop.bundle(1))

    prepared.bring("one case", team, file_one)
    return team


def everything(team: Team, who: int) -> str:
    """Everything that the desk's commands show a reviewer about the first case."""
    out = ""
    for command in (["list"], ["show", team.case()], ["status"], ["verify"], ["reviewers"]):
        out += team(who, *command) + team(who, *command, "--json")
    sheet = team(who, "review", team.case(), "--print").splitlines()
    # Without the comments, which hold all codes.
    out += "\n".join(line for line in sheet if not line.startswith("#"))
    return out + team(who, "files", team.case(), "--json")


@pytest.mark.slow
def test_the_second_reviewer_is_shown_nothing_of_the_first_review_until_done(
    filed: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    filed.judge(0, filed.case(), **FULL)
    monkeypatch.setenv("COLUMNS", "200")
    words = ("first-reviewers-remark", "first-tag", '"m3"', "Case of merit,", "danger", "(m3)")

    assert not [word for word in words if word in everything(filed, 1)]
    assert len([word for word in words if word in everything(filed, 0)]) > 3
    assert (
        SECRET in filed(0, "show", filed.case())
        and json.loads(filed(0, "list", "--json"))[0]["own_merit"] == "m3"
    )
    (row,) = json.loads(filed(1, "list", "--json"))
    assert (row["status"], row["merit"], row["urgency"], row["reviewers"]) == (
        "st.first_review",
        "",
        "",
        ["reviewer-1"],
    )
    assert json.loads(filed(1, "show", filed.case(), "--json"))["review"]["second_review"] is None
    assert json.loads(filed(0, "show", filed.case(), "--json"))["review"]["second_review"] is True
    assert (
        "looked at this case too; you will see what they said once the reviews are done"
        in filed(1, "show", filed.case())
    )
    # A first look is not a review yet.
    filed.judge(1, filed.case(), merit="", urgency="normal")
    assert SECRET not in filed(1, "show", filed.case())

    filed.judge(1, filed.case(), category="c1", merit="m2", urgency="normal")

    assert SECRET in filed(1, "show", filed.case()) and "m2" in filed(0, "show", filed.case())
    layers = json.loads(filed(2, "show", filed.case(), "--json"))["review"]["layers"]
    assert [(one["reviewer"], one["version"], one["blind"]) for one in layers] == [
        ("reviewer-1", 1, True),
        ("reviewer-2", 1, True),
        ("reviewer-2", 2, True),
    ]


def test_the_summary_that_all_read_holds_no_open_review(filed: Team) -> None:
    def standing() -> dict[str, Any]:
        with Casebook.open(filed.casebook) as casebook:
            return next(casebook.layers.standings())

    filed.judge(0, filed.case(), **FULL, harms={"c1.tortured": "documented"})
    row = standing()
    assert (row["merit"], row["urgency"], row["tags"], row["harms"]) == (
        "",
        "",
        "",
        " c1.harassed ",
    )

    filed.judge(1, filed.case(), **FULL, harms={"c1.tortured": "documented"})
    row = standing()
    assert (row["merit"], row["urgency"], row["tags"], row["harms"]) == (
        "m3",
        "danger",
        " first-tag ",
        " c1.tortured ",
    )
    assert row["reviewers"].split() == sorted(fingerprint(filed, who) for who in range(2))


@pytest.mark.slow
def test_every_version_stays(filed: Team) -> None:
    for number, merit in enumerate(("m1", "m2", "m3"), 1):
        assert (
            filed.judge(0, filed.case(), category="c1", merit=merit, urgency="normal")["version"]
            == number
        )

    layers = json.loads(filed(0, "show", filed.case(), "--json"))["review"]["layers"]
    assert [(one["version"], one["merit"]) for one in layers] == [(1, "m1"), (2, "m2"), (3, "m3")]


@pytest.mark.slow
def test_a_case_given_away_is_out_of_ones_hands_for_good(filed: Team) -> None:
    form = filed.directory / "form.toml"
    form.write_text(filed.sheet(1, filed.case(), **FULL | {"note": ""}), "utf-8")
    filed.judge(1, filed.case(), conflict=True, note="my cousin")

    text = filed.directory / "answer.txt"
    text.write_text("x", "utf-8")
    refused: list[list[str | Path]] = [
        ["show"],
        ["review", "--print"],
        ["review", "--form", form],
        ["adjudicate", "--print"],
        ["files"],
    ]
    refused.append(["answer", "--text-file", text, "--yes"])
    for name, *rest in refused:
        code, out, err = filed.run(1, name, filed.case(), *rest)
        assert (code, out) == (2, "") and "out of your hands" in err, name
        assert err.startswith(f"{filed.case()}: "), name
    filed(0, "answer", filed.case(), "--text-file", text, "--yes")
    number = json.loads(filed(1, "outbox", "--json"))[-1]["number"]
    code, out, err = filed.run(1, "outbox", "--remove", number)
    assert (code, out) == (2, "") and "out of your hands" in err
    assert filed.case() in filed(0, "outbox", "--remove", number)
    assert json.loads(filed(1, "list", "--json"))[0] == {
        "case": filed.case(),
        "day": "2026-11-23",
        "status": "st.new",
        "conflict": True,
    }
    assert "永久封禁" not in filed(1, "list")
    assert filed.case() in filed(0, "show", filed.case())


def test_a_conflict_in_one_case_of_many_is_named_and_the_others_are_answered(
    team: Team, reviewers: Reviewers
) -> None:
    drop = Drop(reviewers, team.directory)
    for claimant in (1, 2):
        drop.report(TEXT, claimant=claimant)
    team(0, "import", drop.bundle(1))
    one, other = team.case(1), team.case(2)
    team.judge(0, one, conflict=True)

    code, out, err = team.run(0, "answer", one, other, "--template", "answer.when", "--yes")

    assert code == 0 and out.startswith(f"An answer to {other} ")
    assert err == f"Skipped: {one}: you declared a conflict of interest.\n"


def test_an_import_can_be_read_by_programs(team: Team, reviewers: Reviewers) -> None:
    drop = Drop(reviewers, team.directory)
    drop.report(TEXT)

    values = json.loads(team(0, "import", drop.bundle(1), "--json"))

    assert (values["number"], values["cases"], values["parts"], values["unopened"]) == (1, 1, 1, [])


@pytest.mark.slow
def test_every_act_can_be_read_by_programs(filed: Team) -> None:
    form, text = filed.directory / "form.toml", filed.directory / "text"
    form.write_text(filed.sheet(0, filed.case(), **FULL), "utf-8")
    text.write_text("请问是哪一年？", "utf-8")

    def read(*asked: object) -> Any:
        said = filed(0, *asked, "--json")
        assert said.isascii(), asked
        return json.loads(said)

    assert [one["case"] for one in read("list")] == [filed.case()]
    assert read("show", filed.case())["case"] == filed.case()
    assert read("files", filed.case()) == []
    assert "merit" in read("review", filed.case(), "--print")["sheet"]
    assert read("review", filed.case(), "--form", form)["version"] == 1
    assert read("find", "--no-words", "--category", "c1")["count"] in (0, 1)
    assert read("answer", "--templates")
    assert read("answer", filed.case(), "--text-file", text, "--yes")[0]["case"] == filed.case()
    with Casebook.open(filed.casebook) as casebook:
        know_vault(casebook, filed.homes[0])
    waiting = read("outbox")
    assert [one["kind"] for one in waiting] == ["acknowledgement", "answer"]
    assert read("outbox", "--remove", waiting[1]["number"]) == {
        "number": waiting[1]["number"],
        "case": filed.case(),
        "day": waiting[1]["day"],
    }
    assert read("export-replies", filed.directory / "replies.tar", "--yes") == {
        "bundle": 1,
        "answers": 1,
        "replies": 256,
        "waiting": 0,
        "acknowledged": 1,
        "withheld": [],
        "unreleased": [],
    }
    assert read("outbox", "--left") == []
    assert len(read("reviewers")) >= 2
    assert read("status")["cases"] == 1
    assert read("verify")["findings"] == []


def test_a_sheet_comes_from_standard_input_and_every_fault_is_told(
    filed: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    def typed(text: str) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    blank = tomllib.loads(filed(0, "review", filed.case(), "--print"))
    issued = toml({key: blank[key] for key in ("case", "version")})
    typed('category = "c8"\nmerit = "m8"\n' + issued)
    code, out, err = filed.run(0, "review", filed.case(), "--form", "-")
    assert (
        (code, out) == (2, "")
        and "Line 1, category" in err
        and "Line 2, merit" in err
        and "urgency: this is required" in err
    )
    typed(filed.sheet(0, filed.case(), **FULL))

    assert "Status: First review done" in filed(0, "review", filed.case(), "--form", "-")


def test_a_sheet_is_kept_for_its_own_case_and_no_other(team: Team, reviewers: Reviewers) -> None:
    drop = Drop(reviewers, team.directory)
    drop.report(TEXT, claimant=1)
    drop.report(TEXT, claimant=2)
    team(0, "import", drop.bundle(1))
    form, (one, other) = team.directory / "form.toml", (team.case(1), team.case(2))
    form.write_text(team.sheet(0, one, category="c1", merit="m2", urgency="normal"), "utf-8")

    code, out, err = team.run(0, "review", other, "--form", form)

    assert (code, out) == (2, "")
    assert err == f"This sheet is for {one} and not for {other}; nothing was kept.\n"
    assert json.loads(team(0, "show", other, "--json"))["review"]["layers"] == []
    for wrong, sentence in (("K7-QX4N", "a character is wrong"), ("K7-QX4M", "There is no case")):
        form.write_text(form.read_text("utf-8").replace(one, wrong), "utf-8")
        assert sentence in team.run(0, "review", one, "--form", form)[2]
        form.write_text(form.read_text("utf-8").replace(wrong, one), "utf-8")
    assert json.loads(team(0, "review", one, "--form", form, "--json"))["version"] == 1


@pytest.mark.parametrize("missing", ["case", "version"])
def test_a_sheet_that_says_no_case_or_no_version_is_not_kept(filed: Team, missing: str) -> None:
    sheet = filed.sheet(0, filed.case(), **FULL).splitlines()
    form = filed.directory / "form.toml"
    form.write_text("\n".join(one for one in sheet if not one.startswith(missing)), "utf-8")

    code, out, err = filed.run(0, "review", filed.case(), "--form", form)

    assert (code, out) == (2, "") and err.startswith(f"{missing}: this is required")


@pytest.mark.slow
def test_a_sheet_is_refused_once_the_case_has_changed_in_a_way_that_matters(
    filed: Team, reviewers: Reviewers
) -> None:
    case, form = filed.case(), filed.directory / "form.toml"
    form.write_text(filed.sheet(0, case, category="c1", merit="m2", urgency="normal"), "utf-8")
    # What another reviewer says meanwhile does not matter: nobody may see it yet.
    filed.judge(1, case, category="c1", merit="m2", urgency="normal")
    assert json.loads(filed(0, "review", case, "--form", form, "--json"))["version"] == 1

    code, _, err = filed.run(0, "review", case, "--form", form)
    assert code == 2 and err.startswith("You handed in another version since")

    form.write_text(filed.sheet(0, case, merit="m1"), "utf-8")
    drop = Drop(reviewers, filed.directory)
    drop.report("2019", kind="message")
    filed(0, "import", drop.bundle(2))
    code, _, err = filed.run(0, "review", case, "--form", form)
    assert code == 2 and err.startswith("What the claimant sent is not what it was")
    assert len(json.loads(filed(0, "show", case, "--json"))["review"]["layers"]) == 2


@pytest.mark.slow
def test_an_adjudication_is_of_the_reviews_that_its_sheet_was_handed_out_for(filed: Team) -> None:
    case, form = filed.case(), filed.directory / "form.toml"
    for who, merit in enumerate(("m3", "m1")):
        filed.judge(who, case, category="c1", merit=merit, urgency="normal")
    form.write_text(filed.sheet(2, case, "adjudicate", merit="m2", urgency="normal"), "utf-8")
    filed.judge(1, case, merit="m0")

    code, _, err = filed.run(2, "adjudicate", case, "--form", form)

    assert code == 2 and err.startswith("The reviews that are to be decided were changed")
    form.write_text(filed.sheet(0, case), "utf-8")
    filed.judge(2, case, "adjudicate", merit="m2", urgency="normal")
    code, _, err = filed.run(2, "adjudicate", case, "--form", form)
    assert code == 2 and err.startswith("This sheet is for another act")


def test_a_layer_says_of_which_parts_it_is(filed: Team) -> None:
    filed.judge(0, filed.case(), **FULL)

    with Casebook.open(filed.casebook) as casebook:
        case = casebook.case(1)
        (layer,) = casebook.layers.of(case).layers
    assert layer.judgement.considered == tuple(part.block_id.hex() for part in case.parts)


@pytest.mark.slow
def test_the_list_is_chosen_and_paged(team: Team, reviewers: Reviewers) -> None:
    drop = Drop(reviewers, team.directory)
    for claimant in range(1, 5):
        drop.report(f"case {claimant}", claimant=claimant)
    team(0, "import", drop.bundle(1))
    team.judge(0, team.case(3), category="c1", merit="", urgency="danger")

    def listed(*arguments: object) -> list[str]:
        return [row["case"] for row in json.loads(team(0, "list", "--json", *arguments))]

    assert listed("--urgency", "danger") == listed("--status", "st.triaged") == [team.case(3)]
    assert listed("--limit", 3) == [team.case(), team.case(2), team.case(3)] and listed(
        "--after", team.case(3)
    ) == [team.case(4)]
    assert listed("--limit", 0) == listed() and len(listed()) == 4
    assert f"go on with --after {team.case(2)}" in team(
        0, "list", "--limit", 2
    ) and "--after" not in team(0, "list")
    code, out, err = team.run(0, "list", "--merit", "m9' or '1'='1")
    assert (code, out) == (2, "") and "There is no merit m9' or '1'='1;" in err


@pytest.mark.slow
def test_a_table_names_status_merit_urgency_and_reviewers_in_each_language(
    filed: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "220")
    filed.judge(0, filed.case(), **{**FULL, "merit": "m2"})
    filed.judge(1, filed.case(), **{**FULL, "merit": "m1"})

    for language, label in (
        ("en", "Reviewers disagree"),
        ("zh-Hans", "待裁决"),
        ("zh-Hant", "待裁決"),
    ):
        table = filed(0, "list", "--lang", language)
        assert (
            label in table and "reviewer-1" in table and "reviewer-2" in table and "(m2)" in table
        )
    assert "成立的案件" not in filed(0, "show", filed.case(), "--lang", "zh-Hant")
    assert "可能成立，需跟進" in filed(0, "show", filed.case(), "--lang", "zh-Hant")


def test_status_counts_the_cases_and_says_how_the_disk_is(filed: Team) -> None:
    assert json.loads(filed(0, "status", "--json"))["cases_by_status"] == {"st.new": 1}
    values = json.loads(filed(0, "status", "--json"))
    assert values["disk"] in ("encrypted", "memory", "plain")
    assert ("Warning: " in filed(0, "status")) == (values["disk"] != "encrypted")


def test_two_desks_at_once_and_a_newer_casebook_are_a_sentence(filed: Team) -> None:
    case = filed.case()
    with Casebook.open(filed.casebook):
        code, _, err = filed.run(1, "review", case, "--print")
    assert code == 2 and "Another desk has the casebook" in err and err.count("\n") == 1

    with Casebook.open(filed.casebook) as casebook:
        casebook.database.execute(f"PRAGMA user_version = {VERSION + 1}")
        casebook.database.conn.commit()
    for command in (["list"], ["verify"], ["status"]):
        code, _, err = filed.run(0, *command)
        assert (
            code == 2
            and f"of version {VERSION + 1}; this desk works with version {VERSION}" in err
            and err.count("\n") == 1
        )


def test_a_withdrawn_case_is_withdrawn_whatever_was_said(filed: Team, reviewers: Reviewers) -> None:
    filed.judge(0, filed.case(), **{**FULL, "merit": "m2"})
    drop = Drop(reviewers, filed.directory)
    drop.report("", kind="withdrawal")
    filed(0, "import", drop.bundle(2))

    assert json.loads(filed(0, "list", "--json"))[0]["status"] == "st.withdrawn"


@pytest.mark.slow
def test_an_answer_hides_no_case_that_nobody_reviewed(filed: Team, reviewers: Reviewers) -> None:
    """Reviews and letters are two things: a courtesy answer to all leaves the queue as it was."""

    def status() -> str:
        (row,) = json.loads(filed(0, "list", "--status", "st.new", "--json"))
        return str(row["correspondence"])

    text = filed.directory / "answer.txt"
    text.write_text("【虚构】请问哪一年？", "utf-8")
    with Casebook.open(filed.casebook) as casebook:
        know_vault(casebook, filed.homes[0])
    filed(0, "export-replies", filed.directory / "1.tar", "--yes")
    assert status() == "co.none", "an acknowledgement asks nothing"
    filed(0, "answer", filed.case(), "--text-file", text, "--yes")
    assert status() == "co.none", "it has not left"
    filed(0, "export-replies", filed.directory / "2.tar", "--yes")
    assert status() == "co.awaiting"
    assert json.loads(filed(0, "list", "--correspondence", "co.awaiting", "--json"))
    assert "New\nNot answered" not in filed(0, "list") and "Waiting for" in filed(0, "list")
    assert "══ status: New; Waiting for claimant" in filed(0, "show", filed.case())
    values = json.loads(filed(0, "status", "--json"))
    assert values["cases_by_status"] == {"st.new": 1}
    assert values["cases_by_correspondence"] == {"co.awaiting": 1}
    assert "New: 1\nWaiting for claimant: 1\n" in filed(0, "status")
    drop = Drop(reviewers, filed.directory)
    drop.report("2019", kind="message")
    filed(0, "import", drop.bundle(2))

    assert status() == "co.more"


@pytest.mark.slow
def test_new_material_after_a_decision_reopens_the_case_until_it_was_read(
    filed: Team, reviewers: Reviewers
) -> None:
    def status() -> str:
        return str(json.loads(filed(2, "list", "--json"))[0]["status"])

    for who in (0, 1):
        filed.judge(who, filed.case(), **{**FULL, "outcome": "st.counsel"})
    assert status() == "st.counsel"
    drop = Drop(reviewers, filed.directory)
    drop.report("2019", kind="message")
    filed(0, "import", drop.bundle(2))

    assert status() == "st.reopened"
    assert "New material after the decision" in filed(0, "show", filed.case())
    assert json.loads(filed(0, "list", "--json", "--status", "st.reopened"))
    assert filed.run(0, "verify")[0] == 0
    filed.judge(1, filed.case())
    assert status() == "st.counsel"


@pytest.mark.slow
def test_what_one_reviewer_says_is_found_after_the_other_agreed_and_said_nothing(
    filed: Team,
) -> None:
    first = {**FULL, "us": "california", "flags": ["privileged", "minor"]}
    said = {"category": "c1", "merit": "m3", "urgency": "normal"}
    asked = ("--tag=first-tag", "--where=us=california", "--flag=minor", "--urgency=danger")

    def found(*options: str) -> list[int]:
        return [
            json.loads(filed(2, "find", "--no-words", "--json", one))["count"] for one in options
        ]

    filed.judge(0, filed.case(), **first)
    assert found(*asked[1:]) == [0] * 3, "blind"
    assert "There is no tag first-tag" in filed.run(2, "find", "--no-words", asked[0])[2]
    filed.judge(1, filed.case(), **said)

    assert found(*asked) == [1] * 4
    values = json.loads(filed(2, "show", filed.case(), "--json"))["review"]
    assert (values["status"], values["differences"]) == ("st.second_review", {})
    assert values["agreed"]["flags"] == ["privileged", "minor"]
    assert "what counts of all that was said" in filed(2, "show", filed.case())


@pytest.mark.slow
def test_a_flag_is_removed_with_a_reason_and_not_by_leaving_it_out(filed: Team) -> None:
    said = {"category": "c1", "merit": "m2", "urgency": "normal"}

    def flags() -> list[str]:
        return list(json.loads(filed(2, "list", "--json"))[0]["flags"])

    filed.judge(0, filed.case(), **said, flags=["minor"])
    filed.judge(0, filed.case(), **said, flags=[])
    filed.judge(1, filed.case(), **said)
    assert flags() == ["minor"]
    filed.judge(1, filed.case(), **said, removed={"minor": "she is 34"})

    assert flags() == []
    assert "removed: minor, since she is 34" in filed(2, "show", filed.case())


@pytest.mark.slow
def test_disagreement_is_shown_field_by_field(filed: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    said = {"category": "c1", "merit": "m2", "urgency": "normal"}
    filed.judge(0, filed.case(), **said, us="california")
    filed.judge(1, filed.case(), **said, us="none")

    (row,) = json.loads(filed(2, "list", "--json"))
    assert (row["status"], row["differ"]) == ("st.adjudicate", ["us"])
    assert "Reviewers disagree: us" in " ".join(filed(2, "list").split())
    shown = filed(2, "show", filed.case())
    assert "disagreement on us: reviewer-1: california, reviewer-2: none\n" in shown
    values = json.loads(filed(2, "show", filed.case(), "--json"))["review"]["differences"]
    assert values == {"us": {"reviewer-1": ["california"], "reviewer-2": ["none"]}}
    filed.judge(1, filed.case(), us="california")
    shown = filed(2, "show", filed.case())
    assert "on us: reviewer-1: california, reviewer-2: none, then california\n" in shown


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (
            ("list", "--status", "withdrawn"),
            "There is no status withdrawn; there are st.new, st.triaged, st.first_review, ",
        ),
        (("list", "--correspondence", "x"), "there are co.none, co.awaiting, co.more."),
        (("list", "--urgency", "Danger"), "no urgency Danger; there are normal, deadline, danger."),
        (("find", "--no-words", "--merit", "m9"), "There is no merit m9; there are m0, m1, "),
        (("find", "--no-words", "--where", "us=ca"), "there are none, correspondent, resident, "),
        (("find", "--no-words", "--flag", "\x1b[2J"), "There is no flag ‹U+001B›[2J; "),
        (("find", "--no-words", "--category", "c99"), "There is no category c99; there are c1, "),
        (("find", "--no-words", "--harm", "tortured"), "there are c1.tortured"),
        (("find", "--no-words", "--where", "province=GD"), "there are prov.GD"),
        (("find", "--no-words", "--reviewed-by", "me"), "there are reviewer-1, reviewer-2, "),
    ],
)
def test_a_wrong_code_is_an_error_that_names_the_right_ones(
    filed: Team, asked: tuple[str, ...], sentence: str
) -> None:
    code, out, err = filed.run(0, *asked)

    assert (code, out) == (2, "") and sentence in err and err.count("\n") == 1


def test_a_code_that_only_a_report_holds_is_found(team: Team, reviewers: Reviewers) -> None:
    drop = Drop(reviewers, team.directory)
    drop.report(TEXT, category="nowhere", harms=("c1.lost",))
    team(0, "import", drop.bundle(1))

    for asked in (("--category", "nowhere"), ("--harm", "c1.lost")):
        assert json.loads(team(0, "find", "--no-words", "--json", *asked))["count"] == 1


def test_chance_draws_about_the_percentage_and_is_nobodys_to_steer(campaign: Campaign) -> None:
    def drawn(key: bytes, percent: int) -> list[bool]:
        cases = (Case(n, "K7-QX4M", n.to_bytes(32, "big"), b"t" * 32, ()) for n in range(2_000))
        return [sampled(key, case, percent) for case in cases]

    assert drawn(b"k" * 32, 20) == drawn(b"k" * 32, 20)
    assert 320 < sum(drawn(b"k" * 32, 20)) < 480
    assert sum(drawn(b"k" * 32, 0)) == 0 and sum(drawn(b"k" * 32, 100)) == 2_000
    both = sum(
        one and other for one, other in zip(drawn(b"k" * 32, 20), drawn(b"l" * 32, 20), strict=True)
    )
    assert 40 < both < 120, "without the key nothing tells which cases are drawn"


# What claimants write, on the reviewer's terminal


def edge_inputs() -> list[Any]:
    entries = json.loads((Path(__file__).parents[1] / "edge_inputs.json").read_text("utf-8"))[
        "inputs"
    ]
    return [pytest.param(entry, id=entry["id"]) for entry in entries]


def words(entry: dict[str, Any]) -> list[str]:
    """The texts of an edge input: its value, whatever its shape."""
    if "gen" in entry:
        return [entry["gen"]["repeat"] * entry["gen"]["times"]]
    value = entry["value"]
    if entry["kind"] == "bytes":
        return [
            bytes.fromhex(value).decode("utf-8", "replace"),
            bytes.fromhex(value).decode("gb18030"),
        ]
    if isinstance(value, dict):
        value = value["value"]
    return value if isinstance(value, list) else [value]


ACTING = {"Cc", "Cs", "Zl", "Zp", "Cf"}
# Isolation, and what joins pictures.
ALLOWED = {"\u2068", "\u2069", "\u200d", "\n"}


@pytest.mark.parametrize("entry", edge_inputs())
@pytest.mark.slow
def test_every_edge_input_is_shown_right_or_visibly_neutralised(
    entry: dict[str, Any], filed: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As text, file name, category, harm, language and answer to an optional question."""
    monkeypatch.setenv("COLUMNS", "400")
    kept = []
    with Casebook.open(filed.casebook) as casebook:
        first = casebook.case(1).parts[0]
        for number, text in enumerate(words(entry)):
            try:
                one = Report(
                    kind="message",
                    campaign="wechat-2020",
                    language=text[:50],
                    category=text[:50],
                    harms=(text[:50],),
                    text=text,
                    attachments=(),
                    reply_public=first.report.reply_public,
                    tag_key=first.report.tag_key,
                    facts={
                        "note": text[:50],
                        text[:50]: [text[:50], {"x": 1}],
                        "actors": text[:50],
                    },
                )
                one.to_bytes()
            except BadReport:
                continue  # half a character, or too long: no claimant can send it
            casebook.add_part(
                block_id=bytes([number + 1]) * 16,
                block_sha256="00" * 32,
                day=first.day,
                bundle=1,
                report=one,
            )
            kept.append(text)

    shown = filed(0, "show", filed.case()) + filed(0, "list")

    left = {one for one in shown if unicodedata.category(one) in ACTING} - ALLOWED
    assert left == set()
    assert shown.count("\u2068") == shown.count("\u2069")
    values = filed(0, "show", filed.case(), "--json")
    assert values.isascii() and filed(0, "list", "--json").isascii()
    assert [part["text"] for part in json.loads(values)["parts"][1:]] == kept
    # Put back together, the shown text is what was sent: nothing is lost or added.
    flat = re.sub(
        r"‹U\+([0-9A-F]{4,6})›",
        lambda found: chr(int(found[1], 16)),
        shown.translate({0x2068: None, 0x2069: None}),
    )
    squeezed = "".join(flat.split())
    for text in kept:
        if len(text) < 1_000 and not set(text) & set("\u2066\u2068\u2069"):
            assert "".join(text.split()) in squeezed


@pytest.mark.parametrize(
    "text",
    [
        "我很好😀👨‍👩‍👧‍👦🏳️‍🌈🇨🇳👮🏽‍♀️",
        "𠮷野家 𪚥 龍﨣凞",
        "葛\U000e0100城市",
        "སྐད་ཆ་འདི་བསུབས་སོང་།",
        "ᠮᠣᠩᠭᠣᠯ",
        "繁體與简体混用：冇得攞返啲錢",
    ],
)
def test_the_scripts_and_pictures_of_claimants_are_readable(filed: Team, text: str) -> None:
    with Casebook.open(filed.casebook) as casebook:
        first = casebook.case(1).parts[0].report
        one = Report(
            **{
                **{name: getattr(first, name) for name in first.__dataclass_fields__},
                "kind": "message",
                "text": text,
            }
        )
        casebook.add_part(
            block_id=b"m" * 16,
            block_sha256="00" * 32,
            day=casebook.case(1).day,
            bundle=1,
            report=one,
        )

    assert text in filed(0, "show", filed.case())


def test_right_to_left_text_turns_nothing_round_beside_it(filed: Team) -> None:
    uyghur = "مەن قورقىمەن"
    with Casebook.open(filed.casebook) as casebook:
        first = casebook.case(1).parts[0].report
        fields = {name: getattr(first, name) for name in first.__dataclass_fields__}
        changed = {
            "kind": "message",
            "text": f"{uyghur}\n12-34\n\u2069{uyghur}",
            "harms": (uyghur,),
        }
        casebook.add_part(
            block_id=b"m" * 16,
            block_sha256="00" * 32,
            day=casebook.case(1).day,
            bundle=1,
            report=Report(**{**fields, **changed}),
        )

    shown = filed(0, "show", filed.case())

    assert f"harm: \u2068{uyghur}\u2069\n" in shown
    assert f"\u2068{uyghur}\u2069\n12-34\n\u2068‹U+2069›{uyghur}\u2069\n" in shown
