"""The screen *Queue*: views with counts, and a row for each case of the chosen one."""

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Resize
from textual.widget import Widget

from dropbox.errors import CasedropError
from scripts.desk.full_screen.case_screen import CaseScreen
from scripts.desk.full_screen.dialogs import Chooser, Question, Typed
from scripts.desk.full_screen.giving import give
from scripts.desk.full_screen.lists import LogScreen, OutboxScreen, TeamScreen
from scripts.desk.full_screen.panes import USUAL_WIDTH, Bar, Cells, Rows
from scripts.desk.full_screen.queue import Row, View
from scripts.desk.full_screen.report_screen import ReportScreen
from scripts.desk.full_screen.reports import CHARTS, REPORTS
from scripts.desk.full_screen.selecting import Selecting
from scripts.desk.full_screen.unfinished import Unfinished
from scripts.desk.full_screen.wrapped import fitted, on_one_line
from scripts.desk.quality_control import draw as draw_rejected

_MARK = "*"
# A column's title and width; the text gets the rest. A column is shown from this many cells on.
_COLUMNS = {"": 2, "case": 8, "age": 7, "urgency": 10, "tier": 6, "flags": 12}
_WIDE = {"status": 26, "category": 10, "files": 6}
_WIDE_FROM = 110
_NARROW = {"": 2, "case": 8, "urgency": 9}
# A code besides those of reports, which are names of commands.
_DRAW = "quality --draw"
_LISTS = {"outbox": OutboxScreen, "log": LogScreen, "team": TeamScreen}


