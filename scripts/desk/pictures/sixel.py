"""Pixels as sixels, DEC's way to draw in a terminal: six rows at a time, one colour after another.

A column of six pixels is one character: 63 and a bit for each pixel that has the current colour, 1
for the uppermost. ``!12?`` repeats a character, ``$`` goes back to the left, ``-`` to the next six
rows. https://vt100.net/docs/vt3xx-gp/chapter14.html
"""

import re
from collections.abc import Iterator

from PIL import Image

from scripts.desk.pictures.frames import Page

# What terminals for more than diagrams have at least: xterm, mlterm, foot, Windows.
_COLOURS = 256
_ROWS = 6
_PERCENT, _BYTE = 100, 255
_ZERO = 63
# From four on, a repetition is shorter as a number.
_RUN = re.compile(rb"(.)\1{3,}")


def sixel_of(page: Page) -> str:
    """The sixels that draw *page* at the cursor, in at most 256 colours: printable characters
    except for an escape at each end.
    """
    image = Image.frombytes("RGB", (page.width, page.height), page.rgb)
    few = image.quantize(_COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    # Gives the size, so that the terminal clears no more than that.
    head = f'\x1bP0;1;0q"1;1;{page.width};{page.height}'
    body = b"-".join(_bands(few.tobytes(), page.width, page.height)).decode("ascii")
    return f"{head}{''.join(_palette(few))}{body}\x1b\\"


def _palette(image: Image.Image) -> Iterator[str]:
    """The colours in use, red, green and blue in percent."""
    values = image.getpalette() or []
    for number in range(len(values) // 3):
        parts = (round(one * _PERCENT / _BYTE) for one in values[3 * number : 3 * number + 3])
        yield f"#{number};2;{';'.join(map(str, parts))}"


def _bands(pixels: bytes, width: int, height: int) -> Iterator[bytes]:
    for top in range(0, height, _ROWS):
        rows = [
            pixels[at * width : (at + 1) * width] for at in range(top, min(top + _ROWS, height))
        ]
        yield b"$".join(_colours(rows, width))


def _colours(rows: list[bytes], width: int) -> Iterator[bytes]:
    """Six rows, colour by colour."""
    for colour in sorted(set().union(*rows)):
        # All columns at once, as the digits of one number.
        bits = int.from_bytes(bytes([_ZERO]) * width)
        for place, row in enumerate(rows):
            if colour in row:
                table = bytes(colour) + bytes([1 << place]) + bytes(_COLOURS - 1 - colour)
                bits += int.from_bytes(row.translate(table))
        line = bits.to_bytes(width).rstrip(bytes([_ZERO]))
        yield b"#%d" % colour + _RUN.sub(lambda run: b"!%d%c" % (len(run[0]), run[1]), line)
