"""What the vault's file tells a thief: not the order of filing, deleted content, or totals."""

import itertools
import os
import random
import secrets
import sqlite3
import stat
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.clocks import Clock

from dropbox.errors import CannotStore, PendingGone, StoreError
from dropbox.sizes import BLOCK_BYTES
from dropbox.vault.database import PRAGMAS
from dropbox.vault.store import Pending, Store, StoredTwice

PAGE = 4_096
FILINGS = 200
TAG = b"t" * 16


def open_store(
    path: Path,
    clock: Callable[[], datetime] | None = None,
    randbelow: Callable[[int], int] = secrets.randbelow,
) -> Store:
    return Store.open(path, clock=clock or Clock(), pending_minutes=240, randbelow=randbelow)


def block() -> Pending:
    return Pending(os.urandom(16), os.urandom(BLOCK_BYTES))


def in_order(path: Path, query: str = "SELECT id FROM slot ORDER BY place") -> list[Any]:
    connection = sqlite3.connect(path)
    found: list[Any] = [row[0] for row in connection.execute(query)]
    connection.close()
    return found


def is_whole(path: Path) -> bool:
    connection = sqlite3.connect(path)
    found = connection.execute("PRAGMA integrity_check").fetchall()
    connection.close()
    return found == [("ok",)]


# --- The order of filing ---


def agreement(first: Sequence[Any], second: Sequence[Any]) -> float:
    """The share of pairs with the same order in both: 1 for the same order, 0 reversed, 0.5 by
    chance.
    """
    position = {one: number for number, one in enumerate(second)}
    pairs = list(itertools.combinations([position[one] for one in first], 2))
    return sum(before < after for before, after in pairs) / len(pairs)


def cell_order(raw: bytes, where: int) -> tuple[int, int]:
    """(page, number of the cell in it) of the row that holds the byte at *where*."""
    page, within = divmod(where, PAGE)
    content = raw[page * PAGE : (page + 1) * PAGE]
    head = 100 if page == 0 else 0
    pointers = head + (12 if content[head] in (2, 5) else 8)
    cells = int.from_bytes(content[head + 3 : head + 5], "big")
    starts = [
        int.from_bytes(content[at : at + 2], "big")
        for at in range(pointers, pointers + 2 * cells, 2)
    ]
    return page, starts.index(max(start for start in starts if start <= within))


def told(path: Path, filed: Sequence[Pending], table_order: str) -> dict[str, float]:
    """How far the file's orders agree with the order of *filed*, each as in :func:`agreement`."""
    raw = path.read_bytes()
    ids: list[Any] = [one.id for one in filed]
    head, middle = (
        dict(zip(ids, offsets(raw, [part(one) for one in filed]), strict=True))
        for part in (_head, _middle)
    )
    return {
        "the table": agreement(ids, [one for one in in_order(path, table_order) if one in head]),
        "rows in the file": agreement(ids, sorted(ids, key=head.__getitem__)),
        "cells in pages": agreement(ids, sorted(ids, key=lambda one: cell_order(raw, head[one]))),
        "bytes in the file": agreement(ids, sorted(ids, key=middle.__getitem__)),
    }


def offsets(raw: bytes, parts: Sequence[bytes]) -> list[int]:
    """Where each of *parts*, all of one length, is in the file.

    All pages have few layouts, so a part that was found somewhere in its page tells where others
    are in theirs: the file is searched a few times instead of once for each part.
    """
    found: dict[bytes, int] = {}
    for part in parts:
        if part not in found:
            first = raw.index(part) % PAGE
            for at in range(first, len(raw), PAGE):
                found.setdefault(raw[at : at + len(part)], at)
    return [found[part] for part in parts]


def _head(one: Pending) -> bytes:
    return one.id


def _middle(one: Pending) -> bytes:
    """On a page after that of the row."""
    return one.data[30_000:30_032]


@dataclass(frozen=True)
class Filed:
    """A vault's file after FILINGS filings, the blocks that remain in order of filing, and those
    deleted.
    """

    path: Path
    there: list[Pending]
    gone: list[Pending]


