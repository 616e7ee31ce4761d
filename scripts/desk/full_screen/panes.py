"""The widgets of the full screen: lists and texts of any length; only visible lines are drawn.

They draw segments and never markup, so nothing that a claimant wrote can be read as markup. None of
them takes the keyboard focus: a screen's keys always do the same thing.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby, zip_longest

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from scripts.desk.full_screen.forgetting import Forgets
from scripts.desk.full_screen.wrapped import Line, Wrapped

# In the terminal's own colours, which suit dark and light ones, with few bytes a line.
STYLES = {
    "": Style(),
    "head": Style(bold=True),
    "label": Style(color="cyan"),
    "good": Style(color="green", bold=True),
    "warning": Style(color="yellow", bold=True),
    "danger": Style(color="red", bold=True),
    "faint": Style(dim=True),
    # Underlined too, for terminals without colours.
    "differs": Style(color="yellow", bold=True, underline=True),
    "chosen": Style(reverse=True),
    "bar": Style(reverse=True, bold=True),
}
# In a smaller terminal there is one pane at a time, with few columns.
USUAL_WIDTH, USUAL_HEIGHT = 60, 16
# This many lines of a text are wrapped at once; the rest follows when idle.
_AT_ONCE = 400

Cells = Sequence[tuple[str, str]]


def is_compact(size: Size) -> bool:
    """Whether there is room for one pane at a time only."""
    return size.width < USUAL_WIDTH or size.height < USUAL_HEIGHT


def strip(cells: Iterable[tuple[str, str]], width: int, over: str = "") -> Strip:
    """A line of *width* cells from texts with their styles, or with the style *over* for all."""
    if over:
        cells = [(text, over) for text, _style in cells]
    segments = [Segment(text, STYLES[style]) for text, style in cells if text]
    return Strip(segments).adjust_cell_length(width, STYLES[over])


def strip_width(text: str) -> int:
    """How many cells *text* takes."""
    return cell_len(text)


class Bar(Forgets):
    """One or a few lines at an edge of the screen."""

    DEFAULT_CSS = "Bar { height: auto; width: 1fr; }"

    def __init__(self, over: str = "", *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._over = over
        self._write: Callable[[int], Sequence[Cells]] = lambda _width: [[]]
        self._lines: Sequence[Cells] = ()

    def show(self, write: Callable[[int], Sequence[Cells]]) -> None:
        """Show the lines that *write* makes for a width."""
        self._write = write
        self.refresh(layout=True)

    def forget(self) -> None:
        """Hold no line."""
        self._write, self._lines = lambda _width: [[]], ()

    def say(self, text: str, style: str = "") -> None:
        """Show *text*, wrapped into lines; "" takes no room."""
        lines = lines_of if text else lambda *_anything: []
        self.show(lambda width: [[line[:2]] for line in lines(text, width, style)])

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as it has."""
        return len(self._write(width))

    def render_line(self, y: int) -> Strip:
        """Line *y*."""
        if y == 0 or not self._lines:
            self._lines = self._write(self.size.width)
        cells = self._lines[y] if y < len(self._lines) else []
        return strip(cells, self.size.width, self._over)


def lines_of(text: str, width: int, style: str = "") -> list[Line]:
    """*text* wrapped into lines, at least one."""
    wrapped = Wrapped([Line(text, style)], width)
    wrapped.reach(2**31)
    return wrapped.lines or [Line("")]


