"""Which short requests have a thread and which is next; connections are their names."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest

from onion.request_arrival import ArrivalLimits
from onion.turns import MOST_LATE, MOST_WAITING, OTHERS, SEASONED, WAIT_SECONDS, Kinds, Turn, Turns

LIMITS = ArrivalLimits(short_requests=8, working_requests=1, circuit_requests=1)
COSTS = (1, 4, 6)


class Drop:
    """Turns that run on one core, and the ranks of its circuits; lines are kinds' numbers.

    ``alike``: so many of a kind count as one.
    """

    alike = [1, 1, 1]

    def __init__(
        self, limits: ArrivalLimits = LIMITS, costs: Sequence[int] = COSTS, **ranks: int
    ) -> None:
        self.ranks = Counter(
            {(name.encode(), kind): ranks[name] for name in ranks for kind in (0, 1, 2)}
        )
        self.kinds = Kinds(int, costs, self._rank, self._begin)
        self.turns = Turns(limits, self.kinds)
        self.now = 0.0
        self.running: list[Turn] = []

    def _rank(self, circuit: bytes, kind: int) -> int:
        return self.ranks[circuit, kind] // self.alike[kind]

    def _begin(self, circuit: bytes, kind: int) -> None:
        self.ranks[circuit, kind] += 1

    def wait(self, name: str, kind: int = 0, *, circuit: str | None = None) -> None:
        whose = name if circuit is None else circuit
        self.turns.wait(name, whose.encode(), b"%d" % kind, self.now)

    def start(self) -> list[str]:
        started = self.turns.start()
        self.running += started
        return [one.connection for one in started]

    def end(self, name: str) -> None:
        self.turns.end(self.running.pop(self.names.index(name)))

    @property
    def names(self) -> list[str]:
        return [one.connection for one in self.running]

    def order(self) -> list[str]:
        """Those that wait, in the order in which they are served."""
        served = self.start()
        while self.running:
            self.end(self.names[0])
            served += self.start()
        assert self.turns.are_idle
        return served


def test_as_many_work_at_once_as_the_limit_says() -> None:
    drop = Drop(replace(LIMITS, working_requests=2))
    for name in "abc":
        drop.wait(name)

    assert drop.start() == ["c", "b"] and drop.start() == []
    drop.end("c")
    assert drop.start() == ["a"]


def test_one_that_only_waits_lets_the_next_work_and_keeps_its_place() -> None:
    turns = Turns(replace(LIMITS, short_requests=3))
    for name in "abcde":
        turns.wait(name, name.encode(), b"", 0.0)
    running = []
    for _ in range(3):
        (one,) = turns.start()
        running.append(one)
        assert turns.start() == []
        # Whoever says it twice frees one place.
        turns.rest(one)
        turns.rest(one)
    # All three still have their threads.
    assert turns.start() == []
    turns.end(running.pop(1))
    (last,) = turns.start()
    turns.end(last)
    running += turns.start()
    for one in running:
        turns.end(one)

    assert turns.are_idle and turns.start() == []


def test_the_next_is_of_the_circuit_that_has_had_fewest_and_the_newest_of_those() -> None:
    drop = Drop(a=2, b=1, c=0, d=1)
    for name in "abcd":
        drop.wait(name)

    assert drop.order() == ["c", "d", "b", "a"]


def test_a_flood_of_one_kind_keeps_nobody_from_another() -> None:
    drop = Drop()
    for number in range(200):
        drop.wait(f"guess {number}", 1)
    drop.start()
    for kind, name in ((0, "page"), (2, "report")):
        drop.wait(name, kind)
    served = drop.order()

    # Whatever had been served before, nobody has to wait for more than one of each other kind.
    assert {"page", "report"} <= set(served[:3])


def test_kinds_get_equal_shares_of_the_work_while_all_of_them_wait() -> None:
    drop = Drop()
    for number in range(200):
        for kind in range(3):
            drop.wait(f"{kind} {number}", kind)
    served = Counter(int(name[0]) for name in drop.order()[:100])

    work = [served[kind] * cost for kind, cost in enumerate(COSTS)]
    assert max(work) - min(work) <= 2 * max(COSTS)
    # What a kind has not used is no credit for later.
    for number in range(20):
        drop.wait(f"page {number}", 0)
    drop.order()
    for number in range(40):
        drop.wait(f"1 {number}", 1)
        drop.wait(f"2 {number}", 2)
    served = Counter(int(name[0]) for name in drop.order()[:20])
    assert abs(served[1] * COSTS[1] - served[2] * COSTS[2]) <= 2 * max(COSTS)


def test_no_kind_has_all_threads() -> None:
    drop = Drop(replace(LIMITS, working_requests=9))
    for number in range(9):
        drop.wait(f"page {number}")
    assert len(drop.start()) == LIMITS.short_requests - OTHERS == 6
    for name, kind in (("report", 2), ("login", 1), ("another", 1)):
        drop.wait(name, kind)

    # And all together have no more than there are.
    assert set(drop.start()) == {"report", "another"}


def test_of_two_kinds_none_has_all_threads_and_one_that_is_alone_has() -> None:
    limits = replace(LIMITS, working_requests=9)
    for drop, threads in ((Drop(limits, (1, 4)), 6), (Drop(limits, (1,)), 8)):
        for number in range(9):
            drop.wait(f"page {number}")
        assert len(drop.start()) == threads


@pytest.mark.parametrize("kind", [1, 2])
def test_who_has_had_many_leaves_a_place_to_those_who_come_first(kind: int) -> None:
    # Two are many; whatever costs more than a page counts.
    drop = Drop(replace(LIMITS, working_requests=2), (1, 2, 6), a=2, b=2, c=1)
    assert SEASONED == 2
    drop.wait("a", kind)
    drop.wait("b", kind)
    assert drop.start() == ["b"]
    drop.wait("c", kind)
    assert drop.start() == ["c"]
    # Its place is free as soon as it only waits.
    drop.turns.rest(drop.running[0])
    assert drop.start() == ["a"]


def test_who_has_had_many_leaves_threads_even_while_all_of_them_only_wait() -> None:
    drop = Drop(a=SEASONED, b=SEASONED, c=SEASONED, d=SEASONED, e=SEASONED)
    for name in "abcde":
        drop.wait(name, 2)
    for name in "edcb":
        assert drop.start() == [name]
        drop.turns.rest(drop.running[-1])
    # Half of the threads wait for the vault.
    assert drop.start() == []
    drop.wait("newcomer", 2)
    assert drop.start() == ["newcomer"]
    drop.end("e")
    drop.end("newcomer")

    assert drop.start() == ["a"]


def test_who_has_had_many_can_have_half_of_the_places() -> None:
    drop = Drop(replace(LIMITS, working_requests=4), a=2, b=2, c=2)
    for name in "abc":
        drop.wait(name, 2)

    assert drop.start() == ["c", "b"]


def test_pages_are_too_short_to_keep_a_place_from_anybody() -> None:
    drop = Drop(replace(LIMITS, working_requests=2), a=50, b=50)
    drop.wait("a")
    drop.wait("b")

    assert drop.start() == ["b", "a"]


def test_a_circuit_with_as_many_as_it_can_have_lets_others_pass_and_is_not_forgotten() -> None:
    drop = Drop(replace(LIMITS, working_requests=2))
    drop.wait("b")
    for name in ("a1", "a2", "a3"):
        drop.wait(name, circuit="a")
    assert drop.start() == ["a3", "b"]
    drop.end("b")
    assert drop.start() == []
    for name in ("a3", "a2", "a1"):
        drop.end(name)
        assert drop.start() == [{"a3": "a2", "a2": "a1"}[name]] if name != "a1" else True

    assert drop.turns.are_idle


def test_a_circuit_of_which_one_ends_gets_one_more_and_is_then_forgotten() -> None:
    drop = Drop(replace(LIMITS, working_requests=6, circuit_requests=2))
    for name in "1234":
        drop.wait(name, circuit="a")
    assert drop.start() == ["4", "3"]
    for ended, next_one in (("4", ["2"]), ("2", ["1"]), ("3", []), ("1", [])):
        drop.end(ended)
        assert drop.start() == next_one
    assert drop.turns.are_idle
    for name in "5678":
        drop.wait(name, circuit="a")
    assert drop.start() == ["8", "7"]
    for name in "8765":
        drop.end(name)
        drop.start()

    assert not drop.turns._of_circuit and not drop.turns._held


def test_a_worker_is_idle_when_none_waits_and_none_runs() -> None:
    drop = Drop()
    assert drop.turns.are_idle
    drop.wait("a")
    assert not drop.turns.are_idle
    drop.start()
    assert not drop.turns.are_idle
    drop.wait("b")
    assert not drop.turns.are_idle
    drop.order()


def test_what_waited_together_does_not_keep_its_rank_while_its_circuit_is_served() -> None:
    drop = Drop()
    drop.wait("z", circuit="z")
    for number in range(5):
        drop.wait(f"a{number}", circuit="a")

    # The second of a circuit is no newcomer.
    assert drop.order()[:2] == ["a4", "z"]


def test_what_comes_without_a_circuit_is_next_and_has_no_limit_of_its_own() -> None:
    drop = Drop(replace(LIMITS, working_requests=2))
    for name in ("a", "b", "c"):
        drop.wait(name)
    for name in ("1", "2"):
        drop.wait(name, circuit="")

    assert set(drop.start()) == {"1", "2"}
    # And nobody counts it.
    assert not drop.ranks


def test_the_operators_own_is_before_newcomers_whatever_the_kinds_are() -> None:
    turns = Turns(replace(LIMITS, short_requests=1))
    for circuit in (b"", b"a", b"b"):
        turns.wait(circuit, circuit, b"GET", 0.0)

    assert [one.connection for one in turns.start()] == [b""]
    assert turns.rank_of(b"", b"GET") < turns.rank_of(b"a", b"GET") == 0
    assert sorted(turns.give_up(WAIT_SECONDS)[0]) == [b"a", b"b"]


def test_what_an_upload_costs_its_circuit_is_counted_and_asked_by_its_first_line() -> None:
    drop = Drop(a=3)
    drop.turns.count(b"a", b"2")
    drop.turns.count(b"", b"2")

    assert drop.ranks == {(b"a", 0): 3, (b"a", 1): 3, (b"a", 2): 4}
    assert [drop.turns.rank_of(b"a", b"%d" % kind) for kind in range(3)] == [3, 3, 4]
    assert drop.turns.rank_of(b"new", b"2") == 0 > drop.turns.rank_of(b"", b"2")


def test_who_has_waited_too_long_is_answered_soon_whatever_comes() -> None:
    drop = Drop()
    drop.wait("first", 1)
    assert drop.start() == ["first"]
    drop.wait("old", 1)
    drop.now += 1.0
    drop.wait("young", 2)
    assert drop.turns.give_up(44.9) == ([], [])
    assert drop.turns.give_up(45.0) == (["old"], [])
    # Once only.
    assert drop.turns.give_up(45.0) == ([], [])
    for number in range(100):
        drop.wait(f"new {number}", number % 3)
    served = []
    for _ in range(4):
        drop.end(drop.names[0])
        served += drop.start()
    assert "old" in served
    # It is no request of any kind any more.
    assert not [kind for circuit, kind in drop.ranks if circuit == b"old"]


def test_those_who_gave_up_have_a_share_as_pages_have_and_who_waited_longest_is_first() -> None:
    drop = Drop()
    for name in ("", "a", "b", "c"):
        drop.wait(f"old {name}", 2, circuit=name)
    drop.turns.give_up(WAIT_SECONDS)
    for number in range(4):
        drop.wait(f"page {number}")

    assert drop.order() == [
        *("page 3", "old ", "page 2", "old a", "page 1", "old b", "page 0", "old c")
    ]


def test_when_some_give_up_the_others_keep_their_order() -> None:
    drop = Drop(a=1, b=2, c=3, d=4, e=5, f=6, g=7)
    for name, since in (("a", 0), ("e", 9), ("b", 9), ("f", 9), ("g", 9), ("c", 9), ("d", 9)):
        drop.now = since
        drop.wait(name)
    assert drop.turns.give_up(WAIT_SECONDS) == (["a"], [])

    assert [name for name in drop.order() if name != "a"] == list("bcdefg")


def test_beyond_what_can_wait_those_give_up_who_would_be_served_last() -> None:
    assert MOST_WAITING == 192
    drop = Drop(a=9)
    drop.wait("running")
    drop.start()
    drop.wait("a", 2)
    for number in range(MOST_WAITING):
        drop.wait(f"new {number}", number % 3)
    drop.wait("newest", 1)

    assert drop.turns.give_up(1.0) == (["a", "new 0"], [])
    assert drop.turns.give_up(2.0) == ([], [])
    served = drop.order()
    assert len(served) == MOST_WAITING + 2 and {"a", "new 0"} <= set(served[:8])


def test_of_those_that_a_circuit_holds_back_the_old_ones_give_up_and_are_answered_at_once() -> None:
    drop = Drop(replace(LIMITS, working_requests=2))
    for name in ("1", "2", "3"):
        drop.wait(name, circuit="a")
    assert drop.start() == ["3"]
    drop.now = 1.0
    for name in ("young", "younger"):
        drop.wait(name, circuit="a")
    assert drop.start() == []

    assert sorted(drop.turns.give_up(WAIT_SECONDS)[0]) == ["1", "2"]
    # One of its circuit still runs. Who has waited longest is first, and each is answered once.
    assert drop.start() == ["1"] and drop.turns.give_up(WAIT_SECONDS) == ([], [])
    drop.end("1")
    assert drop.start() == ["2"]
    drop.end("2")
    assert drop.start() == []
    drop.end("3")
    assert drop.start() == ["younger"]
    assert drop.turns.give_up(WAIT_SECONDS + 1.0) == (["young"], [])
    assert drop.start() == ["young"] and not drop.turns._held


def test_beyond_what_can_be_answered_that_it_is_busy_connections_are_closed() -> None:
    drop = Drop(a=9)
    drop.wait("running")
    drop.start()
    for number in range(MOST_LATE + 3):
        drop.wait(f"a {number}", 2, circuit="a")
    for number in range(MOST_WAITING - 1):
        drop.wait(f"new {number}", number % 3)
    drop.wait("honest", 2)
    answered, closed = drop.turns.give_up(1.0)

    # Those that would be served last, and never the newcomer.
    assert len(answered) == MOST_LATE == 64 and len(closed) == 3
    assert {name[0] for name in answered + closed} == {"a"}
    # With as many as can wait for that answer, there is room for no other.
    drop.wait("one more", 1)
    assert drop.turns.give_up(1.0) == ([], ["new 0"])
    served = drop.order()
    assert "honest" in served[:6] and not set(served) & {*closed, "new 0"}


# About what each kind takes of a processor, in seconds; the last is the answer to who gave up.
SECONDS = (0.007, 0.028, 0.040, 0.007)
# A circuit can try so many codenames.
GUESSES = 40


def besieged(cores: float, visit: list[int], *, begins: float) -> list[float]:
    """How long each request of an honest *visit* takes beside 200 circuits that guess codenames.

    A reckoning without processes: those that work share *cores*. Each attacker looks at the inbox
    and then tries codenames, as fast as it is answered, until it has to come with a new circuit.
    """
    drop = Drop(replace(LIMITS, working_requests=2))
    drop.alike = [4, 1, 1]
    visit, took, asked = list(visit), [], 0.0
    left: dict[str, float] = {}
    for number in range(200):
        drop.wait(f"{number} 0", circuit=f"{number} 0")
    while visit:
        if not asked and drop.now >= begins:
            asked = drop.now
            drop.wait("honest", visit[0])
        drop.start()
        for one in drop.running:
            left.setdefault(one.connection, SECONDS[one.kind])
        share = cores / len(left)
        step = min(left.values()) / share
        drop.now += step
        left = {name: seconds - step * share for name, seconds in left.items()}
        for name in [name for name, seconds in left.items() if seconds < 1e-9]:
            del left[name]
            drop.end(name)
            if name == "honest":
                took.append(drop.now - asked)
                asked = 0.0
                del visit[0]
            else:
                number, turn = map(int, name.split())
                circuit, guesses = divmod(turn + 1, GUESSES + 1)
                drop.wait(f"{number} {turn + 1}", int(guesses > 0), circuit=f"{number} {circuit}")
    assert max(took) < WAIT_SECONDS
    return took


@pytest.mark.parametrize("cores", [0.14, 1.0])
@pytest.mark.parametrize("begins", [0.01, 1.0, 20.0, 60.0])
def test_a_report_beside_200_circuits_of_guesses_shares_the_work_with_one_of_them(
    cores: float, begins: float
) -> None:
    pages = [0, 0, 0]
    took = besieged(cores, [*pages, 2], begins=begins)

    # Behind one guess, and beside another.
    alone = [SECONDS[kind] / cores for kind in (*pages, 2)]
    slowest = [2 * one + SECONDS[1] / cores for one in alone]
    assert all(one < most + 1e-6 for one, most in zip(took, slowest, strict=True))


@pytest.mark.parametrize(("cores", "begins"), [(0.14, 60.0), (1.0, 6.0), (1.0, 30.0)])
def test_a_login_does_not_stand_behind_circuits_that_have_guessed_before(
    cores: float, begins: float
) -> None:
    page, login = besieged(cores, [0, 1], begins=begins)

    assert max(page, login) <= 3 * SECONDS[1] / cores + 1e-6
