"""Where everything is on a page: each mark of a small one, to the point, and where pages turn."""

from collections.abc import Iterator
from typing import cast

import pytest

from scripts.desk.production.faces import Faces
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
