"""Writing an answer, step by step: a ready text or none, the text itself, and a confirmation."""

from collections.abc import Sequence

from scripts.desk.case import Case
from scripts.desk.full_screen.desk_screen import DeskScreen
from scripts.desk.full_screen.dialogs import Chooser, Question, Typed
from scripts.desk.full_screen.letters import Letters
from scripts.desk.full_screen.unfinished import ANSWER, Begun
from scripts.desk.outbox.writing import Letter

_HINT = "Do not repeat what the claimant told you. About 1,300 Chinese characters fit."


class Answering:
    """An answer to *case*, asked for on *screen*."""

    def __init__(self, screen: DeskScreen, case: Case) -> None:
        self._screen = screen
        self._name = case.name
        self._letters = Letters(screen.sitting, case.number)
        self._title = f"{case.name}: answer in {self._letters.language}"

    def begin(self) -> None:
        """Offer the ready answers, unless the claimant is to get none."""
        entries = [("", "your own words"), *self._letters.ready]
        if self._screen.done(self._letters.refuse):
            self._screen.app.push_screen(Chooser(self._title, entries, choose=self._type))

    def resume(self, text: str) -> None:
        """Go on with an answer that was begun before the desk was locked."""
        if self._screen.done(self._letters.refuse):
            self._screen.app.push_screen(self._typed(text), self._ask)

    def _type(self, code: str) -> bool:
        # The list of ready answers is closed first.
        asking = self._typed(self._letters.text_of(code))
        self._screen.app.call_later(self._screen.app.push_screen, asking, self._ask)
        return True

    def _typed(self, text: str) -> Typed:
        check = self._letters.remark
        return Typed(self._title, _HINT, text, lines=True, check=check, what=ANSWER)

    def _ask(self, text: str | None) -> None:
        written: list[Letter] = []
        if text is None or not self._screen.done(
            lambda: written.extend(self._letters.letters(text))
        ):
            return
        warnings = "".join(f"{one}\n\n" for one in self._letters.warnings(written))
        question = f"{warnings}Queue this answer to {self._name} in {written[0].language}?"
        self._screen.app.push_screen(
            Question(self._title, question, Begun(ANSWER, text)),
            lambda yes: self._queue(written) if yes else None,
        )

    def _queue(self, written: Sequence[Letter]) -> None:
        if self._screen.done(lambda: self._letters.queue(written)):
            sentence = f"The answer to {self._name} leaves with the next export-replies."
            self._screen.remark(sentence, "good")
