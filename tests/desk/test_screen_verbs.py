"""What the full screen does beside reviewing, as the commands do it: assign, translate, release."""

from pathlib import Path

import pytest
from support.cases import CAMPAIGN, DAY
from support.desks import REVIEWERS, Desk
from support.seat import Seat


@pytest.mark.slow
def test_cases_are_given_and_gists_written_by_keys(tmp_path: Path) -> None:
    desk = Desk.make(tmp_path / "desk", 0)
    desk.file([1, 2])
    desk.judge(2, merit="m2")
    with desk.working() as casebook:
        second = casebook.names.of(2)

    async def act(seat: Seat) -> None:
        await seat.press("space", "space")
        shown = " ".join((await seat.press("a", *"er-0", "enter")).split())
        # Who has reviewed a case is not given it again.
        assert "reviewer-0 was given 1 case." in shown and "reviewed already by those" in shown
        assert second in shown
        await seat.press("home", "enter", "g")
        assert "gist of part 1 (zh-Hans)" in seat.shown
        await seat.press("enter")
        shown = await seat.type("x\ny", "enter")
        assert "A gist is one line" in " ".join(shown.split())
        await seat.press("g", "enter")
        shown = await seat.type("Account closed", "enter")
        assert "The gist of part 1 is kept." in shown and "Account closed" in shown
        assert "Account closed" in await seat.press("escape")

    Seat(desk).work(act)

    with desk.working() as casebook:
        assert casebook.assignments.assignee(1) == REVIEWERS[0].fingerprint
        assert casebook.assignments.assignee(2) == ""


@pytest.mark.slow
def test_another_reviewers_answer_is_read_in_full_before_it_may_leave(tmp_path: Path) -> None:
    rules = CAMPAIGN.read_text("utf-8").replace(
        "[review]\n", "[review]\nanswers_need_release = true\n", 1
    )
    campaign = tmp_path / "campaign.toml"
    campaign.write_text(rules, "utf-8")
    desk = Desk.make(tmp_path / "desk", 0, campaign=campaign)
    desk.file([1])
    desk.answer(1, "谢谢您的来信。", leave=False)

    async def own(seat: Seat) -> None:
        shown = await seat.press("o", "r")
        assert "You wrote this yourself" in shown and "谢谢" not in shown

    async def others(seat: Seat) -> None:
        assert "谢谢您的来信。" in await seat.press("o", "r")
        assert "leave with the next export-replies?" in await seat.press("escape")
        assert not seat.sitting.casebook.releases.of(1)
        await seat.press("n")
        assert not seat.sitting.casebook.releases.of(1)
        assert "It may leave" in await seat.press("r", "escape", "y")

    Seat(desk).work(own)
    other = Desk(desk.directory, 1)
    Seat(other).work(others)

    with desk.working() as casebook:
        (released,) = casebook.releases.of(1)
        assert (released.reviewer, released.day) == (other.reviewer, DAY)
