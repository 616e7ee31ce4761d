"""The screen *Fact*: an event, a party or a contact of a case, entered or corrected."""

import copy
from collections.abc import Callable, Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from scripts.desk.case import Case
from scripts.desk.casebook.facts import CONTACT, EVENT, PARTY, TAKEN_BACK
from scripts.desk.facts.case_facts import facts_of
from scripts.desk.facts.entering import Entered, blank_form, hand_in
from scripts.desk.facts.entities import short
from scripts.desk.full_screen.desk_screen import DeskScreen
from scripts.desk.full_screen.dialogs import Chooser, Question, Typed
from scripts.desk.full_screen.fact_draft import FactDraft, FormField
from scripts.desk.full_screen.lists import Columns, ListScreen
from scripts.desk.full_screen.panes import Bar
from scripts.desk.full_screen.sitting import Sitting
from scripts.desk.full_screen.unfinished import FACT, Begun

_NEW = {EVENT: "an event", PARTY: "a person or an organisation", CONTACT: "a contact"}


class FactScreen(ListScreen):
    """The form for a fact of *case*, of this *kind*; *entry* is the one that it corrects, if any.

    Ends with 1 if the fact was kept, and then says so on *below*.
    """

    CSS = "FactScreen #about { margin: 0 0 1 0; } FactScreen.compact #about { display: none; }"
    COLUMNS: ClassVar[Columns] = (("field", 14), ("what it says", 40))
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "edit", "fill in"),
        Binding("delete,backspace", "empty", "empty"),
        Binding("s", "save", "save"),
        Binding("escape,q", "back", "give up"),
        *[one for one in ListScreen.BINDINGS if "dismiss" not in one.action],  # type: ignore[union-attr]
    ]

    def __init__(
        self, sitting: Sitting, case: Case, kind: str, entry: str, below: DeskScreen
    ) -> None:
        super().__init__(sitting)
        self._case, self._kind, self._entry, self._below = case, kind, entry, below
        casebook, language = sitting.casebook, sitting.viewer.language
        parties = {
            one.entry: " / ".join(one.names.split("\n")) for one in facts_of(casebook, case).parties
        }
        self.draft = FactDraft(blank_form(casebook, case, kind, language, entry), parties)

    def forget(self) -> None:
        """Hold no fact."""
        self.draft = FactDraft("", {})

    @property
    def unsaved(self) -> bool:
        """Whether something was filled in and not saved."""
        return self.draft.changed

    @property
    def begun(self) -> Begun:
        """The form as it is filled in, with what is being typed for one of its fields."""
        draft = self.draft
        if isinstance(typing := self.app.screen, Typed):
            draft = copy.deepcopy(draft)
            draft.type(self._field, typing.text)
        form = draft.form().decode() if draft.changed else ""
        return Begun(f"{FACT}{self._kind} {self._entry}", form) if form else Begun()

    def body(self) -> Iterable[Widget]:
        """What the form is about, and its fields."""
        yield Bar(id="about")
        yield from super().body()

    def load(self) -> None:
        """Show the fields."""
        self.query_one("#about", Bar).say(self.draft.about, "label")
        rows = [(one.title, self.draft.shown(one)) for one in self.draft.fields]
        state = f", {self.word('not saved')}" if self.draft.changed else ""
        what = f"correct {self._entry}" if self._entry else f"enter {_NEW[self._kind]}"
        self.show(rows, f"{self._case.name}: {what}{state}", "")

    @property
    def _field(self) -> FormField:
        return self.draft.fields[self.rows.index]

    def action_edit(self) -> None:
        """Fill in the chosen field, from a list or by typing."""
        field, draft = self._field, self.draft
        title = f"{self._case.name}: {field.title}"
        if isinstance(draft.value(field), bool):
            draft.choose(field, "")
            self.load()
        elif field.codes:
            many = isinstance(draft.value(field), list)

            def chosen(code: str) -> bool:
                draft.choose(field, code)
                return not many

            def mark(code: str) -> str:
                value = draft.value(field)
                return "●" if code in (value if many else [value]) else ""

            entries = [(code, f"{code}  {label}") for code, label in field.codes.items()]
            asking = Chooser(title, entries, mark=mark, choose=chosen)
            self.app.push_screen(asking, lambda _none: self.load())
        else:
            self.app.push_screen(
                Typed(title, field.remark, draft.text(field), lines=field.lines), self._typed
            )

    def _typed(self, text: str | None) -> None:
        if text is not None:
            self.draft.type(self._field, text)
            self.load()

    def action_empty(self) -> None:
        """Empty the chosen field."""
        if not isinstance(self.draft.value(self._field), bool):
            self.draft.type(self._field, "")
            self.load()

    def action_save(self) -> None:
        """Keep the fact, and go back to the case."""
        kept: list[Entered] = []
        casebook, today = self.sitting.casebook, self.sitting.today()
        if not self.done(
            lambda: kept.append(hand_in(casebook, self._case, self._kind, self.draft.form(), today))
        ):
            return
        self.sitting.changes += 1
        (entered,) = kept
        done = "taken back" if entered.fact.state == TAKEN_BACK else "kept"
        said = [f"{entered.fact.entry} was {done}.", *entered.remarks]
        if entered.alike:
            near = (f"{one.party.entry} in {casebook.names.of(one.case)}" for one in entered.alike)
            said.append(f"The same name has {', '.join(near)}; `party --same` joins them.")
        below = self._below
        self.dismiss(1)
        self.app.call_later(below.remark, " ".join(said), "good")

    def action_back(self) -> None:
        """Back to the case; asks first if something was filled in."""
        if not self.draft.changed:
            self.dismiss(None)
            return

        def asked(yes: bool | None) -> None:
            if yes:
                self.dismiss(None)

        text = "What you filled in is not saved. Give it up?"
        self.app.push_screen(Question(self._case.name, text), asked)


