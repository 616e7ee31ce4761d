"""A recognizer that reads what tests hide in pixels, and those that were taken over."""

from pathlib import Path

from PIL import Image

from scripts.desk.transcripts.recognition_room import OwnProcess
from scripts.desk.transcripts.recognizer_site import Site
from support.screenshots import png

# Begins each stand-in: pages from the desk, frames to it, and the walls unless they are left out.
BEGUN = """
import os, sys
from pathlib import Path
from scripts.desk.pictures.drawing import channels
from scripts.desk.pictures.walls import raise_walls
from scripts.desk.transcripts.lines import LINES, SeenLine, written
from scripts.desk.transcripts.recognition import _page
content, sender = channels()
alone, *readable = sys.argv[1:]
raise_walls([Path(path) for path in readable], helped=False, alone=bool(int(alone)))
sender.ready()
"""
# The text of a page is in its pixels, whose rows are its lines.
HONEST = (
    BEGUN
    + """
while page := _page(content):
    number, width, height, rgb = page
    rows = [rgb[at:at + 3 * width] for at in range(0, len(rgb), 3 * width)]
    said = [bytes(row).rstrip(b"\\0").decode() for row in rows]
    white, grey = (255, 255, 255), (237, 237, 237)
    sender.payload(LINES, number, written(0, [
        SeenLine(text, (width // 9, at, width // 3, at), 99, white, grey, 90, 0)
        for at, text in enumerate(said) if text
    ]))
sender.end()
"""
)


class NoPackages(Site):
    """A place that has no recognizer; a stand-in needs none."""

    def places(self) -> list[Path]:
        return []

    @property
    def machine(self) -> str:
        return self.path.name


def stand_in(boot: str = HONEST, machine: str = "stand-in 1") -> OwnProcess:
    """Where *boot* reads instead."""
    return OwnProcess(NoPackages(Path(machine)), boot)


def hidden(*lines: str) -> bytes:
    """A picture in whose pixels HONEST finds these lines."""
    width = max(3, *(-(-len(line.encode()) // 3) for line in lines))
    rgb = b"".join(line.encode().ljust(3 * width, b"\0") for line in lines)
    return png(Image.frombytes("RGB", (width, len(lines)), rgb))