@pytest.fixture(scope="module")
def filed(tmp_path_factory: pytest.TempPathFactory) -> Filed:
    """Reports of one to five blocks; some are abandoned, expire or are withdrawn; the vault
    restarts at times.
    """
    path, clock, choose = (
        tmp_path_factory.mktemp("filed") / "vault.sqlite",
        Clock(),
        random.Random(1),
    )
    there: list[Pending] = []
    gone: list[Pending] = []
    store = open_store(path, clock)
    for number in range(FILINGS):
        files, report = [block() for _ in range(number % 5)], block()
        if files:
            store.add_pending(files)
        store.commit(report, TAG, [(file.id, TAG) for file in files])
        there += [*files, report]
        left = [block() for _ in range(choose.randrange(3))]
        if left:
            store.add_pending(left)
            gone += left
        if number % 3 == 0:
            store.abandon([one.id for one in left])
        if number % 10 == 9:
            back = choose.sample(there, 4)
            store.withdraw([(one.id, TAG) for one in back])
            there, gone = [one for one in there if one not in back], [*gone, *back]
        if number % 40 == 39:
            clock.now += timedelta(hours=6)
            store.close()
            store = open_store(path, clock)
            store.expire()
    store.close()
    return Filed(path, there, gone)


def test_nothing_in_the_file_tells_the_order_of_filing(filed: Filed) -> None:
    assert len(filed.there) > FILINGS
    orders = told(filed.path, filed.there, "SELECT id FROM slot ORDER BY place")
    print(orders)

    assert {name: value for name, value in orders.items() if not 0.4 < value < 0.6} == {}


@pytest.mark.parametrize(
    ("schema", "order", "tells"),
    [
        ("(id BLOB PRIMARY KEY, bytes BLOB) STRICT, WITHOUT ROWID", "id", {"bytes in the file"}),
        (
            "(place INTEGER PRIMARY KEY, id BLOB, bytes BLOB) STRICT",
            "place",
            {"the table", "rows in the file", "bytes in the file"},
        ),
    ],
)
def test_a_table_in_the_order_of_random_ids_or_of_arrival_tells_it(
    tmp_path: Path, schema: str, order: str, tells: set[str]
) -> None:
    """The control: these fail the check above."""
    path, filed = tmp_path / "control.sqlite", [block() for _ in range(FILINGS)]
    connection = sqlite3.connect(path, isolation_level=None)
    for name, value, _ in PRAGMAS:
        connection.execute(f"PRAGMA {name} = {value}")
    connection.execute(f"CREATE TABLE block {schema}")
    for one in filed:
        connection.execute("INSERT INTO block (id, bytes) VALUES (?, ?)", one)
    connection.close()
    orders = told(path, filed, f"SELECT id FROM block ORDER BY {order}")
    print(orders)

    assert tells <= {name for name, value in orders.items() if not 0.4 < value < 0.6}


def test_every_arrangement_of_the_blocks_is_equally_likely_and_stays_so_when_one_is_deleted(
    tmp_path: Path,
) -> None:
    """Play every sequence of choices: there are as many as there are arrangements."""
    blocks = [block() for _ in range(4)]
    before: Counter[tuple[int, ...]] = Counter()
    after: Counter[tuple[int, ...]] = Counter()
    again: Counter[tuple[int, ...]] = Counter()
    names = {one.id: number for number, one in enumerate(blocks)}

    def arrangement(path: Path) -> tuple[int, ...]:
        return tuple(names[found] for found in in_order(path))

    for number, choices in enumerate(itertools.product(range(1), range(2), range(3), range(3))):
        path, played = tmp_path / f"{number}.sqlite", iter(choices)
        store = open_store(path, randbelow=lambda _, played=played: next(played))  # type: ignore[misc]
        for one in blocks[:3]:
            store.commit(one, TAG, [])
        before[arrangement(path)] += 1
        store.withdraw([(blocks[1].id, TAG)])
        after[arrangement(path)] += 1
        store.commit(blocks[3], TAG, [])
        again[arrangement(path)] += 1
        store.close()
        path.unlink()

    assert len(before) == 6 and set(before.values()) == {3}
    assert len(after) == 2 and set(after.values()) == {9}
    assert len(again) == 6 and set(again.values()) == {3}


