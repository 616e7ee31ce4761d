"""The full screen, by its keys: what it shows, what it keeps, and what it never shows."""

import ast
import asyncio
import contextlib
import json
import re
import tomllib
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from support.cases import DAY, attachment, report
from support.desks import Desk
from support.line import Line
from support.seat import MIDDLE, SMALL, WIDE, Seat

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.translations import TRANSLATION
from scripts.desk.commands import screen
from scripts.desk.full_screen.case_screen import CaseScreen
from scripts.desk.full_screen.desk_screen import LEAST_HEIGHT, LEAST_WIDTH
from scripts.desk.full_screen.draft import toml_of
from scripts.desk.full_screen.locked_screen import LockedScreen
from scripts.desk.full_screen.panes import Pages
from scripts.desk.full_screen.queue_screen import QueueScreen
from scripts.desk.reviewing import blank_sheet, hand_in

ROOT = Path(__file__).parents[2]
EDGES = json.loads((Path(__file__).parents[1] / "edge_inputs.json").read_text("utf-8"))["inputs"]
STORY, SECRET = "【虚构】账号被封，钱包里的钱取不出来。", "SECRET-NOTE"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk with three cases of which nobody has said anything."""
    made = Desk.make(tmp_path / "desk", 0)
    made.file([1, 2, 3])
    return made


def custody(desk: Desk) -> list[tuple[str, str]]:
    """The act and the subject of each line of the custody log."""
    with Casebook.open(desk.directory) as casebook:
        rows = casebook.database.execute("SELECT line FROM custody ORDER BY number").fetchall()
    lines = (json.loads(line) for (line,) in rows)
    return [(line["act"], line["subject"]) for line in lines]


async def go_to(seat: Seat, name: str) -> None:
    """Go down to the field *name*."""
    screen = seat.app.screen
    assert isinstance(screen, CaseScreen)
    while screen.coding.field is None or screen.coding.field.name != name:
        await seat.press("down")


@pytest.mark.slow
def test_a_case_is_reviewed_with_four_keys_and_the_next_one_is_there(desk: Desk) -> None:
    with desk.working() as casebook:
        first, second = casebook.names.of(1), casebook.names.of(2)
    before = custody(desk)

    async def act(seat: Seat) -> None:
        assert first in seat.shown and second in seat.shown
        opened = await seat.press("enter")
        assert f"{first}: Review" in opened and f"Review of {first}" in opened
        assert "正文" in opened
        saved = await seat.press("3", "1", "2", "s")
        assert f"{first} was saved: First review done." in saved
        assert f"Review of {second}" in saved and f"{second}, 1 part" in saved

    Seat(desk).work(act)

    with desk.working() as casebook:
        (layer,) = casebook.layers.of(casebook.case(1)).layers
        said = layer.judgement
        assert (said.category, said.merit, said.urgency, said.evidence) == (
            "c1",
            "m2",
            "normal",
            "2",
        )
        assert (layer.role, layer.day, layer.blind) == ("review", DAY, True)
    acts = custody(desk)[len(before) :]
    assert [one for one in acts if one[0] != "session"] == [
        ("view", first),
        ("label", first),
        ("view", second),
    ]


@pytest.mark.slow
def test_what_is_saved_is_what_the_sheet_would_have_kept(desk: Desk) -> None:
    async def act(seat: Seat) -> None:
        await seat.press("enter", "3", "3", "4")
        await go_to(seat, "us")
        await seat.press("4")
        await go_to(seat, "harms")
        await seat.press("enter", *"job_l", "enter", "enter")
        assert "Supported" in seat.shown
        await seat.press("escape")
        await go_to(seat, "flags")
        await seat.press("1", "6")
        await go_to(seat, "amounts")
        await seat.press("enter")
        await seat.type("9000 CNY 2026-01 [stated] lost", "ctrl+s")
        await go_to(seat, "tags")
        await seat.press("enter")
        await seat.type("a b", "enter", "o")
        await seat.type("x[bold]y", "enter")
        await seat.type("2nd", "ctrl+s", "s")

    Seat(desk).work(act)

    with desk.working() as casebook:
        by_keys = casebook.layers.of(casebook.case(1)).layers[0].judgement
        case = casebook.case(2)
        filled = (
            blank_sheet(casebook, case, "review")
            .replace('merit = ""', 'merit = "m2"')
            .replace('urgency = ""', 'urgency = "danger"')
            .replace('evidence = ""', "evidence = 4")
            .replace('us = ""', 'us = "california"')
            .replace("flags = []", 'flags = ["minor", "privileged"]')
            .replace("tags = []", 'tags = ["a", "b"]')
            .replace('note = ""', 'note = "x[bold]y\\n2nd"')
            .replace("[harms]\n", '[harms]\n"c1.job_loss" = "supported"\n')
        )
        filled += '[[amounts]]\namount = "9000"\ncurrency = "CNY"\nas_of = "2026-01"\nwhat = "lost"'
        filled += '\nmethod = "stated"'
        hand_in(casebook, case, filled.encode(), "review", today=DAY)
        by_sheet = casebook.layers.of(case).layers[0].judgement
        names = [
            name
            for name in by_sheet.__dataclass_fields__
            if name != "considered" and getattr(by_keys, name) != getattr(by_sheet, name)
        ]
        assert set(names) <= {"nonce", "rank"}


@pytest.mark.slow
def test_a_sheet_that_lacks_something_is_not_saved_and_says_what(desk: Desk) -> None:
    async def act(seat: Seat) -> None:
        await seat.press("enter", "4")
        shown = await seat.press("s")
        assert "Not saved. urgency: this is required." in shown and "Line " not in shown
        assert "not saved" in shown
        await seat.press("u")
        assert isinstance(seat.app.screen, CaseScreen) and not seat.app.screen.unsaved

    Seat(desk).work(act)

    with desk.working() as casebook:
        assert not casebook.layers.of(casebook.case(1)).layers


@pytest.mark.slow
def test_leaving_a_case_with_something_unsaved_is_asked_about(desk: Desk) -> None:
    async def act(seat: Seat) -> None:
        shown = await seat.press("enter", "4", "escape")
        assert "is not saved. Leave it unsaved?" in shown
        await seat.press("n")
        assert isinstance(seat.app.screen, CaseScreen)
        await seat.press("escape", "y")
        assert isinstance(seat.app.screen, QueueScreen)

    Seat(desk).work(act)


@pytest.mark.slow
@pytest.mark.parametrize("size", [SMALL, WIDE])
def test_a_second_reviewer_sees_nothing_of_the_first_review_anywhere(
    desk: Desk, tmp_path: Path, size: tuple[int, int]
) -> None:
    desk.judge(1, merit="m3", urgency="danger", tags=("tagged",), note=SECRET)
    other = Desk(desk.directory, 1)
    with desk.working() as casebook:
        first = casebook.names.of(1)

    async def act(seat: Seat) -> None:
        (row,) = (line.partition(first)[2] for line in seat.lines if first in line)
        assert "正文" in row and "danger" not in row and "m3" not in row
        views = await seat.press("v")
        assert "Somebody may be in danger now 0" in " ".join(views.split()) and "m3" not in views
        shown = [await seat.press("escape", "enter")]
        shown += [await seat.press("tab") for _ in range(3)]
        shown += [await seat.press("down") for _ in range(16)]
        everything = "\n".join(shown)
        assert "reviewer-0" in everything and "you will see what they said" in everything
        assert SECRET not in everything and "tagged" not in everything
        # Only where it can be chosen.
        assert everything.count("m3") == everything.count("4 m3 Case of merit")
        assert everything.count("danger") == everything.count("3 Somebody may be in danger")

    Seat(other, size).work(act)


@pytest.mark.slow
def test_who_has_reviewed_sees_the_other_review(desk: Desk) -> None:
    desk.judge(1, merit="m3", urgency="danger", note=SECRET)
    other = Desk(desk.directory, 1)
    other.judge(1, merit="m3", urgency="normal")

    async def act(seat: Seat) -> None:
        assert "danger" in seat.shown
        assert SECRET in await seat.press("enter", "shift+tab", "pagedown", "pagedown")

    Seat(other, MIDDLE).work(act)


@pytest.mark.slow
def test_knowing_somebody_is_asked_twice_and_gives_the_case_away_for_good(desk: Desk) -> None:
    with desk.working() as casebook:
        first, second = casebook.names.of(1), casebook.names.of(2)

    async def act(seat: Seat) -> None:
        await seat.press("enter")
        assert f"Do you know a person, an employer or a place in {first}?" in await seat.press("k")
        assert "out of your hands for good" in await seat.press("y")
        await seat.press("n")
        with pytest.raises(AssertionError):
            assert f"Review of {second}" in seat.shown
        shown = await seat.press("k", "y", "y")
        assert f"Review of {second}" in shown
        again = await seat.press("p")
        assert "out of your hands" in again and "正文" not in again and first in again
        shown = await seat.press("escape")
        assert first not in shown and "2 cases" in shown

    Seat(desk).work(act)

    with desk.working() as casebook:
        (layer,) = casebook.layers.of(casebook.case(1)).layers
        assert layer.judgement.conflict and not layer.judgement.merit


@pytest.mark.slow
def test_a_third_reviewer_is_asked_only_for_what_two_disagree_on(desk: Desk) -> None:
    for who, merit in ((0, "m3"), (1, "m1")):
        one = Desk(desk.directory, who)
        one.judge(1, merit=merit, urgency="deadline", fields={"us": "california"})
    third = Desk(desk.directory, 2)

    async def act(seat: Seat) -> None:
        shown = await seat.press("enter")
        assert "Adjudication of" in shown
        assert "reviewer-0: m3" in shown and "reviewer-1: m1" in shown
        assert isinstance(seat.app.screen, CaseScreen)
        draft = seat.app.screen.coding.draft
        assert draft is not None
        assert [one.name for one in draft.fields] == [
            "merit",
            "outcome",
            "note",
            "removed",
        ]
        assert "was saved: " in await seat.press("4", "1", "s")

    Seat(third).work(act)

    with desk.working() as casebook:
        reviews = casebook.layers.of(casebook.case(1))
        assert reviews.adjudicated is not None and reviews.agreed is not None
        assert reviews.agreed.merit == "m3" and reviews.agreed.outcome == "st.counsel"
        assert reviews.agreed.said("us") == "california" and reviews.agreed.category == "c1"


@pytest.mark.slow
def test_who_may_say_nothing_more_reads_why(desk: Desk) -> None:
    for who in (0, 1):
        Desk(desk.directory, who).judge(1, merit="m3", urgency="normal")

    async def act(seat: Seat) -> None:
        shown = await seat.press("enter", "4", "s")
        assert "Two reviewers have reviewed this case; no third review is needed." in shown

    Seat(Desk(desk.directory, 2)).work(act)


@pytest.mark.slow
def test_locking_closes_the_casebook_ends_the_agent_and_leaves_nothing_to_read(
    desk: Desk,
) -> None:
    async def act(seat: Seat) -> None:
        await seat.press("enter", "o")
        await seat.type("typed", "ctrl+l")
        assert isinstance(seat.app.screen, LockedScreen) and seat.locked == 1
        assert "Locked." in seat.shown
        assert not [one for one in ("正文", "typed", "-", "report") if one in seat.shown]
        assert len(seat.app.screen_stack) == 2 and not seat.app.queue.numbers
        with Casebook.open(desk.directory):
            pass  # nobody holds it any more
        # What was typed is offered again, see test_unfinished.py.
        shown = await seat.press("enter", "n")
        assert isinstance(seat.app.screen, QueueScreen) and "3 cases" in shown

    Seat(desk).work(act)


@pytest.mark.slow
def test_an_agent_that_goes_on_is_said_and_a_wrong_passphrase_leaves_it_locked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(seat: Seat) -> None:
        assert "agent does not end" in await seat.press("ctrl+l")
        monkeypatch.setattr(seat.sitting, "open", refused)
        shown = await seat.press("enter")
        assert "The passphrase was wrong." in shown
        assert isinstance(seat.app.screen, LockedScreen)

    def refused() -> None:
        raise OSError("The passphrase was wrong.")

    Seat(desk, agent_ends=False).work(act)


def test_the_screen_takes_the_terminal_back_after_a_failure_there(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []

    @contextlib.contextmanager
    def suspended() -> Iterator[None]:
        # As Textual's own: what raises in it keeps it from its end.
        events.append("given")
        yield
        events.append("taken")

    app = Seat(desk).app
    monkeypatch.setattr(type(app), "is_headless", False)
    monkeypatch.setattr(app, "suspend", suspended)

    for why in (OSError, KeyboardInterrupt):
        with pytest.raises(why), app.at_the_terminal():
            raise why

    assert events == ["given", "taken"] * 2


@pytest.mark.slow
def test_ten_minutes_without_a_key_lock_and_one_before_says_so(desk: Desk) -> None:
    async def act(seat: Seat) -> None:
        await seat.press("enter")
        seat.now = 545.0
        seat.app.look_idle()
        await seat.settle()
        assert "Locks in a minute" in seat.shown and seat.locked == 0
        await seat.press("down")
        seat.now = 1_100.0
        seat.app.look_idle()
        assert seat.locked == 0
        seat.now = 1_146.0
        seat.app.look_idle()
        await seat.settle()
        assert seat.locked == 1 and isinstance(seat.app.screen, LockedScreen)

    Seat(desk).work(act)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(23, 10), (200, 5)])
def test_a_window_that_is_too_small_gets_a_sentence(desk: Desk, size: tuple[int, int]) -> None:
    async def act(seat: Seat) -> None:
        assert "needs 24 columns and 6 lines" in " ".join(seat.shown.split())
        assert "正文" not in seat.shown
        await seat.pilot.resize_terminal(*SMALL)
        await seat.settle()
        assert "正文" in seat.shown and "needs 24" not in seat.shown

    Seat(desk, size).work(act)


def edge_texts() -> list[str]:
    """The texts of all edge inputs that a report can hold."""
    texts = ["[bold red]x[/] [@click=app.bell]y[/]", "\x1b]0;title\x07\x1b[2J", "a\x00b\x9bc"]
    for entry in EDGES:
        value = entry.get("value", "")
        if "gen" in entry:
            value = entry["gen"]["repeat"] * min(entry["gen"]["times"], 500)
        elif entry["kind"] == "bytes":
            value = bytes.fromhex(value).decode("utf-8", "replace")
        if isinstance(value, dict):
            value = value["value"]
        texts += value if isinstance(value, list) else [value]
    return [one for one in texts if one.strip() and one.isprintable() is not None]


@pytest.mark.long
@pytest.mark.parametrize("size", [SMALL, WIDE])
def test_nothing_that_a_claimant_writes_acts_on_the_terminal(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    desk = Desk.make(tmp_path / "desk", 0)
    texts = [one.encode("utf-8", "replace").decode() for one in edge_texts()]
    with desk.working() as casebook:
        for number, text in enumerate(texts, 1):
            hostile = report(
                text[:2000],
                claimant=1 if number % 2 else number,
                kind="report" if number < 3 else "message",
                category=text[:20],
                harms=(text[:20],),
                facts={"note": text[:50], text[:20]: [text[:20]]},
                attachments=(attachment(text[:30].replace("/", "") or "x"),),
            )
            casebook.add_part(
                block_id=number.to_bytes(16, "big"),
                block_sha256="00" * 32,
                day=DAY,
                bundle=1,
                report=hostile,
            )

    async def act(seat: Seat) -> None:
        async def look(*keys: str) -> None:
            await seat.press(*keys)
            for line in seat.lines:
                acting = {c for c in line if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")}
                assert not acting and cell_len(line) == size[0], (keys, line)
                assert "\u202e" not in line and "\u200d" not in line
            seen.append(seat.shown)

        seen: list[str] = []
        await look("end")
        await look("home")
        await look("enter")
        for _ in range(3):
            await look("end", "home")
            for _ in range(12):
                await look("pagedown")
            await look("tab")
        # All that a case's text or its files' names get into, and back.
        for way in ("f", "c", "x", "x enter", "a enter", "k"):
            await look(*way.split())
            while len(seat.app.screen_stack) > 3:
                await seat.press("escape")
        for way in ("escape", "h", "c", "c end", "i down down enter", "o", "l", "t", "f", "v"):
            await look(*way.split())
            while len(seat.app.screen_stack) > 2:
                await seat.press("escape")
        everything = "\n".join(seen)
        assert "[bold red]x[/] [@click=app.bell]y[/]" in everything
        assert "‹U+001B›" in everything and "‹U+0000›" in everything

    Seat(desk, size).work(act)


@pytest.mark.slow
def test_nothing_of_a_case_reaches_the_title_the_clipboard_or_a_traceback(
    desk: Desk, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seat = Seat(desk)
    wrote: list[str] = []

    async def act(seat: Seat) -> None:
        driver = seat.app._driver
        assert driver is not None
        monkeypatch.setattr(driver, "write", wrote.append)
        await seat.press("enter", "o")
        await seat.type("typed", "ctrl+a", "ctrl+x", "ctrl+v", "ctrl+a", "ctrl+c")
        assert isinstance(seat.app.screen, CaseScreen)
        seat.app.copy_to_clipboard("typed")
        seat.app.action_screenshot()
        monkeypatch.setattr(Pages, "render_line", broken)
        with contextlib.suppress(ValueError):
            await seat.press("tab")
        while seat.app.failure is None:
            await asyncio.sleep(0.01)

    def broken(self: Pages, y: int) -> None:
        raise ValueError(STORY)

    with pytest.raises(ValueError, match="虚构"):
        seat.work(act)
    # Only the shape of the mouse's pointer: not the title (0, 2), not the clipboard (52).
    assert set(re.findall("\x1b\\]([0-9]*)", "".join(wrote))) <= {"22"}
    assert "typed" not in "".join(wrote)
    assert isinstance(seat.app.failure, ValueError)
    out, err = capfd.readouterr()
    assert "正文" not in out + err and "虚构" not in out + err


@pytest.mark.slow
def test_words_views_order_and_marks_choose_what_is_listed(desk: Desk) -> None:
    desk.judge(2, merit="", urgency="danger")
    with desk.working() as casebook:
        casebook.add_part(
            block_id=b"\x09" * 16,
            block_sha256="00" * 32,
            day=DAY,
            bundle=2,
            report=report("【虚构】銀行流水", claimant=3, kind="message"),
        )
        one, two, three = map(casebook.names.of, (1, 2, 3))

    async def act(seat: Seat) -> None:
        await seat.press("slash")
        shown = await seat.type("银行", "enter")
        assert three in shown and one not in shown and "with “银行”" in shown
        shown = await seat.press("escape", "v", *"new", "enter")
        assert "Never reviewed" in shown and "3 cases" in shown
        shown = await seat.press(
            "f", *"own.urg", "escape", "f", *"status", "enter", *"tri", "enter"
        )
        assert "status=st.triaged" in shown and two in shown and one not in shown
        assert "danger" in shown
        shown = await seat.press("w")
        await seat.type("mine-first", "enter")
        shown = await seat.press("escape", "r")
        assert shown.index(three) < shown.index(two) < shown.index(one)
        shown = await seat.press("space", "v", *"Mark", "enter")
        assert "Marked" in shown and three in shown and two not in shown
        shown = await seat.press("v", *"mine-f", "enter")
        assert "mine-first (saved)" in shown and two in shown and one not in shown
        await seat.press("escape", "f", *"files", "enter")
        shown = await seat.type("x", "enter")
        assert "files is a number" in shown and "3 cases" in shown
        await seat.press("slash")
        shown = await seat.type("。。", "enter")
        assert "no letter, digit or picture" in " ".join(shown.split())

    Seat(desk).work(act)


def test_without_a_terminal_there_is_a_sentence(line: Line) -> None:
    assert "needs a terminal" in line.refused("screen")


def test_a_terminal_that_cannot_draw_is_refused_and_one_that_lacks_characters_is_told(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screen, "at_terminal", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    assert "other commands work in it" in line.refused("screen")
    assert "no Chinese" in screen.hint({"TERM": "linux", "LANG": "en_US.UTF-8"})
    for good in (
        {"LANG": "zh_CN.utf8"},
        {"LC_ALL": "C.UTF-8"},
        {"LC_CTYPE": "C.UTF-8", "LANG": "x"},
    ):
        assert screen.hint({"TERM": "xterm", **good}) == ""
    for bad in ({}, {"LANG": "C", "LC_CTYPE": "C.UTF-8"}, {"LC_ALL": "zh_CN.GBK"}):
        assert "LANG=C.UTF-8" in screen.hint({"TERM": "xterm", **bad})


@pytest.mark.slow
def test_no_other_command_loads_what_draws_the_full_screen() -> None:
    for path in (*(ROOT / "scripts").rglob("*.py"), *(ROOT / "dropbox").rglob("*.py")):
        if path.parent.name != "full_screen":
            for node in ast.parse(path.read_bytes()).body:
                imported = (
                    ast.unparse(node) if isinstance(node, ast.Import | ast.ImportFrom) else ""
                )
                assert "textual" not in imported and "full_screen" not in imported, path


def test_a_long_name_is_never_cut(desk: Desk) -> None:
    async def act(seat: Seat) -> None:
        row = seat.app.queue.row(0)
        assert row is not None
        seat.app.queue._rows[1] = replace(row, outline=replace(row.outline, name="K7-QX4M-9TBX"))
        shown = await seat.press("down")
        assert "K7-QX4M-9TBX 0 d" in shown and "正文" in shown
        await seat.pilot.resize_terminal(LEAST_WIDTH, LEAST_HEIGHT)
        await seat.settle()
        assert any("K7-QX4M-9TBX" in line for line in seat.lines)

    Seat(desk).work(act)


@pytest.mark.slow
def test_the_labels_are_in_the_language_that_was_asked_for(desk: Desk) -> None:
    async def act(seat: Seat) -> None:
        assert "从未审过" in await seat.press("v")
        assert "可能成立，需跟进" in await seat.press("escape", "enter")

    Seat(desk, WIDE, "zh-Hans").work(act)


@pytest.mark.slow
def test_an_answer_is_written_warned_of_and_waits_in_the_outbox_until_taken_back(
    desk: Desk,
) -> None:
    story = "我的公众号在二零一九年被永久封禁了"
    with desk.working() as casebook:
        casebook.add_part(
            block_id=b"\x09" * 16,
            block_sha256="00" * 32,
            day=DAY,
            bundle=2,
            report=report(story, claimant=1, kind="message"),
        )
        first = casebook.names.of(1)

    async def act(seat: Seat) -> None:
        shown = await seat.press("enter", "a", "down", "enter")
        assert f"{first}: answer in zh-Hans" in shown
        await seat.press("escape", "a", "enter")
        await seat.type(f"您说：{story}。")
        await asyncio.sleep(0.2)
        await seat.settle()
        assert "This repeats 17 characters" in seat.shown
        shown = " ".join((await seat.press("ctrl+s")).split())
        assert f"Queue this answer to {first} in zh-Hans?" in shown and "repeats" in shown
        await seat.press("n", "a", "enter")
        await seat.type("谢谢您的来信。", "ctrl+s")
        assert not seat.app.queue.stale
        assert "leaves with the next export-replies" in await seat.press("y")
        assert seat.app.queue.stale
        shown = await seat.press("escape", "o")
        assert first in shown and "1 answer" in shown
        assert "谢谢您的来信。" in await seat.press("enter")
        assert "No answer is waiting." in await seat.press("escape", "x", "y")

    Seat(desk).work(act)

    assert [one for one in custody(desk) if one[0] == "answer"] == [("answer", first)] * 2


@pytest.mark.slow
def test_a_claimant_who_took_everything_back_gets_no_answer(desk: Desk) -> None:
    with desk.working() as casebook:
        casebook.add_part(
            block_id=b"\x09" * 16,
            block_sha256="00" * 32,
            day=DAY,
            bundle=2,
            report=report("", claimant=1, kind="withdrawal", category=""),
        )

    async def act(seat: Seat) -> None:
        shown = " ".join((await seat.press("enter", "a")).split())
        assert "took everything back; nothing is sent" in shown and "own words" not in shown

    Seat(desk).work(act)


@pytest.mark.slow
@pytest.mark.parametrize("size", [SMALL, MIDDLE])
def test_the_log_and_the_team_are_lists_without_plaintext(
    desk: Desk, size: tuple[int, int]
) -> None:
    desk.judge(1, merit="m3", urgency="danger", note=SECRET)
    with desk.working() as casebook:
        first = casebook.names.of(1)

    async def act(seat: Seat) -> None:
        assert "? all keys" in seat.shown
        shown = await seat.press("l")
        assert (
            "? all keys" in shown
            and "Custody log: " in shown
            and "label" in shown
            and first in shown
        )
        assert SECRET not in shown and "正文" not in shown
        shown = await seat.press("escape", "t")
        assert "reviewer-1 (you)" in shown and "reviewer-0" in shown and "m3" not in shown
        assert f" {desk.reviewer} " in shown
        assert "3 cases" in await seat.press("escape")

    Seat(Desk(desk.directory, 1), size).work(act)


@pytest.mark.slow
def test_the_original_its_translation_or_both_are_shown_and_cannot_be_taken_for_each_other(
    desk: Desk,
) -> None:
    long = "My account was closed in March and I lost the money that was in it. " * 3
    desk.translate(1, long, TRANSLATION)
    desk.file([1], again=1)

    async def act(seat: Seat) -> None:
        def translated() -> list[str]:
            return [line for line in seat.lines if "  │ " in line]

        both = await seat.press("enter")
        assert both.count("正文") == 2 and "account was closed" in both and len(translated()) > 2
        original = await seat.press("t")
        assert original.count("正文") == 2 and not translated() and "account" not in original
        translation = await seat.press("t")
        assert "正文" not in translation and translated() and "original alone" not in translation
        # The second part was never translated, and does not look as if it were empty.
        assert "there is no translation of this part" in translation
        assert await seat.press("t", "n", "p") == both
        assert "正文" in await seat.press("t", "t", "n", "p")
        assert "Nobody has given a translation" in await seat.press("n", "t")

    Seat(desk, MIDDLE).work(act)


@pytest.mark.parametrize("text", ["【虚构】😀", "a\x7fb", "\"'\\", "one\ntwo", "\u2028\x1b"])
def test_a_draft_is_a_sheet_whatever_is_typed_in_it(text: str) -> None:
    """A character outside of Unicode's first plane, escaped as JSON does it, is no TOML."""
    drafted = {"note": text, "tags": [text], "amounts": [{"what": text}], "harms": {"h1": text}}

    assert tomllib.loads(toml_of(drafted).decode()) == drafted
