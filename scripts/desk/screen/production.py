"""How the desk shows what would be handed over, and why the rest is held back."""

from collections.abc import Collection
from itertools import groupby
from typing import Any

from rich.text import Text

from scripts.desk.identity import Viewer
from scripts.desk.production.approval import code_of, manner_of
from scripts.desk.production.plan import REASONS, Held, Plan
from scripts.desk.screen.output import counted

_NAMED = 12


def why_held(reason: str, viewer: Viewer) -> str:
    """What holds a case back, in words."""
    return REASONS.get(reason) or viewer.label("flag", reason)


def plan_text(plan: Plan, approved: Collection[str], viewer: Viewer) -> Text:
    """The plan for people: what is held back comes first."""
    lines = []

    def reason(one: Held) -> str:
        return one.reason

    for why, group in groupby(sorted(plan.held, key=reason), key=reason):
        names = [one.name for one in group]
        more = " …" if len(names) > _NAMED else ""
        shown = f"{', '.join(names[:_NAMED])}{more}"
        lines.append(f"Held back, {why_held(why, viewer)}: {counted(len(names), 'case')}: {shown}")
    if plan.allowed:
        lines.append(f"Handed over in spite of the flag: {', '.join(plan.allowed)}")
    lines.append(f"Ready: {counted(len(plan.ready), 'case')}.")
    lines.append(f"Written with {manner_of(plan)}.")
    lines.append(approval_line(plan, approved, viewer))
    return Text("\n".join(lines))


def approval_line(plan: Plan, approved: Collection[str], viewer: Viewer) -> str:
    """Who has approved the plan, or the code with which somebody can."""
    by = ", ".join(sorted(map(viewer.name, approved)))
    return f"Approved by {by}." if by else f"Nobody has approved this. Code: {code_of(plan)}"


def plan_values(plan: Plan, approved: Collection[str], viewer: Viewer) -> dict[str, Any]:
    """The plan for programs."""
    return {
        "ready": len(plan.ready),
        "held": [{"case": one.name, "reason": one.reason} for one in plan.held],
        "allowed": list(plan.allowed),
        "language": plan.language,
        "pictures": plan.pictures,
        "code": code_of(plan),
        "approved_by": sorted(map(viewer.name, approved)),
    }