def test_a_place_is_overwritten_in_the_file_and_its_block_moves_to_the_end(
    tmp_path: Path,
) -> None:
    path, blocks, new = tmp_path / "vault.sqlite", [block() for _ in range(20)], block()
    places = itertools.chain(range(20), [7])
    store = open_store(path, randbelow=lambda _: next(places))
    for one in blocks:
        store.commit(one, TAG, [])
    before = path.read_bytes()
    store.commit(new, TAG, [])
    after = path.read_bytes()
    store.close()

    for part in (_head, _middle):
        assert after.index(part(new)) == before.index(part(blocks[7]))
        assert after.count(part(blocks[7])) == 1
        assert [after.index(part(one)) for one in blocks if one is not blocks[7]] == [
            before.index(part(one)) for one in blocks if one is not blocks[7]
        ]
    assert in_order(path)[20] == blocks[7].id
    assert len(after) - len(before) <= 17 * PAGE


def test_a_block_of_another_length_is_not_kept(tmp_path: Path) -> None:
    store = open_store(tmp_path / "vault.sqlite")
    for one in (
        Pending(b"i" * 16, b"x" * (BLOCK_BYTES - 1)),
        Pending(b"i" * 15, bytes(BLOCK_BYTES)),
    ):
        with pytest.raises(CannotStore):
            store.commit(one, TAG, [])
    store.close()


def test_there_is_no_index_and_no_other_table(filed: Filed) -> None:
    tables = in_order(filed.path, "SELECT name FROM sqlite_schema ORDER BY name")

    assert tables == ["export", "reply", "reply_bundle", "slot"]


# --- What was there before ---


# A row's first page holds the other columns and 430 bytes of the block, the others 4,092 bytes and
# a page number.
PIECES = [430 + 4_092 * number for number in range(16)]


def test_nothing_of_any_deleted_block_is_left_on_any_page(filed: Filed) -> None:
    raw = filed.path.read_bytes()
    pages = {raw[at + 4 : at + 28] for at in range(0, len(raw), PAGE)}
    # Pages that a block fills from end to end hold nothing else; the rest is searched.
    kept = {one.data[at : at + PAGE - 4] for one in filed.there for at in PIECES}
    every = (raw[at : at + PAGE] for at in range(0, len(raw), PAGE))
    rest = b"".join(page for page in every if page[4:] not in kept)
    there, gone = (
        {one.data[at : at + 24] for one in of for at in PIECES} for of in (filed.there, filed.gone)
    )
    assert there <= pages and len(filed.gone) > 200

    assert gone & pages == set()
    assert [one for one in filed.gone if one.id in rest] == []
    assert [
        one
        for one in filed.gone[::20]
        if any(one.data[at : at + 16] in rest for at in (0, 400, 430, 65_000))
    ] == []
    assert Path(f"{filed.path}-journal").stat().st_size == 0
    assert is_whole(filed.path)


def test_what_is_free_in_the_file_is_zeros(filed: Filed) -> None:
    raw = filed.path.read_bytes()
    free = list(free_pages(raw))
    assert len(free) > 16

    assert [page for page in free if raw[page * PAGE : (page + 1) * PAGE].strip(b"\0")] == []


def free_pages(raw: bytes) -> Iterator[int]:
    """The numbers (from 0) of the pages on the free list, except those of the list itself."""
    trunk = int.from_bytes(raw[32:36], "big")
    while trunk:
        page = raw[(trunk - 1) * PAGE : trunk * PAGE]
        leaves = int.from_bytes(page[4:8], "big")
        yield from (
            int.from_bytes(page[at : at + 4], "big") - 1 for at in range(8, 8 + 4 * leaves, 4)
        )
        trunk = int.from_bytes(page[:4], "big")


