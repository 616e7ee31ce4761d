"""Gists and translations beside what claimants and reviewers wrote."""

import json
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest
from support.cases import add, report
from support.team import Team

from scripts.desk.casebook.casebook import Casebook

TEXT = "【虚构】单位开除了我"


@pytest.fixture
def case(team: Team) -> str:
    with Casebook.open(team.casebook) as casebook:
        add(casebook, report(TEXT), report("【虚构】补充", kind="message"))
    return team.case()


def written(directory: Path, text: str, name: str = "given.txt") -> Path:
    path = directory / name
    path.write_text(text, "utf-8")
    return path


def test_a_gist_and_a_translation_are_shown_beside_the_original_with_where_they_are_from(
    team: Team, case: str, tmp_path: Path
) -> None:
    gist = written(tmp_path, "Dismissed by the work unit.\n")
    whole = written(tmp_path, "[Fictional] First line.\nSecond line.", "whole.txt")
    assert "gist of part 1" in team(0, "translate", case, "--gist", gist)
    team(1, "translate", case, "--part", "2", "--translation", whole, "--machine", "argos 1.9")

    shown = team(2, "show", case)
    assert TEXT in shown and "┌ gist in en, by hand by reviewer-" in shown
    assert "┌ translation in en, by machine (argos 1.9), given by reviewer-" in shown
    assert "  │ Dismissed by the work unit.\n" in shown
    assert "  │ [Fictional] First line.\n  │ Second line." in shown
    values = json.loads(team(2, "show", case, "--json"))
    assert values["parts"][0]["text"] == TEXT
    first, second = values["translations"]
    assert (first["part"], first["kind"], first["machine"]) == (1, "gist", None)
    assert (second["part"], second["kind"], second["machine"]) == (2, "translation", "argos 1.9")
    listed = team(0, "translate", case)
    assert "part 2" in listed and "gist in en, by hand" in " ".join(listed.split())


def test_a_list_shows_the_gist_to_who_reads_that_language(
    team: Team, case: str, tmp_path: Path
) -> None:
    team(0, "translate", case, "--gist", written(tmp_path, "By a program"), "--machine", "argos")
    assert "[machine] By a pro" in team(1, "list")
    team(0, "translate", case, "--gist", written(tmp_path, "By hand"))
    team(1, "translate", case, "--gist", written(tmp_path, "Again"), "--machine", "argos")
    listed = team(1, "list")
    assert "[gist] By hand" in listed and TEXT[:4] not in listed
    (row,) = json.loads(team(1, "list", "--json"))
    assert row["gist"] == "[gist] By hand" and row["text"].startswith(TEXT[:6])
    assert TEXT[:4] in team(1, "list", "--lang", "zh-Hans")


def test_an_answer_can_be_translated_and_standard_input_is_read(
    team: Team, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    team(0, "answer", case, "--text-file", written(tmp_path, "【虚构】回复"), "--yes")
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(b"The answer")))
    team(0, "translate", case, "--answer", "1", "--translation", "-")

    (one,) = json.loads(team(1, "translate", case, "--json"))
    assert (one["answer"], one["text"]) == (1, "The answer")
    assert "  │ The answer" in team(1, "show", case)


@pytest.mark.parametrize(
    ("options", "text", "sentence"),
    [
        (["--gist"], "", "is empty"),
        (["--gist"], "x" * 301, "at most 300 characters"),
        (["--gist"], "one\ntwo", "one line"),
        (["--part", "3", "--gist"], "x", "no part 3"),
        (["--answer", "1", "--gist"], "x", "no answer 1"),
        (["--into", "English!", "--gist"], "x", "a tag such as en"),
        (["--machine", "x" * 61, "--gist"], "x", "at most 60"),
        (["--translation"], "x" * (2**20 + 1), "at most 1 MiB"),
    ],
)
def test_what_is_no_translation_is_a_sentence_and_nothing_is_kept(
    team: Team, case: str, tmp_path: Path, options: list[str], text: str, sentence: str
) -> None:
    code, out, err = team.run(0, "translate", case, *options, written(tmp_path, text))

    assert code == 2 and out == "" and sentence in err
    assert json.loads(team(0, "translate", case, "--json")) == []


def test_the_log_holds_only_the_hash_of_a_translation(
    team: Team, case: str, tmp_path: Path
) -> None:
    team(0, "translate", case, "--gist", written(tmp_path, "Dismissed"))
    with Casebook.open(team.casebook) as casebook:
        lines = [line for (line,) in casebook.database.execute("SELECT line FROM custody")]
    assert any(b'"act":"translate"' in line for line in lines)
    assert not any(b"Dismissed" in line for line in lines)
    assert "ranslation" not in team.run(0, "verify")[1]


def test_who_gave_a_case_away_cannot_translate_it(team: Team, case: str, tmp_path: Path) -> None:
    team.judge(0, case, conflict=True)

    code, _, err = team.run(0, "translate", case, "--gist", written(tmp_path, "x"))
    assert code == 2 and "conflict" in err
