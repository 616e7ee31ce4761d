"""A case's files in the full screen: listed, pictured and written out, each act in the log."""

import asyncio
import hashlib
import io
import json
import time
from pathlib import Path

import pytest
from support import hostile_files as made
from support.cases import DAY, add, attachment, report
from support.desks import Desk
from support.drawing_rooms import needs_bubblewrap
from support.seat import SMALL, WIDE, Seat
from textual.widgets import TextArea

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.full_screen.dialogs import Reading
from scripts.desk.full_screen.files_screen import FilesScreen
from scripts.desk.full_screen.locked_screen import LockedScreen
from scripts.desk.pictures import drawing_room as rooms
from scripts.desk.review.judgement import REVIEW, Judgement
from scripts.desk.screen.terminal_pictures import Area, Pictures, Protocol

PDF, TEXT = made.pdf(pages=2), f"一行[b]{made.ESCAPE}".encode()
FILES = ((f"{made.ESCAPE}合同[bold].jpg", PDF), ("notes.txt", TEXT), ("gone.png", b"\x89PNG"))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A case with a PDF, a text, and a file that could not be opened; one without any."""
    desk = Desk.make(tmp_path / "desk", 0)
    files = tuple(attachment(name, content) for name, content in FILES)
    with desk.working() as casebook:
        add(casebook, report(attachments=files[:2]), report(claimant=2))
        casebook.add_part(
            block_id=b"\x09" * 16,
            block_sha256="00" * 32,
            day=DAY,
            bundle=1,
            report=report("更多", kind="message", attachments=files[2:]),
        )
        for _, content in FILES[:2]:
            path = casebook.file_path(hashlib.sha256(content).hexdigest())
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
    return desk


def acts(desk: Desk) -> list[tuple[str, str]]:
    """Each act of the custody log, with the hash of what it was about."""
    with Casebook.open(desk.directory) as casebook:
        rows = casebook.database.execute("SELECT line FROM custody ORDER BY number").fetchall()
    lines = [json.loads(line) for (line,) in rows]
    return [(line["act"], line["plain"]) for line in lines]


async def until_told(seat: Seat) -> str:
    """Wait for what came of it."""
    for _ in range(2_000):
        if isinstance(seat.app.screen, Reading):
            break
        await asyncio.sleep(0.01)
    await seat.settle()
    return seat.shown


def hashed(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("size", [SMALL, pytest.param(WIDE, marks=pytest.mark.slow)])
def test_files_are_listed_by_what_their_bytes_are_and_what_there_is_is_written_out(
    desk: Desk, tmp_path: Path, size: tuple[int, int]
) -> None:
    out = tmp_path / "out"

    async def act(seat: Seat) -> None:
        shown = await seat.press("enter", "f")
        assert "3 files" in shown and "a text" in shown and "(could not be opened)" in shown
        (row,) = (line for line in seat.lines if "合同[bold]" in line)
        assert "a PDF" in row and f"{len(PDF):,}" in row and "\x1b" not in row
        await seat.press("w")
        assert "nothing was written" in await seat.press("enter")
        await seat.press("w")
        assert isinstance(seat.app.screen.query_one(TextArea), TextArea)
        # The third cannot be, which is said when the others are there.
        shown = await seat.type(str(out), "enter")
        assert "File 3 of" in shown and "could not be opened" in shown
        assert "has no file" in await seat.press("escape", "n", "f", "enter", "w")

    Seat(desk, size).work(act)

    assert sorted(path.read_bytes() for path in out.iterdir()) == sorted((PDF, TEXT))
    assert [what for act, what in acts(desk) if act == "export"] == [hashed(PDF), hashed(TEXT)]


@pytest.mark.slow
def test_without_bubblewrap_nothing_is_drawn_and_the_screen_says_why(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "available", lambda: False)

    async def act(seat: Seat) -> None:
        shown = " ".join((await seat.press("enter", "f", "enter")).split())
        assert "bubblewrap is not on this computer" in shown
        assert isinstance(seat.app.screen, FilesScreen)

    Seat(desk).work(act)


@pytest.mark.slow
def test_who_gave_the_case_away_meanwhile_gets_nothing_of_its_files(
    desk: Desk, tmp_path: Path
) -> None:
    out = tmp_path / "out"

    async def act(seat: Seat) -> None:
        await seat.press("enter", "f")
        casebook = seat.sitting.casebook
        casebook.add_layer(casebook.case(1), Judgement(conflict=True), role=REVIEW, day=DAY)
        await seat.press("w")
        assert "out of your hands" in " ".join((await seat.type(str(out), "enter")).split())
        shown = await seat.press("escape", "f")
        assert "out of your hands" in " ".join(shown.split()) and "合同" not in shown

    Seat(desk).work(act)

    assert not out.exists()


@pytest.mark.slow
def test_a_file_is_drawn_in_the_room_and_each_picture_is_logged(desk: Desk, tmp_path: Path) -> None:
    needs_bubblewrap()
    out = tmp_path / "out"

    async def act(seat: Seat) -> None:
        await seat.press("enter", "f", "enter")
        await seat.type(str(out), "enter")
        shown = await until_told(seat)
        assert "a PDF of 2 pages; 2 of them drawn." in shown
        await seat.press("escape", "down", "enter")
        shown = await until_told(seat)
        # A text has no pages: no folder is asked for.
        assert "a text." in shown and "一行[b]‹U+001B›" in shown
        await seat.press("escape", "end", "enter")
        assert "could not be opened" in await until_told(seat)

    Seat(desk).work(act)

    pictures = sorted(out.iterdir())
    assert {path.stat().st_mode & 0o777 for path in pictures} == {0o600} and len(pictures) == 2
    log = acts(desk)
    assert [what for act, what in log if act == "export"] == [
        hashed(path.read_bytes()) for path in pictures
    ]
    assert {hashed(PDF), hashed(TEXT)} <= {what for act, what in log if act == "view"}


@pytest.mark.slow
def test_locking_ends_what_is_being_drawn(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = "import time; from scripts.desk.pictures.frames import Sender; import os\n"
    endless += "Sender(os.dup(1)).ready(); time.sleep(1000)"
    monkeypatch.setattr(rooms, "Bubblewrap", lambda: rooms.OwnWalls(endless))
    begun: list[float] = []

    async def act(seat: Seat) -> None:
        await seat.press("enter", "f", "enter")
        shown = await seat.type(str(tmp_path / "out"), "enter")
        assert "is being drawn" in shown
        assert "Esc stops that" in await seat.press("enter")
        await seat.press("ctrl+l")
        assert isinstance(seat.app.screen, LockedScreen)
        begun.append(time.monotonic())

    Seat(desk).work(act)

    assert time.monotonic() - begun[0] < 30


@pytest.mark.slow
def test_a_terminal_that_can_shows_a_file_page_after_page_and_locks_when_nobody_looks(
    desk: Desk,
) -> None:
    needs_bubblewrap()
    out, keys = io.StringIO(), [" ", "q", "", "\x0c"]
    pictures = Pictures(Protocol.SIXEL, out, lambda: Area(80, 24), lambda _seconds: keys.pop(0))

    async def act(seat: Seat) -> None:
        async def looked(key: str) -> None:
            left = len(keys)
            await seat.press(*key)
            while len(keys) == left or getattr(seat.app.screen, "_busy", False):
                await asyncio.sleep(0.01)
            await seat.settle()

        seat.now = 300.0
        await seat.press("enter", "f")
        await looked("v")
        # Both pages were looked at; the second key ended it.
        assert [out.getvalue().count(f"page {number} of file 1") for number in (1, 2)] == [1, 1]
        assert isinstance(seat.app.screen, FilesScreen) and not seat.locked
        for times in (1, 2):
            await looked("v")
            assert isinstance(seat.app.screen, LockedScreen) and seat.locked == times
            await seat.press("enter", "enter", "f")
        assert out.getvalue().count("\x1b[?1049l") == 4

    Seat(desk, pictures=pictures).work(act)

    assert [what for act, what in acts(desk) if act == "export"] == []
    assert [what for act, what in acts(desk) if act == "view"].count(hashed(PDF)) == 3


def test_a_terminal_that_shows_no_pictures_says_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whether or not bubblewrap is on this computer.
    monkeypatch.setattr(rooms, "available", lambda: True)

    async def act(seat: Seat) -> None:
        shown = " ".join((await seat.press("enter", "f", "v")).split())
        assert "does not say that it shows pictures. Enter writes them" in shown

    Seat(desk).work(act)
