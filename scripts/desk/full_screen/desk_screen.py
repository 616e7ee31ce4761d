"""What all screens of the desk share: a title line, a line of remarks, the keys."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar

from rich.cells import set_cell_size
from textual.app import ComposeResult
from textual.binding import Binding
from textual.events import Key, Resize
from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget

from dropbox.errors import CasedropError
from scripts.desk.full_screen.dialogs import Reading
from scripts.desk.full_screen.forgetting import Forgets
from scripts.desk.full_screen.panes import Bar, Cells, is_compact, strip_width
from scripts.desk.full_screen.sitting import Sitting
from scripts.desk.full_screen.wording import many, word
from scripts.desk.full_screen.wrapped import Line, on_one_line

# In a smaller terminal there is only a sentence.
LEAST_WIDTH, LEAST_HEIGHT = 24, 6
# One in this many lines of the screen is for its keys.
_LINES_A_LINE_OF_KEYS = 7
# From these many columns on, two or three panes are side by side.
TWO_PANES, THREE_PANES = 101, 150
_SHOWN = {
    "slash": "/",
    "question_mark": "?",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "escape": "Esc",
    "enter": "Enter",
    "tab": "Tab",
    "space": "Space",
    "pagedown": "PgDn",
    "delete": "Del",
    "exclamation_mark": "!",
    "pageup": "PgUp",
    "backspace": "Backspace",
    "up": "Up",
    "down": "Down",
    "home": "Home",
    "end": "End",
    "shift+tab": "Shift-Tab",
    "full_stop": ".",
    "comma": ",",
}


class DeskScreen(Screen[int | None], Forgets, inherit_bindings=False):
    """A screen at which the reviewer works; *sitting* gives the casebook."""

    DEFAULT_CSS = """
    DeskScreen { background: ansi_default; layout: vertical; }
    DeskScreen > #small { display: none; }
    DeskScreen.small > * { display: none; }
    DeskScreen.small > #small { display: block; }
    """
    ALLOW_SELECT: ClassVar[bool] = False

    def __init__(self, sitting: Sitting) -> None:
        super().__init__()
        self.sitting = sitting

    def compose(self) -> ComposeResult:
        """The title, what the screen shows, remarks, and the keys."""
        # Done before anything is styled, so that nothing is styled twice.
        self._suit(self.app.size)
        yield Bar(over="bar", id="head")
        yield from self.body()
        yield Bar(id="remark")
        yield Bar(id="keys")
        yield Bar(id="small")

    def body(self) -> Iterable[Widget]:
        """What this screen shows."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Write the keys."""
        self.query_one("#keys", Bar).show(self._keys)
        self.query_one("#small", Bar).say(
            f"Make the window larger, or use smaller letters: the full screen needs {LEAST_WIDTH} "
            f"columns and {LEAST_HEIGHT} lines. What you typed is kept. Ctrl-Q leaves; the "
            "commands work in any window.",
        )

    def on_resize(self, event: Resize) -> None:
        """Show a message if there is too little room."""
        self._suit(event.size)

    def _suit(self, size: Size) -> None:
        width, height = size
        self.set_class(width < LEAST_WIDTH or height < LEAST_HEIGHT, "small")
        self.set_class(is_compact(size) and width < TWO_PANES, "compact")
        self.set_class(width >= TWO_PANES, "two")
        self.set_class(width >= THREE_PANES, "three")

    def word(self, english: str) -> str:
        """One of the screens' own words, in the language of the labels."""
        return word(english, self.sitting.language)

    def counted(self, number: int, unit: str) -> str:
        """A number with its unit, in the language of the labels."""
        return many(number, unit, self.sitting.language)

    def title_is(self, left: str, right: str = "") -> None:
        """Show the title; *right* only if there is room for it."""

        def write(width: int) -> list[Cells]:
            beside = f" {right}" if strip_width(right) < width // 2 else ""
            room = max(2, width - strip_width(beside) - 1)
            return [[(" " + set_cell_size(on_one_line(left, room), room), ""), (beside, "")]]

        self.query_one("#head", Bar).show(write)

    def remark(self, text: str, style: str = "") -> None:
        """Show *text* above the keys."""
        self.query_one("#remark", Bar).say(text, style)

    def done(self, act: Callable[[], object]) -> bool:
        """Do *act*. Returns whether that worked; if not, the screen says why."""
        try:
            act()
        except (CasedropError, OSError) as why:
            self.remark(str(why), "warning")
            return False
        return True

    def _keys(self, width: int) -> list[Cells]:
        """As many keys as there is room for; the last one lists all."""
        *keys, last = self._at_the_foot()
        lines: list[list[tuple[str, str]]] = [[]]
        most, used, kept = max(1, self.size.height // _LINES_A_LINE_OF_KEYS), 0, _room(last)
        for key, what in keys:
            size = _room((key, what))
            is_last = len(lines) == most
            if used + size + (kept if is_last else 0) > width + 2 and lines[-1]:
                if is_last:
                    break
                lines.append([])
                used = 0
            lines[-1] += [(key, "label"), (f" {what}  ", "")]
            used += size
        if used + kept > width + 2 and len(lines) < most:
            lines.append([])
        lines[-1] += [(last[0], "label"), (f" {last[1]}", "")]
        return list(lines)

    def _at_the_foot(self) -> Iterator[tuple[str, str]]:
        bindings = self._bindings_with_what_they_do()
        yield from ((key, one.description) for key, one in bindings if one.show)
        yield "Ctrl-L", self.word("lock")
        yield "?", self.word("all keys")

    def _bindings_with_what_they_do(self) -> Iterator[tuple[str, Binding]]:
        """The bindings of this screen, each with its first key as people know it."""
        for one in self.BINDINGS:
            if isinstance(one, Binding) and one.description:
                key = one.key.split(",")[0]
                said = self.word(one.description)
                yield _SHOWN.get(key, key), dataclasses.replace(one, description=said)

    def on_key(self, event: Key) -> None:
        """List all keys."""
        if event.key == "question_mark":
            event.stop()
            keys = [f"{key}  {one.description}" for key, one in self._bindings_with_what_they_do()]
            keys += [f"Ctrl-Q  {self.word('leave')}", f"Ctrl-L  {self.word('lock')}"]
            self.app.push_screen(
                Reading(self.word("All keys"), [Line(key) for key in dict.fromkeys(keys)])
            )


def _room(key: tuple[str, str]) -> int:
    """How many cells a key and what it does take."""
    return strip_width(" ".join(key)) + 2
