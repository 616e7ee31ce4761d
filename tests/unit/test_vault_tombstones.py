"""The vault's own day key: it is kept before it is used, and deleting never waits for it."""

import hashlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.day_stores import SECRET, START, TickClock, file_report, open_days
from support.vault_keys import LAST, WEEKLY, opened, tombstone_in

from dropbox.day_key import SEALED_BYTES, DayKey, DayKeyRecord, record_bytes
from dropbox.errors import BadDayKey, CannotStore
from dropbox.export_bundle import HEAD_BYTES
from dropbox.hpke import PublicKey
from dropbox.sizes import BLOCK_BYTES
from dropbox.tombstone import Reason, Tombstone
from dropbox.vault.block_store import StoredTwice
from dropbox.vault.day_store import DayStore
from dropbox.vault.kept_keys import Bound, KeptKeys, TooManyKeys, of_fronts, of_vault
from dropbox.vault.tombstones import RENEWAL_SECONDS, Renewal, Tombstones

TODAY = START.date()
ID, DIGEST = b"i" * 16, b"d" * 32
STONE = Tombstone(Reason.WITHDRAWN, ID, DIGEST)


@pytest.fixture
def clock() -> TickClock:
    return TickClock()


@pytest.fixture
def stones(clock: TickClock) -> Tombstones:
    return Tombstones(WEEKLY, clock=clock)


@pytest.fixture
def store(tmp_path: Path, clock: TickClock, stones: Tombstones) -> Iterator[DayStore]:
    opened = open_days(tmp_path / "vault.sqlite", clock, tombstone=stones.seal)
    yield opened
    opened.close()


def sealed(stones: Tombstones) -> bytes:
    return stones.seal(ID, Reason.WITHDRAWN, DIGEST)


def front_record(day: date = TODAY) -> DayKeyRecord:
    return DayKey.make(day).seal(WEEKLY.current(TODAY))


@pytest.mark.slow
def test_a_tombstone_opens_with_a_key_that_the_store_has_kept_before(
    stones: Tombstones, store: DayStore
) -> None:
    stones.renew(store)
    kept = store.day_keys()

    assert [day for day, _ in kept] == [TODAY]
    assert tombstone_in(sealed(stones), opened(kept)) == STONE
    assert stones.note() == ""


def test_what_is_withdrawn_leaves_its_tombstone(stones: Tombstones, store: DayStore) -> None:
    stones.renew(store)
    report, pieces = file_report(store, 2)
    store.withdraw(SECRET)

    for block in (report, *pieces):
        data = store.read(block.id)
        assert data is not None
        replaced = hashlib.sha256(block.data).digest()
        stone = tombstone_in(data, opened(store.day_keys()))
        assert stone == Tombstone(Reason.WITHDRAWN, block.id, replaced)


def test_the_key_changes_at_midnight_and_at_a_start_and_not_otherwise(
    stones: Tombstones, store: DayStore, clock: TickClock
) -> None:
    for _ in range(3):
        stones.renew(store)
    first = opened(store.day_keys())
    assert len(first) == 1

    clock.next_day()
    stones.renew(store)
    assert [day for day, _ in store.day_keys()] == [TODAY, clock.now.date()]
    both = opened(store.day_keys())
    assert tombstone_in(sealed(stones), both) == STONE
    assert tombstone_in(sealed(stones), first) is None

    again = Tombstones(WEEKLY, clock=clock)
    again.renew(store)
    assert len(store.day_keys()) == 3
    assert tombstone_in(sealed(again), both) is None


def test_without_the_reviewers_keys_it_is_overwritten_at_random_and_said(
    store: DayStore, clock: TickClock, tmp_path: Path
) -> None:
    stones = Tombstones.load(tmp_path / "no keys", clock=clock)
    stones.renew(store)
    one, two = sealed(stones), sealed(stones)

    assert len(one) == len(two) == BLOCK_BYTES and one != two
    assert store.day_keys() == []
    assert "overwritten at random" in stones.note() and "no keys" in stones.note()


