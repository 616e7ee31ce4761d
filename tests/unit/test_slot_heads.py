"""Which slots of a day are free: known in memory only, and nothing about it can be guessed."""

import itertools
import os
import random
import secrets
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from support.day_stores import (
    SMALL,
    TickClock,
    bundle_of,
    claim,
    file_report,
    held,
    open_days,
    owned,
    piece,
    report,
)

from dropbox.errors import PendingGone
from dropbox.vault.block_store import Block, StoredTwice
from dropbox.vault.day_store import DayStore
from dropbox.vault.slot_heads import Draft, SlotHeads, noise

DAY = 20_000


def test_a_day_that_grows_is_free_at_any_set_of_places_with_the_same_chance() -> None:
    """Play every sequence of choices: two slots are taken, in any order, and new ones come."""
    heads = [noise(DAY)[0] for _ in range(2)]
    names = {head.id: number for number, head in enumerate(heads)}
    for new in (2, 3):
        arrangements: Counter[tuple[int | None, ...]] = Counter()
        plays = itertools.product(
            itertools.permutations(heads),
            itertools.product(*(range(3 + number) for number in range(new))),
        )
        for there, choices in plays:
            before = SlotHeads([bytes(head) for head in there])
            draft = Draft(before, DAY, partial(_next, iter(choices)))
            draft.add_quantum(new, [], lambda _: b"")
            draft.fill()
            found: list[int | None] = [None] * (2 + new)
            for head in heads:
                place = draft.find(head.id)
                assert place is not None and place not in draft.free
                found[place] = names[head.id]
            arrangements[tuple(found)] += 1
            assert len(set(draft.free)) == new

        assert len(arrangements) == (2 + new) * (1 + new)
        assert len(set(arrangements.values())) == 1


def test_what_comes_with_new_slots_is_at_any_place_with_the_same_chance() -> None:
    """Two slots are taken and one is free, in any order, when new ones and a block come."""
    heads = [noise(DAY)[0] for _ in range(3)]
    names = {head.id: number for number, head in enumerate(heads[:2])}
    arrangements: Counter[tuple[int | None, ...]] = Counter()
    rested: Counter[frozenset[int]] = Counter()
    for there, *choices in itertools.product(
        itertools.permutations(heads), range(4), range(5), range(2)
    ):
        before = SlotHeads([bytes(head) for head in there])
        before.free = [there.index(heads[2])]
        draft = Draft(before, DAY, partial(_next, iter(choices)))
        draft.add_quantum(2, [], lambda _: b"")
        block = Block(os.urandom(16), os.urandom(16), b"")
        draft.add(block, bytes(32))
        draft.fill()
        found: list[int | None] = [None] * 5
        for block_id, name in {**names, block.id: 2}.items():
            place = draft.find(block_id)
            assert place is not None and place not in draft.free
            found[place] = name
        arrangements[tuple(found)] += 1
        rested[frozenset(draft.free)] += 1

    assert (len(arrangements), set(arrangements.values())) == (5 * 4 * 3, {4})
    assert (len(rested), set(rested.values())) == (10, {24})


def test_what_comes_with_new_slots_is_written_where_the_tick_writes_anyway() -> None:
    before = SlotHeads([bytes(noise(DAY)[0]) for _ in range(40)])
    before.free = [3, 20, 39]
    places = []
    for blocks in (0, 1, 16, 17):
        # The same new slots change places with the same old ones each time.
        draft = Draft(before, DAY, random.Random(1).randrange)
        draft.add_quantum(16, [], lambda _: b"")
        for _ in range(blocks):
            draft.add(Block(os.urandom(16), os.urandom(16), b""), bytes(32))
        draft.fill()
        places.append(set(draft.rows()))
        assert len(draft.free) == 19 - blocks

    assert places[0] == places[1] == places[2]
    # One more than there are new ones takes a slot that was free before.
    assert len(places[3] - places[0]) == 1


def _next(choices: Iterator[int], _: int) -> int:
    return next(choices)


@pytest.mark.slow
def test_what_moves_keeps_its_bytes_and_leaves_none_behind(tmp_path: Path) -> None:
    path = tmp_path / "vault.sqlite"
    store = open_days(path, TickClock())
    filed = [file_report(store, 2) for _ in range(40)]
    blocks = [one for first, rest in filed for one in (first, *rest)]
    assert all(store.read(one.id) == one.data for one in blocks)
    order = [store._writer.heads.place(one.id) for one in blocks]
    store.close()
    raw = path.read_bytes()

    assert [one for one in blocks if raw.count(one.data[30_000:30_024]) != 1] == []
    # The last ones to come are not the last ones in the file.
    assert sorted(order, key=lambda place: place or 0)[-10:] != order[-10:]
    found = held(path)
    assert all(found[one.id].data == one.data for one in blocks)


