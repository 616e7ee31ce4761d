"""Words that a machine read in pictures: their lines are blacked out where they are seen."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from support.cases import DAY, add, attachment, new_casebook, report
from support.desks import Desk
from support.redactions import box, redact, whole

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.redactions import BOX, WHOLE, Box
from scripts.desk.casebook.translations import TRANSCRIPT, Translation
from scripts.desk.pictures.blackening import blackened
from scripts.desk.pictures.frames import Page
from scripts.desk.redaction.boxes import mark_of
from scripts.desk.redaction.line_boxes import box_of_line
from scripts.desk.redaction.redacting import black_out_seen
from scripts.desk.redaction.seen_words import Reading, Seen, seen_in, seen_words, uncovered
from scripts.desk.redaction.standing import Standing, standing
from scripts.desk.redaction.word_matches import Span
from scripts.desk.transcripts.transcript import Line, ReadPage, Transcript, Turn, Who

SHOT = b"a screenshot"
SIZE = (400, 300)


def line(text: str, left: int, top: int) -> Line:
    return Line(text, (left, top, left + 100, top + 20), 90)


TURNS = (
    Turn(Who.LEFT, "张三", 1, (line("我是张", 40, 40), line("三，你好", 40, 70))),
    Turn(Who.RIGHT, "", 1, (line("hello Zhang", 250, 120), line("San", 250, 150))),
    Turn(Who.RIGHT, "", 2, (line("没事", 250, 40),)),
)


def transcribed(
    casebook: Casebook, *turns: Turn, turned: int = 0, size: tuple[int, int] = SIZE
) -> None:
    """A case with the screenshot, twice, and its transcript."""
    one = attachment("a.png", SHOT)
    add(casebook, report("", 1, attachments=(attachment("b", b"b"), one, one)))
    pages = tuple(ReadPage(number, *size, turned) for number in (1, 2))
    text = Transcript(pages, turns, ()).to_text()
    with casebook.together():
        casebook.translations.add(
            casebook.case(1),
            Translation(one.sha256, TRANSCRIPT, "", "a machine", text, "F" * 40, DAY),
        )


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        ("二", [0]),
        ("三", [1]),
        ("二三", [0, 1]),
        ("四Tom", [1, 2]),
        ("Tom", [2]),
        ("is", [3]),
        ("om is", [2, 3]),
        ("一二三四Tom is", [0, 1, 2, 3]),
    ],
)
def test_only_the_lines_that_words_are_on_have_a_box(words: str, lines: list[int]) -> None:
    texts = [line(text, 40, 40 * at) for at, text in enumerate(("一二", "三四", "Tom", "is"))]
    page = ReadPage(1, *SIZE, 0)
    transcript = Transcript((page,), (Turn(Who.LEFT, "", 1, tuple(texts)),), ())
    (found,) = seen_in([Reading(3, "0" * 64, transcript)], words)

    assert (found.number, found.page, found.text) == (3, 1, "一二三四Tom is")
    assert list(found.boxes) == [box_of_line(texts[at], page, around=True) for at in lines]


def test_words_are_found_over_the_ends_of_lines_and_each_line_has_its_box(tmp_path: Path) -> None:
    with new_casebook(tmp_path / "casebook") as casebook:
        transcribed(casebook, *TURNS)
        case = casebook.case(1)
        chinese, english = (
            seen_words(casebook, case, "張 三"),
            seen_words(casebook, case, "zhangsan"),
        )
        assert seen_words(casebook, case, "李四") == []

    bubble, name = chinese
    assert (bubble.number, bubble.page, bubble.text) == (2, 1, "我是张三，你好")
    # A quarter of a line's height around, in millionths of 400 by 300.
    assert bubble.boxes == (
        Box(87_500, 116_666, 275_000, 100_001),
        Box(87_500, 216_666, 275_000, 100_001),
    )
    # Where a name above a bubble is, the transcript does not say.
    assert (name.text, name.boxes) == ("张三", ())
    (found,) = english
    assert len(found.boxes) == 2 and found.boxes[0].x == 245 * WHOLE // 400
    assert [len(one.boxes) for one in seen_words_in(TURNS, tmp_path, "hello")] == [1]


def seen_words_in(turns: tuple[Turn, ...], tmp_path: Path, words: str) -> list[Seen]:
    with new_casebook(tmp_path / words) as casebook:
        transcribed(casebook, *turns)
        return seen_words(casebook, casebook.case(1), words)


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_a_line_is_blacked_out_on_the_page_as_it_was_before_it_was_turned(
    tmp_path: Path, turned: int
) -> None:
    shown = Image.new("RGB", (40, 25), "white")
    shown.paste((255, 0, 0), (4, 3, 12, 7))
    # Clockwise, as whoever reads it turns it.
    upright = shown.rotate(-turned, expand=True)
    places = [
        (x, y)
        for x in range(upright.width)
        for y in range(upright.height)
        if upright.getpixel((x, y)) == (255, 0, 0)
    ]
    left, top, right, bottom = (
        min(x for x, _ in places),
        min(y for _, y in places),
        max(x for x, _ in places) + 1,
        max(y for _, y in places) + 1,
    )
    turn = Turn(Who.TEXT, "", 1, (Line("secret", (left, top, right, bottom), 90),))
    with new_casebook(tmp_path / "casebook") as casebook:
        transcribed(casebook, turn, turned=turned, size=upright.size)
        (found,) = seen_words(casebook, casebook.case(1), "secret")
    page = Page(1, *shown.size, shown.tobytes())
    burnt = blackened(page, [mark_of(page, one, "") for one in found.boxes])

    left_over = Image.frombytes("RGB", shown.size, burnt.rgb)
    colours = {colour: count for count, colour in left_over.getcolors() or ()}
    assert set(colours) == {(0, 0, 0), (255, 255, 255)}
    # A quarter of the height around it and no more.
    assert colours[0, 0, 0] <= (8 + 2 * 2 + 2) * (4 + 2 * 2 + 2)


@pytest.mark.parametrize(
    ("place", "size"), [((900, 900, 950, 950), SIZE), ((5, 5, 2, 2), SIZE), ((0, 0, 9, 9), (0, 0))]
)
def test_a_place_that_is_none_is_the_whole_page(
    tmp_path: Path, place: tuple[int, int, int, int], size: tuple[int, int]
) -> None:
    turn = Turn(Who.TEXT, "", 1, (Line("secret", place, 90),))
    with new_casebook(tmp_path / "casebook") as casebook:
        transcribed(casebook, turn, size=size)
        (found,) = seen_words(casebook, casebook.case(1), "secret")

    if place != (5, 5, 2, 2):
        assert found.boxes == (Box(0, 0, WHOLE, WHOLE),)


def test_what_is_blacked_out_is_covered_and_a_name_never_is_but_by_the_whole_file(
    tmp_path: Path,
) -> None:
    directory = tmp_path / "casebook"
    Desk.make(directory, 0)
    with Desk(directory, 0).working() as casebook:
        transcribed(casebook, *TURNS)
        case = casebook.case(1)
        found = seen_words(casebook, case, "张三")
        assert uncovered(found, standing(casebook)) == found
        count = black_out_seen(casebook, case, found, reason="third_person", today=DAY)
        again = black_out_seen(casebook, case, found, reason="third_person", today=DAY)
        assert (count, again) == (2, 0)
        assert uncovered(found, standing(casebook)) == found[1:]
        kinds = [(one.kind, one.page, one.box) for one in casebook.redactions.of(1)]
        assert kinds == [(BOX, 1, one) for one in found[0].boxes]
        (other,) = seen_words(casebook, case, "hello")
        redact(casebook, box(SHOT, 2, Box(0, 0, WHOLE, WHOLE)))
        assert uncovered([other], standing(casebook)) == [other]  # that is another page
        redact(casebook, box(SHOT, 1, Box(0, 0, WHOLE, WHOLE)))
        assert uncovered([other], standing(casebook)) == []
        redact(casebook, whole(SHOT))
        assert uncovered(found, standing(casebook)) == []


@pytest.mark.parametrize(
    ("drawn", "covers"),
    [
        ((10, 20, 30, 40), True),
        ((9, 19, 32, 42), True),
        ((11, 20, 29, 40), False),
        ((10, 21, 30, 39), False),
        ((10, 20, 29, 40), False),
        ((10, 20, 30, 39), False),
    ],
)
def test_a_box_covers_a_line_only_from_edge_to_edge(
    drawn: tuple[int, int, int, int], covers: bool
) -> None:
    sha256 = hashlib.sha256(SHOT).hexdigest()
    seen = Seen(1, sha256, 1, "secret", Span(0, 6), (Box(10, 20, 30, 40),))

    assert uncovered([seen], Standing([box(SHOT, 1, Box(*drawn))])) == ([] if covers else [seen])
    # Each of its lines has to be under one, and what has no place is under none.
    for boxes in ((*seen.boxes, Box(500, 500, 9, 9)), ()):
        other = replace(seen, boxes=boxes)
        assert uncovered([other], Standing([box(SHOT, 1, Box(*drawn))])) == [other]


@pytest.mark.parametrize(
    ("turned", "place", "found"),
    [
        (0, (40, 60, 140, 80), Box(100_000, 200_000, 250_000, 66_667)),
        # At each edge of the page, and beyond it, its box ends where the page does.
        (0, (0, 0, 400, 300), Box(0, 0, WHOLE, WHOLE)),
        (0, (-9, -9, 1, 1), Box(0, 0, 2_500, 3_334)),
        (0, (399, 299, 900, 900), Box(997_500, 996_666, 2_500, 3_334)),
        (90, (40, 60, 140, 80), Box(200_000, 650_000, 66_667, 250_000)),
        (180, (40, 60, 140, 80), Box(650_000, 733_333, 250_000, 66_667)),
        (270, (40, 60, 140, 80), Box(733_333, 100_000, 66_667, 250_000)),
        # None of a page, or turned as nothing is turned.
        (0, (5, 5, 5, 9), Box(0, 0, WHOLE, WHOLE)),
        (0, (5, 5, 9, 5), Box(0, 0, WHOLE, WHOLE)),
        (0, (400, 5, 420, 9), Box(0, 0, WHOLE, WHOLE)),
        (45, (5, 5, 9, 9), Box(0, 0, WHOLE, WHOLE)),
    ],
)
def test_the_box_of_a_line_is_where_it_was_before_the_page_was_turned(
    turned: int, place: tuple[int, int, int, int], found: Box
) -> None:
    assert box_of_line(Line("a", place, 90), ReadPage(1, *SIZE, turned)) == found


def test_the_room_around_a_line_is_a_quarter_of_its_height_and_never_nothing() -> None:
    page = ReadPage(1, 1_000, 1_000, 0)

    assert box_of_line(Line("a", (100, 100, 200, 121), 90), page, around=True) == Box(
        94_000, 94_000, 112_000, 33_000
    )
    for bottom, room in ((101, 1), (104, 1), (105, 2)):
        wide = box_of_line(Line("a", (100, 100, 200, bottom), 90), page, around=True)
        assert wide.x == 100_000 - 1_000 * room


def test_a_transcript_that_is_none_says_nothing(tmp_path: Path) -> None:
    with new_casebook(tmp_path / "casebook") as casebook:
        one = attachment("a.png", SHOT)
        add(casebook, report("", 1, attachments=(one,)))
        for text in ("", "secret", json.dumps({"format": 1})):
            given = Translation(one.sha256, TRANSCRIPT, "", "m", text, "F" * 40, DAY)
            with casebook.together():
                casebook.translations.add(casebook.case(1), given)
            assert seen_words(casebook, casebook.case(1), "secret") == []
