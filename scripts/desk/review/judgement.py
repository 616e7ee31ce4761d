"""What reviewers say about a case, and what follows: the next reviewer, decision and status.

Each reviewer has a layer, all versions of which are kept. Pure rules: nothing here reads or writes.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from itertools import combinations
from typing import Any

from dropbox.errors import CasedropError
from dropbox.review_codes import AGREE, BESIDE, STRICTEST, UNION, USUAL, Reviewing

REVIEW, ADJUDICATION = "review", "adjudication"
# The outcomes of a case that a deciding layer may state; they are statuses too.
OUTCOMES = ("st.counsel", "st.plaintiff", "st.closed")


# Newer fields: without them, a judgement is stored in the same bytes as ever.
_LATER = frozenset({"removed", "considered", "rank", "nonce"})


class ReviewError(CasedropError):
    """This review cannot be taken."""


@dataclass(frozen=True, repr=False)
class Judgement:
    """What one reviewer says, in the campaign's codes. No repr, since the notes are plaintext.

    ``harms`` is {harm: status}. Without ``merit`` it is a first look (a triage), not a review.
    ``amounts`` are mappings of amount (a decimal number), currency, as_of and what, and perhaps
    method, what it rests on; periods are YYYY, YYYY-MM or YYYY-MM-DD. With ``conflict`` the
    reviewer knows somebody in the case and gives it away. ``fields`` has the values of the
    campaign's own fields: a text, or several codes. ``removed`` is {flag or urgency: the reason}:
    what somebody gave and this one removes. ``considered`` are the block ids, in hex, of the case's
    parts that the reviewer's sheet was about; casebooks before version 6 did not note them.
    ``rank`` is one more than that of the highest layer of the case that its desk knew then, so what
    somebody could read comes before what they said about it. ``nonce`` is random: the hash of a
    layer, which others get first, cannot be found by trying all judgements.
    """

    category: str = ""
    merit: str = ""
    urgency: str = ""
    harms: Mapping[str, str] = field(default_factory=dict)
    period_from: str = ""
    period_to: str = ""
    amounts: Sequence[Mapping[str, str]] = ()
    evidence: str = ""
    credibility: str = ""
    flags: Sequence[str] = ()
    tags: Sequence[str] = ()
    outcome: str = ""
    conflict: bool = False
    note: str = ""
    removed: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    considered: Sequence[str] = ()
    rank: int = field(default=0, compare=False)
    nonce: str = field(default="", compare=False)

    def to_json(self) -> dict[str, Any]:
        """All fields by name, including the campaign's own.

        Fields newer than the first version are left out when empty.
        """
        values = {
            name: getattr(self, name) for name in _OWN if name not in _LATER or getattr(self, name)
        }
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in {**values, **self.fields}.items()
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> "Judgement":
        """The judgement of :meth:`to_json`. Raises TypeError for anything else."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in body.items()
        }
        fields = {name: value for name, value in values.items() if name not in _OWN}
        for value in fields.values():
            texts = value if isinstance(value, tuple) else (value,)
            if not all(isinstance(one, str) for one in texts):
                raise TypeError
        return cls(**{name: values[name] for name in values if name in _OWN}, fields=fields)

    def said(self, name: str) -> Any:
        """The value of the field *name*, which may be one of the campaign's own; empty if not
        said.
        """
        return getattr(self, name) if name in _OWN else self.fields.get(name, "")

    def differs(self, other: "Judgement", name: str) -> bool:
        """Whether both say something in the field *name*, and disagree.

        A harm that only one of them names counts as not said by the other.
        """
        mine, theirs = self.said(name), other.said(name)
        if isinstance(mine, Mapping):
            return any(mine[key] != theirs[key] for key in mine if key in theirs)
        if isinstance(mine, str):
            return bool(mine and theirs and mine != theirs)
        return bool(mine and theirs and set(mine) != set(theirs))


# The fields that every campaign has.
_OWN = tuple(name for name in Judgement.__dataclass_fields__ if name != "fields")


