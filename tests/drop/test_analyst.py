"""A seized disk, read by somebody who knows the format: nothing above chance, unless it was the
first format's, or a journal that keeps what SQLite wrote there.
"""

import random
import shutil
import sqlite3
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from support import format_1
from support.analyst import Seized, by_day, ordered, together, told, traits
from support.day_stores import (
    START,
    TickClock,
    bundle_of,
    claim,
    open_days,
    piece,
    report,
    sealed_tombstone,
)

from dropbox.vault.journal import Journal, journal_path
from dropbox.vault.store_limits import StoreLimits

DAYS = 2
REPORTS = (0, 1, 10, 60, 300)
# Beyond this many deviations chance has no explanation: one in ten million for each trait.
CHANCE = 5.3
# By chance, each of the journal's 8,214 places holds the number of one of the file's 6,760 pages
# once in 2^32 / 6,760: more than three of them do once in a thousand million runs.
NAMED = 3
# With quanta of the usual size.
LIMITS = StoreLimits(quantum=256, tick_slots=64, queue_slots=64, removal_slots=8)


@dataclass
class Truth:
    """What really happened: the reports of each day in order, each with its slots' ids."""

    days: list[list[list[bytes]]] = field(default_factory=list)
    withdrawn: set[bytes] = field(default_factory=set)


def live(path: Path, reports: int, seed: int = 1) -> Truth:
    """Some days of a vault: reports with files, uploads that broke off, withdrawals, answers."""
    choose, clock, truth = random.Random(seed), TickClock(), Truth()
    store = open_days(path, clock, limits=LIMITS, tombstone=sealed_tombstone)
    for day in range(DAYS):
        filed: list[list[bytes]] = []
        for number in range(reports * day // DAYS, reports * (day + 1) // DAYS):
            secret = number.to_bytes(32, "big")
            pieces, block = [piece() for _ in range(choose.randrange(5))], report(secret)
            if pieces:
                store.put(pieces)
            store.commit(block, [claim(one, secret) for one in pieces])
            filed.append([one.id for one in (*pieces, block)])
            if number % 7 == 3:
                store.withdraw(secret)
                truth.withdrawn.update(filed[-1])
            if number % 20 == 5:
                broken = [piece() for _ in range(3)]
                store.put(broken)
                store.erase([(one.id, claim(one).preimage) for one in broken])
        truth.days.append(filed)
        tags = [choose.randbytes(16) for _ in range(20)]
        store.accept(bundle_of(day + 1, tags))
        store.forget_replies(tags[: reports % 20])
        clock.now += timedelta(days=1)
    # The desk that seizes it comes some ticks after midnight.
    for _ in range(3):
        store.tick()
    # As it is found: the vault was not stopped.
    for file in (path, journal_path(path)):
        shutil.copy(file, file.with_name("seized-" + file.name))
    store.close()
    return truth


def seized(path: Path) -> Seized:
    return Seized(path.with_name("seized-" + path.name))


def verdicts(found: Seized, truth: Truth, seed: int = 2) -> dict[str, float]:
    """For each question and trait, how far from chance the answer is."""
    shuffle, days = random.Random(seed), by_day(found)
    order = [sorted(days)[number] for number in range(DAYS)]
    taken = [{one for report in day for one in report} for day in truth.days]
    verdict = {}
    for name, values in traits(found).items():
        real = [(taken[number], days[order[number]] - taken[number]) for number in range(DAYS)]
        verdict[f"which, by {name}"] = told(values, real)
        gone = [(mine & truth.withdrawn, mine - truth.withdrawn) for mine in taken]
        verdict[f"withdrawn, by {name}"] = told(values, gone)
        files = [
            (
                {one for report in day if len(report) > 1 for one in report},
                {one for report in day if len(report) == 1 for one in report},
            )
            for day in truth.days
        ]
        verdict[f"with a file, by {name}"] = told(values, files)
        firsts = [[report[-1] for report in day] for day in truth.days]
        verdict[f"order, by {name}"] = ordered(values, firsts)
        grouped = [report for day in truth.days[:1] for report in day if report]
        if len(grouped) > 1:
            verdict[f"together, by {name}"] = together(
                values, grouped, lambda names: shuffle.sample(names, len(names))
            )
    return verdict


def test_a_seized_disk_tells_nothing_of_what_was_filed(tmp_path: Path) -> None:
    totals, worst = [], {}
    for reports in REPORTS:
        path = tmp_path / f"{reports}.sqlite"
        truth = live(path, reports)
        found = seized(path)
        totals.append(found.totals)
        assert found.named <= NAMED
        verdict = verdicts(found, truth)
        worst[reports] = max(verdict.items(), key=lambda pair: abs(pair[1]))
        assert {name: far for name, far in verdict.items() if abs(far) > CHANCE} == {}
        path.unlink()
        path.with_name("seized-" + path.name).unlink()
    print(totals[0])
    print(worst)

    # How many: whatever can be counted is the same after none and after sixty; three hundred are
    # more than a quantum a day.
    assert [total for total in totals[:4] if total != totals[0]] == []
    assert [count % LIMITS.quantum for count in totals[4]["slots of each day"]] == [0] * (DAYS + 1)


def test_a_journal_that_is_left_as_it_is_tells_which_and_which_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: it fails the check above."""
    monkeypatch.setattr(Journal, "scrub", lambda *_: None)
    monkeypatch.setattr(Journal, "fill", lambda _: None)
    path = tmp_path / "vault.sqlite"
    live(path, 60)
    found = seized(path)
    named = traits(found)["pages named in the journal"]
    written = {one for one, pages in named.items() if pages}
    print(f"{found.named} pages, {len(written)} slots named")

    assert found.named
    assert written


def test_free_slots_that_are_marked_tell_everything(tmp_path: Path) -> None:
    """The control: a list of the free slots on the disk fails the check above."""
    path = tmp_path / "vault.sqlite"
    truth = live(path, 60)
    found = seized(path)
    taken = [{one for report in day for one in report} for day in truth.days]
    marked = {slot.id: float(any(slot.id in day for day in taken)) for slot in found.slots}
    days = by_day(found)
    order = sorted(days)
    groups = [(taken[number], days[order[number]] - taken[number]) for number in range(DAYS)]

    assert told(marked, groups) > CHANCE


def test_the_first_format_told_how_many_which_day_and_which_were_pending(tmp_path: Path) -> None:
    """The control: the same questions to a file of the first format."""
    vault, day, truth = format_1.FirstVault(tmp_path / "vault.sqlite"), START.date(), []
    for number in range(10):
        blocks = [format_1.block() for _ in range(number % 4 + 1)]
        vault.file(day + timedelta(days=number), *blocks)
        truth.append({block_id for block_id, _ in blocks})
    left = [format_1.block() for _ in range(2)]
    vault.leave(day + timedelta(days=10), *left)
    connection = sqlite3.connect(vault.path)
    rows = connection.execute("SELECT day, id, expires = zeroblob(8) FROM slot").fetchall()
    connection.close()
    days: dict[str, set[bytes]] = {}
    for day, block_id, final in rows:
        if final:
            days.setdefault(day, set()).add(block_id)

    assert list(map(days.__getitem__, sorted(days))) == truth
    assert {block_id for _, block_id, final in rows if not final} == {one for one, _ in left}
