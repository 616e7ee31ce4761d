"""What holds a case back from counsel: each reason alone, and what ends it."""

from pathlib import Path
from typing import Any

import pytest
from support.decided_cases import plan_of
from support.desks import Desk

from scripts.desk.production.plan import HOLDING
from scripts.desk.review.judgement import ADJUDICATION

FULL: dict[str, Any] = {"urgency": "normal", "evidence": "2", "fields": {"us": "california"}}


@pytest.fixture
def desks(tmp_path: Path) -> list[Desk]:
    """Three reviewers of one casebook with one case."""
    Desk.make(tmp_path / "desk", 0).file([1])
    return [Desk(tmp_path / "desk", number) for number in range(3)]


def why(desk: Desk, *allowed: str) -> str:
    """What holds the case back, "" if nothing does."""
    with desk.working() as casebook:
        plan = plan_of(casebook, *allowed, cases=(1,))
    assert len(plan.ready) + len(plan.held) == 1
    return plan.held[0].reason if plan.held else ""


@pytest.mark.parametrize("flag", ["privileged", "minor"])
def test_one_reviewers_flag_holds_a_case_back_whatever_the_others_say(
    desks: list[Desk], flag: str
) -> None:
    first, second, third = desks
    first.judge(1, "m2", **FULL, flags=(flag,))
    # What the first one said, the second is not to know yet; if there is a second.
    assert why(first) in ("open", flag) and why(first, *HOLDING) in ("open", "")
    second.judge(1, "m4", **FULL)
    third.judge(1, "m2", role=ADJUDICATION, **FULL)

    assert why(first) == flag and why(first, flag) == ""
    (other,) = set(HOLDING) - {flag}
    assert why(first, other) == flag
    # Nobody takes it back by saying nothing of it, only by a reason.
    first.judge(1, "m2", **FULL)
    assert why(first) == flag
    first.judge(1, "m2", **FULL, removed={flag: "a mistake"})
    assert why(first) == ""


def test_a_disagreement_holds_a_case_back_until_somebody_has_decided(desks: list[Desk]) -> None:
    first, second, third = desks
    assert why(first) == "open"
    first.judge(1, "m2", **FULL)
    second.judge(1, "m4", **FULL)
    assert why(first) == "disagree"
    third.judge(1, "m2", role=ADJUDICATION, **FULL)
    assert why(first) == ""
