"""Backups of a desk of support.desks, and casebooks restored from them."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, datetime
from pathlib import Path

from fuzz.openpgp import NOW

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.snapshot import snapshot
from scripts.desk.casebook_backup import Backup, Restored, restore, write_backup
from support.desks import Desk

WORDS = "one two three four five six seven eight"
DAY = date(2026, 11, 24)


def back_up(desk: Desk, path: Path) -> Backup:
    with desk.working() as casebook:
        casebook.note("export", "backup")
        with snapshot(desk.directory, casebook) as found:
            return write_backup(found, path, WORDS, day=DAY, progress=lambda *_: None)


def at_work(directory: Path) -> AbstractContextManager[Casebook]:
    return Desk(directory, 0).working()


def bring_back(
    path: Path,
    to: Path,
    words: str = WORDS,
    *,
    now: datetime = NOW,
    working: Callable[[Path], AbstractContextManager[Casebook]] = at_work,
) -> Restored:
    return restore(path, to, words, now=now, working=working, progress=lambda *_: None)
