"""Texts as lines and pages, before anything is drawn: paragraphs, headings, tables, pictures.

Lengths are in points (1/72 inch), and ``y`` counts from the top. Nothing is ever cut off: a line
that is too long continues on the next one, a page that is full on the next page.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from scripts.desk.production.faces import Faces

# US Letter: it will be read at courts in the United States.
WIDTH, HEIGHT = 612.0, 792.0
LEFT, RIGHT = 60.0, 60.0
TOP, BOTTOM = 72.0, 72.0
BODY, SMALL, HEADING = 10.0, 8.0, 14.0
# Chinese needs more room between its lines than Latin.
_LEADING = 1.5
_BLACK, GREY = 0.0, 0.4
_GAP = 8.0
# A mark of the face's, a space, a Chinese, Japanese or full-width character, or a word.
_EAST = "\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0003ffff"
_UNITS = re.compile(rf"\[U\+[0-9A-F]{{4,6}}\]|\s|[{_EAST}]|[^\s\[{_EAST}]+|\[")
# Characters that Chinese never has at the beginning of a line, and those never at its end.
_CLOSING = frozenset("，。、；：？！）》」』】〕〉”’…—,.;:?!)]}％")
_OPENING = frozenset("（《「『【〔〈“‘([{")
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})


class Text(NamedTuple):
    """A piece of a line in one face; ``y`` is its baseline, ``grey`` 0 for black to 1 for white."""

    x: float
    y: float
    size: float
    face: int
    text: str
    grey: float


class Stroke(NamedTuple):
    """A straight line."""

    x: float
    y: float
    to_x: float
    to_y: float
    grey: float


class Picture(NamedTuple):
    """A picture, as the bytes of a JPEG file."""

    x: float
    y: float
    width: float
    height: float
    jpeg: bytes

    def __repr__(self) -> str:
        """Without the pixels, which are plaintext."""
        return f"Picture({self.x}, {self.y}, {self.width}, {self.height})"


Mark = Text | Stroke | Picture
Page = list[Mark]


class Cell(NamedTuple):
    """A cell's text, and the width of its column as a part of the line's."""

    text: str
    part: float


class Layout:
    """Pages that fill from the top; a new one begins where the last is full."""

    def __init__(self, faces: Faces) -> None:
        self._faces = faces
        self.pages: list[Page] = [[]]
        self._y = TOP

    @property
    def fresh(self) -> bool:
        """Whether nothing is on the last page yet."""
        return not self.pages[-1]

    def turn(self) -> None:
        """Begin a new page, unless nothing is on this one."""
        if not self.fresh:
            self.pages.append([])
        self._y = TOP

    def space(self, points: float) -> None:
        """Leave room, but not at the top of a page."""
        if self._y > TOP:
            self._y += points

    def heading(self, text: str, size: float = HEADING) -> None:
        """A heading with a line below it; never the last thing on a page."""
        self.space(1.2 * size)
        self._keep(5 * size)
        self.paragraph(text, size=size)
        self._y += 2
        self.pages[-1].append(Stroke(LEFT, self._y, WIDTH - RIGHT, self._y, _BLACK))
        self._y += _GAP

    def paragraph(
        self, text: str, *, size: float = BODY, indent: float = 0, grey: float = _BLACK,
        bar: bool = False,
    ) -> None:  # fmt: skip
        """*text* with its own lines, wrapped if too long; *bar* draws a bar on its left."""
        width = WIDTH - LEFT - RIGHT - indent
        for line in self.lines(text, size, width):
            self._keep(size * _LEADING)
            if bar:
                x = LEFT + indent - 6
                end = self._y + size * _LEADING
                self.pages[-1].append(Stroke(x, self._y, x, end, GREY))
            self._line(line, LEFT + indent, size, grey)
            self._y += size * _LEADING

    def table(
        self, rows: Sequence[Sequence[str]], parts: Sequence[float], *, head: bool = False
    ) -> None:
        """*rows* of cells; *parts* are the columns' widths as parts of the line, 1 together."""
        for number, row in enumerate(rows):
            self._row(row, parts, grey=GREY if head and number == 0 else _BLACK)

    def picture(self, jpeg: bytes, pixels: tuple[int, int]) -> None:
        """A picture of *pixels* (width, height), as large as the rest of the page allows."""
        room = WIDTH - LEFT - RIGHT, HEIGHT - BOTTOM - self._y
        scale = min(room[0] / pixels[0], room[1] / pixels[1])
        width, height = pixels[0] * scale, pixels[1] * scale
        x = LEFT + (room[0] - width) / 2
        self.pages[-1].append(Picture(x, self._y, width, height, jpeg))
        self._y += height + _GAP

    def lines(self, text: str, size: float, width: float) -> Iterator[str]:
        """*text* in lines that are at most *width* wide at this *size*, as they are written."""
        for line in re.split(r"\r\n|[\n\r\v\f\x85\u2028\u2029]", text):
            yield from self._wrapped(self._faces.written(line), width / size)

    def _row(self, row: Sequence[str], parts: Sequence[float], grey: float) -> None:
        """A row, line by line, so that one longer than a page continues on the next."""
        whole = WIDTH - LEFT - RIGHT
        columns = [
            list(self.lines(text, SMALL, whole * part - _GAP))
            for text, part in zip(row, parts, strict=True)
        ]
        height = SMALL * _LEADING
        self._keep(min(4, max(map(len, columns))) * height + 4)
        for number in range(max(map(len, columns))):
            self._keep(height)
            x = LEFT
            for column, part in zip(columns, parts, strict=True):
                if number < len(column):
                    self._line(column[number], x, SMALL, grey)
                x += whole * part
            self._y += height
        self._y += 2
        self.pages[-1].append(Stroke(LEFT, self._y, WIDTH - RIGHT, self._y, 0.8))
        self._y += 2

    def _keep(self, points: float) -> None:
        """Turn the page unless this much room is left."""
        if self._y + points > HEIGHT - BOTTOM:
            self.turn()

    def _line(self, line: str, x: float, size: float, grey: float) -> None:
        self.pages[-1] += placed(self._faces, line, x, self._y + size * 1.05, size, grey)

    def _wrapped(self, line: str, width: float) -> Iterator[str]:
        """*line* in lines of at most *width* ems; "" is one line."""
        held, wide = "", 0.0
        for unit in _together(_UNITS.findall(line)):
            its = self._faces.width(unit)
            if wide + its > width and held.strip():
                yield held.rstrip()
                held, wide = "", 0.0
                if unit.isspace():
                    continue
            while its > width:
                fits = self._fitting(unit, width)
                yield unit[:fits]
                unit = unit[fits:]  # noqa: PLW2901 - the rest of a word that is longer than a line
                its = self._faces.width(unit)
            held, wide = held + unit, wide + its
        yield held.rstrip()

    def _fitting(self, word: str, width: float) -> int:
        """How many characters of *word* fit in *width* ems, at least one."""
        wide = 0.0
        for at, one in enumerate(word):
            wide += self._faces.width(one)
            if wide > width:
                return max(at, 1)
        return len(word)


def placed(
    faces: Faces, line: str, x: float, y: float, size: float, grey: float = _BLACK
) -> Iterator[Text]:
    """*line*, a single line, starting at *x* with its baseline at *y*."""
    for face, text in faces.runs(in_visual_order(line)):
        yield Text(x, y, size, face, text, grey)
        x += faces.width(text) * size


def in_visual_order(line: str) -> str:
    """*line* from left to right, as it is drawn; only Arabic and Hebrew change anything."""
    if not any(unicodedata.bidirectional(one) in _RIGHT_TO_LEFT for one in line):
        return line
    # Loaded only where it is needed.
    from fpdf.bidi import BidiParagraph  # noqa: PLC0415

    return BidiParagraph(line).get_reordered_string()


def _together(units: Sequence[str]) -> Iterator[str]:
    """*units* with closing marks joined to the previous one, opening marks to the next."""
    held = ""
    for unit in units:
        if held and not (unit in _CLOSING or held[-1] in _OPENING):
            yield held
            held = ""
        held += unit
        if unit.isspace():
            yield held
            held = ""
    if held:
        yield held
