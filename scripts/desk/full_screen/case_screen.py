"""The screen *Case*: the story, what else is known, and the panel for reviewing it."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Key, Resize
from textual.widget import Widget

from dropbox.errors import CasedropError
from scripts.desk.full_screen.answering import Answering
from scripts.desk.full_screen.blacking_out import BlackingOut
from scripts.desk.full_screen.coding import Coding
from scripts.desk.full_screen.compare_screen import CompareScreen
from scripts.desk.full_screen.desk_screen import DeskScreen
from scripts.desk.full_screen.dialogs import Question
from scripts.desk.full_screen.draft import Draft, Kind
from scripts.desk.full_screen.fact_screen import EnteringFacts
from scripts.desk.full_screen.files_screen import FilesScreen
from scripts.desk.full_screen.filling_in import fill_in
from scripts.desk.full_screen.opened_case import (
    OpenedCase,
    Texts,
    disputed,
    facts,
    open_case,
    said,
    settled,
    story,
)
from scripts.desk.full_screen.panes import Pages
from scripts.desk.full_screen.resuming import take_up
from scripts.desk.full_screen.sitting import Sitting
from scripts.desk.full_screen.translating_texts import Translating
from scripts.desk.full_screen.unfinished import Begun, Unfinished
from scripts.desk.full_screen.wording import place_of
from scripts.desk.linking import alike
from scripts.desk.review.judgement import ADJUDICATION
from scripts.desk.reviewing import hand_in
from scripts.desk.screen.translation_tables import beside

_LINE = re.compile(r"^Line [0-9]+, ")
_PANES = {"story": "story", "facts": "facts and files", "said": "reviews and answers"}
_CODING = "coding"


class CaseScreen(DeskScreen):
    """Case number *index* of *numbers*; ends with the number of the last case looked at."""

    CSS = """
    CaseScreen #panes { height: 1fr; }
    CaseScreen #reading { height: 1fr; width: 1fr; }
    CaseScreen Pages { display: none; padding: 0 1; }
    CaseScreen Pages.shown { display: block; }
    CaseScreen #panes { layout: vertical; }
    CaseScreen Coding { height: 11; }
    CaseScreen.compact Coding { display: none; height: 1fr; border: none; }
    CaseScreen.compact.at-coding Coding { display: block; }
    CaseScreen.compact.at-coding #reading { display: none; }
    CaseScreen.two #panes { layout: horizontal; }
    CaseScreen.two Coding { height: 1fr; width: 50; }
    CaseScreen.two Pages { border: round ansi_bright_black; padding: 0; }
    CaseScreen.three #reading { layout: horizontal; }
    CaseScreen.three Coding { width: 54; }
    CaseScreen.three #story { display: block; width: 3fr; }
    CaseScreen.three #facts, CaseScreen.three #said { width: 2fr; }
    CaseScreen.three.at-story #facts { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "save", "save, next"),
        Binding("n", "go(1)", "next"),
        Binding("p", "go(-1)", "previous"),
        Binding("down,j", "field(1)", "next field", show=False),
        Binding("up", "field(-1)", "field before", show=False),
        Binding("enter", "edit", "fill in"),
        Binding("delete,backspace", "empty", "empty"),
        Binding("u", "undo", "undo"),
        Binding("o", "note", "note"),
        Binding("k", "know", "I know somebody"),
        Binding("a", "answer", "answer"),
        Binding("t", "texts", "translation"),
        Binding("g", "translate", "write a gist", show=False),
        Binding("c", "compare", "compare"),
        Binding("f", "files", "files"),
        Binding("x", "black_out", "black out"),
        Binding("e", "enter_facts", "enter facts"),
        Binding("tab", "pane(1)", "pane"),
        Binding("shift+tab", "pane(-1)", "pane before", show=False),
        Binding("space,pagedown", "scroll(1)", "on"),
        Binding("b,pageup", "scroll(-1)", "back up", show=False),
        Binding("home", "scroll(-1000000)", "begin", show=False),
        Binding("end", "scroll(1000000)", "end", show=False),
        Binding("escape,q", "back", "queue"),
        Binding("ctrl+q", "app.leave", ""),
    ]

    def __init__(
        self,
        sitting: Sitting,
        numbers: Sequence[int],
        index: int,
        resumed: Unfinished | None = None,
    ) -> None:
        super().__init__(sitting)
        self._resumed = resumed
        self._numbers = list(numbers)
        self._index = index
        self._pane = "story"
        self.set_class(True, "at-story")
        self._texts = Texts.BOTH
        self.opened: OpenedCase | None = None

    def forget(self) -> None:
        """Hold no case."""
        self.opened = self._resumed = None

    def body(self) -> Iterable[Widget]:
        """The panes, and the panel below or beside them."""
        yield Horizontal(
            Vertical(
                *(Pages(id=name, classes="shown" * (name == self._pane)) for name in _PANES),
                id="reading",
            ),
            Coding(id="coding"),
            id="panes",
        )

    def on_mount(self) -> None:
        """Open the case."""
        super().on_mount()
        for name, title in _PANES.items():
            self._pages(name).border_title = self.word(title)
        self._open()
        if self._resumed is not None and self.opened is not None:
            # The case is drawn first; what asks for the text comes over it.
            case, resumed, self._resumed = self.opened.case, self._resumed, None
            self.call_after_refresh(take_up, self, case, self.coding, resumed, self._renew_texts)

    def unfinished(self, begun: Begun) -> Unfinished | None:
        """What is filled in and not saved, with the text that was *begun*; None if nothing is."""
        if self.opened is None or not (self.unsaved or begun.text):
            return None
        draft = self.coding.draft
        sheet = draft.sheet().decode() if draft is not None and draft.changed else ""
        return Unfinished(self.opened.case.number, sheet, *begun)

    @property
    def coding(self) -> Coding:
        """The panel."""
        return self.query_one(Coding)

    def _open(self, remark: str = "") -> None:
        """Look at the case, and show it; or say why that cannot be."""
        number = self._numbers[self._index]
        place = place_of(self._index, len(self._numbers), self.sitting.language) + " "
        self.remark(remark, "good")
        try:
            self.opened = opened = open_case(self.sitting, number)
        except CasedropError as why:
            self._close_panes()
            self.title_is(f" {self.sitting.casebook.names.of(number)}", place)
            self.remark(f"{remark} {why}".strip(), "warning")
            return
        case = opened.case
        former = f", formerly {opened.former}" if opened.former else ""
        parts, files = (
            self.counted(len(case.parts), "part"),
            self.counted(len(case.files), "file"),
        )
        self.title_is(f" {case.name}, {parts}, {files}{former}", place)
        # A case never opens with its original hidden.
        self._show_texts(Texts.BOTH)
        self._pages("facts").show(list(facts(opened, self.sitting)))
        self._pages("said").show(list(said(opened, self.sitting)))
        self._show_pane("story")
        if not opened.role:
            self.coding.refuse(case.name, opened.refused)
            return
        campaign = self.sitting.viewer.campaign
        draft = Draft(opened.sheet, campaign, self.sitting.viewer.language, settled(opened))
        beside = disputed(opened, self.sitting.viewer)
        what = "Adjudication" if opened.role == ADJUDICATION else "Review"
        self.coding.show(case.name, self.word(what), draft, beside)

    def _pages(self, name: str) -> Pages:
        return self.query_one(f"#{name}", Pages)

    def _show_texts(self, texts: Texts) -> None:
        assert self.opened is not None
        self._texts = texts
        pane = self._pages("story")
        pane.show(list(story(self.opened, texts)))
        pane.border_title = self.word(_PANES["story"]) + (
            f": {texts}" if self.opened.translated else ""
        )

    def action_texts(self) -> None:
        """Show the original, the translation, or both."""
        if self.opened is None:
            return
        if not self.opened.translated:
            self.remark("Nobody has given a translation of this case; `translate` takes one.")
            return
        every = list(Texts)
        self._show_texts(every[(every.index(self._texts) + 1) % len(every)])
        self._show_pane("story")
        self.remark(f"Shown: {self._texts}.")

    def action_compare(self) -> None:
        """Compare the case with those that are like it."""
        if self.opened is None:
            return
        number, found = self.opened.case.number, self.opened.alike
        if not found.names:
            self.remark(f"No case is like {self.opened.case.name}.")
            return

        def back(_nothing: int | None) -> None:
            assert self.opened is not None
            self.opened = replace(self.opened, alike=alike(self.sitting.casebook, number))
            self._renew_facts()

        self.app.push_screen(CompareScreen(self.sitting, number, found), back)

    def action_files(self) -> None:
        """List the files, to picture them or to write them out."""
        if self.opened is not None:
            self.app.push_screen(FilesScreen(self.sitting, self.opened.case.name))

    def action_translate(self) -> None:
        """Write a gist or a translation."""
        if self.opened is not None:
            Translating(self, self.opened.case, self._renew_texts).begin()

    def _renew_texts(self) -> None:
        if self.opened is not None:
            viewer, number = self.sitting.viewer, self.opened.case.number
            current = self.sitting.casebook.translations.current(number)
            self.opened = replace(self.opened, translated=beside(current, viewer))
            self._show_texts(Texts.BOTH)
            self._pages("said").show(list(said(self.opened, self.sitting)))

    def action_enter_facts(self) -> None:
        """Enter an event, a party or a contact, or correct one."""
        if self.opened is not None:
            EnteringFacts(self, self.opened.case, self._renew_facts).begin()

    def action_black_out(self) -> None:
        """Black words out in what leaves, or take that back."""
        if self.opened is not None:
            BlackingOut(self, self.opened.case, self._renew_facts).begin()

    def _renew_facts(self) -> None:
        if self.opened is not None:
            self._pages("facts").show(list(facts(self.opened, self.sitting)))

    def _close_panes(self) -> None:
        self.opened = None
        for pane in self.query(Pages):
            pane.clear()
        self.coding.clear()

    def on_resize(self, event: Resize) -> None:
        """Where there is room for only one pane, the panel is a pane like the others."""
        super().on_resize(event)
        if self._pane == _CODING and not self.has_class("compact"):
            self._show_pane("story")

    def _show_pane(self, name: str) -> None:
        self._pane = name
        self.set_class(name == "story", "at-story")
        self.set_class(name == _CODING, "at-coding")
        for pane in self.query(Pages):
            pane.set_class(pane.id == name, "shown")

    def on_key(self, event: Key) -> None:
        """A digit chooses a code of the current field."""
        if event.character and event.character.isdigit() and self._sees_coding():
            self.coding.press(event.character)

    def _sees_coding(self) -> bool:
        """Whether the panel is visible. If not, show it: nothing is filled in unseen."""
        seen = self._pane == _CODING or not self.has_class("compact")
        if not seen:
            self._show_pane(_CODING)
        return seen

    def action_pane(self, by: int) -> None:
        """Another pane."""
        names = [*_PANES, *[_CODING] * self.has_class("compact")]
        self._show_pane(names[(names.index(self._pane) + by) % len(names)])

    def action_scroll(self, pages: int) -> None:
        """Scroll the pane forward or back."""
        if self._pane != _CODING:
            pane = self._pages(self._pane)
            pane.scroll_by(pages * pane.page)

    def action_field(self, by: int) -> None:
        """Another field."""
        if self._sees_coding():
            self.coding.move(by)

    def action_undo(self) -> None:
        """Take back the last change that is not saved."""
        if self.coding.draft and not self.coding.draft.undo():
            self.remark("Nothing was changed since the last save.")
        self.coding.renew()

    def action_empty(self) -> None:
        """Empty the field."""
        if self.coding.draft and self.coding.field and self._sees_coding():
            self.coding.draft.empty(self.coding.field)
            self.coding.renew()

    def action_note(self) -> None:
        """Write the note."""
        self._sees_coding()
        if self.coding.go_to(Kind.TEXT):
            self.action_edit()

    def action_edit(self) -> None:
        """Fill in the current field, from a list or by typing."""
        draft, field = self.coding.draft, self.coding.field
        if draft is None or field is None or self.opened is None or not self._sees_coding():
            return
        fill_in(self, self.opened.case.name, draft, field, self.coding.renew)

    def action_save(self) -> None:
        """Hand in the review, and open the next case."""
        if self.coding.draft is not None:
            self._hand_in(self.coding.draft.sheet())

    def _hand_in(self, sheet: bytes) -> None:
        assert self.opened is not None
        case, role = self.opened.case, self.opened.role
        try:
            kept = hand_in(self.sitting.casebook, case, sheet, role, today=self.sitting.today())
        except CasedropError as why:
            self.remark(f"Not saved. {without_lines(str(why))}", "warning")
            return
        self.sitting.changes += 1
        self.app.renew_soon()  # type: ignore[attr-defined]
        viewer = self.sitting.viewer
        status = viewer.campaign.reviewing.label("status", kept.status, viewer.language)
        self._next(f"{case.name} was saved: {status}.")

    def _next(self, remark: str) -> None:
        if self._index + 1 < len(self._numbers):
            self._index += 1
            self._open(remark)
        else:
            self._leave(remark)

    def action_answer(self) -> None:
        """Write an answer, from a ready one or in words of one's own."""
        if self.opened is not None:
            Answering(self, self.opened.case).begin()

    def action_know(self) -> None:
        """Record that the reviewer knows somebody in the case; asked twice, since it is final."""
        if self.opened is None or self.coding.draft is None:
            return
        name = self.opened.case.name
        first = f"Do you know a person, an employer or a place in {name}?"
        second = (
            f"{name} is then out of your hands for good: you will not see it again, and nothing "
            "that you said of it counts. Give it away?"
        )

        def asked_twice(yes: bool | None) -> None:
            if yes and self.coding.draft is not None:
                self._hand_in(self.coding.draft.conflicted())

        def asked(yes: bool | None) -> None:
            if yes:
                self.app.push_screen(Question(name, second), asked_twice)

        self.app.push_screen(Question(name, first), asked)

    def action_go(self, by: int) -> None:
        """Open the next case, or the one before, without saving."""
        to = self._index + by
        if not 0 <= to < len(self._numbers):
            self.remark("There is no further case in this list.")
            return

        def go() -> None:
            self._index = to
            self._open()

        self._unless_unsaved(go)

    def action_back(self) -> None:
        """Back to the queue."""
        self._unless_unsaved(lambda: self.dismiss(self._numbers[self._index]))

    def _unless_unsaved(self, then: Callable[[], object]) -> None:
        """Do *then*, but ask first if something is not saved."""
        if self.coding.draft is None or not self.coding.draft.changed or self.opened is None:
            then()
            return
        name = self.opened.case.name

        def asked(yes: bool | None) -> None:
            if yes:
                then()

        text = f"What you filled in for {name} is not saved. Leave it unsaved?"
        self.app.push_screen(Question(name, text), asked)

    def _leave(self, remark: str) -> None:
        self.dismiss(self._numbers[self._index])
        self.app.call_later(self.app.say, remark)  # type: ignore[attr-defined]

    @property
    def unsaved(self) -> bool:
        """Whether something was filled in and not saved."""
        return self.coding.draft is not None and self.coding.draft.changed


def without_lines(faults: str) -> str:
    """The faults of a sheet without line numbers, since its lines are not shown here."""
    return "\n".join(_LINE.sub("", fault) for fault in faults.split("\n"))
