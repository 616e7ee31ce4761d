"""The slots of a bundle during its import, packed, and how often each is tried."""

import hashlib
import os
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from support.cases import attachment, report
from support.slot_bundles import SlotDrop

from dropbox.block import Kind, Opened, open_block, piece_id, seal_block
from dropbox.day_key import DayKey
from dropbox.export_bundle import ListedBlock
from dropbox.hpke import SecretKey
from dropbox.openpgp import Opener, Reviewers
from dropbox.week_secrets import WeekSecrets
from dropbox.weekly_hpke import WeeklyHpke
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.importing import opened_blocks
from scripts.desk.importing.blocks import kept_in
from scripts.desk.importing.content import Content
from scripts.desk.importing.listing import Found, Listing
from scripts.desk.importing.open_export import Imported, open_export
from scripts.desk.importing.opened_blocks import DayKeys

DAY = date(2026, 11, 25)
SECRET = SecretKey(bytes(range(96)))


def blocks(count: int) -> list[ListedBlock]:
    ids = sorted(os.urandom(16) for _ in range(count))
    return [ListedBlock(one, os.urandom(32), DAY + timedelta(n % 9)) for n, one in enumerate(ids)]


def listing_of(listed: Iterable[ListedBlock]) -> Listing:
    made = Listing()
    for block in listed:
        made.add(block)
    return made


def test_slots_are_found_by_their_ids_and_no_others_are() -> None:
    listed = blocks(500)
    made = listing_of(listed)

    assert len(made) == 500 and [made.block(at) for at in range(500)] == listed
    assert [made.find(block.id) for block in listed] == list(range(500))
    assert listed[0].id in made and os.urandom(16) not in made
    assert made.find(bytes(16)) is None and made.find(b"\xff" * 16) is None
    assert Listing().find(bytes(16)) is None
    with pytest.raises(AssertionError):
        made.add(listed[-1])


def test_what_was_found_in_a_slot_is_added_up() -> None:
    made = listing_of(blocks(4))
    made.note(1, Found.OPENED)
    made.note(1, Found.REPORT)
    made.note(3, Found.PIECE)

    assert made.found(1) == Found.OPENED | Found.REPORT and made.found(0) == Found.NOTHING
    assert list(made.having(Found.OPENED)) == [1] and made.count(Found.PIECE | Found.REPORT) == 2


def test_repeated_contents_are_named_and_mere_likeness_is_not() -> None:
    listed = blocks(300)
    assert listing_of(listed).repeated() == []
    same = [listed[7], listed[200], listed[250]]
    copies = [b._replace(sha256=same[0].sha256) if b in same else b for b in listed]
    # Alike in the part that is looked at first.
    alike = listed[9].sha256[:8] + os.urandom(24)
    copies[100] = copies[100]._replace(sha256=alike)

    assert sorted(listing_of(copies).repeated()) == sorted(block.id for block in same)


@pytest.mark.long
def test_a_slot_takes_53_bytes_however_many_a_bundle_claims() -> None:
    tracemalloc.start()
    made, count = Listing(), 20_000
    for number in range(count):
        block_id = number.to_bytes(16, "big")
        made.add(ListedBlock(block_id, hashlib.sha256(block_id).digest(), DAY))
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    # Arrays that grow have an eighth of room beyond what they hold.
    assert 53 * count <= size < 64 * count


