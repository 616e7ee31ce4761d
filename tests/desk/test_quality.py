"""Rejected cases that come back, the reviewers' agreement, and the estimate of what was missed."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.cases import CAMPAIGN, DAY, add, report
from support.desks import REVIEWERS, Desk
from support.team import Team

from dropbox.campaign import Campaign
from scripts.desk.audit import findings
from scripts.desk.case import Case
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.draws import QUALITY, Draw, by_chance, sampled
from scripts.desk.quality_control import (
    Agreement,
    Missed,
    QualityError,
    _scale,
    _units,
    agreement,
    draw,
    missed,
)
from scripts.desk.review.judgement import ADJUDICATION
from scripts.desk.screen.quality_figures import missed_sentences

Make = Callable[..., Desk]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Desks of a campaign that draws all rejected cases, or a share; no other case by chance."""
    monkeypatch.setattr("scripts.desk.casebook.layers.sampled", lambda *_: False)

    def made(number: int = 0, percent: int = 100, rejected: str = '["m0", "m1", "mx"]') -> Desk:
        text = CAMPAIGN.read_text("utf-8")
        text = text.replace("quality_percent = 10", f"quality_percent = {percent}")
        campaign = tmp_path / "campaign.toml"
        campaign.write_text(text.replace('rejected = ["m0", "m1", "mx"]', f"rejected = {rejected}"))
        return Desk.make(tmp_path / f"desk-{number}", number, campaign=campaign)

    return made


def as_reviewer(desk: Desk, number: int) -> Desk:
    """Another reviewer at the same casebook."""
    return Desk(desk.directory, number)


def drawn(desk: Desk, today: date = DAY) -> list[int]:
    with desk.working() as casebook:
        names = draw(casebook, today=today)
        claimants = {case.name: case for case in casebook.cases()}
        return sorted(int.from_bytes(claimants[name].reply_public, "big") for name in names)


def statuses(desk: Desk) -> dict[int, str]:
    with Casebook.open(desk.directory) as casebook:
        return {
            int.from_bytes(case.reply_public, "big"): casebook.layers.standing(case)["status"]
            for case in casebook.cases()
        }


def found_by_verify(desk: Desk) -> list[str]:
    with Casebook.open(desk.directory) as casebook:
        keys = {str(number): key for number, key in enumerate(REVIEWERS[:3])}
        return findings(casebook, keys, datetime.now(UTC) + timedelta(days=1))


@pytest.mark.slow
def test_rejected_cases_come_back_once_and_others_do_not(make: Make) -> None:
    desk = make()
    desk.file([1, 2, 3, 4, 5])
    desk.judge(1, "m0", outcome="st.closed")
    desk.judge(2, "m2")
    desk.judge(3, "m1")
    as_reviewer(desk, 1).judge(3, "m1")
    desk.judge(4, "", urgency="normal")
    assert statuses(desk)[1] == "st.closed"

    assert drawn(desk) == [1]
    assert statuses(desk)[1] == "st.first_review"
    with as_reviewer(desk, 1).working() as casebook:
        reviews = casebook.layers.of(desk.case(casebook, 1))
        assert reviews.needs_second and reviews.visible_to(REVIEWERS[1].fingerprint) == ()
    assert drawn(desk) == []
    as_reviewer(desk, 1).judge(1, "m0", outcome="st.closed")
    assert statuses(desk)[1] == "st.closed" and drawn(desk) == []
    assert found_by_verify(desk) == []


@pytest.mark.slow
def test_the_draw_is_by_the_key_and_each_draw_is_in_the_log(make: Make) -> None:
    desk = make(percent=50)
    desk.file(range(1, 21))
    with desk.working() as casebook:
        key = casebook.desks.sample_key()
        expected = [
            number
            for number in range(1, 21)
            if sampled(key, desk.case(casebook, number), 50, QUALITY)
        ]
    for number in range(1, 21):
        desk.judge(number, "m1")

    assert drawn(desk) == expected and drawn(desk) == []
    with Casebook.open(desk.directory) as casebook:
        lines = [json.loads(line.line) for line in casebook.desks.own_lines()]
    acts = [line for line in lines if line["act"] == "draw"]
    assert [line["subject"] for line in acts if not line["row"]] == ["quality", "quality"]
    assert len(acts) == len(expected) + 2
    # What was drawn from is bound by its hash: all twenty, then those that were not drawn.
    first, second = (line["plain"] for line in acts if not line["row"])
    assert (len(first) == 64 and first != second) or not expected
    assert found_by_verify(desk) == []


