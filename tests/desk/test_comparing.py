"""Two cases that are alike, beside each other in the full screen."""

import json
from pathlib import Path

import pytest
from support.cases import DAY, add, attachment, report
from support.desks import Desk
from support.seat import SMALL, WIDE, Seat

from scripts.desk.casebook.link_decisions import CONFIRMED, DENIED
from scripts.desk.full_screen.case_screen import CaseScreen
from scripts.desk.full_screen.compare_screen import CompareScreen
from scripts.desk.full_screen.comparing import compared
from scripts.desk.full_screen.panes import Pages
from scripts.desk.full_screen.wrapped import Wrapped
from scripts.desk.review.judgement import REVIEW, Judgement

STORY = (
    "【虚构】单位开除了我，因为我在群里说了一句话，后来又被警察叫去训诫，罚款5000元，账号也没有了。"
)
# In the other script, with another sum and one sentence more.
COPY = (
    "【虛構】單位開除了我，因為我在群裏說了一句話，後來又被警察叫去訓誡，罰款6000元，賬號也沒有了。"
)
COPY += "我住加州。"
HOSTILE = (
    "[bold]x[/] \x1b[2J \u202e 另外一件事完全不同的内容，没有人说过，也没有人写过，只在这里有。"
)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Three cases that are alike, and one that is like no other."""
    made = Desk.make(tmp_path / "desk", 0)
    with made.working() as casebook:
        add(
            casebook,
            report(STORY, 1, attachments=(attachment("a.txt"), attachment("b.txt", b"b"))),
            report(COPY, 2, attachments=(attachment("c.txt"),)),
            report(STORY + HOSTILE[:12], 3),
            report("【虚构】别的", 4),
        )
    return made


def marked(lines: Wrapped) -> list[str]:
    """What is marked, a text for each run."""
    found = ""
    for line in lines.lines:
        assert len(line.marks) <= len(line.text)
        for character, mark in zip(line.text, line.marks, strict=False):
            found += character if mark else "|"
        found += "" if line.marks else "|"
    return [one for one in found.split("|") if one]


@pytest.mark.parametrize("width", [11, 30, 200])
def test_words_that_only_one_of_two_stories_has_are_marked_and_no_others(
    desk: Desk, width: int
) -> None:
    with desk.working() as casebook:
        one, two = casebook.case(1), casebook.case(2)
    shown = [Wrapped(compared(*pair), width) for pair in ((one, two), (two, one))]
    for each in shown:
        each.reach(1_000)

    assert "".join(marked(shown[0])) == "5000"
    assert "".join(marked(shown[1])) == "6000我住加州"
    files = [(line.text, line.style) for line in shown[0].lines if "only here" in line.text]
    assert width < 200 or files == [("2. b.txt (text/plain, 1 bytes): only here", "differs")]


def links(desk: Desk) -> list[tuple[int, str]]:
    with desk.working() as casebook:
        return [(one.other, one.decision) for one in casebook.link_decisions.of(1)]


@pytest.mark.parametrize("size", [SMALL, pytest.param(WIDE, marks=pytest.mark.slow)])
def test_a_pair_is_shown_and_denied_and_the_next_one_confirmed(
    desk: Desk, size: tuple[int, int]
) -> None:
    with desk.working() as casebook:
        first, second, third, fourth = map(casebook.names.of, (1, 2, 3, 4))

    async def act(seat: Seat) -> None:
        shown = await seat.press("enter", "c")
        assert "pair 1 of 2" in shown and f"{first} and {second}" in shown
        assert "nearly the same text" in shown and "5000" in shown and "6000" in shown
        one, two = (pane.region for pane in seat.app.screen.query(Pages))
        assert (one.y == two.y) == (size == WIDE) and min(one.height, two.height) > 6
        shown = await seat.press("d")
        assert f"The link between {first} and {second} is denied." in shown
        assert f"{first} and {third}" in shown and "pair 2 of 2" in shown
        assert "[bold]x[/]" in shown and "\x1b" not in shown
        assert f"{first} and {third} is confirmed." in await seat.press("c")
        assert "confirmed by reviewer-0" in seat.shown
        assert "no further case" in await seat.press("n")
        assert "denied by reviewer-0" in await seat.press("p")
        assert isinstance(seat.app.screen, CompareScreen)
        shown = await seat.press("escape", *([] if size == WIDE else ["tab"]))
        assert isinstance(seat.app.screen, CaseScreen)
        facts = " ".join(line.text for line in seat.app.screen._pages("facts")._wrapped.lines)
        assert "denied by reviewer-0" in facts and "confirmed by reviewer-0" in facts
        assert f"No case is like {fourth}." in await seat.press("n", "n", "n", "c")

    Seat(desk, size).work(act)

    assert links(desk) == [(2, DENIED), (3, CONFIRMED)]
    with desk.working() as casebook:
        rows = casebook.database.execute("SELECT line FROM custody ORDER BY number").fetchall()
    lines = [json.loads(line) for (line,) in rows]
    acts = [(line["act"], line["subject"]) for line in lines if line["act"] in ("view", "link")]
    whose = min((first, second)), min((first, third))
    expected = [("view", first), ("view", second), ("link", whose[0]), ("view", third)]
    assert acts[:5] == [*expected, ("link", whose[1])]


@pytest.mark.slow
def test_who_gave_a_case_away_does_not_compare_it(desk: Desk) -> None:
    desk.judge(2, merit="", category="", conflict=True)
    with desk.working() as casebook:
        second, third = map(casebook.names.of, (2, 3))

    async def act(seat: Seat) -> None:
        shown = await seat.press("enter", "c")
        assert "pair 1 of 1" in shown and third in shown
        assert second not in shown and "6000" not in shown

    Seat(desk).work(act)


@pytest.mark.slow
def test_a_case_that_is_given_away_meanwhile_is_shown_and_decided_no_more(desk: Desk) -> None:
    async def act(seat: Seat) -> None:
        assert "6000" in await seat.press("enter", "c")
        casebook = seat.sitting.casebook
        casebook.add_layer(casebook.case(2), Judgement(conflict=True), role=REVIEW, day=DAY)
        assert "out of your hands" in " ".join((await seat.press("d")).split())
        shown = await seat.press("n", "p")
        assert "out of your hands" in " ".join(shown.split()) and "6000" not in shown
        await seat.press("c", "d")

    Seat(desk).work(act)

    assert not links(desk)
