"""The renderer's output, in frames with a fixed header: pixels, counts, and a bounded text.

Nothing in a frame is a name, a path or an instruction. Both sides enforce the limits: the renderer
so that honest files fit, the desk because a renderer that was taken over would not.
"""

import os
import struct
from typing import NamedTuple

HEADER = struct.Struct(">cIII")
# A photograph of 24 megapixels stays as it is: 72 MB of RGB.
MOST_PIXELS = 24_000_000
# A screenshot of a long conversation.
MOST_SIDE = 30_000
# One look shows at most this many pages; longer files take several.
MOST_PAGES = 200
MOST_TEXT_BYTES = 128 * 2**10
BYTES_A_PIXEL = 3

# The walls are up; before this frame the desk gives no byte of the file.
READY = b"R"
COUNT = b"C"
PAGE = b"P"
NOTE = b"N"
TEXT = b"T"
END = b"E"


class Page(NamedTuple):
    """One page, picture or still: ``rgb`` has three bytes a pixel, row by row from the top."""

    number: int
    width: int
    height: int
    rgb: bytes

    def __repr__(self) -> str:
        """Without the pixels, which are plaintext."""
        return f"Page({self.number}, {self.width}, {self.height})"


class Sender:
    """The renderer's side: writes frames to *descriptor*."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._noted: set[int] = set()

    def ready(self) -> None:
        """Report that the walls are up."""
        self._send(READY)

    def count(self, pages: int) -> None:
        """Report how many pages the file has."""
        self._send(COUNT, pages)

    def page(self, page: Page) -> None:
        """Send one page; pages come in ascending order."""
        self._send(PAGE, page.number, page.width, page.height, page.rgb)

    def note(self, code: int, value: int = 0) -> None:
        """One of :class:`scripts.desk.pictures.notes.Note`, with a number; once."""
        if code not in self._noted:
            self._noted.add(code)
            self._send(NOTE, code, min(value, 2**32 - 1))

    def text(self, text: str) -> None:
        """Send the beginning of a text."""
        data = text.encode("utf-8", "replace")[:MOST_TEXT_BYTES]
        self._send(TEXT, len(data), payload=data)

    def payload(self, kind: bytes, number: int, data: bytes) -> None:
        """A frame of another *kind*, whose header has *number* and the length of *data*."""
        self._send(kind, number, len(data), payload=data)

    def end(self) -> None:
        """Report the end."""
        self._send(END)

    def _send(self, kind: bytes, a: int = 0, b: int = 0, c: int = 0, payload: bytes = b"") -> None:
        for data in (HEADER.pack(kind, a, b, c), payload):
            view = memoryview(data)
            while view:
                view = view[os.write(self._descriptor, view) :]
