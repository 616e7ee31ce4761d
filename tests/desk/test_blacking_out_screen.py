"""Blacking words out in the full screen: marked in the text, everywhere in the case, taken back."""

from pathlib import Path

import pytest
from support.cases import DAY, add, attachment, report
from support.desks import Desk
from support.seat import MIDDLE, Seat

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.translations import TRANSCRIPT, Translation
from scripts.desk.full_screen.case_screen import CaseScreen
from scripts.desk.redaction.standing import standing as counted
from scripts.desk.redaction.undecided import undecided

STORY = "【虚构】我叫张三丰，住在武当山。"
MORE = "张三丰还想说一件事。"


def standing(desk: Desk) -> list[tuple[int, int, str]]:
    with Casebook.open(desk.directory) as casebook:
        return [(one.start, one.stop, one.reason) for one in casebook.redactions.standing(1)]


@pytest.mark.slow
def test_words_are_marked_by_keys_and_blacked_out_wherever_they_are(tmp_path: Path) -> None:
    desk = Desk.make(tmp_path / "desk", 0)
    with desk.working() as casebook:
        for number, text in enumerate((STORY, MORE), 1):
            casebook.add_part(
                block_id=bytes([number]) * 16,
                block_sha256="00" * 32,
                day=DAY,
                bundle=1,
                report=report(text, claimant=1, kind="report" if number == 1 else "message"),
            )
        codes = casebook.campaign.reviewing.codes("redaction")

    async def act(seat: Seat) -> None:
        await seat.press("enter", "x")
        assert "part 1" in seat.shown and "part 2" in seat.shown
        shown = await seat.press("enter")
        assert "张三丰" in shown and "Space begin to mark" in shown
        await seat.press(*["right"] * STORY.index("张"), "space", *["right"] * 3, "enter")
        assert codes[0] in seat.shown
        shown = await seat.press("enter")
        assert "Black out 2 places?" in shown and "part 2: 1 place" in shown
        # Nothing yet, and nothing at all if it is given up.
        assert not seat.sitting.casebook.redactions.standing(1)
        await seat.press("n")
        assert not seat.sitting.casebook.redactions.standing(1)
        await seat.press("x", "enter", *["right"] * STORY.index("张"))
        await seat.press(*["shift+right"] * 3, "enter", "enter")
        assert "2 places blacked out." in await seat.press("y")
        shown = await seat.press("tab")
        assert "blacked out in what leaves" in shown and "“张三丰”" in shown
        assert isinstance(seat.app.screen, CaseScreen)
        # What the claimant wrote is as it was.
        assert "张三丰" in await seat.press("shift+tab")
        await seat.press("x", *"take back 1", "enter")
        shown = await seat.type("a mistake", "enter")
        assert "it leaves again" in shown
        assert "taken back by reviewer-0" in await seat.press("tab", "end")

    Seat(desk).work(act)

    assert standing(desk) == [(0, 3, codes[0])]


@pytest.mark.slow
@pytest.mark.parametrize(("parts", "more"), [(6, 0), (7, 2)])
def test_a_question_shows_twelve_lines_of_places_and_counts_the_others(
    tmp_path: Path, parts: int, more: int
) -> None:
    desk = Desk.make(tmp_path / "desk", 0)
    with desk.working() as casebook:
        add(casebook, *[report("张三", 1, kind="message")] * parts)

    async def act(seat: Seat) -> None:
        await seat.press("enter", "x", "enter", *["shift+right"] * 2, "enter", "enter")
        lines = [one.strip(" │") for one in seat.lines]
        begin = lines.index(f"Black out {parts} places?")
        shown = [one for one in lines[begin + 1 : lines.index("y yes   n no")] if one]
        assert len(shown) == 12 + bool(more)
        assert shown[-1].startswith(f"… and {more} lines more" if more else "▐")

    Seat(desk, MIDDLE).work(act)


@pytest.mark.slow
def test_a_file_beside_redacted_words_is_withheld_or_let_leave_by_keys(tmp_path: Path) -> None:
    desk = Desk.make(tmp_path / "desk", 0)
    with desk.working() as casebook:
        files = attachment("a.mp3", b"a"), attachment("b.mp3", b"b")
        add(casebook, report(STORY, 1, attachments=files))

    async def act(seat: Seat) -> None:
        await seat.press("enter", "x")
        assert "as it was seen" not in seat.shown
        await seat.press("enter", *["right"] * STORY.index("张"), *["shift+right"] * 3)
        shown = " ".join((await seat.press("enter", "enter", "y")).split())
        assert "Decide on file 1, 2 too" in shown
        await seat.press("x", *"withhold file 1", "enter")
        assert "File 1 is withheld" in " ".join((await seat.press("enter")).split())
        assert "May file 2 leave" in await seat.press("x", *"let file 2", "enter")
        waiting = seat.sitting.casebook
        assert len(undecided(waiting, waiting.case(1), counted(waiting))) == 1
        assert "File 2 may leave as it was seen." in await seat.press("y")
        assert not undecided(waiting, waiting.case(1), counted(waiting))

    Seat(desk).work(act)


@pytest.mark.slow
def test_what_reviewers_entered_and_a_machine_read_is_beside_the_case(tmp_path: Path) -> None:
    desk = Desk.make(tmp_path / "desk", 0)
    shot = attachment("截图.png")
    with desk.working() as casebook:
        add(casebook, report(attachments=(shot,)))
        case = casebook.case(1)
        sha256 = shot.sha256
        with casebook.together():
            kept = Translation(sha256, TRANSCRIPT, "zh", "ocr-9", "{}", desk.reviewer, DAY)
            casebook.translations.add(case, kept)
    desk.event(1, "a" * 16, "派出所约谈")
    desk.contact(1, "c" * 16, "第一次通话")

    async def act(seat: Seat) -> None:
        shown = await seat.press("enter", "tab")
        assert "read by machine (ocr-9)" in shown and shown.index("截图") < shown.index("ocr-9")
        assert "── events" in shown and "派出所约谈" in shown and "第一次通话" in shown

    Seat(desk, MIDDLE).work(act)
