"""The store of days and slots: what it takes, gives back, erases, and refuses."""

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.day_stores import (
    SECRET,
    SMALL,
    START,
    TickClock,
    bundle_of,
    claim,
    file_report,
    held,
    open_days,
    owned,
    piece,
    reply_under,
    report,
    tombstone,
)

from dropbox.errors import BadBundle, CannotStore, PendingGone, StoreError
from dropbox.export_bundle import MAX_TAKEN, AcceptedReplies
from dropbox.reply_bundle import Acknowledged
from dropbox.sizes import BLOCK_BYTES
from dropbox.tombstone import Reason
from dropbox.vault.block_store import (
    Block,
    BlockStore,
    Busy,
    Claim,
    Day,
    DayState,
    Export,
    NoRoom,
    StoredTwice,
)
from dropbox.vault.day_store import DayStore
from dropbox.vault.store_url import store_of
from dropbox.vault.tick_work import Hashed, Put, TickDraft

OTHER = b"o" * 32


@pytest.fixture
def clock() -> TickClock:
    return TickClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.sqlite"


@pytest.fixture
def store(path: Path, clock: TickClock) -> Iterator[DayStore]:
    opened = open_days(path, clock)
    yield opened
    opened.close()


def is_tombstone(store: DayStore, block: Block, reason: Reason) -> bool:
    data = store.read(block.id)
    digest = hashlib.sha256(block.data).digest()
    return data is not None and data.startswith(b"tombstone" + bytes([reason]) + block.id + digest)


def tag(number: int) -> bytes:
    return number.to_bytes(16, "big")


def tags(*numbers: int) -> list[bytes]:
    return [tag(number) for number in numbers]


# --- Reports and their files ---


def test_a_report_and_its_pieces_are_read_as_they_came(store: DayStore) -> None:
    filed, pieces = file_report(store, 5)

    assert [store.read(one.id) for one in (filed, *pieces)] == [
        one.data for one in (filed, *pieces)
    ]
    listed = {slot.id: slot for slot in store.snapshot()}
    for one in (filed, *pieces):
        assert listed[one.id].sha256 == hashlib.sha256(one.data).digest()
        assert listed[one.id].day == START.date()


def test_everything_is_there_after_the_file_is_opened_again(
    store: DayStore, path: Path, clock: TickClock
) -> None:
    filed, pieces = file_report(store, 3)
    store.close()
    again = open_days(path, clock)

    assert all(again.read(one.id) == one.data for one in (filed, *pieces))
    again.withdraw(SECRET)
    assert all(is_tombstone(again, one, Reason.WITHDRAWN) for one in (filed, *pieces))
    again.close()


def test_a_missing_piece_leaves_everything_as_it_was(store: DayStore) -> None:
    there = piece()
    store.put([there])
    store.tick()
    before = store.snapshot()
    with pytest.raises(PendingGone):
        store.commit(report(), [claim(there), claim(piece())])

    assert store.snapshot() == before
    store.commit(report(), [claim(there)])


def test_a_piece_is_claimed_by_whoever_sent_it_and_once(store: DayStore) -> None:
    """Otherwise its erase hash would be replaced, and another sender could erase it."""
    one, other = piece(), piece()
    store.put([one, other])
    with pytest.raises(PendingGone):
        store.commit(report(), [Claim(one.id, os.urandom(16), os.urandom(16))])
    store.commit(report(), [claim(one)])
    with pytest.raises(PendingGone):
        store.commit(report(OTHER), [claim(other, OTHER), claim(one, OTHER)])
    with pytest.raises(PendingGone):
        store.commit(report(OTHER), [claim(other, OTHER), claim(other, OTHER)])
    store.withdraw(OTHER)

    assert (store.read(one.id), store.read(other.id)) == (one.data, other.data)


