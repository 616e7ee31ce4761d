"""Screens that are one list: the outbox, the custody log, the team."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from dropbox.errors import CasedropError
from scripts.desk.case import Answer
from scripts.desk.casebook.custody import Line as LogLine
from scripts.desk.full_screen.desk_screen import DeskScreen
from scripts.desk.full_screen.dialogs import Question, Reading
from scripts.desk.full_screen.panes import USUAL_WIDTH, Bar, Cells, Rows
from scripts.desk.full_screen.sitting import Sitting
from scripts.desk.full_screen.wrapped import Line, fitted
from scripts.desk.identity import own_case
from scripts.desk.outbox.releasing import others_work, releasable, release
from scripts.desk.outbox.waiting import reasons
from scripts.desk.outbox.writing import Letter, take_back
from scripts.desk.screen.confirmation import quotations

_PAGE_OF_LOG = 64
_MOVES: list[BindingType] = [
    Binding("escape,q", "dismiss", "back"),
    Binding("ctrl+q", "app.leave", ""),
    Binding("up,k", "move(-1)", "up", show=False),
    Binding("down,j", "move(1)", "down", show=False),
    Binding("pageup", "page(-1)", "page up", show=False),
    Binding("pagedown", "page(1)", "page down", show=False),
    Binding("home", "move(-1000000000)", "first", show=False),
    Binding("end", "move(1000000000)", "last", show=False),
]

Columns = Sequence[tuple[str, int]]


class ListScreen(DeskScreen):
    """A list in COLUMNS, each with its title and width; the last has the rest."""

    BINDINGS: ClassVar[list[BindingType]] = _MOVES
    COLUMNS: ClassVar[Columns] = ()

    def body(self) -> Iterable[Widget]:
        """The titles, and the rows."""
        yield Bar(id="titles")
        yield Rows(id="rows")

    def on_mount(self) -> None:
        """Show the list."""
        super().on_mount()
        titles = [self.word(title) for title, _ in self.COLUMNS]
        self.query_one("#titles", Bar).show(lambda width: [self._cells(titles, width, "label")])
        self.load()

    def load(self) -> None:
        """Read the list, and show it."""
        raise NotImplementedError

    def _cells(self, texts: Sequence[str], width: int, style: str = "") -> Cells:
        # In a narrow terminal columns are narrower; opening a line shows all of it.
        share = min(1.0, width / USUAL_WIDTH)
        *sizes, _last = [max(3, int(share * size)) for _, size in self.COLUMNS]
        sizes.append(max(2, width - sum(sizes)))
        return [(fitted(text, size), style) for text, size in zip(texts, sizes, strict=True)]

    def show(self, rows: Sequence[Sequence[str]], title: str, empty: str) -> None:
        """Show *rows* of texts."""
        at = self.rows.index
        self.rows.show(len(rows), lambda index, width: self._cells(rows[index], width), at)
        self.title_is(f" {title}")
        self.remark("" if rows else empty)

    @property
    def rows(self) -> Rows:
        """The rows."""
        return self.query_one("#rows", Rows)

    def action_move(self, by: int) -> None:
        """Go up or down."""
        self.rows.move(by)

    def action_page(self, by: int) -> None:
        """Go up or down by a page."""
        self.rows.move(by * self.rows.page)


class OutboxScreen(ListScreen):
    """The answers that wait, the oldest first."""

    COLUMNS: ClassVar[Columns] = (
        ("no.", 6),
        ("case", 14),
        ("kind", 16),
        ("language", 10),
        ("age", 7),
        ("why it does not leave", 24),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "read", "read"),
        Binding("x", "take_back", "take back"),
        Binding("r", "release", "release"),
        *_MOVES,
    ]

    def __init__(self, sitting: Sitting) -> None:
        super().__init__(sitting)
        self._answers: list[Answer] = []

    def forget(self) -> None:
        """Hold no answer."""
        self._answers = []

    def load(self) -> None:
        """Read the outbox, without cases that the reviewer at work gave away."""
        casebook, today = self.sitting.casebook, self.sitting.today()
        away = casebook.layers.given_away(self.sitting.viewer.reviewer)
        why = reasons(casebook)
        self._answers = [one for one in casebook.answers.queued() if one.case not in away]
        rows = [
            (
                str(one.id),
                one.case_name,
                one.kind,
                one.language,
                f"{(today - one.day).days} d",
                why.get(one.id, ""),
            )
            for one in self._answers
        ]
        self.show(
            rows,
            f"{self.word('Outbox')}: {self.counted(len(rows), 'answer')}",
            "No answer is waiting.",
        )

    def _chosen(self) -> Answer | None:
        return self._answers[self.rows.index] if self._answers else None

    def action_read(self) -> None:
        """Show the text of the answer."""
        if one := self._chosen():
            title = f"{one.case_name}: {one.kind} in {one.language}"
            self.app.push_screen(Reading(title, [Line(one.text or "(no text)")]))

    def action_release(self) -> None:
        """Let another reviewer's answer leave, after showing its full text and asking."""
        one = self._chosen()
        if one is None:
            return
        casebook, reviewer = self.sitting.casebook, self.sitting.viewer.reviewer
        try:
            own_case(casebook, one.case_name)
            waiting = [found for found in releasable(casebook, one.case) if found.answer == one]
            found = others_work(waiting, reviewer)
        except CasedropError as why:
            self.remark(str(why), "warning")
            return
        letter = Letter(casebook.case(one.case), one.language, one.day, one.text)
        warned = "".join(f"{line}\n\n" for line in quotations([letter]))
        question = f"{warned}Let the answer to {one.case_name} leave with the next export-replies?"

        def asked(yes: bool | None) -> None:
            if yes:
                release(casebook, found, reviewer=reviewer, today=self.sitting.today())
                self.sitting.changes += 1
                self.load()
                self.remark("It may leave with the next export-replies.", "good")

        self.app.push_screen(
            Reading(f"{one.case_name}: {one.kind} in {one.language}", [Line(one.text)]),
            lambda _none: self.app.push_screen(Question(one.case_name, question), asked),
        )

    def action_take_back(self) -> None:
        """Keep the answer from leaving, after asking."""
        if one := self._chosen():
            text = f"Take back the {one.kind} to {one.case_name} of {one.day}?"
            self.app.push_screen(Question(one.case_name, text), self._take_back_if(one))

    def _take_back_if(self, one: Answer) -> Callable[[bool | None], None]:
        def asked(yes: bool | None) -> None:
            if not yes:
                return
            try:
                own_case(self.sitting.casebook, one.case_name)
                take_back(self.sitting.casebook, one.id, today=self.sitting.today())
            except CasedropError as why:
                self.remark(str(why), "warning")
                return
            self.sitting.changes += 1
            self.load()

        return asked


