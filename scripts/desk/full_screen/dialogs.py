"""Questions that the full screen asks, each in its own frame over the screen."""

from collections.abc import Callable, Sequence
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Key, Resize
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import TextArea
from textual.widgets.text_area import Edit, EditResult, Selection

from scripts.desk.full_screen.forgetting import Forgets
from scripts.desk.full_screen.panes import Bar, Cells, Pages, Rows, is_compact
from scripts.desk.full_screen.unfinished import Begun
from scripts.desk.full_screen.wording import word
from scripts.desk.full_screen.wrapped import Line, on_one_line
from scripts.terminal import visible

# In seconds: a long case is not searched again for every key of a fast typist.
_MOMENT = 0.15
_FRAME = """
{name} {{ align: center {where}; background: transparent; }}
{name} > Vertical {{ width: 100%; max-width: 110; height: {height}; max-height: 95%;
  border: round ansi_bright_blue; background: ansi_default; padding: 0 1; }}
{name}.compact > Vertical {{ height: 100%; max-height: 100%; padding: 0; }}
"""
Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer], Forgets, inherit_bindings=False):
    """A dialog over a screen; in a small terminal it takes all of it."""

    @property
    def begun(self) -> Begun:
        """The text that somebody is writing here, if it is to be kept when the desk is locked."""
        return Begun()

    def keys(self, *keys: tuple[str, str]) -> str:
        """Keys with what they do, in the language of the labels."""
        language = self.app.sitting.language  # type: ignore[attr-defined]
        return "   ".join(f"{key} {word(what, language)}".strip() for key, what in keys)

    def on_mount(self) -> None:
        """Check how much room there is."""
        self.set_class(is_compact(self.app.size), "compact")

    def on_resize(self, event: Resize) -> None:
        """Check again."""
        self.set_class(is_compact(event.size), "compact")


class Question(Dialog[bool], inherit_bindings=False):
    """A question to answer with y or n."""

    CSS = _FRAME.format(name="Question", where="middle", height="auto")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes"),
        Binding("n,escape", "answer(False)", "no"),
    ]

    def __init__(self, title: str, text: str, begun: Begun = Begun()) -> None:  # noqa: B008
        super().__init__()
        self._title, self._text, self._begun = title, text, begun

    def forget(self) -> None:
        """Hold no question."""
        self._title = self._text = ""
        self._begun = Begun()

    @property
    def begun(self) -> Begun:
        """The text that the question is about."""
        return self._begun

    def compose(self) -> ComposeResult:
        """The question."""
        with Vertical() as frame:
            frame.border_title = self._title
            yield Bar(id="question")
            yield Bar(id="keys")

    def on_mount(self) -> None:
        """Write it."""
        super().on_mount()
        self.query_one("#question", Bar).say(self._text)
        self.query_one("#keys", Bar).say(self.keys(("y", "yes"), ("n", "no")), "label")

    def action_answer(self, yes: bool) -> None:
        """Answer it."""
        self.dismiss(yes)


class Reading(Dialog[None], inherit_bindings=False):
    """A text to read."""

    CSS = _FRAME.format(name="Reading", where="middle", height="80%")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss", "back"),
        Binding("space,pagedown,down", "scroll(1)", ""),
        Binding("b,pageup,up", "scroll(-1)", ""),
    ]

    def __init__(self, title: str, lines: Sequence[Line]) -> None:
        super().__init__()
        self._title, self._lines = title, lines

    def forget(self) -> None:
        """Hold no text."""
        self._title, self._lines = "", ()

    def compose(self) -> ComposeResult:
        """The text."""
        with Vertical() as frame:
            frame.border_title = self._title
            yield Pages(id="text")
            yield Bar(id="keys")

    def on_mount(self) -> None:
        """Write it."""
        super().on_mount()
        self.query_one(Pages).show(self._lines)
        self.query_one("#keys", Bar).say(self.keys(("Space", "on"), ("Esc", "back")), "label")

    def action_scroll(self, pages: int) -> None:
        """Scroll forward or back."""
        pane = self.query_one(Pages)
        pane.scroll_by(pages * pane.page)


class Area(TextArea, Forgets):
    """A text with a cursor in it."""

    def forget(self) -> None:
        """Hold no text, nor its earlier states."""
        self.load_text("")
        self.selection = Selection()


