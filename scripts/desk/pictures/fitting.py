"""A page in fewer pixels, so that it fits a screen."""

from PIL import Image

from scripts.desk.pictures.frames import Page


def fitted(page: Page, most_width: int, most_height: int) -> Page:
    """*page* scaled down to fit, with the same aspect ratio; never scaled up."""
    ratio = min(1.0, most_width / page.width, most_height / page.height)
    if ratio == 1.0:
        return page
    size = (max(1, int(page.width * ratio)), max(1, int(page.height * ratio)))
    image = Image.frombytes("RGB", (page.width, page.height), page.rgb)
    # Letters stay legible in a tenth of their pixels.
    smaller = image.resize(size, Image.Resampling.LANCZOS)
    return Page(page.number, *size, smaller.tobytes())
