"""Which lines on a screenshot are one bubble and whose it is; how a transcript is kept and read."""

import json
from dataclasses import replace
from typing import Any

import pytest

from scripts.desk.transcripts.layout import turns_of
from scripts.desk.transcripts.lines import (
    MOST_BYTES,
    MOST_CHARACTERS,
    MOST_LINES,
    Colour,
    SeenLine,
    SeenPage,
    read,
    written,
)
from scripts.desk.transcripts.transcript import Line, ReadPage, Transcript, Turn, Who

GREY, WHITE, GREEN = (237, 237, 237), (255, 255, 255), (149, 236, 105)
DARK, DARKER, DARK_GREEN = (44, 44, 44), (17, 17, 17), (62, 181, 117)
BLUE = (10, 132, 255)
WIDTH = 1_080


def seen(
    text: str,
    left: int,
    top: int,
    right: int,
    *,
    paper: Colour = GREY,
    ground: Colour = GREY,
    high: int = 56,
    faces: tuple[int, int] = (0, 0),
) -> SeenLine:
    return SeenLine(text, (left, top, right, top + high), 99, paper, ground, *faces)


def said(*lines: SeenLine, width: int = WIDTH) -> list[tuple[str, str, str]]:
    """Whose each turn is, the name above it, and its text."""
    page = SeenPage(1, width, 2_400, 0, True, lines)
    return [(turn.who.value, turn.name, turn.text) for turn in turns_of(page)]


def test_bubbles_are_told_apart_by_their_side() -> None:
    assert said(
        seen("在吗", 190, 100, 300, paper=WHITE),
        seen("在", 820, 250, 890, paper=GREEN),
        seen("下午3:24", 420, 400, 660, high=40),
        seen("好", 190, 500, 260, paper=WHITE),
    ) == [
        ("left", "", "在吗"),
        ("right", "", "在"),
        ("system", "", "下午3:24"),
        ("left", "", "好"),
    ]


@pytest.mark.parametrize(
    ("mine", "theirs", "ground"),
    [(GREEN, WHITE, GREY), (DARK_GREEN, DARK, DARKER), (BLUE, (233, 233, 235), WHITE)],
    ids=["light", "dark", "blue"],
)
def test_bubbles_as_wide_as_can_be_are_told_apart_by_their_colour(
    mine: Colour, theirs: Colour, ground: Colour
) -> None:
    assert said(
        seen("系统检测到异常行为，具体原因不", 190, 100, 889, paper=theirs, ground=ground),
        seen("便透露。", 190, 166, 400, paper=theirs, ground=ground),
        seen("申诉三次都被驳回，每次理由都一", 191, 300, 890, paper=mine, ground=ground),
        seen("样。", 191, 366, 300, paper=mine, ground=ground),
    ) == [
        ("left", "", "系统检测到异常行为，具体原因不便透露。"),
        ("right", "", "申诉三次都被驳回，每次理由都一样。"),
    ]


def test_where_all_bubbles_have_one_colour_the_face_tells_whose_they_are() -> None:
    assert said(
        seen("系统检测到异常行为，具体原因不", 190, 100, 889, paper=WHITE, faces=(95, 0)),
        seen("申诉三次都被驳回，每次理由都一", 191, 300, 890, paper=WHITE, faces=(0, 95)),
    ) == [
        ("left", "", "系统检测到异常行为，具体原因不"),
        ("right", "", "申诉三次都被驳回，每次理由都一"),
    ]


def test_a_name_above_a_bubble_is_its_speakers() -> None:
    assert said(
        seen("李梅", 166, 100, 240, high=40),
        seen("都恢复了吗？", 190, 160, 500, paper=WHITE),
        seen("没有", 760, 300, 890, paper=GREEN),
        seen("Tom", 166, 420, 240, high=40),
        seen("等回复", 190, 480, 400, paper=WHITE),
    ) == [("left", "李梅", "都恢复了吗？"), ("right", "", "没有"), ("left", "Tom", "等回复")]


def test_bubbles_one_after_another_stay_apart_and_words_of_a_wrapped_line_are_parted() -> None:
    assert said(
        seen("One that goes", 190, 100, 500, paper=WHITE),
        seen("on", 190, 166, 250, paper=WHITE),
        seen("二", 190, 330, 250, paper=WHITE),
    ) == [("left", "", "One that goes on"), ("left", "", "二")]


def test_faces_and_arrows_in_the_outer_columns_are_no_text() -> None:
    assert said(
        seen("■", 8, 100, 140, paper=(91, 127, 166), high=130),
        seen("A", 940, 300, 1_060, paper=(91, 127, 166), high=130),
        seen("？？？", 190, 110, 330, paper=WHITE),
        seen("…", 190, 250, 250, paper=WHITE),
    ) == [("left", "", "？？？"), ("left", "", "…")]


def test_a_page_without_bubbles_is_paragraphs() -> None:
    assert said(
        seen("告知书", 440, 100, 640, paper=WHITE, ground=WHITE),
        seen("您的账号因违规", 100, 300, 900, paper=WHITE, ground=WHITE),
        seen("已被封禁。", 100, 360, 500, paper=WHITE, ground=WHITE),
        seen("特此告知", 100, 600, 400, paper=WHITE, ground=WHITE),
    ) == [
        ("text", "", "告知书"),
        ("text", "", "您的账号因违规已被封禁。"),
        ("text", "", "特此告知"),
    ]


