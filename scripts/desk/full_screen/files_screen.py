"""The screen *Files*: a case's files, which are drawn or written out, never opened."""

import threading
import types
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.worker import WorkerCancelled, WorkerFailed

from dropbox.errors import CasedropError
from scripts.desk.case import Case, FileOfPart
from scripts.desk.evidence import EvidenceError
from scripts.desk.file_access import (
    FIRST_PAGES,
    drawing_seconds,
    looked_at,
    write_files,
    write_page,
)
from scripts.desk.full_screen.boxing import Boxing
from scripts.desk.full_screen.dialogs import Reading, Typed
from scripts.desk.full_screen.interrupting import interrupted
from scripts.desk.full_screen.lists import Columns, ListScreen
from scripts.desk.full_screen.sitting import Sitting
from scripts.desk.full_screen.wrapped import Line, unisolated
from scripts.desk.identity import own_case
from scripts.desk.pictures import drawing_room as rooms
from scripts.desk.pictures.frames import Page
from scripts.desk.pictures.kinds import HEAD_BYTES, IMAGES, Kind, kind_of
from scripts.desk.pictures.look import Shown, look
from scripts.desk.screen.cases import split_lines, written_lines
from scripts.desk.screen.looks import Look, look_text
from scripts.desk.screen.output import counted
from scripts.desk.screen.terminal_pictures import ENDS, Pictures
from scripts.desk.split_files import split_files

# Kinds that can have pages; a ZIP archive may be an Office document.
_WITH_PAGES = {*IMAGES, Kind.PDF, Kind.OFFICE, Kind.RECORDING, Kind.ZIP}
_HINT = "A folder, best on a disk that is encrypted; it is made if it is not there."
_NO_PICTURES = (
    "This terminal does not say that it shows pictures. Enter writes them into a folder; `screen "
    "--show-as` names its way, kitty or sixel."
)
_CTRL_L = "\x0c"
_WITHOUT = " `picture --without-bubblewrap` draws behind fewer walls."


@types.coroutine
def _a_turn() -> Generator[None, None, None]:
    """Let the screen do whatever else there is to do."""
    yield


