"""Finding cases as a reviewer: never what one may not see yet, nor what one gave away."""

import io
import json
import sqlite3
from typing import Any

import pytest
from support.cases import SAMPLES
from support.export_bundles import Drop
from support.team import Prepared, Team

from dropbox.openpgp import Reviewers

TEXT = SAMPLES[0]["text_zh_hans"]
HARM = "c3.account_closed"
SAID: dict[str, Any] = {
    "category": "c3",
    "merit": "m3",
    "urgency": "danger",
    "tags": ["first-tag"],
    "harms": {HARM: "supported"},
}


@pytest.fixture
def filed(team: Team, reviewers: Reviewers, prepared: Prepared) -> Team:
    """Two claimants who sent the same text, and one who sent another."""

    def file_three(team: Team) -> None:
        drop = Drop(reviewers, team.directory)
        for claimant, text in enumerate((TEXT, TEXT, "别的事情"), 1):
            drop.report(text, claimant=claimant, harms=("c1.harassed",))
        team(0, "import", drop.bundle(1))

    prepared.bring("three cases", team, file_three)
    return team


def found(team: Team, who: int, *options: str) -> list[str]:
    code, out, err = team.run(who, "find", "--no-words", "--json", *options)
    if code == 2:
        # A tag that nobody may see yet is no tag, as one that nobody gave.
        assert options[0] == "--tag" and err.startswith(f"There is no tag {options[1]};")
        return []
    assert (code, err) == (0, "")
    return [row["case"] for row in json.loads(out)["cases"]]


def copies(team: Team) -> list[str]:
    """The names of the two with the same text."""
    rows = json.loads(team(2, "list", "--json"))
    return [row["case"] for row in rows if row["linked"]]


ASKED = (
    ("--merit", "m3"),
    ("--urgency", "danger"),
    ("--tag", "first-tag"),
    ("--category", "c3"),
    ("--harm", HARM),
)


@pytest.mark.slow
def test_a_search_by_codes_finds_a_review_only_when_it_may_be_seen(filed: Team) -> None:
    first = filed.judge(0, filed.case(), **SAID)
    assert first["status"] == "st.first_review"

    for who in (0, 1, 2):
        assert [found(filed, who, *asked) for asked in ASKED] == [[]] * len(ASKED)
        assert (
            found(filed, who, "--status", "st.first_review")
            == found(filed, who, "--reviewed-by", "reviewer-1")
            == [filed.case()]
        )
    filed.judge(1, filed.case(), **{**SAID, "merit": "m2"})
    while_apart = [[filed.case()] if asked[0] == "--urgency" else [] for asked in ASKED]
    assert [found(filed, 2, *asked) for asked in ASKED] == while_apart, "two disagree"
    assert filed.judge(2, filed.case(), "adjudicate", **SAID)["status"] == "st.second_review"

    for who in (0, 1, 2):
        assert [found(filed, who, *asked) for asked in ASKED] == [[filed.case()]] * len(ASKED)
        assert found(filed, who, "--reviewed-by", "reviewer-2") == [filed.case()]


def words(team: Team, who: int, typed: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Where the words were found, for this reviewer."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(typed.encode())))
    return [row["in"] for row in json.loads(team(who, "find", "--json"))["cases"]]


@pytest.mark.slow
def test_notes_are_found_by_those_who_may_read_them_and_translations_by_all(
    filed: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    note, gist = filed.directory / "note", filed.directory / "gist"
    filed.judge(0, filed.case(), **SAID, note="wombat and numbat", credibility="quokka")
    gist.write_text("A bandicoot was banned.")
    filed(0, "translate", filed.case(), "--gist", gist)
    note.write_text("bilby")

    assert [words(filed, who, "wombat OR quokka", monkeypatch) for who in (0, 1, 2)] == [
        ["note"],
        [],
        [],
    ]
    for who in (0, 1, 2):
        assert words(filed, who, "bandi*", monkeypatch) == ["gist"]
    filed.judge(1, filed.case(), **SAID, note="wallaby")
    for who in (0, 1, 2):
        assert words(filed, who, "wombat", monkeypatch) == words(filed, who, "walla*", monkeypatch)
        assert words(filed, who, "wallaby quokka", monkeypatch) == ["note"]
    # Who gave a case away does not find it, not even by their own note.
    other = next(one for one in copies(filed) if one != filed.case())
    filed.judge(2, other, conflict=True, merit="", urgency="", note="platypus")
    assert [words(filed, who, "platypus", monkeypatch) for who in (0, 2)] == [[], []]


@pytest.mark.slow
def test_a_tag_that_is_not_used_names_near_ones_and_filters_find_with_words(
    filed: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged, other = copies(filed)
    for who in (0, 1):
        filed.judge(who, judged, **SAID)

    code, _, err = filed.run(2, "find", "--no-words", "--tag", "frist-tag")
    assert (code, err) == (2, "There is no tag frist-tag; there are first-tag.\n")
    assert found(filed, 2, "--where", "tags=first-tag") == [judged]
    assert found(filed, 2, "--queue", "danger") == [judged]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(TEXT[:20].encode())))
    rows = json.loads(filed(2, "find", "--where", "merit=", "--json"))
    assert [row["case"] for row in rows["cases"]] == [other]


@pytest.mark.slow
def test_a_case_that_was_given_away_is_neither_found_nor_linked_for_who_did(
    filed: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, other = copies(filed)
    filed.judge(0, mine, conflict=True, merit="", urgency="")

    def seen(who: int) -> tuple[int, list[str], int]:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(TEXT[:20].encode())))
        count = json.loads(filed(who, "find", "--json"))["count"]
        rows = {row["case"]: row for row in json.loads(filed(who, "list", "--json"))}
        linked = [one["case"] for one in json.loads(filed(who, "show", other, "--json"))["linked"]]
        return count, linked, rows[other]["linked"]

    assert seen(1) == (2, [mine], 1)
    assert seen(0) == (1, [], 0)
    assert mine not in found(filed, 0, "--category", "c1") and mine in found(
        filed, 1, "--category", "c1"
    )


def test_the_words_that_are_looked_for_stand_in_no_log(
    filed: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("looked-for 词".encode())))
    assert "0 cases found." in filed(0, "find")

    connection = sqlite3.connect(filed.casebook / "casebook.sqlite")
    lines = b"".join(line for (line,) in connection.execute("select line from custody"))
    connection.close()
    assert b'"act":"view"' in lines and b"find" in lines and b"looked" not in lines
    for file in filed.casebook.iterdir():
        assert file.is_dir() or b"looked-for" not in file.read_bytes()
