"""Pictures in a terminal that can show them, by kitty's graphics protocol or as sixels.

Only pixels that the desk drew go there, in base64 or as sixels: nothing in them can act on a
terminal. The terminal then holds them in its memory, so they are drawn on its alternate screen,
which has no scrollback, and are erased once somebody has looked.
"""

import base64
import fcntl
import os
import re
import select
import struct
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TextIO

from scripts.desk.pictures.frames import Page


class Protocol(StrEnum):
    """The protocols by which terminals show pictures."""

    KITTY = "kitty"
    SIXEL = "sixel"


# kitty's own limit for one escape sequence.
_CHUNK = 4_096
_TERMS = frozenset({"xterm-kitty", "xterm-ghostty"})
_PROGRAMS = frozenset({"WezTerm", "ghostty"})
# Inside these, pictures would stay in another program's memory, or not get through.
_INSIDE = ("TMUX", "STY")
# Terminals that may print a query instead of answering it.
_SILENT = frozenset({"", "dumb", "linux", "unknown", "vt52"})
# Queries: can it show a picture of one pixel (kitty), and what are its features (DEC, answered by
# all)?
_ASKED = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[c"
_KITTY_CAN = re.compile(rb"\x1b_Gi=31;OK\x1b\\")
_ATTRIBUTES = re.compile(rb"\x1b\[\?([0-9;]{1,60})c")
_HAS_SIXELS = b"4"
# A terminal on this computer answers in milliseconds, one behind ssh within a second.
ANSWER_SECONDS, _ANSWER_BYTES = 1.0, 1_024
# The size of a cell in pixels, if the terminal does not say.
_USUAL_CELL = (8, 16)
# The caption, and the line below it.
_CAPTION_LINES = 2
_OTHER_SCREEN, _OWN_SCREEN = (
    "\x1b[?1049h\x1b[?25l\x1b[2J\x1b[H",
    "\x1b[2J\x1b[H\x1b[?25h\x1b[?1049l",
)
# Deletes all pictures and their data, and asks for no answer, which would be read as typed input.
_DELETE = "\x1b_Ga=d,d=A,q=2\x1b\\"


# A picture stays no longer than this without a key, as the full screen does.
LOOK_SECONDS = 600.0
# q, Escape, the end of the input, and no key at all.
ENDS = frozenset({"q", "\x1b", "\x04", ""})


class Area(NamedTuple):
    """The size of a terminal, and of its cells in pixels."""

    columns: int
    lines: int
    cell_width: int = _USUAL_CELL[0]
    cell_height: int = _USUAL_CELL[1]


def at_terminal() -> bool:
    """Whether input and output are a terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def named(environ: Mapping[str, str]) -> Protocol | None:
    """The protocol of the terminal that *environ* names; inside tmux or screen there is none."""
    if any(name in environ for name in _INSIDE):
        return None
    kitty = (
        environ.get("TERM", "") in _TERMS
        or environ.get("TERM_PROGRAM", "") in _PROGRAMS
        or "KITTY_WINDOW_ID" in environ
    )
    return Protocol.KITTY if kitty else None


def found(environ: Mapping[str, str], ask: Callable[[], bytes]) -> Protocol | None:
    """The protocol of this terminal, which is queried if *environ* does not say; None if none.

    *ask* returns its answer, or b"".
    """
    if (one := named(environ)) is not None:
        return one
    if environ.get("TERM", "") in _SILENT or any(name in environ for name in _INSIDE):
        return None
    untrusted_answer = ask()
    if _KITTY_CAN.search(untrusted_answer):
        return Protocol.KITTY
    attributes = _ATTRIBUTES.search(untrusted_answer)
    return Protocol.SIXEL if attributes and _HAS_SIXELS in attributes[1].split(b";")[1:] else None


def ask_terminal(terminal: int = 0, out: int = 1, seconds: float = ANSWER_SECONDS) -> bytes:
    """The terminal's answer when asked about pictures, waiting at most *seconds*.

    Anything typed meanwhile is lost: it cannot be told from an answer.
    """
    with _each_key(terminal):
        os.write(out, _ASKED.encode())
        answer, end = b"", time.monotonic() + seconds
        while not _ATTRIBUTES.search(answer) and len(answer) < _ANSWER_BYTES:
            left = end - time.monotonic()
            if left <= 0 or not select.select([terminal], [], [], left)[0]:
                break
            answer += os.read(terminal, _ANSWER_BYTES)
        termios.tcflush(terminal, termios.TCIFLUSH)
    return answer


def area_of(terminal: int = 1) -> Area:
    """How large the terminal is."""
    lines, columns, width, height = struct.unpack(
        "HHHH", fcntl.ioctl(terminal, termios.TIOCGWINSZ, bytes(8))
    )
    columns, lines = columns or 80, lines or 24
    cell = (width // columns, height // lines) if width and height else _USUAL_CELL
    return Area(columns, lines, *(max(1, one) for one in cell))


def drawn(page: Page, protocol: Protocol, area: Area) -> str:
    """The sequence that draws *page* at the cursor, as large as fits above a caption."""
    # Loaded only when there is a page.
    from scripts.desk.pictures.fitting import fitted  # noqa: PLC0415
    from scripts.desk.pictures.png import png_of  # noqa: PLC0415
    from scripts.desk.pictures.sixel import sixel_of  # noqa: PLC0415

    lines = max(1, area.lines - _CAPTION_LINES)
    small = fitted(page, area.columns * area.cell_width, lines * area.cell_height)
    return "".join(_kitty(png_of(small))) if protocol is Protocol.KITTY else sixel_of(small)


def _kitty(png: bytes) -> Iterator[str]:
    # Transmit and show a PNG, asking for no answer, which would be read as typed input.
    control = "a=T,f=100,q=2,"
    data = base64.b64encode(png).decode("ascii")
    for at in range(0, len(data), _CHUNK):
        more = int(at + _CHUNK < len(data))
        yield f"\x1b_G{control}m={more};{data[at : at + _CHUNK]}\x1b\\"
        control = ""


@dataclass
class Pictures:
    """A terminal that shows pictures by *protocol*, on *out*.

    *key* waits at most the given seconds for a key, and returns it, or "" if there was none.
    """

    protocol: Protocol
    out: TextIO
    area: Callable[[], Area]
    key: Callable[[float], str]

    def look(self, page: Page, of: str) -> str:
        """Draw *page* with the caption *of*, wait for a key, erase it.

        Returns the key, "" if nobody pressed any for LOOK_SECONDS.
        """
        area, caption = self.area(), f"page {page.number} of {of}: any key goes on, q ends it"
        try:
            self.out.write(_OTHER_SCREEN + drawn(page, self.protocol, area))
            self.out.write(f"\x1b[{area.lines};1H{caption[: area.columns - 1]}")
            self.out.flush()
            return self.key(LOOK_SECONDS)
        finally:
            # Even if it was interrupted: nothing of it stays.
            self.out.write(_DELETE * (self.protocol is Protocol.KITTY) + _OWN_SCREEN)
            self.out.flush()


def pictures_here(asked: str) -> Pictures | None:
    """This process's terminal, if it shows pictures; *asked* names a protocol, or "" for any."""
    protocol = Protocol(asked) if asked else found(os.environ, ask_terminal)
    return Pictures(protocol, sys.stdout, area_of, _key) if protocol else None


def _key(seconds: float) -> str:
    with _each_key(0):
        pressed = select.select([0], [], [], seconds)[0]
        return os.read(0, _ANSWER_BYTES).decode("utf-8", "replace")[:1] if pressed else ""


@contextmanager
def _each_key(terminal: int) -> Iterator[None]:
    """Make the *terminal* pass on each key at once without echo; Ctrl-C still interrupts."""
    before = termios.tcgetattr(terminal)
    try:
        tty.setcbreak(terminal, termios.TCSADRAIN)
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
