"""What files can take of a day and of the disk: reports are still stored when files are refused."""

from dataclasses import replace
from pathlib import Path

import pytest
from support.day_stores import (
    SMALL,
    TickClock,
    claim,
    export_and_acknowledge,
    open_days,
    piece,
    report,
)
from support.front import Front
from support.report_form import TEXT, problems, report_page, send

from dropbox.errors import NoRoomForFiles
from dropbox.vault.block_store import DayState, NoRoom
from dropbox.vault.day_store import DayStore
from dropbox.vault.intake_routes import create_intake
from dropbox.vault.slot_file import SlotFile
from dropbox.vault.tick_writer import SLOT_DISK_BYTES
from scripts.rehearsal.claimant import File

LIMITS = replace(SMALL, file_slots=20)


@pytest.fixture
def clock() -> TickClock:
    return TickClock()


def opened(path: Path, clock: TickClock) -> DayStore:
    return open_days(path / "vault.sqlite", clock, limits=LIMITS)


def put(store: DayStore, count: int) -> None:
    store.put([piece() for _ in range(count)])
    store.tick()


def test_files_take_a_days_slots_and_reports_still_come(tmp_path: Path, clock: TickClock) -> None:
    store = opened(tmp_path, clock)
    one = piece()
    store.put([one])
    put(store, 16)
    store.put([piece() for _ in range(3)])  # they wait for a tick, and count
    with pytest.raises(NoRoomForFiles):
        store.put([piece()])
    filed = report()
    store.commit(filed, [claim(one)])

    assert store.read(filed.id) is not None
    with pytest.raises(NoRoomForFiles):
        put(store, 1)
    clock.next_day()
    store.tick()
    put(store, 10)
    store.close()


def test_reports_count_and_a_batch_is_refused_as_a_whole(tmp_path: Path, clock: TickClock) -> None:
    store = opened(tmp_path, clock)
    for _ in range(5):
        store.commit(report(), [])
    with pytest.raises(NoRoomForFiles):
        put(store, 16)
    put(store, 15)
    store.close()


def test_after_a_restart_all_of_todays_slots_count_as_taken(
    tmp_path: Path, clock: TickClock
) -> None:
    store = opened(tmp_path, clock)
    put(store, 1)
    store.close()
    again = opened(tmp_path, clock)
    # One quantum of eight was written before.
    put(again, 12)
    with pytest.raises(NoRoomForFiles):
        put(again, 1)
    again.commit(report(), [])
    again.close()


def test_on_a_disk_that_fills_files_are_refused_before_reports(
    tmp_path: Path, clock: TickClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_days(tmp_path / "vault.sqlite", clock, limits=replace(SMALL, kept_slots=30))
    monkeypatch.setattr(SlotFile, "room", lambda _: 24 * SLOT_DISK_BYTES)
    put(store, 2)  # eight slots are free, and there is room for 24
    with pytest.raises(NoRoomForFiles):
        put(store, 1)
    for _ in range(6):
        store.commit(report(), [])
    assert store.trouble() is None
    monkeypatch.setattr(SlotFile, "room", lambda _: 0)
    with pytest.raises(NoRoom):
        for _ in range(30):
            store.commit(report(), [])
    # The next report that comes finds out that there is room again.
    monkeypatch.setattr(SlotFile, "room", lambda _: 64 * SLOT_DISK_BYTES)
    store.commit(report(), [])
    store.close()


def test_the_slots_of_a_day_that_left_are_room_for_files_and_for_days_to_come(
    tmp_path: Path, clock: TickClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_days(tmp_path / "vault.sqlite", clock)
    clock.next_day()
    export_and_acknowledge(store, 1)
    for _ in range(SMALL.retention.grace_days + 1):
        clock.next_day()
        store.tick()
    for _ in range(3):
        store.tick()
    assert store.days()[0].state is DayState.GONE
    # On a full disk, today's slots are left, and those eight: as many as a day has taken.
    monkeypatch.setattr(SlotFile, "room", lambda _: 0)

    assert store.condition().days_left == 1
    put(store, 9)
    store.close()


def test_the_front_is_told_that_it_is_files_that_have_no_room(
    tmp_path: Path, clock: TickClock
) -> None:
    store = opened(tmp_path, clock)
    put(store, 20)
    block = piece()
    intake = create_intake(store, clock=clock).test_client()
    answer = intake.post("/put", data=block.id + block.erase_hash + block.data)

    assert (answer.status_code, answer.data) == (429, b"")
    store.close()


def test_a_claimant_sends_the_text_without_the_files_for_which_there_is_no_room(
    front: Front,
) -> None:
    with front.browser() as browser:
        front.vault.fail_at("put", NoRoomForFiles())
        refused = send(browser, report_page(browser), [File("a.bin", "", b"file")])
        assert refused.status == 503 and "今天没有空间接收更多文件" in problems(refused)
        assert refused.form().value("text") == TEXT and "a.bin" in refused.text

        assert send(browser, refused, act="without").status == 200
    (filed,) = front.reports()
    assert filed.attachments == ()
