"""At the desk, a report in a language that an operator added: read with English labels, answered in
it, or in a language that is named.
"""

import json
from pathlib import Path

import pytest
from support.export_bundles import CAMPAIGN, SERVER, Drop
from support.made_up_language import TAG, in_another_language, made_up
from support.team import Team

from dropbox.openpgp import Reviewers
from scripts.desk.casebook.casebook import Casebook

HELLO = "שלום, מה קרה?"


def desk_with(team: Team, campaign: Path, keys: Path, drop: Drop, language: str = TAG) -> None:
    """A casebook for *campaign* with a report in the made-up language and one in Chinese."""
    key = bytes(SERVER.verify_key).hex()
    team(0, "init", "--server-key", key, "--campaign", campaign, "--desk", 0, "--keys", keys)
    # A bundle has its reports in no order: the first is the case that came first.
    drop.report("סיפור", 1, language=language, category="c1", harms=("c1.harassed",))
    team(0, "import", drop.bundle(1))
    drop.report("【虚构】故事", 2)
    team(0, "import", drop.bundle(2))


@pytest.fixture
def team(team_alone: Team, desk_keys: Path, reviewers: Reviewers, tmp_path: Path) -> Team:
    """Whose campaign has the made-up language, with one ready answer in it."""
    text = in_another_language(CAMPAIGN.read_text("utf-8"), TAG, made_up)
    at = text.index("[answer.text]", text.index('code = "answer.where"')) + len("[answer.text]\n")
    campaign = tmp_path / "campaign.toml"
    campaign.write_text(f'{text[:at]}{TAG} = """\n{HELLO}\n"""\n{text[at:]}', "utf-8")
    desk_with(team_alone, campaign, desk_keys, Drop(reviewers, tmp_path))
    return team_alone


@pytest.fixture
def team_alone(
    reviewer_homes: list[Path],
    third_home: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Team:
    """Three reviewers without a casebook."""
    return Team(tmp_path / "casebook", [*reviewer_homes, third_home], capsys, tmp_path)


def waiting(team: Team) -> list[tuple[str, str]]:
    """(case, language) of the reviewers' answers in the outbox."""
    listed = json.loads(team(0, "outbox", "--json"))
    return [(one["case"], one["language"]) for one in listed if one["kind"] == "answer"]


@pytest.mark.slow
def test_a_report_in_another_language_is_read_with_english_labels(team: Team) -> None:
    shown = team(0, "show", team.case())

    assert "סיפור" in shown and TAG in shown
    assert "Harassed" in shown and made_up("Harassed") not in shown
    values = {one["case"]: one for one in json.loads(team(0, "list", "--json"))}
    assert values[team.case()]["language"] == TAG
    assert values[team.case()]["category_label"].startswith("Persecuted")


def test_a_ready_answer_is_sent_in_the_claimants_language(team: Team) -> None:
    team(0, "answer", team.case(), team.case(2), "--template", "answer.where", "--yes")

    assert waiting(team) == [(team.case(), TAG), (team.case(2), "zh-Hans")]
    with Casebook.open(team.casebook) as casebook:
        assert HELLO in [one.text for one in casebook.answers.queued()]


@pytest.mark.slow
def test_a_ready_answer_that_is_not_there_is_taken_in_english_and_that_is_said(team: Team) -> None:
    code, out, err = team.run(
        0, "answer", team.case(), team.case(2), "--template", "answer.when", "--yes"
    )

    assert code == 0 and f"{team.case()} (en), {team.case(2)} (zh-Hans)" in out
    assert err == (
        f"Warning: the answer to {team.case()} is not in qaa but in en; --lang names another "
        "language.\n"
    )
    assert waiting(team) == [(team.case(), "en"), (team.case(2), "zh-Hans")]


@pytest.mark.slow
@pytest.mark.parametrize("language", [TAG, "zh-Hans"])
def test_the_language_can_be_named(team: Team, language: str) -> None:
    text = team.directory / "answer.txt"
    text.write_text(HELLO, "utf-8")
    team(0, "answer", team.case(), "--text-file", text, "--lang", language, "--yes")

    assert waiting(team) == [(team.case(), language)]


@pytest.mark.slow
def test_a_ready_answer_in_a_language_that_is_named_and_not_there_is_in_english(
    team: Team,
) -> None:
    words = ("answer", team.case(2), "--template", "answer.when", "--lang", TAG, "--yes")
    code, _, err = team.run(0, *words)

    assert code == 0 and "is not in qaa but in en" in err
    assert waiting(team) == [(team.case(2), "en")]


@pytest.mark.parametrize("what", [("--templates",), ("--template", "answer.when")])
def test_a_language_that_the_campaign_does_not_have_is_refused(
    team: Team, what: tuple[str, ...]
) -> None:
    cases = [] if what == ("--templates",) else [team.case()]
    code, out, err = team.run(0, "answer", *cases, *what, "--lang", "fa")

    assert (code, out) == (2, "") and "zh-Hans, zh-Hant, en, qaa" in err


@pytest.mark.slow
def test_a_desk_whose_campaign_lacks_the_language_reads_and_answers_all_the_same(
    team_alone: Team, desk_keys: Path, reviewers: Reviewers, tmp_path: Path
) -> None:
    desk_with(team_alone, CAMPAIGN, desk_keys, Drop(reviewers, tmp_path))
    assert "סיפור" in team_alone(0, "show", team_alone.case())
    words = ("answer", team_alone.case(), team_alone.case(2), "--template", "answer.when", "--yes")
    code, _, err = team_alone.run(0, *words)

    assert code == 0 and err.startswith(
        f"Warning: the answer to {team_alone.case()} is not in qaa but in zh-"
    )
    assert waiting(team_alone) == [(team_alone.case(), "zh-Hans"), (team_alone.case(2), "zh-Hans")]


def test_a_language_that_is_no_tag_is_not_shown_in_a_warning(
    team_alone: Team, desk_keys: Path, reviewers: Reviewers, tmp_path: Path
) -> None:
    desk_with(team_alone, CAMPAIGN, desk_keys, Drop(reviewers, tmp_path), "\x1b[31mred")

    words = ("answer", team_alone.case(), "--template", "answer.when", "--yes")
    assert "zh-Hans" in team_alone(0, *words)
