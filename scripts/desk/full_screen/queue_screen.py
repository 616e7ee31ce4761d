"""The screen *Queue*: views with counts, and a row for each case of the chosen one."""

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Resize
from textual.widget import Widget

from dropbox.errors import CasedropError
from scripts.desk.full_screen.case_screen import CaseScreen
from scripts.desk.full_screen.desk_screen import DeskScreen
from scripts.desk.full_screen.dialogs import Chooser, Typed
from scripts.desk.full_screen.lists import LogScreen, OutboxScreen, TeamScreen
from scripts.desk.full_screen.panes import Bar, Cells, Rows
from scripts.desk.full_screen.queue import ALL, Queue, Row, View
from scripts.desk.full_screen.sitting import Sitting
from scripts.desk.full_screen.wrapped import fitted, on_one_line
from scripts.desk.screen.output import counted
from scripts.desk.search.columns import Kind

_MARK = "*"
# A column's title and width; the text has the rest. From so many cells on, a column is shown.
_COLUMNS = {"": 2, "case": 8, "age": 7, "urgency": 10, "tier": 6, "flags": 12}
_WIDE = {"status": 26, "category": 10, "files": 6}
_WIDE_FROM = 110
_LISTS = {"outbox": OutboxScreen, "log": LogScreen, "team": TeamScreen}


