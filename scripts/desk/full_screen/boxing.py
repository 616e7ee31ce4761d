"""Blacking out a box on a page of a file, step by step: page, box, reason, confirmation."""

from collections.abc import Callable

from scripts.desk.case import Case
from scripts.desk.full_screen.desk_screen import DeskScreen
from scripts.desk.full_screen.dialogs import Chooser, Question, Typed
from scripts.desk.pictures.frames import Page
from scripts.desk.redaction.boxes import box_of, mark_of
from scripts.desk.redaction.redacting import keep_box
from scripts.desk.screen.redaction_tables import LIST

_PAGE_HINT = "The number of the page, from 1."
_BOX_HINT = (
    "Left, top, width and height: in percent of the page as 10,5,30,4%, or in pixels of its PNG "
    "picture as 120,80,400,50."
)
# One draws page P of file N and then calls back; the other shows a page in the terminal, if it can.
Draws = Callable[[int, int, Callable[[Page], None]], None]
Shows = Callable[[Page, str], None]


class Boxing:
    """A box on file *number* of *case*, asked for on *screen*."""

    def __init__(
        self, screen: DeskScreen, case: Case, number: int, *, draws: Draws, shows: Shows
    ) -> None:
        self._screen, self._case, self._number = screen, case, number
        self._draws, self._shows = draws, shows
        self._title = f"{case.name}, file {number}"

    def begin(self) -> None:
        """Ask for the page."""
        asking = Typed(f"{self._title}: black out a box on page", _PAGE_HINT, "1")
        self._screen.app.push_screen(asking, self._page)

    def _page(self, typed: str | None) -> None:
        if typed is None:
            return
        if not typed.strip().isdecimal() or not int(typed):
            self._screen.remark("A page is a number from 1.", "warning")
            return
        self._draws(self._number, int(typed), self._drawn)

    def _drawn(self, page: Page) -> None:
        # Loaded only when there is a page.
        from scripts.desk.pictures.ruler import ruled  # noqa: PLC0415

        self._shows(ruled(page), f"file {self._number}, a line every tenth")
        asking = Typed(f"{self._title}, page {page.number}: the box", _BOX_HINT)
        self._screen.app.push_screen(asking, lambda typed: self._box(page, typed))

    def _box(self, page: Page, typed: str | None) -> None:
        if typed is None or not self._screen.done(lambda: box_of(typed, page)):
            return
        viewer = self._screen.sitting.viewer
        codes = viewer.campaign.reviewing.codes(LIST)

        def chosen(reason: str) -> bool:
            # The list is closed first.
            self._screen.app.call_later(self._ask, page, typed, reason)
            return True

        entries = [(one, viewer.label(LIST, one)) for one in codes]
        self._screen.app.push_screen(Chooser(f"{self._title}: why", entries, choose=chosen))

    def _ask(self, page: Page, typed: str, reason: str) -> None:
        from scripts.desk.pictures.blackening import blackened  # noqa: PLC0415

        box = box_of(typed, page)
        self._shows(
            blackened(page, [mark_of(page, box, reason)]), f"file {self._number}, as it leaves"
        )
        text = (
            f"Black out the box {typed.strip()} on page {page.number} of file {self._number} "
            f"({page.width} × {page.height} pixels)? Its whole page leaves as pixels."
        )

        def asked(yes: bool | None) -> None:
            if yes:
                self._keep(page, typed, reason)

        self._screen.app.push_screen(Question(self._title, text), asked)

    def _keep(self, page: Page, typed: str, reason: str) -> None:
        sitting = self._screen.sitting
        if self._screen.done(
            lambda: keep_box(
                sitting.casebook,
                self._case,
                self._number,
                page,
                typed,
                reason=reason,
                today=sitting.today(),
            )
        ):
            sitting.changes += 1
            self._screen.remark("The box is blacked out in what leaves.", "good")
