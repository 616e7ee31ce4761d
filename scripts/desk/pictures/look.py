"""Looking at one file: it goes into the room, and pixels and a bounded text come back.

Nothing that comes back is trusted: sizes, numbers and lengths are checked before they are used,
time is limited here, and any other ending becomes a sentence.
"""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

from scripts.desk.pictures import frames
from scripts.desk.pictures.drawing_room import Room, start
from scripts.desk.pictures.exchange import Ended, Exchange, Late, Lied
from scripts.desk.pictures.frames import HEADER, Page
from scripts.desk.pictures.kinds import HEAD_BYTES, Kind, kind_of
from scripts.desk.pictures.notes import Note, sentence

Sink = Callable[[Page], None]

# Kinds that are not drawn in any room, and why.
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
    """The result of a look: ``total`` pages are in the file, ``drawn`` went to the sink.

    ``text`` is as untrusted as the file: only :mod:`scripts.terminal` makes it safe to show.
    """

    kind: Kind
    total: int = 0
    drawn: int = 0
    text: str = ""
    sentences: list[str] = field(default_factory=list)


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

    *content* is at its beginning and can be rewound. Time is up once *stopped* says so. Raises
    NoRoom if the walls could not be raised; the file's first byte has not left this process then.
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
            exchange = Exchange(process, stopped)
            exchange.await_walls()
            exchange.give(content)
            _receive(exchange, shown, wanted, sink, time.monotonic() + seconds)
        except Ended:
            shown.sentences.append(_ENDED)
        except Late:
            shown.sentences.append(_LATE.format(seconds))
        except Lied:
            shown.sentences.append(_LIED)
        finally:
            # With bubblewrap, everything in the room ends with it.
            process.kill()
    return shown


def _unseen(kind: Kind, room: Room) -> str:
    """Why a file of *kind* is not drawn in *room*, "" if it is."""
    if kind in _UNSEEN:
        return _UNSEEN[kind]
    if kind not in _HELPERS:
        return ""
    programs, missing = _HELPERS[kind]
    if any(shutil.which(program) is None for program in programs):
        return missing
    return "" if room.converts() else _NEEDS_ROOM


def _receive(exchange: Exchange, shown: Shown, wanted: range, sink: Sink, deadline: float) -> None:
    """Take frames until the last one. Raises Ended, Late or Lied."""
    exchange.deadline = deadline
    noted, last = set[int](), wanted.start - 1
    while True:
        kind, a, b, c = HEADER.unpack(exchange.exactly(HEADER.size))
        if kind == frames.END:
            return
        if kind == frames.PAGE:
            page = _page(exchange, a, b, c, range(last + 1, wanted.stop))
            last = page.number
            shown.drawn += 1
            begun = time.monotonic()
            sink(page)
            # The time that the desk spends on a page does not count against the renderer.
            exchange.deadline += time.monotonic() - begun
        elif kind == frames.COUNT:
            shown.total = a
        elif kind == frames.TEXT and a <= frames.MOST_TEXT_BYTES and not shown.text:
            shown.text = bytes(exchange.exactly(a)).decode("utf-8", "replace")
        elif kind == frames.NOTE and a not in noted:
            noted.add(a)
            _note(shown, a, b)
        else:
            raise Lied


def _page(exchange: Exchange, number: int, width: int, height: int, allowed: range) -> Page:
    sides = range(1, frames.MOST_SIDE + 1)
    if (
        number not in allowed
        or width not in sides
        or height not in sides
        or width * height > frames.MOST_PIXELS
    ):
        raise Lied
    rgb = bytes(exchange.exactly(width * height * frames.BYTES_A_PIXEL))
    return Page(number, width, height, rgb)


def _note(shown: Shown, code: int, value: int) -> None:
    try:
        note = Note(code)
    except ValueError:
        raise Lied from None
    if note is Note.IS_OFFICE:
        shown.kind = Kind.OFFICE
    else:
        shown.kind = Kind.UNKNOWN if note is Note.NO_TEXT else shown.kind
        shown.sentences.append(sentence(note, value))
