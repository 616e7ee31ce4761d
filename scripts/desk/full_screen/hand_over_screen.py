"""The screen *Hand over*: what would go to counsel, why the rest is held back, and doing it."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from dropbox.codename import WordLists
from dropbox.label import LANGUAGES
from scripts.desk.casebook.productions import HAND_OVER
from scripts.desk.full_screen.case_screen import CaseScreen
from scripts.desk.full_screen.dialogs import Chooser, Typed
from scripts.desk.full_screen.interrupting import interrupted
from scripts.desk.full_screen.lists import Columns, ListScreen
from scripts.desk.full_screen.panes import Bar, Cells
from scripts.desk.full_screen.queue import Queue
from scripts.desk.full_screen.sitting import Sitting
from scripts.desk.production.approval import approve, hand_over_approved, manner_of
from scripts.desk.production.handing_over import HandedOver
from scripts.desk.production.plan import HOLDING, Held, Plan, planned
from scripts.desk.screen.output import counted, progress_bar, stages
from scripts.desk.screen.production import approval_line, why_held

# With more cases than this it takes seconds to find out what holds them back.
_AT_ONCE = 500
_NOTHING = Plan((), (), (), "")


class HandOverScreen(ListScreen):
    """The cases that *queue* lists, held-back ones first; ends with a case's number."""

    COLUMNS: ClassVar[Columns] = (("case", 14), ("leaves", 8), ("why not, or what leaves", 30))
    CSS = "HandOverScreen #plan { margin: 0 0 1 0; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open the case"),
        Binding("f", "allow", "allow a flag"),
        Binding("l", "labels", "language"),
        Binding("p", "pictures", "pictures"),
        Binding("a", "approve", "approve"),
        Binding("w", "write", "write it out"),
        *ListScreen.BINDINGS,
    ]

    def __init__(self, sitting: Sitting, queue: Queue) -> None:
        super().__init__(sitting)
        self._queue = queue
        self._allowed: set[str] = set()
        self._plan = _NOTHING.written(sitting.viewer.language, pictures=True)
        self._folder = ""
        self._as_of = -1

    def forget(self) -> None:
        """Hold no case's name."""
        self._plan = self._as_before(_NOTHING)

    def body(self) -> Iterable[Widget]:
        """The totals, and the cases."""
        yield Bar(id="plan")
        yield from super().body()

    @property
    def _numbers(self) -> list[int]:
        return [*(one.number for one in self._plan.held), *self._plan.ready]

    def load(self) -> None:
        """Find out what would leave."""
        if not self._done(self._look):
            self._plan = self._as_before(_NOTHING)
            self.title_is(f" {self.word('Hand over')}: {self._queue.title}")
            return
        self.sitting.casebook.note("view", HAND_OVER)
        self._as_of = self.sitting.changes
        self._show()

    def _look(self) -> None:
        casebook, numbers = self.sitting.casebook, self._queue.numbers
        words = WordLists.read()
        if len(numbers) <= _AT_ONCE:
            self._plan = self._as_before(planned(casebook, numbers, self._allowed, words))
            return
        with self._progress("looking at cases") as show:
            made = planned(casebook, numbers, self._allowed, words, show)
        self._plan = self._as_before(made)

    def _as_before(self, plan: Plan) -> Plan:
        """*plan* with the language and the pictures that were chosen last."""
        return plan.written(self._plan.language, pictures=self._plan.pictures)

    def _show(self) -> None:
        plan = self._plan
        self.rows.show(len(self._numbers), self._row, self.rows.index)
        self.title_is(f" {self.word('Hand over')}: {self._queue.title}")
        approved = self.sitting.casebook.productions.approved_by(plan.sha256)
        lines = [
            f"{counted(len(plan.ready), 'case')} would leave, {len(plan.held):,} are held back.",
            f"Written with {manner_of(plan)}.",
            approval_line(plan, approved, self.sitting.viewer),
        ]
        if plan.allowed:
            lines.insert(1, f"Handed over in spite of the flag: {', '.join(plan.allowed)}")
        self.query_one("#plan", Bar).say("\n".join(lines), "good" if approved else "")

    def _row(self, index: int, width: int) -> Cells:
        plan, viewer = self._plan, self.sitting.viewer
        if index < len(plan.held):
            one: Held = plan.held[index]
            cells = self._cells((one.name, "", why_held(one.reason, viewer)), width)
            return [
                (text, "warning" if at == len(cells) - 1 else "")
                for at, (text, _) in enumerate(cells)
            ]
        case = self.sitting.casebook.case(plan.ready[index - len(plan.held)])
        texts = sum(bool(part.report.text) for part in case.parts)
        what = f"{counted(texts, 'text')}, {counted(len(case.files), 'file')}"
        return self._cells((case.name, "yes", what), width)

    def action_open(self) -> None:
        """Open the chosen case, to see what holds it back."""
        if self._numbers:
            case = CaseScreen(self.sitting, self._numbers, self.rows.index)
            self.app.push_screen(case, self._back)

    def _back(self, _number: int | None) -> None:
        if self._as_of != self.sitting.changes:
            self.load()

    def action_allow(self) -> None:
        """Let cases with a flag leave, or hold them back again."""
        viewer = self.sitting.viewer
        entries = [(flag, viewer.label("flag", flag)) for flag in HOLDING]

        def chosen(flag: str) -> bool:
            self._allowed ^= {flag}
            self.load()
            return False

        title = "Hand over cases with this flag too"

        def mark(flag: str) -> str:
            return "●" if flag in self._allowed else ""

        self.app.push_screen(Chooser(title, entries, mark=mark, choose=chosen))

    def action_labels(self) -> None:
        """Switch the labels to the next language."""
        after = LANGUAGES[(LANGUAGES.index(self._plan.language) + 1) % len(LANGUAGES)]
        self._plan = self._plan.written(after, pictures=self._plan.pictures)
        self._show()

    def action_pictures(self) -> None:
        """Switch between drawn files and slip sheets."""
        self._plan = self._plan.written(self._plan.language, pictures=not self._plan.pictures)
        self._show()

    def action_approve(self) -> None:
        """Approve what another reviewer is going to hand over, by the code that they see."""
        hint = (
            "You say that exactly this may leave; another reviewer writes it out then. Type the "
            "code that they see."
        )
        self.app.push_screen(Typed("Approve a hand-over", hint), self._approve)

    def _approve(self, code: str | None) -> None:
        if code is None or not self._done(
            lambda: approve(self.sitting.casebook, self._plan, code.strip())
        ):
            return
        self._show()
        ready = counted(len(self._plan.ready), "case")
        said = f"Approved: {ready} may be handed over. Written with {manner_of(self._plan)}."
        self.remark(said, "good")

    def action_write(self) -> None:
        """Write what was approved into a new folder."""
        hint = "A new folder, best on a disk that is encrypted: texts and files are in the clear."
        self.app.push_screen(Typed("Hand over into", hint, self._folder), self._write)

    def _write(self, folder: str | None) -> None:
        if folder is None:
            return
        self._folder = folder.strip()
        if not self._folder:
            self.remark("No folder was named, and nothing was written.")
            return
        done: list[HandedOver] = []
        if self._done(lambda: done.append(self._hand_over(Path(self._folder).expanduser()))):
            self.remark(
                f"{counted(done[0].cases, 'case')} with "
                f"{counted(done[0].documents, 'document')} and {done[0].bytes:,} bytes are in "
                f"{self._folder}. SHA-256 of its list: {done[0].sha256}",
                "good",
            )

    def _hand_over(self, out: Path) -> HandedOver:
        sitting = self.sitting
        # In the plain terminal: gpg may ask for the passphrase, and Ctrl-C stops it there.
        with self._progress("handing over") as show:
            return hand_over_approved(sitting.casebook, self._plan, out, sitting.sign, show)

    def _done(self, act: Callable[[], object]) -> bool:
        """Like ``done``; Ctrl-C in the plain terminal stops it as well."""
        try:
            return self.done(act)
        except KeyboardInterrupt:
            self.remark("Stopped.", "warning")
            return False

    @contextmanager
    def _progress(self, stage: str) -> Iterator[Callable[[int, int], None]]:
        """Show the progress in the plain terminal."""
        with self.app.at_the_terminal(), interrupted(), progress_bar() as bar:  # type: ignore[attr-defined]
            show = stages(bar)
            yield lambda done, total: show(stage, done, total)
