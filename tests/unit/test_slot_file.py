"""What a tick writes to the disk: the same kind of bytes in the same places, whatever it holds."""

import gc
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from support.chances import chance_of_uniform
from support.day_stores import (
    SECRET,
    SMALL,
    START,
    TickClock,
    bundle_of,
    file_report,
    held,
    open_days,
    piece,
    rows_of,
    sealed_tombstone,
)
from support.durable import steps

from dropbox.errors import CannotStore, StoreError
from dropbox.export_bundle import AcceptedReplies
from dropbox.sizes import BLOCK_BYTES
from dropbox.vault import slot_schema as module
from dropbox.vault.block_store import NoRoom
from dropbox.vault.day_calendar import Ledger
from dropbox.vault.day_store import DayStore
from dropbox.vault.journal import HEADER_BYTES, Journal, journal_path
from dropbox.vault.random_fill import random_fill
from dropbox.vault.slot_file import SlotFile
from dropbox.vault.slot_heads import Head
from dropbox.vault.slot_schema import HEAD_BYTES, PAGE_BYTES, PRAGMAS
from dropbox.vault.tick_changes import Changes, Row

RECORD_BYTES = PAGE_BYTES + 8


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.sqlite"


def changed_end(before: bytes, after: bytes) -> int:
    """Up to where two versions of a file differ."""
    assert len(before) == len(after)
    step = 4_096
    starts = range(0, len(before), step)
    changed = [at for at in starts if before[at : at + step] != after[at : at + step]]
    return min(max(changed, default=-step) + step, len(before))


@pytest.mark.slow
def test_what_fills_a_file_is_random_and_never_the_same_twice() -> None:
    filled = [random_fill(BLOCK_BYTES) for _ in range(64)]

    assert {len(one) for one in filled} == {BLOCK_BYTES}
    together = b"".join(filled)
    parts = [together[at : at + 16] for at in range(0, len(together), 16)]
    assert len(set(parts)) == len(parts)
    assert chance_of_uniform(list(Counter(together).values())) > 1e-6


# --- The journal ---


@pytest.mark.slow
def test_the_journal_has_its_full_size_from_the_start_and_keeps_it(path: Path) -> None:
    store = open_days(path)
    size = journal_path(path).stat().st_size
    assert size == HEADER_BYTES + SMALL.journal_pages * RECORD_BYTES
    for number in range(8):
        file_report(store, 4 * number)
    store.accept(bundle_of(1, [os.urandom(16) for _ in range(256)]))
    store.withdraw(SECRET)

    assert journal_path(path).stat().st_size == size
    store.close()
    assert journal_path(path).stat().st_size == size


def test_a_journal_that_had_no_room_at_the_start_grows_when_a_day_begins(path: Path) -> None:
    clock = TickClock()
    store = open_days(path, clock)
    full = journal_path(path).stat().st_size
    os.truncate(journal_path(path), HEADER_BYTES + 5 * RECORD_BYTES)
    store.tick()
    file_report(store, 3)
    assert journal_path(path).stat().st_size < full
    clock.next_day()
    store.tick()

    assert journal_path(path).stat().st_size == full
    store.close()