class Rows(ScrollView, Forgets, can_focus=False):
    """A list with one row chosen. It can be of any length: only rows on the screen are made."""

    DEFAULT_CSS = (
        "Rows { height: 1fr; width: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }"
    )

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.index = 0
        self._count = 0
        self._row: Callable[[int, int], Cells] = lambda _index, _width: []

    def show(self, count: int, row: Callable[[int, int], Cells], index: int = 0) -> None:
        """Show *count* rows; *row* makes one by its index (from 0) and width."""
        self._count, self._row = count, row
        self.virtual_size = Size(self.size.width, count)
        self.choose(index)
        self.refresh()

    def forget(self) -> None:
        """Hold no row."""
        self._count, self._row = 0, lambda _index, _width: []

    @property
    def count(self) -> int:
        """How many rows there are."""
        return self._count

    @property
    def page(self) -> int:
        """How many rows are on the screen."""
        return max(1, self.scrollable_content_region.height)

    def choose(self, index: int) -> None:
        """Choose the row *index*, or the nearest that there is, and bring it onto the screen."""
        before, self.index = self.index, max(0, min(index, self._count - 1))
        top = self.scroll_offset.y
        if self.index < top or self.index >= top + self.page:
            to = self.index - (0 if self.index < top else self.page - 1)
            self.scroll_to(y=max(0, to), animate=False, immediate=True)
        for row in (before, self.index):
            self.refresh_line(row)

    def move(self, by: int) -> None:
        """Choose the row *by* rows below."""
        self.choose(self.index + by)

    def on_resize(self) -> None:
        """The chosen row stays on the screen."""
        self.virtual_size = Size(self.size.width, self._count)
        self.choose(self.index)

    def render_line(self, y: int) -> Strip:
        """Line *y* of those on the screen."""
        index, width = y + self.scroll_offset.y, self.scrollable_content_region.width
        if index >= self._count:
            return Strip.blank(width)
        return strip(self._row(index, width), width, "chosen" if index == self.index else "")


class Pages(ScrollView, Forgets, can_focus=False):
    """A text of any length."""

    DEFAULT_CSS = (
        "Pages { height: 1fr; width: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }"
    )

    def __init__(self, *, id: str | None = None, classes: str = "") -> None:
        super().__init__(id=id, classes=classes)
        self._paragraphs: Sequence[Line] = ()
        self._wrapped = Wrapped((), 2)
        self._width = 0

    def show(self, paragraphs: Sequence[Line]) -> None:
        """Show these from the beginning."""
        self._paragraphs, self._width = paragraphs, 0
        self._break_lines()
        self.scroll_to(y=0, animate=False, immediate=True)
        self.refresh()

    def clear(self) -> None:
        """Show nothing, and keep nothing."""
        self.show(())

    def forget(self) -> None:
        """Hold no text."""
        self._paragraphs, self._wrapped = (), Wrapped((), 2)

    def on_resize(self) -> None:
        """Wrap the lines again."""
        self._break_lines()

    def _break_lines(self) -> None:
        # One cell less, where the scroll bar may come.
        width = max(2, self.container_size.width - 2)
        if width != self._width:
            self._width = width
            self._wrapped = Wrapped(self._paragraphs, width)
            self._go_on()

    def _go_on(self) -> None:
        wrapped = self._wrapped
        wrapped.reach(len(wrapped.lines) + _AT_ONCE)
        self.virtual_size = Size(self._width, len(wrapped.lines))
        if not wrapped.whole:
            self.set_timer(0.01, self._go_on)

    def scroll_by(self, lines: int) -> None:
        """Go on by *lines*."""
        self.scroll_to(y=self.scroll_offset.y + lines, animate=False, immediate=True)

    def to_head(self, by: int) -> None:
        """Go to the next heading (1), or to the one before (-1)."""
        lines, top = self._wrapped.lines, self.scroll_offset.y
        heads = [at for at, line in enumerate(lines) if line.style == "head"]
        further = [at for at in heads if (at > top if by > 0 else at < top)]
        if further:
            self.scroll_by((further[0] if by > 0 else further[-1]) - top)

    @property
    def page(self) -> int:
        """How far to scroll for a page: two lines stay visible."""
        return max(1, self.size.height - 2)

    def render_line(self, y: int) -> Strip:
        """Line *y* of those on the screen."""
        index, width = y + self.scroll_offset.y, self.size.width
        lines = self._wrapped.lines
        if index >= len(lines):
            return Strip.blank(width)
        return strip(_cells_of(lines[index]), width)


def _cells_of(line: Line) -> Cells:
    """*line*, with marked characters in the style for differences."""
    if not any(line.marks):
        return [(line.text, line.style)]
    marked = zip_longest(line.text, line.marks, fillvalue=0)
    return [
        ("".join(str(character) for character, _ in run), "differs" if differs else line.style)
        for differs, run in groupby(marked, key=lambda one: bool(one[1]))
    ]
