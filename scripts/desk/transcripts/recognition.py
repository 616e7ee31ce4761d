"""The process in the room that reads text out of pixels, page after page, and reaches nothing.

    python -I -S -c "... from scripts.desk.transcripts.recognition import main; main()" ALONE ...

Pixels come through standard input, lines leave through standard output. The models are loaded
before the walls are up, and no pixel comes before that.
"""

import os
import struct
import sys
from pathlib import Path
from typing import BinaryIO

from scripts.desk.pictures.drawing import channels
from scripts.desk.pictures.frames import BYTES_A_PIXEL, MOST_PIXELS, MOST_SIDE
from scripts.desk.pictures.walls import raise_walls
from scripts.desk.transcripts.lines import LINES, written

# Before the pixels of each page: its number, width and height.
PAGE_HEADER = struct.Struct(">III")
# Twenty pages take a minute; what takes this long does not end.
CPU_SECONDS = 3_600
# Half of it is for what the models map; a long page takes most of the rest.
MEMORY_BYTES = 3 * 2**30


def main() -> None:
    """Load the models, raise the walls, and read pages until there are no more."""
    alone, *readable = sys.argv[1:]
    content, sender = channels()
    from scripts.desk.transcripts.engine import Recognizer  # noqa: PLC0415 - says what is missing

    recognizer = Recognizer()
    raise_walls(
        [Path(path) for path in readable],
        helped=False,
        alone=bool(int(alone)),
        cpu_seconds=CPU_SECONDS,
        memory_bytes=MEMORY_BYTES,
    )
    sender.ready()
    while page := _page(content):
        number, width, height, rgb = page
        turned, lines = recognizer.lines(width, height, rgb)
        sender.payload(LINES, number, written(turned, lines))
    sender.end()
    # Skip Python's own shutdown, where a damaged heap may still do something.
    os._exit(0)


def _page(content: BinaryIO) -> tuple[int, int, int, bytes] | None:
    header = content.read(PAGE_HEADER.size)
    if len(header) < PAGE_HEADER.size:
        return None
    number, width, height = PAGE_HEADER.unpack(header)
    if not (0 < width <= MOST_SIDE and 0 < height <= MOST_SIDE and width * height <= MOST_PIXELS):
        return None
    rgb = content.read(width * height * BYTES_A_PIXEL)
    return (number, width, height, rgb) if len(rgb) == width * height * BYTES_A_PIXEL else None