@pytest.fixture
def tries(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many keys each block was given to be tried with."""
    counted: list[int] = []

    def counting(block: bytes, keys: Iterable[bytes]) -> Opened:
        held = list(keys)
        counted.append(len(held))
        return open_block(block, held)

    monkeypatch.setattr(opened_blocks, "open_block", counting)
    yield counted


@pytest.fixture
def slot_drop(reviewers: Reviewers, keys_dir: Path, tmp_path: Path, first_day: date) -> SlotDrop:
    return SlotDrop(reviewers, WeeklyHpke.load(keys_dir, datetime.now(UTC)), tmp_path, first_day)


@pytest.fixture
def take(
    casebook: Casebook, opener: Opener, reviewer_homes: list[Path], first_day: date
) -> Callable[[Path], Imported]:
    find = WeekSecrets(reviewer_homes[0], opener).find
    return lambda bundle: open_export(casebook, bundle, opener, find, today=first_day)


@pytest.mark.slow
def test_what_an_import_tried_is_tried_again_with_new_keys_alone(
    slot_drop: SlotDrop, take: Callable[[Path], Imported], tries: list[int], casebook: Casebook
) -> None:
    """A front that was taken over leaves any number of keys; each import would try them all."""
    slot_drop.report(attachments=[slot_drop.file(os.urandom(200_000))])
    for _ in range(20):
        slot_drop.restart()
    take(slot_drop.bundle())
    assert max(tries) == 22 and len(tries) >= slot_drop.quantum

    tries.clear()
    take(slot_drop.bundle())
    # Filling, with no key; the report and the pieces of its file are known.
    assert set(tries) == {0} and len(tries) == slot_drop.quantum - 1 - 4
    assert len(casebook.bundles.tried()) == 22

    tries.clear()
    slot_drop.restart()
    slot_drop.report("under the new key", claimant=2)
    done = take(slot_drop.bundle())
    assert done.opened.parts == 1
    # The new block may be under any of them; the rest is tried with the new one.
    assert sorted(set(tries)) == [1, 23] and tries.count(23) == 1


def test_a_key_that_opened_a_piece_or_a_report_is_tried_first_for_its_day(tmp_path: Path) -> None:
    made = [DayKey.make(DAY) for _ in range(5)]
    keys = DayKeys.open([one.seal([SECRET.public]).to_bytes() for one in made], lambda _id: SECRET)
    with kept_in(tmp_path) as kept, kept_in(tmp_path) as messages:
        content = Content(kept, messages, keys, filed=lambda _id: False, bundle_of=lambda _id: 1)
        listed = blocks(2)
        for number, block in enumerate(listed):
            data = seal_block(Kind.REPORT, b"message %d" % number, made[4].key)
            content.take(block._replace(day=DAY), data, None)
        assert keys.of(DAY)[0] == made[4] and len(keys.of(DAY)) == 5
        reports = list(content.reports(lambda one: one == listed[0].id))

    assert [(one.position, one.message, one.bundle) for one in reports] == [(2, b"message 1", 1)]


@pytest.mark.slow
def test_tombstones_under_one_key_are_tried_with_it_first(
    slot_drop: SlotDrop, take: Callable[[Path], Imported], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The vault's key of a later day: any of all days since may be it."""
    first = [slot_drop.report(claimant=n, text=str(n)) for n in range(1, 6)]
    take(slot_drop.bundle())
    for _ in range(4):
        slot_drop.tomorrow()
        for _ in range(5):
            slot_drop.restart()
    for block_id in first:
        slot_drop.bury(block_id)
    tried: list[int] = []

    def counting(block: bytes, keys: Iterable[bytes]) -> Opened:
        opened = open_block(block, list(keys))
        if opened.kind is Kind.TOMBSTONE:
            tried.append(opened.key)
        return opened

    monkeypatch.setattr(opened_blocks, "open_block", counting)
    assert take(slot_drop.bundle()).findings == ()
    assert tried[0] > 20 and tried[1:] == [0, 0, 0, 0]


@pytest.mark.parametrize(("missing", "found"), [(0, True), (64, True), (65, False)])
def test_behind_so_many_missing_pieces_of_a_file_no_more_are_looked_for(
    missing: int, found: bool
) -> None:
    key = b"k" * 32
    last = missing + 1
    ids = [piece_id(key, number) for number in (0, last)]
    filling = [os.urandom(16) for _ in range(100)]
    made = listing_of(ListedBlock(one, bytes(32), DAY) for one in sorted([*ids, *filling]))
    unused = cast("Any", None)
    content = Content(unused, unused, unused, filed=unused, bundle_of=unused, listing=made)
    file = replace(attachment(), block_key=key, blocks=last + 1)

    pieces = list(content.pieces(report(reply_symmetric=b"s" * 32), file))

    assert pieces == [made.find(one) for one in ids[: 1 + found]]
    short = replace(file, blocks=last)
    assert list(content.pieces(report(reply_symmetric=b"s" * 32), short)) == pieces[:1]
