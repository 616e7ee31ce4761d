"""The rules of reviewing: who is kept blind, who decides, who disagrees, and what the status is."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import pytest

from scripts.desk.review.judgement import (
    ADJUDICATION,
    REVIEW,
    Judgement,
    Layer,
    ReviewError,
    Reviews,
    Rules,
    spaced,
    status,
)

URGENCIES = ("normal", "deadline", "danger")
ALWAYS = frozenset({"m3", "m4"})


class Said(NamedTuple):
    """A layer in short: who, the tier, and the rest."""

    who: str
    merit: str = ""
    category: str = "c1"
    harms: tuple[tuple[str, str], ...] = ()
    urgency: str = "normal"
    outcome: str = ""
    conflict: bool = False
    role: str = REVIEW


def reviews(said: Sequence[Said], *, sampled: bool = False) -> Reviews:
    layers = []
    for number, one in enumerate(said, 1):
        judgement = Judgement(
            category=one.category,
            merit=one.merit,
            urgency=one.urgency,
            harms=dict(one.harms),
            outcome=one.outcome,
            conflict=one.conflict,
        )
        layers.append(Layer(number, 1, one.who, one.role, 1, date(2026, 11, 24), True, judgement))
    return Reviews(layers, Rules(ALWAYS, URGENCIES, sampled))


A, B, C = "A", "B", "C"
ADJUDGED = Said(C, "m2", role=ADJUDICATION)


@pytest.mark.parametrize(
    ("said", "sampled", "answered", "expected"),
    [
        ([], False, False, "st.new"),
        ([], True, False, "st.new"),
        ([], False, True, "st.awaiting_claimant"),
        ([Said(A)], False, False, "st.triaged"),
        ([Said(A)], False, True, "st.awaiting_claimant"),
        ([Said(A, conflict=True)], False, False, "st.new"),
        ([Said(A, "m2")], False, False, "st.first_review"),
        ([Said(A, "m2")], False, True, "st.awaiting_claimant"),
        ([Said(A, "m2")], True, True, "st.first_review"),
        ([Said(A, "m3")], False, True, "st.first_review"),
        ([Said(A, "m2"), Said(B)], True, False, "st.first_review"),
        ([Said(A, "m3"), Said(B, "m3")], False, False, "st.second_review"),
        ([Said(A, "m3"), Said(B, "m3")], False, True, "st.awaiting_claimant"),
        ([Said(A, "m3"), Said(B, "m2")], False, False, "st.adjudicate"),
        ([Said(A, "m3"), Said(B, "m2")], False, True, "st.adjudicate"),
        ([Said(A, "m2"), Said(B, "m2", "c2")], False, False, "st.adjudicate"),
        ([Said(A, "m2", harms=(("h", "alleged"),)), Said(B, "m2")], False, False, "st.adjudicate"),
        (
            [Said(A, "m2", harms=(("h", "alleged"),)), Said(B, "m2", harms=(("h", "doubtful"),))],
            False,
            False,
            "st.adjudicate",
        ),
        ([Said(A, "m2", urgency="danger"), Said(B, "m2")], False, False, "st.second_review"),
        ([Said(A, "m3"), Said(B, "m2"), ADJUDGED], False, False, "st.second_review"),
        ([Said(A, "m3"), Said(B, "m2"), ADJUDGED], False, True, "st.awaiting_claimant"),
        (
            [Said(A, "m3"), Said(B, "m2"), ADJUDGED._replace(outcome="st.counsel")],
            False,
            True,
            "st.counsel",
        ),
        ([Said(A, "m0", outcome="st.closed")], False, False, "st.closed"),
        ([Said(A, "m0", outcome="st.closed")], True, False, "st.first_review"),
        ([Said(A, "m4"), Said(B, "m4", outcome="st.plaintiff")], False, False, "st.plaintiff"),
        ([Said(A, "m4", outcome="st.plaintiff"), Said(B, "m3")], False, False, "st.adjudicate"),
        # A tier that was given cannot be taken back to avoid a second review, nor agreed on after
        # both were seen.
        ([Said(A, "m3"), Said(A, "m2")], False, False, "st.first_review"),
        ([Said(A, "m3"), Said(B, "m2"), Said(B, "m3")], False, False, "st.adjudicate"),
        ([Said(A, "m3"), Said(A, "m2"), Said(B, "m2")], False, False, "st.second_review"),
        ([Said(A, "m3"), Said(B, "m3"), Said(A, "m1")], False, False, "st.adjudicate"),
        # A reviewer who gives a case away does not count, before or after.
        ([Said(A, "m3"), Said(A, conflict=True)], False, False, "st.new"),
        ([Said(A, "m3"), Said(A, conflict=True), Said(B, "m2")], False, False, "st.first_review"),
        (
            [Said(A, "m3"), Said(B, "m2"), ADJUDGED, Said(C, conflict=True)],
            False,
            False,
            "st.adjudicate",
        ),
    ],
)
def test_the_status_follows_from_the_layers_and_answers(
    said: list[Said], sampled: bool, answered: bool, expected: str
) -> None:
    found = reviews(said, sampled=sampled)

    assert status(found, withdrawn=False, answered=answered) == expected
    assert status(found, withdrawn=True, answered=answered) == "st.withdrawn"


@pytest.mark.parametrize(
    ("said", "sampled", "merit"),
    [
        ([Said(A)], False, None),
        ([Said(A, "m2")], False, "m2"),
        ([Said(A, "m2")], True, None),
        ([Said(A, "m3")], False, None),
        ([Said(A, "m3"), Said(A, "m2")], False, None),
        ([Said(A, "m3"), Said(B, "m3")], False, "m3"),
        ([Said(A, "m3"), Said(B, "m1")], False, None),
        ([Said(A, "m3"), Said(B, "m1"), ADJUDGED], False, "m2"),
        ([Said(A, "m3"), Said(B, "m1"), ADJUDGED, Said(A, "m1")], False, "m2"),
    ],
)
def test_a_layer_decides_once_all_who_must_have_looked_and_agree(
    said: list[Said], sampled: bool, merit: str | None
) -> None:
    deciding = reviews(said, sampled=sampled).deciding

    assert (deciding.judgement.merit if deciding else None) == merit


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([Said(A, urgency="danger")], "danger"),
        ([Said(A, "m3", urgency="danger")], ""),
        ([Said(A, "m3", urgency="danger"), Said(B, "m3")], "danger"),
        ([Said(A, "m3", urgency="danger"), Said(B, "m2"), ADJUDGED], "normal"),
        ([Said(A, urgency="deadline"), Said(A, "m2", urgency="normal")], "deadline"),
    ],
)
def test_the_most_urgent_counts_of_what_may_be_seen(said: list[Said], expected: str) -> None:
    assert reviews(said).urgency == expected


def seen(found: Reviews, who: str) -> str:
    return "".join(layer.reviewer for layer in found.visible_to(who))


def test_the_second_reviewer_sees_nothing_of_the_first_until_done() -> None:
    open_case = [Said(A, "m3")]

    assert (
        seen(reviews(open_case), A),
        seen(reviews(open_case), B),
        seen(reviews(open_case), ""),
    ) == ("A", "", "")
    assert seen(reviews([*open_case, Said(B)]), B) == "B", "a first look is no review"
    done = reviews([*open_case, Said(B, "m1")])
    assert seen(done, A) == seen(done, B) == seen(done, C) == "AB"
    assert seen(reviews([Said(A, "m2")]), B) == "A", "nothing is to come"
    assert seen(reviews([Said(A, "m2")], sampled=True), B) == ""


def test_who_gave_a_case_away_sees_nothing_and_adds_nothing() -> None:
    found = reviews([Said(A, "m2"), Said(B, conflict=True)])

    assert seen(found, B) == ""
    with pytest.raises(ReviewError, match="out of your hands"):
        found.refuse(B, REVIEW)


def test_only_a_third_adjudicates_and_only_where_two_disagree() -> None:
    apart = reviews([Said(A, "m3"), Said(B, "m1")])

    apart.refuse(C, ADJUDICATION)
    for one in (A, B):
        apart.refuse(one, REVIEW)
        with pytest.raises(ReviewError, match="third reviewer"):
            apart.refuse(one, ADJUDICATION)
    with pytest.raises(ReviewError, match="a third must adjudicate"):
        apart.refuse(C, REVIEW)
    with pytest.raises(ReviewError, match="no third review"):
        reviews([Said(A, "m3"), Said(B, "m3")]).refuse(C, REVIEW)
    with pytest.raises(ReviewError, match="nothing to adjudicate"):
        reviews([Said(A, "m3"), Said(B, "m3")]).refuse(C, ADJUDICATION)


def test_a_list_of_codes_finds_whole_codes_only() -> None:
    assert spaced(["c1.other", "c2"]) == " c1.other c2 " and spaced([]) == ""


def test_a_judgement_comes_back_from_json() -> None:
    one = Judgement(
        "c1",
        "m2",
        "normal",
        {"h": "alleged"},
        ("a", "b"),
        "2025",
        "",
        amounts=({"amount": "1"},),
        conflict=False,
    )

    assert Judgement.from_json(one.to_json()) == one