@pytest.mark.long
def test_all_of_a_journal_that_was_left_behind_is_overwritten(path: Path) -> None:
    """One of a vault with larger quanta is longer than this vault's own ever is."""
    open_days(path).close()
    journal = journal_path(path)
    left = b"what an earlier run left" * (2 * journal.stat().st_size // 24)
    journal.write_bytes(bytes(HEADER_BYTES) + left)
    store = open_days(path)

    assert journal.stat().st_size == HEADER_BYTES + len(left)
    assert b"earlier run" not in journal.read_bytes()
    store.close()


def test_a_link_in_the_place_of_the_journal_is_not_followed(path: Path, tmp_path: Path) -> None:
    open_days(path).close()
    journal_path(path).unlink()
    (tmp_path / "other").write_bytes(b"somebody's")
    journal_path(path).symlink_to(tmp_path / "other")
    with pytest.raises(StoreError):
        open_days(path)

    assert (tmp_path / "other").read_bytes() == b"somebody's"


def test_a_short_journal_is_overwritten_and_does_not_grow(path: Path) -> None:
    """On a full disk; one that grew with each tick would tell how much was written."""
    journal_path(path).write_bytes(bytes(HEADER_BYTES) + b"left" * 100)
    journal = Journal(path, page_bytes=PAGE_BYTES, pages=4)
    journal.scrub(3)
    content = journal_path(path).read_bytes()

    assert len(content) == HEADER_BYTES + 400
    assert content[:HEADER_BYTES] == bytes(HEADER_BYTES) and b"left" not in content
    journal.fill()
    assert journal_path(path).stat().st_size == HEADER_BYTES + 4 * RECORD_BYTES
    journal.close()


@pytest.mark.slow
def test_between_ticks_the_journal_is_a_header_of_zeros_and_random_bytes(path: Path) -> None:
    store = open_days(path, tombstone=sealed_tombstone)
    file_report(store, 20)
    store.withdraw(SECRET)
    content = journal_path(path).read_bytes()
    store.close()
    counts = Counter(content[HEADER_BYTES:])

    assert content[:HEADER_BYTES] == bytes(HEADER_BYTES)
    assert chance_of_uniform([counts[value] for value in range(256)]) > 1e-6


@pytest.mark.long
def test_nothing_of_what_a_tick_replaced_is_in_the_journal(path: Path) -> None:
    store = open_days(path, tombstone=sealed_tombstone)
    filed, pieces = file_report(store, 6)
    store.withdraw(SECRET)
    content = journal_path(path).read_bytes() + path.read_bytes()
    store.close()

    for one in (filed, *pieces):
        found = [at for at in range(0, BLOCK_BYTES - 24, 499) if one.data[at : at + 24] in content]
        assert found == []


@pytest.mark.long
def test_sqlite_writes_no_further_into_the_journal_than_is_overwritten(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal is read after SQLite's COMMIT, before it is overwritten."""
    clock = TickClock()
    store = open_days(path, clock)
    written: list[tuple[int, int]] = []
    plain = store._file._journal.scrub
    before = journal_path(path).read_bytes()

    def watched(pages: int) -> None:
        nonlocal before
        after = journal_path(path).read_bytes()
        # Compared in steps of 4,096 bytes.
        written.append((changed_end(before, after) - 4_096, HEADER_BYTES + pages * RECORD_BYTES))
        plain(pages)
        before = journal_path(path).read_bytes()

    monkeypatch.setattr(store._file._journal, "scrub", watched)
    store.tick()
    for number in range(12):
        file_report(store, 3 * number)
        store.keep_key(START.date(), os.urandom(1_200 * number))
    for number in range(1, 5):
        store.accept(bundle_of(number, [os.urandom(16) for _ in range(100)]))
    store.withdraw(SECRET)
    for _ in range(92):
        clock.next_day()
        store.tick()
    for _ in range(20):
        store.tick()
    store.close()

    assert len(written) > 100 and max(end for end, _ in written) > 100 * RECORD_BYTES
    assert [pair for pair in written if pair[0] > pair[1]] == []


def test_a_journal_that_sqlite_still_needs_is_left_alone(path: Path) -> None:
    """As after a ROLLBACK that failed, when only the next start can put the pages back."""
    store = open_days(path)
    journal = store._file._journal
    journal._write(0, b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7")
    needed = journal_path(path).read_bytes()
    journal.scrub(10)
    journal.fill()

    assert journal_path(path).read_bytes() == needed
    journal._write(0, bytes(8))
    journal.scrub(1)
    assert changed_end(needed, journal_path(path).read_bytes()) > HEADER_BYTES + 9 * RECORD_BYTES
    store.close()


# --- The file ---


def test_an_arrival_changes_a_slot_in_place_and_nothing_else(path: Path) -> None:
    store = open_days(path)
    store.tick()
    before = path.read_bytes()
    filed, _ = file_report(store)
    after = path.read_bytes()
    store.close()
    pages = [
        at // PAGE_BYTES
        for at in range(0, len(before), PAGE_BYTES)
        if before[at : at + PAGE_BYTES] != after[at : at + PAGE_BYTES]
    ]
    changed = sum(one != other for one, other in zip(before, after, strict=True))

    assert len(before) == len(after)
    # The slot's leaf and its eight overflow pages, and the ledger's.
    assert len(pages) == 10
    assert abs(changed - BLOCK_BYTES * 255 / 256) < 1_000
    assert filed.id in after


def test_a_tick_without_anything_writes_as_well(path: Path) -> None:
    store = open_days(path)
    before, times = path.read_bytes(), path.stat().st_mtime_ns
    time.sleep(0.02)
    store.tick()

    assert path.read_bytes() != before and path.stat().st_mtime_ns > times
    store.close()


def test_nothing_but_a_tick_touches_the_files(path: Path) -> None:
    """Neither an arrival nor a look-up changes a byte or a time of them."""
    store = open_days(path)
    filed, pieces = file_report(store, 3)
    store.accept(bundle_of(1, [b"t" * 16]))

    def looks() -> list[tuple[int, ...]]:
        found = [file.stat() for file in (path, journal_path(path))]
        return [(one.st_size, one.st_atime_ns, one.st_mtime_ns, one.st_ctime_ns) for one in found]

    before = looks()
    time.sleep(0.02)
    store.put([piece()])
    for one in (filed, *pieces):
        store.read(one.id)
    assert store.replies([b"t" * 16, b"u" * 16])
    store.snapshot()
    store.days()
    store.check()

    assert looks() == before
    store.close()


def test_settling_sets_the_times_of_both_files_and_none_of_a_reading(path: Path) -> None:
    store = open_days(path)
    files = (path, journal_path(path))
    for file in files:
        os.utime(file, (2_000_000_000, 1_000_000_000))
    before = time.time()
    store._file.settle()
    found = [file.stat() for file in files]
    store.close()

    assert all(before <= one.st_mtime <= time.time() and one.st_atime == 0 for one in found)
    path.unlink()
    store._file.settle()  # the next tick finds out that the file is gone


def test_the_number_of_ticks_is_not_in_the_file(path: Path) -> None:
    """SQLite counts transactions in the header: with exclusive locking only when it grows."""
    store = open_days(path, limits=replace(SMALL, quantum=64))

    def counter() -> bytes:
        return path.read_bytes()[24:28]

    before = counter()
    for _ in range(10):
        file_report(store, 1)

    assert counter() == before
    store.close()


@pytest.mark.long
@pytest.mark.parametrize("files", [0, 7, 60])
def test_the_tables_look_the_same_whatever_was_filed(tmp_path: Path, files: int) -> None:
    shapes = []
    for name, number in (("empty", 0), ("filed", files)):
        path = tmp_path / name
        store = open_days(path, limits=replace(SMALL, quantum=128))
        file_report(store, number)
        store.close()
        query = "SELECT place, typeof(head), length(head), typeof(bytes), length(bytes) FROM slot"
        shapes.append(
            (path.stat().st_size, rows_of(path, query), rows_of(path, "PRAGMA freelist_count"))
        )

    assert shapes[0] == shapes[1]


@pytest.mark.long
def test_the_bytes_of_taken_and_free_slots_have_the_same_statistics(path: Path) -> None:
    """Of random blocks, as the front's are: values, pairs of bits, repeats between slots."""
    store = open_days(path, limits=replace(SMALL, quantum=256, tick_slots=128))
    filed = [file_report(store, 10) for _ in range(11)]
    taken = {one.id for report, pieces in filed for one in (report, *pieces)}
    store.close()
    slots = list(held(path).values())
    kinds = {
        "taken": [slot for slot in slots if slot.id in taken],
        "free": [slot for slot in slots if slot.id not in taken],
    }

    assert {name: len(found) for name, found in kinds.items()} == {"taken": 121, "free": 135}
    for found in kinds.values():
        for part in ("data", "id", "erase_hash", "sha256"):
            counts = Counter(b"".join(getattr(slot, part) for slot in found))
            assert chance_of_uniform([counts[value] for value in range(256)]) > 1e-6
    assert len({slot.data[at : at + 16] for slot in slots for at in (0, 30_000)}) == 512


def test_erased_forgotten_and_left_slots_are_no_other_than_the_rest(path: Path) -> None:
    store = open_days(path, tombstone=sealed_tombstone)
    file_report(store, 3)
    store.withdraw(SECRET)
    store.accept(bundle_of(1, [b"t" * 16]))
    store.forget_replies([b"t" * 16])
    store.close()
    days = rows_of(path, "SELECT DISTINCT substr(head, 1, 4) FROM slot")
    lasts = rows_of(path, "SELECT DISTINCT substr(head, 1, 4), count(*) FROM reply")

    assert len(days) == 1 and len(lasts) == 1 and lasts[0][1] == 256
    assert b"t" * 16 not in path.read_bytes()


@pytest.mark.slow
def test_years_of_ticks_take_no_memory(path: Path) -> None:
    store = open_days(path)
    ledger = store._file.ledger
    rows = {place: Row(head, bytes(BLOCK_BYTES)) for place, head in enumerate(store._file.heads())}
    assert len(rows) == SMALL.quantum

    def blocks_of_memory() -> int:
        # Without what Python keeps to use it again, which the collector frees.
        gc.collect()
        return sys.getallocatedblocks()

    before = blocks_of_memory()
    ticks = 40
    for _ in range(ticks):
        store._file.write(Changes(rows), ledger, lambda: None)

    # One block for each tick, of 96 bytes, would be 8 MB a day.
    assert blocks_of_memory() - before < ticks
    store.close()


# --- Opening ---


@pytest.mark.slow
def test_another_process_cannot_open_the_same_file(path: Path) -> None:
    """A second start would take away the first one's slots."""
    store = open_days(path)
    program = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], timeout=0);"
        "c.execute('SELECT count(*) FROM slot')"
    )
    done = subprocess.run(
        ["python3", "-c", program, str(path)], capture_output=True, text=True, check=False
    )

    assert "database is locked" in done.stderr
    store.close()