class QueueScreen(DeskScreen):
    """The cases of a view."""

    CSS = """
    QueueScreen #views { display: none; width: 34; margin: 0 1 0 0; }
    QueueScreen.three #views { display: block; }
    QueueScreen Horizontal { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open"),
        Binding("v", "views", "views"),
        Binding("left_square_bracket", "view(-1)", ""),
        Binding("right_square_bracket", "view(1)", "next view"),
        Binding("slash", "words", "words"),
        Binding("f", "filter", "filter"),
        Binding("s", "sort", "sort"),
        Binding("r", "reverse", "reverse"),
        Binding("escape", "all", "all"),
        Binding("w", "keep", "save view"),
        Binding("space", "mark", "mark"),
        Binding("o", "list('outbox')", "outbox"),
        Binding("l", "list('log')", "log"),
        Binding("t", "list('team')", "team"),
        Binding("q,ctrl+q", "app.leave", "leave"),
        Binding("up,k", "move(-1)", ""),
        Binding("down,j", "move(1)", ""),
        Binding("pageup", "page(-1)", ""),
        Binding("pagedown", "page(1)", ""),
        Binding("home", "move(-1000000000)", ""),
        Binding("end", "move(1000000000)", ""),
    ]

    def __init__(self, sitting: Sitting, queue: Queue) -> None:
        super().__init__(sitting)
        self.queue = queue

    def body(self) -> Iterable[Widget]:
        """The views, and the rows under their titles."""
        yield Horizontal(
            Rows(id="views"), Vertical(Bar(id="titles"), Rows(id="rows"), classes="list")
        )

    def on_mount(self) -> None:
        """Show the first view."""
        super().on_mount()
        self.query_one("#titles", Bar).show(lambda width: [_titles(width)])
        self.show(0)

    def on_resize(self, event: Resize) -> None:
        """The columns depend on the width."""
        super().on_resize(event)
        self.query_one("#titles", Bar).refresh(layout=True)

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
            f" Queue: {queue.title}",
            f"{counted(len(queue.numbers), 'case')}, "
            f"{self.sitting.viewer.name(self.sitting.viewer.reviewer)} ",
        )
        empty = "" if queue.numbers else "There is no case here. Esc lists all, v shows the views."
        self.remark(queue.note or empty)

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
        # A name is never cut: those that begin alike are longer.
        shown = {**_columns(width), "case": max(_COLUMNS["case"], len(outline.name) + 1)}
        rest = width - sum(shown.values())
        return [
            *((fitted(cells[name][0], size), cells[name][1]) for name, size in shown.items()),
            (on_one_line(row.gist or outline.text, max(2, rest)), ""),
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

    def _back(self, number: int | None) -> None:
        """Show the case at which the reviewer looked last, and what is there now."""
        queue, rows = self.queue, self.query_one("#rows", Rows)
        if queue.stale:
            queue.load()
        self.show(queue.numbers.index(number) if number in queue.numbers else rows.index)

    def _ask(self, **changes: object) -> bool:
        """List something else, from its first row; or say why that cannot be."""
        try:
            self.queue.ask(**changes)
        except CasedropError as why:
            self.remark(str(why), "warning")
            return True
        self.show(0)
        return True

    def action_list(self, name: str) -> None:
        """Open another screen."""
        self.app.push_screen(_LISTS[name](self.sitting))

    def action_views(self) -> None:
        """Choose a view from their list."""
        entries = [
            (view.code, view.label if view.count is None else f"{view.label}  {view.count:,}")
            for view in self.queue.views
        ]
        self.app.push_screen(
            Chooser("Views", entries, choose=lambda code: self._ask(view=code, where=()))
        )

    def action_view(self, by: int) -> None:
        """The next view, or the one before."""
        codes = [view.code for view in self.queue.views]
        self._ask(view=codes[(codes.index(self.queue.asked.view) + by) % len(codes)])

    def action_words(self) -> None:
        """Ask for words, and list only the cases that hold them."""
        hint = "Words that a case must hold, in either Chinese script; “...” keeps a phrase."

        def asked(words: str | None) -> None:
            if words is not None:
                self._ask(words=words.strip())

        self.app.push_screen(Typed("Words", hint, self.queue.asked.words), asked)

    def action_filter(self) -> None:
        """Ask for a field and its value, and list only the cases that have it."""
        self.app.push_screen(Chooser("Filter by", self._fields(), choose=self._filter))

    def _filter(self, code: str) -> bool:
        column = self.queue.columns()[code]
        language = self.sitting.viewer.language

        def add(condition: str | None) -> None:
            if condition is not None:
                self._ask(where=(*self.queue.asked.where, condition.strip()))

        def chosen(value: str) -> bool:
            add(f"{code}={value}")
            return True

        if column.codes and column.kind is Kind.CODE:
            entries = [(one, f"{one}  {column.label(one, language)}") for one in column.codes]
            entries.append(("", "(nothing said)"))
            asking = Chooser(code, entries, choose=chosen)
            self.app.call_later(self.app.push_screen, asking)
        else:
            hint = f"It is {column.kind}: {code}=…, and with != < > <= >= as well."
            self.app.call_later(self.app.push_screen, Typed(code, hint, f"{code}="), add)
        return True

    def _fields(self) -> list[tuple[str, str]]:
        """The fields by which cases can be filtered and sorted, with their labels."""
        language = self.sitting.viewer.language
        found = []
        for code, column in self.queue.columns().items():
            label = column.label(code, language)
            found.append((code, code if label == code else f"{code}  {label}"))
        return found

    def action_sort(self) -> None:
        """Ask for the field by which the cases are sorted."""
        entries = [("", "arrival"), *self._fields()]
        self.app.push_screen(Chooser("Sort by", entries, choose=lambda code: self._ask(sort=code)))

    def action_reverse(self) -> None:
        """Turn the order round."""
        self._ask(descending=not self.queue.asked.descending)

    def action_all(self) -> None:
        """List all cases again."""
        self._ask(view=ALL, where=(), words="", sort="", descending=False)

    def action_keep(self) -> None:
        """Save what is asked for as a view."""
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
    return {**_COLUMNS, **_WIDE} if width >= _WIDE_FROM else _COLUMNS


def _titles(width: int) -> Cells:
    shown = _columns(width)
    return [*((fitted(name, size), "label") for name, size in shown.items()), ("text", "label")]


def _view_cells(view: View, width: int) -> Cells:
    count = "" if view.count is None else f"{view.count:,} "
    return [(fitted(f" {view.label}", width - len(count) - 1), ""), (count, "label")]
