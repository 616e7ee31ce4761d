"""Looking at one file: it goes into the room, and pixels and a bounded text come back.

Nothing that comes back is believed: sizes, numbers and lengths are checked before anything is made
of them, the time is limited here, and whatever ends otherwise ends in a sentence.
"""

import os
import select
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

from scripts.desk.pictures import frames
from scripts.desk.pictures.frames import HEADER, Page
from scripts.desk.pictures.kinds import HEAD_BYTES, Kind, kind_of
from scripts.desk.pictures.notes import Note, sentence
from scripts.desk.pictures.room import NoRoom, Room, start

Sink = Callable[[Page], None]

# Until the walls are up, on a slow and busy computer.
_STARTING_SECONDS = 30.0
_PIECE_BYTES = 2**16
# In seconds: how soon somebody who stops the drawing has stopped it.
_LOOK_EVERY = 0.25
_MOST_COMPLAINT = 400
# What is not looked at in any room, and why.
_UNSEEN = {
    Kind.EMPTY: "It holds nothing.",
    Kind.PROGRAM: "It was not started, and must never be.",
    Kind.OTHER_ARCHIVE: "What is in it is not listed, and nothing in it was opened.",
    Kind.SEALED: "Only gpg opens it; the guide says how, for what was locked to your keys.",
    Kind.WECHAT_VOICE: "Nothing here can play it.",
}
_HELPERS = {
    Kind.OFFICE: (
        ("soffice",),
        "LibreOffice is not on this computer, so no page of it can be drawn; it is in the Debian "
        "packages libreoffice-writer-nogui, -calc-nogui and -impress-nogui. All else is drawn "
        "without it.",
    ),
    Kind.RECORDING: (
        ("ffprobe", "ffmpeg"),
        "ffmpeg is not on this computer, so neither its length nor stills can be shown; it is in "
        "the Debian package ffmpeg. All else is drawn without it.",
    ),
}
# A converter would run with the reviewer's own rights.
_NEEDS_ROOM = "Only bubblewrap's room is safe enough for the program that would draw it."
_ENDED = "The program that drew it ended before it was done: it is damaged, or made to do harm."
_LATE = "Drawing it took longer than {:.0f} seconds and was stopped."
_LIED = "The program that drew it broke its limits and was stopped: the file is made to do harm."


@dataclass(repr=False)
class Shown:
    """What came of a look: ``total`` pages are in the file, ``drawn`` went to the sink.

    ``text`` is as untrusted as the file: only :mod:`scripts.terminal` makes it fit to show.
    """

    kind: Kind
    total: int = 0
    drawn: int = 0
    text: str = ""
    sentences: list[str] = field(default_factory=list)


class _Ended(Exception):
    """The renderer's output ended."""


class _Late(Exception):
    """The time is over."""


class _Lied(Exception):
    """A frame is not within its limits."""


def look(
    content: BinaryIO,
    wanted: range,
    room: Room,
    sink: Sink,
    *,
    seconds: float,
    stopped: Callable[[], bool] = lambda: False,
) -> Shown:
    """Draw pages *wanted* (numbers from 1) of *content* in *room*; each goes to *sink* as it comes.

    *content* is at its beginning and can be rewound. Once *stopped* says so the time is over.
    Raises NoRoom if the walls could not be raised; the file's first byte has not left this process
    then.
    """
    kind = kind_of(content.read(HEAD_BYTES))
    shown = _look(kind, content, wanted, room, sink, seconds, stopped)
    if shown.kind is Kind.OFFICE and kind is Kind.ZIP:
        # Only its list of names shows it.
        shown = _look(Kind.OFFICE, content, wanted, room, sink, seconds, stopped)
    return shown


def _look(
    kind: Kind,
    content: BinaryIO,
    wanted: range,
    room: Room,
    sink: Sink,
    seconds: float,
    stopped: Callable[[], bool],
) -> Shown:
    shown = Shown(kind)
    if reason := _unseen(kind, room):
        shown.sentences.append(reason)
        return shown
    content.seek(0)
    command = room.command(
        kind, range(wanted.start, min(wanted.stop, wanted.start + frames.MOST_PAGES))
    )
    with start(command) as process:
        try:
            exchange = _Exchange(process, content, stopped)
            exchange.await_walls()
            exchange.receive(shown, wanted, sink, time.monotonic() + seconds)
        except _Ended:
            shown.sentences.append(_ENDED)
        except _Late:
            shown.sentences.append(_LATE.format(seconds))
        except _Lied:
            shown.sentences.append(_LIED)
        finally:
            # With bubblewrap all that is in the room ends with it.
            process.kill()
    return shown