# Each setting but auto_vacuum, with another value. SQLite can have been built with ours as default,
# so only the list says that a setting was left out.
OTHER_SETTINGS = {
    "locking_mode": "NORMAL",
    "journal_mode": "TRUNCATE",
    "journal_size_limit": "0",
    "secure_delete": "OFF",
    "temp_store": "FILE",
    "synchronous": "NORMAL",
    "trusted_schema": "ON",
    "cache_spill": "ON",
}


def test_every_setting_is_made() -> None:
    assert {name for name, _, _ in PRAGMAS} == {"auto_vacuum", *OTHER_SETTINGS}


@pytest.mark.parametrize("name", OTHER_SETTINGS)
def test_a_setting_that_sqlite_ignores_stops_the_start(
    path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = tuple(
        (one, OTHER_SETTINGS[one] if one == name else value, found) for one, value, found in PRAGMAS
    )
    monkeypatch.setattr(module, "PRAGMAS", changed)
    with pytest.raises(StoreError, match=f"ignores the setting {name}"):
        open_days(path)


# What a disk does to a row asks for no permission.
UNCHECKED = "PRAGMA ignore_check_constraints = ON;"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("PRAGMA user_version = 2", "another version of Casedrop \\(schema 2\\)"),
        ("CREATE INDEX told ON slot (head)", "is not a vault's file"),
        ("CREATE TRIGGER t AFTER UPDATE ON ledger BEGIN SELECT 1; END", "is not a vault's file"),
        ("DROP TABLE day_key", "is not a vault's file"),
        ("DELETE FROM slot WHERE place = 3", "its slots cannot be read"),
        (f"{UNCHECKED} UPDATE slot SET head = x'00' WHERE place = 3", "its slots cannot be read"),
        ("DELETE FROM ledger", "damaged"),
    ],
)
def test_a_file_that_is_not_as_it_should_be_is_refused_with_a_sentence(
    path: Path, change: str, sentence: str
) -> None:
    open_days(path).close()
    connection = sqlite3.connect(path)
    connection.executescript(change)
    connection.close()
    # The error is kept, and with it whatever it still holds.
    with pytest.raises(StoreError, match=sentence) as refused:
        open_days(path)
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as mending:
        mending.execute("BEGIN EXCLUSIVE")
    del refused


