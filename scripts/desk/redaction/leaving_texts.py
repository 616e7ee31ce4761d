"""All texts of a case that may leave: what was sent, and what reviewers wrote about it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from scripts.desk.case import Case
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.translating import texts_of

PART, ANSWER, FILE_NAME, TOLD = "part", "answer", "file", "told"
BESIDE, FACT, REVIEW = "translation", "fact", "review"
# The texts in an amount; its other fields are numbers, codes and dates.
_OF_AMOUNT = ("what", "method")


@dataclass(frozen=True, repr=False)
class CaseText:
    """A text of a case, and where it is: its ``kind``, and its number among those of that kind.

    ``place`` says where for people, in words that reveal nothing of a case. For a translation or
    gist, ``original`` is its original text. No repr: it is plaintext.
    """

    kind: str
    number: int
    place: str
    text: str
    original: str = ""


def texts_of_case(casebook: Casebook, case: Case) -> list[CaseText]:
    """All non-empty texts of *case*: parts and answers first, then what was added to them."""
    found = [
        *(CaseText(one.name, one.number, f"{one.name} {one.number}", one.text)
          for one in texts_of(casebook, case)),
        *_told(case),
        *(CaseText(FILE_NAME, number, f"name of file {number}", one.attachment.name)
          for number, one in enumerate(case.files, 1)),
        *_beside(casebook, case),
        *_facts(casebook, case),
        *_reviews(casebook, case),
    ]  # fmt: skip
    return [one for one in found if one.text]


def _told(case: Case) -> Iterator[CaseText]:
    """What the claimant typed into fields of the form."""
    for number, part in enumerate(case.parts, 1):
        for question, value in part.report.facts.items():
            for text in _strings(value):
                yield CaseText(TOLD, number, f"field {question} of part {number}", text)


def _beside(casebook: Casebook, case: Case) -> Iterator[CaseText]:
    originals = {one.source: one.text for one in texts_of(casebook, case)}
    for number, one in enumerate(casebook.translations.current(case.number), 1):
        place = f"translation {number} ({one.kind} in {one.language})"
        yield CaseText(BESIDE, number, place, one.text, originals.get(one.source, ""))


def _facts(casebook: Casebook, case: Case) -> Iterator[CaseText]:
    """What reviewers stated about events and people; contacts never leave."""
    events, parties = casebook.events.of(case.number), casebook.parties.of(case.number)
    for number, event in enumerate(events, 1):
        yield CaseText(FACT, number, f"event {number}", event.text)
    for number, party in enumerate(parties, 1):
        yield CaseText(FACT, number, f"names of party {number}", party.names)
        yield CaseText(FACT, number, f"party {number}", party.text)


def _reviews(casebook: Casebook, case: Case) -> Iterator[CaseText]:
    """The texts in the reviews that count."""
    reviews = casebook.layers.of(case)
    said = [one.judgement for one in (reviews.deciding,) if one is not None]
    for number, judgement in enumerate(said, 1):
        for amount in judgement.amounts:
            for name in _OF_AMOUNT:
                text = str(amount.get(name, ""))
                yield CaseText(REVIEW, number, f"{name} of an amount in the review", text)
        for field in casebook.campaign.reviewing.fields:
            if field.kind == "text":
                yield from (
                    CaseText(REVIEW, number, f"field {field.code} of the review", text)
                    for text in _strings(judgement.said(field.code))
                )


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for one in value.values() for text in _strings(one))
    elif isinstance(value, list | tuple):
        yield from (text for one in value for text in _strings(one))
