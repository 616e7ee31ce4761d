"""Boxes burnt into pixels: opaque black, with a code in white. What was under them is gone.

It works on pixels that came out of the room, never on a file.
"""

from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from scripts.desk.pictures.frames import Page

_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)
# In pixels at 150 an inch: smaller text cannot be read in print.
_SMALLEST, _LARGEST = 10, 40
_OF_HEIGHT = 0.7
# Black around a label.
_AROUND = 4
# A page of A4 at 150 pixels an inch.
_SHEET = 1_240, 1_754
_SHEET_LINE, _SHEET_MARGIN = 34, 120


class Mark(NamedTuple):
    """A box in pixels, without its right column and its lower row, and the code to print in it."""

    left: int
    top: int
    right: int
    bottom: int
    label: str


def blackened(page: Page, marks: Sequence[Mark]) -> Page:
    """*page* with *marks* burnt in. Each pixel in a mark is black or white."""
    if not marks:
        return page
    image = Image.frombytes("RGB", (page.width, page.height), page.rgb)
    for one in marks:
        # Drawn separately, so that no letter reaches out of the box.
        image.paste(_labelled(one), one[:2])
    return Page(page.number, page.width, page.height, image.tobytes())


def sheet(number: int, lines: Sequence[str]) -> Page:
    """A white page with *lines*, which are ASCII, in place of page *number*."""
    image = Image.new("RGB", _SHEET, _WHITE)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(_SHEET_LINE * 0.7)
    for at, line in enumerate(lines):
        draw.text((_SHEET_MARGIN, _SHEET_MARGIN + at * _SHEET_LINE), line, fill=_BLACK, font=font)
    return Page(number, image.width, image.height, image.tobytes())


def _labelled(one: Mark) -> Image.Image:
    """A black rectangle of the size of *one*, with its label in the middle if that fits."""
    width, height = one.right - one.left, one.bottom - one.top
    piece = Image.new("RGB", (width, height), _BLACK)
    for size in range(min(_LARGEST, int(height * _OF_HEIGHT)), _SMALLEST - 1, -1):
        letters = _lettering(one.label, size)
        if letters.width <= width - _AROUND and letters.height <= height - _AROUND:
            piece.paste(letters, ((width - letters.width) // 2, (height - letters.height) // 2))
            break
    return piece


def _lettering(label: str, size: int) -> Image.Image:
    """*label* in white on black, with no shade between the two."""
    mask = ImageFont.load_default(size).getmask(label, "1")
    drawn = Image.frombytes("L", mask.size, bytes(mask))
    return drawn.crop(drawn.getbbox())
