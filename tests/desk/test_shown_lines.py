"""Lines and tables of the desk compared whole: transcripts below files, and when claims lapse."""

from dataclasses import replace
from datetime import date, timedelta
from typing import cast

import pytest
from support.cases import add, attachment, report
from support.transcripts import line, transcript, turn

from dropbox.campaign import Campaign
from dropbox.label import Label
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.translations import TRANSCRIPT, Translation
from scripts.desk.identity import Viewer
from scripts.desk.linking import AlikeFiles
from scripts.desk.production.approval import code_of
from scripts.desk.production.plan import Held, Plan
from scripts.desk.screen.deadlines import clock_table, clock_values, without_date_lines
from scripts.desk.screen.production import plan_text, plan_values
from scripts.desk.screen.status_lines import status_lines
from scripts.desk.screen.transcripts import (
    LEGEND,
    summary_of,
    transcript_lines,
    transcript_values,
)
from scripts.desk.search.alike_files import AlikeFile
from scripts.desk.search.limitation import Clock, Running
from scripts.desk.transcripts.transcript import ReadPage, Transcript, Who

DAY = date(2026, 11, 26)
VIEWER = Viewer("A" * 40, {"F" * 40: "reviewer-1"}, cast(Campaign, None), "en")
NOTE = "Page 2 was turned by 90 degrees to be read."


def given(text: str, machine: str = "machine 1", reviewer: str = "F" * 40) -> Translation:
    return Translation("", TRANSCRIPT, "", machine, text, reviewer, DAY)


def shown(read: Transcript, alike: AlikeFiles | None = None) -> list[str]:
    return list(transcript_lines({"ab": given(read.to_text())}, VIEWER, alike)["ab"])


HEAD = "  ┌ read by machine (machine 1) for reviewer-1, 2026-11-26"


def test_a_transcript_is_shown_page_by_page_with_whose_each_turn_is() -> None:
    read = transcript(
        turn(Who.LEFT, line("hello", 40, certain=79), name="Ann"),
        turn(Who.RIGHT, line("there", 70, certain=80)),
        turn(Who.SYSTEM, line("10:32", 90), page=2),
        turn(Who.TEXT, line("a text", 90), page=2),
        pages=2,
        sentences=(NOTE,),
    )
    alike = AlikeFiles({"ab": [AlikeFile(7, "cd", 93)]}, {(7, "cd"): "file 1 of DV-5XMF"})

    assert shown(read, alike) == [
        HEAD,
        f"  │ {LEGEND}",
        "  │ page 1",
        "  │ ← Ann: hello (?)",
        "  │ → there",
        "  │ page 2",
        "  │ · 10:32",
        "  │   a text",
        f"  │ ({NOTE})",
        "  │ (nearly the same text as file 1 of DV-5XMF, 93 %)",
    ]


def test_a_transcript_of_one_page_needs_no_number_and_one_without_bubbles_no_legend() -> None:
    assert shown(transcript(turn(Who.TEXT, line("a", 9)))) == [HEAD, "  │   a"]
    assert shown(transcript()) == [HEAD, "  │ (no text was found)"]
    for who in (Who.LEFT, Who.RIGHT):
        assert shown(transcript(turn(who, line("a", 9))))[1] == f"  │ {LEGEND}"
    (other,) = transcript_lines({"ab": given("{}", reviewer="B" * 40)}, VIEWER).values()
    assert list(other) == [
        f"  ┌ read by machine (machine 1) for {'B' * 40}, 2026-11-26",
        "  │ (This transcript is of a format that this desk does not know.)",
    ]


@pytest.mark.parametrize(
    ("read", "summary"),
    [
        (transcript(), "1 page, 0 characters read."),
        (transcript(turn(Who.TEXT, line("a", 9)), pages=2), "2 pages, 1 character read."),
        (Transcript((), (), (NOTE,)), f"Nothing was read. {NOTE}"),
    ],
)
def test_what_came_of_reading_is_said_in_a_sentence(read: Transcript, summary: str) -> None:
    assert summary_of(read) == summary


def test_a_program_gets_all_of_a_transcript_with_the_number_of_its_file(
    casebook: Casebook,
) -> None:
    files = attachment("a", b"a"), attachment("b", b"b")
    add(casebook, report("", 1, attachments=files))
    read = transcript(turn(Who.LEFT, line("hello", 40, certain=70), name="Ann"), sentences=("x",))
    kept = {files[1].sha256: given(read.to_text())}
    alike = AlikeFiles({}, {})

    assert transcript_values(casebook.case(1), kept, VIEWER, alike) == [
        {
            "file": 2,
            "machine": "machine 1",
            "reviewer": "reviewer-1",
            "day": "2026-11-26",
            "pages": [{"number": 1, "width": 400, "height": 300, "turned": 0}],
            "sentences": ["x"],
            "turns": [
                {
                    "who": "left",
                    "name": "Ann",
                    "page": 1,
                    "text": "hello",
                    "confidence": 70,
                    "lines": [{"text": "hello", "box": [40, 40, 140, 60], "confidence": 70}],
                }
            ],
            "alike": [],
        }
    ]
    kept = {files[0].sha256: given("of another format")}
    (other,) = transcript_values(casebook.case(1), kept, VIEWER, alike)
    assert (other["file"], other["pages"], other["turns"]) == (1, [], [])
    assert other["sentences"] == ["(This transcript is of a format that this desk does not know.)"]
    assert ReadPage(1, 400, 300, 0) in read.pages


