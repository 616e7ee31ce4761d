"""The vault's file: all or nothing, no remains of what was deleted, and all SQLite settings
verified.
"""

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from support.clocks import Clock
from support.durable import steps

from dropbox.bundle import ReplyBundle, SealedReply
from dropbox.errors import BadBundle, CannotStore, PendingGone, StoreError
from dropbox.sizes import BLOCK_BYTES, REPLY_BYTES
from dropbox.vault import database as module
from dropbox.vault.database import PRAGMAS
from dropbox.vault.store import Counts, Pending, Store, StoredTwice

TAG = b"t" * 16


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.sqlite"


@pytest.fixture
def store(path: Path, clock: Clock) -> Iterator[Store]:
    opened = Store.open(path, clock=clock, pending_minutes=240)
    yield opened
    opened.close()


def block(number: int) -> Pending:
    """A block with its own id and easily found bytes."""
    return Pending(bytes([number]) * 16, (b"canary-%03d-" % number * BLOCK_BYTES)[:BLOCK_BYTES])


def bundle(
    number: int, desk: int = 0, tags: range = range(3), keep_until: date = date(2027, 2, 1)
) -> ReplyBundle:
    replies = tuple(SealedReply(bytes([tag]) * 16, bytes([tag]) * REPLY_BYTES) for tag in tags)
    return ReplyBundle(number, "wechat-2020", desk, date(2026, 12, 1), keep_until, replies)


def test_a_report_and_its_pending_blocks_become_final_together(store: Store) -> None:
    store.add_pending([block(1), block(2)])
    assert store.next_export("c").blocks == ()
    store.commit(block(9), TAG, [(block(1).id, b"1" * 16), (block(2).id, b"2" * 16)])

    assert {listed.id for listed in store.next_export("c").blocks} == {
        block(1).id,
        block(2).id,
        block(9).id,
    }
    assert store.block(block(2).id) == block(2).data
    assert store.counts() == Counts(blocks=3, pending=0, replies=0, exports=2)


def test_a_missing_pending_block_leaves_everything_as_it_was(store: Store) -> None:
    store.add_pending([block(1)])
    with pytest.raises(PendingGone):
        store.commit(block(9), TAG, [(block(1).id, TAG), (block(2).id, TAG)])

    assert store.counts() == Counts(blocks=0, pending=1, replies=0, exports=0)


def test_the_same_report_is_stored_once_and_the_second_copy_of_its_files_is_deleted(
    store: Store,
) -> None:
    for number in (1, 2):
        store.add_pending([block(number)])
        store.commit(block(9), TAG, [(block(number).id, TAG)])

    assert {listed.id for listed in store.next_export("c").blocks} == {block(1).id, block(9).id}
    assert store.counts() == Counts(blocks=2, pending=0, replies=0, exports=1)


def test_a_report_cannot_take_a_block_that_is_final_already(store: Store) -> None:
    """Otherwise its withdraw tag would be replaced, and the sender of the second report could
    delete it.
    """
    store.add_pending([block(1), block(2)])
    store.commit(block(8), b"8" * 16, [(block(1).id, b"1" * 16)])
    with pytest.raises(PendingGone):
        store.commit(block(9), TAG, [(block(2).id, TAG), (block(1).id, TAG)])

    assert sorted(store.tags()) == [(block(1).id, b"1" * 16), (block(8).id, b"8" * 16)]
    assert store.counts().pending == 1


def test_a_second_report_of_the_same_form_deletes_no_block_that_is_final(store: Store) -> None:
    store.add_pending([block(1)])
    store.commit(block(9), TAG, [(block(1).id, TAG)])
    store.commit(block(9), TAG, [(block(1).id, TAG)])

    assert store.counts() == Counts(blocks=2, pending=0, replies=0, exports=0)


def test_an_id_that_is_there_already_is_refused_with_its_whole_batch(store: Store) -> None:
    store.add_pending([block(1)])
    with pytest.raises(StoredTwice):
        store.add_pending([block(2), block(1)])

    assert store.counts().pending == 1


