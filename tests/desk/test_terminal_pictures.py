"""Pictures in a terminal: by which protocol, what is drawn, and that nothing of it stays."""

import base64
import fcntl
import io
import os
import pty
import re
import struct
import sys
import termios
import threading
import time

import pytest
from PIL import Image
from support.sixels import pixels_of

from scripts.desk.pictures.fitting import fitted
from scripts.desk.pictures.frames import Page
from scripts.desk.pictures.sixel import sixel_of
from scripts.desk.screen.terminal_pictures import (
    ANSWER_SECONDS,
    Area,
    Pictures,
    Protocol,
    area_of,
    ask_terminal,
    drawn,
    found,
    pictures_here,
)

KITTY_ANSWER = b"\x1b_Gi=31;OK\x1b\\\x1b[?62;22c"
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def page(width: int, height: int) -> Page:
    """Stripes and runs, a colour for each place of a few."""
    colours = (RED, GREEN, BLUE, (255, 255, 255), (0, 0, 0), (51, 102, 153))
    rgb = bytes(
        part for y in range(height) for x in range(width)
        for part in colours[(x // 5 + y * (y % 3)) % len(colours)]
    )  # fmt: skip
    return Page(1, width, height, rgb)


def unasked() -> bytes:
    raise AssertionError("The terminal was asked.")


@pytest.mark.parametrize(
    ("environ", "answer", "protocol"),
    [
        ({"TERM": "xterm-kitty"}, None, Protocol.KITTY),
        ({"TERM": "xterm", "KITTY_WINDOW_ID": "1"}, None, Protocol.KITTY),
        ({"TERM": "xterm", "TERM_PROGRAM": "WezTerm"}, None, Protocol.KITTY),
        ({"TERM": "xterm-kitty", "TMUX": "1"}, None, None),
        ({"TERM": "screen", "STY": "1"}, None, None),
        ({"TERM": "linux"}, None, None),
        ({}, None, None),
        ({"TERM": "xterm"}, KITTY_ANSWER, Protocol.KITTY),
        ({"TERM": "xterm"}, b"\x1b[?62;4;22c", Protocol.SIXEL),
        # The first number is the terminal's kind, not what it can do.
        ({"TERM": "xterm"}, b"\x1b[?4;6c", None),
        ({"TERM": "xterm"}, b"\x1b[?62;22;42c", None),
        ({"TERM": "xterm"}, b"\x1b_Gi=31;EINVAL:no\x1b\\\x1b[?62;4c", Protocol.SIXEL),
        ({"TERM": "xterm"}, b"", None),
        ({"TERM": "xterm"}, b"typed \xff\x1b[?", None),
    ],
)
def test_a_terminal_is_asked_only_where_its_name_says_nothing(
    environ: dict[str, str], answer: bytes | None, protocol: Protocol | None
) -> None:
    assert found(environ, unasked if answer is None else lambda: answer) is protocol


def test_a_terminal_has_a_second_to_answer_and_is_as_before_then() -> None:
    person, terminal = pty.openpty()
    before = termios.tcgetattr(terminal)
    seen: list[bytes] = []

    def answer() -> None:
        seen.append(os.read(person, 1_024))
        os.write(person, KITTY_ANSWER[:5])
        os.write(person, KITTY_ANSWER[5:])

    answering = threading.Thread(target=answer)
    answering.start()
    assert ask_terminal(terminal, terminal) == KITTY_ANSWER
    answering.join()
    assert seen == [b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[c"]

    begun = time.monotonic()
    assert ask_terminal(terminal, terminal, 0.05) == b""
    assert time.monotonic() - begun >= 0.05 and ANSWER_SECONDS == 1
    # However much comes, it is read no further, and none of it is left to be taken for typed.
    os.write(person, b"x" * 3_000)
    assert 0 < len(ask_terminal(terminal, terminal, 0.05)) < 3_000
    assert termios.tcgetattr(terminal) == before
    termios.tcsetwinsize(terminal, (24, 80))
    assert area_of(terminal) == Area(80, 24, 8, 16)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 800, 480))
    assert area_of(terminal) == Area(80, 24, 10, 20)
    for across, down, cell in ((800, 0, (8, 16)), (0, 480, (8, 16)), (79, 23, (1, 1))):
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, across, down))
        assert area_of(terminal) == Area(80, 24, *cell)
    # Some terminals say nothing of their size.
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, bytes(8))
    assert area_of(terminal) == Area(80, 24, 8, 16)
    os.close(person)
    os.close(terminal)


def test_a_key_is_read_at_once_and_unseen_and_nobody_is_waited_for_longer_than_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person, terminal = pty.openpty()
    before, kept = termios.tcgetattr(terminal), os.dup(0)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    here = pictures_here("kitty")
    assert here is not None
    os.dup2(terminal, 0)
    try:
        # What was typed ahead counts, and of a key that sends several bytes the first.
        os.write(person, "é\x1b[A".encode())
        assert here.key(60) == "é"
        begun = time.monotonic()
        assert here.key(0.05) == "" and time.monotonic() - begun >= 0.05
        assert termios.tcgetattr(terminal) == before
    finally:
        os.dup2(kept, 0)
        for one in (kept, person, terminal):
            os.close(one)


