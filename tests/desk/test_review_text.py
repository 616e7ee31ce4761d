"""What a case's reviews look like to a reviewer: every field of a layer, in words."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pytest

from dropbox.campaign import Campaign
from scripts.desk.identity import Viewer
from scripts.desk.review.judgement import REVIEW, Judgement, Layer, Reviews, Rules
from scripts.desk.screen.reviews import layer_values, next_after, review_text, review_values
from scripts.terminal import isolated

ANN, BEN = "A" * 40, "B" * 40
STANDING = {
    "status": "st.first_review",
    "correspondence": "co.none",
    "reviewers": f"{ANN} {BEN}",
    "assigned": "",
}


def layer(judgement: Judgement, reviewer: str = ANN, *, blind: bool = True) -> Layer:
    return Layer(1, 1, reviewer, REVIEW, 3, date(2026, 11, 24), blind, judgement)


@pytest.fixture
def ann(campaign: Campaign) -> Viewer:
    """The reviewer Ann, who reads English."""
    return Viewer(ANN, {ANN: "ann", BEN: "ben"}, campaign, "en")


def shown(viewer: Viewer, *layers: Layer, sampled: bool = False) -> list[str]:
    reviews = Reviews(layers, Rules(frozenset({"m3"}), ("normal", "danger"), sampled))
    return review_text(reviews, STANDING, viewer).plain.split("\n")


def layers_in(lines: list[str]) -> list[str]:
    """What is shown of the layers, from the first one's head on."""
    begin = next(at for at, line in enumerate(lines) if line.startswith("── review by"))
    return lines[begin:]


AMOUNT = {"amount": "9000", "currency": "CNY", "as_of": "2026-01", "what": "salary"}
LINES: Mapping[str, tuple[Judgement, list[str]]] = {
    "nothing": (Judgement(), []),
    "a period": (
        Judgement(period_from="2025", period_to="2026-03"),
        ["period: 2025 to 2026-03"],
    ),
    "a beginning alone": (Judgement(period_from="2025"), ["period: 2025 to ?"]),
    "an end alone": (Judgement(period_to="2026"), ["period: ? to 2026"]),
    "a field of the campaign's own": (
        Judgement(fields={"account_opened": "2014"}),
        ["Account opened: 2014"],
    ),
    "a field of another campaign": (
        Judgement(fields={"dam": ("dyke", "\x1b[31m")}),
        ["dam: dyke", f"dam: {isolated(chr(27) + '[31m')}"],
    ),
    "an amount of a month": (
        Judgement(amounts=(AMOUNT,)),
        ["amount: 9000 CNY (2026-01) salary"],
    ),
    "an amount of no month, for nothing": (
        Judgement(amounts=({**AMOUNT, "as_of": "", "what": ""},)),
        ["amount: 9000 CNY"],
    ),
    "tags": (Judgement(tags=("ongoing", "x")), ["tags: ongoing x"]),
    "texts": (
        Judgement(credibility="two\nlines", note="a note"),
        ["credibility: two", "lines", "note: a note"],
    ),
}


@pytest.mark.parametrize("name", LINES)
def test_a_layer_says_what_its_reviewer_filled_in_and_no_more(ann: Viewer, name: str) -> None:
    judgement, lines = LINES[name]

    found = shown(ann, layer(judgement))

    head = "── review by ann: version 3, 2026-11-24, blind"
    assert found[:2] == ["", "══ status: First review done; Not answered"]
    assert layers_in(found) == [head, *lines]


def test_a_colleague_who_gave_the_case_away_is_shown_as_that(ann: Viewer) -> None:
    own = layer(Judgement(category="c1", merit="m2", urgency="normal"))

    found = shown(ann, layer(Judgement(conflict=True), BEN), own)

    assert layers_in(found)[:2] == [
        "── review by ben: version 3, 2026-11-24, blind",
        "conflict of interest",
    ]


def test_codes_come_with_their_labels(ann: Viewer, campaign: Campaign) -> None:
    judgement = Judgement(
        category="c1",
        merit="m2",
        urgency="danger",
        fields={"actors": ("actor.police",)},
        harms={"c1.job_loss": "alleged"},
    )

    found = shown(ann, layer(judgement))

    labels = {
        name: ann.label(listed, code)
        for name, listed, code in (
            ("merit", "merit", "m2"),
            ("urgency", "urgency", "danger"),
        )
    }
    category = next(one for one in campaign.categories if one.code == "c1")
    harm = next(one for one in category.harms if one.code == "c1.job_loss")
    alleged = campaign.reviewing.label("harm_status", "alleged", "en")
    field = campaign.reviewing.own_field("actors")
    assert field is not None
    assert layers_in(found)[1:] == [
        f"category: {category.in_('en')}",
        *(f"{name}: {label}" for name, label in labels.items()),
        f"{field.in_('en')}: {field.choice('actor.police', 'en')}",
        f"harm: {harm.in_('en')}: {alleged}",
    ]


def test_the_layer_that_decides_says_so_and_one_that_was_not_blind_does_not_claim_it(
    ann: Viewer,
) -> None:
    one = layer(Judgement(category="c1", merit="m2", urgency="normal"))

    assert layers_in(shown(ann, one))[0].endswith("version 3, 2026-11-24, blind, decides")
    assert layers_in(shown(ann, replace(one, blind=False)))[0].endswith(
        "version 3, 2026-11-24, decides"
    )
    assert layers_in(shown(ann, one, sampled=True))[0].endswith("version 3, 2026-11-24, blind")


def test_whoever_is_kept_blind_is_told_who_else_looked(ann: Viewer) -> None:
    other = layer(Judgement(category="c1", merit="m3", urgency="normal"), BEN)

    assert shown(ann, other)[2:] == [
        "",
        "ben looked at this case too; you will see what they said once the reviews are done.",
    ]
    assert "looked at this case too" not in "\n".join(shown(replace(ann, reviewer=BEN), other))


def test_only_who_has_reviewed_a_case_is_told_whether_a_second_review_is_due(ann: Viewer) -> None:
    def values(viewer: Viewer, *layers: Layer) -> dict[str, object]:
        reviews = Reviews(layers, Rules(frozenset({"m3"}), ("normal",), False))
        return review_values(reviews, STANDING, viewer)

    due = layer(Judgement(category="c1", merit="m3", urgency="normal"))
    ben = replace(ann, reviewer=BEN)

    assert values(ann, due)["second_review"] is True and values(ben, due)["second_review"] is None
    assert values(ben, due)["layers"] == [] and values(ann, due)["layers"] == [
        layer_values(due, ann)
    ]
    apart = replace(due, number=2, reviewer=BEN, judgement=Judgement("c2", "m3", "normal"))
    third = replace(ann, reviewer="C" * 40)
    done = values(third, due, apart)
    assert (done["second_review"], done["disagree"], done["deciding"]) == (True, True, None)
    assert values(ann, due)["disagree"] is False
    agreed = values(third, due, replace(apart, judgement=due.judgement))
    assert (agreed["disagree"], agreed["deciding"]) == (False, 2)
    assert agreed["reviewers"] == ["ann", "ben"]


@pytest.mark.parametrize(
    ("rows", "left", "after"),
    [(2, 0, ""), (2, 1, "C-2"), (1, 2, "C-1"), (3, 0, ""), (0, 1, "")],
)
def test_a_next_page_begins_after_the_last_case_that_is_shown(
    rows: int, left: int, after: str
) -> None:
    assert next_after([{"case": f"C-{number}"} for number in range(1, rows + 1)], left) == after