def _unseen(kind: Kind, room: Room) -> str:
    """Why a file of *kind* is not looked at in *room*, or "" if it is."""
    if kind in _UNSEEN:
        return _UNSEEN[kind]
    if kind not in _HELPERS:
        return ""
    programs, missing = _HELPERS[kind]
    if any(shutil.which(program) is None for program in programs):
        return missing
    return "" if room.converts() else _NEEDS_ROOM


class _Exchange:
    """The file goes in while frames come out, so that neither side waits for the other."""

    def __init__(
        self, process: subprocess.Popen[bytes], content: BinaryIO, stopped: Callable[[], bool]
    ) -> None:
        assert process.stdin is not None and process.stdout is not None
        assert process.stderr is not None
        self._process, self._content, self._stopped = process, content, stopped
        self._in, self._out = process.stdin, process.stdout
        self._complaints = process.stderr
        self._piece = memoryview(b"")
        os.set_blocking(self._in.fileno(), False)
        self._deadline = time.monotonic() + _STARTING_SECONDS
        self._feeding = False

    def await_walls(self) -> None:
        """Wait for the renderer's word that its walls are up. Raises NoRoom."""
        try:
            ready = self._exactly(HEADER.size)
        except (_Ended, _Late):
            self._process.kill()
            complaint = self._complaints.read(_MOST_COMPLAINT) or b""
            # Nothing of the file has been given to it, so this is the computer's word alone.
            lines = complaint.decode("utf-8", "replace").strip().splitlines()
            reason = f" It says: {lines[-1]}" if lines else ""
            raise NoRoom(f"The room for drawing files could not be closed off.{reason}") from None
        if ready != HEADER.pack(frames.READY, 0, 0, 0):
            raise _Lied
        self._feeding = True

    def receive(self, shown: Shown, wanted: range, sink: Sink, deadline: float) -> None:
        """Take frames until the last one. Raises _Ended, _Late or _Lied."""
        self._deadline = deadline
        noted, last = set[int](), wanted.start - 1
        while True:
            kind, a, b, c = HEADER.unpack(self._exactly(HEADER.size))
            if kind == frames.END:
                return
            if kind == frames.PAGE:
                page = self._page(a, b, c, range(last + 1, wanted.stop))
                last = page.number
                shown.drawn += 1
                begun = time.monotonic()
                sink(page)
                # What the desk does with a page is not the renderer's time.
                self._deadline += time.monotonic() - begun
            elif kind == frames.COUNT:
                shown.total = a
            elif kind == frames.TEXT and a <= frames.MOST_TEXT_BYTES and not shown.text:
                shown.text = bytes(self._exactly(a)).decode("utf-8", "replace")
            elif kind == frames.NOTE and a not in noted:
                noted.add(a)
                _note(shown, a, b)
            else:
                raise _Lied

    def _page(self, number: int, width: int, height: int, allowed: range) -> Page:
        sides = range(1, frames.MOST_SIDE + 1)
        if (
            number not in allowed
            or width not in sides
            or height not in sides
            or width * height > frames.MOST_PIXELS
        ):
            raise _Lied
        rgb = bytes(self._exactly(width * height * frames.BYTES_A_PIXEL))
        return Page(number, width, height, rgb)

    def _exactly(self, size: int) -> bytearray:
        """The next *size* bytes; meanwhile the file goes in. Raises _Ended or _Late."""
        data = bytearray()
        while len(data) < size:
            if self._wait():
                piece = os.read(self._out.fileno(), min(size - len(data), 2**20))
                if not piece:
                    raise _Ended
                data += piece
        return data

    def _wait(self) -> bool:
        """Wait until there is something to read (True), or feed what fits (False)."""
        writing = [self._in] if self._feeding else []
        left = self._deadline - time.monotonic()
        if left <= 0 or self._stopped():
            raise _Late
        readable, writable, _ = select.select([self._out], writing, [], min(left, _LOOK_EVERY))
        if readable:
            return True
        if writable:
            self._feed()
        return False

    def _feed(self) -> None:
        if not self._piece:
            self._piece = memoryview(self._content.read(_PIECE_BYTES))
        try:
            if self._piece:
                written = os.write(self._in.fileno(), self._piece)
                self._piece = self._piece[written:]
                return
        except BrokenPipeError:
            pass  # it has read enough, or has ended; its frames say which
        self._feeding = False
        self._in.close()


def _note(shown: Shown, code: int, value: int) -> None:
    try:
        note = Note(code)
    except ValueError:
        raise _Lied from None
    if note is Note.IS_OFFICE:
        shown.kind = Kind.OFFICE
    else:
        shown.kind = Kind.UNKNOWN if note is Note.NO_TEXT else shown.kind
        shown.sentences.append(sentence(note, value))