class QueueScreen(Selecting):
    """The cases of a view."""

    CSS = """
    QueueScreen #views { display: none; width: 34; margin: 0 1 0 0; }
    QueueScreen.three #views { display: block; }
    QueueScreen Horizontal { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open"),
        *Selecting.CHOICES,
        Binding("s", "sort", "sort"),
        Binding("r", "reverse", "reverse"),
        Binding("escape", "all", "all"),
        Binding("w", "keep", "save view"),
        Binding("delete", "delete_view", "delete view", show=False),
        Binding("space", "mark", "mark"),
        Binding("a", "give", "assign"),
        Binding("o", "list('outbox')", "outbox"),
        Binding("l", "list('log')", "log"),
        Binding("t", "list('team')", "team"),
        Binding("h", "hand_over", "hand over"),
        Binding("c", "charts", "charts"),
        Binding("i", "reports", "reports"),
        Binding("q,ctrl+q", "app.leave", "leave"),
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("home", "move(-1000000000)", "first", show=False),
        Binding("end", "move(1000000000)", "last", show=False),
    ]

    def body(self) -> Iterable[Widget]:
        """The views, and the rows under their titles."""
        yield Horizontal(
            Rows(id="views"), Vertical(Bar(id="titles"), Rows(id="rows"), classes="list")
        )

    def on_mount(self) -> None:
        """Show the first view."""
        super().on_mount()
        self.query_one("#titles", Bar).show(lambda width: [self._titles(width)])
        self.show(0)

    def on_resize(self, event: Resize) -> None:
        """The columns depend on the width."""
        super().on_resize(event)
        self.query_one("#titles", Bar).refresh(layout=True)

    def show_selected(self) -> None:
        """Show the first row."""
        self.show(0)

    def show(self, index: int) -> None:
        """Show the queue's rows, the one with *index* chosen."""
        queue = self.queue
        self.query_one("#rows", Rows).show(len(queue.numbers), self._row, index)
        codes = [one.code for one in queue.views]
        chosen = codes.index(queue.asked.view) if queue.asked.view in codes else 0
        self.query_one("#views", Rows).show(
            len(queue.views), lambda at, width: _view_cells(queue.views[at], width), chosen
        )
        self.title_is(
            f" {self.word('Queue')}: {queue.title}",
            f"{self.counted(len(queue.numbers), 'case')}, "
            f"{self.sitting.viewer.name(self.sitting.viewer.reviewer)} ",
        )
        empty = "" if queue.numbers else "There is no case here. Esc lists all, v shows the views."
        self.remark(queue.note or empty)

    def _titles(self, width: int) -> Cells:
        titles = ((self.word(name), size) for name, size in _columns(width).items())
        return [
            *((fitted(one, size), "label") for one, size in titles),
            (self.word("text"), "label"),
        ]

    def _row(self, index: int, width: int) -> Cells:
        row = self.queue.row(index)
        if row is None:
            return [("  (gone)", "faint")]
        return self._cells(row, width)

    def _cells(self, row: Row, width: int) -> Cells:
        standing, outline = row.standing, row.outline
        urgency, tier = standing["urgency"], standing["merit"]
        own = row.own
        urgencies = self.sitting.viewer.campaign.reviewing.codes("urgency")
        style = ["", "", "warning", "danger"][
            min(3, 1 + urgencies.index(urgency)) if urgency in urgencies else 0
        ]
        reviewing = self.sitting.viewer.campaign.reviewing
        status = reviewing.label("status", standing["status"], self.sitting.viewer.language)
        cells = {
            "": (_MARK if self.queue.is_marked(outline.number) else "", "good"),
            "case": (outline.name, "head"),
            "age": (f"{(self.sitting.today() - outline.day).days} d", ""),
            "urgency": (urgency or _mine(own.urgency), style),
            "tier": (tier or _mine(own.merit), ""),
            "flags": (",".join(standing["flags"].split()), "warning"),
            "status": (status, ""),
            "category": (standing["category"], ""),
            "files": (str(outline.files or ""), ""),
        }
        # A name is never cut: names that begin alike are longer.
        shown = {**_columns(width), "case": max(_COLUMNS["case"], len(outline.name) + 1)}
        rest = width - sum(shown.values())
        return [
            *((fitted(cells[name][0], size), cells[name][1]) for name, size in shown.items()),
            (on_one_line(row.gist or outline.text, rest), ""),
        ]

    def action_move(self, by: int) -> None:
        """Go up or down."""
        self.query_one("#rows", Rows).move(by)

    def action_page(self, by: int) -> None:
        """Go up or down by a page."""
        rows = self.query_one("#rows", Rows)
        rows.move(by * rows.page)

    def action_open(self) -> None:
        """Open the chosen case."""
        if self.queue.numbers:
            index = self.query_one("#rows", Rows).index
            self.app.push_screen(CaseScreen(self.sitting, self.queue.numbers, index), self._back)

    def open_case(self, number: int, resumed: Unfinished) -> None:
        """Open case *number*, in which something is *resumed*."""
        numbers = self.queue.numbers if number in self.queue.numbers else [number]
        case = CaseScreen(self.sitting, numbers, numbers.index(number), resumed)
        self.app.push_screen(case, self._back)

    def _back(self, number: int | None) -> None:
        """Show the queue as it is now, at the case that the reviewer looked at last."""
        queue, rows = self.queue, self.query_one("#rows", Rows)
        if queue.stale:
            queue.load()
        self.show(queue.numbers.index(number) if number in queue.numbers else rows.index)

    def action_give(self) -> None:
        """Give the marked cases to a reviewer, or else the chosen one."""
        queue, rows = self.queue, self.query_one("#rows", Rows)
        numbers = queue.marked or queue.numbers[rows.index : rows.index + 1]
        if numbers:
            chosen = queue.numbers[rows.index] if queue.numbers else None
            give(self, numbers, lambda: self._back(chosen))

    def action_hand_over(self) -> None:
        """Hand over what is listed."""
        # Imported only here: the code for dossiers takes as long to load as everything else.
        from scripts.desk.full_screen.hand_over_screen import HandOverScreen  # noqa: PLC0415

        self.app.push_screen(HandOverScreen(self.sitting, self.queue), self._back)

    def action_charts(self) -> None:
        """Show the charts of the listed cases."""
        self.app.push_screen(ReportScreen(self.sitting, self.queue, CHARTS), self._back)

    def action_reports(self) -> None:
        """Choose another report from their list."""

        def chosen(code: str) -> bool:
            if code == _DRAW:
                self.app.call_later(self._draw_rejected)
                return True
            report = ReportScreen(self.sitting, self.queue, REPORTS[code])
            self.app.call_later(self.app.push_screen, report, self._back)
            return True

        entries = [(code, self.word(one.title)) for code, one in REPORTS.items()]
        entries.append((_DRAW, "Draw rejected cases for a second review"))
        self.app.push_screen(Chooser("Reports", entries, choose=chosen))

    def _draw_rejected(self) -> None:
        """Have rejected cases come back for a second review, after asking."""
        sitting, percent = self.sitting, self.sitting.viewer.campaign.reviewing.quality_percent
        drawn: list[str] = []

        def draw() -> None:
            found = draw_rejected(sitting.casebook, today=sitting.today())
            away = sitting.casebook.layers.given_away(sitting.viewer.reviewer)
            names = {sitting.casebook.names.of(one) for one in away}
            drawn.extend(name for name in found if name not in names)

        def asked(yes: bool | None) -> None:
            if not yes or not self.done(draw):
                return
            sitting.changes += 1
            self._back(None)
            back = f"Back for a second review: {', '.join(drawn)}."
            self.remark(back if drawn else "No more rejected case was drawn.", "good")

        text = f"Have {percent} % of the rejected cases, by chance, come back for a second review?"
        self.app.push_screen(Question("Draw", text), asked)

    def action_list(self, name: str) -> None:
        """Open another screen."""
        self.app.push_screen(_LISTS[name](self.sitting))

    def action_sort(self) -> None:
        """Ask for the field by which the cases are sorted."""
        entries = [("", "arrival"), *self._fields()]
        self.app.push_screen(Chooser("Sort by", entries, choose=lambda code: self._ask(sort=code)))

    def action_reverse(self) -> None:
        """Reverse the order."""
        self._ask(descending=not self.queue.asked.descending)

    def action_keep(self) -> None:
        """Save the query as a view."""
        hint = "A name for the view, such as old-cases. The words are not saved with it."
        self.app.push_screen(Typed("Save this view", hint), self._save)

    def _save(self, name: str | None) -> None:
        if name is None:
            return
        try:
            self.queue.save(name.strip())
        except CasedropError as why:
            self.remark(str(why), "warning")
            return
        self.show(self.query_one("#rows", Rows).index)

    def action_delete_view(self) -> None:
        """Delete the saved view that is shown, after asking."""
        name = self.queue.saved_view
        if not name:
            self.remark("Only a saved view can be deleted; v lists them.")
            return

        def asked(yes: bool | None) -> None:
            if yes and self.done(lambda: self.queue.delete(name)):
                self.show(0)
                self.remark(f"The view {name} was deleted.", "good")

        self.app.push_screen(Question("Views", f"Delete the saved view {name}?"), asked)

    def action_mark(self) -> None:
        """Mark the chosen case, or take its mark away, and go on."""
        rows = self.query_one("#rows", Rows)
        if self.queue.numbers:
            self.queue.mark(self.queue.numbers[rows.index])
            rows.move(1)
            self.query_one("#views", Rows).refresh()


def _mine(code: str) -> str:
    return f"({code})" if code else ""


def _columns(width: int) -> dict[str, int]:
    if width < USUAL_WIDTH:
        return _NARROW
    return {**_COLUMNS, **_WIDE} if width >= _WIDE_FROM else _COLUMNS


def _view_cells(view: View, width: int) -> Cells:
    count = "" if view.count is None else f"{view.count:,} "
    return [(fitted(f" {view.label}", width - len(count) - 1), ""), (count, "label")]
