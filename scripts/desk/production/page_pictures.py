"""Pages as pictures: texts and slip sheets drawn, and each page's number printed below it.

This reads only pictures that the desk made itself, never a file that was sent.
"""

import io
from collections.abc import Iterator, Sequence
from functools import cache

from PIL import Image, ImageDraw, ImageFont

from scripts.desk.production.faces import faces
from scripts.desk.production.page_layout import (
    HEIGHT,
    WIDTH,
    Layout,
    Page,
    Stroke,
    Text,
)

# 150 pixels an inch: a page of text can be read and printed.
SCALE = 150 / 72
# The size of the number below a page depends on its width, so that it is legible on a small page,
# too.
_BAND_PART, _SMALLEST_BAND = 36, 18
# In a dossier: half a letter page at 150 pixels an inch.
_SMALL_SIDE, _SMALL_QUALITY = 1_100, 60
_COMPRESSION = 3
_WHITE, _BLACK = 255, 0


def text_pages(head: str, text: str) -> Iterator[Image.Image]:
    """*text* below the line *head*, in shades of grey."""
    layout = Layout(faces())
    layout.heading(head, size=9)
    layout.paragraph(text)
    return (_drawn(page) for page in layout.pages)


def slip_sheet(lines: Sequence[str]) -> Image.Image:
    """A page that says in *lines* what is not there."""
    layout = Layout(faces())
    layout.heading(lines[0])
    for line in lines[1:]:
        layout.paragraph(line)
    return _drawn(layout.pages[0])


def opened(png: bytes) -> Image.Image:
    """The picture in a PNG that this desk made."""
    return Image.open(io.BytesIO(png), formats=["PNG"])


def numbered(image: Image.Image, number: str) -> bytes:
    """A PNG of *image* with *number* in a band below it, so that nothing of the page is covered."""
    band = max(_SMALLEST_BAND, image.width // _BAND_PART)
    whole = Image.new(image.mode, (image.width, image.height + band), "white")
    whole.paste(image)
    draw = ImageDraw.Draw(whole)
    size = band * 0.6
    left = max(0, image.width - faces().width(number) * size - band)
    draw.text((left, image.height + band * 0.1), number, fill=_fill(image), font=_font(0, size))
    return _png(whole)


def small(image: Image.Image) -> tuple[bytes, tuple[int, int]]:
    """A JPEG of *image* for a dossier, and how many pixels it has."""
    copy = image.copy()
    # First reduced by a whole factor, which is quick, then smoothly.
    copy.thumbnail((_SMALL_SIDE, _SMALL_SIDE), Image.Resampling.BILINEAR, reducing_gap=1.5)
    out = io.BytesIO()
    copy.save(out, "JPEG", quality=_SMALL_QUALITY)
    return out.getvalue(), copy.size


def _fill(image: Image.Image) -> int | tuple[int, int, int]:
    return _BLACK if image.mode == "L" else (0, 0, 0)


def _png(image: Image.Image) -> bytes:
    """Only pixels: no time, no name, no text."""
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=_COMPRESSION)
    return out.getvalue()


def _drawn(page: Page) -> Image.Image:
    image = Image.new("L", (round(WIDTH * SCALE), round(HEIGHT * SCALE)), _WHITE)
    draw = ImageDraw.Draw(image)
    for mark in page:
        if isinstance(mark, Text):
            at = mark.x * SCALE, mark.y * SCALE
            fill = round(255 * mark.grey)
            draw.text(
                at, mark.text, fill=fill, font=_font(mark.face, mark.size * SCALE), anchor="ls"
            )
        elif isinstance(mark, Stroke):
            ends = (mark.x * SCALE, mark.y * SCALE, mark.to_x * SCALE, mark.to_y * SCALE)
            draw.line(ends, fill=round(255 * mark.grey))
    return image


@cache
def _font(face: int, size: float) -> ImageFont.FreeTypeFont:
    # Without shaping: each character goes where the layout says.
    its = faces().faces[face]
    return ImageFont.truetype(
        io.BytesIO(its.data), size, index=its.index, layout_engine=ImageFont.Layout.BASIC
    )
