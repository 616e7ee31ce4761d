"""`damages`: sums by currency, n of N, what they rest on, counsel's rates, and what is left out."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from support.cases import CAMPAIGN, add, report
from support.team import Team

from dropbox.campaign import Campaign
from dropbox.errors import CampaignError
from dropbox.label import LANGUAGES
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.charts.damage_sums import Damages, damage_values, damages, listed
from scripts.desk.charts.shapes import LEFT_OUT, Asked
from scripts.desk.charts.small_cells import dominated, hidden_sums
from scripts.desk.charts.svg import drawn
from scripts.desk.charts.titles import DOMINATED, EXACT
from scripts.desk.review.judgement import Judgement
from scripts.desk.search.counted import Cases

DAY = date(2026, 11, 23)
FIRST, SECOND = "AB" * 20, "CD" * 20
RATE = """
[[review.rate]]
currency = "CNY"
into = "USD"
rate = "0.1379"
day = 2026-10-30
source = "Federal Reserve, H.10"
"""
Amounts = Sequence[tuple[str, str, str]]


def with_rates(tmp_path: Path, entries: str) -> Campaign:
    text = CAMPAIGN.read_text("utf-8")
    path = tmp_path / "campaign.toml"
    path.write_text(text.replace("# The reviewers' ready answers", f"{entries}\n# The", 1), "utf-8")
    return Campaign.read(path)


def lost(casebook: Casebook, *cases: Amounts, second: Amounts | None = None) -> list[int]:
    """Decided cases in which reviewers found these amounts, currencies and methods.

    With *second*, the second reviewer of the last case found that.
    """
    first = len(list(casebook.cases())) + 1
    add(casebook, *(report(f"【虚构】{n}", n) for n in range(first, first + len(cases))))
    for number, amounts in enumerate(cases, first):
        case = casebook.case(number)
        last = number == first + len(cases) - 1
        other = second if last and second is not None else amounts
        for reviewer, said in ((FIRST, amounts), (SECOND, other)):
            casebook.layers.add(
                case,
                Judgement("c1", "m3", "normal", amounts=tuple(map(_amount, said))),
                reviewer=reviewer,
                day=DAY,
            )
        casebook.layers.settle(case)
    return list(range(first, first + len(cases)))


def _amount(one: tuple[str, str, str]) -> dict[str, str]:
    amount, currency, method = one
    found = {"amount": amount, "currency": currency, "as_of": "", "what": ""}
    return {**found, "method": method} if method else found


def counted(
    casebook: Casebook, least: int = 1, language: str = "en", *, exact: bool = True
) -> tuple[Damages, Asked]:
    numbers = [case.number for case in casebook.cases()]
    asked = Asked(numbers, language, DAY, least, exact=exact)
    return damages(casebook, Cases(casebook, numbers), asked), asked


def test_sums_are_by_currency_and_method_and_count_of_how_many_cases(casebook: Casebook) -> None:
    lost(
        casebook,
        [("100", "CNY", "stated"), ("50.50", "CNY", "documented"), ("7", "USD", "")],
        [("300", "CNY", "stated")],
        [],
        [("200", "CNY", "")],
    )
    (disputed,) = add(casebook, report("【虚构】 not decided", 99))
    for reviewer, merit in ((FIRST, "m1"), (SECOND, "m3")):
        amounts = (_amount(("70", "CNY", "")),)
        said = Judgement("c1", merit, "normal", amounts=amounts)
        casebook.layers.add(casebook.case(disputed), said, reviewer=reviewer, day=DAY)
    casebook.layers.settle(casebook.case(disputed))
    found, asked = counted(casebook)

    assert (found.decided, found.named) == (4, 3)
    assert listed(found, casebook.campaign.reviewing, asked).rows == (
        ("yuan (CNY)", "3 / 4", "650.50", LEFT_OUT, "200", LEFT_OUT),
        ("· Stated by the claimant", "2 / 4", "400", LEFT_OUT, "200", LEFT_OUT),
        ("· Shown by documents", "1 / 4", "50.50", LEFT_OUT, LEFT_OUT, LEFT_OUT),
        ("· no method said", "1 / 4", "200", LEFT_OUT, LEFT_OUT, LEFT_OUT),
        ("US dollars (USD)", "1 / 4", "7", LEFT_OUT, LEFT_OUT, LEFT_OUT),
    )
    assert found.converted is None
    assert "Nothing is converted." in listed(found, casebook.campaign.reviewing, asked).note


def test_the_reviewer_counts_who_found_less_with_their_methods(casebook: Casebook) -> None:
    first = [("100", "CNY", "stated"), ("10", "CNY", "stated")]
    lost(casebook, first, second=[("60", "CNY", "documented"), ("40", "CNY", "estimated")])
    lost(casebook, [("30", "CNY", "stated")], second=[("35", "CNY", "documented")])
    found, _ = counted(casebook)
    (one,) = found.currencies
    assert {method: spread.total for method, spread in one.methods.items()} == {
        "documented": Decimal(60),
        "estimated": Decimal(40),
        "stated": Decimal(30),
    }


def test_small_counts_are_left_out_with_their_sums_and_what_would_give_them_away(
    casebook: Casebook,
) -> None:
    lost(
        casebook,
        *[[(str(10 * n), "CNY", "stated")] for n in range(1, 5)],
        *[[(str(10 * n), "CNY", "documented")] for n in range(1, 4)],
        [("1000", "CNY", "estimated")],
        [("5", "USD", "")],
    )
    found, asked = counted(casebook, least=3)

    rows = listed(found, casebook.campaign.reviewing, asked).rows
    # One currency alone would follow from all cases that name a sum, so none is shown.
    assert [row[1:] for row in rows] == [(LEFT_OUT,) * 5] * len(rows)
    assert found.named is None
    lost(casebook, *[[(str(n), "USD", "")] for n in range(2)])
    found, asked = counted(casebook, least=3)
    cells = {row[0]: row[1:] for row in listed(found, casebook.campaign.reviewing, asked).rows}
    assert cells["yuan (CNY)"][:2] == ("8 / 11", "1,160") and cells["yuan (CNY)"][3] == "25"
    assert cells["US dollars (USD)"][:2] == ("3 / 11", "6")
    assert cells["· Stated by the claimant"][:2] == ("4 / 11", "100")
    # The sum of the one estimate would follow from that of the documents.
    for method in ("· Estimated by a reviewer", "· Shown by documents"):
        assert cells[method] == (LEFT_OUT,) * 5
    assert all(set(one[2:]) == {LEFT_OUT} for name, one in cells.items() if name != "yuan (CNY)")


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ("95 2 1 1 1", True),
        ("70 20 5 5", True),
        ("70 16 7 7", False),
        ("50 50", True),
        ("1 1 1", False),
        ("7", True),
        ("0 0 0", False),
        ("", False),
    ],
)
def test_a_sum_is_told_by_the_second_largest_if_little_is_left_of_it(
    parts: str, told: bool
) -> None:
    assert dominated([Decimal(one) for one in parts.split()]) is told


def test_what_is_left_out_of_a_known_total_is_left_out_as_a_whole() -> None:
    def persons(*given: str) -> list[dict[str, Decimal]]:
        parts = (dict(part.split("=") for part in one.split()) for one in given)
        return [{kind: Decimal(amount) for kind, amount in one.items()} for one in parts]

    even = ["a=10", "a=11", "a=12", "b=20", "b=21", "b=22", "c=30", "c=31", "c=32"]
    assert hidden_sums(persons(*even), (), 3) == frozenset()
    # One kind that is left out follows from the total and the others: so does the smallest other.
    assert hidden_sums(persons(*even), ("b",), 3) == {"b"}
    assert hidden_sums(persons(*even, "c=460"), (), 3) == {"a", "c"}
    # Two kinds that are left out are of one person, so their sum would be that person's loss.
    assert hidden_sums(persons(*even, "d=20 e=15"), (), 3) == {"a", "d", "e"}
    assert hidden_sums(persons("a=1", "b=1"), (), 3) == {"a", "b"}
    assert hidden_sums([], (), 3) == frozenset()


def test_a_sum_that_one_case_dominates_is_left_out_of_charts_and_shown_to_counsel(
    casebook: Casebook,
) -> None:
    stated = [[(str(10 + n), "CNY", "stated")] for n in range(4)]
    lost(casebook, *stated, [("5000", "CNY", "documented")])
    lost(casebook, *[[(str(10 + n), "USD", "stated")] for n in range(5)])
    lost(casebook, *[[(str(10 + n), "USD", "documented")] for n in range(4)], [("50", "USD", "")])
    found, asked = counted(casebook, least=3, exact=False)
    yuan, dollars = found.currencies

    # The count, and the middle of many, still say something; the sum would say who lost 5,000.
    assert (yuan.all.cases, yuan.all.total) == (5, None)
    assert {one.total for one in yuan.methods.values()} == {None}
    assert (dollars.all.cases, dollars.all.total) == (10, Decimal(156))
    # One case without a method follows from the sum of all, so does another method's sum.
    assert dollars.methods["documented"].total is dollars.methods[""].total is None
    assert dollars.methods["stated"].total == Decimal(60)
    for language in LANGUAGES:
        said = replace(asked, language=language)
        note = listed(found, casebook.campaign.reviewing, said).note
        assert DOMINATED.in_(language) in note and EXACT.in_(language) not in note
    found, asked = counted(casebook, least=3)
    assert [one.all.total for one in found.currencies] == [Decimal(5046), Decimal(156)]
    assert (
        "for counsel, not for outsiders" in listed(found, casebook.campaign.reviewing, asked).note
    )
    found, asked = counted(casebook, exact=False)
    assert found.currencies[0].all.total == Decimal(5046)


def test_a_total_that_would_give_away_few_cases_of_merit_is_left_out(casebook: Casebook) -> None:
    lost(casebook, *[[("10", "CNY", "")] for _ in range(4)])
    for number in (1, 2, 3):
        case = casebook.case(number)
        for reviewer in (FIRST, SECOND):
            amount = (_amount(("10", "CNY", "")),)
            judged = Judgement("c1", "m1", "normal", amounts=amount)
            casebook.layers.add(case, judged, reviewer=reviewer, day=DAY)
        casebook.layers.settle(case)
    found, asked = counted(casebook, least=2)

    assert found.decided is None and [one.all.cases for one in found.currencies] == [4]
    listing = listed(found, casebook.campaign.reviewing, asked)
    assert listing.rows[0][:2] == ("yuan (CNY)", "4") and "are decided" not in listing.note


def test_quartiles_need_as_many_cases_in_each_quarter(casebook: Casebook) -> None:
    lost(casebook, *[[(str(n), "CNY", "")] for n in range(1, 8)])
    (seven,) = counted(casebook, least=2)[0].currencies
    lost(casebook, [("8", "CNY", "")])
    (eight,) = counted(casebook, least=2)[0].currencies

    assert (seven.all.low, seven.all.middle, seven.all.high) == (None, Decimal(4), None)
    assert (eight.all.low, eight.all.middle, eight.all.high) == (
        Decimal("2.75"),
        Decimal("4.5"),
        Decimal("6.25"),
    )


def test_counsels_rates_add_up_what_is_shown_and_name_the_rest(
    casebook: Casebook, tmp_path: Path
) -> None:
    lost(casebook, [("1000", "CNY", "")], [("50", "USD", "")], [("9", "HKD", "")])
    casebook.campaign = with_rates(tmp_path, RATE)
    found, asked = counted(casebook)

    assert found.converted is not None
    assert (found.converted.total, found.converted.into) == (Decimal("187.9000"), "USD")
    assert found.converted.without == ("HKD",)
    note = listed(found, casebook.campaign.reviewing, asked).note
    assert "all together 187.90 USD (CNY 0.1379 (2026-10-30, Federal Reserve, H.10))" in note
    assert "Without: HKD." in note
    for language in LANGUAGES:
        said = listed(found, casebook.campaign.reviewing, replace(asked, language=language))
        assert "%" not in said.note and "187.90" in said.note
        # A number that is cut is another number.
        note = said.note.replace("USD", "dollars" + " dollars" * 11)
        assert note in drawn(replace(said, note=note))
    values = damage_values(found)
    assert values["converted"]["sum"] == "187.9000" and values["named"] == 3
    json.dumps(values)
    hidden, _ = counted(casebook, least=5)
    assert hidden.converted is None


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        (RATE.replace('"0.1379"', "0.1379"), "a rate has to be a number in quotes"),
        (RATE.replace('"0.1379"', '"0"'), "a rate has to be a number in quotes"),
        (RATE.replace('"0.1379"', '"1e9"'), "a rate has to be a number in quotes"),
        (RATE.replace('"USD"', '"EUR"'), '"into" of a rate has to be one of'),
        (RATE.replace('"CNY"', '"BTC"'), '"currency" of a rate has to be one of'),
        (RATE.replace("2026-10-30", '"2026-10-30"'), "the day of a rate has to be a date"),
        (RATE.replace("2026-10-30", "2026-10-30T00:00:00"), "the day of a rate has to be a date"),
        (RATE.replace('"Federal Reserve, H.10"', '""'), "a rate needs a source"),
        (RATE + "colour = 1", '"colour" is not a known key'),
        (RATE + RATE, "of different currencies, and all into one other"),
        (RATE.replace('"CNY"', '"USD"'), "of different currencies, and all into one other"),
        (
            RATE + RATE.replace('"CNY"', '"HKD"').replace('"USD"', '"CAD"'),
            "of different currencies, and all into one other",
        ),
    ],
)
def test_a_wrong_rate_is_refused(tmp_path: Path, entry: str, sentence: str) -> None:
    with pytest.raises(CampaignError) as refusal:
        with_rates(tmp_path, entry)

    assert sentence in str(refusal.value)


@pytest.mark.slow
def test_a_sheet_says_what_an_amount_rests_on_and_the_command_counts_it(team: Team) -> None:
    with Casebook.open(team.casebook) as casebook:
        add(casebook, *(report(f"【虚构】{n}", n) for n in (1, 2)))
    assert "No decided case names a sum." in team(0, "damages")
    amount = {"amount": "9000", "currency": "CNY", "as_of": "", "what": "pay", "method": "stated"}
    said = {"category": "c1", "merit": "m1", "urgency": "normal"}
    team.judge(0, team.case(1), amounts=[amount], **said)
    team.judge(0, team.case(2), amounts=[{**amount, "method": "documented"}], **said)
    shown = team(0, "show", team.case(1))
    assert "amount: 9000 CNY pay [Stated by the claimant]" in shown
    found = json.loads(team(1, "damages", "--least", 1, "--json"))
    decided = found["decided"]
    assert [one["currency"] for one in found["currencies"]] == ["CNY"][: bool(decided)]
    assert "amounts.method" in team(0, "list", "--fields")
    wrong = {**amount, "method": "guessed"}
    form = team.directory / "wrong.toml"
    form.write_text(team.sheet(1, team.case(1), amounts=[wrong], **said), "utf-8")
    code, _, err = team.run(1, "review", team.case(1), "--form", form)
    assert code == 2 and "method must be one of stated, documented, estimated, or empty" in err
