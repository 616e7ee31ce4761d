"""Saved views: as many and as large as may be, and a file beside them that is none."""

import json
from pathlib import Path

import pytest

from scripts.desk.casebook.casebook import VIEWS
from scripts.desk.search import saved_views
from scripts.desk.search.saved_views import View, ViewError, Views

NONE = View({})


@pytest.fixture
def views(tmp_path: Path) -> Views:
    return Views(tmp_path)


def test_a_view_comes_back_as_it_was_saved_and_is_typed_as_options(views: Views) -> None:
    one = View({"queue": "open", "sort": ""}, ("harm=c1", "amount>5"), True)
    views.save("mine", one)
    views.save("a", NONE)

    assert list(views.all()) == ["a", "mine"] and views.named("mine") == one
    assert one.command == '--queue open --where "harm=c1" --where "amount>5" --descending'
    assert NONE.command == "" and not views.named("a").descending
    views.save("a", one)
    assert views.named("a") == one
    views.delete("mine")
    assert list(views.all()) == ["a"]


@pytest.mark.parametrize("name", ["a", "a" * 40, "微信", "a.b-c_d", "1"])
def test_a_name_of_letters_and_digits_is_one(views: Views, name: str) -> None:
    views.save(name, NONE)

    assert list(views.all()) == [name]


@pytest.mark.parametrize("name", ["", "a" * 41, ".a", "-a", "a b", "a/b", "a\n"])
def test_a_name_that_is_none_is_a_sentence(views: Views, name: str) -> None:
    with pytest.raises(ViewError) as refused:
        views.save(name, NONE)

    assert str(refused.value).startswith("A view needs a name:") == (not name)
    assert str(refused.value).endswith(
        ": at most 40 letters and digits, with hyphens, points and underscores between them."
    )
    assert views.all() == {}


def test_what_cannot_be_a_name_is_shown_by_its_first_forty_characters(views: Views) -> None:
    with pytest.raises(ViewError) as refused:
        views.save("/" * 40, NONE)
    assert str(refused.value).startswith("/" * 40 + " cannot")
    with pytest.raises(ViewError) as refused:
        views.save("/" * 41, NONE)
    assert str(refused.value).startswith("/" * 39 + "… cannot")


def test_there_are_two_hundred_views_at_most(views: Views) -> None:
    views._write({f"v{number}": NONE for number in range(199)})
    views.save("last", NONE)
    with pytest.raises(ViewError) as refused:
        views.save("more", NONE)

    assert str(refused.value) == "There are 200 views already; delete one first."
    # One that is there is saved again.
    views.save("last", View({}, ("a=b",)))
    assert len(views.all()) == 200


@pytest.mark.parametrize("more", [0, 1])
def test_the_file_has_a_quarter_of_a_mebibyte_at_most(views: Views, more: int) -> None:
    views.save("a", View({}, ("",)))
    (path,) = views._path.parent.iterdir()
    room = 256 * 1024 - path.stat().st_size
    large = View({}, ("x" * (room + more),))
    if more:
        with pytest.raises(ViewError, match="take too much room; delete one first"):
            views.save("a", large)
        assert views.named("a") == View({}, ("",))
    else:
        views.save("a", large)
        assert views.named("a") == large and path.stat().st_size == 256 * 1024


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        b'{"a": 1}',
        b'{"a": {"options": {}, "where": []}}',
        b'{"a": {"options": {"x": 1}, "where": [], "descending": false}}',
        b'{"a": {"options": {}, "where": "ab", "descending": false}}',
        b'{"a": {"options": {}, "where": [1], "descending": false}}',
        b"[" * 100_000,
    ],
)
def test_a_file_that_holds_no_views_is_said_and_stays(
    views: Views, tmp_path: Path, body: bytes
) -> None:
    (tmp_path / VIEWS).write_bytes(body)

    for act in (views.all, lambda: views.save("a", NONE), lambda: views.named("a")):
        with pytest.raises(ViewError) as refused:
            act()
        assert str(refused.value) == (
            f"The saved views in {tmp_path / VIEWS} cannot be read; move the file away, and save "
            "them again."
        )
    assert (tmp_path / VIEWS).read_bytes() == body


def test_only_true_sorts_downwards(views: Views, tmp_path: Path) -> None:
    for value in (1, "true", None, False):
        body = json.dumps({"a": {"options": {}, "where": [], "descending": value}})
        (tmp_path / VIEWS).write_text(body, "ascii")
        assert not views.named("a").descending


def test_without_any_view_it_is_said_how_one_is_saved(views: Views) -> None:
    with pytest.raises(ViewError, match="No view has been saved; `list` with --save-view NAME"):
        views.named("a")
    assert saved_views._MOST_VIEWS == 200