class FilesScreen(ListScreen):
    """The files of the case *name*."""

    COLUMNS: ClassVar[Columns] = (
        ("no.", 6),
        ("bytes", 16),
        ("kind, by its bytes", 26),
        ("name", 30),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "picture", "picture"),
        Binding("v", "look", "look here"),
        Binding("w", "write", "write all out"),
        Binding("x", "box", "black out a box"),
        *ListScreen.BINDINGS,
    ]

    def __init__(self, sitting: Sitting, name: str) -> None:
        super().__init__(sitting)
        self._of = name
        self._files: tuple[FileOfPart, ...] = ()
        self._folder = ""
        self._busy = False
        self._stopped, self._ended = threading.Event(), threading.Event()

    def load(self) -> None:
        """List the files, which the custody log records, or say why that is impossible."""
        rows = list[tuple[str, ...]]()
        why = ""
        try:
            case = self._case()
            self.sitting.casebook.viewed(case)
            self._files = case.files
            rows = [self._row(number, one) for number, one in enumerate(self._files, 1)]
        except (CasedropError, OSError) as refused:
            self._files, rows, why = (), [], str(refused)
        title = f"{self._of}: {self.counted(len(rows), 'file')}"
        self.show(rows, title, why or f"{self._of} has no file.")
        if splits := split_lines(split_files(self._files)):
            self.remark("\n".join(map(unisolated, splits)), "warning")

    def _case(self) -> Case:
        return own_case(self.sitting.casebook, self._of)

    def _row(self, number: int, one: FileOfPart) -> tuple[str, ...]:
        kind = self._kind(one)
        shown = "(could not be opened)" if kind is None else kind.value
        return str(number), f"{one.attachment.size:,}", shown, one.attachment.name

    def _kind(self, one: FileOfPart) -> Kind | None:
        """The kind by its first bytes; None if it was never opened."""
        casebook = self.sitting.casebook
        if not casebook.has_file(one.part, one.place):
            return None
        with casebook.file_path(one.attachment.sha256).open("rb") as kept:
            return kind_of(kept.read(HEAD_BYTES))

    def action_picture(self) -> None:
        """Draw the chosen file; if it may have pages, into a folder that the reviewer names."""
        if (number := self._drawable()) is None:
            return
        try:
            kind = self._kind(self._files[number - 1])
        except OSError as why:
            self.remark(str(why), "warning")
            return
        if kind in _WITH_PAGES:
            title = f"{self._of}: pictures of file {number} into"
            self._ask(title, lambda folder: self._draw(number, folder))
        else:
            self._begin(self._draw(number, None))

    def _drawable(self) -> int | None:
        """The number of the chosen file if it can be drawn now; otherwise the screen says why."""
        if not self._files or not self._is_free():
            return None
        if not rooms.available():
            self.remark(f"{rooms.MISSING}{_WITHOUT}", "warning")
            return None
        return self.rows.index + 1

    def action_look(self) -> None:
        """Draw the chosen file in this terminal, page by page, and leave nothing of it there."""
        if (number := self._drawable()) is None:
            return
        with self.app.at_the_terminal():  # type: ignore[attr-defined]
            pictures: Pictures | None = self.app.pictures()  # type: ignore[attr-defined]
        if pictures is None:
            self.remark(_NO_PICTURES)
        else:
            self._begin(self._show(number, pictures))

    def action_box(self) -> None:
        """Black out a box on a page of the chosen file."""
        if (number := self._drawable()) is not None:
            Boxing(self, self._case(), number, draws=self._draw_page, shows=self._show_page).begin()

    def _draw_page(self, number: int, page: int, then: Callable[[Page], None]) -> None:
        """Draw one page, and pass it to *then*."""
        self._ended.clear()

        async def draw() -> None:
            found: list[Page] = []
            looked = await self._looked(self._case(), number, range(page, page + 1), found.append)
            if not self._is_here():
                return
            if found:
                self.remark("")
                then(found[0])
            else:
                self._tell(look_text(looked).rstrip("\n").split("\n"))

        self._begin(draw())

    def _show_page(self, page: Page, of: str) -> None:
        """Show a page in the terminal, if it can."""
        with suppress(KeyboardInterrupt), self.app.at_the_terminal(), interrupted():  # type: ignore[attr-defined]
            pictures = self.app.pictures()  # type: ignore[attr-defined]
            if pictures is not None and pictures.look(page, of):
                self.app.note_key()  # type: ignore[attr-defined]

    def action_write(self) -> None:
        """Write all files out, byte for byte, into a folder that the reviewer names."""
        if self._files and self._is_free():
            self._ask(f"{self._of}: all files into", self._write)

    def _is_free(self) -> bool:
        if self._busy:
            self.remark("The files are being drawn or written; Esc stops that.")
        return not self._busy

    def _ask(self, title: str, then: Callable[[Path], Awaitable[None]]) -> None:
        def asked(folder: str | None) -> None:
            if folder is None:
                return
            self._folder = folder.strip()
            if self._folder:
                self._begin(then(Path(self._folder).expanduser()))
            else:
                self.remark("No folder was named, and nothing was written.")

        self.app.push_screen(Typed(title, _HINT, self._folder), asked)

    def _begin(self, work: Awaitable[None]) -> None:
        """Do *work* while the screen goes on; if it fails, say why."""

        async def run() -> None:
            try:
                await work
            except WorkerCancelled:
                pass  # the screen was left
            except (CasedropError, OSError) as why:
                if self._is_here():
                    self.remark(str(why), "warning")
            finally:
                self._busy = False

        self._busy = True
        self.run_worker(run())

    async def _draw(self, number: int, folder: Path | None) -> None:
        """Draw file *number* into *folder*, as `picture --out` does; without one, only name it."""
        case, pictures = self._case(), list[Path]()

        def keep(page: Page) -> None:
            # Loaded only when there is a page.
            from scripts.desk.pictures.png import png_of  # noqa: PLC0415

            assert folder is not None
            casebook = self.sitting.casebook
            pictures.append(write_page(casebook, case, number, page.number, png_of(page), folder))
            self.remark(f"File {number}: page {page.number} was drawn.")

        pages = range(1, 1) if folder is None else FIRST_PAGES
        self._ended.clear()
        await self._look(case, number, pages, keep, pictures)

    async def _show(self, number: int, terminal: Pictures) -> None:
        """Show file *number* in the *terminal*, as `picture --show` does."""

        def show(page: Page) -> None:
            if self._ended.is_set() or not self._is_here():
                return  # drawn before the key was pressed that ended it
            key = "q"
            with (
                suppress(KeyboardInterrupt),
                self.app.at_the_terminal(),  # type: ignore[attr-defined]
                interrupted(),
            ):
                key = terminal.look(page, f"file {number}")
            if key in (*ENDS, _CTRL_L):
                self._ended.set()
            if key:
                self.app.note_key()  # type: ignore[attr-defined]
            # No key was pressed for as long as the screen waits before it locks.
            if key in ("", _CTRL_L):
                self.app.action_lock()  # type: ignore[attr-defined]

        self._ended.clear()
        await self._look(self._case(), number, FIRST_PAGES, show, [])

    async def _look(
        self,
        case: Case,
        number: int,
        pages: range,
        take: Callable[[Page], None],
        pictures: Sequence[Path],
    ) -> None:
        """Have *pages* of file *number* drawn for *take*, and report the outcome.

        *take* adds to *pictures* the path of each that it writes.
        """
        found = await self._looked(case, number, pages, take, pictures)
        if self._ended.is_set():
            self._tell_nothing()
        else:
            self._tell(look_text(found).rstrip("\n").split("\n"))

    async def _looked(
        self,
        case: Case,
        number: int,
        pages: range,
        take: Callable[[Page], None],
        pictures: Sequence[Path] = (),
    ) -> Look:
        """Have *pages* of file *number* drawn; *take* gets each one."""
        name = case.files[number - 1].attachment.name

        def sink(page: Page) -> None:
            self.app.call_from_thread(take, page)

        self.remark(f"File {number} is being drawn; Esc stops that.")
        try:
            with looked_at(self.sitting.casebook, case, number) as content:
                drawing = partial(
                    look,
                    content,
                    pages,
                    rooms.Bubblewrap(),
                    sink,
                    seconds=drawing_seconds(pages),
                    stopped=lambda: self._stopped.is_set() or self._ended.is_set(),
                )
                shown = await self._beside(drawing)
        except EvidenceError as why:
            return Look(number, name, None, (), str(why))
        return Look(number, name, shown, pictures)

    async def _beside(self, work: Callable[[], Shown]) -> Shown:
        """Do *work* in a thread of its own, while the screen goes on. Raises what it raises."""
        try:
            return await self.run_worker(work, thread=True, exit_on_error=False).wait()
        except WorkerFailed as why:
            raise why.error from None

    async def _write(self, folder: Path) -> None:
        """Write all files out, as `files --out` does."""
        case = self._case()
        lines = list[str]()
        for written in write_files(self.sitting.casebook, case, folder):
            lines += written_lines(written)
            self.remark(f"{len(lines)} of {counted(len(case.files), 'file')} written.")
            await _a_turn()
            if not self._is_here():
                return  # locked: the casebook is closed
        self._tell(lines)

    def _tell_nothing(self) -> None:
        if self._is_here():
            self.remark("")

    def _tell(self, lines: list[str]) -> None:
        if not self._is_here():
            return
        self.remark("")
        shown = [Line(unisolated(line)) for line in lines]
        self.app.push_screen(Reading(f"{self._of}: {self.word('files')}", shown))

    def _is_here(self) -> bool:
        """Whether the screen was neither left nor cleared by the lock."""
        return self in self.app.screen_stack

    def forget(self) -> None:
        """Stop drawing, since nobody is there to see it, and hold no file."""
        self._stopped.set()
        self._files = ()
