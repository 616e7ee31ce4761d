"""`clock`: when claims lapse, by the table that counsel writes into the campaign file."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from support.cases import add, report
from support.export_bundles import CAMPAIGN, SERVER
from support.team import Team

from dropbox.campaign import Campaign
from dropbox.errors import CampaignError
from dropbox.label import Label
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.creation import create
from scripts.desk.charts.figures import Asked, Bars, figures
from scripts.desk.search.limitation import Running, after_months, by_time, clock, first_day
from scripts.desk.search.selection import SelectionError

TODAY = date(2026, 11, 26)
TEXT = '{ zh-Hans = "一", zh-Hant = "一", en = "Unfair terms" }'
ENTRY = f"""
[[review.limitation]]
code = "terms"
label = {TEXT}
months = 24
begins = ["period_to", "period_from"]
where = ["category=c1"]

"""


def with_table(tmp_path: Path, entry: str = ENTRY) -> Path:
    text = CAMPAIGN.read_text("utf-8")
    path = tmp_path / "campaign.toml"
    path.write_text(text.replace("# The reviewers' ready answers", f"{entry}# The", 1), "utf-8")
    return path


@pytest.mark.parametrize(
    ("day", "months", "after"),
    [
        (date(2024, 11, 27), 24, date(2026, 11, 27)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 12, 31), 2, date(2025, 2, 28)),
        (date(2024, 12, 1), 1, date(2025, 1, 1)),
        (date(9999, 1, 1), 24, date.max),
    ],
)
def test_months_later_is_the_same_day_or_the_months_last(
    day: date, months: int, after: date
) -> None:
    assert after_months(day, months) == after


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("2019", date(2019, 1, 1)),
        ("2019-03", date(2019, 3, 1)),
        ("2019-03-15", date(2019, 3, 15)),
        ("2019-02-30", None),
        ("soon", None),
        ("", None),
        ("2019-03-15-x", date(2019, 3, 15)),
    ],
)
def test_what_was_said_counts_from_the_first_day_that_it_can_mean(
    said: str, day: date | None
) -> None:
    assert first_day(said) == day


@pytest.fixture
def casebook_directory(tmp_path: Path) -> Path:
    """Four cases with the theory, of which one has no date, and one without it."""
    directory = tmp_path / "casebook"
    create(
        directory,
        server_key=bytes(SERVER.verify_key),
        campaign=with_table(tmp_path),
        desk=1,
        reviewers=None,
    )
    with Casebook.open(directory) as casebook:
        facts: tuple[dict[str, object], ...] = (
            {"period_from": "2020", "period_to": "2024-11"},
            {"period_from": "2024-11-27"},
            {"period_from": "2019-05", "period_to": "2025-06"},
            {},
        )
        add(casebook, *(report(f"{n}", n, facts=one) for n, one in enumerate(facts, 1)))
        add(casebook, report("5", 5, category="c3", facts={"period_from": "2026"}))
    return directory


def test_claims_come_by_their_last_day_and_those_without_a_date_apart(casebook: Casebook) -> None:
    found = clock(casebook, "AB" * 20, range(1, 6))

    assert [(one.case, one.since, one.last.isoformat()) for one in found.running] == [
        (1, "2024-11", "2026-10-31"),
        (2, "2024-11-27", "2026-11-26"),
        (3, "2025-06", "2027-05-31"),
    ]
    assert [(label.code, cases) for label, cases in found.without_date] == [("terms", (4,))]
    assert by_time(found.running, TODAY, (90, 365)) == [1, 1, 1, 0]
    assert clock(casebook, "AB" * 20, [2]).running == found.running[1:2]
    # On its last day a claim can still be made.
    assert by_time(found.running[1:2], date(2026, 11, 27), (90, 365)) == [1, 0, 0, 0]


def test_each_claim_is_counted_once_by_the_days_that_are_left() -> None:
    theory = Label("terms", {})
    claims = [
        Running(1, theory, "", TODAY + timedelta(days=left)) for left in (-1, 0, 90, 91, 365, 366)
    ]

    assert by_time(claims, TODAY, (90, 365)) == [1, 2, 2, 1]
    assert [by_time([one], TODAY, (90, 365)).index(1) for one in claims] == [0, 1, 1, 2, 2, 3]


def test_charts_have_the_clock(casebook: Casebook) -> None:
    (one,) = (
        one
        for one in figures(casebook, Asked(range(1, 6), "en", TODAY, least=1))
        if one.title == "Time until claims lapse"
    )
    assert isinstance(one, Bars)
    assert [count for _, count in one.rows] == [1, 1, 1, 0, 1]


def test_the_command_needs_a_table_and_shows_names(team: Team) -> None:
    assert "[[review.limitation]]" in team(0, "clock")
    assert json.loads(team(0, "clock", "--json")) == {"claims": [], "no_date": {}}

    entry = ENTRY.replace("category=c1", "category=c9")
    (team.casebook / "campaign.toml").write_text(
        with_table(team.directory, entry).read_text("utf-8"), "utf-8"
    )
    code, _, error = team.run(0, "clock")
    assert code == 2 and "There is no category c9" in error

    (team.casebook / "campaign.toml").write_text(
        with_table(team.directory).read_text("utf-8"), "utf-8"
    )
    with Casebook.open(team.casebook) as casebook:
        add(casebook, report("x", 1, facts={"period_from": "2020"}), report("y", 2))
    shown = team(0, "clock")
    assert "lapsed" in shown and "2021-12-31" in shown and "Unfair terms" in shown
    assert f"No date, Unfair terms: 1 case: {team.case(2)}" in shown
    values = json.loads(team(0, "clock", "--json"))
    assert [one["case"] for one in values["claims"]] == [team.case(1)]
    assert values["no_date"] == {"terms": [team.case(2)]}
    team.judge(0, team.case(1), conflict=True, urgency="normal")
    assert json.loads(team(0, "clock", "--json"))["claims"] == []


def test_a_condition_that_is_none_is_named(casebook: Casebook, tmp_path: Path) -> None:
    path = with_table(tmp_path, ENTRY.replace("category=c1", "category"))
    casebook.campaign = Campaign.read(path)

    with pytest.raises(SelectionError, match="category is no condition"):
        clock(casebook, "AB" * 20, [1])


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("months = 24", "months = 0", "from 1 to 1200"),
        ("months = 24", "months = 1201", "from 1 to 1200"),
        ("months = 24", "months = true", "from 1 to 1200"),
        ("months = 24", "", "from 1 to 1200"),
        ('["period_to", "period_from"]', '["period"]', '"period" is neither a question nor'),
        ('["period_to", "period_from"]', '"period_to"', '"begins" of "terms" has to be a list'),
        ('["category=c1"]', "[1]", '"where" of "terms" has to be a list'),
        (TEXT, '{ en = "x" }', '"terms" has no label in zh-Hans'),
        ("months = 24", "months = 24\ncolour = 1", '"colour" is not a known key'),
    ],
)
def test_a_wrong_table_is_refused(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    assert old in ENTRY
    with pytest.raises(CampaignError) as refusal:
        Campaign.read(with_table(tmp_path, ENTRY.replace(old, new)))

    assert sentence in str(refusal.value)
