"""Translations and gists in what is handed over: beside the original, and by whom."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.cases import DAY, add, report
from support.decided_cases import at_work, held, plan_of, rows, written
from support.team import Team

from dropbox.codename import WordLists, new_codename
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.translations import GIST, TRANSLATION, Translation
from scripts.desk.production.handing_over import SCHEMA

HAND, MACHINE = "By hand: dismissed.\nÞ®", "=By a machine"


def give(casebook: Casebook, by: str, text: str, case: int = 1, **changes: str) -> None:
    source = casebook.case(case).parts[0].block_id.hex()
    fields = {"kind": TRANSLATION, "language": "en", "machine": "", **changes}
    one = Translation(source=source, text=text, reviewer=by, day=DAY, **fields)
    casebook.translations.add(casebook.case(case), one)


def pinned(casebook: Casebook, who: int = 0) -> str:
    return casebook.pinned()[f"reviewer-{who + 1}"].fingerprint


def given(casebook: Casebook) -> None:
    """A translation by hand, one by a machine and a gist of the first case's text."""
    at_work(casebook)
    one, other = pinned(casebook, 0), pinned(casebook, 1)
    give(casebook, one, HAND)
    give(casebook, other, MACHINE, machine="argos 1.9")
    give(casebook, one, "A gist", kind=GIST)


@pytest.mark.slow
def test_each_translation_says_who_made_it_and_is_beside_the_original(
    ready: Team, tmp_path: Path
) -> None:
    out = tmp_path / "production"
    with Casebook.open(ready.casebook) as casebook:
        given(casebook)
        written(casebook, out)

    number = "D0-000001"
    assert (out / "texts" / f"{number}.txt").read_text("utf-8") == "【虚构】甲"
    assert (out / "translations" / f"{number}.1.en.txt").read_text("utf-8") == HAND
    assert (out / "translations" / f"{number}.2.en.txt").read_text("utf-8") == MACHINE
    told = json.loads((out / "cases.jsonl").read_text("utf-8").splitlines()[0])
    assert (told["gist"], told["gist_by"]) == ("A gist", "reviewer-1, by hand")
    found: list[dict[str, Any]] = told["translations"]
    assert [(one["kind"], one["by"], one["machine"], one["of"]) for one in found] == [
        ("gist", "reviewer-1", "", number),
        ("translation", "reviewer-1", "", number),
        ("translation", "reviewer-2", "argos 1.9", number),
    ]
    schema = json.loads(SCHEMA.read_text("utf-8"))["properties"]["translations"]["items"]
    assert all(set(one) == set(schema["required"]) == set(schema["properties"]) for one in found)
    (row, other) = rows(out / "cases.csv")
    assert row["translations"] == (
        f"gist of {number} (reviewer-1, by hand); "
        f"translations/{number}.1.en.txt of {number} (reviewer-1, by hand); "
        f"translations/{number}.2.en.txt of {number} (reviewer-2, by machine: argos 1.9)"
    )
    assert other["translations"] == other["gist"] == ""


@pytest.mark.slow
def test_the_load_file_names_translations_with_the_document_that_they_are_of(
    ready: Team, tmp_path: Path
) -> None:
    with Casebook.open(ready.casebook) as casebook:
        given(casebook)
        written(casebook, tmp_path / "production")

    lines = (tmp_path / "production" / "load.dat").read_bytes().decode("utf-8-sig").split("\r\n")
    heads, first, second, *_ = (line[1:-1].split("þ\x14þ") for line in lines)
    found = dict(zip(heads, first, strict=True))
    assert found["GIST"] == "A gist" and found["GISTBY"] == "reviewer-1, by hand"
    assert found["TRANSLATIONBY"] == "reviewer-1, by hand; reviewer-2, by machine: argos 1.9"
    assert found["TRANSLATIONPATH"].count("translations/D0-000001.") == 2
    assert set(second[-4:]) == {""}


@pytest.mark.slow
def test_a_gist_by_hand_counts_before_one_by_machine_and_an_answer_has_its_own(
    ready: Team, tmp_path: Path
) -> None:
    with Casebook.open(ready.casebook) as casebook:
        at_work(casebook)
        give(casebook, pinned(casebook), "By a machine", kind=GIST, machine="argos")
        give(casebook, "E" * 40, "By hand", kind=GIST)
        written(casebook, tmp_path / "production")

    (row, _) = rows(tmp_path / "production" / "cases.csv")
    # Somebody whom this desk does not know by name: no key's fingerprint leaves.
    assert (row["gist"], row["gist_by"]) == ("By hand", "a reviewer of another desk, by hand")


def test_a_translation_after_the_approval_ends_it_and_one_with_a_codename_holds_its_case(
    ready: Team,
) -> None:
    spelled = " ".join(one.typed for one in WordLists.read().spell(new_codename(), "en"))
    with Casebook.open(ready.casebook) as casebook:
        at_work(casebook)
        before = plan_of(casebook)
        give(casebook, pinned(casebook), HAND)
        assert plan_of(casebook).sha256 != before.sha256
        give(casebook, pinned(casebook), f"The codename is {spelled}", case=2)
        assert held(casebook) == {2: "codename", 3: "open"}


def test_what_is_withheld_and_why_is_approved_too(ready: Team) -> None:
    with Casebook.open(ready.casebook) as casebook:
        before = plan_of(casebook)
        assert [one.reason for one in before.held] == ["open"]
        # The list of what is withheld says how many documents such a case has.
        add(casebook, report("more", 3, kind="message"))
        assert plan_of(casebook).ready == before.ready
        assert plan_of(casebook).sha256 != before.sha256
