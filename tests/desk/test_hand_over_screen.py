"""Handing over in the full screen: what is held back and why, a second reviewer, and the folder."""

from pathlib import Path
from typing import Any

import pytest
from support.desks import Desk
from support.seat import Seat

from dropbox.codename import WordLists
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.full_screen import hand_over_screen
from scripts.desk.production.approval import approve, code_of, hand_over_approved
from scripts.desk.production.plan import planned

FULL: dict[str, Any] = {"urgency": "normal", "evidence": "2", "fields": {"us": "california"}}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Two decided cases, one of them privileged, and one that nobody has reviewed."""
    made = Desk.make(tmp_path / "desk", 0)
    made.file([1, 2, 3])
    for who in (0, 1):
        one = Desk(made.directory, who)
        one.judge(1, "m2", **FULL)
        one.judge(2, "m2", **FULL, flags=("privileged",))
    return made


def approved(desk: Desk) -> list[str]:
    """Who approved something, in order."""
    with Casebook.open(desk.directory) as casebook:
        last = casebook.log_lines()
        log = casebook.log(1, last)
    return [log[one].reviewer for one in sorted(log) if log[one].act == "approve"]


@pytest.mark.slow
def test_what_holds_back_is_said_and_another_reviewer_approves_by_the_code(
    desk: Desk, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with desk.working() as casebook:
        one, two, three = map(casebook.names.of, (1, 2, 3))
    code: list[str] = []

    async def refused(seat: Seat) -> None:
        shown = await seat.press("h")
        assert "1 case would leave, 2 are held back." in shown
        rows = {name: next(x for x in seat.lines if name in x) for name in (one, two, three)}
        assert "yes" in rows[one] and "1 text, 0 files" in rows[one]
        assert "privileged" in rows[two].lower() and "yes" not in rows[two]
        assert "its reviews are not done" in rows[three]
        assert f"{three}, 1 part" in await seat.press("down", "enter")
        await seat.press("escape")
        code.append(seat.shown.partition("Code: ")[2].split()[0])
        # Their own approval is not another's.
        await seat.press("a")
        await seat.type(code[0], "enter", "w")
        shown = " ".join((await seat.type(str(out), "enter")).split())
        assert "Another reviewer has to approve this first" in shown

    async def approve(seat: Seat) -> None:
        await seat.press("h", "a")
        shown = " ".join((await seat.type("0000-0000-0000-0000", "enter")).split())
        assert "Nothing was approved" in shown
        await seat.press("a")
        shown = await seat.type(code[0].upper(), "enter")
        assert "Approved: 1 case may be handed over." in shown
        # In another language or without pictures, it is another plan.
        for key, manner in (("p", "labels in en, without pictures"),
                            ("l", "labels in zh-Hans, without pictures")):  # fmt: skip
            shown = " ".join((await seat.press(key)).split())
            assert manner in shown and "Nobody has approved" in shown
        await seat.press("a")
        shown = " ".join((await seat.type(code[0], "enter")).split())
        assert "That code is for these cases with labels in en, with pictures of files." in shown
        shown = await seat.press("l", "l", "p")
        assert "Approved by reviewer-0, reviewer-1." in " ".join(shown.split())
        # With the flag allowed, it is another plan.
        shown = await seat.press("f", "enter", "escape")
        assert "2 cases would leave, 1 are held back." in shown and "Nobody has approved" in shown
        assert "in spite of the flag: privileged" in shown

    Seat(desk).work(refused)
    assert not out.exists() and approved(desk) == [desk.reviewer]
    other = Desk(desk.directory, 1)
    Seat(other).work(approve)
    assert approved(desk) == [desk.reviewer, other.reviewer]


@pytest.mark.slow
def test_what_was_approved_is_written_and_what_is_stopped_leaves_no_folder(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    with Desk(desk.directory, 1).working() as casebook:
        name = casebook.names.of(1)
        plan = planned(casebook, [1, 2, 3], (), WordLists.read())
        approve(casebook, plan, code_of(plan))
    stop = [True]

    def stopped(*arguments: Any) -> Any:
        if stop:
            raise KeyboardInterrupt
        return hand_over_approved(*arguments)

    monkeypatch.setattr(hand_over_screen, "hand_over_approved", stopped)

    async def write(seat: Seat) -> None:
        assert "Approved by reviewer-1." in await seat.press("h")
        await seat.press("w")
        shown = await seat.type(str(out), "enter")
        assert "Stopped." in shown and not out.exists()
        stop.clear()
        shown = " ".join((await seat.press("w", "enter")).split())
        assert "1 case with 1 document" in shown and f"are in {out}." in shown
        assert "is there already" in " ".join((await seat.press("w", "enter")).split())

    Seat(desk).work(write)

    assert (out / "SHA256SUMS.sig").read_bytes().startswith(desk.reviewer.encode())
    assert name in (out / "cases.csv").read_text("utf-8-sig")


@pytest.mark.slow
def test_charts_are_of_what_is_listed_and_choosing_there_chooses_in_the_queue(desk: Desk) -> None:
    async def act(seat: Seat) -> None:
        shown = await seat.press("c")
        assert "Charts: All cases" in shown and "3 cases counted." in await seat.press("end")
        shown = await seat.press("home", "f", *"status", "enter", *"new", "enter")
        assert "status=st.new" in shown and "1 case " in shown
        assert "1 case counted." in await seat.press("end")
        top = await seat.press("home")
        assert await seat.press("n") != top and await seat.press("p") == top
        assert "p  previous figure" in await seat.press("question_mark")
        assert await seat.press("escape") == top
        shown = await seat.press("escape")
        assert "Queue: All cases; status=st.new" in shown and "1 case" in shown
        assert "no [[review.limitation]]" in await seat.press("i", *"lapse", "enter")
        shown = await seat.press("escape", "i", *"missed", "enter")
        # Whether a case was sampled for a blind second review is chance.
        assert "Agreement, and what was missed" in shown
        assert "rejected" in await seat.press("end")

    Seat(desk).work(act)
