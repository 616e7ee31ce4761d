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
from scripts.desk.transcripts.transcript import Line, ReadPage, Transcript, Turn, Who, as_one

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


# --- Where one bubble ends, and whose it is: each measure, and just beyond it ---


def in_bubbles(*lines: SeenLine) -> list[tuple[str, str]]:
    """Whose each turn is on a page of 1,000 pixels, and its text."""
    return [(who, text) for who, _, text in said(*lines, width=1_000)]


def white(text: str, left: int, top: int, right: int, high: int = 50, **more: Any) -> SeenLine:
    return seen(text, left, top, right, high=high, **{"paper": WHITE, **more})


@pytest.mark.parametrize("channel", range(3))
@pytest.mark.parametrize(("away", "who"), [(8, "text"), (9, "left"), (-8, "text"), (-9, "left")])
def test_a_bubble_is_a_little_lighter_or_darker_than_its_page(
    channel: int, away: int, who: str
) -> None:
    paper = [*GREY]
    paper[channel] += away

    assert in_bubbles(seen("一二三", 100, 100, 400, paper=tuple(paper))) == [(who, "一二三")]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("second", "one"),
    [
        (white("四五六", 100, 169, 400, high=40), True),
        (white("四五六", 100, 170, 400, high=40), False),
        # The higher of the two lines decides how far apart they may be.
        (white("四五六", 100, 184, 400, high=60), True),
        (white("四五六", 100, 185, 400, high=60), False),
        (white("四五六", 100, 160, 400, high=72), True),
        (white("四五六", 100, 160, 400, high=73), False),
        (white("四五六", 100, 160, 400, high=22), False),
        (white("四五六", 100, 160, 400, high=23), True),
        # One below the other, by a pixel at least.
        (white("四五六", 399, 160, 700, high=40), True),
        (white("四五六", 400, 160, 700, high=40), False),
        (white("四五六", 20, 160, 101, high=40), True),
        (white("四五六", 20, 160, 100, high=40), False),
        # Of one colour, but for the light.
        (white("四五六", 100, 160, 400, high=40, paper=(255, 241, 255)), True),
        (white("四五六", 100, 160, 400, high=40, paper=(255, 240, 255)), False),
        # A line that is on no bubble is of none, whatever its colour.
        (white("四五六", 100, 160, 400, high=40, ground=(250, 250, 250)), False),
        # In one row, if more than half of their heights is.
        (white("四五六", 450, 119, 700, high=40), True),
        (white("四五六", 450, 120, 700, high=40), False),
        (white("四五六", 450, 129, 700, high=20), True),
        (white("四五六", 450, 130, 700, high=20), False),
        (white("四五六", 479, 100, 700, high=40), True),
        (white("四五六", 480, 100, 700, high=40), False),
    ],
)
def test_two_lines_are_one_bubble_if_they_are_near_alike_and_of_one_colour(
    second: SeenLine, one: bool
) -> None:
    found = in_bubbles(white("一二三", 100, 100, 400, high=40), second)

    assert [text for _, text in found] == (["一二三四五六"] if one else ["一二三", "四五六"])


@pytest.mark.parametrize(("top", "read"), [(124, "二一"), (125, "一二")])
def test_what_is_mostly_beside_a_line_is_read_in_its_row(top: int, read: str) -> None:
    found = in_bubbles(white("一", 300, 100, 500), white("二", 200, top, 400))

    assert [text for _, text in found] == [read]


@pytest.mark.parametrize(("between", "found"), [(2, "一二"), (3, "一")])
def test_a_bubble_goes_on_below_others_that_begin_beside_it(between: int, found: str) -> None:
    others = [
        white("三四", 400 + 250 * number, 101, 420 + 250 * number) for number in range(between)
    ]
    lines = [white("一", 150, 100, 250), *others, white("二", 150, 160, 250)]

    assert [text for _, text in said_texts(lines)][:1] == [found]


def said_texts(lines: list[SeenLine]) -> list[tuple[str, str]]:
    return [(who, text) for who, _, text in said(*lines, width=3_000)]


@pytest.mark.parametrize(
    ("left", "right", "who"),
    [(310, 810, "right"), (309, 810, "left"), (190, 690, "left"), (190, 691, "right")],
)
def test_a_bubble_that_is_clearly_nearer_to_one_side_is_that_sides(
    left: int, right: int, who: str
) -> None:
    # What is no nearer is told by its colour: here by the wrong one.
    paper = GREEN if left < 200 else WHITE
    other = seen("乙乙", 450, 500, 550, paper=WHITE if paper == GREEN else GREEN)

    assert in_bubbles(white("甲甲", left, 100, right, paper=paper), other)[0] == (who, "甲甲")


@pytest.mark.parametrize(
    ("paper", "whose"),
    [((200, 200, 155), ["right", "left"]), ((200, 200, 156), ["left", "left"])],
)
def test_own_bubbles_are_those_in_colour(paper: Colour, whose: list[str]) -> None:
    found = in_bubbles(white("甲甲", 300, 100, 700, paper=paper), white("乙乙", 300, 300, 700))

    assert [who for who, _ in found] == whose