def test_pending_blocks_expire_and_final_ones_stay(store: Store, clock: Clock) -> None:
    store.add_pending([block(1)])
    store.add_pending([block(2)])
    store.commit(block(9), TAG, [(block(2).id, TAG)])
    clock.now += timedelta(minutes=239)
    store.expire()
    assert store.counts().pending == 1

    clock.now += timedelta(minutes=61)
    store.expire()

    assert store.counts() == Counts(blocks=2, pending=0, replies=0, exports=0)
    with pytest.raises(PendingGone):
        store.commit(block(8), TAG, [(block(1).id, TAG)])


def test_a_pending_block_waits_until_the_full_hour_and_not_a_second_longer(
    store: Store, clock: Clock
) -> None:
    """Four hours from 10:20 end at 14:20: gone at 15:00."""
    clock.now = datetime(2026, 11, 24, 10, 20, tzinfo=UTC)
    store.add_pending([block(1)])
    clock.now = datetime(2026, 11, 24, 14, 59, 59, tzinfo=UTC)
    store.expire()
    assert store.counts().pending == 1
    clock.now = datetime(2026, 11, 24, 15, tzinfo=UTC)
    store.expire()

    assert store.counts().pending == 0


def test_a_block_that_came_on_the_full_hour_waits_as_long_as_was_said(
    store: Store, clock: Clock
) -> None:
    clock.now = datetime(2026, 11, 24, 10, tzinfo=UTC)
    store.add_pending([block(1)])
    clock.now = datetime(2026, 11, 24, 13, 59, 59, tzinfo=UTC)
    store.expire()
    assert store.counts().pending == 1
    clock.now = datetime(2026, 11, 24, 14, tzinfo=UTC)
    store.expire()

    assert store.counts().pending == 0


def test_a_reply_is_kept_through_its_last_day(store: Store, clock: Clock) -> None:
    store.accept(bundle(1, keep_until=date(2027, 2, 1)))
    clock.now = datetime(2027, 2, 1, 23, 59, 59, tzinfo=UTC)
    store.expire()
    assert store.counts().replies == 3
    clock.now = datetime(2027, 2, 2, tzinfo=UTC)
    store.expire()

    assert store.counts().replies == 0


def test_the_file_tells_days_and_full_hours_only(store: Store, path: Path) -> None:
    store.add_pending([block(1)])
    with sqlite3.connect(path) as reader:
        (expires,), (day,) = (
            reader.execute("SELECT expires FROM slot").fetchone(),
            reader.execute("SELECT day FROM slot").fetchone(),
        )
    reader.close()

    assert int.from_bytes(expires, "big") % 3600 == 0 and day == "2026-11-24"


def test_only_pending_blocks_can_be_abandoned(store: Store) -> None:
    store.add_pending([block(1)])
    store.commit(block(9), TAG, [])
    store.abandon([block(1).id, block(9).id, block(7).id])

    assert store.counts() == Counts(blocks=1, pending=0, replies=0, exports=0)


def test_nothing_of_a_deleted_block_is_left_in_the_file(store: Store, path: Path) -> None:
    store.add_pending([block(1), block(2)])
    assert b"canary-001" in path.read_bytes()
    store.abandon([block(1).id])

    assert b"canary-001" not in path.read_bytes() and b"canary-002" in path.read_bytes()
    journal = path.with_name(path.name + "-journal")
    assert not journal.exists() or journal.stat().st_size == 0


def test_replies_are_found_by_tag_and_expire(store: Store, clock: Clock) -> None:
    store.accept(bundle(1))
    tags = [bytes([tag]) * 16 for tag in (7, 1, 9, 2)]

    assert store.replies(tags) == [(1, b"\x01" * REPLY_BYTES), (3, b"\x02" * REPLY_BYTES)]
    clock.now += timedelta(days=100)
    store.expire()
    assert store.replies(tags) == []


def test_a_reply_bundle_of_an_old_number_is_refused_for_its_desk_only(store: Store) -> None:
    store.accept(bundle(2))
    with pytest.raises(BadBundle, match="not newer than 2"):
        store.accept(bundle(2, tags=range(4, 5)))
    store.accept(bundle(1, desk=1, tags=range(5, 6)))

    assert store.counts().replies == 4


def test_a_reply_bundle_taken_before_is_refused_however_many_came_since(store: Store) -> None:
    for number in (1, 2, 5):
        store.accept(bundle(number, tags=range(10 * number, 10 * number + 2)))
    for number in (1, 2, 3, 5):
        with pytest.raises(BadBundle, match="not newer than 5"):
            store.accept(bundle(number, tags=range(100, 101)))

    store.accept(bundle(6, tags=range(100, 101)))
    assert store.counts().replies == 7


