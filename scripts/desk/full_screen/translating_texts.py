"""Writing a gist or a translation beside a text of a case, which stays as it was written."""

from collections.abc import Callable

from dropbox.label import ENGLISH
from scripts.desk.case import Case
from scripts.desk.casebook.translations import GIST, TRANSLATION
from scripts.desk.full_screen.desk_screen import DeskScreen
from scripts.desk.full_screen.dialogs import Chooser, Typed
from scripts.desk.translating import GIST_CHARACTERS, add_translation, texts_of

_HINTS = {
    GIST: f"One line of at most {GIST_CHARACTERS} characters in English; lists show it.",
    TRANSLATION: "The whole text in English, made by hand; `translate` names a machine.",
}


class Translating:
    """Gists and translations of *case* in English, asked for on *screen*; *changed*: called once
    one is kept.
    """

    def __init__(self, screen: DeskScreen, case: Case, changed: Callable[[], None]) -> None:
        self._screen, self._case, self._changed = screen, case, changed
        self._texts = texts_of(screen.sitting.casebook, case)

    def begin(self) -> None:
        """Offer a gist and a translation of each text."""
        entries = [
            (f"{kind} {at}", f"{kind} of {one.name} {one.number} ({one.language})")
            for kind in (GIST, TRANSLATION)
            for at, one in enumerate(self._texts)
        ]
        title = f"{self._case.name}: write the"
        self._screen.app.push_screen(Chooser(title, entries, choose=self._chosen))

    def _chosen(self, code: str) -> bool:
        # The list is closed first.
        self._screen.app.call_later(self.write, code)
        return True

    def write(self, code: str, begun: str = "") -> None:
        """Ask for the text that *code* names, such as "gist 0"; *begun* was already typed."""
        kind, _, at = code.partition(" ")
        given = self._texts[int(at)]
        title = f"{self._case.name}: {kind} of {given.name} {given.number}"

        def typed(text: str | None) -> None:
            if text is not None and self._screen.done(
                lambda: add_translation(
                    self._screen.sitting.casebook,
                    self._case,
                    given,
                    text.strip(),
                    kind=kind,
                    language=ENGLISH,
                    machine="",
                    today=self._screen.sitting.today(),
                )
            ):
                self._screen.sitting.changes += 1
                self._changed()
                self._screen.remark(f"The {kind} of {given.name} {given.number} is kept.", "good")

        asking = Typed(title, _HINTS[kind], begun, lines=kind == TRANSLATION, what=code)
        self._screen.app.push_screen(asking, typed)
