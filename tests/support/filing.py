"""Filings to a store in a process of their own, for tests that watch it or let its disk fail."""

import os
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from dropbox.errors import CannotStore, StoreError
from dropbox.sizes import BLOCK_BYTES
from dropbox.vault import database as module
from dropbox.vault.store import Pending, Store

__all__ = [
    "NOW",
    "TAG",
    "StoreError",
    "all_blocks",
    "file_some",
    "open_store",
    "report_blocks",
    "run_all",
    "steps",
]

TAG = b"t" * 16
NOW = datetime(2026, 11, 24, 10, 20, tzinfo=UTC)


def open_store(path: Path) -> Store:
    return Store.open(path, clock=lambda: NOW, pending_minutes=240)


def report_blocks(number: int) -> list[Pending]:
    """A report and its two files, the same in every process."""
    make = random.Random(number)
    return [Pending(make.randbytes(16), make.randbytes(BLOCK_BYTES)) for _ in range(3)]


def file_some(path: Path, reports: int) -> None:
    """In a separate process: print for each report whether it was stored."""
    store = open_store(path)
    for number in range(reports):
        report, *files = report_blocks(number)
        try:
            store.add_pending(files)
            store.commit(report, TAG, [(file.id, TAG) for file in files])
        except CannotStore:
            print("refused", number, flush=True)
        else:
            print("stored", number, flush=True)


def all_blocks() -> list[Pending]:
    """The same in every process."""
    make = random.Random(11)
    return [Pending(make.randbytes(16), make.randbytes(BLOCK_BYTES)) for _ in range(24)]


def steps() -> list[Callable[[Store], object]]:
    """Everything that can be done to blocks, twice."""
    b = all_blocks()

    def tagged(*some: Pending) -> list[tuple[bytes, bytes]]:
        return [(one.id, TAG) for one in some]

    return [
        lambda store: store.commit(b[0], TAG, []),
        lambda store: store.add_pending(b[1:4]),
        lambda store: store.commit(b[4], TAG, tagged(b[1], b[2])),
        lambda store: store.commit(b[5], TAG, []),
        lambda store: store.withdraw(tagged(b[0])),
        lambda store: store.add_pending(b[6:12]),
        lambda store: store.abandon([b[3].id, b[7].id]),
        lambda store: store.commit(b[12], TAG, tagged(b[6], b[8], b[9])),
        lambda store: store.commit(b[13], TAG, []),
        lambda store: store.withdraw(tagged(b[4], b[1], b[2], b[13])),
        lambda store: store.add_pending(b[14:20]),
        lambda store: store.commit(b[20], TAG, tagged(*b[14:20])),
        lambda store: store.next_export("c"),
        lambda store: store.commit(b[21], TAG, []),
    ]


def run_all(path: Path, synchronous: str) -> None:
    """In a separate process: do every step, and print a line after each."""
    level = {"OFF": 0, "NORMAL": 1, "FULL": 2}[synchronous]
    module.PRAGMAS = tuple(
        (name, synchronous, level) if name == "synchronous" else (name, value, found)
        for name, value, found in module.PRAGMAS
    )
    store = Store.open(
        path, clock=lambda: NOW, pending_minutes=240, randbelow=random.Random(5).randrange
    )
    for step in steps():
        step(store)
        os.write(1, b"done\n")
