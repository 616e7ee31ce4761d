"""Boxes on pages: as they are typed, as they are stored, and in a drawn page's pixels.

A box never shrinks on the way: rounding always goes outwards.
"""

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from dropbox.errors import CasedropError
from scripts.desk.casebook.redactions import WHOLE, Box
from scripts.desk.pictures.frames import Page

if TYPE_CHECKING:
    from scripts.desk.pictures.blackening import Mark

_NUMBER = r"\d{1,5}(?:\.\d{1,4})?"
_PERCENT = re.compile(rf"({_NUMBER})%?,({_NUMBER})%?,({_NUMBER})%?,({_NUMBER})%")
_PIXELS = re.compile(r"(\d{1,5}),(\d{1,5}),(\d{1,5}),(\d{1,5})")


class BadBox(CasedropError):
    """A box is X,Y,WIDTH,HEIGHT: in pixels of the picture, or in percent as 10,5,30,4%."""


def box_of(typed: str, page: Page) -> Box:
    """The box that somebody *typed* for *page*. Raises BadBox."""
    text = typed.replace(" ", "")
    if percent := _PERCENT.fullmatch(text):
        x, y, width, height = (int(Decimal(one) * (WHOLE // 100)) for one in percent.groups())
        box = Box(x, y, width, height)
    elif pixels := _PIXELS.fullmatch(text):
        left, top, across, down = map(int, pixels.groups())
        x, right = _outwards(left, left + across, WHOLE, page.width)
        y, bottom = _outwards(top, top + down, WHOLE, page.height)
        box = Box(x, y, right - x, bottom - y)
        if not (across and down):
            raise BadBox("The box has no area.")
    else:
        raise BadBox
    if box.width <= 0 or box.height <= 0:
        raise BadBox("The box has no area.")
    if box.x >= WHOLE or box.y >= WHOLE:
        raise BadBox(
            f"The box is outside the page, whose picture has {page.width} × {page.height} pixels."
        )
    # Anything beyond the edge is cut off.
    return Box(box.x, box.y, min(box.width, WHOLE - box.x), min(box.height, WHOLE - box.y))


def mark_of(page: Page, box: Box, label: str) -> "Mark":
    """*box* in the pixels of *page*; the whole page if it is not a valid box, as another desk may
    send.
    """
    # Loaded only when there is a page.
    from scripts.desk.pictures.blackening import Mark  # noqa: PLC0415

    left, right = _outwards(box.x, box.x + box.width, page.width, WHOLE)
    top, bottom = _outwards(box.y, box.y + box.height, page.height, WHOLE)
    left, top = max(left, 0), max(top, 0)
    right, bottom = min(right, page.width), min(bottom, page.height)
    if left >= right or top >= bottom:
        return Mark(0, 0, page.width, page.height, label)
    return Mark(left, top, right, bottom, label)


def _outwards(first: int, last: int, to: int, of: int) -> tuple[int, int]:
    """Both ends, converted from parts of *of* to parts of *to*: the first rounded down, the last
    up.
    """
    return first * to // of, -(-last * to // of)
