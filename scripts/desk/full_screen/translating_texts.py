"""Writing a gist or a translation beside a text of a case, which stays as it was written."""

from collections.abc import Callable

from dropbox.errors import CasedropError
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


def translate(screen: DeskScreen, case: Case, done: Callable[[], None]) -> None:
    """Ask on *screen* for a text of *case* and for what it says in English; then call *done*."""
    casebook, sitting = screen.sitting.casebook, screen.sitting
    texts = texts_of(casebook, case)
    entries = [
        (f"{kind} {at}", f"{kind} of {one.name} {one.number} ({one.language})")
        for kind in (GIST, TRANSLATION)
        for at, one in enumerate(texts)
    ]

    def chosen(code: str) -> bool:
        kind, _, at = code.partition(" ")
        given = texts[int(at)]

        def typed(text: str | None) -> None:
            if text is None:
                return
            try:
                add_translation(
                    casebook,
                    case,
                    given,
                    text.strip(),
                    kind=kind,
                    language=ENGLISH,
                    machine="",
                    today=sitting.today(),
                )
            except CasedropError as why:
                screen.remark(str(why), "warning")
                return
            sitting.changes += 1
            done()
            screen.remark(f"The {kind} of {given.name} {given.number} is kept.", "good")

        title = f"{case.name}: {kind} of {given.name} {given.number}"
        asking = Typed(title, _HINTS[kind], lines=kind == TRANSLATION)
        # The list is closed first.
        screen.app.call_later(screen.app.push_screen, asking, typed)
        return True

    screen.app.push_screen(Chooser(f"{case.name}: write the", entries, choose=chosen))
