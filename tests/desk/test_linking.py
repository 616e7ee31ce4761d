"""Links between cases that a reviewer confirms or denies."""

import json

import pytest
from support.cases import add, report
from support.team import Team

from scripts.desk.casebook.casebook import Casebook

SAME = "【虚构】单位开除了我，因为我在群里说了一句话，后来又被警察叫去训诫。"


@pytest.fixture
def cases(team: Team) -> list[str]:
    with Casebook.open(team.casebook) as casebook:
        add(casebook, report(SAME, 1), report(SAME, 2), report("【虚构】别的", 3))
    return [team.case(number) for number in (1, 2, 3)]


def test_a_link_is_denied_or_confirmed_and_both_cases_show_it(team: Team, cases: list[str]) -> None:
    first, second, third = cases
    assert f"{second}: the same text" in team(0, "link", first)
    assert "is denied" in team(0, "link", first, second, "--deny")
    assert "is confirmed" in team(1, "link", third, first, "--confirm")

    shown = team(2, "show", first)
    assert f"{second}: the same text; denied by reviewer-1, 20" in shown
    assert f"{third}: confirmed by reviewer-2, 20" in shown
    assert f"{first}: the same text; denied by reviewer-1" in team(2, "link", second)
    team(1, "link", second, first, "--confirm")
    values = json.loads(team(2, "show", first, "--json"))["linked"]
    assert [(one["case"], one["why"]) for one in values] == [
        (second, "text"),
        (second, "confirmed"),
        (third, "confirmed"),
    ]


def test_half_of_an_order_is_a_sentence(team: Team, cases: list[str]) -> None:
    first, second, third = cases
    for arguments in ([first, second], [first, "--deny"]):
        code, _, err = team.run(0, "link", *arguments)
        assert code == 2 and "Name two cases" in err
    code, _, err = team.run(0, "link", first, first, "--confirm")
    assert code == 2 and "one and the same" in err
    assert "No case is like" in team(0, "link", third)


def test_who_gave_a_case_away_neither_links_it_nor_sees_its_links(
    team: Team, cases: list[str]
) -> None:
    first, second, third = cases
    team.judge(0, second, conflict=True)
    team(1, "link", second, third, "--confirm")

    assert team.run(0, "link", first, second, "--deny")[0] == 2
    assert second not in team(0, "show", third) + team(0, "link", first) + team(0, "link", third)


def test_a_denied_link_is_not_counted_until_somebody_confirms_it(
    team: Team, cases: list[str]
) -> None:
    first, second, _third = cases

    def counted() -> dict[str, int]:
        rows = json.loads(team(2, "list", "--json"))
        return {row["case"]: row["linked"] for row in rows}

    before = counted()
    team(0, "link", second, first, "--deny")
    denied = counted()
    team(1, "link", first, second, "--confirm")

    assert (before[first], before[second]) == (1, 1)
    assert (denied[first], denied[second]) == (0, 0)
    assert counted() == before
