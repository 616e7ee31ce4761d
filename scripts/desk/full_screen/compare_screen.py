"""The screen *Compare*: a case beside one that is like it, and whether they are about one thing."""

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget

from dropbox.errors import CasedropError
from scripts.desk.case import Case
from scripts.desk.casebook.link_decisions import CONFIRMED, DENIED
from scripts.desk.full_screen.comparing import compared
from scripts.desk.full_screen.desk_screen import DeskScreen
from scripts.desk.full_screen.panes import Bar, Pages
from scripts.desk.full_screen.sitting import Sitting
from scripts.desk.full_screen.wording import place_of
from scripts.desk.identity import own_case
from scripts.desk.linking import Alike, alike, decide
from scripts.desk.screen.cases import links_text


class CompareScreen(DeskScreen):
    """Case *number* beside each case that was *found* to be like it; there is at least one."""

    CSS = """
    CompareScreen #pair { height: 1fr; layout: vertical; }
    CompareScreen.two #pair { layout: horizontal; }
    CompareScreen Pages { border: round ansi_bright_black; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "decide('confirmed')", "confirm"),
        Binding("d", "decide('denied')", "deny"),
        Binding("n", "go(1)", "next pair"),
        Binding("p", "go(-1)", "previous"),
        Binding("space,pagedown", "scroll(1)", "on"),
        Binding("b,pageup", "scroll(-1)", "back up", show=False),
        Binding("home", "scroll(-1000000)", "begin", show=False),
        Binding("end", "scroll(1000000)", "end", show=False),
        Binding("escape,q", "back", "case"),
        Binding("ctrl+q", "app.leave", ""),
    ]

    def __init__(self, sitting: Sitting, number: int, found: Alike) -> None:
        super().__init__(sitting)
        self._number, self._found = number, found
        self._others = found.others
        self._index = 0
        self._pair: tuple[Case, Case] | None = None

    def body(self) -> Iterable[Widget]:
        """Why they are linked, and both stories."""
        yield Bar(id="why")
        yield Horizontal(Pages(id="one"), Pages(id="other"), id="pair")

    def on_mount(self) -> None:
        """Show the first pair."""
        super().on_mount()
        self._open()

    def _open(self, remark: str = "") -> None:
        """Look at the pair, which the custody log notes; or say why that cannot be."""
        casebook, others = self.sitting.casebook, self._others
        names = casebook.names
        other = others[self._index]
        place = place_of(self._index, len(others), self.sitting.language)
        pair = f" {names.of(self._number)} {self.word('and')} {names.of(other)}"
        self.title_is(pair, f"{self.word('pair')} {place} ")
        self.remark(remark, "good")
        try:
            one, two = (own_case(casebook, names.of(case)) for case in (self._number, other))
            casebook.viewed(two)
        except CasedropError as why:
            self._pair = None
            for pane in self.query(Pages):
                pane.clear()
            self.query_one("#why", Bar).say("")
            self.remark(f"{remark} {why}".strip(), "warning")
            return
        self._pair = (one, two)
        for name, shown, beside in (("one", one, two), ("other", two, one)):
            pane = self.query_one(f"#{name}", Pages)
            pane.border_title = shown.name
            pane.show(list(compared(shown, beside)))
        self._say_why()

    def _say_why(self) -> None:
        """What links the pair, and what was said about it."""
        other = self._others[self._index]
        found = self._found
        links = [one for one in found.links if one.other == other]
        said = [one for one in found.said if one.other == other]
        text = links_text(links, found.names, said, self.sitting.viewer).plain
        self.query_one("#why", Bar).say(text.split("\n")[-1], "label")

    def action_decide(self, decision: str) -> None:
        """Say whether they are about one thing, and show the next pair."""
        assert decision in (CONFIRMED, DENIED)
        if self._pair is None:
            return
        one, two = self._pair
        casebook = self.sitting.casebook
        try:
            # Another process may have given one of them away since.
            one, two = own_case(casebook, one.name), own_case(casebook, two.name)
            decide(casebook, one, two, decision, today=self.sitting.today())
        except CasedropError as why:
            self.remark(str(why), "warning")
            return
        self.sitting.changes += 1
        self._found = alike(casebook, self._number)
        remark = f"The link between {one.name} and {two.name} is {decision}."
        if self._index + 1 < len(self._others):
            self._index += 1
            self._open(remark)
        else:
            self._say_why()
            self.remark(remark, "good")

    def action_go(self, by: int) -> None:
        """Another pair."""
        to = self._index + by
        if not 0 <= to < len(self._others):
            self.remark("There is no further case like this one.")
            return
        self._index = to
        self._open()

    def action_scroll(self, pages: int) -> None:
        """Scroll both stories forward or back."""
        for pane in self.query(Pages):
            pane.scroll_by(pages * pane.page)

    def action_back(self) -> None:
        """Back to the case."""
        self.dismiss(None)
