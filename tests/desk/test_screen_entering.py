"""What reviewers enter and settle in the full screen: facts, boxes, views, draws, and a status."""

import asyncio
import hashlib
import io
from pathlib import Path

import pytest
from support import hostile_files as made
from support.cases import DAY, add, attachment, report
from support.desks import Desk
from support.drawing_rooms import needs_bubblewrap
from support.seat import WIDE, Seat

from scripts.desk.casebook.facts import TAKEN_BACK
from scripts.desk.casebook.redactions import BOX
from scripts.desk.full_screen.case_screen import CaseScreen
from scripts.desk.full_screen.dialogs import Question, Typed
from scripts.desk.full_screen.fact_screen import FactScreen
from scripts.desk.full_screen.files_screen import FilesScreen
from scripts.desk.screen.terminal_pictures import Area, Pictures, Protocol

STORY = "【虚构】三月封号"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk with three cases."""
    made = Desk.make(tmp_path / "desk", 0)
    made.file([1, 2, 3])
    return made


async def go_to(seat: Seat, name: str) -> None:
    """Choose the field *name* of the form."""
    screen = seat.app.screen
    assert isinstance(screen, FactScreen)
    at = [one.name for one in screen.draft.fields].index(name)
    await seat.press("home", *["down"] * at)


async def fill(seat: Seat, name: str, text: str, end: str = "enter") -> None:
    """Type *text* into the field *name*."""
    await go_to(seat, name)
    await seat.press("delete", "enter")
    await seat.type(text, end)


@pytest.mark.slow
def test_an_event_is_entered_corrected_and_taken_back_by_keys(desk: Desk) -> None:
    desk.party(1, "P7K2MAAAAA", "腾讯\nTencent")

    async def act(seat: Seat) -> None:
        shown = await seat.press("enter", "e", "enter")
        assert "enter an event" in shown and "write what the source says" in " ".join(shown.split())
        shown = " ".join((await seat.press("s")).split())
        assert "when: this is required" in shown and isinstance(seat.app.screen, FactScreen)
        await fill(seat, "when", "about 2019-03")
        await go_to(seat, "kind")
        await seat.press("enter", *"restr", "enter")
        await fill(seat, "text", STORY, "ctrl+s")
        await go_to(seat, "parties")
        await seat.press("enter", *"腾讯", "enter", "escape")
        await fill(seat, "part", "1")
        assert "not saved" in seat.shown and "腾讯" in seat.shown
        # Leaving is asked about, and Escape gives up only after a yes.
        assert "Give it up?" in await seat.press("escape")
        shown = await seat.press("n", "s")
        assert isinstance(seat.app.screen, CaseScreen) and "was kept." in shown
        (event,) = seat.sitting.casebook.events.of(1)
        assert (event.date, event.text, event.parties) == ("~2019-03", STORY, "P7K2MAAAAA")
        assert event.kind == "ev.restricted" and event.source
        assert STORY in await seat.press("tab")
        await seat.press("e", *", event", "enter")
        await fill(seat, "when", "2019-04")
        assert "say why this replaces" in " ".join((await seat.press("s")).split())
        await fill(seat, "reason", "misread")
        assert "was kept." in await seat.press("s")
        await seat.press("e", *", event", "enter")
        await go_to(seat, "take_back")
        await seat.press("enter")
        await fill(seat, "reason", "doubled")
        assert "was taken back." in await seat.press("s")

    Seat(desk).work(act)

    with desk.working() as casebook:
        ((*_, before, last),) = casebook.events.versions(1).values()
        assert (before.date, last.state, last.reason) == ("2019-04", TAKEN_BACK, "doubled")


@pytest.mark.slow
def test_parties_and_contacts_are_entered_and_like_names_are_said(desk: Desk) -> None:
    desk.party(2, "P7K2MAAAAA", "Tencent")

    async def act(seat: Seat) -> None:
        await seat.press("enter", "e", "down", "enter")
        await fill(seat, "names", "Tencent\n腾讯", "ctrl+s")
        await go_to(seat, "kind")
        await seat.press("enter", *"organ", "enter")
        await go_to(seat, "role")
        await seat.press("enter", *"platf", "enter")
        shown = " ".join((await seat.press("s")).split())
        assert "The same name has P7K2MAAAAA" in shown
        await seat.press("e", "down", "down", "enter")
        await fill(seat, "when", DAY.isoformat())
        await go_to(seat, "channel")
        await seat.press("enter", *"phone", "enter")
        assert "was kept." in await seat.press("s")

    Seat(desk).work(act)

    with desk.working() as casebook:
        (party,), (contact,) = casebook.parties.of(1), casebook.contacts.of(1)
        assert (party.names, party.role) == ("Tencent\n腾讯", "platform")
        assert (contact.channel, contact.team) == ("phone", "reviewer-0")


@pytest.mark.slow
def test_a_fact_that_is_being_entered_comes_back_after_the_lock(desk: Desk) -> None:
    async def act(seat: Seat) -> None:
        await seat.press("enter", "e", "enter")
        await fill(seat, "when", "2019-03")
        await go_to(seat, "text")
        await seat.press("enter")
        await seat.type(STORY)
        await seat.press("ctrl+l", "enter")
        assert isinstance(seat.app.screen, Question)
        shown = await seat.press("y")
        assert isinstance(seat.app.screen, FactScreen) and seat.app.screen.unsaved
        assert STORY in shown and "2019-03" in shown

    Seat(desk).work(act)


@pytest.fixture
def with_file(tmp_path: Path) -> Desk:
    """A case with a PDF."""
    content = made.pdf(pages=2)
    desk = Desk.make(tmp_path / "desk", 0)
    with desk.working() as casebook:
        add(casebook, report(attachments=(attachment("合同.pdf", content),)))
        path = casebook.file_path(hashlib.sha256(content).hexdigest())
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    return desk


@pytest.mark.slow
def test_a_box_on_a_page_is_typed_seen_and_blacked_out(with_file: Desk) -> None:
    needs_bubblewrap()
    out = io.StringIO()
    pictures = Pictures(Protocol.SIXEL, out, lambda: Area(80, 24), lambda _seconds: " ")

    async def act(seat: Seat) -> None:
        async def drawn() -> None:
            while not isinstance(seat.app.screen, Typed):
                await asyncio.sleep(0.01)
            await seat.settle()

        await seat.press("enter", "f", "x")
        assert "A page is a number" in await seat.type("x", "enter")
        await seat.press("x", "ctrl+a", "delete")
        await seat.type("2", "enter")
        await drawn()
        assert "page 2 of file 1, a line every tenth" in out.getvalue()
        shown = await seat.type("everywhere", "enter")
        assert "A box is X,Y,WIDTH,HEIGHT" in shown
        await seat.press("x", "ctrl+a", "delete")
        await seat.type("2", "enter")
        await drawn()
        await seat.type("10,20,30,40%", "enter")
        shown = " ".join((await seat.press(*"minor", "enter")).split())
        assert "Black out the box 10,20,30,40% on page 2 of file 1" in shown
        assert "page 2 of file 1, as it leaves" in out.getvalue()
        assert not seat.sitting.casebook.redactions.of(1)
        assert "is blacked out in what leaves" in await seat.press("y")
        assert isinstance(seat.app.screen, FilesScreen)

    Seat(with_file, pictures=pictures).work(act)

    with with_file.working() as casebook:
        (box,) = casebook.redactions.of(1)
        assert (box.kind, box.page, box.reason) == (BOX, 2, "minor")
        assert tuple(box.box) == (100_000, 200_000, 300_000, 400_000)


@pytest.mark.slow
def test_a_saved_view_is_deleted_after_a_yes_and_all_else_is_not(desk: Desk) -> None:
    async def act(seat: Seat) -> None:
        assert "Only a saved view can be deleted" in await seat.press("delete")
        await seat.press("w")
        await seat.type("mine", "enter")
        await seat.press("v", *"saved.mine", "enter")
        assert "Delete the saved view mine?" in await seat.press("delete")
        assert "mine (saved)" in await seat.press("n")
        shown = await seat.press("delete", "y")
        assert "The view mine was deleted." in shown and "All cases" in shown
        assert "mine (saved)" not in await seat.press("v")

    Seat(desk).work(act)


@pytest.mark.slow
@pytest.mark.parametrize("chance", [True, False])
def test_rejected_cases_are_drawn_after_a_yes(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, chance: bool
) -> None:
    # One review is enough, whatever the campaign draws.
    monkeypatch.setattr("scripts.desk.casebook.layers.sampled", lambda *_: False)
    monkeypatch.setattr("scripts.desk.quality_control.sampled", lambda *_: chance)
    desk.judge(1, merit="m0", urgency="normal")
    with desk.working() as casebook:
        first = casebook.names.of(1)

    async def act(seat: Seat) -> None:
        await seat.press("i", *"Draw", "enter")
        assert "come back for a second review?" in " ".join(seat.shown.split())
        await seat.press("n")
        assert not seat.sitting.casebook.draws.of(1)
        shown = " ".join((await seat.press("i", *"Draw", "enter", "y")).split())
        assert bool(seat.sitting.casebook.draws.of(1)) == chance
        assert (f"Back for a second review: {first}." in shown) == chance
        assert ("No more rejected case was drawn." in shown) != chance

    Seat(Desk(desk.directory, 1)).work(act)


@pytest.mark.slow
def test_the_status_says_what_the_command_says(desk: Desk) -> None:
    async def act(seat: Seat) -> None:
        shown = await seat.press("i", *"holds", "enter")
        assert "cases: 3" in shown and "answers queued: none" in shown and "custody" in shown

    Seat(desk, WIDE).work(act)