def test_a_slot_of_another_length_is_not_given_out(path: Path) -> None:
    store = open_days(path)
    filed, _ = file_report(store)
    store.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as damaging:
        damaging.execute(UNCHECKED)
        damaging.execute("UPDATE slot SET bytes = zeroblob(5)")
    again = open_days(path)
    with pytest.raises(CannotStore):
        again.read(filed.id)
    again.close()


@pytest.mark.parametrize("length", [HEAD_BYTES - 1, HEAD_BYTES + 1])
def test_a_row_of_another_length_is_not_written_over_one(path: Path, length: int) -> None:
    """A shorter one would leave the end of what was there before."""
    store = open_days(path)
    before, ledger = list(store._file.heads()), store._file.ledger
    with pytest.raises(CannotStore):
        store._file.write(Changes({0: Row(bytes(length), None)}), ledger, lambda: None)

    assert list(store._file.heads()) == before
    store.close()


def as_version_3(path: Path, *more: str) -> None:
    """Make *path* a vault's file that knows the number of each sender's newest bundle alone."""
    open_days(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "DROP TABLE accepted; CREATE TABLE accepted (desk INTEGER, reviewer TEXT, number "
            "INTEGER NOT NULL, PRIMARY KEY (desk, reviewer)) STRICT, WITHOUT ROWID; "
            "INSERT INTO accepted VALUES (0, 'A', 2), (3, 'B', 70); PRAGMA user_version = 3;"
            + "".join(more)
        )


