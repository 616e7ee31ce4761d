"""Whole screens as pictures of characters, compared with files that people can read and renew.

Beside a line that is not all in the terminal's plain style stands which of its cells are in which.
"""

import difflib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.segment import Segment
from textual.widgets import TextArea

from support.seat import Seat

PICTURES = Path(__file__).parents[1] / "vectors" / "screen"
# With this variable set, expected pictures are written, not compared.
RENEW = "CASEDROP_RENEW_SCREENS"
# What is another each time or on another computer, and always as long: times, also where they are
# cut, the hash that ends the custody log, the code of a hand-over, and the disk.
_CHANGING = re.compile(
    "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]*|(?<=custody head: )[0-9a-f]*|(?<=Code: )[0-9a-f-]*"
)
_DISK = re.compile("disk: [^ ]* *")
_STYLED = "  ┊ "
# Colours of frames.
_FRAMES = (None, 8, 12)
# What somebody types at once begins with this.
TYPED = "="


async def pictures(seat: Seat, walk: Mapping[str, str]) -> str:
    """A picture of the screen after each step of *walk*, with the keys that lead there."""
    shown = []
    for name, keys in walk.items():
        for key in keys.split():
            if key.startswith(TYPED) and key != TYPED:
                await seat.type(key.removeprefix(TYPED).replace("·", " "))
                await seat.settle()
            else:
                await seat.press(key)
        shown += [f"▶ {name}: {keys}".rstrip(": "), *_squeezed(picture(seat)), ""]
    return "\n".join(shown)


def picture(seat: Seat) -> list[str]:
    """The lines of the screen, each with its styles."""
    screen = seat.app.screen
    for area in screen.query(TextArea):
        area.cursor_blink = False
    return [_line(strip) for strip in screen._compositor.render_strips(screen.size)]


def _line(strip: Iterable[Segment]) -> str:
    runs, text, at = list[tuple[str, int, int]](), "", 0
    for piece in strip:
        end = at + cell_len(piece.text)
        said = _said(piece)
        if runs and runs[-1][0] == said:
            runs[-1] = (said, runs[-1][1], end)
        else:
            runs.append((said, at, end))
        text, at = text + piece.text, end
    text = _CHANGING.sub(lambda found: re.sub("[0-9a-f]", "0", found[0]), text)
    text = _DISK.sub("disk: (this one)", text).rstrip()
    styles = ", ".join(f"{said} {begin}-{end}" for said, begin, end in runs if said)
    return f"{text}{_STYLED}{styles}" if styles else text


def _said(piece: Segment) -> str:
    """The style of a piece in words, "" where nobody sees one."""
    style = piece.style
    if style is None:
        return ""
    words = [name for name in ("bold", "dim", "underline", "reverse") if getattr(style, name)]
    if not piece.text.strip() and "reverse" not in words:
        return ""
    if style.color is not None and style.color.number not in _FRAMES:
        words.insert(0, style.color.name)
    return " ".join(word for word in words if word != "default")


def _squeezed(lines: Iterable[str]) -> Iterator[str]:
    """*lines*, of which many empty ones are one that counts them."""
    for is_empty, found in groupby(lines, key=lambda line: not line):
        some = list(found)
        yield from [f"⋮ {len(some)} empty lines"] if is_empty and len(some) > 2 else some


def compare(name: str, shown: str, folder: Path = PICTURES) -> None:
    """Compare *shown* with the picture *name* in *folder*, or write it if it is to be renewed."""
    path = folder / f"{name}.txt"
    if os.environ.get(RENEW):
        path.parent.mkdir(exist_ok=True)
        path.write_text(shown, "utf-8")
        return
    expected = path.read_text("utf-8")
    if shown != expected:
        difference = difflib.unified_diff(
            expected.splitlines(), shown.splitlines(), path.name, "shown", lineterm="", n=2
        )
        pytest.fail("\n".join([*difference, f"If it should be so, {RENEW}=1 renews it."]))