def test_deleting_goes_on_when_the_reviewers_keys_have_ended(
    tmp_path: Path, clock: TickClock
) -> None:
    clock.next_day((LAST - TODAY).days + 1)
    stones = Tombstones(WEEKLY, clock=clock)
    store = open_days(tmp_path / "vault.sqlite", clock, tombstone=stones.seal)
    stones.renew(store)
    report, _ = file_report(store)
    store.withdraw(SECRET)

    data = store.read(report.id)
    assert data is not None and len(data) == BLOCK_BYTES and data != report.data
    assert "overwritten at random" in stones.note() and "no HPKE key valid" in stones.note()
    store.close()


def test_the_key_before_goes_on_for_as_long_as_its_record_is_kept(
    stones: Tombstones, store: DayStore, clock: TickClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stones.renew(store)
    kept = store.day_keys()
    clock.next_day()

    def full(*_: object) -> None:
        raise CannotStore

    monkeypatch.setattr(store, "keep_key", full)
    stones.renew(store)
    assert tombstone_in(sealed(stones), opened(kept)) == STONE
    assert f"under the key of {TODAY}" in stones.note()

    monkeypatch.setattr(store, "day_keys", list)
    stones.renew(store)
    assert tombstone_in(sealed(stones), opened(kept)) is None
    assert "overwritten at random" in stones.note()

    monkeypatch.undo()
    stones.renew(store)
    assert tombstone_in(sealed(stones), opened(store.day_keys())) == STONE
    assert stones.note() == ""


def test_a_key_that_may_have_been_kept_is_not_made_a_second_time(
    stones: Tombstones, store: DayStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = store.keep_key

    def kept_but_failed(day: date, record: bytes) -> None:
        keep(day, record)
        raise CannotStore

    monkeypatch.setattr(store, "keep_key", kept_but_failed)
    stones.renew(store)
    assert "overwritten at random" in stones.note()
    stones.renew(store)

    assert len(store.day_keys()) == 1 and stones.note() == ""
    assert tombstone_in(sealed(stones), opened(store.day_keys())) == STONE


def test_fronts_leave_room_for_the_vaults_own_key(
    store: DayStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for record in (bytes(1_197), front_record().to_bytes(), bytes(18_837)):
        most = [(TODAY, record)] * min(of_fronts().records, of_fronts().size // len(record))
        monkeypatch.setattr(store, "day_keys", lambda most=most: most)
        with pytest.raises(TooManyKeys):
            KeptKeys(store, of_fronts()).keep(
                DayKeyRecord(b"i" * 16, TODAY, entries_of_sixteen()), TODAY
            )
        stones = Tombstones(WEEKLY, clock=TickClock())
        stones.renew(store)
        assert stones.note() == ""


@pytest.mark.parametrize("limit_days", [14, 90, 180])
def test_all_keys_that_are_kept_fit_into_one_head(limit_days: int) -> None:
    """In Base64, with an eighth left; and there are always some for 16 reviewers."""
    for bound in (of_fronts(limit_days), of_vault(limit_days)):
        days = limit_days + 3
        assert days * bound.size * 4 / 3 <= HEAD_BYTES * 7 / 8
        assert bound.size >= 10 * record_bytes(16)
    assert of_fronts(limit_days).size < of_vault(limit_days).size


def test_a_day_may_have_keys_of_all_fronts_for_sixteen_reviewers_21_times() -> None:
    assert (of_fronts(), of_vault()) == (Bound(224, 405_900), Bound(256, 473_550))
    assert [405_900 // record_bytes(reviewers) for reviewers in (16, 3)] == [21, 114]


@pytest.mark.parametrize("limit_days", [14, 180])
def test_the_vaults_own_key_is_bounded_by_how_long_its_days_are_kept(
    store: DayStore, keys_dir: Path, limit_days: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = of_vault(limit_days).size
    own = len(front_record().to_bytes())
    monkeypatch.setattr(store, "keep_key", lambda *_: None)
    for taken, note in ((room - own, ""), (room - own + 1, TooManyKeys.__doc__)):
        held = [(TODAY, b"x" * taken)]
        monkeypatch.setattr(store, "day_keys", lambda held=held: held)
        stones = Tombstones.load(keys_dir, clock=TickClock(), limit_days=limit_days)
        stones.renew(store)
        assert (stones.note() == "") is (note == "")


@pytest.mark.slow
def test_a_key_that_could_not_be_kept_is_not_that_of_the_next_day(
    stones: Tombstones, store: DayStore, clock: TickClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise CannotStore

    with monkeypatch.context() as broken:
        broken.setattr(store, "keep_key", full)
        stones.renew(store)
    clock.next_day()
    stones.renew(store)

    assert [day for day, _ in store.day_keys()] == [TODAY + timedelta(days=1)]
    assert tombstone_in(sealed(stones), opened(store.day_keys())) == STONE


def test_two_who_have_a_key_kept_at_once_do_not_both_find_the_last_room(
    store: DayStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    day_keys = store.day_keys

    def slowly() -> list[tuple[date, bytes]]:
        found = day_keys()
        time.sleep(0.05)
        return found

    monkeypatch.setattr(store, "day_keys", slowly)
    keys = KeptKeys(store, Bound(1, HEAD_BYTES))
    records = [front_record() for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        ended = [pool.submit(keys.keep, record, TODAY) for record in records]
    refused = [one.exception() for one in ended if one.exception() is not None]

    assert len(day_keys()) == 1 and [type(one) for one in refused] == [TooManyKeys]


def test_two_who_renew_the_key_at_once_keep_one_record(
    stones: Tombstones, store: DayStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(day: date) -> tuple[PublicKey, ...]:
        time.sleep(0.05)
        return WEEKLY.current(day)

    monkeypatch.setattr(stones, "_weekly", SimpleNamespace(current=slowly))
    with ThreadPoolExecutor(2) as pool:
        for ended in [pool.submit(stones.renew, store) for _ in range(2)]:
            ended.result()

    assert len(store.day_keys()) == 1


def entries_of_sixteen() -> tuple[tuple[bytes, bytes], ...]:
    return tuple((bytes([number]) * 8, bytes(SEALED_BYTES)) for number in range(16))


def test_records_are_bounded_by_number_and_by_size(store: DayStore) -> None:
    size = len(front_record().to_bytes())
    for bound in (Bound(2, 10 * size), Bound(10, 2 * size)):
        keys = KeptKeys(store, bound)
        day = date.fromordinal(TODAY.toordinal() + (bound.records == 2))
        keys.keep(front_record(day), TODAY)
        keys.keep(front_record(day), TODAY)
        with pytest.raises(TooManyKeys):
            keys.keep(front_record(day), TODAY)


def test_a_record_is_kept_once_and_no_other_gets_its_id(store: DayStore) -> None:
    keys, record = KeptKeys(store, of_fronts()), front_record()
    keys.keep(record, TODAY)
    keys.keep(record, TODAY)
    with pytest.raises(StoredTwice):
        keys.keep(replace(front_record(), id=record.id), TODAY)

    assert store.day_keys() == [(TODAY, record.to_bytes())]


@pytest.mark.parametrize("days", [-2, 2, 400])
@pytest.mark.slow
def test_a_key_of_another_day_is_refused(store: DayStore, days: int) -> None:
    with pytest.raises(BadDayKey, match="not one of today"):
        KeptKeys(store, of_fronts()).keep(
            front_record(date.fromordinal(TODAY.toordinal() + days)), TODAY
        )
    assert store.day_keys() == []


@pytest.mark.slow
def test_the_key_is_renewed_in_a_thread_at_once_and_after_midnight(
    stones: Tombstones, store: DayStore, clock: TickClock
) -> None:
    renewal = Renewal(stones, store, seconds=0.01)
    # A vault that ends does not wait for it, and a day begins with its key within ten seconds.
    assert renewal._thread.daemon and RENEWAL_SECONDS == 10.0
    renewal.start()
    try:
        wait_for(lambda: stones.note() == "" and len(store.day_keys()) == 1)
        clock.now += timedelta(days=1)
        wait_for(lambda: len(store.day_keys()) == 2)
    finally:
        renewal.stop()
    assert [day for day, _ in store.day_keys()] == [TODAY, TODAY + timedelta(days=1)]
    assert not renewal._thread.is_alive()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
