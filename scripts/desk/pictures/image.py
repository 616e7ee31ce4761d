"""Pictures as pixels, by Pillow, with only the reader for the format that the first bytes name."""

import io
import math
from functools import partial
from importlib import import_module

from PIL import Image, ImageOps, UnidentifiedImageError

from scripts.desk.pictures.frames import MOST_PIXELS, MOST_SIDE, Page, Sender
from scripts.desk.pictures.kinds import Kind
from scripts.desk.pictures.notes import Note

_FORMATS = {
    Kind.PNG: ["PNG"], Kind.JPEG: ["JPEG", "MPO"], Kind.GIF: ["GIF"], Kind.BMP: ["BMP"],
    Kind.TIFF: ["TIFF"], Kind.WEBP: ["WEBP"], Kind.AVIF: ["AVIF"], Kind.HEIC: ["AVIF"],
}  # fmt: skip
# Unpacked, before scaling down: 400 MB. A JPEG can be unpacked at an eighth of its size.
_MOST_UNPACKED = 100_000_000
_MOST_UNPACKED_JPEG = 250_000_000
_MEGAPIXEL = 1_000_000
# Each of them registers a reader; no other format is known afterwards.
for _name in ("Avif", "Bmp", "Gif", "Jpeg", "Mpo", "Png", "Tiff", "WebP"):
    import_module(f"PIL.{_name}ImagePlugin")
# The size is checked here, by its own limits.
Image.MAX_IMAGE_PIXELS = None


def picture_of(kind: Kind) -> partial[None]:
    """A function that draws pictures of *kind*."""
    return partial(_draw, _FORMATS[kind], kind is Kind.HEIC)


def _draw(formats: list[str], heic: bool, data: bytes, wanted: range, sender: Sender) -> None:
    try:
        image = Image.open(io.BytesIO(data), formats=formats)
    except UnidentifiedImageError:
        # Some AVIF pictures use a brand that they share with HEIC.
        sender.note(Note.HEIC if heic else Note.DAMAGED)
        return
    most = _MOST_UNPACKED_JPEG if image.format == "JPEG" else _MOST_UNPACKED
    pixels = image.width * image.height
    if pixels > most:
        sender.note(Note.TOO_LARGE, pixels // _MEGAPIXEL)
        return
    count = getattr(image, "n_frames", 1)
    sender.count(count)
    smaller = 0
    for number in range(max(wanted.start, 1), min(wanted.stop, count + 1)):
        if count > 1:
            image.seek(number - 1)
            if image.width * image.height > most:
                sender.note(Note.TOO_LARGE, image.width * image.height // _MEGAPIXEL)
                return
        page, whole = _page(image, number)
        smaller += not whole
        sender.page(page)
    if smaller:
        sender.note(Note.SMALLER, smaller)


def _page(image: Image.Image, number: int) -> tuple[Page, bool]:
    """The current frame of *image*, and whether it has its own size."""
    width, height = image.size
    fits = min(1.0, math.sqrt(MOST_PIXELS / (width * height)), MOST_SIDE / max(width, height))
    size = max(1, int(width * fits)), max(1, int(height * fits))
    if fits < 1:
        # A JPEG is then unpacked no larger than needed.
        image.draft("RGB", size)
    drawn = _on_white(ImageOps.exif_transpose(image))
    if drawn.width * drawn.height > size[0] * size[1]:
        turned = (drawn.width > drawn.height) != (width > height)
        drawn = drawn.resize(size[::-1] if turned else size)
    return Page(number, drawn.width, drawn.height, drawn.tobytes()), fits >= 1


def _on_white(image: Image.Image) -> Image.Image:
    """As RGB, with transparent pixels white, as on paper."""
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        paper = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(paper, layer).convert("RGB")
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        # 16 bits a pixel: the upper half.
        return image.convert("I").point(lambda value: value / 256).convert("RGB")
    return image.convert("RGB")
