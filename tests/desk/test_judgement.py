"""The rules of reviewing: who is kept blind, who decides, who disagrees, and what the status is."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import pytest

from dropbox.review_codes import USUAL
from scripts.desk.casebook.draws import sampled
from scripts.desk.casebook.layers import considered_before
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
# A campaign with one field of its own.
FIELDS = {**USUAL, "us": "must agree"}
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
    us: str = ""
    flags: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    removed: tuple[tuple[str, str], ...] = ()


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
            fields={"us": one.us} if one.us else {},
            flags=one.flags,
            tags=one.tags,
            removed=dict(one.removed),
        )
        layers.append(Layer(number, 1, one.who, one.role, 1, date(2026, 11, 24), True, judgement))
    return Reviews(layers, Rules(ALWAYS, URGENCIES, sampled, FIELDS))


A, B, C = "A", "B", "C"
ADJUDGED = Said(C, "m2", role=ADJUDICATION)


@pytest.mark.parametrize(
    ("said", "sampled", "reopened", "expected"),
    [
        ([], False, False, "st.new"),
        ([], True, False, "st.new"),
        ([], False, True, "st.new"),
        ([Said(A)], False, False, "st.triaged"),
        ([Said(A)], False, True, "st.triaged"),
        ([Said(A, conflict=True)], False, False, "st.new"),
        ([Said(A, "m2")], False, False, "st.first_review"),
        ([Said(A, "m2")], False, True, "st.reopened"),
        ([Said(A, "m2")], True, True, "st.first_review"),
        ([Said(A, "m3")], False, True, "st.first_review"),
        ([Said(A, "m2"), Said(B)], True, False, "st.first_review"),
        ([Said(A, "m3"), Said(B, "m3")], False, False, "st.second_review"),
        ([Said(A, "m3"), Said(B, "m3")], False, True, "st.reopened"),
        ([Said(A, "m3"), Said(B, "m2")], False, False, "st.adjudicate"),
        ([Said(A, "m3"), Said(B, "m2")], False, True, "st.adjudicate"),
        ([Said(A, "m2"), Said(B, "m2", "c2")], False, False, "st.adjudicate"),
        # Nothing said is no disagreement.
        (
            [Said(A, "m2", harms=(("h", "alleged"),)), Said(B, "m2")],
            False,
            False,
            "st.second_review",
        ),
        ([Said(A, "m2", us="california"), Said(B, "m2")], False, False, "st.second_review"),
        ([Said(A, "m2", us="california"), Said(B, "m2", us="none")], False, False, "st.adjudicate"),
        (
            [Said(A, "m2", harms=(("h", "alleged"),)), Said(B, "m2", harms=(("h", "doubtful"),))],
            False,
            False,
            "st.adjudicate",
        ),
        ([Said(A, "m2", urgency="danger"), Said(B, "m2")], False, False, "st.second_review"),
        ([Said(A, "m3"), Said(B, "m2"), ADJUDGED], False, False, "st.second_review"),
        ([Said(A, "m3"), Said(B, "m2"), ADJUDGED], False, True, "st.reopened"),
        (
            [Said(A, "m3"), Said(B, "m2"), ADJUDGED._replace(outcome="st.counsel")],
            False,
            False,
            "st.counsel",
        ),
        (
            [Said(A, "m3"), Said(B, "m2"), ADJUDGED._replace(outcome="st.counsel")],
            False,
            True,
            "st.reopened",
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
def test_the_status_follows_from_the_layers_and_what_came_later(
    said: list[Said], sampled: bool, reopened: bool, expected: str
) -> None:
    found = reviews(said, sampled=sampled)

    assert status(found, withdrawn=False, reopened=reopened) == expected
    assert status(found, withdrawn=True, reopened=reopened) == "st.withdrawn"


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
        # What is urgent stays so until somebody removes it with a reason, also while two disagree.
        ([Said(A, "m3", urgency="danger"), Said(B, "m2")], "danger"),
        ([Said(A, "m3", urgency="danger"), Said(B, "m2"), ADJUDGED], "danger"),
        (
            [
                Said(A, "m3", urgency="danger"),
                Said(B, "m2"),
                ADJUDGED._replace(removed=(("danger", "he is abroad now"),)),
            ],
            "normal",
        ),
        ([Said(A, urgency="deadline"), Said(A, "m2", urgency="normal")], "deadline"),
    ],
)
def test_the_most_urgent_counts_of_what_may_be_seen(said: list[Said], expected: str) -> None:
    assert reviews(said).urgency == expected


def test_what_the_first_says_stays_when_the_second_agrees_and_says_nothing() -> None:
    first = Said(
        A, "m3", harms=(("h", "documented"),), us="california", flags=("minor", "x"), tags=("one",)
    )

    agreed = reviews([first, Said(B, "m3", tags=("two",))]).agreed

    assert agreed is not None
    assert (agreed.said("us"), agreed.flags, agreed.tags) == (
        "california",
        ("minor", "x"),
        ("one", "two"),
    )
    assert agreed.harms == {"h": "documented"} and agreed.merit == "m3"


def test_a_flag_stays_through_versions_and_decisions_until_it_is_removed_with_a_reason() -> None:
    flagged = [Said(A, "m3", flags=("minor", "privileged")), Said(A, "m3"), Said(B, "m1")]
    assert reviews(flagged).flags == ("minor", "privileged")
    assert reviews(flagged[:2]).flags == (), "nobody else may know yet"
    assert reviews([Said(A, flags=("minor",)), *flagged[1:2]]).flags == ("minor",), "a first look"
    removed = ADJUDGED._replace(removed=(("minor", "she is 34"),))

    assert reviews([*flagged, ADJUDGED]).flags == ("minor", "privileged")
    assert reviews([*flagged, removed]).flags == ("privileged",)
    assert reviews([*flagged, removed, Said(B, "m1", flags=("minor",))]).flags == (
        "privileged",
        "minor",
    )


def test_where_two_disagree_the_third_decides_field_by_field() -> None:
    one = Said(A, "m3", us="california", harms=(("h", "documented"), ("i", "alleged")))
    other = Said(B, "m1", us="none", harms=(("h", "doubtful"), ("j", "alleged")))
    apart = reviews([one, other])
    assert apart.differences == ("merit", "harms", "us") and apart.agreed is None

    unsaid = reviews([one, other, ADJUDGED]).agreed
    said = reviews([one, other, ADJUDGED._replace(us="canada", harms=(("h", "supported"),))]).agreed

    assert unsaid is not None and (unsaid.merit, unsaid.said("us")) == ("m2", "")
    assert unsaid.harms == {"i": "alleged", "j": "alleged"}
    assert said is not None and said.said("us") == "canada"
    assert said.harms == {"h": "supported", "i": "alleged", "j": "alleged"}


def test_the_campaign_says_which_fields_must_agree() -> None:
    layers = reviews([Said(A, "m2", us="california"), Said(B, "m2", us="none")]).layers
    rules = Rules(ALWAYS, URGENCIES, sampled=False, fields={**FIELDS, "us": "side by side"})

    found = Reviews(layers, rules)

    assert not found.disagree and found.agreed is not None and found.agreed.said("us") == ""


def test_of_the_evidences_strength_the_most_counts() -> None:
    given = [Judgement("c1", "m2", "normal", evidence=strength) for strength in ("1", "3", "")]
    layers = [
        Layer(number, 1, who, REVIEW, 1, date(2026, 11, 24), True, one)
        for number, (who, one) in enumerate(zip((A, B, B), given, strict=True), 1)
    ]
    rules = Rules(ALWAYS, URGENCIES, sampled=False)

    agreed, later = Reviews(layers[:2], rules).agreed, Reviews(layers, rules).agreed

    assert agreed is not None and agreed.evidence == "3"
    assert later is not None and later.evidence == "1"


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
        "2025",
        "",
        fields={"actors": ("a", "b"), "us": "none"},
        amounts=({"amount": "1"},),
        conflict=False,
    )

    assert Judgement.from_json(one.to_json()) == one


class Drawn(NamedTuple):
    """What identifies a case."""

    number: int
    name: str
    reply_public: bytes
    tag_key: bytes


def test_a_case_is_drawn_for_a_second_review_alike_wherever_the_draw_is_repeated() -> None:
    cases = [Drawn(number, "", bytes([number]) * 32, bytes(32)) for number in range(200)]

    def drawn(percent: int, key: bytes = b"k" * 32) -> list[int]:
        return [case.number for case in cases if sampled(key, case, percent)]

    assert drawn(0) == [] and drawn(100) == list(range(200))
    assert drawn(1) == [128] and drawn(5)[:5] == [20, 57, 64, 75, 95]
    assert 190 < len(drawn(99)) < 200
    assert set(drawn(5)) < set(drawn(20)) and drawn(20) != drawn(20, b"j" * 32)
    assert 20 < len(drawn(20)) < 60


def test_a_layer_of_an_old_casebook_considered_what_the_log_has_before_it() -> None:
    lines = {"part/1": 3, "part/2": 5, "layer/7": 4, "layer/8": 6, "part/4": 6}
    layers, parts = [(7, 1), (8, 1), (9, 2)], [(1, 1), (2, 1), (3, 1), (4, 1), (5, 2), (6, 3)]

    assert considered_before(lines, layers, parts) == {
        (7, 1),
        (7, 3),
        (8, 1),
        (8, 2),
        (8, 3),
        (8, 4),
        (9, 5),
    }


@pytest.mark.parametrize("said", [7, None, True, {"a": "b"}, [1], [["a"]], [None]])
def test_a_field_of_a_campaigns_own_holds_texts_alone(said: object) -> None:
    whole = Judgement("c1", "m2", "normal", fields={"us": "none", "actors": ("a",)}).to_json()
    assert whole["us"] == "none" and whole["actors"] == ["a"]

    with pytest.raises(TypeError):
        Judgement.from_json({**whole, "us": said})
