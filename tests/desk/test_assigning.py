"""Cases that are given to reviewers."""

import json
from pathlib import Path

import pytest
from support.cases import add, report
from support.team import Team

from scripts.desk.casebook.casebook import Casebook


@pytest.fixture
def names(team: Team) -> list[str]:
    """The three reviewers' names, and five cases in the casebook."""
    with Casebook.open(team.casebook) as casebook:
        add(casebook, *(report(claimant=number) for number in range(1, 6)))
    return ["reviewer-1", "reviewer-2", "reviewer-3"]


def given(team: Team, *arguments: object) -> dict[str, list[str]]:
    return dict(json.loads(team(0, "assign", *arguments, "--json"))["given"])


def test_the_next_cases_are_given_in_turn_the_most_urgent_first(
    team: Team, names: list[str]
) -> None:
    first, second, *_ = names
    team.judge(2, team.case(4), urgency="danger")

    dealt = given(team, "--next", 3, "--to", first, "--to", second)
    assert dealt == {first: [team.case(4), team.case(2)], second: [team.case(1)]}
    assert given(team, "--next", 5, "--to", first) == {first: [team.case(3), team.case(5)]}
    assert "all were reviewed" in team(0, "assign", "--next", 5, "--to", first)
    counts = json.loads(team(1, "assign", "--json"))
    assert {one["reviewer"]: (one["cases"], one["open"]) for one in counts} == {
        first: (4, 4),
        second: (1, 1),
    }


@pytest.mark.slow
def test_the_last_word_counts_and_is_shown(team: Team, names: list[str]) -> None:
    first, second, _ = names
    case = team.case()
    team(0, "assign", case, "--to", first)
    team(1, "assign", case, "--to", second)
    assert f"given to {second}" in team(2, "show", case)
    (row, *_) = json.loads(team(2, "list", "--json"))
    assert row["assigned"] == second
    before = lines(team)
    team(1, "assign", case, "--to", second)
    assert lines(team) == before  # it is so already
    team(0, "assign", case, "--to-nobody")
    assert "given to" not in team(2, "show", case)
    assert "Nobody was given a case." in team(0, "assign")


@pytest.mark.slow
def test_who_gives_a_case_away_leaves_it_to_everybody(team: Team, names: list[str]) -> None:
    case = team.case()

    def mine(who: int) -> bool:
        rows = json.loads(team(who, "list", "--queue", "mine", "--json"))
        return case in [row["case"] for row in rows]

    team(0, "assign", case, "--to", names[1])
    assert [mine(who) for who in range(3)] == [False, True, False]
    team.judge(1, case, conflict=True)
    assert [mine(who) for who in range(3)] == [True, False, True]
    assert given(team, "--next", 1, "--to", names[2]) == {names[2]: [case]}


@pytest.mark.slow
def test_a_queue_a_condition_or_a_saved_view_is_given_as_a_batch(
    team: Team, names: list[str]
) -> None:
    first, second, third = names
    for number in (1, 3):
        team.judge(0, team.case(number), category="c1", merit="m4", urgency="normal")
    dealt = given(team, "--queue", "second", "--to", second)
    assert dealt == {second: [team.case(1), team.case(3)]}
    assert given(team, "--queue", "new", "--next", 2, "--to", first) == {
        first: [team.case(2), team.case(4)]
    }
    assert given(team, "--where", "status=st.new", "--to", third) == {
        third: [team.case(2), team.case(4), team.case(5)]
    }
    team(0, "list", "--status", "st.first_review", "--save-view", "waiting")
    assert given(team, "--view", "waiting", "--to", third) == {third: [team.case(1), team.case(3)]}
    code, _, err = team.run(0, "assign", "--queue", "x", "--to", first)
    assert code == 2 and "second" in err


def lines(team: Team) -> int:
    with Casebook.open(team.casebook) as casebook:
        query = 'SELECT count(*) FROM custody WHERE instr(line, \'"act":"assign"\')'
        return int(casebook.database.execute(query).fetchone()[0])


def test_who_has_reviewed_a_case_or_gave_it_away_is_passed_over_and_named(
    team: Team, names: list[str]
) -> None:
    first, second, third = names
    team.judge(0, team.case(1), category="c1", merit="m4", urgency="normal")
    team.judge(1, team.case(2), conflict=True)

    assert given(team, team.case(1), "--to", first, "--to", second) == {second: [team.case(1)]}
    out = team(2, "assign", team.case(1), "--to", first)
    assert out == f"Not given, reviewed already by those whom you named: {team.case(1)}\n"
    out = team(2, "assign", team.case(2), "--to", second)
    assert "for a conflict of interest" in out
    # Who gave a case away neither names it nor gives it to anybody.
    code, _, err = team.run(1, "assign", team.case(2), "--to", third)
    assert code == 2 and "conflict" in err
    dealt = json.loads(team(1, "assign", "--next", 9, "--to", third, "--json"))["given"]
    assert team.case(2) not in dealt[third] and len(dealt[third]) == 3


@pytest.mark.parametrize(
    "arguments",
    [
        ["--next", 1],
        ["--queue", "new"],
        ["--to", "reviewer"],
        ["--to-nobody"],
        ["--next", -1, "--to", "reviewer"],
    ],
)
def test_half_of_an_order_is_a_sentence(
    team: Team, names: list[str], arguments: list[object]
) -> None:
    code, _, err = team.run(0, "assign", *arguments)
    assert code == 2 and ("Name cases" in err or "number of cases" in err)


def test_an_unknown_reviewer_is_a_sentence_that_names_those_there_are(
    team: Team, names: list[str], tmp_path: Path
) -> None:
    code, _, err = team.run(0, "assign", "--next", 1, "--to", "nobody")
    assert code == 2 and all(name in err for name in names)
