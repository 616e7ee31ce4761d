"""Whole screens, cell by cell: every screen and dialog, at two sizes and in three languages.

What they are to show is in tests/vectors/screen. CASEDROP_RENEW_SCREENS=1 before pytest writes it
anew; read then what git says has changed.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest
from support.busy_desk import busy_desk
from support.desks import Desk
from support.screen_pictures import RENEW, compare, pictures
from support.seat import SMALL, Seat
from support.shared import made_once

LARGE, COMPACT, TINY = (160, 40), (40, 12), (26, 12)

# What is pressed, by what is on the screen then. What begins with = is typed at once.
QUEUE = {
    "queue": "",
    "a mark": "space",
    "views": "v",
    "narrowed": "r e v",
    "narrowed to nothing": "q q enter",
    "not so much": "backspace backspace backspace down enter",
    "the view before": "[ [",
    "words": "slash",
    "with words": "=short enter",
    "all again": "escape",
    "fields": "f",
    "codes of a field": "s t a t u s enter",
    "cases with the code": "n e w enter",
    "a field that is typed": "f f i l e s enter",
    "not understood": "=x enter",
    "none has it": "f f i l e s enter =9 enter",
    "sorted": "escape s d a y enter",
    "and turned round": "r",
    "a name for the view": "w",
    "no name": "enter",
    "saved": "w =old enter v",
    "the saved one": "s a v e d enter",
    "whether to delete it": "delete",
    "not deleted": "n",
    "deleted": "delete y",
    "nothing to delete": "delete",
    "whom to give it": "end space a",
    "given": "down enter",
    "taken back": "a n o b o d y enter",
    "reports": "i",
    "whether to draw": "d r a w enter",
    "drawn": "y",
    "drawn again": "i d r a w enter y",
    "all keys": "question_mark",
}
LISTS = {
    "the team": "t",
    "the log": "escape l",
    "its end": "end",
    "the outbox": "escape o",
    "an answer": "end enter",
    "an answer of one's own": "escape r",
    "another reviewer's": "up r",
    "whether it leaves": "escape",
    "not yet": "n",
    "it leaves": "r escape y",
    "whether to take it back": "x",
    "it stays": "n",
    "it is taken back": "x y",
    "none is left": "home x y x y x y",
}
CASE = {
    "a case of two parts": "enter",
    "further in its story": "space",
    "its end": "end",
    "its facts": "tab",
    "its reviews": "tab",
    "their end": "end",
    "the story again": "tab",
    "the original": "t",
    "the translation": "t",
    "no case is like it": "c",
    "the next, reviewed once": "n",
    "nobody translated it": "t",
    "taken back": "n",
    "no answer": "a",
    "the last": "n n n n n n",
    "no further": "n",
    "a code is chosen": "3",
    "fields below": "down down down",
    "a list of a field": "enter",
    "nothing chosen": "escape",
    "harms": "down down enter",
    "a harm alleged": "enter",
    "flags": "escape down down down 1 6",
    "amounts": "down enter",
    "an amount": "=9000·CNY·2026-01·[stated]·lost ctrl+s",
    "words": "down enter",
    "a word": "=shop enter",
    "a period": "down enter =2019-03 ctrl+s",
    "a note": "o",
    "the note": "=注 ctrl+s",
    "reasons": "down enter",
    "no reasons": "escape",
    "the field is empty": "up delete",
    "undone": "u u",
    "not complete": "s",
    "whether to leave it": "escape",
    "not left": "n",
    "left": "p y",
    "the last is saved": "n 3 1 2 s",
}
VERBS = {
    "ready answers": "end enter a",
    "their text": "down enter",
    "given up": "escape",
    "an answer": "a enter =Thanks. ctrl+s",
    "not sent": "n",
    "queued": "a enter =Thanks. ctrl+s y",
    "gists and translations": "p p p p p g",
    "a gist": "enter",
    "kept": "=A·gist enter",
    "a translation": "g t r a n s enter",
    "black out": "escape x",
    "words to mark": "enter",
    "why": "right right space right right right enter",
    "how often": "enter",
    "blacked out": "y",
    "in the facts": "tab",
    "why a file": "x w i t h h o l d down down enter",
    "file withheld": "enter",
    "why to take back": "x t a k e enter",
    "not without a reason": "enter",
    "facts": "e",
    "an event": "enter",
    "its kinds": "down enter",
    "a kind": "enter",
    "a day": "home enter",
    "not kept": "=x enter s",
    "whether to give it up": "escape",
    "not given up": "n",
    "given it up": "escape y",
    "a party": "e down enter",
    "a contact": "escape e down down enter",
    "a correction": "escape e c o r r e c t enter",
    "do you know somebody": "escape k",
    "for good": "y",
    "given away": "y",
}
FILES = {
    "files": "down down down enter f",
    "where to": "w",
    "nowhere": "enter",
    "without a file": "escape n f",
}
COMPARE = {
    "two cases": "down down down down down enter c",
    "a page on": "space",
    "and back": "b",
    "their ends": "end",
    "their beginnings": "home",
    "the next pair": "n",
    "no further": "n",
    "denied": "p d",
    "confirmed": "c",
    "the case": "escape tab",
}
HAND_OVER = {
    "hand over": "h",
    "a flag": "f",
    "the flag is allowed": "enter",
    "without pictures, in Chinese": "escape p l",
    "a code": "a",
    "not the code": "=0000 enter",
    "a folder": "w",
    "no folder": "enter",
    "a case": "end enter",
}
REPORTS = {
    "charts": "c",
    "a page on": "space",
    "the next figure": "n",
    "the one before": "p p",
    "their end": "end",
    "of one case": "slash =short enter",
    "what lapses": "escape escape i l a p s e enter",
    "its end": "end",
    "agreement": "escape i m i s s e d enter",
    "what it holds": "escape i h o l d s enter",
    "and its end": "end",
}
LOCK = {
    "a case": "enter 3",
    "locked": "ctrl+l",
    "whether to leave": "q",
    "locked still": "n",
    "what was filled in": "enter",
    "it goes on": "y",
    "whether to leave the desk": "ctrl+q",
    "not left": "escape",
    "thrown away": "ctrl+l enter n",
    "locked with nothing": "ctrl+l",
}
THIRD = {
    "queue": "",
    "an adjudication": "down down down down enter",
    "what they say of the next": "down",
    "saved": "up 4 1 1 s",
    "nothing to say": "escape home enter",
}
THIRD_TINY = {
    "an adjudication": "down down down down enter tab tab tab",
    "what they say of the next": "down",
}
# Each screen, and each kind of dialog.
TOUR = {
    "queue": "space",
    "views": "v",
    "fields": "escape f",
    "words": "escape slash",
    "whom to give it": "escape a",
    "reports": "escape i",
    "charts": "enter",
    "what lapses": "escape i l a p s e enter",
    "the team": "escape t",
    "the log": "escape l",
    "the outbox": "escape o",
    "an answer": "enter",
    "whether to take it back": "escape x",
    "hand over": "n escape h",
    "a code": "a",
    "a case": "escape escape home enter",
    "its facts": "tab",
    "its reviews": "tab",
    "the translation": "t t",
    "a note": "n o",
    "ready answers": "escape a",
    "something filled in": "escape 3",
    "whether to leave it": "escape",
    "files": "y down down enter f",
    "words to mark": "escape x enter",
    "facts": "escape e",
    "an event": "enter",
    "two cases": "escape n n c",
    "all keys": "question_mark",
    "locked": "ctrl+l",
}
NARROW = {
    "queue": "",
    "views": "v",
    "the outbox": "escape o",
    "a case": "escape enter",
    "its panel": "tab tab tab",
    "a field": "down enter",
    "a note": "escape o",
    "the fields of an event": "escape escape escape e enter",
    "files": "escape n n n f",
    "two cases": "escape n n c",
    "the log": "escape escape l",
    "charts": "escape c",
}
MANY = {
    "queue": "",
    "one down": "j",
    "a page on": "pagedown",
    "a page more": "pagedown",
    "one up": "k",
    "back at the top of the screen": "pageup up",
    "further up": "up up",
    "the last": "end",
    "a page back": "pageup",
    "the first": "home",
    "the log": "l",
    "a page of the log": "pagedown pagedown",
    "its first line": "end",
    "and a page back": "pageup",
    "fields by which it is sorted": "escape s",
    "a page of them": "pagedown",
    "one back": "up",
    "and more": "pagedown pagedown pagedown",
    "all keys": "escape question_mark",
    "the rest of them": "space",
    "and back": "b",
    "some of them": "escape slash =正文 enter",
}
EMPTY = {
    "queue": "",
    "no case to open or mark": "enter space a",
    "words": "slash =x enter",
    "outbox": "escape o",
    "no answer to read": "enter x r",
    "hand over": "escape h",
    "no case to open": "enter",
    "charts": "escape c",
    "agreement": "escape i m i s s e d enter",
    "views": "escape v",
}


@pytest.fixture
def busy(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Desk:
    """A copy of the busy desk."""
    made = made_once(tmp_path_factory, "busy desk", busy_desk)
    return Desk(made / "desk", 0).copy(tmp_path / "desk")


def shown(desk: Desk, walk: Mapping[str, str], size: tuple[int, int], language: str) -> str:
    """The pictures of *walk*."""
    found: list[str] = []

    async def act(seat: Seat) -> None:
        found.append(await pictures(seat, walk))

    Seat(desk, size, language).work(act)
    return found[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "walk", "size", "language"),
    [
        ("queue", QUEUE, SMALL, "en"),
        ("lists", LISTS, SMALL, "en"),
        ("case", CASE, SMALL, "en"),
        ("verbs", VERBS, SMALL, "en"),
        ("files", FILES, SMALL, "en"),
        ("compare", COMPARE, SMALL, "en"),
        ("hand-over", HAND_OVER, SMALL, "en"),
        ("reports", REPORTS, SMALL, "en"),
        ("lock", LOCK, SMALL, "en"),
        ("tour", TOUR, LARGE, "en"),
        ("tour", TOUR, SMALL, "zh-Hans"),
        ("tour", TOUR, LARGE, "zh-Hant"),
        ("narrow", NARROW, COMPACT, "en"),
    ],
    ids=lambda one: "x".join(map(str, one)) if isinstance(one, tuple) else None,
)  # fmt: skip
def test_each_screen_shows_this(
    busy: Desk, name: str, walk: Mapping[str, str], size: tuple[int, int], language: str
) -> None:
    columns, lines = size
    compare(f"{name}-{columns}x{lines}-{language}", shown(busy, walk, size, language))


@pytest.mark.slow
@pytest.mark.parametrize("size", [SMALL, LARGE, TINY], ids=["small", "large", "tiny"])
def test_a_third_reviewer_sees_this(busy: Desk, size: tuple[int, int]) -> None:
    third = Desk(busy.directory, 2)
    walk = THIRD_TINY if size == TINY else THIRD
    compare(f"third-{size[0]}x{size[1]}-en", shown(third, walk, size, "en"))


@pytest.mark.slow
def test_lists_longer_than_the_screen_show_this(tmp_path: Path) -> None:
    desk = Desk.make(tmp_path / "desk", 0)
    desk.file(range(1, 61))
    compare("many-80x24-en", shown(desk, MANY, SMALL, "en"))


@pytest.mark.slow
def test_an_empty_desk_shows_this(tmp_path: Path) -> None:
    desk = Desk.make(tmp_path / "desk", 0)
    compare("empty-80x24-en", shown(desk, EMPTY, SMALL, "en"))


@pytest.mark.parametrize("shown", ["a\n", "a\nc\n", "a\nb\n\n", ""])
def test_a_screen_that_is_another_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shown: str
) -> None:
    monkeypatch.delenv(RENEW, raising=False)
    (tmp_path / "one.txt").write_text("a\nb\n", "utf-8")

    compare("one", "a\nb\n", tmp_path)
    with pytest.raises(pytest.fail.Exception, match="renews it"):
        compare("one", shown, tmp_path)
