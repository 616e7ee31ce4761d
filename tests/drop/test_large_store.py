"""A day of many slots leaves the store in steps, and a large pull delays no report."""

import threading
import time
from dataclasses import replace
from pathlib import Path

from support.day_stores import SMALL, TickClock, export_and_acknowledge, file_report, open_days

from dropbox.vault.block_store import DayState


def test_a_day_of_10_000_slots_leaves_without_stopping_reads_for_more_than_a_tick(
    tmp_path: Path,
) -> None:
    """While it leaves, another thread reads."""
    path, clock = tmp_path / "vault.sqlite", TickClock()
    limits = replace(SMALL, quantum=2_500, tick_slots=64, removal_slots=256)
    store = open_days(path, clock, limits=limits)
    for _ in range(3):
        store._writer.heads.free = []
        store.tick()
    assert store.days()[0].slots == 10_000
    clock.next_day()
    store.tick()
    export_and_acknowledge(store, 1)
    clock.next_day(8)
    store.confirm_clock()
    waits: list[float] = []
    stopped = threading.Event()
    filed, _ = file_report(store)

    def read() -> None:
        while not stopped.is_set():
            begun = time.monotonic()
            assert store.read(filed.id) == filed.data
            waits.append(time.monotonic() - begun)
            time.sleep(0.001)

    reader = threading.Thread(target=read)
    reader.start()
    ticks: list[float] = []
    while store.days()[0].state is not DayState.GONE:
        begun = time.monotonic()
        store.tick()
        ticks.append(time.monotonic() - begun)
    stopped.set()
    reader.join()
    store.close()
    print(f"{len(ticks)} ticks of at most {max(ticks):.3f} s, reads of at most {max(waits):.3f} s")

    assert len(ticks) >= 10_000 // 256
    assert max(waits) <= max(ticks) + 0.1


def test_a_pull_delays_no_report_by_more_than_a_tick(tmp_path: Path) -> None:
    """Two readers ask for block after block without a pause."""
    period = 0.5
    limits = replace(SMALL, quantum=256, tick_seconds=period, patience_seconds=30.0)
    store = open_days(tmp_path / "vault.sqlite", limits=limits)
    listed = store.snapshot()
    store.start()

    def waited(reports: int) -> list[float]:
        waits = []
        for _ in range(reports):
            begun = time.monotonic()
            file_report(store, 1)
            waits.append(time.monotonic() - begun)
        return waits

    quiet = waited(6)
    stopped, reads = threading.Event(), [0, 0]

    def pull(number: int) -> None:
        while not stopped.is_set():
            for slot in listed:
                store.read(slot.id)
                reads[number] += 1

    readers = [threading.Thread(target=pull, args=(number,)) for number in range(2)]
    for reader in readers:
        reader.start()
    busy = waited(6)
    stopped.set()
    for reader in readers:
        reader.join()
    store.close()
    print(f"quiet {max(quiet):.2f} s, during {sum(reads)} reads {max(busy):.2f} s")

    assert sum(reads) > 1_000
    assert max(busy) <= max(quiet) + period