def test_a_terminal_of_two_lines_has_one_for_the_picture() -> None:
    made = page(80, 40)

    for lines in (1, 2, 3):
        shown = pixels_of(drawn(made, Protocol.SIXEL, Area(20, lines)))
        assert (shown.width, shown.height) == (32, 16)
    assert pixels_of(drawn(made, Protocol.SIXEL, Area(4, 24))).width == 32


@pytest.mark.parametrize("size", [(1, 1), (7, 6), (40, 13), (300, 20)])
def test_sixels_are_the_pixels_that_were_drawn(size: tuple[int, int]) -> None:
    made = page(*size)

    sixels = sixel_of(made)

    assert pixels_of(sixels) == made
    # Nothing in them acts on a terminal: two escapes, and between them no control character.
    assert re.fullmatch(r"\x1bP[\x20-\x7e]*\x1b\\", sixels)


def test_a_picture_of_many_colours_has_256_that_are_near() -> None:
    rgb = bytes(part for y in range(32) for x in range(32) for part in (x * 8, y * 8, 128))

    shown = pixels_of(sixel_of(Page(1, 32, 32, rgb)))

    assert max(abs(one - other) for one, other in zip(shown.rgb, rgb, strict=True)) < 32


def test_kitty_gets_the_pixels_as_png_in_pieces_and_a_large_page_in_fewer() -> None:
    made = page(640, 400)
    area = Area(80, 24, 8, 16)

    pieces = re.findall(r"\x1b_G([^;]*);([A-Za-z0-9+/=]*)\x1b\\", drawn(made, Protocol.KITTY, area))

    assert pieces[0][0].startswith("a=T,f=100,q=2,m=")
    assert [control for control, _ in pieces[1:]] == ["m=1"] * (len(pieces) - 2) + ["m=0"] * (
        len(pieces) > 1
    )
    assert all(len(data) <= 4_096 for _, data in pieces)
    shown = Image.open(io.BytesIO(base64.b64decode("".join(data for _, data in pieces))))
    # 22 lines of 16 pixels are left above the caption; the sides keep their ratio.
    assert shown.size == (563, 352)
    small = Page(1, 100, 60, page(100, 60).rgb)
    assert fitted(small, 640, 352) is small
    ((_, data),) = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b", drawn(small, Protocol.KITTY, area))
    assert Image.open(io.BytesIO(base64.b64decode(data))).tobytes() == small.rgb


class Flushed(io.StringIO):
    """Keeps what a terminal has been given already."""

    flushed = ""

    def flush(self) -> None:
        super().flush()
        self.flushed = self.getvalue()


@pytest.mark.parametrize("protocol", Protocol)
@pytest.mark.parametrize("interrupted", [False, True])
def test_a_picture_is_on_the_other_screen_and_is_erased_also_when_interrupted(
    protocol: Protocol, interrupted: bool
) -> None:
    waited: list[float] = []

    def key(seconds: float) -> str:
        waited.append(seconds)
        assert out.flushed == out.getvalue()
        if interrupted:
            raise KeyboardInterrupt
        return "q"

    out = Flushed()
    terminal = Pictures(protocol, out, lambda: Area(40, 10), key)
    if interrupted:
        with pytest.raises(KeyboardInterrupt):
            terminal.look(page(8, 8), "file 1")
    else:
        assert terminal.look(page(8, 8), "file 1") == "q"

    assert out.flushed == out.getvalue()
    before, other, shown = out.getvalue().partition("\x1b[?1049h")
    assert (waited, before, bool(other)) == ([600.0], "", True)
    picture, _, after = shown.partition("\x1b[10;1H")
    assert drawn(page(8, 8), protocol, Area(40, 10)) in picture
    # Erased before the other screen is left; kitty is told to free the data, too.
    caption, escape, erased = after.partition("\x1b")
    assert caption == "page 1 of file 1: any key goes on, q en"
    deleted = "\x1b_Ga=d,d=A,q=2\x1b\\" if protocol is Protocol.KITTY else ""
    assert escape + erased == deleted + "\x1b[2J\x1b[H\x1b[?25h\x1b[?1049l"


def test_a_terminal_that_shows_pictures_is_found_or_named_and_another_one_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for is_found in (Protocol.SIXEL, Protocol.KITTY, None):
        monkeypatch.setattr(
            "scripts.desk.screen.terminal_pictures.found", lambda *_, one=is_found: one
        )
        here = pictures_here("")
        assert (here.protocol if here else None) is is_found
        named = pictures_here(Protocol.KITTY.value)
        assert named is not None and named.protocol is Protocol.KITTY