class Writing(Area):
    """A text that is being written; nothing pasted into it can act on the terminal."""

    def edit(self, edit: Edit) -> EditResult:
        """Change the text."""
        edit.text = visible(edit.text)
        return super().edit(edit)


class Typed(Dialog[str | None], inherit_bindings=False):
    """A text to type; None if it was given up.

    *check* returns a remark on the text so far; it is called at each change. *what* says what the
    text is for, if it is to be kept when the desk is locked.
    """

    CSS = _FRAME.format(name="Typed", where="bottom", height="55%") + (
        "Typed TextArea { height: 1fr; border: none; padding: 0; background: ansi_default; }"
        "Typed.one Vertical { height: auto; } Typed.one TextArea { height: 1; }"
        # There is only room for the text.
        "Typed.compact #hint { display: none; }"
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "keep", "keep", priority=True),
        Binding("escape", "give_up", "give up", priority=True),
        Binding("enter", "enter", "keep", priority=True),
    ]

    def __init__(
        self,
        title: str,
        hint: str,
        text: str = "",
        *,
        lines: bool = False,
        check: Callable[[str], str] = lambda _text: "",
        what: str = "",
    ) -> None:
        super().__init__(classes="" if lines else "one")
        self._title, self._hint, self._text = title, hint, text
        self._lines, self._check, self._what = lines, check, what
        self._waiting: Timer | None = None

    def forget(self) -> None:
        """Hold no text, and no reference to whoever reads it."""
        self._title = self._hint = self._text = ""
        self._check = lambda _text: ""

    @property
    def begun(self) -> Begun:
        """The text so far."""
        return Begun(self._what, self.text) if self._what and self.is_mounted else Begun()

    @property
    def text(self) -> str:
        """What was typed so far."""
        return self.query_one(TextArea).text

    @property
    def unsaved(self) -> bool:
        """Whether something was typed that was not kept yet."""
        return self.is_mounted and self.query_one(TextArea).text != visible(self._text)

    def compose(self) -> ComposeResult:
        """The text, and the remark on it."""
        with Vertical() as frame:
            frame.border_title = self._title
            yield Bar(id="hint")
            yield Writing(visible(self._text), soft_wrap=True, tab_behavior="focus", id="text")
            yield Bar(id="remark")
            yield Bar(id="keys")

    def on_mount(self) -> None:
        """Put the cursor at the end of the text."""
        super().on_mount()
        self.query_one("#hint", Bar).say(self._hint, "label")
        keys = self.keys(("Ctrl-S" if self._lines else "Enter", "keep"), ("Esc", "give up"))
        self.query_one("#keys", Bar).say(keys, "label")
        area = self.query_one(TextArea)
        area.highlight_cursor_line = False
        area.focus()
        area.move_cursor(area.document.end)

    def on_text_area_changed(self) -> None:
        """Show a remark on the text, a moment after the last key."""
        if self._waiting is not None:
            self._waiting.stop()
        self._waiting = self.set_timer(_MOMENT, self._remark)

    def _remark(self) -> None:
        self.query_one("#remark", Bar).say(self._check(self.query_one(TextArea).text), "warning")

    def action_enter(self) -> None:
        """A new line in a long text; the end of a short one."""
        if self._lines:
            self.query_one(TextArea).insert("\n")
        else:
            self.action_keep()

    def action_keep(self) -> None:
        """Keep it."""
        self.dismiss(self.query_one(TextArea).text)

    def action_give_up(self) -> None:
        """Give it up."""
        self.dismiss(None)


class Reader(Area):
    """A text in which words are marked, from where *marking* began up to the cursor."""

    marking = False

    def action_cursor_left(self, select: bool = False) -> None:
        """Go left."""
        super().action_cursor_left(select or self.marking)

    def action_cursor_right(self, select: bool = False) -> None:
        """Go right."""
        super().action_cursor_right(select or self.marking)

    def action_cursor_up(self, select: bool = False) -> None:
        """Go up."""
        super().action_cursor_up(select or self.marking)

    def action_cursor_down(self, select: bool = False) -> None:
        """Go down."""
        super().action_cursor_down(select or self.marking)


