"""Sheets and forms while they are filled in on the full screen, field by field."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from support.cases import add, report
from support.desks import Desk
from support.seat import Seat

from scripts.desk.full_screen.app import IDLE_SECONDS, WARNED_SECONDS
from scripts.desk.full_screen.draft import Draft, Field, Kind
from scripts.desk.full_screen.fact_draft import FactDraft, FormField
from scripts.desk.review.judgement import REVIEW
from scripts.desk.reviewing import blank_sheet


@pytest.fixture
def draft(tmp_path: Path) -> Draft:
    """The blank sheet of a case."""
    with Desk.make(tmp_path / "desk", 0).working() as casebook:
        add(casebook, report("", 1))
        sheet = blank_sheet(casebook, casebook.case(1), REVIEW)
        return Draft(sheet, casebook.campaign, "en", {})


def field(draft: Draft, name: str) -> Field:
    return next(one for one in draft.fields if one.name == name)


@pytest.mark.parametrize(
    ("name", "typed", "held", "shown"),
    [
        ("tags", " a  b\nc ", ["a", "b", "c"], "a b c"),
        ("note", "  one\ntwo ", "one\ntwo", "one\ntwo"),
        (
            "removed",
            "minor  it is  not\n\nurgent is over",
            {"minor": "it is not", "urgent": "is over"},
            "minor it is not\nurgent is over",
        ),
        ("removed", "minor", {"minor": ""}, "minor "),
    ],
)
def test_what_is_typed_is_in_the_field_and_shown_as_it_is_typed(
    draft: Draft, name: str, typed: str, held: Any, shown: str
) -> None:
    one = field(draft, name)
    assert not draft.changed
    draft.type(one, typed)

    assert draft.changed and draft.value(one) == held and draft.text(one) == shown
    assert tomllib.loads(draft.sheet().decode())[name] == held
    # Typed once more it is no change that could be undone.
    draft.type(one, typed)
    assert draft.undo() and not draft.changed and not draft.undo()


def test_codes_are_chosen_and_taken_away_and_a_harm_has_its_statuses_in_turn(
    draft: Draft,
) -> None:
    merit, flags, harms = (field(draft, name) for name in ("merit", "flags", "harms"))
    assert (merit.kind, flags.kind, harms.kind) == (Kind.ONE, Kind.MANY, Kind.TABLE)
    draft.choose(merit, "m2")
    first, second, *_ = flags.codes
    for code in (second, first):
        draft.choose(flags, code)
    assert draft.value(merit) == "m2" and draft.said(merit) == [("m2", "")]
    # In the order of the list, not in that in which they were chosen.
    assert draft.value(flags) == [first, second]
    draft.choose(flags, first)
    assert draft.said(flags) == [(second, "")]
    harm = next(iter(harms.codes))
    seen = []
    for _ in range(len(draft.statuses) + 1):
        draft.choose(harms, harm)
        seen.append(draft.value(harms).get(harm, ""))
    assert seen == [*draft.statuses, ""]
    draft.choose(harms, harm)
    assert draft.said(harms) == [(harm, next(iter(draft.statuses)))]
    draft.empty(harms)
    assert draft.said(harms) == []


def test_a_field_is_chosen_by_digits_while_there_are_enough() -> None:
    def keys(*codes: str, kind: Kind = Kind.ONE) -> dict[str, str]:
        return Field("a", "a", kind, dict.fromkeys(codes, "")).keys

    assert keys("x", "y") == {"1": "x", "2": "y"}
    # What is a number is chosen by it.
    assert keys("0", "3") == {"0": "0", "3": "3"}
    assert keys("0", "12") == {"1": "0", "2": "12"}
    assert list(keys(*"abcdefghij")) == list("1234567890")
    assert keys(*"abcdefghijk") == {} == keys("x", kind=Kind.TABLE)
    assert keys("x", kind=Kind.MANY) == {"1": "x"}


# --- Facts ---

FORM = """\
# An event of
# AA-BBBB
case = "AA-BBBB"
# When?
when = ""
#   ev.other  Other
kind = ""
# Who took part?
parties = []
# Where it is said.
part = 0
page = 0
text = ""
take_back = false
"""


@pytest.fixture
def fact() -> FactDraft:
    return FactDraft(FORM, {"P1": "Tencent", "P2": "Police"})


def of(fact: FactDraft, name: str) -> FormField:
    return next(one for one in fact.fields if one.name == name)


def test_a_form_has_its_fields_with_what_each_is_for(fact: FactDraft) -> None:
    assert fact.about == "An event of AA-BBBB"
    assert [(one.name, one.remark, dict(one.codes), one.lines) for one in fact.fields] == [
        ("when", "When?", {}, False),
        ("kind", "", {"ev.other": "Other"}, False),
        ("parties", "Who took part?", {"P1": "Tencent", "P2": "Police"}, False),
        ("part", "Where it is said.", {}, False),
        ("page", "Where it is said.", {}, False),
        ("text", "Where it is said.", {}, True),
        ("take_back", "", {}, False),
    ]
    assert of(fact, "take_back").title == "take back"


def test_a_form_is_filled_in_by_typing_and_choosing(fact: FactDraft) -> None:
    shown = {one.name: fact.shown(one) for one in fact.fields}
    assert set(shown.values()) == {""} and not fact.changed
    fact.type(of(fact, "when"), " 2019 ")
    fact.choose(of(fact, "kind"), "ev.other")
    for code in ("P2", "P1", "P2"):
        fact.choose(of(fact, "parties"), code)
    fact.type(of(fact, "part"), " 12 ")
    fact.type(of(fact, "page"), "two")
    fact.choose(of(fact, "take_back"), "")

    assert fact.changed
    assert {one.name: fact.shown(one) for one in fact.fields} == {
        **{"when": "2019", "kind": "ev.other Other", "parties": "Tencent", "part": "12"},
        **{"page": "", "text": "", "take_back": "yes"},
    }
    assert fact.text(of(fact, "part")) == "12" and fact.text(of(fact, "page")) == ""
    fact.type(of(fact, "parties"), " P1 \n\nP2")
    assert fact.value(of(fact, "parties")) == ["P1", "P2"]
    assert fact.text(of(fact, "parties")) == "P1\nP2"
    assert fact.shown(of(fact, "parties")) == "Tencent; Police"
    other = FactDraft(FORM, {})
    assert other.take_up(fact.form().decode()) and other.form() == fact.form()
    for issued in ("case",):
        assert not other.take_up(fact.form().decode().replace(f'{issued} = "AA', f'{issued} = "CC'))


# --- Idle ---


@pytest.mark.slow
@pytest.mark.parametrize(
    ("now", "warned", "locked"),
    [(539.9, False, 0), (540.0, True, 0), (599.9, True, 0), (600.0, False, 1)],
)
def test_it_warns_after_nine_minutes_and_locks_after_ten(
    tmp_path: Any, now: float, warned: bool, locked: int
) -> None:
    desk = Desk.make(tmp_path / "desk", 0)

    async def act(seat: Seat) -> None:
        seat.now = now
        seat.app.look_idle()
        await seat.settle()
        assert ("Locks in a minute" in seat.shown) == warned and seat.locked == locked

    Seat(desk).work(act)
    assert (IDLE_SECONDS, WARNED_SECONDS) == (600, 60)
