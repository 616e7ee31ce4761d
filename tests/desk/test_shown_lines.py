"""Lines and tables of the desk compared whole: transcripts below files, and when claims lapse."""

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
from scripts.desk.screen.deadlines import clock_table, clock_values, without_date_lines
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