def test_the_same_report_is_stored_once_and_the_second_copies_of_its_files_are_erased(
    store: DayStore,
) -> None:
    filed, first, second = report(), piece(), piece()
    for copy in (first, second):
        store.put([copy])
        store.commit(filed, [claim(copy)])

    assert (store.read(filed.id), store.read(first.id)) == (filed.data, first.data)
    assert is_tombstone(store, second, Reason.ABANDONED)


def test_a_report_that_is_sent_again_with_the_same_pieces_erases_nothing(store: DayStore) -> None:
    filed, one = report(), piece()
    store.put([one])
    store.commit(filed, [claim(one)])
    store.commit(filed, [claim(one)])

    assert store.read(one.id) == one.data


def test_an_id_that_is_there_or_waits_is_refused_with_its_whole_batch(store: DayStore) -> None:
    waiting, stored, new = piece(), piece(), piece()
    store.put([stored])
    store.tick()
    store.put([waiting])
    for batch in ([new, stored], [new, waiting], [new, new]):
        with pytest.raises(StoredTwice):
            store.put(batch)
    store.tick()

    assert store.read(new.id) is None
    store.put([new])


@pytest.mark.parametrize(
    "block",
    [
        Block(b"i" * 15, b"h" * 16, bytes(BLOCK_BYTES)),
        Block(b"i" * 16, b"h" * 17, bytes(BLOCK_BYTES)),
        Block(b"i" * 16, b"h" * 16, bytes(BLOCK_BYTES - 1)),
    ],
)
def test_a_block_of_another_length_is_not_kept(store: DayStore, block: Block) -> None:
    with pytest.raises(CannotStore):
        store.put([block])
    with pytest.raises(CannotStore):
        store.commit(block, [])
    assert store.read(block.id) is None


# --- Erasing ---


def test_only_the_preimage_erases_a_block(store: DayStore) -> None:
    filed, _ = file_report(store)
    (block_id, right) = owned(filed)
    hashes = held_hash(store, filed)
    for wrong in (os.urandom(16), hashes, right[::-1], b""):
        store.erase([(block_id, wrong)])
    assert store.read(filed.id) == filed.data
    store.erase([(os.urandom(16), right), (block_id, right)])

    assert is_tombstone(store, filed, Reason.ABANDONED)


def held_hash(store: DayStore, block: Block) -> bytes:
    place = store._writer.heads.place(block.id)
    assert place is not None
    return store._writer.heads.head(place).erase_hash


def test_a_withdraw_key_erases_what_is_its_own(store: DayStore) -> None:
    mine = [file_report(store, number) for number in range(3)]
    theirs, pieces = file_report(store, 2, OTHER)
    store.withdraw(SECRET)

    for filed, files in mine:
        assert all(is_tombstone(store, one, Reason.WITHDRAWN) for one in (filed, *files))
    assert all(store.read(one.id) == one.data for one in (theirs, *pieces))


def test_what_is_gone_cannot_be_erased_or_claimed_again(store: DayStore) -> None:
    filed, (one,) = file_report(store, 1)
    left = piece()
    store.put([left])
    store.erase([(left.id, claim(left).preimage)])
    store.withdraw(SECRET)
    before = [store.read(block.id) for block in (filed, one, left)]
    store.withdraw(SECRET)
    store.erase([owned(filed), (left.id, claim(left).preimage)])
    with pytest.raises(PendingGone):
        store.commit(report(), [claim(left)])

    assert [store.read(block.id) for block in (filed, one, left)] == before


def test_more_than_a_tick_can_erase_takes_more_ticks(store: DayStore) -> None:
    filed = [file_report(store, SMALL.tick_slots)[0] for _ in range(2)]
    store.withdraw(SECRET)

    assert all(is_tombstone(store, one, Reason.WITHDRAWN) for one in filed)


def test_erasing_takes_no_free_slot(store: DayStore) -> None:
    """A day that grew by what is withdrawn would tell of it."""
    for _ in range(6):
        file_report(store, 8)
    (before,) = store.days()
    store.withdraw(SECRET)
    store.tick()

    assert store.days() == [before]