def counter(path: Path) -> int:
    """The transaction count in the header."""
    return int.from_bytes(path.read_bytes()[24:28], "big")


def test_the_count_of_transactions_begins_anywhere(tmp_path: Path) -> None:
    begun = []
    for number in range(8):
        path = tmp_path / str(number)
        open_store(path).close()
        begun.append(counter(path))
        assert path.read_bytes()[24:28] == path.read_bytes()[92:96]
    print(begun)

    assert len(set(begun)) == 8 and max(begun) - min(begun) > 2**24


def test_the_count_of_transactions_goes_on_from_zero_behind_the_last_number(tmp_path: Path) -> None:
    path, blocks = tmp_path / "vault.sqlite", [block() for _ in range(3)]
    open_store(path).close()
    with path.open("r+b") as file:
        for at in (24, 92):
            file.seek(at)
            file.write(b"\xff\xff\xff\xff")
    store = open_store(path)
    for one in blocks:
        store.commit(one, TAG, [])
    store.close()
    again = open_store(path)

    assert counter(path) == 2
    assert is_whole(path) and all(again.block(one.id) == one.data for one in blocks)
    again.close()


# --- The places are known in memory only, and always right ---


def test_a_write_by_another_connection_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "vault.sqlite"
    stores, filed = [open_store(path), open_store(path)], [block() for _ in range(12)]
    for number, one in enumerate(filed):
        stores[number % 2].commit(one, TAG, [])
    stores[0].withdraw([(filed[0].id, TAG)])
    with pytest.raises(StoredTwice):
        stores[1].add_pending([filed[4]])

    for store in stores:
        assert [store.block(one.id) == one.data for one in filed[1:]] == [True] * 11
        assert store.counts().blocks == 11
        store.close()


class FailingLate(sqlite3.Connection):
    """Reports that a COMMIT failed after everything was written."""

    failing = False

    def execute(self, statement: str, values: Sequence[object] = ()) -> sqlite3.Cursor:  # type: ignore[override]
        done = super().execute(statement, values)
        if self.failing and statement == "COMMIT":
            raise sqlite3.OperationalError("disk I/O error")
        return done


def test_a_commit_that_failed_after_all_was_written_is_noticed(tmp_path: Path) -> None:
    path, first, second = tmp_path / "vault.sqlite", block(), block()
    open_store(path).close()
    connection = sqlite3.connect(path, isolation_level=None, factory=FailingLate)
    store = Store(path, connection, Clock(), 240, lambda below: below - 1)
    connection.failing = True
    with pytest.raises(CannotStore):
        store.commit(first, TAG, [])
    connection.failing = False
    for one in (second, first):
        store.commit(one, TAG, [])

    assert in_order(path) == [first.id, second.id]
    assert store.block(first.id) == first.data and store.counts().blocks == 2
    store.close()