@pytest.mark.parametrize(
    ("faces", "right", "paper", "who"),
    [
        ((0, 25), 700, WHITE, "right"),
        ((70, 95), 700, WHITE, "right"),
        ((25, 0), 701, WHITE, "left"),
        ((71, 95), 700, WHITE, "left"),
        # Without a face: what is a little nearer to the right, or in colour as all are.
        ((24, 0), 701, WHITE, "right"),
        ((24, 0), 700, WHITE, "left"),
        ((24, 0), 699, WHITE, "left"),
        ((24, 0), 699, GREEN, "right"),
        ((25, 0), 699, GREEN, "left"),
    ],
)
def test_where_neither_side_nor_colour_tells_the_face_does(
    faces: tuple[int, int], right: int, paper: Colour, who: str
) -> None:
    line = white("甲甲", 300, 100, right, faces=faces, paper=paper)

    assert in_bubbles(line) == [(who, "甲甲")]


@pytest.mark.parametrize(
    ("line", "is_text"),
    [
        (white("AB", 60, 100, 135), False),
        (white("AB", 60, 100, 136), True),
        (white("AB", 865, 100, 944), False),
        (white("AB", 864, 100, 943), True),
        (white("AB", 865, 100, 945), True),
        (white("AB", 55, 100, 135), True),
        (white("ABC", 60, 100, 135), True),
        (white("一9", 60, 100, 135), False),
        # Marks alone are a text only where no face can be; shapes are none anywhere.
        (white("？？？", 5, 100, 135), False),
        (white("？？？", 500, 100, 700), True),
        (white("■—+^", 500, 100, 700), False),
        (white("■x", 500, 100, 700), True),
        (white("■？", 500, 100, 700), True),
    ],
)
def test_what_is_in_a_face_is_no_text(line: SeenLine, is_text: bool) -> None:
    assert [text for _, text in in_bubbles(line)] == ([line.text] if is_text else [])


@pytest.mark.parametrize(
    ("left", "right", "who"),
    [(300, 602, "system"), (300, 600, "text"), (398, 700, "system"), (400, 700, "text")],
)
def test_what_is_in_the_middle_of_a_conversation_is_a_notice(
    left: int, right: int, who: str
) -> None:
    notice = seen("昨天 15:24", left, 100, right)

    assert in_bubbles(notice, white("在吗", 150, 400, 300))[0] == (who, "昨天 15:24")
    assert in_bubbles(white("在吗", 150, 400, 300), replace(notice, box=(left, 600, right, 650)))[
        1
    ] == (who, "昨天 15:24")
    assert in_bubbles(notice) == [("text", "昨天 15:24")]


@pytest.mark.parametrize(
    ("name", "is_name"),
    [
        (seen("李梅", 209, 100, 260, high=30), True),
        (seen("李梅", 210, 100, 260, high=30), False),
        (seen("李梅", 91, 100, 160, high=30), True),
        (seen("李梅", 90, 100, 160, high=30), False),
        (seen("李梅", 300, 100, 541, high=30), True),
        (seen("李梅", 300, 100, 540, high=30), False),
        (seen("李梅", 300, 100, 659, high=30), True),
        (seen("李梅", 300, 100, 660, high=30), False),
        (seen("李梅", 150, 96, 260, high=30), True),
        (seen("李梅", 150, 95, 260, high=30), False),
        (seen("李" * 60, 150, 100, 260, high=30), True),
        (seen("李" * 61, 150, 100, 260, high=30), False),
    ],
)
def test_a_name_is_one_short_line_close_above_the_edge_of_its_bubble(
    name: SeenLine, is_name: bool
) -> None:
    bubble = white("都恢复了吗？", 150, 200, 600)
    found = said(name, bubble, width=1_000)

    assert found[-1] == ("left", name.text if is_name else "", bubble.text)
    assert len(found) == 2 - is_name


def test_of_what_is_above_a_bubble_only_the_last_is_its_speakers_name() -> None:
    assert said(
        seen("昨天 15:24", 420, 20, 580, high=30),
        seen("李梅", 150, 100, 260, high=30),
        white("在吗", 150, 140, 300),
        white("在的", 150, 300, 300),
        seen("一", 300, 500, 420, high=30),
        seen("二", 300, 535, 420, high=30),
        white("好", 300, 570, 390),
        width=1_000,
    ) == [
        ("system", "", "昨天 15:24"),
        ("left", "李梅", "在吗"),
        ("left", "", "在的"),
        ("text", "", "一二"),
        ("left", "", "好"),
    ]


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


@pytest.mark.parametrize(("turned", "size"), [(0, (100, 200)), (90, (200, 100)),
                                              (180, (100, 200)), (270, (200, 100))])  # fmt: skip
def test_a_page_has_the_size_that_it_has_once_it_is_turned(
    turned: int, size: tuple[int, int]
) -> None:
    page = read(written(turned, LINES[:1]), 1, 100, 200)

    assert (page.turned, page.width, page.height) == (turned, *size)


