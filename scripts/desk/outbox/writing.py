"""Answers as reviewers write them: to whom, in which language, and queued in the outbox."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from dropbox.errors import CasedropError
from dropbox.label import ENGLISH, LANGUAGES, is_tag
from dropbox.ready_answer import Template
from dropbox.reply import Reply, seal_reply
from scripts.desk.case import Answer, Case
from scripts.desk.casebook.casebook import Casebook

# The campaign's question about the language in which a claimant wants to be answered.
_LANGUAGE_QUESTION = "reply_language"


class OutboxError(CasedropError):
    """The answer cannot leave."""


@dataclass(frozen=True, repr=False)
class Letter:
    """A text for one case, written on ``day`` and not queued yet.

    ``language`` is one of the campaign's. ``instead_of``: the language that was wanted, if this is
    another one.
    """

    case: Case
    language: str
    day: date
    text: str
    instead_of: str = ""


def language_of(case: Case, languages: Collection[str] = LANGUAGES) -> str:
    """The language in which the claimant of *case* asked to be answered, or else wrote last.

    It is one of *languages*; the first of LANGUAGES if the claimant's are all others.
    """
    asked = [part.report.facts.get(_LANGUAGE_QUESTION) for part in case.parts]
    written = [part.report.language for part in case.parts]
    # Only the languages of the pages: a report may hold anything.
    known = [language for language in (*written, *asked) if language in languages]
    return str(known[-1]) if known else LANGUAGES[0]


def check_language(casebook: Casebook, language: str) -> None:
    """Raise OutboxError unless *language* is one of the campaign's, or "" for the claimant's."""
    languages = casebook.campaign.languages
    if language and language not in languages:
        raise OutboxError(f"An answer is in one of {', '.join(languages)}.")


class Skipped(StrEnum):
    """Why one of several cases gets no answer."""

    WITHDRAWN = "took everything back; nothing is sent to them any more"
    REFUSED = "asked not to be answered; --force answers all the same"
    REPEATED = "have this very answer already; --repeat sends it once more"
    CONFLICT = "you declared a conflict of interest"


def addressees(
    casebook: Casebook,
    numbers: Iterable[int],
    wording: str | Template,
    *,
    without: Collection[int] = (),
    although: bool = False,
    repeat: bool = False,
) -> tuple[list[int], dict[Skipped, list[str]]]:
    """Those of the cases *numbers* that get an answer, and the names of all others by reason.

    *without* are the cases that the reviewer at work gave away. *although* keeps claimants who
    asked not to be answered, *repeat* those who have the same answer already.
    """
    texts = {wording} if isinstance(wording, str) else set(wording.body.values())
    kept, skipped = list[int](), dict[Skipped, list[str]]()
    for number in dict.fromkeys(numbers):
        case = casebook.case(number)
        had = {one.text for one in casebook.answers.to(case) if one.kind == "answer"}
        reasons = {
            Skipped.CONFLICT: number in without,
            Skipped.WITHDRAWN: case.withdrawn is not None,
            Skipped.REFUSED: case.wants_no_answer and not although,
            Skipped.REPEATED: bool(had & texts) and not repeat,
        }
        reason = next((why for why, holds in reasons.items() if holds), None)
        if reason is None:
            kept.append(number)
        else:
            skipped.setdefault(reason, []).append(case.name)
    return kept, skipped


def write(
    casebook: Casebook,
    numbers: Iterable[int],
    wording: str | Template,
    *,
    today: date,
    language: str = "",
    although: bool = False,
) -> list[Letter]:
    """A letter to each of the cases *numbers*, in *language* or else in its claimant's.

    A ready answer that does not exist in that language is sent in English.

    Raises OutboxError, BadReply or CasebookError: for an empty or too long text, an unknown case,
    one text for claimants of different languages, for claimants who took everything back, and,
    unless *although*, for claimants who asked not to be answered.
    """
    check_language(casebook, language)
    cases = [casebook.case(number) for number in dict.fromkeys(numbers)]
    if gone := ", ".join(case.name for case in cases if case.withdrawn):
        raise OutboxError(
            f"The claimants of {gone} took everything back; nothing is sent to them any more."
        )
    unwanted = ", ".join(case.name for case in cases if case.wants_no_answer)
    if unwanted and not although:
        raise OutboxError(
            f"The claimants of {unwanted} asked not to be answered; --force answers all the same."
        )
    known = casebook.campaign.languages
    languages = {case.number: language or language_of(case, known) for case in cases}
    if isinstance(wording, str) and len(set(languages.values())) > 1:
        raise OutboxError(
            "These claimants read different languages: use a template, or name the language of the "
            "text with --lang."
        )
    letters = [
        _letter(
            case, wording, languages[case.number], today, "" if language else _unknown(case, known)
        )
        for case in cases
    ]
    for letter in letters:
        if not letter.text.strip():
            raise OutboxError("The answer is empty.")
        # Tried now, while the person who wrote it can still shorten it.
        sealed(letter.case, Reply("answer", letter.language, today, letter.text))
    return letters


def _letter(
    case: Case, wording: str | Template, language: str, today: date, instead_of: str
) -> Letter:
    if isinstance(wording, str):
        return Letter(case, language, today, wording, instead_of)
    if language in wording.body:
        return Letter(case, language, today, wording.body[language], instead_of)
    return Letter(case, ENGLISH, today, wording.body[ENGLISH], language)


def _unknown(case: Case, languages: Collection[str]) -> str:
    """The language in which the claimant wrote last, if this desk's campaign does not have it."""
    last = case.parts[-1].report.language
    # A report may hold anything; only a tag is worth showing.
    return last if is_tag(last) and last not in languages else ""


def template(casebook: Casebook, code: str) -> Template:
    """The campaign's ready answer *code*. Raises OutboxError."""
    for one in casebook.campaign.answers:
        if one.code == code:
            return one
    raise OutboxError("This campaign has no such template; `answer --templates` lists them.")


def queue(casebook: Casebook, letters: Sequence[Letter]) -> None:
    """Queue all *letters* or none.

    Raises CasebookError if a case has had all answers that a desk can give.
    """
    with casebook.together():
        for one in letters:
            casebook.answers.queue(
                one.case, kind="answer", language=one.language, day=one.day, text=one.text
            )


def answer(casebook: Casebook, number: int, text: str, *, today: date, language: str = "") -> Case:
    """Queue *text* for case *number*, and return the case.

    The language is the claimant's by default. Raises as :func:`write`.
    """
    (letter,) = write(casebook, [number], text, today=today, language=language)
    queue(casebook, [letter])
    return letter.case


def take_back(casebook: Casebook, number: int, *, today: date) -> Answer:
    """Keep the queued answer *number* (its id) from leaving. Returns it.

    Raises OutboxError if it is not queued.
    """
    for one in casebook.answers.queued():
        if one.id == number:
            if one.kind != "answer":
                # The next import would queue it again, because its case would have none.
                raise OutboxError(
                    "This is an acknowledgement that the report was opened; the desk queues it on "
                    "its own, and it cannot be taken back."
                )
            casebook.answers.take_back(one, day=today)
            return one
    raise OutboxError(
        f"There is no answer {number} in the outbox; what has left cannot be taken back."
    )


def sealed(case: Case, reply: Reply) -> bytes:
    """*reply* as it leaves: sealed to its case. Raises BadReply if it is too long."""
    return seal_reply(reply, case.reply_public, reply_symmetric=case.reply_symmetric)
