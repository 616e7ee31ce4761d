"""Gists and translations: added beside a text of a case, which stays as it was written."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from dropbox.errors import CasedropError
from dropbox.label import is_tag
from scripts.desk.case import Case
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.translations import GIST, Translation, source_of_answer
from scripts.desk.identity import at_desk

# A gist is one line in a list.
GIST_CHARACTERS = 300
# Several times the text that a report can hold.
TRANSLATION_BYTES = 2**20
_MACHINE_CHARACTERS = 60


class TranslationError(CasedropError):
    """This translation cannot be kept."""


@dataclass(frozen=True, repr=False)
class SourceText:
    """A text of a case: a part or an answer, by its number (from 1) among those of the case.

    ``source`` is how translations refer to it. No repr: it is plaintext.
    """

    name: str
    number: int
    source: str
    language: str
    text: str


def texts_of(casebook: Casebook, case: Case) -> list[SourceText]:
    """All texts of *case*: the parts, then the answers, in the order in which `show` has them."""
    parts = [
        SourceText("part", number, part.block_id.hex(), part.report.language, part.report.text)
        for number, part in enumerate(case.parts, 1)
    ]
    answers = [
        SourceText("answer", number, source_of_answer(one.text), one.language, one.text)
        for number, one in enumerate(casebook.answers.to(case), 1)
    ]
    return [*parts, *(one for one in answers if one.text)]


def text_of(texts: Sequence[SourceText], name: str, number: int) -> SourceText:
    """The "part" or "answer" with this number. Raises TranslationError."""
    for one in texts:
        if (one.name, one.number) == (name, number):
            return one
    raise TranslationError(f"This case has no {name} {number} with a text.")


def add_translation(
    casebook: Casebook,
    case: Case,
    given: SourceText,
    text: str,
    *,
    kind: str,
    language: str,
    machine: str,
    today: date,
) -> None:
    """Add *text* beside *given*, in the name of the reviewer at work. Raises TranslationError.

    *kind* is GIST or TRANSLATION, *language* the one it is in, *machine* the program that made it.
    """
    if not text or "\0" in text:
        raise TranslationError(f"The {kind} is empty, or is no text.")
    if kind == GIST and (len(text) > GIST_CHARACTERS or len(text.splitlines()) > 1):
        raise TranslationError(
            f"A gist is one line of at most {GIST_CHARACTERS} characters; the whole text is a "
            "translation."
        )
    if not is_tag(language):
        raise TranslationError("The language is a tag such as en or zh-Hant.")
    if len(machine) > _MACHINE_CHARACTERS or not machine.isprintable():
        raise TranslationError(
            f"The machine's name has at most {_MACHINE_CHARACTERS} printable characters."
        )
    with casebook.together():
        casebook.translations.add(
            case,
            Translation(
                source=given.source,
                kind=kind,
                language=language,
                machine=machine,
                text=text,
                reviewer=at_desk(casebook),
                day=today,
            ),
        )
