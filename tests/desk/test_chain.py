"""Whatever a server does to blocks that were exported before, the next import names them."""

import os
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import pytest

from dropbox.errors import BadBundle
from dropbox.export_bundle import (
    ACKNOWLEDGED,
    GoneDay,
    Head,
    HeldDay,
    ListedBlock,
    Successor,
    in_volumes,
    volume_of,
)
from scripts.desk.casebook.bundles import LastBundle, Seen
from scripts.desk.importing.chain import (
    FINDINGS,
    Comparison,
    Finding,
    check_order,
    check_successor,
    skipped,
)
from scripts.desk.importing.listing import Listing

DAYS = [date(2026, 11, 20) + timedelta(n) for n in range(5)]
OPEN = DAYS[-1]


def sha() -> bytes:
    return os.urandom(32)


@dataclass
class Vault:
    """A vault as far as bundles show it: slots by id, and what was deleted from them."""

    slots: dict[bytes, ListedBlock]
    real: set[bytes]
    tombstones: dict[bytes, bytes] = field(default_factory=dict)
    gone: tuple[GoneDay, ...] = ()
    number: int = 1
    history: tuple[tuple[int, bytes], ...] = ()

    @classmethod
    def filled(cls, seed: int, slots: int = 40) -> "Vault":
        """*slots* slots on each day, a third of them with something real."""
        chance = random.Random(seed)
        blocks = [ListedBlock(os.urandom(16), sha(), day) for day in DAYS for _ in range(slots)]
        return cls({b.id: b for b in blocks}, {b.id for b in blocks if chance.random() < 1 / 3})

    def head(self) -> Head:
        """The next bundle's head."""
        counts = dict.fromkeys(sorted({block.day for block in self.slots.values()}), 0)
        for block in self.slots.values():
            counts[block.day] += 1
        head = Head(
            vault=b"v" * 16,
            onion="a.onion",
            campaign="c",
            number=self.number,
            salt=os.urandom(16),
            history=self.history,
            days=tuple(HeldDay(day, n, closed=day != OPEN) for day, n in counts.items()),
            gone=self.gone,
            day_keys=(),
            replies=(),
            volumes=tuple(map(volume_of, in_volumes(self.slots.values()))),
        )
        self.history += ((self.number, head.digest),)
        self.number += 1
        return Head.from_bytes(head.to_bytes())

    def remembered(self, head: Head) -> "Remembered":
        """What a desk remembers after it imported *head*."""
        return Remembered(
            head.vault,
            head.number,
            head.digest,
            head.onion,
            frozenset(held.day for held in head.days if held.closed),
            {
                block.id: Seen(block.sha256, block.day, int(block.id in self.real))
                for block in self.slots.values()
            },
        )

    def overwrite(self, block_id: bytes) -> None:
        """Put other bytes into a slot."""
        self.slots[block_id] = self.slots[block_id]._replace(sha256=sha())

    def bury(self, block_id: bytes) -> None:
        """Delete a block as it should be done."""
        self.tombstones[block_id] = self.slots[block_id].sha256
        self.overwrite(block_id)

    def some(self, *, opened: bool, day: Callable[[date], bool] = lambda _: True) -> list[bytes]:
        """The ids of blocks of that kind, in random order."""
        found = [
            one
            for one, block in self.slots.items()
            if (one in self.real) is opened and day(block.day)
        ]
        random.shuffle(found)
        return found


@dataclass(frozen=True)
class Remembered(LastBundle):
    """The last bundle, with its slots."""

    slots: dict[bytes, Seen]


def compare(
    last: Remembered | None,
    head: Head,
    blocks: Iterable[ListedBlock],
    tombstones: Mapping[bytes, bytes],
) -> list[Finding]:
    """What disagrees with *last*, as an import finds it."""
    comparison = Comparison(head, last, sorted(last.slots.items()) if last else ())
    listing = Listing()
    for block in sorted(blocks):
        listing.add(block)
        seen = comparison.before(block.id)
        comparison.judge(block, seen, tombstones.get(block.id))
    return comparison.findings(listing.repeated())


def test_what_an_honest_vault_does_is_no_finding() -> None:
    vault = Vault.filled(1)
    last = vault.remembered(vault.head())
    withdrawn = vault.some(opened=True)[:10]
    abandoned = vault.some(opened=False, day=lambda day: day != OPEN)[:5]
    free = vault.some(opened=False, day=lambda day: day == OPEN)
    came_and_went, arrived = free[:3], free[3:13]
    for block_id in (*withdrawn, *abandoned):
        vault.bury(block_id)
    for block_id in (*arrived, *came_and_went):
        # A block takes a free slot, id and all.
        del vault.slots[block_id]
        new = ListedBlock(os.urandom(16), sha(), OPEN)
        vault.slots[new.id] = new
        if block_id in came_and_went:
            vault.bury(new.id)
    first = DAYS[0]
    vault.gone = (GoneDay(first, 40, ACKNOWLEDGED),)
    vault.slots = {one: block for one, block in vault.slots.items() if block.day != first}
    tomorrow = [ListedBlock(os.urandom(16), sha(), OPEN + timedelta(1)) for _ in range(40)]
    more = [ListedBlock(os.urandom(16), sha(), OPEN) for _ in range(40)]
    vault.slots |= {block.id: block for block in (*tomorrow, *more)}

    head = vault.head()
    check_order(head, last)
    assert compare(last, head, vault.slots.values(), vault.tombstones) == []