@pytest.mark.slow
def test_a_share_of_all_draws_every_case_and_one_of_none_draws_none() -> None:
    cases = [Case(at, "", at.to_bytes(32, "big"), bytes(32), ()) for at in range(1_000)]

    assert all(sampled(b"key", one, 100) for one in cases)
    assert not any(sampled(b"key", one, 0) for one in cases)


def test_a_case_was_drawn_only_by_the_key_of_a_desk_and_in_its_share() -> None:
    case, given = Case(1, "", bytes(32), bytes(32), ()), Draw("origin", 100, "F" * 40, DAY)

    assert by_chance(given, case, {"origin": b"key", "other": b""})
    assert not by_chance(given, case, {"other": b"key"})
    assert not by_chance(given._replace(percent=0), case, {"origin": b"key"})


@pytest.mark.slow
def test_desks_draw_what_one_desk_would_and_a_draw_stays(make: Make) -> None:
    first, second = make(0, 50), make(1, 50)
    for desk in (first, second):
        desk.file(range(1, 13))
    second.merge(first.work())
    first.merge(second.work())
    for number in range(1, 13):
        (first if number % 2 else second).judge(number, "m1")
    apart = sorted([*drawn(first), *drawn(second)])
    for _ in range(2):
        bundles = [first.work(), second.work()]
        for desk in (first, second):
            for bundle in bundles:
                desk.merge(bundle)
    assert drawn(first) == [] and drawn(second) == []
    for desk in (first, second):
        back = [number for number, status in statuses(desk).items() if status == "st.first_review"]
        with Casebook.open(desk.directory) as casebook:
            key = casebook.desks.sample_key()
            cases = {number: desk.case(casebook, number) for number in range(1, 13)}
            once = [one for one in cases if sampled(key, cases[one], 50, QUALITY)]
            open_again = [one for one in back if casebook.layers.of(cases[one]).rules.drawn]
        assert sorted(open_again) == apart == once
        assert found_by_verify(desk) == []


def test_without_a_share_nothing_comes_back_and_without_tiers_it_is_a_sentence(make: Make) -> None:
    desk = make(percent=0)
    desk.file([1])
    desk.judge(1, "m1")
    assert drawn(desk) == []
    with make(1, rejected="[]").working() as casebook, pytest.raises(QualityError, match="tiers"):
        draw(casebook, today=DAY)


def judged(desk: Desk, claimant: int, first: str, second: str, **said: Any) -> None:
    desk.judge(claimant, first, **said)
    as_reviewer(desk, 1).judge(claimant, second, **said)


def by_field(desk: Desk) -> dict[str, Agreement]:
    with Casebook.open(desk.directory) as casebook:
        return {one.field: one for one in agreement(casebook)}


def test_agreement_is_over_what_both_said_blind(make: Make) -> None:
    desk = make()
    desk.file(range(1, 8))
    for claimant, (first, second) in enumerate(
        [("m3", "m3"), ("m3", "m3"), ("m4", "m3"), ("m3", "m1")], 1
    ):
        judged(desk, claimant, first, second, harms={"c1.job_loss": "alleged"})
    judged(desk, 5, "m3", "m3", flags=("minor",), fields={"us": "california"})
    desk.judge(6, "m3")  # one review alone is no unit
    found = by_field(desk)

    # Tiers 3 3, 3 3, 4 3, 3 1, 3 3 in the scale 0 1 x 2 3 4; worked out by hand.
    merit = found["merit"]
    assert (merit.units, merit.ordinal) == (5, True)
    assert merit.kappa == pytest.approx((3 / 5 - 16 / 25) / (1 - 16 / 25))
    # Distances: 3 to 4 and 3 to 1 are 4.5, 1 to 4 is 9; 8 times 3, once 4, once 1.
    assert merit.alpha == pytest.approx(1 - 9 * 81 / 810)
    assert (found["category"].units, found["category"].alpha) == (5, None)
    assert found["harms"].units == 4 and found["flags"].units == 1
    assert found["us"].units == 1 and found["urgency"].units == 0
    assert not {"note", "amounts", "tags", "credibility", "outcome"} & set(found)