@dataclass(frozen=True, repr=False)
class Layer:
    """One version of one reviewer's judgement.

    ``number`` counts all layers of the casebook; ``role`` is REVIEW or ADJUDICATION; ``blind`` says
    that the reviewer could not have seen another's.
    """

    number: int
    case: int
    reviewer: str
    role: str
    version: int
    day: date
    blind: bool
    judgement: Judgement


def order(layer: Layer) -> tuple[object, ...]:
    """The order of a case's layers, by their content alone, so it is the same at every desk.

    Nobody reads a layer before it is written, so a response to one has a higher rank. Layers that
    were written at the same time, at desks that did not know of each other, are sorted by day.
    """
    judgement = sorted((key, str(value)) for key, value in layer.judgement.to_json().items())
    return layer.judgement.rank, layer.day, layer.version, layer.reviewer, judgement


@dataclass(frozen=True)
class Rules:
    """What the rules need from the campaign; ``sampled``: this case was drawn for a second review.

    ``fields``: the rule of each field; see dropbox.review_codes. ``drawn``: the case was decided,
    and then drawn for a second review; everybody could read the first one before that.
    """

    always_second: frozenset[str]
    urgencies: Sequence[str]
    sampled: bool
    fields: Mapping[str, str] = field(default_factory=lambda: USUAL)
    drawn: bool = False

    @classmethod
    def of(cls, reviewing: Reviewing, *, sampled: bool, drawn: bool) -> "Rules":
        """The rules of a campaign for one case."""
        urgencies = reviewing.codes("urgency")
        return cls(reviewing.always_second, urgencies, sampled, reviewing.rules, drawn)