@pytest.mark.parametrize("act", ["add_pending", "next_export"])
def test_other_calls_delete_what_has_expired(store: Store, clock: Clock, act: str) -> None:
    store.add_pending([block(1)])
    store.accept(bundle(1, keep_until=date(2026, 12, 1)))
    clock.now += timedelta(days=30)
    if act == "add_pending":
        store.add_pending([block(2)])
    else:
        store.next_export("c")

    assert store.counts().pending == (act == "add_pending") and store.counts().replies == 0


def test_a_bundle_with_a_tag_that_is_taken_leaves_nothing(store: Store) -> None:
    store.accept(bundle(1))
    with pytest.raises(BadBundle, match="tag of one that already exists"):
        store.accept(bundle(2, tags=range(2, 6)))

    assert store.counts().replies == 3
    store.accept(bundle(2, tags=range(10, 11)))


def test_exports_are_numbered_and_list_everything_sorted_by_hash(store: Store) -> None:
    for number in range(20):
        store.commit(block(number), TAG, [])
    first, second = store.next_export("c"), store.next_export("c")

    assert (first.number, second.number) == (1, 2)
    assert [listed.sha256 for listed in first.blocks] == sorted(
        listed.sha256 for listed in first.blocks
    )
    assert first.blocks == second.blocks


def test_what_was_stored_is_there_after_the_file_is_opened_again(
    store: Store, path: Path, clock: Clock
) -> None:
    store.commit(block(1), TAG, [])
    store.close()
    again = Store.open(path, clock=clock, pending_minutes=240)

    assert again.block(block(1).id) == block(1).data
    again.close()


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE other (a)",
        "CREATE INDEX told ON slot (day)",
        "CREATE TRIGGER kept AFTER DELETE ON slot BEGIN INSERT INTO export VALUES (1, '', ''); END",
        "CREATE VIEW seen AS SELECT id FROM slot",
        "DROP TABLE export",
        "ALTER TABLE reply ADD COLUMN at TEXT",
    ],
)
def test_a_vault_s_file_with_something_more_or_less_in_it_is_refused(
    store: Store, path: Path, clock: Clock, change: str
) -> None:
    """A trigger could keep what is deleted, an index the order of filing."""
    store.close()
    Store.open(path, clock=clock, pending_minutes=240).close()
    make(path, change)

    with pytest.raises(StoreError, match="is not a vault's file"):
        Store.open(path, clock=clock, pending_minutes=240)


