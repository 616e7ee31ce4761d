"""What a case's reviews look like to a reviewer: every field of a layer, in words."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pytest

from dropbox.campaign import Campaign
from scripts.desk.identity import Viewer
from scripts.desk.review.judgement import REVIEW, Judgement, Layer, Reviews, Rules
from scripts.desk.screen.reviews import (
    layer_values,
    next_after,
    review_text,
    review_values,
    value_line,
)
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
    "fields of another campaign with long names": (
        Judgement(fields={"d" * 40: "x", "e" * 41: "x"}),
        [f"{'d' * 40}: x", f"{'e' * 39}…: x"],
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


FIRST = Judgement("c1", "m3", "normal", harms={"c1.job_loss": "alleged"})
SECOND = Judgement(
    "c2", "m3", "danger", harms={"c1.job_loss": "documented"}, flags=("minor", "privileged"),
    removed={"minor": "an adult"}, note="a note", evidence="2", fields={"actors": ("x", "y")},
)  # fmt: skip
C1 = "category: Persecuted as a direct result of WeChat censorship"
C2 = (
    "category: Financial loss because a WeChat account, official account or mini program was closed"
)


def of_two(*judgements: tuple[str, Judgement]) -> Reviews:
    """Layers of Ann and Ben, in a tier that needs two; of each the first version was blind."""
    layers: list[Layer] = []
    for number, (reviewer, judgement) in enumerate(judgements, 1):
        version = 1 + sum(one.reviewer == reviewer for one in layers)
        day = date(2026, 11, 24)
        one = Layer(number, 1, reviewer, REVIEW, version, day, version == 1, judgement)
        layers.append(one)
    return Reviews(layers, Rules(frozenset({"m3"}), ("normal", "danger"), False))


def test_what_reviewers_disagree_on_is_said_field_by_field_and_version_by_version(
    ann: Viewer,
) -> None:
    agreeing = replace(FIRST, category="c2", harms={})
    reviews = of_two((ANN, FIRST), (BEN, SECOND), (ANN, agreeing), (ANN, agreeing))

    text = review_text(reviews, {**STANDING, "assigned": BEN}, ann).plain
    assert text.split("\n\n")[0].strip().split("\n") == [
        "══ status: First review done; Not answered",
        "given to ben",
        "disagreement on category: ann: c1, then c2, ben: c2",
        "disagreement on harms: ann: c1.job_loss alleged, then not said, ben: "
        "c1.job_loss documented",
    ]
    assert text.split("\n\n")[1:3] == [
        "\n".join(
            [
                "── review by ann: version 1, 2026-11-24, blind",
                *(C1, "merit: m3 Case of merit", "urgency: normal Normal"),
                "harm: Lost a job: Alleged",
            ]
        ),
        "\n".join(
            [
                "── review by ben: version 1, 2026-11-24, blind",
                *(C2, "merit: m3 Case of merit", "urgency: danger Somebody may be in danger"),
                "evidence: 2 " + ann.campaign.reviewing.label("evidence", "2", "en"),
                "flags: minor A minor is involved",
                "flags: privileged Privileged (lawyer and client)",
                *("Actors: x", "Actors: y"),
                *("harm: Lost a job: Documented", "removed: minor, since an adult"),
                "note: a note",
            ]
        ),
    ]
    said = review_values(reviews, STANDING, ann)
    alleged, documented = ({"c1.job_loss": one} for one in ("alleged", "documented"))
    assert said["differences"] == {
        "category": {"ann": ["c1", "c2", "c2"], "ben": ["c2"]},
        "harms": {"ann": [alleged, {}, {}], "ben": [documented]},
    }
    assert (said["agreed"], said["deciding"], said["assigned"]) == (None, None, "")


def test_before_the_second_review_nothing_is_said_of_differences(ann: Viewer) -> None:
    open_ = of_two((ANN, FIRST))
    values = review_values(open_, STANDING, ann)

    assert (values["differences"], values["disagree"], values["agreed"]) == ({}, False, None)
    assert "disagreement" not in review_text(open_, STANDING, ann).plain
    assert "given to" not in review_text(open_, STANDING, ann).plain


def test_what_counts_of_all_that_was_said_comes_before_the_layers(ann: Viewer) -> None:
    reviews = of_two((ANN, FIRST), (BEN, replace(FIRST, flags=("minor",), urgency="danger")))
    paragraphs = review_text(reviews, STANDING, ann).plain.split("\n\n")

    assert paragraphs[1].split("\n") == [
        "── what counts of all that was said",
        *(C1, "merit: m3 Case of merit", "urgency: danger Somebody may be in danger"),
        *("flags: minor A minor is involved", "harm: Lost a job: Alleged"),
    ]
    heads = [one.split("\n")[0] for one in paragraphs[2:]]
    assert heads == [
        "── review by ann: version 1, 2026-11-24, blind",
        "── review by ben: version 1, 2026-11-24, blind, decides",
    ]


def test_a_value_is_a_line_whatever_its_kind() -> None:
    for value, line in (
        *(("a text", "a text"), ("", "not said"), ((), "not said"), ({}, "not said")),
        *((("a", "b"), "a, b"), (["a"], "a"), ({"a": "x", "b": "y"}, "a x, b y")),
    ):
        assert value_line(value) == line


@pytest.mark.parametrize(
    ("rows", "left", "after"),
    [(2, 0, ""), (2, 1, "C-2"), (1, 2, "C-1"), (3, 0, ""), (0, 1, "")],
)
def test_a_next_page_begins_after_the_last_case_that_is_shown(
    rows: int, left: int, after: str
) -> None:
    assert next_after([{"case": f"C-{number}"} for number in range(1, rows + 1)], left) == after