@dataclass(frozen=True, repr=False)
class Reviews:
    """All layers of one case, in the order of :func:`order`, which is the same at every desk.

    ``promised`` are the reviewers at other desks who have reviewed the case, in layers that this
    desk may not read yet.
    """

    layers: Sequence[Layer]
    rules: Rules
    promised: frozenset[str] = frozenset()

    @cached_property
    def conflicted(self) -> frozenset[str]:
        """The reviewers who gave the case away.

        They never get it back, and what they said does not count.
        """
        return frozenset(layer.reviewer for layer in self.layers if layer.judgement.conflict)

    def _counting(self, role: str) -> list[Layer]:
        full = (layer for layer in self.layers if layer.role == role and layer.judgement.merit)
        return [layer for layer in full if layer.reviewer not in self.conflicted]

    @cached_property
    def reviewers(self) -> tuple[str, ...]:
        """The reviewers who have reviewed it, in order: the first, the second."""
        return tuple(dict.fromkeys(layer.reviewer for layer in self._counting(REVIEW)))

    def own(self, reviewer: str) -> Layer | None:
        """The latest version by *reviewer*, None before the first."""
        return next((layer for layer in reversed(self.layers) if layer.reviewer == reviewer), None)

    @cached_property
    def needs_second(self) -> bool:
        """Whether two reviews are needed.

        Once given, a tier cannot be taken back to avoid this. Another desk keeps a review closed
        only because two are needed.
        """
        return self.rules.drawn or self._needed_second

    @cached_property
    def _needed_second(self) -> bool:
        """Whether two reviews were needed before the case was drawn after its decision."""
        if self.promised - self.conflicted:
            return True
        tiers = {layer.judgement.merit for layer in self.layers if layer.role == REVIEW}
        return self.rules.sampled or bool(tiers & self.rules.always_second)

    @cached_property
    def committed(self) -> frozenset[str]:
        """All who have reviewed it, here or elsewhere, whether this desk may read it or not."""
        return frozenset(self.reviewers) | (self.promised - self.conflicted)

    def may_leave(self, layer: Layer) -> bool:
        """Whether other desks may read *layer*: everybody whose own review is needed has given it.

        A first look says nothing about the tier, and its urgency and flags are for everybody. The
        review that decided a case which is drawn later may have left before; no further desk gets
        it from then on.
        """
        full = layer.role == REVIEW and layer.judgement.merit and not layer.judgement.conflict
        # A layer from before version 7 has no nonce, and would keep its whole log from leaving.
        drawn = self.rules.drawn and bool(layer.judgement.nonce)
        open_ = self.complete or not (self._needed_second or drawn)
        return not full or open_ or bool(self.committed - {layer.reviewer})

    @cached_property
    def complete(self) -> bool:
        """Whether all needed reviews are done: from then on nobody is kept blind."""
        return len(self.reviewers) >= (2 if self.needs_second else 1)

    @property
    def disagree(self) -> bool:
        """Whether two reviewers disagreed on anything on which they must agree."""
        return bool(self.differences)

    @cached_property
    def differences(self) -> tuple[str, ...]:
        """The fields in which reviewers must agree and disagreed, blind or later.

        Agreeing after seeing the other's review does not undo it.
        """
        pairs = [
            pair
            for one, other in combinations(self.reviewers, 2)
            for pair in (
                self.blind_pair(one, other),
                (self.reviewed(one)[-1], self.reviewed(other)[-1]),
            )
        ]
        return tuple(
            name
            for name, rule in self.rules.fields.items()
            if rule == AGREE
            and any(first.judgement.differs(then.judgement, name) for first, then in pairs)
        )

    def blind_pair(self, one: str, other: str) -> tuple[Layer, Layer]:
        """What *other* said first, and what *one*, who reviewed it earlier, had said by then."""
        layers = self._counting(REVIEW)
        second = next(index for index, layer in enumerate(layers) if layer.reviewer == other)
        before = next(layer for layer in reversed(layers[:second]) if layer.reviewer == one)
        return before, layers[second]

    @cached_property
    def adjudicated(self) -> Layer | None:
        """The latest adjudication."""
        return next(reversed(self._counting(ADJUDICATION)), None)

    @cached_property
    def deciding(self) -> Layer | None:
        """The layer that counts, None while reviews are open.

        It is the adjudication, or else the latest review of reviewers who agree.
        """
        if self.adjudicated is not None:
            return self.adjudicated
        return self._counting(REVIEW)[-1] if self.complete and not self.disagree else None

    def reviewed(self, reviewer: str) -> tuple[Layer, ...]:
        """The versions of *reviewer*'s review that count, without first looks."""
        return tuple(layer for layer in self._counting(REVIEW) if layer.reviewer == reviewer)

    @cached_property
    def voices(self) -> tuple[Judgement, ...]:
        """Each reviewer's latest judgement that counts, and the adjudicator's; the deciding one is
        last.
        """
        latest: dict[str, Judgement] = {}
        for layer in (*self._counting(REVIEW), *([self.adjudicated] if self.adjudicated else [])):
            latest.pop(layer.reviewer, None)
            latest[layer.reviewer] = layer.judgement
        return tuple(latest.values())

    @cached_property
    def agreed(self) -> Judgement | None:
        """The combined judgement, field by field; None while reviews are open."""
        if self.deciding is None:
            return None
        return Judgement.from_json(
            {name: self._agreed(name, rule) for name, rule in self.rules.fields.items()}
        )

    def _agreed(self, name: str, rule: str) -> Any:
        nothing = Judgement().said(name)
        if rule == STRICTEST:
            return self.urgency if name == "urgency" else self.flags
        said = [value for one in self.voices if (value := one.said(name))]
        if not said or rule == BESIDE:
            return nothing
        if isinstance(nothing, Mapping):
            return self._agreed_by_key(name)
        if rule == UNION:
            # For a single code, a union is the highest on its scale that anybody gave.
            union = dict.fromkeys(one for values in said for one in values)
            return max(said) if isinstance(said[0], str) else tuple(union)
        decided = self.adjudicated is not None and self.adjudicated.judgement.said(name)
        return said[-1] if decided or name not in self.differences else nothing

    def _agreed_by_key(self, name: str) -> dict[str, str]:
        """Harms with their statuses; where two differ, only the adjudicator's counts."""
        final = self.adjudicated.judgement.said(name) if self.adjudicated else {}
        found: dict[str, str] = {}
        for one in self.voices:
            for key, value in one.said(name).items():
                found[key] = value if found.get(key, value) == value else ""
        return {key: value for key, value in {**found, **final}.items() if value}

    @cached_property
    def urgency(self) -> str:
        """The highest urgency given and not removed that everybody may know; "" for none."""
        given = self._given(lambda judgement: (judgement.urgency,))
        return next((urgency for urgency in reversed(self.rules.urgencies) if urgency in given), "")

    @cached_property
    def flags(self) -> tuple[str, ...]:
        """The flags that somebody gave and nobody removed with a reason, that everybody may
        know.
        """
        return self._given(lambda judgement: judgement.flags)

    def _given(self, codes: Callable[[Judgement], Iterable[str]]) -> tuple[str, ...]:
        """The codes of all layers, in order, without those that a later layer removed.

        While somebody is kept blind, only first looks count.
        """
        found: dict[str, None] = {}
        for layer in self.layers:
            blind = bool(layer.judgement.merit) and not (self.complete or self.adjudicated)
            if blind or layer.reviewer in self.conflicted:
                continue
            for code in layer.judgement.removed:
                found.pop(code, None)
            found |= dict.fromkeys(codes(layer.judgement))
        return tuple(found)

    def visible_to(self, reviewer: str) -> tuple[Layer, ...]:
        """The layers that *reviewer* may see: only their own until they or all others are done."""
        if reviewer in self.conflicted:
            return ()
        if self.complete or reviewer in self.reviewers:
            return tuple(self.layers)
        return tuple(layer for layer in self.layers if layer.reviewer == reviewer)

    def refuse(self, reviewer: str, role: str) -> None:
        """Raise ReviewError when *reviewer* cannot add a layer with *role* now."""
        self.refuse_conflicted(reviewer)
        if role == ADJUDICATION:
            if not self.disagree:
                raise ReviewError(
                    "No two reviewers of this case disagree; there is nothing to adjudicate."
                )
            if reviewer in self.reviewers:
                raise ReviewError(
                    "You reviewed this case, so you cannot adjudicate it; a third reviewer must."
                )
        elif len(self.committed) >= 2 and reviewer not in self.committed:
            sentence = (
                "they disagree, and a third must adjudicate"
                if self.disagree
                else "no third review is needed"
            )
            raise ReviewError(f"Two reviewers have reviewed this case; {sentence}.")

    def refuse_conflicted(self, reviewer: str) -> None:
        """Raise ReviewError when *reviewer* has declared a conflict of interest."""
        if reviewer in self.conflicted:
            raise ReviewError(
                "You declared a conflict of interest in this case: it is out of your hands."
            )


def status(reviews: Reviews, *, withdrawn: bool, reopened: bool) -> str:
    """How far the reviews of a case have come. Answers make no difference.

    *withdrawn*: by the claimant; *reopened*: something came since the deciding layer.
    """
    if withdrawn:
        return "st.withdrawn"
    if reviews.agreed is not None and reopened:
        return "st.reopened"
    if reviews.agreed is not None and reviews.agreed.outcome:
        return reviews.agreed.outcome
    if reviews.disagree and reviews.adjudicated is None:
        return "st.adjudicate"
    return _reached(reviews)


def _reached(reviews: Reviews) -> str:
    """The status by the number of reviews."""
    if reviews.committed:
        return "st.second_review" if len(reviews.committed) > 1 else "st.first_review"
    return (
        "st.triaged"
        if any(layer.reviewer not in reviews.conflicted for layer in reviews.layers)
        else "st.new"
    )


def spaced(codes: Iterable[str]) -> str:
    """*codes* with a space before and after each, "" for none: so " code " finds one."""
    joined = " ".join(codes)
    return f" {joined} " if joined else ""