def test_whatever_is_done_in_whatever_order_the_file_holds_what_it_should(tmp_path: Path) -> None:
    """Hundreds of random steps, including failures and restarts, compared with a dictionary."""
    seed = secrets.randbelow(2**32)
    print(f"seed {seed}")
    act, path, clock = random.Random(seed), tmp_path / "vault.sqlite", Clock()
    store = open_store(path, clock)
    final: dict[bytes, bytes] = {}
    pending: dict[bytes, bytes] = {}
    for _ in range(400):
        match act.randrange(8):
            case 0 | 1:
                batch = [block() for _ in range(act.randrange(1, 4))]
                store.add_pending(batch)
                pending.update(batch)
            case 2 | 3:
                report, files = (
                    block(),
                    act.sample(sorted(pending), min(len(pending), act.randrange(4))),
                )
                store.commit(report, TAG, [(file, TAG) for file in files])
                final.update([report, *((file, pending.pop(file)) for file in files)])
            case 4:
                files = [*act.sample(sorted(pending), min(len(pending), 2)), os.urandom(16)]
                with pytest.raises(PendingGone):
                    store.commit(block(), TAG, [(file, TAG) for file in files])
            case 5:
                gone = act.sample(sorted(pending), min(len(pending), 2))
                store.abandon([*gone, *list(final)[:1]])
                pending = {one: data for one, data in pending.items() if one not in gone}
            case 6:
                gone = act.sample(sorted(final), min(len(final), act.randrange(3)))
                store.withdraw([(one, TAG) for one in [*gone, *list(pending)[:1]]])
                final = {one: data for one, data in final.items() if one not in gone}
            case _:
                if act.random() < 0.2:
                    clock.now += timedelta(hours=6)
                    pending.clear()
                store.expire()
                store.close()
                store = open_store(path, clock)
    assert (store.counts().blocks, store.counts().pending) == (len(final), len(pending))
    assert {listed.id for listed in store.next_export("c").blocks} == set(final)
    assert all(store.block(one) == data for one, data in {**final, **pending}.items())
    assert len(in_order(path)) == len(final) + len(pending)
    store.close()
    assert is_whole(path)


def test_a_file_whose_places_have_a_gap_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vault.sqlite"
    store = open_store(path)
    for _ in range(3):
        store.commit(block(), TAG, [])
    store.close()
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("DELETE FROM slot WHERE place = 1")
    connection.close()

    with pytest.raises(StoreError, match="its blocks cannot be read"):
        open_store(path)


def test_a_file_with_one_block_in_two_places_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vault.sqlite"
    store = open_store(path)
    for _ in range(3):
        store.commit(block(), TAG, [])
    store.close()
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(
            "UPDATE slot SET id = (SELECT id FROM slot WHERE place = 0) WHERE place = 2"
        )
    connection.close()

    with pytest.raises(StoreError, match="its blocks cannot be read"):
        open_store(path)


def test_a_block_with_no_day_is_not_exported(tmp_path: Path) -> None:
    path = tmp_path / "vault.sqlite"
    store = open_store(path)
    store.commit(block(), TAG, [])
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE slot SET day = '2026-02-30'")
    connection.close()

    with pytest.raises(CannotStore):
        store.next_export("c")
    assert store.counts().exports == 0
    store.close()


# --- A new file ---


def hot_journal(path: Path) -> bytes:
    """The journal of an unfinished transaction in another vault's file, as left by a power cut."""
    store = open_store(path)
    for _ in range(4):
        store.commit(block(), TAG, [])
    store.close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA cache_size = 1")  # so that changed pages are not kept in memory
    connection.execute("BEGIN")
    connection.execute("UPDATE slot SET bytes = zeroblob(65536)")
    journal = Path(f"{path}-journal").read_bytes()
    connection.execute("ROLLBACK")
    connection.close()
    return journal


def test_a_new_file_replaces_what_a_broken_start_left(tmp_path: Path) -> None:
    path, journal, filed = (
        tmp_path / "vault.sqlite",
        hot_journal(tmp_path / "other.sqlite"),
        block(),
    )
    assert len(journal) > 4 * BLOCK_BYTES
    Path(f"{path}.part").write_bytes(b"half")
    Path(f"{path}-journal").write_bytes(journal)
    store = open_store(path)
    store.commit(filed, TAG, [])
    store.close()

    assert is_whole(path) and in_order(path) == [filed.id]
    assert not Path(f"{path}.part").exists()


def test_an_empty_file_becomes_a_vaults_file(tmp_path: Path) -> None:
    path = tmp_path / "vault.sqlite"
    path.touch(0o644)
    open_store(path).close()

    assert is_whole(path) and stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_of_the_first_version_is_refused_with_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "vault.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript("CREATE TABLE block (id BLOB PRIMARY KEY); PRAGMA user_version = 1")
    connection.close()

    with pytest.raises(
        StoreError, match=r"another version of Casedrop \(schema 1\): export it with that version"
    ):
        open_store(path)
