"""Which short requests have a thread and which is next; connections are their names."""

import random

from onion.request_arrival import ArrivalLimits
from onion.turns import FORGIVEN, MOST_USED_SECONDS, Turns

LIMITS = ArrivalLimits(short_requests=2, working_requests=2, circuit_requests=1)


def turns(**used: float) -> Turns:
    return Turns(LIMITS, lambda circuit: used.get(circuit.decode(), 0.0))


def order(made: Turns, *circuits: str) -> str:
    """The circuits in the order in which they are served, one after another."""
    served = ""
    running = made.start()
    while running:
        served += running[0]
        made.end(running.pop(0).encode())
        running += made.start()
    assert sorted(served) == sorted("".join(circuits)) and made.are_idle
    return served


def test_as_many_run_at_once_as_the_limit_says() -> None:
    made = turns()
    for name in "abc":
        made.wait(name, name.encode(), 0.0)

    assert made.start() == ["a", "b"] and made.start() == []
    made.end(b"a")
    assert made.start() == ["c"]


def test_one_that_only_waits_lets_the_next_work_and_keeps_its_place() -> None:
    made = Turns(ArrivalLimits(short_requests=3, working_requests=1))
    for name in "abcde":
        made.wait(name, name.encode(), 0.0)
    for name in "abc":
        assert made.start() == [name] and made.start() == []
        made.rest()
    # All three still have their threads.
    assert made.start() == []
    made.end(b"b", rested=True)
    assert made.start() == ["d"]
    made.end(b"d")
    assert made.start() == ["e"]
    made.rest()
    for circuit in (b"a", b"c", b"e"):
        made.end(circuit, rested=True)

    assert made.are_idle and made.start() == []


def test_of_those_that_wait_the_next_has_used_least_and_came_first() -> None:
    made = turns(a=100.0, b=20.0, d=20.0)
    for number, name in enumerate("abcd"):
        made.wait(name, name.encode(), number / 1_000)

    assert order(made, *"abcd") == "cbda"


def test_a_flood_does_not_keep_a_newcomer_waiting() -> None:
    chance = random.Random(15)
    made = Turns(LIMITS, lambda circuit: 0.0 if circuit == b"z" else 120.0)
    for number in range(500):
        name = chance.choice("abcdefgh")
        made.wait(name, name.encode(), number / 100)
    running = made.start()
    made.wait("z", b"z", 5.0)
    made.end(running[0].encode())

    assert made.start() == ["z"]


def test_who_has_used_all_waits_at_most_a_minute_longer_than_a_newcomer() -> None:
    most = MOST_USED_SECONDS / FORGIVEN
    assert most == 60.0
    made = turns(a=10 * MOST_USED_SECONDS)
    made.wait("b", b"b", 0.0)
    made.wait("c", b"c", 0.0)
    made.start()
    made.wait("a", b"a", 100.0)
    for later, name in ((most - 0.1, "d"), (most + 0.1, "e")):
        made.wait(name, name.encode(), 100.0 + later)
    served = []
    for ended in (b"b", b"c", b"d", b"a"):
        made.end(ended)
        served += made.start()

    assert served == ["d", "a", "e"]


def test_a_circuit_with_as_many_as_it_can_have_lets_others_pass_and_is_not_forgotten() -> None:
    made = turns()
    for name in ("a", "a", "a", "b"):
        made.wait(name, b"a" if name == "a" else b"b", 0.0)
    assert made.start() == ["a", "b"]
    made.end(b"b")
    assert made.start() == []
    made.end(b"a")
    assert made.start() == ["a"]
    made.end(b"a")
    assert made.start() == ["a"] and not made.are_idle


def test_what_comes_without_a_circuit_is_next_and_has_no_limit_of_its_own() -> None:
    made = turns()
    for name in ("a", "b", "c"):
        made.wait(name, name.encode(), 0.0)
    made.start()
    for _ in range(2):
        made.wait("-", b"", 50.0)
    made.end(b"a")
    made.end(b"b")

    assert made.start() == ["-", "-"]
