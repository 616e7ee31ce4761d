"""What cases can be filtered and sorted by: what claimants answered and what reviewers said.

Everything here follows from the campaign: its questions, and the fields of its review rules.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

from dropbox.campaign import Campaign
from dropbox.label import Label
from dropbox.question import Question
from scripts.desk.review.judgement import OUTCOMES
from scripts.desk.search.said import (
    CHANNEL,
    DIFFER,
    EVENT_DATE,
    EVENT_KIND,
    OWN,
    PARTY_KIND,
    PARTY_ROLE,
    REVIEW,
    TEXTS,
)

CLAIMANT = "claimant"
# A code alone means both; with one of these before it, "own.merit", only that source.
SOURCES = (CLAIMANT, REVIEW, OWN)


class Kind(StrEnum):
    """How values compare."""

    CODE = "a code"
    NUMBER = "a number"
    MONTH = "a month or a day"
    WORD = "any words"
    TEXT = "a text"  # only whether there is one


@dataclass(frozen=True)
class Column:
    """A field in which a case may have a value, or several.

    ``codes`` are its possible values, in the campaign's order, empty for any. ``labels`` are the
    question and its choices, or the campaign's list. ``stored`` is an expression on the tables
    outline and standing for the value, if it is not among what claimants and reviewers say.
    """

    code: str
    kind: Kind
    sources: tuple[str, ...]
    codes: tuple[str, ...] = ()
    labels: tuple[Label, ...] = ()
    stored: str = ""

    def label(self, code: str, language: str) -> str:
        """What *code* means, the code itself if that is not known."""
        return next((one.in_(language) for one in self.labels if one.code == code), code)


# The campaign's list of each field that holds codes.
_LISTS = {
    "merit": "merit",
    "urgency": "urgency",
    "evidence": "evidence",
    "flags": "flag",
}
_FACTS = {
    EVENT_KIND: "event_kind",
    PARTY_KIND: "party_kind",
    PARTY_ROLE: "party_role",
    CHANNEL: "contact_channel",
}
_KINDS = {
    "period_from": Kind.MONTH,
    "period_to": Kind.MONTH,
    "evidence": Kind.NUMBER,
    "amounts": Kind.NUMBER,
    **dict.fromkeys(TEXTS, Kind.TEXT),
}
# Keyed by the kinds of questions, and of fields that a campaign adds to reviews.
_ASKED = {
    "one": Kind.CODE,
    "many": Kind.CODE,
    "month": Kind.MONTH,
    "year": Kind.MONTH,
    "short": Kind.WORD,
    "date": Kind.MONTH,
    "number": Kind.NUMBER,
    "text": Kind.TEXT,
}
_BOTH = (CLAIMANT, REVIEW, OWN)
_REVIEWERS = (REVIEW, OWN)


def columns_of(campaign: Campaign) -> dict[str, Column]:
    """All columns by code, in the order in which people read them."""
    found: dict[str, Column] = {}
    for one in chain(*(made(campaign) for made in _ALL)):
        known = found.get(one.code)
        # A question and a field with the same code are one column.
        found[one.code] = one if known is None else _joined(known, one)
    return found


def _joined(one: Column, other: Column) -> Column:
    return Column(
        one.code,
        one.kind,
        tuple(source for source in SOURCES if source in {*one.sources, *other.sources}),
        tuple(dict.fromkeys([*one.codes, *other.codes])),
        (*one.labels, *other.labels),
        one.stored,
    )


def _of_case(campaign: Campaign) -> Iterator[Column]:
    lists = campaign.reviewing.lists
    yield Column("day", Kind.MONTH, (), stored="outline.day")
    yield Column("language", Kind.CODE, (), campaign.languages, stored="outline.language")
    yield Column("parts", Kind.NUMBER, (), stored="outline.parts")
    yield Column("files", Kind.NUMBER, (), stored="outline.files")
    for name in ("status", "correspondence"):
        codes, labels = _codes(lists[name]), tuple(lists[name])
        yield Column(name, Kind.CODE, (), codes, labels, f"standing.{name}")


def _of_claimants(campaign: Campaign) -> Iterator[Column]:
    categories = campaign.categories
    yield Column("category", Kind.CODE, _BOTH, _codes(categories), categories)
    harms = tuple(harm for category in categories for harm in category.harms)
    yield Column("harms", Kind.CODE, _BOTH, _codes(harms), harms)
    for question in campaign.questions:
        yield from _of_question(question)


def _of_question(question: Question, before: str = "") -> Iterator[Column]:
    code = before + question.code
    if question.kind == "lines":
        for column in question.columns:
            yield from _of_question(column, f"{code}.")
    else:
        codes, labels = _codes(question.choices), (question, *question.choices)
        yield Column(code, _ASKED[question.kind], (CLAIMANT,), codes, labels)


def _of_reviewers(campaign: Campaign) -> Iterator[Column]:
    lists = campaign.reviewing.lists
    rules: Mapping[str, str] = campaign.reviewing.rules
    for name in rules:
        if own := campaign.reviewing.own_field(name):
            labels = (own, *own.choices)
            yield Column(name, _ASKED[own.kind], _REVIEWERS, own.codes, labels)
            continue
        labels = tuple(lists[_LISTS[name]]) if name in _LISTS else ()
        if name == "outcome":
            labels = tuple(one for one in lists["status"] if one.code in OUTCOMES)
        kind = _KINDS.get(name, Kind.CODE)
        yield Column(name, kind, _REVIEWERS, _codes(labels), labels)
    if "amounts" in rules:
        currency = lists["currency"]
        yield Column("amounts.currency", Kind.CODE, _REVIEWERS, _codes(currency), tuple(currency))
        yield Column("amounts.as_of", Kind.MONTH, _REVIEWERS)
        method = lists["amount_method"]
        yield Column("amounts.method", Kind.CODE, _REVIEWERS, _codes(method), tuple(method))
    if "harms" in rules:
        found = lists["harm_status"]
        for category in campaign.categories:
            for harm in category.harms:
                labels = (harm, *found)
                yield Column(harm.code, Kind.CODE, _REVIEWERS, _codes(found), labels)
    yield Column(DIFFER, Kind.CODE, (REVIEW,), tuple(rules))


def _of_facts(campaign: Campaign) -> Iterator[Column]:
    """Events, people and contacts, which all reviewers state together."""
    lists = campaign.reviewing.lists
    for code, name in _FACTS.items():
        yield Column(code, Kind.CODE, (REVIEW,), _codes(lists[name]), tuple(lists[name]))
    yield Column(EVENT_DATE, Kind.MONTH, (REVIEW,))


def _codes(labels: Sequence[Label]) -> tuple[str, ...]:
    return tuple(label.code for label in labels)


_ALL = (_of_case, _of_claimants, _of_reviewers, _of_facts)
