"""How long a reviewer waits for pictures of a file, in bubblewrap's room.

    python -m scripts.rehearsal.bench_pictures [--pages N] [--times N]

A scan of N pages is drawn, and a screenshot, each in a room of its own as at the desk.
"""

import argparse
import io
import random
import resource
import statistics
import sys
import time
from collections.abc import Sequence

from PIL import Image
from rich.console import Console

from scripts.command_line import new_parser, run
from scripts.desk.pictures.drawing_room import Bubblewrap
from scripts.desk.pictures.frames import Page
from scripts.desk.pictures.look import look
from scripts.desk.pictures.png import png_of
from scripts.desk.screen.output import table

# A4 as scanners give it, and a telephone's screen.
_SCAN, _SCAN_INCH = (1_240, 1_754), 150
_SCREEN = (1_080, 2_400)
_SECONDS = 600.0


def noise(size: tuple[int, int]) -> Image.Image:
    """An image that does not compress well, the same in every run."""
    coarse = size[0] // 8, size[1] // 8
    chance = random.Random(20200327)  # noqa: S311 - a picture, no secret
    return Image.frombytes("L", coarse, chance.randbytes(coarse[0] * coarse[1])).resize(size)


def scan(pages: int) -> bytes:
    """A PDF of *pages* scanned pages."""
    out = io.BytesIO()
    page = noise(_SCAN)
    page.save(out, "PDF", save_all=True, append_images=[page] * (pages - 1), resolution=_SCAN_INCH)
    return out.getvalue()


def screenshot() -> bytes:
    """A PNG."""
    out = io.BytesIO()
    noise(_SCREEN).save(out, "PNG")
    return out.getvalue()


def waited(data: bytes, wanted: range) -> tuple[float, float, float]:
    """Seconds until the first page is a PNG, until all are, and CPU seconds."""
    begun, used = time.monotonic(), _processor()
    first: list[float] = []

    def take(page: Page) -> None:
        png_of(page)
        first.append(time.monotonic() - begun)

    shown = look(io.BytesIO(data), wanted, Bubblewrap(), take, seconds=_SECONDS)
    assert shown.drawn == len(first) > 0, shown.sentences
    return first[0], time.monotonic() - begun, _processor() - used


def _processor() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print a table. Returns the exit code."""
    return run(parser, arguments)


def parser() -> argparse.ArgumentParser:
    """This command's line."""
    made = new_parser("bench_pictures", "How long a reviewer waits for pictures of a file.")
    made.add_argument("--pages", type=int, default=100, metavar="N", help="pages of the scan")
    made.add_argument("--times", type=int, default=5, metavar="N", help="how often each is drawn")
    made.set_defaults(run=_measure)
    return made


def _measure(asked: argparse.Namespace) -> None:
    files = {
        f"first page of a scan of {asked.pages}": (scan(asked.pages), range(1, 2)),
        f"all {asked.pages} pages of the scan": (scan(asked.pages), range(1, asked.pages + 1)),
        "a screenshot": (screenshot(), range(1, 2)),
    }
    shown = table("seconds (medians)", "first picture", "all", "of a processor")
    for name, (data, wanted) in files.items():
        columns = zip(*(waited(data, wanted) for _ in range(asked.times)), strict=True)
        shown.add_row(name, *(f"{statistics.median(column):.2f}" for column in columns))
    Console().print(shown)


if __name__ == "__main__":
    sys.exit(main())