def test_the_file_is_for_its_owner_alone(store: Store, path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_new_file_has_its_name_when_it_is_on_the_disk(
    path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut while it is made leaves a whole file or none."""
    done = steps(monkeypatch)
    Store.open(path, clock=clock, pending_minutes=240).close()

    size = path.stat().st_size
    assert size > 4 * 4_096
    assert done == [
        ("fsync", "vault.sqlite.part", size),
        ("rename", "vault.sqlite", size),
        ("fsync", path.parent.name, None),
    ]


# What SQLite returns for each setting, and a value other than the required one.
SETTINGS: dict[str, tuple[str | int, str]] = {
    "auto_vacuum": (0, "FULL"),
    "journal_mode": ("truncate", "WAL"),
    "secure_delete": (1, "OFF"),
    "temp_store": (2, "FILE"),
    "synchronous": (2, "OFF"),
    "trusted_schema": (0, "ON"),
}


def test_sqlites_settings_are_as_they_have_to_be(store: Store, path: Path, clock: Clock) -> None:
    again = Store.open(path, clock=clock, pending_minutes=240)
    for opened in (store, again):
        found = {
            name: opened._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in SETTINGS
        }
        assert found == {name: expected for name, (expected, _) in SETTINGS.items()}
    again.close()


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_that_sqlite_ignores_stops_the_start(
    path: Path, clock: Clock, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The setting is set to another value than the one that is then expected."""
    number = [made for made, _, _ in PRAGMAS].index(name)
    expected, other = SETTINGS[name]
    assert PRAGMAS[number][2] == expected
    if name == "auto_vacuum":
        make(
            path, "PRAGMA auto_vacuum = FULL; CREATE TABLE full (number)"
        )  # it has an effect only in an empty file
    changed = (*PRAGMAS[:number], (name, other, expected), *PRAGMAS[number + 1 :])
    monkeypatch.setattr(module, "PRAGMAS", changed)
    with pytest.raises(StoreError, match=f"ignores the setting {name}"):
        Store.open(path, clock=clock, pending_minutes=240)


@pytest.mark.parametrize(
    ("prepare", "sentence"),
    [
        (lambda path: path.write_bytes(b"not a database" * 100), "damaged"),
        (
            lambda path: make(path, "PRAGMA user_version = 99"),
            "another version of Casedrop \\(schema 99\\)",
        ),
        (lambda path: make(path, "CREATE TABLE other (a)"), "another version"),
        (lambda path: path.mkdir(), "cannot be opened"),
        (lambda path: path.symlink_to("/dev/null"), "cannot be opened"),
    ],
)
def test_a_file_that_is_no_vault_is_refused_with_a_sentence(
    path: Path, clock: Clock, prepare: object, sentence: str
) -> None:
    prepare(path)  # type: ignore[operator]
    with pytest.raises(StoreError, match=sentence):
        Store.open(path, clock=clock, pending_minutes=240)


def make(path: Path, statements: str) -> None:
    """A database with *statements* run in it."""
    connection = sqlite3.connect(path)
    connection.executescript(statements)
    connection.close()


def test_many_threads_store_all_that_they_report(store: Store) -> None:
    def file(number: int) -> None:
        for step in range(5):
            store.commit(Pending(bytes([number, step]) * 8, bytes(BLOCK_BYTES)), TAG, [])

    threads = [threading.Thread(target=file, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert store.counts().blocks == 40


FULL = """
import resource, sys
from datetime import UTC, datetime
from pathlib import Path
from dropbox.errors import CannotStore
from dropbox.vault.store import Pending, Store
store = Store.open(Path(sys.argv[1]), clock=lambda: datetime.now(UTC), pending_minutes=240)
store.commit(Pending(b"a" * 16, bytes(65536)), bytes(16), [])
store.add_pending([Pending(b"p" * 16, bytes(65536))])
size = Path(sys.argv[1]).stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20_000, size + 20_000))
for call in (
    lambda: store.commit(Pending(b"b" * 16, bytes(65536)), bytes(16), [(b"p" * 16, bytes(16))]),
    lambda: store.add_pending([Pending(bytes([n]) * 16, bytes(65536)) for n in range(9)]),
):
    try:
        call()
    except CannotStore:
        print("refused")
print(store.counts())
"""


def test_a_full_disk_refuses_and_leaves_nothing_half_stored(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )

    assert done.stdout.splitlines() == [
        "refused",
        "refused",
        "Counts(blocks=1, pending=1, replies=0, exports=0)",
    ]


def test_a_damaged_file_is_reported_without_sqlites_own_text(store: Store, path: Path) -> None:
    store.commit(block(1), TAG, [])
    with path.open("r+b") as file:
        file.seek(0)
        file.write(os.urandom(4096))
    with pytest.raises(CannotStore) as refusal:
        for _ in range(3):
            store.commit(block(2), TAG, [])

    assert str(refusal.value) == CannotStore.__doc__


def test_only_the_right_tag_withdraws_a_block(store: Store, path: Path) -> None:
    store.add_pending([block(3)])
    store.commit(block(1), b"1" * 16, [])
    store.commit(block(2), b"2" * 16, [])
    assert sorted(store.tags()) == [(block(1).id, b"1" * 16), (block(2).id, b"2" * 16)]
    store.withdraw(
        [
            (block(1).id, b"2" * 16),
            (block(2).id, b"2" * 16),
            (block(3).id, bytes(16)),
            (block(7).id, TAG),
        ]
    )

    assert store.tags() == [(block(1).id, b"1" * 16)]
    assert store.counts() == Counts(blocks=1, pending=1, replies=0, exports=0)
    assert b"canary-002" not in path.read_bytes()


def test_replies_can_be_forgotten_by_tag(store: Store) -> None:
    store.accept(bundle(1))
    store.forget_replies([bytes([1]) * 16, bytes([9]) * 16])

    assert [place for place, _ in store.replies([bytes([tag]) * 16 for tag in range(3)])] == [0, 2]
