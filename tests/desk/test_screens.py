"""What the desk's screens show of pages, stages, answers and what could not be opened."""

import io
from argparse import Namespace
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.progress import Progress

from dropbox.campaign import Campaign
from dropbox.errors import (
    BadReport,
    CannotOpen,
    CasedropError,
    Damaged,
    NoKeyHere,
    OpensLarger,
    SealedToOthers,
)
from scripts.desk.case import Answer, Cause, Counts, Unopened, cause_of
from scripts.desk.screen.answer_tables import (
    answered_values,
    came_back,
    outbox_values,
    templates_table,
    values_table,
)
from scripts.desk.screen.cases import category_label, harm_label, status_values, whereabouts
from scripts.desk.screen.chosen import Chosen
from scripts.desk.screen.found import found_table, found_values
from scripts.desk.screen.output import (
    counted,
    print_json,
    print_long,
    print_rich,
    progress_bar,
    stages,
    table,
)
from scripts.desk.screen.paging import Page, PageError
from scripts.desk.search.finding import Found
from scripts.desk.search.summary import Outline

DAY = date(2026, 11, 24)


def answer(number: int, case: int = 1, **changes: object) -> Answer:
    fields: dict[str, object] = {
        "id": number,
        "case": case,
        "case_name": f"C-{case}",
        "kind": "answer",
        "language": "en",
        "day": DAY,
        "text": "text",
        "number": None,
        "bundle": None,
    }
    return Answer(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("page", "limit", "json", "most", "skip"),
    [
        (1, None, False, 30, 0),
        (2, None, False, 30, 30),
        (1, None, True, 0, 0),
        (2, None, True, 30, 30),
        (1, 0, False, 0, 0),
        (3, 7, False, 7, 14),
        (1, 7, True, 7, 0),
    ],
)
def test_a_page_is_thirty_cases_unless_somebody_asks_for_more_or_a_program_for_all(
    page: int, limit: int | None, json: bool, most: int, skip: int
) -> None:
    found = Page.of(Namespace(page=page, limit=limit, json=json))

    assert (found.number, found.most, found.skip) == (page, most, skip)


@pytest.mark.parametrize(("page", "limit"), [(0, None), (-1, 5), (1, -1)])
def test_pages_and_cases_are_counted_from_one(page: int, limit: int | None) -> None:
    with pytest.raises(PageError, match="counted from 1"):
        Page.of(Namespace(page=page, limit=limit, json=False))


@pytest.mark.parametrize(
    ("most", "total", "pages"), [(30, 30, 0), (30, 31, 2), (30, 60, 2), (30, 61, 3), (0, 99, 0)]
)
def test_a_list_says_how_many_pages_it_has_if_it_is_more_than_one(
    most: int, total: int, pages: int
) -> None:
    note = Page(1, most).note(total)

    assert note.startswith(f"Page 1 of {pages}, {total} cases in all; ") if pages else note == ""
    assert Page(2, 30).note(1_234, "events").startswith("Page 2 of 42, 1,234 events in all; ")


def test_each_stage_of_a_long_work_has_a_line_that_goes_on() -> None:
    bar = Progress(console=Console(file=io.StringIO(), force_terminal=True))
    show = stages(bar)

    for stage, done, total in (("reports", 1, 2), ("files", 0, 5), ("reports", 2, 2)):
        show(stage, done, total)

    assert [(one.description, one.completed, one.total) for one in bar.tasks] == [
        ("reports", 2, 2),
        ("files", 0, 5),
    ]
    silent = Progress(disable=True)
    stages(silent)("reports", 1, 2)
    assert silent.tasks == []


