"""How the desk shows the reviewers' agreement and what was missed: figures, and plain sentences."""

from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from dropbox.review_codes import Reviewing
from scripts.desk.quality_control import FEW, Agreement, Missed
from scripts.desk.review.agreement import CONFIDENCE
from scripts.desk.screen.output import counted, table

_NONE = "–"


def agreement_values(found: Sequence[Agreement]) -> list[dict[str, Any]]:
    """The agreement in each field, for programs; null for a figure that cannot be computed."""
    return [
        {
            "field": one.field,
            "units": one.units,
            "kappa": one.kappa,
            "alpha": one.alpha,
            "scale": "ordinal" if one.ordinal else "nominal",
        }
        for one in found
    ]


def missed_values(found: Missed) -> dict[str, Any]:
    """What became of rejected cases that had a random second review, for programs."""
    return {
        "rejected": found.rejected,
        "reviewed": found.reviewed,
        "missed": found.missed,
        "waiting": found.waiting,
        "share": found.share,
        "limits": list(found.limits) if found.limits else None,
        "confidence": CONFIDENCE,
    }


def agreement_table(found: Sequence[Agreement], reviewing: Reviewing, language: str) -> Table:
    """A line for each field that two reviewers filled in, with a remark on its reliability."""
    listed = table("field")
    for name in ("units", "kappa", "alpha"):
        listed.add_column(name, justify="right")
    listed.add_column("")
    for one in found:
        if one.units:
            own = reviewing.own_field(one.field)
            name = own.in_(language) if own else one.field.replace("_", " ")
            figures = [_figure(one.kappa), _figure(one.alpha)]
            listed.add_row(*map(Text, [name, f"{one.units:,}", *figures, _remark(one)]))
    return listed


def _figure(value: float | None) -> str:
    return _NONE if value is None else f"{value:.2f}"


def _remark(one: Agreement) -> str:
    remarks = ["ordinal"] if one.ordinal else []
    if one.alpha is None:
        remarks.append("all said the same, so chance cannot be told")
    elif one.units < FEW:
        remarks.append("too few to rely on")
    return ", ".join(remarks)


def agreement_sentence(found: Sequence[Agreement]) -> str:
    """What the table shows, or that there is nothing to show."""
    if not any(one.units for one in found):
        return "No case has two reviews that were blind of each other yet: no agreement to measure."
    return (
        "1 is full agreement, 0 as much as by chance. A unit is a case that both reviewers coded "
        f"in this field; under {FEW} units, one more or less moves a figure visibly."
    )


def missed_sentences(found: Missed) -> list[str]:
    """What the random second reviews say about all rejected cases."""
    if found.limits is None or found.share is None:
        return [
            f"Of {counted(found.rejected, 'rejected case')}, none has a second review by chance "
            f"and a decision yet{_waiting(found)}: nothing can be estimated."
        ]
    low, high = found.limits
    lines = [
        f"Of {counted(found.rejected, 'rejected case')}, {found.reviewed:,} were reviewed a "
        f"second time by chance{_waiting(found)}: {found.missed:,} of these should not have been "
        f"rejected, {found.share:.1%} (with {CONFIDENCE:.0%} confidence between {low:.1%} and "
        f"{high:.1%})."
    ]
    if found.others:
        about, least, most = (round(found.others * one) for one in (found.share, low, high))
        lines.append(
            f"Of the {found.others:,} others, that would be about {about:,} (between {least:,} and "
            f"{most:,})."
        )
    if found.reviewed < FEW:
        lines.append(f"Fewer than {FEW} second reviews: the estimate is rough.")
    return lines


def _waiting(found: Missed) -> str:
    return f" (still open: {found.waiting:,})" if found.waiting else ""