def test_pieces_take_the_last_free_slots_and_no_more() -> None:
    class Slots:
        free = [1, 2]

        def __init__(self) -> None:
            self.added = list[Hashed]()

        def add(self, *one: Any) -> None:
            self.added.append(Hashed(*one))

    for count, fit in ((2, True), (3, False)):
        slots, pieces = Slots(), [Hashed(piece(), bytes(32)) for _ in range(count)]
        refused: Any = nullcontext() if fit else pytest.raises(NoRoom)
        with refused:
            Put(pieces).do(SimpleNamespace(slots=slots))  # type: ignore[arg-type]
        assert slots.added == (pieces if fit else [])


# --- The quanta of a day ---


def test_a_day_begins_with_a_quantum_and_grows_by_whole_ones(
    store: DayStore, clock: TickClock
) -> None:
    assert store.days() == [Day(START.date(), SMALL.quantum, DayState.OPEN, False)]
    sizes = set()
    for _ in range(30):
        file_report(store, 2)
        sizes.add(store.days()[0].slots)
    clock.next_day()
    store.tick()

    assert len(sizes) > 8 and not any(size % SMALL.quantum for size in sizes)
    assert store.days()[1] == Day(START.date() + timedelta(1), SMALL.quantum, DayState.OPEN, False)


def test_slots_are_there_before_they_are_needed(store: DayStore) -> None:
    for _ in range(20):
        file_report(store, 3)
        assert len(store._writer.heads.free) >= SMALL.reserve


def test_a_quantum_is_full_of_random_bytes_under_random_ids(store: DayStore, path: Path) -> None:
    store.close()
    slots = held(path).values()

    assert len(slots) == SMALL.quantum
    for slot in slots:
        assert len(set(slot.data)) == 256 and slot.sha256 == hashlib.sha256(slot.data).digest()
    assert len({slot.erase_hash for slot in slots}) == SMALL.quantum


def test_after_a_restart_every_slot_counts_as_taken(
    store: DayStore, path: Path, clock: TickClock
) -> None:
    filed, _ = file_report(store)
    before = {slot.id for slot in store.snapshot()}
    store.close()
    again = open_days(path, clock)
    file_report(again, 3)
    after = {slot.id for slot in again.snapshot()}
    again.close()

    assert filed.id in before and before < after and len(after) == 2 * SMALL.quantum


def test_yesterday_s_free_slots_are_not_used_today(store: DayStore, clock: TickClock) -> None:
    before = {slot.id for slot in store.snapshot()}
    clock.next_day()
    filed, pieces = file_report(store, 3)

    listed = {slot.id: slot.day for slot in store.snapshot()}
    assert before <= set(listed)
    assert {listed[one.id] for one in (filed, *pieces)} == {START.date() + timedelta(1)}


def test_pieces_that_came_before_midnight_belong_to_a_report_after_it(
    store: DayStore, clock: TickClock
) -> None:
    one = piece()
    store.put([one])
    store.tick()
    clock.next_day()
    filed = report()
    store.commit(filed, [claim(one)])
    listed = {slot.id: slot.day for slot in store.snapshot()}

    assert (listed[one.id], listed[filed.id]) == (START.date(), START.date() + timedelta(1))
    store.withdraw(SECRET)
    assert is_tombstone(store, one, Reason.WITHDRAWN)


# --- Day keys, exports, replies ---


def test_records_of_day_keys_are_kept(store: DayStore, path: Path, clock: TickClock) -> None:
    first, second = os.urandom(2_400), os.urandom(2_400)
    for record in (first, second, first):
        store.keep_key(START.date(), record)
    store.close()
    again = open_days(path, clock)

    assert sorted(again.day_keys()) == sorted((START.date(), record) for record in (first, second))
    for day in (date(2026, 11, 22), date(2026, 11, 26)):
        with pytest.raises(CannotStore, match="not one of today"):
            again.keep_key(day, first)
    # Two clocks may differ around midnight.
    for day in (date(2026, 11, 23), date(2026, 11, 25)):
        again.keep_key(day, first)
    assert len(again.day_keys()) == 4
    again.close()