def test_a_file_of_version_3_is_brought_up_with_all_that_it_took(path: Path) -> None:
    as_version_3(path)
    taken = [AcceptedReplies(0, "A", number) for number in (1, 2)]
    taken += [AcceptedReplies(3, "B", number) for number in range(7, 71)]
    for _ in range(2):
        store = open_days(path)
        assert store.accepted() == taken
        store.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (4,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_file_of_version_3_that_is_not_a_vaults_stays_as_it_is(path: Path) -> None:
    as_version_3(path, "CREATE TRIGGER t AFTER UPDATE ON ledger BEGIN SELECT 1; END;")
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"another version of Casedrop \(schema 3\)"):
        open_days(path)
    assert path.read_bytes() == before


def test_what_is_no_database_is_refused_with_a_sentence(path: Path) -> None:
    path.write_bytes(b"not a database" * 1_000)
    with pytest.raises(StoreError, match="damaged"):
        open_days(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(StoreError, match="cannot be opened"):
        open_days(path)


def test_a_link_in_the_place_of_the_file_is_refused_with_a_sentence(path: Path) -> None:
    path.symlink_to("/dev/null")
    with pytest.raises(StoreError, match="cannot be opened"):
        open_days(path)


def test_a_new_file_has_its_name_when_it_is_on_the_disk(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut while it is made leaves a whole file or none."""
    with monkeypatch.context() as patch:
        done = steps(patch)
        open_days(path).close()

    size = done[0][2]
    assert size is not None and size > 4 * 4_096
    assert done[:3] == [
        ("fsync", "vault.sqlite.part", size),
        ("rename", "vault.sqlite", size),
        ("fsync", path.parent.name, None),
    ]


def test_a_new_file_replaces_what_a_broken_start_left(path: Path, tmp_path: Path) -> None:
    """SQLite would play an old journal back into the new file."""
    other = tmp_path / "other.sqlite"
    open_days(other).close()
    with closing(sqlite3.connect(other, isolation_level=None)) as database:
        database.execute("PRAGMA cache_size = 1")  # so that changed pages are not kept in memory
        database.execute("BEGIN")
        database.execute("UPDATE slot SET bytes = zeroblob(65536)")
        journal = journal_path(other).read_bytes()
        database.execute("ROLLBACK")
    assert any(journal[:HEADER_BYTES]), "the control: SQLite would play it back"
    path.with_name(path.name + ".part").write_bytes(b"half")
    journal_path(path).write_bytes(journal)
    store = open_days(path)
    filed, _ = file_report(store)
    store.close()

    assert held(path)[filed.id].data == filed.data
    assert not path.with_name(path.name + ".part").exists()


def test_an_empty_file_becomes_a_vaults_file(path: Path) -> None:
    path.touch(0o644)
    open_days(path).close()

    assert held(path) and path.stat().st_mode & 0o777 == 0o600


def test_the_files_are_for_their_owner_alone(path: Path) -> None:
    open_days(path).close()

    assert {oct(file.stat().st_mode & 0o777) for file in (path, journal_path(path))} == {"0o600"}


# --- The ledger ---


def ledger_of(path: Path) -> bytes:
    ((ledger,),) = rows_of(path, "SELECT bytes FROM ledger")
    assert isinstance(ledger, bytes)
    return ledger


@contextmanager
def syncs(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names of the files that Python syncs; SQLite's own are not among them."""
    found: list[str] = []
    plain = os.fdatasync

    def fdatasync(descriptor: int) -> None:
        found.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        plain(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", fdatasync)
        yield found


def test_a_tick_without_changes_syncs_once_and_leaves_a_whole_file_with_another_ledger(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_days(path)
    filed, _ = file_report(store, 2)
    seen = []
    statements: list[str] = []
    store._file._connection.set_trace_callback(statements.append)
    with syncs(monkeypatch) as synced:
        for _ in range(5):
            store.tick()
            seen.append(store._file.ledger)
            # As it is now on the disk, whatever SQLite keeps in memory.
            assert path.read_bytes().count(seen[-1]) == 1
    # The first also has the journal that the report used overwritten on the disk.
    assert synced == [path.name, journal_path(path).name, *[path.name] * 4] and not statements
    file_report(store, 1)
    assert statements
    store.close()

    assert len(set(seen)) == 5 and len({one[:20] for one in [*seen, ledger_of(path)]}) == 1
    assert filed.id in held(path)


def test_a_ledger_is_replaced_only_by_one_that_says_the_same(path: Path) -> None:
    """So no power cut in the middle of the write leaves one that says something else."""
    store = open_days(path)
    before = store._file.ledger
    cell = store._file._cell
    for at in (0, 15, 16, 19):
        other = before[:at] + bytes([before[at] ^ 1]) + before[at + 1 :]
        assert not cell.replace(before, other)
        # Nor is anything written over what is not there.
        assert not cell.replace(other, before)
    assert not cell.replace(before[:-1] + bytes([before[-1] ^ 1]), before)
    assert path.read_bytes().count(before) == 1

    after = bytes(Ledger.of(before))
    assert cell.replace(before, after)
    assert path.read_bytes().count(after) == 1 and after != before
    for cut in range(len(after) + 1):
        assert Ledger.of(after[:cut] + before[cut:]) == Ledger.of(before)
    store.close()


def test_a_ledger_that_was_changed_by_somebody_else_is_written_by_a_transaction(path: Path) -> None:
    store = open_days(path)
    store.tick()
    kept = store._file.ledger
    with path.open("r+b") as file:
        file.seek(path.read_bytes().index(kept) + len(kept) - 1)
        file.write(bytes([kept[-1] ^ 1]))
    statements: list[str] = []
    store._file._connection.set_trace_callback(statements.append)
    store.tick()
    assert statements
    statements.clear()
    store.tick()
    store.close()

    assert not statements
    assert Ledger.of(ledger_of(path)) == Ledger.of(kept)


@pytest.mark.parametrize("name", ["pwrite", "fdatasync", "pread"])
def test_a_disk_that_fails_under_the_ledger_fails_the_tick_and_the_next_one_works(
    path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_days(path)
    filed, _ = file_report(store, 2)
    statements: list[str] = []
    store._file._connection.set_trace_callback(statements.append)

    def fails(*_: object) -> int:
        raise OSError

    with monkeypatch.context() as patched:
        patched.setattr(os, name, fails)
        for _ in range(2):
            if name == "fdatasync":
                # It is written and may not be on the disk: a transaction puts it there.
                store.withdraw(b"other" * 6)
                assert "BEGIN IMMEDIATE" in statements
            else:
                with pytest.raises(CannotStore):
                    store.withdraw(b"other" * 6)
                assert "BEGIN IMMEDIATE" not in statements
    store.withdraw(b"other" * 6)
    file_report(store, 2)
    store.close()

    assert filed.id in held(path)


# --- Failures ---


class Failing:
    """Lets the file's writes fail while *how* says so: before or after all is written."""

    def __init__(self, store: DayStore, monkeypatch: pytest.MonkeyPatch) -> None:
        self.how: str | None = None
        self.count = 0
        plain = store._file._transaction

        @contextmanager
        def transaction() -> Iterator[sqlite3.Connection]:
            if self.how == "before":
                self.count += 1
                raise CannotStore
            with plain() as database:
                yield database
                if self.how == "inside":
                    self.count += 1
                    raise sqlite3.OperationalError
            if self.how == "after":
                self.count += 1
                raise CannotStore

        replace_ledger = store._file._cell.replace

        def replace(before: bytes, after: bytes) -> bool:
            if self.how == "after":
                replace_ledger(before, after)
            if self.how is not None:
                self.count += 1
                raise OSError
            return replace_ledger(before, after)

        monkeypatch.setattr(store._file, "_transaction", transaction)
        monkeypatch.setattr(store._file._cell, "replace", replace)


@pytest.mark.parametrize("how", ["before", "inside", "after"])
def test_a_failed_tick_fails_all_that_wait_for_it_and_the_next_one_works(
    path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_days(path)
    kept, _ = file_report(store, 2)
    failing = Failing(store, monkeypatch)
    failing.how = how
    for _ in range(3):
        with pytest.raises(CannotStore):
            file_report(store, 2)
        with pytest.raises(CannotStore):
            store.withdraw(b"other" * 6)
        with pytest.raises(CannotStore):
            store.accept(bundle_of(1, [b"t" * 16]))
    failing.how = None
    store.tick()
    filed, pieces = file_report(store, 5)
    if how != "after":
        store.accept(bundle_of(1, [b"t" * 16]))
    assert failing.count >= 9 and store.replies([b"t" * 16])
    listed = {slot.id: slot.sha256 for slot in store.snapshot()}
    free = list(store._writer.heads.free)
    store.close()
    found = held(path)

    assert {one.id for one in (kept, filed, *pieces)} <= set(found)
    assert listed == {slot.id: slot.sha256 for slot in found.values()}
    assert len(set(free)) == len(free) < len(found)


def test_a_write_that_fails_unsaid_frees_no_slot_that_was_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a report that is on the disk would be overwritten by the next one."""
    store = open_days(path)
    failing = Failing(store, monkeypatch)
    failing.how = "after"
    written = []
    for _ in range(4):
        with pytest.raises(CannotStore):
            file_report(store)
    failing.how = None
    store.tick()
    written = [slot.id for slot in store.snapshot()]
    for _ in range(30):
        file_report(store, 3)
    store.close()

    there = held(path)
    # Decoys among them may be gone; each of the four reports is still there.
    assert sum(block_id in there for block_id in written) >= 4


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system in memory of 24 MiB."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m,mode=700", "casedrop-test", str(place)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("sees_it_come", [True, False])
def test_a_full_disk_refuses_what_is_new_takes_back_what_is_there_and_heals(
    small_disk: Path, sees_it_come: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, clock = small_disk / "vault.sqlite", TickClock()
    store = open_days(path, clock, limits=replace(SMALL, quantum=16))
    filed, pieces = file_report(store, 3)
    store.accept(bundle_of(1, [b"t" * 16]))
    filling = small_disk / "filling"
    free = os.statvfs(small_disk)
    filling.write_bytes(bytes(free.f_bavail * free.f_frsize - (0 if sees_it_come else 40_960)))
    if not sees_it_come:
        monkeypatch.setattr(SlotFile, "room", lambda _: 2**40)
    with pytest.raises(NoRoom):
        for _ in range(40):
            file_report(store, 2)
    with pytest.raises(NoRoom):
        store.put([piece()])
    assert "no room" in str(store.trouble())

    assert store.read(filed.id) == filed.data and store.replies([b"t" * 16])
    store.forget_replies([b"t" * 16])
    store.withdraw(SECRET)
    assert all(store.read(one.id) != one.data for one in (filed, *pieces))
    clock.next_day()
    store.tick()
    assert store.replies([b"t" * 16]) == [] and store.trouble()
    filling.unlink()
    store.tick()
    again, _ = file_report(store, 10)
    assert store.trouble() is None and store.read(again.id) == again.data
    store.close()
    held(path)


@pytest.mark.slow
def test_days_leave_a_full_disk_and_make_room_for_new_ones(small_disk: Path) -> None:
    path, clock = small_disk / "vault.sqlite", TickClock()
    store = open_days(path, clock, limits=replace(SMALL, quantum=16, removal_slots=64))
    for _ in range(8):
        file_report(store, 7)
    free = os.statvfs(small_disk)
    (small_disk / "filling").write_bytes(bytes(free.f_bavail * free.f_frsize))
    clock.next_day()
    store.tick()
    with pytest.raises(NoRoom):
        file_report(store)
    for _ in range(95):
        clock.next_day()
        store.tick()
    filed, _ = file_report(store, 5)

    assert store.read(filed.id) == filed.data
    store.close()
    held(path)


def test_what_a_transaction_replaced_is_overwritten_on_the_disk_by_the_next_tick(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tick without content writes nothing into SQLite, which would sync the journal."""
    store = open_days(path)
    journal = store._file._journal
    happened: list[str] = []
    scrub, sync = journal.scrub, journal.sync

    def scrubbed(pages: int) -> None:
        happened.append("scrub")
        scrub(pages)

    def failing() -> None:
        happened.append("failed")
        raise OSError

    def synced() -> None:
        happened.append("sync")
        sync()

    store.tick()
    monkeypatch.setattr(journal, "scrub", scrubbed)
    monkeypatch.setattr(journal, "sync", synced)
    store.tick()
    assert happened == ["scrub"]
    file_report(store)
    store.withdraw(SECRET)
    del happened[:]
    monkeypatch.setattr(journal, "sync", failing)
    store.tick()
    monkeypatch.setattr(journal, "sync", synced)
    store.tick()
    store.tick()
    assert happened == ["failed", "scrub", "sync", "scrub", "scrub"]
    store.close()


def test_a_report_is_said_to_be_stored_only_when_it_is(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whenever a report is confirmed, its tick was written, and it is in a copy of the file."""
    store = open_days(path, limits=replace(SMALL, tick_seconds=0.01, patience_seconds=30.0))
    write = store._file.write
    written: set[bytes] = set()
    wrong: list[bytes] = []

    def noted(changes: Changes, ledger: bytes, taken_over: Callable[[], None]) -> None:
        write(changes, ledger, taken_over)
        written.update(Head.of(row.head).id for row in changes.slots.values())

    def work() -> None:
        for _ in range(5):
            filed, _ = file_report(store, 2)
            in_time = filed.id in written
            # No tick meanwhile: in a day that grows, slots change places.
            with store._tick_lock:
                copy = path.read_bytes()
            if not in_time or filed.data[30_000:30_100] not in copy:
                wrong.append(filed.id)

    monkeypatch.setattr(store._file, "write", noted)
    store.start()
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.close()

    assert wrong == []


def test_changes_count_the_pages_of_what_they_overwrite() -> None:
    assert Changes().pages(10, 10) < 8
