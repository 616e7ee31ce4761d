"""The recognizer's output for one page, as bounded JSON: lines of text and where they were seen.

Both sides enforce the limits: the recognizer so that an honest page fits, the desk because a
recognizer that was taken over would not.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

# A frame's kind, beside those of pictures: the lines of one page.
LINES = b"L"
# A page of the smallest print has 150.
MOST_LINES, MOST_CHARACTERS = 2_000, 400
MOST_BYTES = 512 * 2**10
_WHOLE = 100
_BRIGHTEST = 255
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

Colour = tuple[int, int, int]


@dataclass(frozen=True, repr=False)
class SeenLine:
    """A line of text in ``box`` (left, top, right, bottom, in pixels of its page).

    ``confidence`` is a percentage. ``paper`` is the colour behind the text, ``ground`` that of the
    page's margin beside it; ``left`` and ``right`` are the percentages of the page's outer columns,
    where a conversation has faces, that differ in colour from the margin. No repr: it is plaintext.
    """

    text: str
    box: tuple[int, int, int, int]
    confidence: int
    paper: Colour
    ground: Colour
    left: int
    right: int


@dataclass(frozen=True, repr=False)
class SeenPage:
    """The lines of page ``number``. ``turned`` is by how many degrees it was turned to read them.

    ``width`` and ``height`` are those of the turned page, in which the boxes are; ``whole`` is
    False if it had more lines than are kept. No repr: it is plaintext.
    """

    number: int
    width: int
    height: int
    turned: int
    whole: bool
    lines: tuple[SeenLine, ...]


def written(turned: int, lines: Sequence[SeenLine]) -> bytes:
    """*lines* as JSON of at most MOST_BYTES; lines that do not fit are left out, and it says so."""
    kept = [astuple(line) for line in lines[:MOST_LINES]]
    while True:
        whole = len(kept) == len(lines)
        data = json.dumps([turned, whole, kept], ensure_ascii=False).encode("utf-8", "replace")
        if len(data) <= MOST_BYTES:
            return data
        kept = kept[: len(kept) // 2]


def read(untrusted: bytes, number: int, width: int, height: int) -> SeenPage:
    """The page of that *number*, *width* and *height*. Raises ValueError."""
    try:
        turned, whole, lines = json.loads(untrusted)
        if turned not in (0, 90, 180, 270) or type(turned) is not int or type(whole) is not bool:
            raise ValueError
        if turned in (90, 270):
            width, height = height, width
        if type(lines) is not list or len(lines) > MOST_LINES:
            raise ValueError
        seen = tuple(_line(line, width, height) for line in lines)
    except (TypeError, RecursionError):
        raise ValueError("no page") from None
    return SeenPage(number, width, height, turned, whole, seen)


def _line(untrusted: Any, width: int, height: int) -> SeenLine:
    text, box, confidence, paper, ground, left, right = untrusted
    if type(text) is not str or len(text) > MOST_CHARACTERS:
        raise ValueError
    x, y, x2, y2 = (_number(value, most) for value, most in
                    zip(box, (width, height, width, height), strict=True))  # fmt: skip
    if x > x2 or y > y2:
        raise ValueError
    return SeenLine(
        clean(text),
        (x, y, x2, y2),
        _number(confidence, _WHOLE),
        _colour(paper),
        _colour(ground),
        _number(left, _WHOLE),
        _number(right, _WHOLE),
    )


def clean(text: str) -> str:
    """*text* without characters that could act on a terminal or break a file of lines."""
    return _CONTROLS.sub(" ", text).strip()


def _colour(untrusted: Any) -> Colour:
    red, green, blue = (_number(value, _BRIGHTEST) for value in untrusted)
    return red, green, blue


def _number(untrusted: Any, most: int) -> int:
    if type(untrusted) is not int or not 0 <= untrusted <= most:
        raise ValueError
    return untrusted