def test_there_is_an_end_to_the_records_of_a_day(path: Path) -> None:
    """Whoever has only the socket must not fill the disk with them."""
    store = open_days(path, limits=replace(SMALL, keys_a_day=3))
    for number in range(3):
        store.keep_key(START.date(), bytes([number]))
    with pytest.raises(CannotStore, match="too many"):
        store.keep_key(START.date(), b"more")
    # Another day's are counted for themselves.
    store.keep_key(date(2026, 11, 25), b"more")

    assert len(store.day_keys()) == 4
    store.close()


def test_exports_follow_one_another(store: DayStore, path: Path, clock: TickClock) -> None:
    assert store.exports() == []
    name, made = store.vault_id(), [Export(number, os.urandom(32)) for number in (1, 2)]
    store.note_export(made[0])
    for number in (0, 1, 3):
        with pytest.raises(CannotStore):
            store.note_export(Export(number, b"x" * 32))
    store.note_export(made[1])
    store.close()
    again = open_days(path, clock)

    assert (again.exports(), again.vault_id()) == (made, name)
    assert len(name) == 16
    again.close()


def test_exports_before_the_newest_acknowledged_one_are_forgotten_if_they_are_acknowledged(
    store: DayStore,
) -> None:
    made = [Export(number, bytes([number]) * 32) for number in range(1, 6)]
    for export in made:
        store.note_export(export)

    def acknowledge(bundle: int, *numbers: int) -> list[int]:
        named = [Acknowledged(store.vault_id(), *made[number - 1]) for number in numbers]
        store.accept(bundle_of(bundle, acknowledged=named))
        return [export.number for export in store.exports()]

    assert acknowledge(1, 2) == [1, 2, 3, 4, 5]
    assert acknowledge(2, 4) == [1, 3, 4, 5]
    assert acknowledge(3, 1, 2, 3) == [3, 4, 5]
    assert acknowledge(4, 5) == [5]


def test_each_vault_has_an_id_of_its_own(tmp_path: Path) -> None:
    stores = [open_days(tmp_path / f"{number}.sqlite") for number in range(3)]

    assert len({store.vault_id() for store in stores}) == 3
    for store in stores:
        store.close()


def test_replies_are_found_by_tag_and_forgotten(
    store: DayStore, path: Path, clock: TickClock
) -> None:
    store.accept(bundle_of(1, tags(*range(300))))
    asked = [b"x" * 16, tag(299), b"y" * 16, tag(0)]

    assert store.replies(asked) == [(1, reply_under(tag(299))), (3, reply_under(tag(0)))]
    store.forget_replies([tag(299), b"z" * 16])
    assert store.replies(asked) == [(3, reply_under(tag(0)))]
    store.close()
    again = open_days(path, clock)
    assert again.replies(asked) == [(3, reply_under(tag(0)))]
    again.close()


