"""What a piece of work may do to a tick: how much of it it takes up, and what failing leaves."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from support.day_stores import (
    SECRET,
    bundle_of,
    claim,
    open_days,
    owned,
    piece,
    report,
    tombstone,
)

from dropbox.errors import CannotStore, PendingGone
from dropbox.reply_bundle import Acknowledged
from dropbox.tombstone import Reason
from dropbox.vault.block_store import Export, NoRoom
from dropbox.vault.day_store import DayStore
from dropbox.vault.tick_changes import Changes
from dropbox.vault.tick_work import (
    Accept,
    Commit,
    Erase,
    ForgetReplies,
    Hashed,
    KeepKey,
    NoteExport,
    Put,
    TakeOver,
    TickDraft,
    Work,
)

TODAY = date(2026, 11, 24)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DayStore]:
    opened = open_days(tmp_path / "vault.sqlite")
    yield opened
    opened.close()


def hashed() -> Hashed:
    return Hashed.of(piece())


def tags(count: int) -> list[bytes]:
    return [number.to_bytes(16, "big") for number in range(count)]


def acknowledged(count: int) -> list[Acknowledged]:
    return [Acknowledged(b"v" * 16, number, bytes(32)) for number in range(1, count + 1)]


# A slot is on nine pages, a head or a reply on one: nine of these are as much as a slot.
@pytest.mark.parametrize(
    ("work", "free_slots", "cost"),
    [
        (Put([hashed()] * 16), 16, 16),
        (Commit(hashed(), []), 1, 1),
        (Commit(hashed(), [claim(piece())] * 9), 1, 2),
        (Commit(hashed(), [claim(piece())] * 10), 1, 3),
        (Erase([(b"", b"")] * 7, Reason.ABANDONED, tombstone), 0, 7),
        (KeepKey(TODAY, b"", 1), 0, 2),
        (Accept(bundle_of(1, tags(18))), 0, 2),
        (Accept(bundle_of(1, tags(256), acknowledged=acknowledged(10))), 0, 31),
        (TakeOver([(tag, b"") for tag in tags(19)], TODAY, {}), 0, 3),
        (ForgetReplies(tags(27)), 0, 3),
        (ForgetReplies(tags(28)), 0, 4),
        (NoteExport(Export(1, b"")), 0, 0),
    ],
)
def test_work_costs_a_tick_as_many_slots_as_the_pages_that_it_writes(
    work: Work, free_slots: int, cost: int
) -> None:
    """The journal has room for what a tick takes: more in one tick would make it grow, and tell."""
    assert (work.free_slots, work.cost) == (free_slots, cost)


def cannot_store(*_: object) -> None:
    raise CannotStore


def test_a_report_that_is_sent_twice_to_a_failing_disk_is_not_said_to_be_there(
    store: DayStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second copy finds the first in its own tick, which then fails with both of them."""
    filed = Hashed.of(report())
    waiting = [store._submit(Commit(filed, [])) for _ in range(2)]
    with monkeypatch.context() as broken:
        broken.setattr(store._file, "write", cannot_store)
        store.tick()

    for entry in waiting:
        with pytest.raises(CannotStore):
            entry.is_over()
    assert store.read(filed.block.id) is None


@pytest.mark.parametrize(
    "growing",
    [
        KeepKey(TODAY, b"record", 9),
        NoteExport(Export(1, bytes(32))),
        Accept(bundle_of(2)),
        TakeOver([], TODAY, {(0, "A" * 40): 7}),
    ],
    ids=lambda work: type(work).__name__,
)
def test_on_a_full_disk_what_makes_a_table_longer_is_refused_and_the_rest_of_its_tick_done(
    store: DayStore, growing: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    filed, write = report(), store._file.write
    store.commit(filed, [])

    def full(changes: Changes, *others: Any) -> None:
        if any("INSERT" in statement for statement, _ in changes.statements):
            raise CannotStore
        write(changes, *others)

    monkeypatch.setattr(store._file, "write", full)
    refused = store._submit(growing)
    erased = store._submit(Erase([owned(filed)], Reason.ABANDONED, tombstone))
    store.tick()

    assert erased.is_over() and store.read(filed.id) != filed.data
    with pytest.raises(NoRoom):
        refused.is_over()


@dataclass(frozen=True)
class RefusedFirst(Work):
    """Work that is refused in the first draft, and done in the second."""

    drafts: list[TickDraft]

    def do(self, draft: TickDraft) -> None:
        """See Work."""
        self.drafts.append(draft)
        if len(self.drafts) == 1:
            raise PendingGone


def test_what_a_second_draft_does_is_not_refused_by_the_first(
    store: DayStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.tick()
    work = RefusedFirst([])
    waiting, write = store._submit(work), store._file.write
    failures = iter([CannotStore()])

    def once(*arguments: object) -> None:
        for failure in failures:
            raise failure
        write(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(store._file, "write", once)
    store.tick()

    assert waiting.is_over() and len(work.drafts) == 2


def test_what_is_erased_has_the_hash_of_its_tombstone_and_nobodys_preimage(
    store: DayStore,
) -> None:
    filed = report()
    store.commit(filed, [])

    def head() -> tuple[bytes, bytes]:
        place = store._writer.heads.place(filed.id)
        assert place is not None
        found = store._writer.heads.head(place)
        return found.erase_hash, found.sha256

    before = head()
    store.withdraw(SECRET)
    after = head()
    gone = store.read(filed.id)

    assert gone is not None and Hashed.of(filed._replace(data=gone)).sha256 == after[1]
    assert before[0] != after[0] and len(set(after[0])) > 4