def test_who_could_have_read_the_first_review_is_not_blind(make: Make) -> None:
    desk = make()
    desk.file([1, 2])
    other = as_reviewer(desk, 1)
    for claimant in (1, 2):
        desk.judge(claimant, "m1", day=datetime.now(UTC).date())
    with other.working() as casebook:
        casebook.viewed(other.case(casebook, 1))
    assert drawn(desk) == [1, 2]
    with other.working() as casebook:
        casebook.viewed(other.case(casebook, 2))  # as whoever fills in a sheet does
    for claimant in (1, 2):
        other.judge(claimant, "m2")

    with Casebook.open(desk.directory) as casebook:
        for claimant, blind in ((1, False), (2, True)):
            layers = casebook.layers.of(desk.case(casebook, claimant)).layers
            assert [layer.blind for layer in layers] == [True, blind]
    assert by_field(desk)["merit"].units == 1


@pytest.mark.slow
def test_what_was_missed_is_estimated_from_second_reviews_by_chance(make: Make) -> None:
    desk = make()
    desk.file(range(1, 9))
    other, third = as_reviewer(desk, 1), as_reviewer(desk, 2)
    for claimant in range(1, 6):
        desk.judge(claimant, "m1")
    desk.judge(6, "m3")
    other.judge(6, "m1")

    def found() -> Missed:
        with Casebook.open(desk.directory) as casebook:
            return missed(casebook)

    assert found() == Missed(5, 0, 0, 0) and found().limits is None and found().share is None
    for claimant in (1, 2, 3):
        desk.draw(claimant)
    assert found() == Missed(5, 0, 0, 3)
    other.judge(1, "m1")
    other.judge(2, "m3")
    assert found() == Missed(5, 1, 0, 2)  # the second one is disputed
    third.judge(2, "m3", ADJUDICATION)
    assert found() == Missed(5, 2, 1, 1)
    assert found().others == 2 and found().share == 0.5
    low, high = found().limits or (0, 0)
    assert (round(low, 4), round(high, 4)) == (0.0126, 0.9874)


def test_the_estimate_is_said_with_its_limits_and_what_is_open() -> None:
    lines = missed_sentences(Missed(120, 12, 1, 3))
    assert "12 were reviewed a second time by chance (still open: 3): 1 of these" in lines[0]
    assert "8.3% (with 95% confidence between 0.2% and 38.5%)" in lines[0]
    assert lines[1:] == [
        "Of the 105 others, that would be about 9 (between 0 and 40).",
        "Fewer than 30 second reviews: the estimate is rough.",
    ]
    assert len(missed_sentences(Missed(300, 300, 0, 0))) == 1
    assert "(still open: 1): nothing can be" in missed_sentences(Missed(4, 0, 0, 1))[0]


@pytest.mark.slow
def test_the_command_says_figures_and_when_there_are_too_few(team: Team) -> None:
    with Casebook.open(team.casebook) as casebook:
        add(casebook, *(report(claimant=number) for number in range(1, 4)))
    out = team(0, "quality")
    assert "No case has two reviews" in out and "Of 0 rejected cases, none" in out
    for who, merit in enumerate(("m3", "m4")):
        team.judge(who, team.case(1), category="c1", merit=merit, urgency="normal")
    out = " ".join(team(0, "quality").split())
    assert "merit 1 0.00" in out and "too few to rely on" in out
    assert "category 1 – – all said the same, so chance cannot be told" in out
    values = json.loads(team(0, "quality", "--json"))
    assert values["rejected"]["share"] is None
    assert values["agreement"][0]["field"] == "category"
    assert "No more rejected case was drawn; 10 % of them are" in team(0, "quality", "--draw")
    assert json.loads(team(1, "quality", "--draw", "--json")) == {"drawn": [], "percent": 10}


def test_a_scale_has_the_tiers_of_rejected_cases_below_all_others() -> None:
    reviewing = Campaign.read(CAMPAIGN).reviewing
    merits = reviewing.codes("merit")

    assert set(_scale("merit", reviewing)[:3]) == set(reviewing.rejected)
    assert _scale("merit", reviewing)[3:] == tuple(
        one for one in merits if one not in reviewing.rejected
    )
    for name in ("urgency", "evidence"):
        assert _scale(name, reviewing) == tuple(reviewing.codes(name))
    assert _scale("category", reviewing) == ()


def test_what_both_said_is_compared_unit_by_unit() -> None:
    both = [
        ("a", "b"),
        ({"x": "1", "y": "2"}, {"y": "3", "z": "4"}),
        (("p", "q"), ("q",)),
        ((), ("p",)),
    ]

    # Of lists, each code that anybody named is a question of yes or no. A mapping names its codes.
    assert [one for one in _units(both) if one[0] not in ("yes", "no")] == [("a", "b"), ("2", "3")]
    assert list(_units(both[2:])) == [
        *(("yes", "no"), ("yes", "yes")),
        *(("no", "yes"), ("no", "no")),
    ]