class Terminal(io.StringIO):
    """Standard output or input of somebody at a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("at_terminal", [True, False])
def test_how_far_a_work_is_leaves_nothing_on_the_screen_and_says_nothing_to_programs(
    at_terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = io.StringIO()
    monkeypatch.setattr(errors, "isatty", lambda: at_terminal)
    monkeypatch.setattr("sys.stderr", errors)
    monkeypatch.setenv("TERM", "xterm")
    with progress_bar() as bar:
        stages(bar)("sealing", 1, 2)

    text = errors.getvalue()
    assert ("sealing" in text) == at_terminal
    # The line is erased at the end, where it was drawn last.
    assert not text or "\x1b[2K" in text[text.rindex("sealing") :]


@pytest.mark.parametrize(
    ("chosen", "shown"),
    [
        (Chosen(), [1, 2, 3, 4]),
        (Chosen(most=2), [1, 2]),
        (Chosen(most=2, skip=2), [3, 4]),
        (Chosen(most=2, skip=3), [4]),
        (Chosen(skip=1), [2, 3, 4]),
    ],
)
def test_a_page_of_what_was_chosen_begins_after_the_pages_before_it(
    chosen: Chosen, shown: list[int]
) -> None:
    assert list(chosen.page([1, 2, 3, 4])) == shown


@pytest.mark.parametrize(("lines", "paged"), [(3, False), (30, True)])
def test_what_is_longer_than_the_screen_goes_through_a_pager_that_keeps_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: int, paged: bool
) -> None:
    pager, seen = tmp_path / "pager", tmp_path / "seen"
    pager.write_text(f"#!/bin/sh\n(echo $LESSHISTFILE $LESSSECURE; cat) > {seen}\n")
    pager.chmod(0o700)
    for name, value in (("PAGER", str(pager)), ("LINES", "10"), ("COLUMNS", "80")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("sys.stdout", out := Terminal())

    print_long(*(f"line {number}" for number in range(lines)))

    shown = seen.read_text() if paged else out.getvalue()
    assert seen.exists() == paged and f"line {lines - 1}" in shown
    assert shown.startswith("- 1\n") == paged
    monkeypatch.setenv("PAGER", "no-such-pager")
    print_long(*(f"line {number}" for number in range(lines)))
    assert f"line {lines - 1}" in out.getvalue()


@pytest.mark.parametrize(
    ("why", "cause"),
    [
        (NoKeyHere(), Cause.NO_KEY),
        (SealedToOthers(), Cause.NO_KEY),
        (CannotOpen(), Cause.LOCKED),
        (Damaged(), Cause.DAMAGED),
        (OpensLarger(), Cause.DAMAGED),
        (BadReport(), Cause.DAMAGED),
    ],
)
def test_what_may_open_later_is_told_from_what_never_will(why: CasedropError, cause: Cause) -> None:
    assert cause_of(why) == cause


def test_the_status_says_what_became_of_each_block_that_was_not_opened() -> None:
    blocks = [bytes([number]) * 16 for number in range(3)]
    unopened = [Unopened(block, number, f"why {number}") for number, block in enumerate(blocks)]

    values = status_values(
        Counts(1, 2, 3, 3, 5, 6, 7, 8),
        unopened,
        [answer(1, 4), replace(answer(2, 4), kind="acknowledgement")],
        5,
        {(blocks[1], 1): True, (blocks[2], 2): False, (blocks[0], 1): True},
    )

    assert values["unopened"] == [
        {"block": blocks[0].hex(), "reason": "why 0", "set_aside": ""},
        {"block": blocks[1].hex(), "reason": "why 1", "set_aside": "kept sealed"},
        {"block": blocks[2].hex(), "reason": "why 2", "set_aside": "not on the server any more"},
    ]
    assert values["answers_queued"] == ["C-4"]
    assert [values[name] for name in ("cases", "parts", "files", "answers_left")] == [1, 2, 3, 5]
    # Those that the desk writes on its own are counted apart.
    assert (values["acknowledgements_left"], values["acknowledgements_queued"]) == (3, 1)
    assert (values["last_export_bundle"], values["last_reply_bundle"]) == (5, 6)


def test_the_outbox_says_for_how_long_an_answer_waits_and_which_never_leaves() -> None:
    waiting = [answer(1), answer(2, 2), answer(3, 3, day=DAY - timedelta(days=9))]

    rows = outbox_values(
        waiting, {waiting[1].id: "taken back by the claimant"}, DAY + timedelta(days=1)
    )

    assert [(row["number"], row["days"], row["withheld"]) for row in rows] == [
        (1, 1, ""),
        (2, 1, "taken back by the claimant"),
        (3, 10, ""),
    ]


def test_of_the_answers_that_left_the_last_one_of_each_case_counts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    later = DAY + timedelta(days=3)
    left = [
        answer(1, 2, bundle=1, left=DAY, returned=DAY),
        answer(2, 1, bundle=1, left=DAY),
        answer(3, 2, bundle=2, left=later, returned=later),
    ]

    rows = answered_values(left)

    assert [(row["case"], row["answers"], row["bundle"], row["returned"]) for row in rows] == [
        ("C-1", 1, 1, None),
        ("C-2", 2, 2, later.isoformat()),
    ]
    assert came_back(rows) == f"C-2 ({later.isoformat()})"
    print_rich(values_table(rows))
    assert capsys.readouterr().out.count("nothing yet") == 1
    assert values_table([]).columns == []


@pytest.mark.parametrize(
    ("changes", "withheld", "said"),
    [
        ({}, False, "queued"),
        ({}, True, "withheld"),
        (
            {"left": DAY, "bundle": 3},
            False,
            "left in reply bundle 3 on 2026-11-24; nothing came since",
        ),
        (
            {"left": DAY, "bundle": 3, "returned": DAY},
            True,
            "left in reply bundle 3 on 2026-11-24; the claimant came back on 2026-11-24",
        ),
    ],
)
def test_an_answers_whereabouts_are_said(
    changes: dict[str, Any], withheld: bool, said: str
) -> None:
    assert whereabouts(answer(1, **changes), withheld=withheld) == said


def test_a_number_comes_with_its_noun() -> None:
    assert [counted(number, "case") for number in (0, 1, 2, 1_000)] == [
        "0 cases",
        "1 case",
        "2 cases",
        "1,000 cases",
    ]


def test_codes_that_a_campaign_lacks_are_shown_as_they_are(campaign: Campaign) -> None:
    category = campaign.categories[1]
    harm = category.harms[1]

    assert category_label(campaign, category.code, "en") == category.in_("en") != category.code
    assert harm_label(campaign, harm.code, "en") == harm.in_("en") != harm.code
    assert category_label(campaign, "c9", "en") == "c9"
    assert harm_label(campaign, "c9.x", "en") == "c9.x"


def test_a_found_case_is_shown_with_the_words_around_the_hit(
    campaign: Campaign, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    outline = Outline(
        number=1,
        name="C-1",
        reply_public=bytes(32),
        tag_key=bytes(32),
        day=DAY,
        language="en",
        category="a-long-category",
        harms=(),
        parts=1,
        files=0,
        later=0,
        text="",
    )
    hit = Found(outline, "file name", ("before ", "the hit", " after and more"))
    whole = Found(outline, "", ("only the beginning", "not", "shown"))

    print_rich(found_table([hit, whole]))

    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert lines[0] == ["case", "day", "cat.", "in", "words"]
    assert lines[2][:4] == ["C-1", "2026-11-24", "a-long-cate…", "file"]
    shown = "".join(word for line in lines[2:] for word in line)
    assert "notshown" not in shown and "…" not in shown.replace("a-long-cate…", "")
    values = found_values([hit, whole], campaign, "en")
    assert [one["excerpt"] for one in values] == [
        "before the hit after and more",
        "only the beginningnotshown",
    ]


def test_ready_answers_are_listed_with_what_they_are_for(
    campaign: Campaign, capsys: pytest.CaptureFixture[str]
) -> None:
    print_rich(templates_table(campaign.answers, "en"))

    shown = capsys.readouterr().out
    assert "what it is for" in shown
    assert all(one.code in shown and one.in_("en") in shown for one in campaign.answers)


def test_what_programs_read_is_safe_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": "\x7f\x1b\u202e微"})

    assert capsys.readouterr().out == '{\n "a": "\\u007f\\u001b\\u202e\\u5fae"\n}\n'


def test_a_table_has_a_line_for_each_row_and_its_columns_apart(
    capsys: pytest.CaptureFixture[str],
) -> None:
    listed = table("one", "two")
    listed.add_row("1", "2")
    listed.add_row("3", "4")

    print_rich(listed)

    lines = capsys.readouterr().out.split("\n")
    assert [line.rstrip() for line in lines] == [
        "",
        " one  two",
        " ─────────",
        " 1    2",
        " 3    4",
        "",
        "",
    ]
