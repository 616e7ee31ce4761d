"""Pixels as a PNG file. It holds nothing but the pixels: no time, no name, no text."""

import io

from PIL import Image

from scripts.desk.pictures.frames import Page

# Fast; a page of text still shrinks to a thirtieth.
_COMPRESSION = 3


def png_of(page: Page) -> bytes:
    """The bytes of a PNG file of *page*; the same pixels give the same bytes."""
    out = io.BytesIO()
    image = Image.frombytes("RGB", (page.width, page.height), page.rgb)
    image.save(out, "PNG", compress_level=_COMPRESSION)
    return out.getvalue()