class EnteringFacts:
    """Facts of *case*, asked for on *screen*; *changed* is called once one has been kept."""

    def __init__(self, screen: DeskScreen, case: Case, changed: Callable[[], None]) -> None:
        self._screen, self._case, self._changed = screen, case, changed

    def begin(self) -> None:
        """Offer a new fact of each kind, and those that can be corrected or taken back."""
        found = facts_of(self._screen.sitting.casebook, self._case)
        contacts = [one.entered for one in found.contacts if one.entered]
        facts = [
            *((EVENT, one.entry, f"{one.date or 'undated'} {one.text}") for one in found.events),
            *((PARTY, one.entry, one.names) for one in found.parties),
            *((CONTACT, one.entry, f"{one.date} {one.contact}") for one in contacts),
        ]
        called = short([entry for _, entry, _ in facts])
        entries = [(f"{kind} ", f"enter {what}") for kind, what in _NEW.items()]
        entries += [
            (f"{kind} {entry}", f"correct {called[entry]}, {kind}: {' '.join(text.split())}")
            for kind, entry, text in facts
        ]

        def chosen(code: str) -> bool:
            # The list is closed first.
            self._screen.app.call_later(self.open, code)
            return True

        title = f"{self._case.name}: facts"
        self._screen.app.push_screen(Chooser(title, entries, choose=chosen))

    def open(self, code: str, begun: str = "") -> None:
        """Open the form for *code*, such as "event "; *begun* is what had been filled in."""
        kind, _, entry = code.partition(" ")
        made: list[FactScreen] = []
        screen, case = self._screen, self._case
        if not screen.done(
            lambda: made.append(FactScreen(screen.sitting, case, kind, entry, screen))
        ):
            return
        (form,) = made
        if begun and not form.draft.take_up(begun):
            screen.remark(f"{entry} has changed; what was filled in for it is gone.", "warning")
            return
        screen.app.push_screen(form, lambda kept: self._changed() if kept else None)