def test_a_free_slot_is_chosen_by_the_randomness_that_is_given(tmp_path: Path) -> None:
    store = open_days(tmp_path / "vault.sqlite", randbelow=lambda below: below - 1)
    last = max(store._writer.heads.free)
    filed, _ = file_report(store)

    assert store._writer.heads.place(filed.id) == last
    store.close()


class Model:
    """What a store should hold, in dictionaries."""

    def __init__(self) -> None:
        self.reports: dict[bytes, tuple[Block, bytes]] = {}
        self.pieces: dict[bytes, Block] = {}
        self.claimed: dict[bytes, tuple[Block, bytes]] = {}
        self.gone: set[bytes] = set()
        self.replies: set[bytes] = set()

    def check(self, store: DayStore) -> None:
        """Compare all of it."""
        there = {
            **{one: block for one, (block, _) in self.reports.items()},
            **self.pieces,
            **{one: block for one, (block, _) in self.claimed.items()},
        }
        for block_id, block in there.items():
            assert store.read(block_id) == block.data
        for block_id in self.gone:
            data = store.read(block_id)
            assert data is None or data.startswith(b"tombstone")
        tags = sorted(self.replies)
        assert [index for index, _ in store.replies(tags)] == list(range(len(tags)))


@pytest.mark.long
@pytest.mark.parametrize("run", range(2))
def test_whatever_is_done_in_whatever_order_the_store_holds_what_it_should(  # noqa: PLR0912, PLR0915 - each step in turn
    tmp_path: Path, run: int
) -> None:
    """Random steps, with restarts, new days and refusals, compared with dictionaries."""
    seed = secrets.randbelow(2**32)
    print(f"seed {seed}")
    act, path, clock, model = random.Random(seed), tmp_path / "v.sqlite", TickClock(), Model()
    secret_of = [bytes([number]) * 32 for number in range(5)]
    store, bundles = open_days(path, clock), 0
    for _ in range(150):
        secret = act.choice(secret_of)
        match act.randrange(10):
            case 0 | 1:
                some = [piece() for _ in range(act.randrange(1, 6))]
                store.put(some)
                model.pieces.update((one.id, one) for one in some)
            case 2 | 3:
                block = report(secret)
                mine = act.sample(sorted(model.pieces), min(len(model.pieces), act.randrange(5)))
                store.commit(block, [claim(model.pieces[one], secret) for one in mine])
                model.reports[block.id] = (block, secret)
                model.claimed.update((one, (model.pieces.pop(one), secret)) for one in mine)
            case 4 if model.reports:
                # The same report again, and a second copy of a piece.
                block, old = act.choice(sorted(model.reports.values()))
                copy = piece()
                store.put([copy])
                store.commit(block, [claim(copy, old)])
                model.gone.add(copy.id)
            case 5:
                with pytest.raises(PendingGone):
                    store.commit(report(secret), [claim(piece(), secret)])
                if model.pieces:
                    with pytest.raises(StoredTwice):
                        store.put([piece(), act.choice(sorted(model.pieces.values()))])
            case 6:
                store.withdraw(secret)
                for held_blocks in (model.reports, model.claimed):
                    for one in [one for one, (_, its) in held_blocks.items() if its == secret]:
                        del held_blocks[one]
                        model.gone.add(one)
            case 7:
                for one in act.sample(sorted(model.pieces), min(len(model.pieces), 2)):
                    store.erase([(one, claim(model.pieces[one]).preimage), owned(piece())])
                    model.gone.add(model.pieces.pop(one).id)
            case 8:
                store.close()
                if act.randrange(2):
                    clock.next_day()
                store = open_days(path, clock)
            case _:
                bundles += 1
                tags = [os.urandom(16) for _ in range(act.randrange(4))]
                store.accept(bundle_of(bundles, tags))
                model.replies.update(tags)
                lost = act.sample(sorted(model.replies), min(len(model.replies), 1))
                store.forget_replies(lost)
                model.replies -= set(lost)
        if act.randrange(6) == 0:
            store.tick()
            model.check(store)
    store.tick()
    model.check(store)
    assert all(day.slots % SMALL.quantum == 0 for day in store.days())
    store.close()
    held(path)
