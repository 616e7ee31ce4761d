"""How reviewers can classify a case: the campaign's code lists and fields, and their rules.

Each field of a review has a rule, which says what counts when several reviewers have filled it in.
An empty field means "not said", never "no". Every campaign has the fields in RULES, since the desk
itself works with them; a campaign adds its own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from dropbox.label import Label

# The lists of choices of the fields that every campaign has, and the reasons for redactions.
LISTS = (
    "merit",
    "status",
    "correspondence",
    "harm_status",
    "urgency",
    "flag",
    "evidence",
    "currency",
    "redaction",
    "amount_method",
    "event_kind",
    "party_kind",
    "party_role",
    "contact_channel",
)
# The desk's rules depend on exactly these codes; a campaign only labels them.
FIXED = {
    "status": (
        "st.new",
        "st.triaged",
        "st.first_review",
        "st.second_review",
        "st.adjudicate",
        "st.reopened",
        "st.counsel",
        "st.plaintiff",
        "st.closed",
        "st.withdrawn",
    ),
    "correspondence": ("co.none", "co.awaiting", "co.more"),
    "evidence": ("0", "1", "2", "3", "4"),
}
# Codes in older campaign files that nothing uses any longer.
RETIRED = {"status": frozenset({"st.awaiting_claimant"})}

# Which value counts if several reviewers filled in a field:
#   must agree    what all say; where two say different things, a third decides
#   union         all that anybody says; on a scale, the most
#   strictest     all that anybody ever said, until somebody removes it with a reason
#   side by side  each reviewer's own, beside the others'
AGREE, UNION, STRICTEST, BESIDE = "must agree", "union", "strictest", "side by side"
# The rules that each field can have, its usual one first.
RULES: Mapping[str, tuple[str, ...]] = {
    "category": (AGREE,),
    "merit": (AGREE,),
    "harms": (AGREE, BESIDE),
    "outcome": (AGREE,),
    "evidence": (UNION, AGREE, BESIDE),
    "tags": (UNION, BESIDE),
    "flags": (STRICTEST, UNION),
    "urgency": (STRICTEST,),
    "period_from": (BESIDE, AGREE),
    "period_to": (BESIDE, AGREE),
    "amounts": (BESIDE,),
    "credibility": (BESIDE,),
    "note": (BESIDE,),
}
USUAL: Mapping[str, str] = {field: rules[0] for field, rules in RULES.items()}
# Other names in a sheet or a stored review, which no field can have.
TAKEN = frozenset(RULES) | {
    "case",
    "version",
    "conflict",
    "removed",
    "considered",
    "rank",
    "nonce",
    "fields",
}

# The kinds of a campaign's own fields, with the rules that each can have, its usual one first:
#   one     a code of its choices
#   many    several of them
#   date    YYYY, YYYY-MM or YYYY-MM-DD
#   year    YYYY
#   number  a decimal number, not negative
#   text    a text
KINDS: Mapping[str, tuple[str, ...]] = {
    "one": (AGREE, BESIDE),
    "many": (AGREE, UNION, BESIDE),
    "date": (AGREE, BESIDE),
    "year": (AGREE, BESIDE),
    "number": (AGREE, BESIDE),
    "text": (BESIDE, AGREE),
}
# Kinds whose choices are listed in the campaign file.
WITH_CHOICES = ("one", "many")


@dataclass(frozen=True)
class Field(Label):
    """A field of the review sheet that the campaign adds: one of KINDS, and its rule."""

    kind: str
    rule: str
    choices: tuple[Label, ...] = ()

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the choices."""
        return tuple(choice.code for choice in self.choices)

    def choice(self, code: str, language: str) -> str:
        """The label of the choice *code*, or *code* itself if there is no such choice."""
        return next((one.in_(language) for one in self.choices if one.code == code), code)


@dataclass(frozen=True)
class Limitation(Label):
    """When a claim lapses, as counsel says: ``months`` after the first date that a case has.

    The dates are in ``begins``, codes of fields or questions in order. Only cases that meet all of
    ``where`` have the claim: conditions such as "us=california".
    """

    months: int
    begins: tuple[str, ...]
    where: tuple[str, ...]


@dataclass(frozen=True)
class Rate:
    """How much of *into* one unit of *currency* is worth on a day, by counsel's source."""

    currency: str
    into: str
    rate: Decimal
    day: date
    source: str


@dataclass(frozen=True)
class Reviewing:
    """The lists by their names in LISTS, the campaign's own fields, and who gets a second review.

    Cases in the merit tiers of ``always_second`` always get one, and so do ``sample_percent`` of
    all others. ``rules`` has one of RULES for each field, the campaign's own ones last. Cases that
    ended in the tiers ``rejected`` after one review are drawn for a second one: ``quality_percent``
    of them. With ``answers_need_release`` no answer leaves before a reviewer other than its author
    lets it. ``crosses`` are pairs of codes, of questions or fields, whose answers charts show
    beside each other. ``rates`` are all into one currency; without them, nothing is converted.
    """

    lists: Mapping[str, tuple[Label, ...]]
    always_second: frozenset[str]
    sample_percent: int
    rules: Mapping[str, str] = field(default_factory=lambda: USUAL)
    fields: tuple[Field, ...] = ()
    rejected: frozenset[str] = frozenset()
    quality_percent: int = 0
    answers_need_release: bool = False
    crosses: tuple[tuple[str, str], ...] = ()
    limitations: tuple[Limitation, ...] = ()
    rates: tuple[Rate, ...] = ()

    def codes(self, name: str) -> tuple[str, ...]:
        """The codes of list *name*, in the order of the campaign file."""
        return tuple(label.code for label in self.lists[name])

    def label(self, name: str, code: str, language: str) -> str:
        """The label of *code* in list *name*, or the code itself if the list does not have it."""
        return next((label.in_(language) for label in self.lists[name] if label.code == code), code)

    def own_field(self, code: str) -> Field | None:
        """The campaign's own field *code*, None if it has no such field."""
        return next((one for one in self.fields if one.code == code), None)

    def labels(self) -> Iterator[Label]:
        """Everything that has a label: the choices of the lists, the fields, and their choices."""
        for choices in self.lists.values():
            yield from choices
        for one in self.fields:
            yield one
            yield from one.choices
        yield from self.limitations
