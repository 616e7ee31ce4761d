"""`queues`, `list` with conditions, and saved views, as a reviewer types them."""

import json
from pathlib import Path

import pytest
from support.export_bundles import Drop
from support.team import Prepared, Team

from dropbox.openpgp import Reviewers
from scripts.desk.casebook.casebook import VIEWS
from scripts.desk.search.saved_views import View, ViewError, Views


@pytest.fixture
def filed(team: Team, reviewers: Reviewers, prepared: Prepared) -> Team:
    """Three cases, of which the first was reviewed once, in a tier that needs two reviews."""

    def begin(team: Team) -> None:
        drop = Drop(reviewers, team.directory)
        for claimant, province in enumerate(("GD", "XJ", "GD"), 1):
            facts = {"province": f"prov.{province}", "period_from": f"20{20 - claimant}"}
            drop.report(f"text {claimant}", claimant=claimant, facts=facts)
        team(0, "import", drop.bundle(1))
        team.judge(0, named(team)[0], merit="m3", urgency="danger")

    prepared.bring("three cases in queues", team, begin)
    return team


def named(team: Team) -> list[str]:
    """The names of the three: a bundle has its reports in no order."""
    rows = json.loads(team(0, "list", "--json"))
    return [row["case"] for row in sorted(rows, key=lambda row: str(row["text"]))]


def listed(team: Team, who: int, *options: str) -> list[str]:
    return [row["case"] for row in json.loads(team(who, "list", "--json", *options))]


@pytest.mark.slow
def test_queues_show_their_counts_in_each_language_and_open(filed: Team) -> None:
    one, two, three = named(filed)

    rows = json.loads(filed(1, "queues", "--json"))
    assert {row["queue"]: row["cases"] for row in rows} == {
        "mine": 3,
        "assigned": 0,
        "danger": 0,
        "deadline": 0,
        "came-back": 0,
        "new": 2,
        "second": 1,
        "disagree": 0,
        "privileged": 0,
        "withdrawn": 0,
    }
    assert set(listed(filed, 1, "--queue", "mine")) == {one, two, three}
    assert set(listed(filed, 0, "--queue", "mine")) == {two, three}
    assert listed(filed, 2, "--queue", "second") == [one]
    for language, words in (
        ("en", "Never reviewed"),
        ("zh-Hans", "从未审过"),
        ("zh-Hant", "從未審過"),
    ):
        assert words in filed(0, "queues", "--lang", language)


@pytest.mark.slow
def test_a_list_is_filtered_sorted_and_paged(filed: Team) -> None:
    one, two, three = named(filed)

    assert set(listed(filed, 0, "--where", "province=prov.GD")) == {one, three}
    assert listed(filed, 0, "--where", "province=prov.GD", "--where", "period_from<2018") == [three]
    assert listed(filed, 0, "--sort", "period_from") == [three, two, one]
    page = ("--sort", "period_from", "--limit", "1")
    assert listed(filed, 0, *page) == [three] and listed(filed, 0, *page, "--page", "3") == [one]
    assert listed(filed, 0, *page, "--after", three) == [two]
    assert f"go on with --after {three}" in filed(0, "list", *page)
    assert "no condition" in filed.run(0, "list", "--where", "x")[2]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--queue", "mien"), "there are mine, assigned"),
        (("--where", "provinz=x"), "and others, all of them in `list --fields`"),
        (("--where", "province=GD"), "There is no province GD; there are prov.GD"),
        (("--sort", "urgencies"), "there are urgency, "),
        (("--view", "mine"), "No view has been saved"),
        (("--save-view", "a b"), "a b cannot be a view's name"),
    ],
)
def test_a_wrong_name_is_an_error_that_names_the_right_ones(
    filed: Team, options: tuple[str, ...], words: str
) -> None:
    code, out, err = filed.run(0, "list", *options)

    assert (code, out) == (2, "") and words in err


def test_all_fields_are_named_with_their_codes(filed: Team) -> None:
    fields = {row["field"]: row for row in json.loads(filed(0, "list", "--fields", "--json"))}

    assert fields["province"]["codes"]["prov.GD"] == "Guangdong"
    assert fields["merit"]["of"] == ["review", "own"] and fields["period_from"]["is"].startswith(
        "a m"
    )
    assert "您现在住在哪里" in filed(0, "list", "--fields", "--lang", "zh-Hans")
    assert "prov.GD 广东" in " ".join(
        filed(0, "list", "--fields", "province", "--lang", "zh-Hans").split()
    )
    assert "There is no field provinces" in filed.run(0, "list", "--fields", "provinces")[2]


def test_a_view_is_saved_used_narrowed_listed_and_deleted(filed: Team) -> None:
    one, _, three = named(filed)
    asked = ("--where", "province=prov.GD", "--sort", "period_from")

    filed(0, "list", *asked, "--save-view", "south")
    assert listed(filed, 1, "--view", "south") == [three, one]
    assert listed(filed, 1, "--view", "south", "--where", "period_from=2019") == [one]
    assert listed(filed, 1, "--view", "south", "--descending") == [one, three]
    assert 'south --sort period_from --where "province=prov.GD"' in " ".join(
        filed(0, "views").split()
    )
    assert filed.run(0, "list", "--view", "north")[2].startswith(
        "There is no view north; there are south."
    )
    assert "was deleted" in filed(0, "views", "--delete", "south")
    assert json.loads(filed(0, "views", "--json")) == []


def test_views_are_whole_or_not_there_and_hold_nothing_but_what_was_asked(tmp_path: Path) -> None:
    views = Views(tmp_path)
    assert views.all() == {}
    view = View({"queue": "mine", "sort": "day"}, ("period_from<2019-06",), descending=True)
    views.save("一", view)
    views.save("b", View({}))

    assert Views(tmp_path).all() == {"b": View({}), "一": view}
    assert (tmp_path / VIEWS).stat().st_mode & 0o777 == 0o600
    for damage in ("{", "[]", '{"a": 1}', '{"a": {"options": {}, "where": "x", "descending": 0}}'):
        (tmp_path / VIEWS).write_text(damage)
        with pytest.raises(ViewError, match="cannot be read"):
            views.all()


def test_a_casebook_has_200_views_and_not_one_more(tmp_path: Path) -> None:
    empty: dict[str, object] = {"options": {}, "where": [], "descending": False}
    (tmp_path / VIEWS).write_text(json.dumps({f"v{number}": empty for number in range(199)}))
    views = Views(tmp_path)
    views.save("last", View({}))

    with pytest.raises(ViewError, match="200 views already"):
        views.save("more", View({}))
    views.save("last", View({"sort": "day"}))
    assert len(views.all()) == 200 and views.named("last") == View({"sort": "day"})


@pytest.mark.parametrize("name", ["", "a b", "-a", ".", "../a", "a" * 41, "a/b", "a\n"])
def test_a_views_name_is_a_word(tmp_path: Path, name: str) -> None:
    with pytest.raises(ViewError):
        Views(tmp_path).save(name, View({}))
    assert list(tmp_path.iterdir()) == []
