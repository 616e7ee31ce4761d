"""A page with lines at every tenth of its sides, so that a box can be given in numbers."""

from PIL import Image, ImageDraw, ImageFont

from scripts.desk.pictures.frames import Page

_LINE, _PAPER = (200, 0, 0), (255, 255, 255)
_TENTHS = 10
# Relative to the shorter side.
_NUMBER = 30


def ruled(page: Page) -> Page:
    """*page* with the lines, each with its percentage at its beginning."""
    image = Image.frombytes("RGB", (page.width, page.height), page.rgb)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(max(10, min(page.width, page.height) // _NUMBER))
    for tenth in range(1, _TENTHS):
        x, y = page.width * tenth // _TENTHS, page.height * tenth // _TENTHS
        draw.line((x, 0, x, page.height), fill=_LINE)
        draw.line((0, y, page.width, y), fill=_LINE)
        for at in ((x + 2, 0), (0, y + 2)):
            box = draw.textbbox(at, f"{tenth * 10}", font=font)
            draw.rectangle(box, fill=_PAPER)
            draw.text(at, f"{tenth * 10}", fill=_LINE, font=font)
    return Page(page.number, page.width, page.height, image.tobytes())
