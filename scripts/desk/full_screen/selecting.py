"""Choosing which cases are listed, by views, words, fields and order, on several screens."""

from typing import ClassVar

from textual.binding import Binding, BindingType

from dropbox.errors import CasedropError
from scripts.desk.full_screen.desk_screen import DeskScreen
from scripts.desk.full_screen.dialogs import Chooser, Typed
from scripts.desk.full_screen.queue import ALL, Queue
from scripts.desk.full_screen.sitting import Sitting
from scripts.desk.search.columns import Kind


class Selecting(DeskScreen):
    """A screen about the cases that *queue* lists; choosing others here applies to all screens."""

    CHOICES: ClassVar[list[BindingType]] = [
        Binding("v", "views", "views"),
        Binding("left_square_bracket", "view(-1)", "view before", show=False),
        Binding("right_square_bracket", "view(1)", "next view"),
        Binding("slash", "words", "words"),
        Binding("f", "filter", "filter"),
    ]

    def __init__(self, sitting: Sitting, queue: Queue) -> None:
        super().__init__(sitting)
        self.queue = queue

    def show_selected(self) -> None:
        """Show the cases that are listed now, from the first."""
        raise NotImplementedError

    def _ask(self, **changes: object) -> bool:
        """List other cases, from the first row, or say why that is impossible."""
        try:
            self.queue.ask(**changes)
        except CasedropError as why:
            self.remark(str(why), "warning")
            return True
        self.show_selected()
        return True

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

    def action_all(self) -> None:
        """List all cases again."""
        self._ask(view=ALL, where=(), words="", sort="", descending=False)