# --- When claims lapse ---

TERMS = Label("terms", dict.fromkeys(("zh-Hans", "zh-Hant", "en"), "Unfair terms"))


def claim(case: int, days: int) -> Running:
    return Running(case, TERMS, "2020", DAY + timedelta(days))


def test_a_claim_lapses_the_day_after_its_last_one() -> None:
    names = {1: "AA", 2: "BB", 3: "CC"}
    claims = [claim(1, 1_234), claim(2, 0), claim(3, -1)]
    table = clock_table(claims, names, "en", DAY)
    cells = [list(column.cells) for column in table.columns]

    assert [str(column.header) for column in table.columns] == [
        *("case", "days left", "last day", "since", "claim")
    ]
    assert [list(map(str, one)) for one in cells] == [
        ["AA", "BB", "CC"],
        ["1,234", "0", "lapsed"],
        ["2030-04-13", "2026-11-26", "2026-11-25"],
        ["2020"] * 3,
        ["Unfair terms"] * 3,
    ]
    assert clock_values(claims, Clock((), ((TERMS, (2, 3)),)), names, DAY) == {
        "claims": [
            {
                "case": name, "theory": "terms", "since": "2020",
                "last_day": last, "days_left": left,
            }
            for name, last, left in (
                ("AA", "2030-04-13", 1_234), ("BB", "2026-11-26", 0), ("CC", "2026-11-25", -1)
            )
        ],
        "no_date": {"terms": ["BB", "CC"]},
    }  # fmt: skip


@pytest.mark.parametrize(("count", "more"), [(1, ""), (10, ""), (11, " …")])
def test_of_cases_without_a_date_ten_are_named(count: int, more: str) -> None:
    names = {number: f"N{number}" for number in range(1, count + 1)}
    found = Clock((), ((TERMS, tuple(names)), (TERMS, ())))
    listed = ", ".join(list(names.values())[:10])
    cases = "1 case" if count == 1 else f"{count} cases"

    assert list(without_date_lines(found, names, "en")) == [
        f"No date, Unfair terms: {cases}: {listed}{more}"
    ]


# --- What would be handed over ---


def test_a_plan_says_what_is_held_back_and_why_and_who_has_approved_it(campaign: Campaign) -> None:
    viewer = Viewer("A" * 40, {"A" * 40: "ann", "B" * 40: "ben"}, campaign, "en")
    held = [Held(number, f"N{number}", "open") for number in range(12)]
    held += [Held(number, f"N{number}", "minor") for number in range(13)]
    plan = Plan((1, 2), tuple(held), ("privileged", "x"), "c" * 64)
    first = "N0, N1, N2, N3, N4, N5, N6, N7, N8, N9, N10, N11"

    assert plan_text(plan, [], viewer).plain.split("\n") == [
        f"Held back, minor A minor is involved: 13 cases: {first} …",
        f"Held back, its reviews are not done: 12 cases: {first}",
        "Handed over in spite of the flag: privileged, x",
        "Ready: 2 cases.",
        "Written with labels in en, with pictures of files.",
        f"Nobody has approved this. Code: {code_of(plan)}",
    ]
    bare = Plan((1,), (), (), "c" * 64, "zh-Hans", pictures=False)
    assert plan_text(bare, ["B" * 40, "A" * 40], viewer).plain.split("\n") == [
        "Ready: 1 case.",
        "Written with labels in zh-Hans, without pictures of files.",
        "Approved by ann, ben.",
    ]
    assert plan_values(replace(plan, held=plan.held[:1]), ["B" * 40, "A" * 40], viewer) == {
        **{"ready": 2, "held": [{"case": "N0", "reason": "open"}], "allowed": ["privileged", "x"]},
        **{"language": "en", "pictures": True, "code": code_of(plan)},
        "approved_by": ["ann", "ben"],
    }


# --- The status ---


def test_the_status_is_a_line_for_each_value_and_names_what_holds_back(campaign: Campaign) -> None:
    blocks: list[dict[str, object]] = [
        {"block": "aa", "reason": "It is damaged.", "set_aside": "kept sealed"},
        {"block": "bb", "reason": "It is locked.", "set_aside": ""},
        {"block": "cc", "reason": "It has no key.", "set_aside": ""},
    ]
    values = {
        **{"cases": 3, "last_export_bundle": 7, "answers_queued": ["AA", "BB"], "unopened": blocks},
        "answered": [{"case": "AA", "returned": "2026-11-26"}, {"case": "BB", "returned": None}],
        **{"cases_by_status": {"st.new": 2, "st.x": 1}, "cases_by_correspondence": {"co.none": 3}},
    }

    assert status_lines(values, campaign.reviewing, "en") == [
        *("cases: 3", "last export bundle: 7", "New: 2", "st.x: 1", "Not answered: 3"),
        "answers queued: AA, BB",
        "cases answered: 2; came back since: AA (2026-11-26)",
        "Not opened, block aa: It is damaged. Set aside: kept sealed.",
        "Not opened, block bb: It is locked.",
        "Not opened, block cc: It has no key.",
        "Until 2 of these are opened or set aside, nothing is acknowledged.",
    ]
    none = {**values, "answers_queued": [], "answered": [], "unopened": blocks[:1]}
    assert status_lines(none, campaign.reviewing, "en")[-3:] == [
        "answers queued: none",
        "cases answered: 0; came back since: none",
        "Not opened, block aa: It is damaged. Set aside: kept sealed.",
    ]
