"""Where everything is on a page: each mark of a small one, to the point, and where pages turn."""

import io
import struct
from collections.abc import Iterator
from typing import cast

import pytest
from fontTools.ttLib import TTFont
from PIL import Image, ImageChops, ImageOps

from scripts.desk.production import page_pictures
from scripts.desk.production.faces import Face, Faces, Seen, faces
from scripts.desk.production.page_layout import Layout, Mark, Picture, Stroke, Text, placed


class Square:
    """Stands in for typefaces: each character is as wide as it is high, digits of another face."""

    def width(self, text: str) -> float:
        return float(len(text))

    def written(self, text: str) -> str:
        return text

    def runs(self, text: str) -> Iterator[tuple[int, str]]:
        for one in text:
            yield int(one.isdigit()), one


SQUARE = cast(Faces, Square())


def rounded(page: list[Mark]) -> list[tuple[object, ...]]:
    """The marks of *page*, with lengths to a thousandth of a point."""
    return [
        (
            type(one).__name__,
            *(round(each, 3) if isinstance(each, float | int) else each for each in one),
        )
        for one in page
    ]


def text(x: float, y: float, size: float, words: str, grey: float = 0) -> tuple[object, ...]:
    return (Text.__name__, x, y, size, 0, words, grey)


def stroke(x: float, y: float, to_x: float, to_y: float, grey: float) -> tuple[object, ...]:
    return (Stroke.__name__, x, y, to_x, to_y, grey)


def test_each_mark_of_a_small_page_is_where_it_should_be() -> None:
    layout = Layout(SQUARE)
    layout.space(30)  # none at the top
    layout.heading("H")
    layout.paragraph("a")
    layout.space(10)
    layout.paragraph("b", size=8, indent=18, grey=0.4, bar=True)
    layout.table([("k", "v"), ("l", "w")], (0.25, 0.75), head=True)
    layout.picture(b"wide", (984, 100))
    layout.picture(b"high", (100, 980))
    layout.paragraph("c")

    assert [rounded(page) for page in layout.pages] == [
        [
            text(60, 86.7, 14, "H"),
            stroke(60, 95, 552, 95, 0),
            text(60, 113.5, 10, "a"),
            stroke(72, 128, 72, 140, 0.4),
            text(78, 136.4, 8, "b", 0.4),
            text(60, 148.4, 8, "k", 0.4),
            text(183, 148.4, 8, "v", 0.4),
            stroke(60, 154, 552, 154, 0.8),
            text(60, 164.4, 8, "l"),
            text(183, 164.4, 8, "w"),
            stroke(60, 170, 552, 170, 0.8),
            (Picture.__name__, 60, 172, 492, 50, b"wide"),
            (Picture.__name__, 281, 230, 50, 490, b"high"),
        ],
        [text(60, 82.5, 10, "c")],
    ]


def test_a_heading_keeps_away_from_what_is_above_it() -> None:
    layout = Layout(SQUARE)
    layout.paragraph("a")
    layout.heading("H", size=10)

    assert rounded(layout.pages[0])[1:] == [text(60, 109.5, 10, "H"), stroke(60, 116, 552, 116, 0)]


def test_pieces_of_one_line_follow_each_other_without_a_gap() -> None:
    found = list(placed(SQUARE, "a1b", 100, 50, 8, 0.4))

    assert found == [
        Text(100, 50, 8, 0, "a", 0.4),
        Text(108, 50, 8, 1, "1", 0.4),
        Text(116, 50, 8, 0, "b", 0.4),
    ]


def filled(to: float) -> Layout:
    """A page whose next free point is *to* from its top."""
    layout = Layout(SQUARE)
    layout.paragraph("a", size=8)
    layout.space(to - 84)
    return layout


def test_a_page_takes_lines_to_its_last_point_and_not_one_more() -> None:
    layout = Layout(SQUARE)
    layout.paragraph("\n".join("a" * 55), size=8)

    assert [len(page) for page in layout.pages] == [54, 1]
    assert rounded(layout.pages[0])[-1] == text(60, 716.4, 8, "a")
    assert rounded(layout.pages[1]) == [text(60, 80.4, 8, "a")]


@pytest.mark.parametrize(("to", "pages"), [(658, 1), (658.5, 2)])
def test_a_heading_is_only_where_lines_follow_it(to: float, pages: int) -> None:
    layout = filled(to)
    layout.heading("H", size=10)

    assert len(layout.pages) == pages


