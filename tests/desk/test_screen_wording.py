"""The full screen's own words in each language of the pages."""

import re
from pathlib import Path

import pytest
from support.desks import Desk
from support.seat import SMALL, Seat
from textual.binding import Binding

from dropbox.label import ENGLISH, LANGUAGES
from scripts.desk.full_screen.case_screen import CaseScreen
from scripts.desk.full_screen.compare_screen import CompareScreen
from scripts.desk.full_screen.desk_screen import DeskScreen
from scripts.desk.full_screen.fact_screen import FactScreen
from scripts.desk.full_screen.files_screen import FilesScreen
from scripts.desk.full_screen.hand_over_screen import HandOverScreen
from scripts.desk.full_screen.lists import ListScreen, LogScreen, OutboxScreen, TeamScreen
from scripts.desk.full_screen.queue_screen import QueueScreen
from scripts.desk.full_screen.report_screen import ReportScreen
from scripts.desk.full_screen.reports import REPORTS
from scripts.desk.full_screen.wording import many, place_of, word

SCREENS: tuple[type[DeskScreen], ...] = (
    CaseScreen, CompareScreen, FactScreen, FilesScreen, HandOverScreen, LogScreen, OutboxScreen,
    QueueScreen, ReportScreen, TeamScreen,
)  # fmt: skip
CHINESE = [language for language in LANGUAGES if language != ENGLISH]


@pytest.mark.parametrize("language", CHINESE)
@pytest.mark.parametrize("screen", SCREENS)
def test_each_key_and_column_has_a_word_in_each_language(
    screen: type[DeskScreen], language: str
) -> None:
    said = {one.description for one in screen.BINDINGS if isinstance(one, Binding)} - {""}
    if issubclass(screen, ListScreen):
        said |= {title for title, _ in screen.COLUMNS}

    assert said
    for english in said:
        assert word(english, language) != english
        assert word(english, ENGLISH) == english
    assert all(word(one.title, language) != one.title for one in REPORTS.values())


def test_numbers_have_their_units() -> None:
    assert many(2, "file", ENGLISH) == "2 files" and many(1, "case", ENGLISH) == "1 case"
    assert many(1_200, "case", "zh-Hans") == "1,200 个案件"
    assert many(2, "file", "zh-Hant") == "2 個檔案"
    assert place_of(0, 1_000, ENGLISH) == "1 of 1,000"
    assert place_of(0, 1_000, "zh-Hant") == "1 / 1,000"


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "zh-Hans",
            ["列表: 全部案件", "2 个案件", "保存视图", "1 部分", "审理: ", "未保存", "放弃"],
        ),
        pytest.param(
            "zh-Hant",
            ["列表: 全部案件", "2 個案件", "儲存檢視", "1 部分", "審理: ", "未儲存", "放棄"],
            marks=pytest.mark.slow,
        ),
    ],
)
def test_titles_keys_and_columns_follow_the_language_of_the_labels(
    tmp_path: Path, language: str, words: list[str]
) -> None:
    desk = Desk.make(tmp_path / "desk", 0)
    desk.file([1, 2])

    async def act(seat: Seat) -> None:
        shown = seat.shown + await seat.press("enter", "3") + await seat.press("o")
        assert [one for one in words if one not in shown] == []
        # No key at the foot is English.
        foot = "\n".join(seat.lines[-3:])
        assert not re.search(r"\b(lock|save|next|keep|give up)\b", foot)

    Seat(desk, SMALL, language).work(act)
