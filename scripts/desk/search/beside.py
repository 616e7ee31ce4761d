"""Other texts about a case: notes, translations, transcripts, facts, other desks' answers.

Adding a source of such texts takes a function here, and a trigger in derived.sql if its table is
written without settling the case.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from scripts.desk.case import Keyed
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.translations import TRANSCRIPT
from scripts.desk.review.judgement import Judgement, ReviewError
from scripts.desk.search.said import EVERYBODY, readers_of
from scripts.desk.transcripts.transcript import Transcript

NOTE = "note"
_WITH_TEXTS = (
    'SELECT "case" FROM layer UNION SELECT "case" FROM translation UNION '
    'SELECT "case" FROM desk_row JOIN case_name USING (characters) '
    "WHERE kind IN ('layer', 'translation', 'answer', 'event', 'party', 'contact') UNION "
    'SELECT "case" FROM event UNION SELECT "case" FROM party UNION SELECT "case" FROM contact'
)


class Beside(NamedTuple):
    """A text beside what the claimant sent: what it is, and who may read it (see said.py)."""

    where: str
    text: str
    readers: tuple[str, ...]

    @property
    def key(self) -> str:
        """A key that no other text of its case has."""
        return hashlib.blake2b(json.dumps(self[:2]).encode(), digest_size=16).hexdigest()


def cases_with_texts(casebook: Casebook) -> frozenset[int]:
    """All cases that may have such texts."""
    return frozenset(case for (case,) in casebook.database.execute(_WITH_TEXTS))


def texts_beside(casebook: Casebook, case: Keyed) -> dict[str, Beside]:
    """All such texts of *case* by their keys; a text written twice has the readers of both."""
    found: dict[str, Beside] = {}
    for one in chain(*(texts(casebook, case) for texts in _TEXTS)):
        if one.text:
            known = found.get(one.key, one)
            readers = tuple(dict.fromkeys([*known.readers, *one.readers]))
            found[one.key] = Beside(one.where, one.text, readers)
    return found


def _notes(casebook: Casebook, case: Keyed) -> Iterator[Beside]:
    try:
        reviews = casebook.layers.of(case)
    except ReviewError:
        return  # a layer that was altered; `verify` names it
    own = {one.code for one in casebook.campaign.reviewing.fields if one.kind == "text"}
    for layer in reviews.layers:
        text = "\n\n".join(filter(None, _written(layer.judgement, own)))
        yield Beside(NOTE, text, tuple(readers_of(reviews, layer)))


def _written(judgement: Judgement, own: Iterable[str]) -> Iterator[str]:
    """All texts in a review."""
    yield judgement.note
    yield judgement.credibility
    yield from judgement.removed.values()
    yield from (str(one.get("what", "")) for one in judgement.amounts)
    yield from (str(judgement.said(code)) for code in own)


def _translations(casebook: Casebook, case: Keyed) -> Iterator[Beside]:
    for one in casebook.translations.of(case.number):
        text = one.text
        if one.kind == TRANSCRIPT:
            read = Transcript.from_text(text)
            text = read.text if read is not None else ""
        yield Beside(one.kind, text, (EVERYBODY,))


def _answers(casebook: Casebook, case: Keyed) -> Iterator[Beside]:
    for row in casebook.desks.of_case("answer", case.number):
        yield Beside("answer", str(row["text"]), (EVERYBODY,))


def _facts(casebook: Casebook, case: Keyed) -> Iterator[Beside]:
    for event in casebook.events.of(case.number):
        yield Beside("event", event.text, (EVERYBODY,))
    for party in casebook.parties.of(case.number):
        yield Beside("party", f"{party.names}\n{party.text}".strip(), (EVERYBODY,))
    for contact in casebook.contacts.of(case.number):
        who = "\n".join(filter(None, (contact.team, contact.contact, contact.text)))
        yield Beside("contact", who, (EVERYBODY,))


_TEXTS = (_notes, _translations, _answers, _facts)