def test_every_tag_costs_one_read(store: DayStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.accept(bundle_of(1, tags(1)))
    reads: list[str] = []
    plain = store._file._query

    def counted(query: str, values: tuple[int, ...] = ()) -> list[tuple[object, ...]]:
        reads.append(query)
        return plain(query, values)

    monkeypatch.setattr(store._file, "_query", counted)
    for asked in (tags(1) * 8, [os.urandom(16) for _ in range(8)]):
        reads.clear()
        store.replies(asked)
        assert len(reads) == 8


@pytest.mark.slow
def test_a_bundle_is_accepted_once_and_whole(store: DayStore, path: Path, clock: TickClock) -> None:
    store.accept(bundle_of(5, tags(0, 1, 2)))
    for number in (4, 5):
        with pytest.raises(BadBundle, match="not newer than 5"):
            store.accept(bundle_of(number, tags(9)))
    for taken in (tags(9, 2), tags(9, 9)):
        with pytest.raises(BadBundle, match="already exists"):
            store.accept(bundle_of(6, taken))
    assert store.replies(tags(9)) == []
    store.accept(bundle_of(6, tags(9)))
    store.accept(bundle_of(1, tags(10), desk=1))
    assert len(store.replies(tags(*range(12)))) == 5
    store.close()
    again = open_days(path, clock)

    # All that were taken: of those that were overtaken on their way, a desk has to know.
    assert again.accepted() == [
        AcceptedReplies(0, "A" * 40, 5),
        AcceptedReplies(0, "A" * 40, 6),
        AcceptedReplies(1, "A" * 40, 1),
    ]
    again.close()


def test_only_the_newest_bundles_of_each_reviewer_are_remembered(
    store: DayStore, path: Path, clock: TickClock
) -> None:
    store.take_over([], START.date(), {(0, "A" * 40): 80, (0, "B" * 40): 3})
    store.accept(bundle_of(90, tags(1)))
    mine = [AcceptedReplies(0, "A" * 40, number) for number in (*range(18, 81), 90)]
    other = [AcceptedReplies(0, "B" * 40, number) for number in (1, 2, 3)]
    assert len(mine) == MAX_TAKEN and store.accepted() == [*mine, *other]
    store.close()
    again = open_days(path, clock)
    assert again.accepted() == [*mine, *other]
    again.close()


def test_what_a_vault_of_format_1_had_is_taken_over(
    store: DayStore, path: Path, clock: TickClock
) -> None:
    store.take_over([(tag(1), reply_under(tag(1)))], START.date(), {(0, "A" * 40): 7})
    with pytest.raises(BadBundle, match="not newer than 7"):
        store.accept(bundle_of(7, tags(2)))
    store.close()
    again = open_days(path, clock)
    assert again.accepted() == [AcceptedReplies(0, "A" * 40, number) for number in range(1, 8)]
    assert [sealed for _, sealed in again.replies(tags(1))] == [reply_under(tag(1))]
    clock.next_day()
    again.tick()

    assert again.replies(tags(1)) == []
    again.close()


def test_a_bundle_that_acknowledges_what_this_vault_did_not_export_is_refused(
    store: DayStore,
) -> None:
    store.note_export(Export(1, b"1" * 32))
    for number, head in ((1, b"2" * 32), (2, b"2" * 32)):
        named = [Acknowledged(store.vault_id(), number, head)]
        with pytest.raises(BadBundle, match=f"export {number}"):
            store.accept(bundle_of(1, tags(1), acknowledged=named))
    assert store.replies(tags(1)) == []
    other = [Acknowledged(b"v" * 16, 7, b"7" * 32)]
    store.accept(bundle_of(1, tags(1), acknowledged=other))

    assert store.replies(tags(1))


def test_a_batch_of_replies_goes_when_its_time_is_over_and_its_slots_are_used_again(
    store: DayStore, path: Path, clock: TickClock
) -> None:
    store.accept(bundle_of(1, tags(1), keep_until=START.date()))
    store.tick()
    assert store.replies(tags(1))
    clock.next_day()
    store.tick()
    assert store.replies(tags(1)) == []
    store.accept(bundle_of(2, tags(2)))
    store.close()

    assert reply_under(tag(1))[:64] not in path.read_bytes()
    again = open_days(path, clock)
    assert len(again._writer.replies) == 256 and again.replies(tags(2))
    again.close()


# --- The thread, and threads ---


def test_what_is_queued_is_not_stored_before_a_tick(store: DayStore) -> None:
    one = piece()
    store.put([one])
    assert store.read(one.id) is None
    store.tick()

    assert store.read(one.id) == one.data


@pytest.mark.slow
def test_a_report_is_confirmed_at_the_next_tick(path: Path) -> None:
    period = 0.4
    store = open_days(path, limits=replace(SMALL, tick_seconds=period))
    store.start()
    waits = []
    for _ in range(6):
        time.sleep(0.13)
        begun = time.monotonic()
        file_report(store, 2)
        waits.append(time.monotonic() - begun)
    store.close()
    print(waits)

    # Machines that do other things are slow, and the average of a uniform wait is half a period.
    assert min(waits) < period and sum(waits) / len(waits) < 2.5 * period


@pytest.mark.slow
def test_many_threads_store_all_that_they_are_told(path: Path) -> None:
    store = open_days(path, limits=replace(SMALL, tick_seconds=0.02, patience_seconds=30.0))
    store.start()
    filed: list[Block] = []

    def work() -> None:
        for _ in range(5):
            block, pieces = file_report(store, 4)
            filed.extend([block, *pieces])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(filed) == 8 * 5 * 5
    assert all(store.read(block.id) == block.data for block in filed)
    store.close()


def test_arrivals_wait_for_room_and_are_refused_when_there_is_none(path: Path) -> None:
    store = open_days(path, limits=replace(SMALL, tick_seconds=60.0, queue_slots=8))
    store.start()
    store.put([piece() for _ in range(8)])
    begun, late = time.monotonic(), piece()
    with pytest.raises(Busy):
        store.put([late])
    assert time.monotonic() - begun >= SMALL.patience_seconds
    store.tick()
    store.put([late])
    store.close()

    assert late.id in held(path)


def test_a_store_that_is_closed_ticks_no_more(path: Path) -> None:
    before = {thread for thread in threading.enumerate() if thread.name == "tick"}
    store = open_days(path, limits=replace(SMALL, tick_seconds=0.01))
    store.start()
    store.close()

    assert {thread for thread in threading.enumerate() if thread.name == "tick"} <= before


def test_nothing_is_taken_after_the_end(store: DayStore) -> None:
    store.close()
    calls: list[Callable[[], None]] = [
        lambda: store.put([piece()]),
        lambda: store.commit(report(), []),
        lambda: store.withdraw(SECRET),
    ]
    for call in calls:
        with pytest.raises(CannotStore):
            call()
    store.close()


# --- The engine ---


@pytest.mark.slow
def test_the_engine_is_chosen_by_the_url(path: Path, clock: TickClock) -> None:
    store: BlockStore = store_of(f"sqlite://{path}", clock=clock, tombstone=tombstone)
    assert isinstance(store, DayStore) and path.exists()
    store.close()
    for url in (
        "postgres:///x",
        "sqlite://host/x",
        "sqlite:///x?mode=ro",
        "sqlite:relative",
        "/x",
        "",
    ):
        with pytest.raises(StoreError, match="sqlite:///"):
            store_of(url, clock=clock, tombstone=tombstone)


# --- Ticks without work ---


def test_a_tick_without_work_looks_for_some_once_and_again_after_work_or_midnight(
    store: DayStore, clock: TickClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []
    real = store._writer._draft

    def noted(may_grow: bool) -> TickDraft:
        looked.append(1)
        return real(may_grow)

    monkeypatch.setattr(store._writer, "_draft", noted)

    def ticks(count: int) -> int:
        looked.clear()
        for _ in range(count):
            before = store._file.ledger
            store.tick()
            assert store._file.ledger != before, "each tick is written"
        return len(looked)

    assert ticks(4) <= 1
    file_report(store)
    assert ticks(4) == 1
    clock.next_day()
    # The day begins, and one more tick finds nothing to do.
    assert ticks(5) == 2
    clock.next_day(2)
    # The clock has jumped, and later it is said to be right.
    assert ticks(3) == 1
    store.confirm_clock()
    assert ticks(5) == 2


def test_after_a_failed_tick_without_work_everything_is_looked_at_again(
    store: DayStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        store.tick()
    with monkeypatch.context() as broken:
        broken.setattr(store._file, "write", cannot_store)
        store.tick()
    looked: list[bool] = []
    real = store._writer._draft

    def noted(may_grow: bool) -> TickDraft:
        looked.append(may_grow)
        return real(may_grow)

    monkeypatch.setattr(store._writer, "_draft", noted)
    store.tick()

    assert looked == [True]


def cannot_store(*_: object) -> None:
    raise CannotStore