class Marked(Dialog[str | None], inherit_bindings=False):
    """A text in which to mark words; None if none were marked."""

    CSS = _FRAME.format(name="Marked", where="bottom", height="80%") + (
        "Marked TextArea { height: 1fr; border: none; padding: 0; background: ansi_default; }"
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "mark", priority=True),
        Binding("enter", "take", "take", priority=True),
        Binding("escape", "give_up", "give up", priority=True),
    ]

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title, self._text = title, text

    def forget(self) -> None:
        """Hold no text."""
        self._title = self._text = ""

    def compose(self) -> ComposeResult:
        """The text."""
        with Vertical() as frame:
            frame.border_title = self._title
            yield Reader(visible(self._text), soft_wrap=True, read_only=True, id="text")
            yield Bar(id="keys")

    def on_mount(self) -> None:
        """Put the cursor at its beginning."""
        super().on_mount()
        keys = "Space begin to mark   arrows (with Shift mark too)   Enter take   Esc give up"
        self.query_one("#keys", Bar).say(keys, "label")
        area = self.query_one(Reader)
        area.highlight_cursor_line = False
        area.focus()

    def action_mark(self) -> None:
        """Begin to mark at the cursor."""
        area = self.query_one(Reader)
        area.move_cursor(area.cursor_location)
        area.marking = True

    def action_take(self) -> None:
        """Take the marked words."""
        self.dismiss(self.query_one(Reader).selected_text.strip() or None)

    def action_give_up(self) -> None:
        """Give it up."""
        self.dismiss(None)


class Chooser(Dialog[None], inherit_bindings=False):
    """A list to choose from; typing leaves only the entries that contain the typed text.

    *entries* are codes with their labels; *mark* gives what is shown before one; *choose* is called
    with the code, and returns whether the list is done.
    """

    CSS = _FRAME.format(name="Chooser", where="bottom", height="70%")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "done", "done"),
        Binding("enter", "choose", "choose"),
        Binding("up", "move(-1)", ""),
        Binding("down", "move(1)", ""),
        Binding("pageup", "page(-1)", ""),
        Binding("pagedown", "page(1)", ""),
        Binding("backspace", "shorten", ""),
    ]

    def __init__(
        self,
        title: str,
        entries: Sequence[tuple[str, str]],
        *,
        mark: Callable[[str], str] = lambda _code: "",
        choose: Callable[[str], bool],
    ) -> None:
        super().__init__()
        self._title, self._entries = title, entries
        self._mark, self._choose = mark, choose
        self._typed = ""
        self._shown = list(entries)

    def forget(self) -> None:
        """Hold no list, and no reference to whoever asked."""
        self._title = self._typed = ""
        self._entries, self._shown = (), []
        self._mark, self._choose = lambda _code: "", lambda _code: True

    def compose(self) -> ComposeResult:
        """The list."""
        with Vertical() as frame:
            frame.border_title = self._title
            yield Bar(id="typed")
            yield Rows(id="entries")
            yield Bar(id="keys")

    def on_mount(self) -> None:
        """Write it."""
        super().on_mount()
        keys = self.keys(("Enter", "choose"), ("Esc", "done"), ("", "type to find"))
        self.query_one("#keys", Bar).say(keys, "label")
        self._show()

    def _show(self) -> None:
        wanted = self._typed.casefold()
        self._shown = [one for one in self._entries if wanted in " ".join(one).casefold()]
        typed = self.query_one("#typed", Bar)
        typed.say(f"with “{self._typed}”" if self._typed else f"{len(self._entries)} entries")
        rows = self.query_one(Rows)
        rows.show(len(self._shown), self._row, rows.index)

    def _row(self, index: int, width: int) -> Cells:
        code, label = self._shown[index]
        mark = self._mark(code)
        return [(f"{mark:2}" if mark else "  ", "good"), (on_one_line(label, width - 2), "")]

    def on_key(self, event: Key) -> None:
        """Narrow the list by typing."""
        if event.is_printable and event.character:
            self._typed += event.character
            self._show()

    def action_shorten(self) -> None:
        """Take back the last character."""
        self._typed = self._typed[:-1]
        self._show()

    def action_move(self, by: int) -> None:
        """Go up or down."""
        self.query_one(Rows).move(by)

    def action_page(self, by: int) -> None:
        """Go up or down by a page."""
        rows = self.query_one(Rows)
        rows.move(by * rows.page)

    def action_choose(self) -> None:
        """Choose the entry."""
        if not self._shown:
            return
        if self._choose(self._shown[self.query_one(Rows).index][0]):
            self.dismiss()
        else:
            self._show()

    def action_done(self) -> None:
        """Leave the list."""
        self.dismiss()
