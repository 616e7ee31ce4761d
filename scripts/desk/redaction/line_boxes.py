"""Where a line that a machine read is on its page, as a stored box."""

from scripts.desk.casebook.redactions import WHOLE, Box
from scripts.desk.transcripts.transcript import Line, ReadPage

# A fraction of a line's height: a machine's box may cut off the ends of letters.
_AROUND = 4


def box_of_line(line: Line, page: ReadPage, *, around: bool = False) -> Box:
    """The box of *line* on its page as pictures show it, in WHOLE parts.

    With *around* it has a quarter of the line's height more on each side.
    """
    left, top, right, bottom = line.box
    room = -(-max(bottom - top, 1) // _AROUND) if around else 0
    left, top, right, bottom = left - room, top - room, right + room, bottom + room
    width, height = page.width, page.height
    # The page was turned clockwise to be read; this turns the box back.
    turned_back = {
        0: (left, top, right, bottom),
        90: (top, width - right, bottom, width - left),
        180: (width - right, height - bottom, width - left, height - top),
        270: (height - bottom, left, height - top, right),
    }
    left, top, right, bottom = turned_back.get(page.turned, (0, 0, width, height))
    if page.turned in (90, 270):
        width, height = height, width
    left, top, right, bottom = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
    if left >= right or top >= bottom:
        # Not on that page, as another desk may claim.
        return Box(0, 0, WHOLE, WHOLE)
    x, y = left * WHOLE // width, top * WHOLE // height
    return Box(x, y, -(-right * WHOLE // width) - x, -(-bottom * WHOLE // height) - y)
