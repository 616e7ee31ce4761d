"""Quality control: rejected cases that come back, how well reviewers agree, and what was missed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from dropbox.errors import CasedropError
from dropbox.review_codes import Reviewing
from scripts.desk.case import Case
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.custody import digest
from scripts.desk.casebook.draws import QUALITY, Draw, sampled
from scripts.desk.identity import at_desk
from scripts.desk.progress import Progress, watched
from scripts.desk.review.agreement import alpha, interval, kappa
from scripts.desk.review.judgement import Judgement, Reviews

# Fewer units mean little: a single one more or less moves the figures by several hundredths.
FEW = 30
# Fields that hold no codes, or that only the deciding reviewer fills in.
_NOT_COMPARED = frozenset({"amounts", "note", "credibility", "tags", "outcome"})
_ORDINAL = frozenset({"merit", "urgency", "evidence"})


class QualityError(CasedropError):
    """This campaign has no quality control."""


@dataclass(frozen=True)
class Agreement:
    """How well first and second reviewers agree in one *field*, over *units* that both filled in.

    In a field with several codes, each case is a unit for each code; for harms, each harm that both
    name. *alpha* is ordinal or nominal. A figure that cannot be computed is None.
    """

    field: str
    units: int
    kappa: float | None
    alpha: float | None
    ordinal: bool


@dataclass(frozen=True)
class Missed:
    """What became of rejected cases that were reviewed a second time by chance.

    ``rejected``: how many were rejected at first; ``reviewed``: how many of those had a random
    second review and a decision; ``missed``: how many of these were not rejected in the end.
    ``waiting``: those whose second review or decision is still to come.
    """

    rejected: int
    reviewed: int
    missed: int
    waiting: int

    @property
    def others(self) -> int:
        """The rejected cases that nobody reviewed a second time."""
        return self.rejected - self.reviewed - self.waiting

    @property
    def share(self) -> float | None:
        """The share of missed cases; None if none was reviewed a second time."""
        return self.missed / self.reviewed if self.reviewed else None

    @property
    def limits(self) -> tuple[float, float] | None:
        """The confidence limits of the true share, at agreement.CONFIDENCE."""
        return interval(self.missed, self.reviewed) if self.reviewed else None


def draw(casebook: Casebook, *, today: date) -> list[str]:
    """Have rejected cases come back for a second review at random. Returns the names of the new
    ones.

    The draw is from all cases that were decided by one review, in one of the campaign's tiers for
    rejected cases, and never drawn before. Raises QualityError if the campaign has no such tier.
    """
    reviewing = casebook.campaign.reviewing
    if not reviewing.rejected:
        raise QualityError(
            "The campaign file does not say which tiers are rejections: [review] needs rejected, a "
            "list of tiers."
        )
    key, percent = casebook.desks.sample_key(), reviewing.quality_percent
    one = Draw(casebook.desks.drawing(), percent, at_desk(casebook), today)
    with casebook.together():
        pool = [case for case in casebook.cases() if _can_be_drawn(casebook, case, reviewing)]
        drawn = [case for case in pool if sampled(key, case, percent, QUALITY)]
        # Logs what was drawn from, and that there was a draw even if it drew nothing.
        whole = sorted(casebook.names.characters(case.number) for case in pool)
        casebook.note("draw", "quality", plain=digest("\n".join(whole).encode()))
        for case in drawn:
            casebook.draws.add(case, one)
            casebook.layers.settle(case)
    return [case.name for case in drawn]


def _can_be_drawn(casebook: Casebook, case: Case, reviewing: Reviewing) -> bool:
    # A case that was drawn before has two reviews, or is open until it has.
    reviews = casebook.layers.of(case)
    return (
        not case.withdrawn
        and len(reviews.committed) == 1
        and reviews.agreed is not None
        and reviews.agreed.merit in reviewing.rejected
    )


def compared(reviews: Reviews) -> tuple[Judgement, Judgement] | None:
    """What the first two reviewers said blind of each other, None if one of them was not blind.

    Used only when all reviews are done, so it reveals nothing.
    """
    if not reviews.complete or len(reviews.reviewers) < 2:
        return None
    before, then = reviews.blind_pair(*reviews.reviewers[:2])
    return (before.judgement, then.judgement) if then.blind else None


def agreement(casebook: Casebook, progress: Progress | None = None) -> list[Agreement]:
    """The agreement in each field of the review sheet that holds codes, in the sheet's order."""
    reviewing = casebook.campaign.reviewing
    pairs = [
        pair
        for case in watched(casebook.cases(), casebook.counts().cases, progress)
        if (pair := compared(casebook.layers.of(case))) is not None
    ]
    fields = [
        name
        for name in reviewing.rules
        if name not in _NOT_COMPARED
        and ((own := reviewing.own_field(name)) is None or own.kind != "text")
    ]
    return [_agreement(name, pairs, _scale(name, reviewing)) for name in fields]


def _agreement(
    name: str, pairs: Sequence[tuple[Judgement, Judgement]], scale: Sequence[str]
) -> Agreement:
    both = [
        (one.said(name), two.said(name)) for one, two in pairs if one.said(name) and two.said(name)
    ]
    units = list(_units(both))
    ordinal = bool(scale) and {value for unit in units for value in unit} <= set(scale)
    found = alpha(units, scale if ordinal else ())
    return Agreement(name, len(units), kappa(units), found, ordinal)


def _units(both: Sequence[tuple[Any, Any]]) -> Iterator[tuple[str, str]]:
    """What both reviewers said, unit by unit."""
    used = {code for pair in both for said in pair if not isinstance(said, str) for code in said}
    for one, two in both:
        if isinstance(one, str):
            yield one, str(two)
        elif isinstance(one, Mapping):
            yield from ((one[key], two[key]) for key in sorted(one) if key in two)
        else:
            yield from (
                ("yes" if code in one else "no", "yes" if code in two else "no")
                for code in sorted(used)
            )


def _scale(name: str, reviewing: Reviewing) -> tuple[str, ...]:
    """The codes of a field in their order, () for a field without one.

    Tiers of rejected cases are below all others, wherever the campaign file lists them.
    """
    if name not in _ORDINAL:
        return ()
    codes = reviewing.codes(name)
    return tuple(sorted(codes, key=lambda code: name != "merit" or code not in reviewing.rejected))


def missed(casebook: Casebook) -> Missed:
    """What the random second reviews of rejected cases say about all rejected cases."""
    rejected = casebook.campaign.reviewing.rejected
    total, reviewed, found, waiting = 0, 0, 0, 0
    for case in casebook.cases():
        reviews = casebook.layers.of(case)
        # The first review of other open cases must not be revealed.
        if not (reviews.complete or reviews.rules.drawn) or not reviews.reviewers:
            continue
        # Only rejected cases were drawn. If two reviews were written at desks that did not know of
        # each other, their order does not tell which was first.
        if not reviews.rules.drawn and _first(reviews).merit not in rejected:
            continue
        total += 1
        if not (reviews.rules.drawn or reviews.rules.sampled):
            continue
        if reviews.agreed is None or len(reviews.reviewers) < 2:
            waiting += 1
            continue
        reviewed += 1
        found += reviews.agreed.merit not in rejected
    return Missed(total, reviewed, found, waiting)


def _first(reviews: Reviews) -> Judgement:
    """What the first reviewer said before the second did."""
    if len(reviews.reviewers) < 2:
        return reviews.reviewed(reviews.reviewers[0])[-1].judgement
    return reviews.blind_pair(*reviews.reviewers[:2])[0].judgement
