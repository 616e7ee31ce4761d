"""An answer to one case while it is being written: ready texts, warnings, and the outbox."""

from collections.abc import Sequence

from dropbox.label import ENGLISH
from scripts.desk.full_screen.sitting import Sitting
from scripts.desk.outbox.quotation import claimants_words, quotation
from scripts.desk.outbox.writing import (
    Letter,
    OutboxError,
    addressees,
    language_of,
    queue,
    template,
    write,
)
from scripts.desk.screen.confirmation import other_languages, quotations, skipped_cases


class Letters:
    """Answers to case *number*."""

    def __init__(self, sitting: Sitting, number: int) -> None:
        self._sitting = sitting
        self._case = sitting.casebook.case(number)
        self._words = list(claimants_words(self._case))
        self.language = language_of(self._case, sitting.casebook.campaign.languages)

    @property
    def ready(self) -> list[tuple[str, str]]:
        """The codes of the campaign's ready answers, with what each is for."""
        language = self._sitting.viewer.language
        return [
            (one.code, f"{one.code}  {one.in_(language)}")
            for one in self._sitting.casebook.campaign.answers
        ]

    def text_of(self, code: str) -> str:
        """A ready answer in the claimant's language, or else in English; "" for the code ""."""
        if not code:
            return ""
        bodies = template(self._sitting.casebook, code).body
        return bodies.get(self.language, bodies[ENGLISH])

    def refuse(self, text: str = "") -> None:
        """Raise OutboxError if the claimant is to get no answer, or has this *text* already."""
        casebook, reviewer = self._sitting.casebook, self._sitting.viewer.reviewer
        kept, skipped = addressees(
            casebook, [self._case.number], text, without=casebook.layers.given_away(reviewer)
        )
        if not kept:
            raise OutboxError(" ".join(skipped_cases(skipped)))

    def remark(self, text: str) -> str:
        """A remark on *text* while it is typed: how much of it the claimant wrote."""
        found = quotation(text, self._words)
        return (
            f"This repeats {found} in a row that the claimant wrote; anybody who forces the "
            "codename from them could read that."
            if found
            else ""
        )

    def letters(self, text: str) -> Sequence[Letter]:
        """The letter with this *text*. Raises OutboxError, or BadReply if it is too long."""
        self.refuse(text)
        return write(self._sitting.casebook, [self._case.number], text, today=self._sitting.today())

    def warnings(self, letters: Sequence[Letter]) -> list[str]:
        """What to know before they are queued."""
        return [*other_languages(letters), *quotations(letters)]

    def queue(self, letters: Sequence[Letter]) -> None:
        """Put them into the outbox. Raises CasebookError."""
        queue(self._sitting.casebook, letters)
        self._sitting.changes += 1