@pytest.mark.parametrize(
    ("lines", "to", "pages"), [(1, 704, 1), (1, 704.5, 2), (4, 668, 1), (4, 668.5, 2), (9, 668, 2)]
)
def test_a_row_begins_where_four_of_its_lines_have_room(lines: int, to: float, pages: int) -> None:
    layout = filled(to)
    layout.table([("\n".join("b" * lines), "c")], (0.5, 0.5))

    assert len(layout.pages) == pages
    # Nothing of it is lost, wherever it goes on.
    found = [one.text for page in layout.pages for one in page if isinstance(one, Text)]
    assert found.count("b") == lines


def test_a_page_on_which_nothing_is_is_not_turned() -> None:
    layout = Layout(SQUARE)
    layout.turn()
    assert layout.fresh and layout.pages == [[]]
    layout.paragraph("a")
    layout.turn()
    assert layout.fresh and len(layout.pages) == 2
    layout.paragraph("b")
    assert rounded(layout.pages[1]) == [text(60, 82.5, 10, "b")]


@pytest.mark.parametrize(
    ("words", "width", "lines"),
    [
        ("", 5, [""]),
        ("aaa bbb", 7, ["aaa bbb"]),
        ("aaa bbb", 6.9, ["aaa", "bbb"]),
        ("aaa   bbb", 5, ["aaa", "bbb"]),
        ("abcdef", 4, ["abcd", "ef"]),
        ("ab abcdef", 4, ["ab", "abcd", "ef"]),
        ("abc", 1, ["a", "b", "c"]),
        ("abcd", 4, ["abcd"]),
        ("a\r\nb\nc\u2028d\x85e\x0cf", 9, ["a", "b", "c", "d", "e", "f"]),
        ("a\n\nb", 9, ["a", "", "b"]),
        # A closing mark stays with what is before it, an opening one with what is after.
        ("微信，好", 2, ["微", "信，", "好"]),
        ("微信（好", 3, ["微信", "（好"]),
        ("微[U+200B]信", 8, ["微", "[U+200B]", "信"]),
    ],
)
def test_lines_break_where_they_may_and_are_never_too_wide(
    words: str, width: float, lines: list[str]
) -> None:
    layout = Layout(SQUARE)

    assert list(layout.lines(words, 1, width)) == lines
    # What counts is the width in the size of the letters.
    assert list(layout.lines(words, 8, 8 * width)) == lines


# --- Pages as pictures ---


def ink(image: Image.Image) -> tuple[int, int, int, int] | None:
    """The smallest box with all that is not white."""
    return ImageOps.invert(image.convert("L")).getbbox()


def test_a_page_as_a_picture_has_150_pixels_an_inch_and_its_lines_where_they_were() -> None:
    lines = [Stroke(72, 144, 144, 144, 0), Stroke(36, 36, 36, 72, 0.4)]
    across, down = (page_pictures._drawn([one]) for one in lines)

    assert across.size == (1_275, 1_650) and across.mode == "L"
    assert (ink(across), ink(down)) == ((150, 300, 301, 301), (75, 75, 76, 151))
    assert (across.getextrema(), down.getextrema()) == ((0, 255), (102, 255))


def test_a_letter_is_on_its_line_and_as_large_and_grey_as_it_should_be() -> None:
    black, grey, large = (
        page_pictures._drawn([Text(72, 144, size, 0, "H", shade)])
        for size, shade in ((12, 0), (12, 0.4), (24, 0))
    )
    left, top, right, bottom = ink(black) or (0, 0, 0, 0)

    # A capital of DejaVu Sans is 0.73 of its size high, and stands 0.1 of it from its left.
    assert (left, top, bottom) == (152, 282, 300) and right < 150 + 25 * 0.75
    assert grey.getextrema() == (102, 255)
    assert (ink(large) or (0, 0, 0, 0))[1::2] == (264, 300)


def test_a_slip_sheet_says_each_of_its_lines_and_a_text_is_below_its_head() -> None:
    sheets = [page_pictures.slip_sheet(lines) for lines in (["A"], ["A", "B"], ["A", "B", "C"])]
    bottoms = [(ink(one) or (0, 0, 0, 0))[3] for one in sheets]
    assert bottoms == sorted(set(bottoms)) and bottoms[0] > 0

    (one,) = page_pictures.text_pages("head", "text")
    (other,) = page_pictures.text_pages("head", "words")
    empty = next(iter(page_pictures.text_pages("head", "")))
    changed = ImageChops.difference(one, other).getbbox()
    assert changed is not None and changed[1] >= (ink(empty) or (0, 0, 0, 0))[3]
    assert len(list(page_pictures.text_pages("head", "line\n" * 99))) == 3