def drop(vault: Vault, block_id: bytes) -> set[bytes]:
    del vault.slots[block_id]
    return {block_id}


def alter(vault: Vault, block_id: bytes) -> set[bytes]:
    vault.overwrite(block_id)
    return {block_id}


def alter_with_another_tombstone(vault: Vault, block_id: bytes) -> set[bytes]:
    vault.overwrite(block_id)
    vault.tombstones[block_id] = sha()
    return {block_id}


def add(vault: Vault, block_id: bytes) -> set[bytes]:
    new = ListedBlock(os.urandom(16), sha(), vault.slots[block_id].day)
    vault.slots[new.id] = new
    return {new.id}


def repeat(vault: Vault, block_id: bytes) -> set[bytes]:
    copy = ListedBlock(os.urandom(16), vault.slots[block_id].sha256, OPEN)
    vault.slots[copy.id] = copy
    return {copy.id, block_id}


def move(vault: Vault, block_id: bytes) -> set[bytes]:
    vault.slots[block_id] = vault.slots[block_id]._replace(day=OPEN)
    return {block_id}


ATTACKS: dict[str, Callable[[Vault, bytes], set[bytes]]] = {
    "missing": drop,
    "altered": alter,
    "altered, another tombstone": alter_with_another_tombstone,
    "added": add,
    "repeated": repeat,
    "moved": move,
}


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.slow
def test_each_attack_at_a_hundred_random_places_is_named_block_by_block(attack: str) -> None:
    named = 0
    for seed in range(100):
        vault = Vault.filled(seed, slots=10)
        last = vault.remembered(vault.head())
        kind = attack.partition(",")[0]
        opened = kind in ("altered", "missing") and seed % 2 == 0
        victim = vault.some(opened=opened, day=lambda day: day != OPEN)[0]
        hurt = ATTACKS[attack](vault, victim)

        findings = compare(last, vault.head(), vault.slots.values(), vault.tombstones)
        named += findings == sorted(Finding(kind, one) for one in hurt)
    assert named == 100


def test_a_report_that_came_on_the_day_of_the_last_bundle_is_missed_too() -> None:
    for attack in (drop, alter):
        vault = Vault.filled(3)
        last = vault.remembered(vault.head())
        victim = vault.some(opened=True, day=lambda day: day == OPEN)[0]
        attack(vault, victim)

        (found,) = compare(last, vault.head(), vault.slots.values(), vault.tombstones)
        assert found.block_id == victim and victim.hex() in str(found)


def test_a_day_that_goes_without_a_word_is_missing_block_by_block() -> None:
    vault = Vault.filled(4)
    last = vault.remembered(vault.head())
    vault.slots = {one: block for one, block in vault.slots.items() if block.day != DAYS[1]}

    found = compare(last, vault.head(), vault.slots.values(), vault.tombstones)
    assert {one.kind for one in found} == {"missing"} and len(found) == 40


def test_the_first_bundle_of_all_has_nothing_to_be_compared_with() -> None:
    vault = Vault.filled(5)
    head = vault.head()
    check_order(head, None)
    assert compare(None, head, vault.slots.values(), {}) == []
    assert skipped(head, None) == []


def test_replayed_older_forked_and_foreign_bundles_are_each_named() -> None:
    vault = Vault.filled(6)
    first, second, third = vault.head(), vault.head(), vault.head()
    last = vault.remembered(second)

    check_order(third, last)
    with pytest.raises(BadBundle, match="Bundle 2 was imported already"):
        check_order(second, last)
    with pytest.raises(BadBundle, match="bundle 2, which is newer"):
        check_order(first, last)
    with pytest.raises(BadBundle, match="forked"):
        check_order(replace(second, salt=b"y" * 16), last)
    with pytest.raises(BadBundle, match="forked"):
        check_order(replace(third, history=((1, first.digest), (2, sha()))), last)
    with pytest.raises(BadBundle, match="forked"):
        check_order(replace(third, history=((1, first.digest),)), last)
    with pytest.raises(BadBundle, match="another vault"):
        check_order(replace(third, vault=b"w" * 16), last)


def test_a_skipped_bundle_is_no_error_and_is_counted() -> None:
    vault = Vault.filled(7)
    first, _second, _third, fourth = (vault.head() for _ in range(4))
    last = vault.remembered(first)

    check_order(fourth, last)
    assert skipped(fourth, last) == [2, 3]
    assert skipped(fourth, None) == [1, 2, 3]


def test_a_new_vault_needs_the_operators_word_about_this_one() -> None:
    vault = Vault.filled(8)
    vault.head()
    last = vault.remembered(vault.head())
    new = replace(Vault.filled(9).head(), vault=b"w" * 16)

    for successor in (None, Successor(b"u" * 16, 2, ""), Successor(last.vault, 1, "")):
        with pytest.raises(BadBundle, match="has not said"):
            check_successor(replace(new, successor=successor), last)
    for number in (2, 3):
        check_successor(replace(new, successor=Successor(last.vault, number, "a disk")), last)


def test_every_kind_of_finding_is_a_sentence() -> None:
    assert {attack.partition(",")[0] for attack in ATTACKS} == set(FINDINGS)
    assert str(Finding("missing", b"\1" * 16)) == (
        f"Block {'01' * 16} is missing, and nothing says why."
    )
