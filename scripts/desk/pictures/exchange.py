"""What goes into a room and comes out of it, so that neither side waits for the other.

Time is limited here, whatever the process in the room does.
"""

import os
import select
import subprocess
import time
from collections.abc import Callable
from typing import BinaryIO

from scripts.desk.pictures import frames
from scripts.desk.pictures.drawing_room import NoRoom
from scripts.desk.pictures.frames import HEADER

# Until the walls are up, on a slow and busy computer.
_STARTING_SECONDS = 30.0
_PIECE_BYTES = 2**16
# In seconds: how soon a request to stop takes effect.
_LOOK_EVERY = 0.25
_MOST_COMPLAINT = 400


class Ended(Exception):
    """The output of the process in the room ended."""


class Late(Exception):
    """Time is up."""


class Lied(Exception):
    """A frame is not within its limits."""


class Exchange:
    """The two pipes of *process*, which :func:`scripts.desk.pictures.drawing_room.start` started.

    Reading raises Late after ``deadline``, a time of the monotonic clock, or once *stopped* says
    so.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], stopped: Callable[[], bool] = lambda: False
    ) -> None:
        assert process.stdin is not None and process.stdout is not None
        assert process.stderr is not None
        self._process, self._stopped = process, stopped
        self._in, self._out = process.stdin, process.stdout
        self._complaints = process.stderr
        self._piece = memoryview(b"")
        os.set_blocking(self._in.fileno(), False)
        self.deadline = time.monotonic() + _STARTING_SECONDS
        self._content: BinaryIO | None = None
        self._last = True

    def await_walls(self) -> None:
        """Wait for the word that the walls are up. Raises NoRoom or Lied."""
        try:
            ready = self.exactly(HEADER.size)
        except (Ended, Late):
            self._process.kill()
            complaint = self._complaints.read(_MOST_COMPLAINT) or b""
            # It has not been given any of a file, so this message comes from the computer alone.
            lines = complaint.decode("utf-8", "replace").strip().splitlines()
            reason = f" It says: {lines[-1]}" if lines else ""
            raise NoRoom(f"The room for drawing files could not be closed off.{reason}") from None
        if ready != HEADER.pack(frames.READY, 0, 0, 0):
            raise Lied

    def give(self, content: BinaryIO, *, last: bool = True) -> None:
        """Let *content* go in while frames are read; after the *last* one its input ends."""
        self._content, self._last = content, last

    def exactly(self, size: int) -> bytearray:
        """The next *size* bytes; meanwhile feeds what was given. Raises Ended or Late."""
        data = bytearray()
        while len(data) < size:
            if self._wait():
                piece = os.read(self._out.fileno(), min(size - len(data), 2**20))
                if not piece:
                    raise Ended
                data += piece
        return data

    def _wait(self) -> bool:
        """Wait until there is something to read (True), or feed what fits (False)."""
        writing = [self._in] if self._content is not None else []
        left = self.deadline - time.monotonic()
        if left <= 0 or self._stopped():
            raise Late
        readable, writable, _ = select.select([self._out], writing, [], min(left, _LOOK_EVERY))
        if readable:
            return True
        if writable:
            self._feed()
        return False

    def _feed(self) -> None:
        assert self._content is not None
        if not self._piece:
            self._piece = memoryview(self._content.read(_PIECE_BYTES))
        try:
            if self._piece:
                written = os.write(self._in.fileno(), self._piece)
                self._piece = self._piece[written:]
                return
        except BrokenPipeError:
            # It has read enough, or has ended; its frames show which.
            self._piece, self._last = memoryview(b""), True
        self._content = None
        if self._last:
            self._in.close()
