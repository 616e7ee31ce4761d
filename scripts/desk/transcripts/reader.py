"""The reader of one file's pages: pixels go into its room, lines of text come back.

Nothing that comes back is trusted: each line is checked before it is used, and time is limited
here.
"""

import io
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from scripts.desk.pictures.drawing_room import start
from scripts.desk.pictures.exchange import Ended, Exchange, Late, Lied
from scripts.desk.pictures.frames import HEADER, Page
from scripts.desk.transcripts.lines import LINES, MOST_BYTES, SeenPage, read
from scripts.desk.transcripts.recognition import PAGE_HEADER
from scripts.desk.transcripts.recognition_room import ReadingRoom

# Loading the models takes two seconds, and many times that on an old and busy computer.
_STARTING_SECONDS = 120.0
# A screenshot has two million pixels and takes three seconds on a fast processor. A narrow page
# takes as long as one of this width.
_SECONDS, _SECONDS_A_MEGAPIXEL, _LEAST_WIDTH = 60.0, 30.0, 736
_ENDED = "Page {}: the program that reads text ended before it was done, and read no further."
_LATE = "Page {}: reading it took too long and was stopped; no further page was read."
_LIED = "Page {}: the program that reads text broke its limits and was stopped."


class ReadingFailure(Exception):
    """Reading ended before its time; the message is for the reviewer."""


class Reader:
    """A recognizer at work in its room."""

    def __init__(self, process: subprocess.Popen[bytes], stopped: Callable[[], bool]) -> None:
        self._exchange = Exchange(process, stopped)
        self._exchange.deadline = time.monotonic() + _STARTING_SECONDS
        self._exchange.await_walls()

    def read(self, page: Page) -> SeenPage:
        """The lines on *page*. Raises ReadingFailure, after which nothing more is read."""
        try:
            return self._read(page)
        except Ended:
            raise ReadingFailure(_ENDED.format(page.number)) from None
        except Late:
            raise ReadingFailure(_LATE.format(page.number)) from None
        except Lied:
            raise ReadingFailure(_LIED.format(page.number)) from None

    def _read(self, page: Page) -> SeenPage:
        header = PAGE_HEADER.pack(page.number, page.width, page.height)
        megapixels = max(page.width, _LEAST_WIDTH) * page.height / 1e6
        self._exchange.deadline = time.monotonic() + _SECONDS + _SECONDS_A_MEGAPIXEL * megapixels
        self._exchange.give(io.BytesIO(header + page.rgb), last=False)
        kind, number, size, nothing = HEADER.unpack(self._exchange.exactly(HEADER.size))
        if (kind, number, nothing) != (LINES, page.number, 0) or size > MOST_BYTES:
            raise Lied
        data = bytes(self._exchange.exactly(size))
        try:
            return read(data, page.number, page.width, page.height)
        except ValueError:
            raise Lied from None


@contextmanager
def reading(room: ReadingRoom, stopped: Callable[[], bool] = lambda: False) -> Iterator[Reader]:
    """A reader in *room*, for one file. Raises NoRoom if its walls could not be raised.

    Time is up once *stopped* says so.
    """
    with start(room.command()) as process:
        try:
            yield Reader(process, stopped)
        finally:
            # With bubblewrap, everything in the room ends with it.
            process.kill()
