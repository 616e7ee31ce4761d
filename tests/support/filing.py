"""What is done to a store of days in a process of its own, for tests that cut its power."""

import os
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from dropbox.errors import CannotStore
from dropbox.vault import slot_schema
from dropbox.vault.block_store import Block
from dropbox.vault.day_store import DayStore
from support.day_stores import (
    SECRET,
    SMALL,
    START,
    TickClock,
    bundle_of,
    claim,
    open_days,
    owned,
    piece,
    report,
    tombstone,
)

LIMITS = replace(SMALL, tick_slots=8, queue_slots=16)

Step = Callable[[DayStore, TickClock], object]


def make_steps() -> list[Step]:
    """Everything that can be done, the same in every process."""
    make = random.Random(11).randbytes
    reports = [report(make=make) for _ in range(6)]
    theirs = report(b"o" * 32, make=make)
    files = [[piece(make) for _ in range(number)] for number in (1, 3, 6, 4)]
    tags = [make(16) for _ in range(3)]

    def filed(number: int, pieces: int | None = None) -> Step:
        def step(store: DayStore, clock: TickClock) -> None:
            mine = [] if pieces is None else files[pieces]
            if mine:
                store.put(mine)
            store.commit(reports[number], [claim(one) for one in mine])

        return step

    def left(store: DayStore, clock: TickClock) -> None:
        store.put(files[3])
        store.tick()
        store.erase([(one.id, claim(one).preimage) for one in files[3]])

    def next_day(store: DayStore, clock: TickClock) -> None:
        clock.next_day()
        store.tick()

    return [
        filed(0),
        filed(1, 0),
        lambda store, clock: store.commit(theirs, []),
        filed(2, 1),
        lambda store, clock: store.erase([owned(reports[0])]),
        filed(3, 2),
        lambda store, clock: store.accept(bundle_of(1, tags)),
        left,
        lambda store, clock: store.tick(),
        next_day,
        filed(4),
        lambda store, clock: store.forget_replies(tags[:1]),
        lambda store, clock: store.keep_key(clock().date(), b"key" * 400),
        lambda store, clock: store.withdraw(SECRET),
        filed(5),
    ]


def run_steps(path: Path, synchronous: str, after: Callable[[], object]) -> None:
    """Do every step, and call *after* each."""
    level = {"OFF": 0, "NORMAL": 1, "FULL": 2}[synchronous]
    slot_schema.PRAGMAS = tuple(
        (name, synchronous, level) if name == "synchronous" else (name, value, found)
        for name, value, found in slot_schema.PRAGMAS
    )
    clock = TickClock(START)
    store = open_days(path, clock, limits=LIMITS, tombstone=tombstone)
    for step in make_steps():
        step(store, clock)
        after()


def run_all(path: Path, synchronous: str) -> None:
    """In a separate process: do every step, and print a line after each."""
    run_steps(path, synchronous, lambda: os.write(1, b"done\n"))


def file_some(path: Path, reports: int) -> None:
    """In a separate process: print for each report, with two pieces, whether it was stored."""
    clock = TickClock(START)
    store = open_days(path, clock, limits=LIMITS)
    for number in range(reports):
        one, *files = known_blocks(number)
        try:
            store.put(files)
            store.commit(one, [claim(file) for file in files])
        except CannotStore:
            print("refused", number, flush=True)
        else:
            print("stored", number, flush=True)


def known_blocks(number: int) -> list[Block]:
    """A report and its two pieces, the same in every process."""
    make = random.Random(number).randbytes
    return [report(make=make), piece(make), piece(make)]
