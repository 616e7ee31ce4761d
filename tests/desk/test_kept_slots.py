"""Which slots and sealed day keys are kept with what could not be opened: exactly these."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from hashlib import sha256
from typing import Any, cast

import pytest
from support.cases import add, attachment, report

from dropbox.day_key import SEALED_BYTES, DayKeyRecord
from dropbox.export_bundle import Head, ListedBlock
from dropbox.hpke import KEY_ID_BYTES
from dropbox.sizes import BLOCK_BYTES
from scripts.desk.case import Cause, Unopened
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.importing.chain import Finding
from scripts.desk.importing.content import Content
from scripts.desk.importing.listing import Found
from scripts.desk.importing.open_export import Disagrees
from scripts.desk.importing.setting_aside import MOST_KEPT_BYTES, Keeping, Kept, Wanted

FIRST = date(2026, 11, 20)
DAYS = [FIRST + timedelta(days=number) for number in range(7)]
ALL = (Cause.DAMAGED, Cause.NO_KEY)
EVERYTHING = Wanted(ALL)


def slot(day: int, place: int) -> bytes:
    return bytes([day, place]) * 8


def key(day: int) -> bytes:
    return bytes([0xAA, day]) * 8


class Bundle:
    """Stands in for the content of a bundle: three slots on each of seven days.

    The third one of each day was opened. It is its own listing and its own file of blocks.
    """

    def __init__(self) -> None:
        self.listing = self.blocks = self
        self.slots = [
            (slot(day, place), DAYS[day], Found.OPENED if place == 2 else Found.NOTHING)
            for day in range(7)
            for place in range(3)
        ]
        self.text = b"x"
        self.asked: list[object] = []

    def __len__(self) -> int:
        return len(self.slots)

    def __contains__(self, block_id: bytes) -> bool:
        return self.find(block_id) is not None

    def find(self, block_id: bytes) -> int | None:
        ids = [one for one, _, _ in self.slots]
        return ids.index(block_id) if block_id in ids else None

    def at(self, position: int) -> bytes:
        return self.slots[position][0] + self.text

    def block(self, position: int) -> ListedBlock:
        block_id, day, _ = self.slots[position]
        return ListedBlock(block_id, sha256(self.at(position)).digest(), day)

    def day(self, position: int) -> date:
        return self.slots[position][1]

    def found(self, position: int) -> Found:
        return self.slots[position][2]

    def pieces(self, _report: object, of: Any) -> Sequence[int]:
        self.asked.append(of.name)
        return [0, 19]


@pytest.fixture
def bundle() -> Bundle:
    return Bundle()


def records() -> tuple[bytes, ...]:
    """A sealed day key for each day."""
    entries = ((bytes(KEY_ID_BYTES), bytes(SEALED_BYTES)),)
    return tuple(DayKeyRecord(key(day), DAYS[day], entries).to_bytes() for day in range(7))


@pytest.fixture
def keep(casebook: Casebook, bundle: Bundle) -> Callable[..., Kept]:
    """Set aside, of what could not be opened, what is wanted."""
    head = Head(bytes(16), "", "", 7, b"", (), (), (), records(), (), ())

    def keeping(*unopened: Unopened, wanted: Wanted = EVERYTHING) -> Kept:
        with casebook.together():
            casebook.note_unopened(unopened)
            return Keeping(casebook, cast(Content, bundle), head).keep(unopened, wanted)

    return keeping


def kept(casebook: Casebook) -> tuple[list[bytes], list[bytes]]:
    """The ids of the blocks and of the day keys that are kept."""
    rows = list(casebook.database.query("SELECT id, kind FROM sealed ORDER BY id"))
    blocks, keys = (
        [bytes(row["id"]) for row in rows if row["kind"] == kind] for kind in ("block", "day key")
    )
    return blocks, keys


def slots(*days: int) -> list[bytes]:
    """Those that no key opened."""
    return [slot(day, place) for day in days for place in range(2)]


def keys(*days: int) -> list[bytes]:
    return [key(day) for day in days]


def unopened(block_id: bytes, cause: Cause, place: int = 0) -> Unopened:
    return Unopened(block_id, place, "why", cause)


def test_with_what_lacks_a_key_all_is_kept_that_no_key_opened_from_the_day_before_to_the_one_after(
    casebook: Casebook, keep: Callable[..., Kept]
) -> None:
    done = keep(unopened(slot(3, 0), Cause.NO_KEY))

    # And the sealed keys of these days and of those beside them.
    assert kept(casebook) == (slots(2, 3, 4), keys(1, 2, 3, 4, 5))
    size = sum(map(len, records()[1:6]))
    assert done == Kept(1, 6, 6 * BLOCK_BYTES + size)
    assert casebook.set_aside.marked() == {(slot(3, 0), 0): True}


def test_with_a_day_key_that_opens_for_nobody_its_days_are_kept(
    casebook: Casebook, keep: Callable[..., Kept]
) -> None:
    keep(unopened(key(5), Cause.DAMAGED))

    assert kept(casebook) == (slots(4, 5, 6), keys(3, 4, 5, 6))


def test_with_what_is_damaged_its_own_blocks_are_kept_and_the_keys_of_its_days(
    casebook: Casebook, bundle: Bundle, keep: Callable[..., Kept]
) -> None:
    assert keep(unopened(slot(3, 2), Cause.DAMAGED)).blocks == 1
    assert kept(casebook) == ([slot(3, 2)], keys(2, 3, 4))
    # A file's pieces: the bundle says which these are.
    add(casebook, report("", 1, attachments=(attachment("a", b"a"), attachment("b", b"b"))))
    part = casebook.part(1).block_id
    assert keep(unopened(part, Cause.DAMAGED, place=2)).blocks == 2
    assert bundle.asked == ["b"]
    assert kept(casebook) == ([slot(0, 0), slot(3, 2), slot(6, 1)], keys(0, 1, 2, 3, 4, 5, 6))


def test_what_is_kept_already_is_not_kept_again_unless_it_came_with_other_bytes(
    casebook: Casebook, bundle: Bundle, keep: Callable[..., Kept]
) -> None:
    one = unopened(slot(3, 0), Cause.DAMAGED)
    assert keep(one) == Kept(1, 1, BLOCK_BYTES + sum(map(len, records()[2:5])))
    assert keep(one) == Kept()
    bundle.text = b"other"
    # Not wanted this time: so it holds back the acknowledgement again.
    assert keep(one, wanted=Wanted([Cause.NO_KEY])) == Kept()
    assert casebook.set_aside.marked() == {}
    assert keep(one) == Kept(1, 1, BLOCK_BYTES)
    assert kept(casebook)[0] == [slot(3, 0)] * 2
    # Of a file, whose report is read, nobody looks at the bytes again; nor of what is gone.
    for other in (unopened(slot(3, 0), Cause.DAMAGED, place=1), unopened(b"?" * 16, Cause.DAMAGED)):
        casebook.set_aside.mark(other.block_id, other.place, kept=True)
        assert keep(other) == Kept()
        assert (other.block_id, other.place) in casebook.set_aside.marked()


@pytest.mark.parametrize(("less", "is_kept"), [(0, True), (1, False)])
def test_what_is_kept_may_take_so_many_bytes_and_not_one_more(
    casebook: Casebook, keep: Callable[..., Kept], less: int, is_kept: bool
) -> None:
    size = BLOCK_BYTES + sum(map(len, records()[2:5]))
    done = keep(unopened(slot(3, 0), Cause.DAMAGED), wanted=Wanted(ALL, size - less))

    assert done == (Kept(1, 1, size) if is_kept else Kept(refused_bytes=size))
    assert bool(casebook.set_aside.marked()) == is_kept
    assert Wanted().most_bytes == MOST_KEPT_BYTES == 4_096 * BLOCK_BYTES


def test_what_the_server_has_no_more_is_released_and_what_it_has_is_not(
    casebook: Casebook, keep: Callable[..., Kept]
) -> None:
    gone, here, its_key = unopened(b"g" * 16, Cause.DAMAGED), slot(3, 0), key(3)
    before = [gone, unopened(here, Cause.DAMAGED), unopened(its_key, Cause.DAMAGED)]
    with casebook.together():
        casebook.note_unopened(before)
    keep(wanted=Wanted())

    assert casebook.set_aside.marked() == {(gone.block_id, 0): False}
    # What is still unopened of this bundle is not gone, wherever it is.
    assert keep(unopened(b"h" * 16, Cause.LOCKED), wanted=Wanted()) == Kept()
    assert (b"h" * 16, 0) not in casebook.set_aside.marked()


# --- What does not fit the bundle before ---


@pytest.mark.parametrize(("count", "more"), [(1, ""), (20, ""), (21, " And 1 more.")])
def test_twenty_findings_are_named_and_the_others_counted(count: int, more: str) -> None:
    findings = [Finding("added", bytes([number]) * 16) for number in range(count)]
    refused = Disagrees(findings, "Ask.")

    assert refused.findings == tuple(findings)
    assert str(refused) == (
        "The bundle disagrees with the one before it; nothing was imported. "
        f"{' '.join(map(str, findings[:20]))}{more} Ask."
    )
    assert str(Disagrees(findings)) + " Ask." == str(refused)