def test_what_is_in_one_row_is_read_from_left_to_right() -> None:
    assert said(
        seen("元", 500, 98, 560, paper=WHITE),
        seen("6,580", 190, 102, 480, paper=WHITE),
    ) == [("left", "", "6,580元")]


def test_an_empty_page_says_nothing() -> None:
    assert said() == []


LINES = (seen("一", 1, 2, 30), seen("二 two", 5, 60, 90, paper=GREEN, faces=(1, 99)))


def test_what_the_recognizer_writes_is_what_the_desk_reads() -> None:
    page = read(written(0, LINES), 3, 100, 200)

    assert (page.number, page.width, page.height, page.turned, page.whole) == (3, 100, 200, 0, True)
    assert page.lines == LINES


def test_a_page_on_its_side_has_its_boxes_in_the_turned_page() -> None:
    page = read(written(90, [seen("一", 1, 2, 190)]), 1, 100, 200)

    assert (page.width, page.height, page.turned) == (200, 100, 90)


def test_what_is_too_much_is_left_out_and_that_is_said() -> None:
    many = [seen("一" * MOST_CHARACTERS, 0, 0, 1) for _ in range(MOST_LINES + 1)]
    data = written(0, many)
    page = read(data, 1, 1_000, 1_000)

    assert len(data) <= MOST_BYTES and not page.whole and len(page.lines) > 100


def lines_as(**changes: Any) -> bytes:
    """A page of one line, in which these values are replaced."""
    turned, whole, (line, *_) = json.loads(written(0, LINES[:1]))
    names = ("text", "box", "confidence", "paper", "ground", "left", "right")
    values = {**dict(zip(names, line, strict=True)), "turned": turned, "whole": whole, **changes}
    lines = values.get("lines", [[values[name] for name in names]])
    return json.dumps([values["turned"], values["whole"], lines]).encode()


@pytest.mark.parametrize(
    "untrusted",
    [
        b"", b"[]", b"{}", b"[0, true, 5]", b"\xff", b"[" * 100_000,
        lines_as(turned=45), lines_as(turned=True), lines_as(whole=1), lines_as(lines={}),
        lines_as(lines=[[1]]), lines_as(text=None), lines_as(text="x" * (MOST_CHARACTERS + 1)),
        lines_as(box=[0, 0, 101, 1]), lines_as(box=[0, 0, 1, 201]), lines_as(box=[5, 0, 1, 1]),
        lines_as(box=[0, 0, 1]), lines_as(box=[-1, 0, 1, 1]), lines_as(box=[0.5, 0, 1, 1]),
        lines_as(confidence=101), lines_as(confidence="9"), lines_as(paper=[0, 0]),
        lines_as(paper=[0, 0, 256]), lines_as(left=101), lines_as(right=None),
        lines_as(lines=[["", [0, 0, 0, 0], 0, [0] * 3, [0] * 3, 0, 0]] * (MOST_LINES + 1)),
    ],
)  # fmt: skip
def test_lines_of_a_recognizer_that_was_taken_over_are_refused(untrusted: bytes) -> None:
    with pytest.raises(ValueError):
        read(untrusted, 1, 100, 200)


def test_nothing_that_was_read_acts_on_a_terminal_or_breaks_a_line() -> None:
    page = read(lines_as(text="a\x1b[2J\nb\u2028c\ud800"), 1, 100, 200)

    assert page.lines[0].text == "a [2J b c"


TRANSCRIPT = Transcript(
    (ReadPage(1, 1_080, 2_400, 0), ReadPage(2, 2_400, 1_080, 90)),
    (
        Turn(
            Who.LEFT,
            "李梅",
            1,
            (Line("您的账号", (1, 2, 3, 4), 99), Line("被封", (1, 5, 3, 8), 71)),
        ),
        Turn(Who.TEXT, "", 2, (Line("a word", (0, 0, 9, 9), 100),)),
    ),
    ("Page 2 was turned by 90 degrees to be read.",),
)


def test_a_transcript_is_kept_with_each_lines_page_box_and_confidence() -> None:
    kept = TRANSCRIPT.to_text()
    again = Transcript.from_text(kept)

    assert again == TRANSCRIPT and again.to_text() == kept
    assert TRANSCRIPT.text == "李梅 您的账号被封\na word"
    assert [turn.confidence for turn in TRANSCRIPT.turns] == [71, 100]


@pytest.mark.slow
def test_a_transcript_that_is_too_long_is_cut_and_says_so() -> None:
    long = replace(TRANSCRIPT, turns=TRANSCRIPT.turns * 20_000)
    kept = Transcript.from_text(long.to_text())

    assert kept is not None and 1_000 < len(kept.turns) < 40_000
    assert kept.sentences[-1].endswith("only its beginning is here.")


def altered(**changes: Any) -> str:
    return json.dumps({**json.loads(TRANSCRIPT.to_text()), **changes})


@pytest.mark.parametrize(
    "untrusted",
    [
        "", "[]", "null", "A text", "[" * 100_000, altered(format=2), altered(format=True),
        altered(pages=[[1]]), altered(pages=[[1, 2, 3, -1]]), altered(turns=[["left", "", 1]]),
        altered(turns=[["above", "", 1, []]]), altered(turns=[["left", 5, 1, []]]),
        altered(turns=[["left", "", 1, [["x", [0, 0, 1], 1]]]]), altered(sentences=[1]),
        altered(turns=[["left", "", 1, [["x", [0, 0, 1, "1"], 1]]]]), altered(turns=None),
    ],
)  # fmt: skip
def test_what_is_no_transcript_is_none(untrusted: str) -> None:
    assert Transcript.from_text(untrusted) is None
