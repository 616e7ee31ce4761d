"""Texts wrapped into lines of a screen, by the cells that a terminal gives each character.

Everything passes through scripts.terminal first. A long text is wrapped only as far as somebody
looks at it, so a case of two hundred parts opens as fast as any other.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from rich.cells import cell_len, get_character_cell_size, set_cell_size

from scripts.terminal import isolated, visible

# Terminals disagree on the width of joined emoji; separated, each is two cells wide everywhere.
_JOINING = dict.fromkeys(map(ord, "\u200d\ufe0e\ufe0f"))
_ISOLATION = dict.fromkeys(map(ord, "\u2068\u2069"))
# Characters that must not begin a line, or end one, in Chinese and in English.
_NO_BEGIN = frozenset("，。、；：？！）》」』”’…—,.;:?!)]}%")
_NO_END = frozenset("（《「『“‘([{")


class Line(NamedTuple):
    """A line or a paragraph, with the name of its style.

    Before each line are *indent* cells and the *margin*. *marks* has a byte for each character that
    :func:`steady` makes of the text, nonzero for marked ones; or it is empty.
    """

    text: str
    style: str = ""
    indent: int = 0
    margin: str = ""
    marks: bytes = b""


def unisolated(text: str) -> str:
    """*text* that was neutralised and isolated as a whole, without its isolation.

    A claimant's own marks are spelled out in it; each piece of it is isolated again.
    """
    return text.translate(_ISOLATION)


def steady(text: str) -> str:
    """*text* neutralised, with only characters that have the same width in every terminal."""
    return visible(text).translate(_JOINING)


def on_one_line(text: str, width: int) -> str:
    """The beginning of *text* on one line of at most *width* cells, neutralised."""
    # Cut before as well: a text of nothing but control characters grows eightfold.
    line = steady(" ".join(text[: 4 * width].split()))
    if cell_len(line) > width or len(text) > 4 * width:
        line = next(pieces(line, width - 1, keep_words=False), "") + "…"
    return isolated(line)


def fitted(text: str, width: int) -> str:
    """*text* in exactly *width* cells, the last of them empty."""
    return set_cell_size(on_one_line(text, max(1, width - 1)), width)


def pieces(line: str, width: int, *, keep_words: bool = True) -> Iterator[str]:
    """*line*, which holds no line end, in pieces of at most *width* cells (at least 2)."""
    width = max(width, 2)
    begin = last = cells = 0
    cells_at_last = 0
    if 2 * len(line) <= width:
        yield line
        return
    for index, character in enumerate(line):
        size = get_character_cell_size(character)
        if keep_words and index > begin and size and _may_break(line[index - 1], character, size):
            last, cells_at_last = index, cells
        if cells + size > width:
            at, before = (last, cells_at_last) if last > begin else (index, cells)
            yield line[begin:at].rstrip(" ")
            begin, cells = at, cells - before
        cells += size
    yield line[begin:]


def _may_break(before: str, character: str, size: int) -> bool:
    if character in _NO_BEGIN or before in _NO_END or character == " ":
        return False
    return before == " " or size == 2 or get_character_cell_size(before) == 2


class Wrapped:
    """Paragraphs wrapped into lines of *width* cells, as far as they have been asked for."""

    def __init__(self, paragraphs: Iterable[Line], width: int) -> None:
        self.lines: list[Line] = []
        self._rest = _broken(paragraphs, width)
        self.whole = False

    def reach(self, count: int) -> None:
        """Wrap at least *count* lines, if there are that many."""
        self.lines += islice(self._rest, max(0, count - len(self.lines)))
        self.whole = self.whole or len(self.lines) < count


def _broken(paragraphs: Iterable[Line], width: int) -> Iterator[Line]:
    for paragraph in paragraphs:
        indent = min(paragraph.indent, width // 2)
        before = " " * indent + paragraph.margin
        begin = 0
        for line in steady(paragraph.text).split("\n"):
            at = 0
            for piece in pieces(line, width - len(before)):
                # Only spaces are left out between pieces.
                at = line.index(piece, at)
                marks = paragraph.marks[begin + at : begin + at + len(piece)]
                at += len(piece)
                yield _as_line(before, piece, paragraph.style, marks)
            begin += len(line) + 1


def _as_line(before: str, piece: str, style: str, marks: bytes) -> Line:
    # Isolated piece by piece: on a screen, each piece is a line of its own.
    shown = isolated(piece)
    first = len(before) + shown.index(piece)
    return Line(before + shown, style, marks=marks and bytes(first) + marks)
