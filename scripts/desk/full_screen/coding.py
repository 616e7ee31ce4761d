"""The coding panel: the fields of a review, one below another, with the keys that fill them in.

The name of its case is on its frame and in its first line.
"""

from collections.abc import Iterator

from rich.cells import cell_len, set_cell_size
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from dropbox.label import ENGLISH
from scripts.desk.full_screen.draft import Draft, Field, Kind
from scripts.desk.full_screen.forgetting import Forgets
from scripts.desk.full_screen.panes import Cells, lines_of, strip
from scripts.desk.full_screen.wording import word
from scripts.desk.full_screen.wrapped import on_one_line

# The column of titles is as wide as they are, but no wider than this.
_MOST_TITLE = 28
# Codes shorter than this serve as names: m2, c1.
_SHORT = 4


class Coding(ScrollView, Forgets, can_focus=False):
    """The fields of a draft, the current one with its codes."""

    DEFAULT_CSS = """
    Coding { border: round ansi_bright_blue; overflow-x: hidden; scrollbar-size-vertical: 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._case = ""
        self._what = ""
        self._refused = ""
        self._beside: dict[str, list[str]] = {}
        self.draft: Draft | None = None
        self._at = 0
        self._lines: list[Cells] = []

    def show(self, name: str, what: str, draft: Draft, beside: dict[str, list[str]]) -> None:
        """Show *draft* for the case *name*; *beside* is what others said, by field."""
        self._case, self._what, self.draft, self._beside = name, what, draft, beside
        self._refused = ""
        self._at = self._first_empty()
        self.renew()

    def refuse(self, name: str, why: str) -> None:
        """Show why the case *name* cannot be reviewed."""
        self._case, self.draft, self._refused = name, None, why
        self.border_title = name
        self.renew()

    def clear(self) -> None:
        """Show nothing, and keep nothing."""
        self.forget()
        self.border_title = ""
        self.renew()

    def forget(self) -> None:
        """Hold no draft."""
        self.draft, self._beside, self._case, self._refused = None, {}, "", ""
        self._what, self._lines = "", []

    @property
    def field(self) -> Field | None:
        """The current field."""
        return self.draft.fields[self._at] if self.draft and self.draft.fields else None

    def _first_empty(self) -> int:
        """The first empty field for a single code, or else the first field."""
        assert self.draft is not None
        fields = enumerate(self.draft.fields)
        empty = (at for at, one in fields if one.kind is Kind.ONE and not self.draft.said(one))
        return next(empty, 0)

    def move(self, by: int) -> None:
        """Go *by* fields down."""
        if self.draft and self.draft.fields:
            self._at = (self._at + by) % len(self.draft.fields)
            self.renew()

    def select(self, field: Field) -> None:
        """Go to *field*."""
        if self.draft:
            self._at = self.draft.fields.index(field)
            self.renew()

    def go_to(self, kind: Kind) -> Field | None:
        """Go to the last field of *kind*, and return it."""
        for at, field in enumerate(self.draft.fields if self.draft else ()):
            if field.kind is kind:
                self._at = at
        self.renew()
        return self.field if self.field and self.field.kind is kind else None

    def press(self, key: str) -> bool:
        """Choose what *key* stands for in the current field. Returns whether it stands for
        anything.
        """
        field, draft = self.field, self.draft
        if field is None or draft is None or key not in field.keys:
            return False
        draft.choose(field, field.keys[key])
        if field.kind is Kind.ONE and self._at + 1 < len(draft.fields):
            self._at += 1
        self.renew()
        return True

    def on_resize(self) -> None:
        """The labels depend on the width."""
        self.renew()

    def renew(self) -> None:
        """Redraw the lines, and keep the current field on the screen."""
        # One cell less: the scroll bar, where there is one, is in the last.
        width = max(2, self.size.width - 1)
        lines, current = list[Cells](), 0
        if self._refused:
            lines = [[(line.text, line.style)] for line in lines_of(self._refused, width)]
        elif self.draft is not None:
            # On the frame too, since a long panel scrolls.
            language = self.app.sitting.language  # type: ignore[attr-defined]
            state = word("not saved", language) if self.draft.changed else ""
            self.border_title = ", ".join(filter(None, (f"{self._case}: {self._what}", state)))
            said = [(f"   {state}", "warning")]
            of = " of " if language == ENGLISH else ": "
            lines = [[(f"{self._what}{of}", "label"), (self._case, "head"), *said]]
            for at, field in enumerate(self.draft.fields):
                if at == self._at:
                    current = len(lines)
                lines += self._field_lines(field, current=at == self._at, width=width)
        self._lines = lines
        self.virtual_size = Size(width, len(lines))
        # The case's name stays visible if there is room; the field and its codes always do.
        height, last = self.size.height, self._end(current)
        top = 0 if last < height else min(current - 1, last - height + 1)
        top = min(top, current)
        self.scroll_to(y=max(0, top), animate=False, immediate=True)
        self.refresh()

    def _end(self, current: int) -> int:
        """The last line of the current field."""
        field = self.field
        codes = len(field.keys) if field else 0
        return current + codes + len(self._beside.get(field.name, ()) if field else ())

    def _field_lines(self, field: Field, *, current: bool, width: int) -> Iterator[Cells]:
        assert self.draft is not None
        room = min(_MOST_TITLE, 3 + max(cell_len(one.title) for one in self.draft.fields))
        shown = on_one_line(field.title, room - 3)
        title = set_cell_size(f"{'>' if current else ' '} {shown}", room)
        value = on_one_line(self._value(field), max(2, width - room))
        yield [(title, "head" if current else "label"), (value, "good" if current else "")]
        if not current:
            return
        yield from (
            [(f"    {on_one_line(line, max(2, width - 4))}", "warning")]
            for line in self._beside.get(field.name, ())
        )
        chosen = dict(self.draft.said(field))
        for key, code in field.keys.items():
            label = on_one_line(_coded(code, field), max(2, width - 8))
            mark = "●" if code in chosen else " "
            yield [(f"  {mark} {key} ", "good"), (label, "head" if code in chosen else "")]

    def _value(self, field: Field) -> str:
        draft = self.draft
        assert draft is not None
        said = draft.said(field)
        if field.kind is Kind.AMOUNTS:
            return "; ".join(draft.text(field).split("\n"))
        if field.kind is Kind.TABLE:
            found = (
                f"{field.codes.get(code, code)}: {draft.statuses.get(status, status)}"
                for code, status in said
            )
            return f"{len(said)}: " + "; ".join(found) if said else ""
        if field.kind in (Kind.ONE, Kind.MANY):
            return "; ".join(_coded(code, field) for code, _ in said)
        return "; ".join(draft.text(field).split("\n"))

    def render_line(self, y: int) -> Strip:
        """Line *y* of those on the screen."""
        index, width = y + self.scroll_offset.y, self.size.width
        if index >= len(self._lines):
            return Strip.blank(width)
        return strip(self._lines[index], width)


def _coded(code: str, field: Field) -> str:
    """The label of a code, preceded by the code itself if people use it as a name."""
    label = field.codes.get(code, "")
    short = len(code) < _SHORT and not code.isdigit()
    return f"{code} {label}" if short and label else label or code
