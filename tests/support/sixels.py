"""A terminal that understands sixels: what it would show, pixel by pixel."""

import re

from scripts.desk.pictures.frames import Page

_PIECE = re.compile(
    r'"1;1;(?P<width>\d+);(?P<height>\d+)|#(?P<made>\d+);2;(?P<rgb>\d+;\d+;\d+)|#(?P<chosen>\d+)'
    r"|!(?P<times>\d+)(?P<repeated>[?-~])|(?P<sixel>[?-~])|(?P<left>\$)|(?P<down>-)"
)


def pixels_of(sixels: str) -> Page:
    """The picture that *sixels* draw; each pixel has to be drawn, and none outside the size."""
    body = sixels.removeprefix("\x1bP0;1;0q").removesuffix("\x1b\\")
    assert "\x1b" not in body
    colours, pixels = dict[int, bytes](), dict[tuple[int, int], bytes]()
    x = y = colour = width = height = at = 0
    while at < len(body):
        piece = _PIECE.match(body, at)
        assert piece is not None, body[at : at + 20]
        at = piece.end()
        if piece["width"]:
            width, height = int(piece["width"]), int(piece["height"])
        elif piece["made"]:
            parts = map(int, piece["rgb"].split(";"))
            colours[int(piece["made"])] = bytes(round(part * 255 / 100) for part in parts)
        elif piece["chosen"]:
            colour = int(piece["chosen"])
        elif piece["left"]:
            x = 0
        elif piece["down"]:
            x, y = 0, y + 6
        else:
            bits, times = ord(piece["repeated"] or piece["sixel"]) - 63, int(piece["times"] or 1)
            rows = [row for row in range(6) if bits >> row & 1]
            pixels |= {(x + n, y + row): colours[colour] for n in range(times) for row in rows}
            x += times
    assert len(pixels) == width * height and max(pixels) == (width - 1, height - 1)
    order = ((x, y) for y in range(height) for x in range(width))
    return Page(1, width, height, b"".join(map(pixels.__getitem__, order)))