def test_a_line_at_every_limit_is_taken() -> None:
    bounds = SeenLine("x" * 400, (0, 0, 100, 200), 100, (255,) * 3, (0, 255, 0), 100, 0)
    corner = SeenLine("", (100, 200, 100, 200), 0, (0,) * 3, (255, 0, 255), 0, 100)

    for line in (bounds, corner):
        assert read(written(0, [line]), 1, 100, 200).lines == (line,)
    assert len(read(written(0, [corner] * 2_000), 1, 100, 200).lines) == 2_000
    for untrusted in (
        lines_as(text="x" * 401),
        lines_as(lines=[json.loads(lines_as())[2][0]] * 2_001),
        lines_as(turned=0.0),
    ):
        with pytest.raises(ValueError):
            read(untrusted, 1, 100, 200)


def test_a_page_is_written_whole_up_to_half_a_mebibyte() -> None:
    count = 1_200
    left = 2**19 - len(written(0, [seen("", 0, 0, 1)] * count))
    each, rest = divmod(left, count)
    lines = [seen("x" * (each + (at < rest)), 0, 0, 1) for at in range(count)]
    whole, more = (written(0, [*lines[:-1], one]) for one in (lines[-1], lines[0]))

    assert len(whole) == 2**19 and read(whole, 1, 9, 99).whole
    # Of what is more, half of the lines are left out.
    cut = read(more, 1, 9, 99)
    assert not cut.whole and len(cut.lines) == count // 2


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

    assert again == TRANSCRIPT and again.to_text() == kept and "您的账号" in kept
    assert TRANSCRIPT.text == "李梅 您的账号被封\na word"
    assert [turn.confidence for turn in TRANSCRIPT.turns] == [71, 100]


@pytest.mark.slow
def test_a_transcript_that_is_too_long_is_cut_and_says_so() -> None:
    long = replace(TRANSCRIPT, turns=TRANSCRIPT.turns * 20_000)
    kept = Transcript.from_text(long.to_text())

    assert kept is not None and 1_000 < len(kept.turns) < 40_000
    assert kept.sentences[-1].endswith("only its beginning is here.")


def long_transcript(size: int) -> Transcript:
    """One that is kept in so many bytes, whose turns have a number each."""
    count = 3_000
    empty = [replace(TRANSCRIPT.turns[1], page=1_000 + at) for at in range(count)]
    bare = [replace(turn, lines=(Line("", (0, 0, 9, 9), 100),)) for turn in empty]
    left = size - len(replace(TRANSCRIPT, turns=tuple(bare)).to_text().encode())
    each, rest = divmod(left, count)
    turns = [
        replace(turn, lines=(Line("x" * (each + (at < rest)), (0, 0, 9, 9), 100),))
        for at, turn in enumerate(empty)
    ]
    return replace(TRANSCRIPT, turns=tuple(turns))


@pytest.mark.slow
def test_a_transcript_of_a_mebibyte_is_kept_whole_and_of_a_longer_one_the_first_half() -> None:
    whole, longer = long_transcript(2**20), long_transcript(2**20 + 1)
    kept = whole.to_text()
    cut = Transcript.from_text(longer.to_text())

    assert len(kept.encode()) == 2**20 and Transcript.from_text(kept) == whole
    assert cut is not None and cut.turns == longer.turns[:1_500]
    assert cut.sentences == (
        *longer.sentences,
        "It is too long to be kept whole; only its beginning is here.",
    )


def test_names_and_texts_are_as_long_as_a_recognizer_may_say_and_no_longer() -> None:
    for name, text, kept in ((60, 400, True), (61, 400, False), (60, 401, False)):
        turns = [["left", "李" * name, 1, [["x" * text, [0, 0, 1, 1], 0]]]]
        found = Transcript.from_text(altered(turns=turns, sentences=["y" * text]))
        assert (found is not None) is kept
    assert Transcript.from_text(altered(sentences=["y" * 401])) is None
    assert Transcript.from_text(altered(turns=[["left", "", 0, []]], pages=[])) is not None


def test_the_turns_of_a_page_are_found_and_one_without_lines_is_least_certain() -> None:
    first, second = TRANSCRIPT.turns

    assert [*TRANSCRIPT.on(1)] == [first] and [*TRANSCRIPT.on(2)] == [second]
    assert [*TRANSCRIPT.on(3)] == []
    assert replace(first, lines=()).confidence == 0 and replace(first, lines=()).text == ""


@pytest.mark.parametrize(
    ("lines", "whole"),
    [
        ([], ""),
        (["One", "two"], "One two"),
        (["一", "二"], "一二"),
        (["一", "two"], "一two"),
        (["One", "二"], "One二"),
        (["", "two"], "two"),
        (["一", "", "b"], "一b"),
    ],
)
def test_only_words_that_are_not_chinese_have_a_space_between_two_lines(
    lines: list[str], whole: str
) -> None:
    assert as_one(lines) == whole


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