@pytest.mark.parametrize(("width", "band"), [(100, 18), (683, 18), (684, 19), (1_440, 40)])
def test_a_page_has_its_number_below_it_at_the_right(width: int, band: int) -> None:
    image = Image.new("L", (width, 90), 200)
    made = page_pictures.opened(page_pictures.numbered(image, "D0-000001"))

    assert made.size == (width, 90 + band) and made.mode == "L"
    assert made.crop((0, 0, width, 90)).getextrema() == (200, 200)
    left, top, right, bottom = ink(made.crop((0, 90, width, 90 + band))) or (0, 0, 0, 0)
    assert top > 0 and bottom < band and right <= width - band + 1 and width - band * 6 < left
    # Of a page in colours as well.
    coloured = page_pictures.numbered(image.convert("RGB"), "D0-000001")
    assert page_pictures.opened(coloured).convert("L").tobytes() == made.tobytes()


@pytest.mark.parametrize(
    ("size", "small"),
    [((1_100, 10), (1_100, 10)), ((10, 1_101), (10, 1_100)), ((4_400, 2_200), (1_100, 550))],
)
def test_a_picture_in_a_dossier_has_at_most_1100_pixels_a_side(
    size: tuple[int, int], small: tuple[int, int]
) -> None:
    jpeg, pixels = page_pictures.small(Image.new("L", size, 200))

    assert pixels == small == Image.open(io.BytesIO(jpeg)).size


# --- Typefaces ---


@pytest.mark.parametrize("number", [0, 1])
def test_the_part_of_a_typeface_has_its_characters_as_they_were(number: int) -> None:
    face = faces().faces[number]
    assert isinstance(face, Face)
    whole = TTFont(io.BytesIO(face.data), lazy=True)
    names = whole.getBestCmap()
    # Its first glyphs have metrics of their own, the last ones may share their width.
    codes = sorted(
        (code for code, glyph in face.glyphs.items() if glyph), key=face.glyphs.__getitem__
    )
    codes = [codes[0], codes[1], codes[len(codes) // 2], codes[-2], codes[-1]]
    part = TTFont(io.BytesIO(face.part(map(chr, codes))), checkChecksums=2)

    assert part["cmap"].tableVersion == 0
    assert [(one.platformID, one.platEncID, one.format) for one in part["cmap"].tables] == [
        (3, 10, 12)
    ]
    assert sorted(part.getBestCmap()) == sorted(set(codes))
    for code in codes:
        before, after = whole["glyf"][names[code]], part["glyf"][part.getBestCmap()[code]]
        assert part["hmtx"][part.getBestCmap()[code]] == whole["hmtx"][names[code]]
        assert (after.numberOfContours, getattr(after, "yMax", 0)) == (
            (before.numberOfContours, getattr(before, "yMax", 0))
        )
        assert face.width(code) * whole["head"].unitsPerEm == whole["hmtx"][names[code]][0]
    assert part["post"].formatType == 3 and part["maxp"].numGlyphs == len(part.getGlyphOrder())


def test_the_last_glyphs_of_a_typeface_may_share_a_width_and_have_their_own_bearings() -> None:
    face = Face.__new__(Face)
    face._tables = {"hmtx": struct.pack(">HhHhHhhh", 500, 1, 600, 2, 700, 3, 4, 5)}
    face._advances = [500, 600, 700]

    assert [struct.unpack(">Hh", face._metric(glyph)) for glyph in range(5)] == [
        *((500, 1), (600, 2), (700, 3), (700, 4), (700, 5)),
    ]


def test_what_cannot_be_seen_is_written_in_the_first_typeface() -> None:
    own = Faces(faces().faces[:2])  # type: ignore[arg-type]
    space = own.seen(" ").width

    assert own.seen("\u200b") == Seen(0, "[U+200B]", own.width("[U+200B]"))
    assert own.seen("\ufe0f").text == "[U+FE0F]" and own.seen("\ufdff").text == "[U+FDFF]"
    assert own.seen("\ufe00").text == "[U+FE00]" and own.seen("\U000e0100").text == "[U+E0100]"
    assert own.seen("\U000e01ef").text == "[U+E01EF]"
    assert own.seen("\t") == own.seen("\u00a0") == Seen(0, " ", space)
    assert own.seen("\u3000") == Seen(0, "  ", 2 * space)
    # Where both have a character, the second one has it for Chinese.
    assert [own.seen(one).face for one in "A\u2e7f微、"] == [0, 0, 1, 1]
    assert list(own.runs("A微信B")) == [(0, "A"), (1, "微信"), (0, "B")]
    assert list(own.runs("")) == []