class LogScreen(ListScreen):
    """The custody log, the latest line first; lines hold no plaintext."""

    COLUMNS: ClassVar[Columns] = (
        ("line", 8),
        ("time (UTC)", 22),
        ("act", 10),
        ("case or bundle", 16),
        ("reviewer", 20),
    )

    def __init__(self, sitting: Sitting) -> None:
        super().__init__(sitting)
        self._last = 0
        self._lines: dict[int, LogLine] = {}

    def load(self) -> None:
        """Find the last line."""
        self._last = self.sitting.casebook.log_lines()
        self._lines.clear()
        self.rows.show(self._last, self._line_cells)
        self.title_is(f" {self.word('Custody log')}: {self.counted(self._last, 'line')}")

    def _line_cells(self, index: int, width: int) -> Cells:
        number = self._last - index
        if number not in self._lines:
            last = number + _PAGE_OF_LOG // 2
            self._lines |= self.sitting.casebook.log(last - _PAGE_OF_LOG, last)
        line = self._lines.get(number)
        if line is None:
            return self._cells((str(number), "", "", "", "(cannot be read; see `verify`)"), width)
        who = self.sitting.viewer.name(line.reviewer)
        return self._cells((str(number), line.time, line.act, line.subject, who), width)


class TeamScreen(ListScreen):
    """The reviewers whom the casebook knows, and in how many cases each has reviewed something."""

    # A fingerprint is never cut, since people compare it: it fits into 80 columns.
    COLUMNS: ClassVar[Columns] = (
        ("name", 20),
        ("reviewed", 9),
        ("assigned", 9),
        ("fingerprint", 41),
    )

    def load(self) -> None:
        """Count what everybody may know."""
        viewer = self.sitting.viewer
        reviewed, assigned = Counter[str](), Counter[str]()
        for row in self.sitting.casebook.layers.standings():
            reviewed.update(row["reviewers"].split())
            assigned.update([row["assigned"]] if row["assigned"] else [])
        rows = [
            (
                name + (" (you)" if fingerprint == viewer.reviewer else ""),
                f"{reviewed[fingerprint]:,}",
                f"{assigned[fingerprint]:,}",
                fingerprint,
            )
            for fingerprint, name in sorted(viewer.names.items(), key=lambda one: one[1])
        ]
        self.show(rows, f"{self.word('Team')}: {self.counted(len(rows), 'reviewer')}", "")
