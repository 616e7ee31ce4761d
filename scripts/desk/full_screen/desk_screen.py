"""What all screens of the desk have: a line that says where one is, a line of remarks, the keys."""

from collections.abc import Iterable, Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.events import Key, Resize
from textual.screen import Screen
from textual.widget import Widget

from scripts.desk.full_screen.dialogs import Reading
from scripts.desk.full_screen.panes import Bar, Cells, strip_width
from scripts.desk.full_screen.sitting import Sitting
from scripts.desk.full_screen.wrapped import Line

LEAST_WIDTH, LEAST_HEIGHT = 60, 16
# From so many columns on, two or three panes are beside each other.
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


class DeskScreen(Screen[int | None], inherit_bindings=False):
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
        """Where one is, what the screen shows, remarks, and the keys."""
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
            f"The full screen needs {LEAST_WIDTH} columns and {LEAST_HEIGHT} lines; here are "
            "fewer. Make the window larger, or use smaller letters. Ctrl-Q leaves; the commands "
            "work in any window.",
        )

    def on_resize(self, event: Resize) -> None:
        """Say so if there is too little room."""
        width, height = event.size
        self.set_class(width < LEAST_WIDTH or height < LEAST_HEIGHT, "small")
        self.set_class(width >= TWO_PANES, "two")
        self.set_class(width >= THREE_PANES, "three")

    def title_is(self, left: str, right: str = "") -> None:
        """Say where one is."""

        def write(width: int) -> list[Cells]:
            room = max(0, width - strip_width(right) - 1)
            return [[(f"{left:<{room}}"[:room], ""), (f" {right}", "")]]

        self.query_one("#head", Bar).show(write)

    def remark(self, text: str, style: str = "") -> None:
        """Say *text* above the keys."""
        self.query_one("#remark", Bar).say(text, style)

    def _keys(self, width: int) -> list[Cells]:
        lines: list[list[tuple[str, str]]] = [[]]
        used = 0
        for key, what in self._at_the_foot():
            size = strip_width(key) + 1 + strip_width(what) + 2
            if used + size > width + 2 and lines[-1]:
                lines.append([])
                used = 0
            lines[-1] += [(key, "label"), (f" {what}  ", "")]
            used += size
        return list(lines)

    def _at_the_foot(self) -> Iterator[tuple[str, str]]:
        bindings = self._bindings_with_what_they_do()
        yield from ((key, one.description) for key, one in bindings if one.show)
        yield "Ctrl-L", "lock"
        yield "?", "all keys"

    def _bindings_with_what_they_do(self) -> Iterator[tuple[str, Binding]]:
        """The bindings of this screen, each with its first key as people know it."""
        for one in self.BINDINGS:
            if isinstance(one, Binding) and one.description:
                key = one.key.split(",")[0]
                yield _SHOWN.get(key, key), one

    def on_key(self, event: Key) -> None:
        """List all keys."""
        if event.key == "question_mark":
            event.stop()
            keys = [f"{key}  {one.description}" for key, one in self._bindings_with_what_they_do()]
            keys += ["Ctrl-Q  leave", "Ctrl-L  lock: end the agent and clear the screen"]
            self.app.push_screen(Reading("All keys", [Line(key) for key in dict.fromkeys(keys)]))
