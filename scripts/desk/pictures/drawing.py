"""The renderer: it runs where nothing can be reached, and draws the one file that it is given.

    python -I -S -c "... from scripts.desk.pictures.drawing import main; main()" KIND ...

The file comes through standard input, and frames leave through standard output. A failure here is
not an error of the desk: it becomes a note, or the process ends.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from scripts.desk.pictures.frames import Sender
from scripts.desk.pictures.kinds import IMAGES, Kind
from scripts.desk.pictures.notes import Note
from scripts.desk.pictures.walls import raise_walls

# The most that is read: a video of an hour is smaller.
MOST_BYTES = 512 * 2**20
_ZIP_END, _ZIP_END_WITHIN = b"PK\x05\x06", 65_557

# Draws the wanted pages of a file's bytes, and reports the rest.
Draw = Callable[[bytes, range, Sender], None]


def main() -> None:
    """Raise the walls, read the file, draw it."""
    name, first, last, alone, *readable = sys.argv[1:]
    kind, wanted = Kind(name), range(int(first), int(last))
    content, sender = channels()
    # The drawing code is loaded first, while that is possible; no byte of the file has been read
    # yet.
    draw, helped = drawing_of(kind)
    raise_walls([Path(path) for path in readable], helped=helped, alone=bool(int(alone)))
    sender.ready()
    data = content.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        sender.note(Note.NO_MEMORY)
    else:
        drawn(draw, data, wanted, sender)
        if kind is not Kind.ZIP and kind is not Kind.OFFICE and _ends_as_archive(data):
            sender.note(Note.TWO_IN_ONE)
    sender.end()
    # Skip Python's own shutdown, where a damaged heap may still do something.
    os._exit(0)


def channels() -> tuple[BinaryIO, Sender]:
    """The file, and where frames go. Whatever a library prints is lost."""
    sender = Sender(os.dup(1))
    content = os.fdopen(os.dup(0), "rb")
    for descriptor in (1, 2):
        # The reading end of a pipe: writing to it fails.
        os.dup2(0, descriptor)
    return content, sender


def drawn(draw: Draw, data: bytes, wanted: range, sender: Sender) -> None:
    """Draw *data* with *draw*; failures become notes."""
    try:
        draw(data, wanted, sender)
    except MemoryError:
        sender.note(Note.NO_MEMORY)
    except (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError,
            RuntimeError, SyntaxError, EOFError, AssertionError):  # fmt: skip
        # Readers of damaged files raise any of these.
        sender.note(Note.DAMAGED)


def drawing_of(kind: Kind) -> tuple[Draw, bool]:
    """The function that draws files of *kind*, and whether it starts a program. Loads only that."""
    # ruff: noqa: PLC0415
    if kind is Kind.PDF:
        from scripts.desk.pictures.pdf import draw

        return draw, False
    if kind in IMAGES:
        from scripts.desk.pictures.image import picture_of

        return picture_of(kind), False
    if kind in (Kind.ZIP, Kind.TAR, Kind.PACKED):
        from scripts.desk.pictures.archive import listing_of

        return listing_of(kind), False
    if kind is Kind.OFFICE:
        from scripts.desk.pictures.office import convert

        return convert, True
    if kind is Kind.RECORDING:
        from scripts.desk.pictures.recording import stills

        return stills, True
    from scripts.desk.pictures.plain_text import read

    return read, False


def _ends_as_archive(data: bytes) -> bool:
    return _ZIP_END in data[-_ZIP_END_WITHIN:]
