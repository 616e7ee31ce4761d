"""The screen of a report, such as the charts: what its command prints, scrolled."""

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from rich.console import Console, RenderableType
from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.widget import Widget

from dropbox.errors import CasedropError
from scripts.desk.full_screen.panes import Pages
from scripts.desk.full_screen.queue import Queue
from scripts.desk.full_screen.reports import Drawn, Report
from scripts.desk.full_screen.selecting import Selecting
from scripts.desk.full_screen.sitting import Sitting
from scripts.desk.full_screen.wrapped import Line, unisolated
from scripts.desk.search.upkeep import catch_up

# Below this width tables would be cut off; they are shown row by row instead.
_LEAST_WIDTH = 30


class ReportScreen(Selecting):
    """The *report* on the cases that *queue* lists."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,pagedown", "scroll(1)", "on"),
        Binding("b,pageup", "scroll(-1)", "back up", show=False),
        Binding("n", "part(1)", "next figure"),
        Binding("p", "part(-1)", "previous figure", show=False),
        *Selecting.CHOICES,
        Binding("r", "all", "all cases"),
        Binding("escape,q", "dismiss", "back"),
        Binding("ctrl+q", "app.leave", ""),
        Binding("down,j", "lines(1)", "a line down", show=False),
        Binding("up,k", "lines(-1)", "a line up", show=False),
        Binding("home", "scroll(-1000000)", "begin", show=False),
        Binding("end", "scroll(1000000)", "end", show=False),
    ]

    def __init__(self, sitting: Sitting, queue: Queue, report: Report) -> None:
        super().__init__(sitting, queue)
        self._report = report
        self._drawn: Drawn = lambda _width: ()

    def forget(self) -> None:
        """Hold nothing that was counted."""
        self._drawn = lambda _width: ()

    def body(self) -> Iterable[Widget]:
        """The report."""
        yield Pages(id="report")

    def on_mount(self) -> None:
        """Count."""
        super().on_mount()
        self.show_selected()

    def on_resize(self, event: Resize) -> None:
        """Draw it again."""
        super().on_resize(event)
        self.call_after_refresh(self._draw)

    def show_selected(self) -> None:
        """Count, and show it."""
        report, queue = self._report, self.queue
        about = f": {queue.title}" if report.selected else ""
        count = self.counted(len(queue.numbers), "case") if report.selected else ""
        self.title_is(f" {self.word(report.title)}{about}", f"{count} ")
        self._drawn = lambda _width: ()
        self.remark("Counting …")
        self.call_after_refresh(self._count)

    def _count(self) -> None:
        casebook = self.sitting.casebook
        try:
            catch_up(casebook, lambda _stage, _done, _total: None)
            self._drawn = self._report.count(self.sitting, self.queue)
            casebook.note("view", self._report.command)
        except CasedropError as why:
            self.remark(str(why), "warning")
            return
        self.remark("")
        self._draw()

    @property
    def _pages(self) -> Pages:
        return self.query_one(Pages)

    def _draw(self) -> None:
        at = self._pages.scroll_offset.y
        width = max(_LEAST_WIDTH, self.size.width - 2)
        self._pages.show(list(_lines(self._drawn(width), width)))
        self._pages.scroll_by(at)

    def action_scroll(self, pages: int) -> None:
        """Go on, or back."""
        self._pages.scroll_by(pages * self._pages.page)

    def action_lines(self, by: int) -> None:
        """Go on by lines."""
        self._pages.scroll_by(by)

    def action_part(self, by: int) -> None:
        """The next figure, or the one before."""
        self._pages.to_head(by)


def _lines(renderables: Iterable[RenderableType], width: int) -> Iterator[Line]:
    """What rich draws, as lines of a pane."""
    # Nothing is printed: the console only breaks tables into segments.
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=True,
        legacy_windows=False,
        highlight=False,
        emoji=False,
        markup=False,
        _environ={},
    )
    for one in renderables:
        for segments in console.render_lines(one, pad=False):
            text = "".join(segment.text for segment in segments)
            yield Line(unisolated(text.rstrip()), _style(segments))


def _style(segments: Sequence[Segment]) -> str:
    style = next((one.style for one in segments if one.text.strip() and one.style), None)
    if style is None or not (style.bold or style.dim):
        return ""
    if style.dim:
        return "faint"
    # Titles of figures are at the beginning of a line; those of columns are not.
    first = segments[0].text
    return "label" if first.startswith(" ") else "head"
