"""The full screen in windows of any size: what works in few columns, and that nothing is lost."""

from pathlib import Path

import pytest
from rich.cells import cell_len
from support.cases import DAY, attachment, report
from support.desks import Desk
from support.seat import SMALL, Seat
from textual.widgets import TextArea

from scripts.desk.full_screen.desk_screen import LEAST_HEIGHT, LEAST_WIDTH
from scripts.desk.full_screen.wrapped import fitted

TINY, COMPACT = (1, 1), (40, 10)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Two cases that are alike, one of them with a file."""
    made = Desk.make(tmp_path / "desk", 0)
    with made.working() as casebook:
        for claimant in (1, 2):
            casebook.add_part(
                block_id=bytes([claimant]) * 16,
                block_sha256="00" * 32,
                day=DAY,
                bundle=1,
                report=report(
                    "【虚构】我的公众号在二零一九年三月被永久封禁了，没有给出任何理由。" * 20,
                    claimant=claimant,
                    attachments=(attachment("合同.pdf"),),
                ),
            )
    return made


@pytest.mark.slow
def test_in_forty_columns_and_ten_lines_a_case_is_read_and_reviewed(desk: Desk) -> None:
    with desk.working() as casebook:
        first, second = casebook.names.of(1), casebook.names.of(2)

    async def act(seat: Seat) -> None:
        shown = seat.shown
        assert first in shown and second in shown and "公众号" in shown and "all keys" in shown
        story = await seat.press("enter")
        assert first in story and story.count("封禁") >= 3
        assert await seat.press("space") != story
        # The panel was out of sight, so the first key only shows it.
        shown = await seat.press("3")
        assert "merit" in shown and "not saved" not in shown and "封禁" not in shown
        await seat.press("3", "1", "2")
        assert f"{first} was saved" in " ".join((await seat.press("s")).split())
        assert "封禁" in seat.shown and second in seat.shown

    Seat(desk, COMPACT).work(act)

    with desk.working() as casebook:
        (layer,) = casebook.layers.of(casebook.case(1)).layers
        assert (layer.judgement.merit, layer.judgement.evidence) == ("m2", "2")


@pytest.mark.long
def test_no_screen_breaks_at_any_size_and_what_was_typed_is_kept(desk: Desk) -> None:
    # From the queue: each screen, its panes and what is asked over it.
    ways = ["v", "slash", "question_mark", "o", "l", "h", "c", "enter", "enter tab", "enter f"]
    ways += ["enter c", "enter k"]
    sizes = [TINY, (LEAST_WIDTH, LEAST_HEIGHT)]

    async def act(seat: Seat) -> None:
        async def resize(size: tuple[int, int]) -> None:
            await seat.pilot.resize_terminal(*size)
            await seat.settle()
            assert len(seat.lines) == size[1]

        for way in ways:
            await seat.press(*way.split())
            there = seat.shown
            for size in sizes:
                await resize(size)
            await resize(SMALL)
            assert seat.shown == there, way
            while len(seat.app.screen_stack) > 2:
                await seat.press("escape")
        await seat.press("enter", "o")
        await seat.type("甲乙丙")
        await resize(TINY)
        seat.app.screen.query_one(TextArea).insert("丁")
        await resize(SMALL)
        assert "甲乙丙丁" in seat.shown
        await seat.press("ctrl+s")
        await resize(TINY)
        await resize(SMALL)
        assert "甲乙丙丁" in seat.shown and "not saved" in seat.shown

    Seat(desk, SMALL).work(act)


@pytest.mark.parametrize("width", [4, 9, 10])
@pytest.mark.parametrize("text", ["", "ab", "a longer one", "微信群里的一句话", "\x1b[2J\u202e"])
def test_a_column_is_as_wide_as_it_should_be_and_apart_from_the_next(text: str, width: int) -> None:
    column = fitted(text, width)

    assert cell_len(column) == width and column.endswith(" ")
