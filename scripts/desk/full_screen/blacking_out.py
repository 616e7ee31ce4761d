"""Blacking out words and files in everything that leaves, step by step; the originals stay."""

from collections.abc import Callable, Sequence

from scripts.desk.case import Case
from scripts.desk.full_screen.desk_screen import DeskScreen
from scripts.desk.full_screen.dialogs import Chooser, Marked, Question, Typed
from scripts.desk.full_screen.wrapped import unisolated
from scripts.desk.redaction.leaving_texts import CaseText, texts_of_case
from scripts.desk.redaction.redacting import (
    Found,
    black_out,
    black_out_seen,
    find_words,
    listed,
    take_back,
    withhold,
)
from scripts.desk.redaction.seen_words import Seen, seen_words, uncovered
from scripts.desk.redaction.standing import standing
from scripts.desk.redaction.undecided import Undecided, let_leave, to_decide, undecided
from scripts.desk.screen.output import counted
from scripts.desk.screen.redaction_tables import (
    LIST,
    elsewhere_lines,
    found_lines,
    seen_lines,
    still_read_lines,
    what,
)

_TAKE_BACK, _WITHHOLD, _AS_SEEN = "take back ", "withhold ", "as seen "
# How many places a question lists: all of it has to fit into 24 lines.
_LINES = 12


class BlackingOut:
    """Redactions in *case*, asked for on *screen*; *changed* is called once something has
    changed.
    """

    def __init__(self, screen: DeskScreen, case: Case, changed: Callable[[], None]) -> None:
        self._screen, self._case, self._changed = screen, case, changed
        self._casebook = screen.sitting.casebook
        self._texts = texts_of_case(self._casebook, case)
        self._words = ""

    def begin(self) -> None:
        """Offer the texts in which words can be marked, files, and what can be taken back."""
        entries = [(str(at), one.place) for at, one in enumerate(self._texts)]
        entries += [
            (f"{_TAKE_BACK}{one.redaction.key}", f"take back {one.number}: {what(one)}")
            for one in listed(self._casebook, self._case)
            if one.end is None
        ]
        for number, _ in enumerate(self._case.files, 1):
            entries.append((f"{_WITHHOLD}{number}", f"withhold file {number} whole"))
        waiting = undecided(self._casebook, self._case, standing(self._casebook))
        entries += [
            (f"{_AS_SEEN}{one.number}", f"let file {one.number} leave as it was seen")
            for one in waiting
        ]
        self._choose("black out words of", entries, self._text)

    def _choose(
        self, title: str, entries: Sequence[tuple[str, str]], then: Callable[[str], None]
    ) -> None:
        def chosen(code: str) -> bool:
            # The list is closed first.
            self._screen.app.call_later(then, code)
            return True

        asking = Chooser(f"{self._case.name}: {title}", entries, choose=chosen)
        self._screen.app.push_screen(asking)

    def _text(self, code: str) -> None:
        if code.startswith(_TAKE_BACK):
            self._take_back(code.removeprefix(_TAKE_BACK))
            return
        if code.startswith(_WITHHOLD):
            number = int(code.removeprefix(_WITHHOLD))
            self._why(lambda reason: self._withhold(number, reason))
            return
        if code.startswith(_AS_SEEN):
            self._let_leave(int(code.removeprefix(_AS_SEEN)))
            return
        one: CaseText = self._texts[int(code)]
        asking = Marked(f"{self._case.name}: {one.place}", one.text)
        self._screen.app.push_screen(asking, self._marked)

    def _marked(self, words: str | None) -> None:
        if not words:
            return
        self._words = words
        self._why(self._reason)

    def _why(self, then: Callable[[str], None]) -> None:
        """Ask for a reason of the campaign."""
        viewer = self._screen.sitting.viewer
        codes = viewer.campaign.reviewing.codes(LIST)
        self._choose("why", [(one, viewer.label(LIST, one)) for one in codes], then)

    def _reason(self, reason: str) -> None:
        found: list[Found] = []
        seen: list[Seen] = []

        def find() -> None:
            # Everywhere in the case: leaving a name in one place would make blacking it out
            # pointless.
            found.extend(find_words(self._texts, self._words))
            seen.extend(seen_words(self._casebook, self._case, self._words))

        if not self._screen.done(find):
            return
        places = sum(len(one.spans) for one in found) + sum(bool(one.boxes) for one in seen)
        if not places:
            self._screen.remark("These words are nowhere in the case; nothing is blacked out.")
            return
        shown = [*found_lines(found), *seen_lines(seen)]
        if len(shown) > _LINES:
            shown[_LINES:] = [f"   … and {counted(len(shown) - _LINES, 'line')} more"]
        lines = "\n".join(map(unisolated, shown))
        question = f"Black out {counted(places, 'place')}?\n\n{lines}"
        self._screen.app.push_screen(
            Question(self._case.name, question),
            lambda yes: self._black_out(found, seen, reason) if yes else None,
        )

    def _black_out(self, found: Sequence[Found], seen: Sequence[Seen], reason: str) -> None:
        casebook, case, day = self._casebook, self._case, self._screen.sitting.today()
        new: list[int] = []

        def act() -> None:
            new.append(black_out(casebook, case, found, reason=reason, today=day))
            new.append(black_out_seen(casebook, case, seen, reason=reason, today=day))

        if self._screen.done(act):
            left = uncovered(seen_words(casebook, case, self._words), standing(casebook))
            said = [f"{counted(sum(new), 'place')} blacked out.", *elsewhere_lines([], left)]
            waiting = undecided(casebook, case, standing(casebook))
            if waiting:
                files = ", ".join(str(one.number) for one in waiting)
                said.append(f"Decide on file {files} too: x withholds a file, or lets it leave.")
            self._finish(" ".join(map(unisolated, said)))

    def _withhold(self, number: int, reason: str) -> None:
        casebook, day = self._casebook, self._screen.sitting.today()
        if self._screen.done(
            lambda: withhold(casebook, self._case, number, reason=reason, today=day)
        ):
            self._finish(f"File {number} is withheld: a slip sheet takes its place.")

    def _let_leave(self, number: int) -> None:
        casebook, case = self._casebook, self._case
        waiting: list[Undecided] = []
        if not self._screen.done(lambda: waiting.append(to_decide(casebook, case, number))):
            return
        read = [unisolated(one) for one in still_read_lines(waiting)]
        lines = "\n".join((f"May file {number} leave as it was seen?", *read[:_LINES]))

        def answered(yes: bool | None) -> None:
            if yes and self._screen.done(lambda: let_leave(casebook, case, waiting[0])):
                self._finish(f"File {number} may leave as it was seen.")

        self._screen.app.push_screen(Question(case.name, lines), answered)

    def _take_back(self, key: str) -> None:
        def typed(because: str | None) -> None:
            case, day = self._case, self._screen.sitting.today()
            if because is not None and self._screen.done(
                lambda: take_back(self._casebook, case, key, because=because, today=day)
            ):
                self._finish("Taken back: it leaves again.")

        hint = "Why it is to leave again, in a sentence."
        self._screen.app.push_screen(Typed(f"{self._case.name}: take back", hint), typed)

    def _finish(self, sentence: str) -> None:
        self._screen.sitting.changes += 1
        self._changed()
        self._screen.remark(sentence, "good")
