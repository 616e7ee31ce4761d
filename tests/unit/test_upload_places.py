"""Which uploads have a place; the clock is a number that each call is given."""

import socket
from collections import Counter
from dataclasses import replace
from typing import cast

import pytest

from onion.request_arrival import ArrivalLimits, BodySource
from onion.upload_places import (
    MOST_WAITING,
    READY_BYTES,
    SETTLED_SECONDS,
    STALLED_SECONDS,
    WAIT_SECONDS,
    Upload,
    UploadPlaces,
)

LIMITS = ArrivalLimits(
    uploads=3, circuit_uploads=2, slow_seconds=120, slowest_bytes=1_000, fair_bytes=8_000
)
UNUSED = cast(socket.socket, None)  # nothing is sent here


@pytest.fixture
def places() -> UploadPlaces:
    return UploadPlaces(LIMITS)


class Source(BodySource):
    """The body of an upload; ``arrived``: how much waits in the kernel."""

    arrived = 0

    def ahead(self) -> int:
        return self.arrived


def upload(circuit: str, size: int = 10**9, *, arrived: int = 0) -> Upload:
    source = Source(UNUSED, 1.0)
    source.arrived = arrived
    return Upload(circuit.encode(), source, size, None)


def started(places: UploadPlaces, circuits: str, now: float = 0.0) -> list[Upload]:
    """Uploads of these circuits, all of which get a place."""
    them = [upload(one) for one in circuits]
    for one in them:
        places.wait(one, now)
    assert set(places.start(now)) == set(them)
    return them


def test_so_many_have_a_place_and_the_next_gets_the_first_that_is_free(
    places: UploadPlaces,
) -> None:
    assert places.are_idle
    first, *_ = started(places, "abc")
    late = upload("d")
    places.wait(late, 1.0)
    assert places.start(1.0) == []
    places.end(first)

    assert places.start(5.0) == [late] and late.since == 5.0
    assert not places.are_idle


def test_a_circuit_has_two_and_then_others_come_first(places: UploadPlaces) -> None:
    started(places, "aa")
    third, other = upload("a"), upload("b")
    for one in (third, other):
        places.wait(one, 0.0)

    assert places.start(0.0) == [other]


def test_of_circuits_with_as_many_the_newest_that_has_had_fewest_is_next() -> None:
    ranks = {b"d": 2, b"e": 0, b"f": 0}
    lines = set()

    def rank(circuit: bytes, line: bytes) -> int:
        lines.add(line)
        return ranks.get(circuit, 0)

    places = UploadPlaces(LIMITS, rank)
    first, *_ = started(places, "abc")
    late = [upload(one) for one in "def"]
    for one in late:
        one.line = b"POST /a HTTP/1.1"
        places.wait(one, 1.0)
    places.end(first)

    assert places.start(2.0) == [late[2]]
    places.end(late[2])
    assert places.start(2.0) == [late[1]] and b"POST /a HTTP/1.1" in lines


def test_a_third_of_a_circuit_waits_although_a_place_is_free(places: UploadPlaces) -> None:
    first, _ = started(places, "aa")
    third = upload("a")
    places.wait(third, 0.0)
    assert places.start(0.0) == []
    places.end(first)

    assert places.start(0.0) == [third]


def test_three_of_a_circuit_that_wait_together_get_two_places(places: UploadPlaces) -> None:
    them = [upload("a") for _ in range(3)]
    for one in them:
        places.wait(one, 0.0)

    assert places.start(0.0) == [them[2], them[1]]


def test_whoever_comes_behind_a_flood_of_uploads_does_not_wait_for_all_of_it(
    places: UploadPlaces,
) -> None:
    started(places, "abc")
    flood = [upload(f"flood-{number}", arrived=READY_BYTES) for number in range(40)]
    for one in flood:
        places.wait(one, 1.0)
    honest = upload("d", arrived=READY_BYTES)
    places.wait(honest, 2.0)
    for one in list(places._running)[:1]:
        places.end(one)

    assert places.start(3.0) == [honest]


def test_whoever_has_arrived_whole_does_not_give_way(places: UploadPlaces) -> None:
    """It holds its place for as long as it takes to seal it, and no longer."""
    whole, *quick = started(places, "abc")
    whole.missing = whole.source.taken = 100
    for one in quick:
        one.source.taken = int(9_000 * SETTLED_SECONDS)
    places.wait(upload("d"), 0.0)

    assert places.too_slow(SETTLED_SECONDS) == []


def test_connections_without_a_circuit_are_not_one_circuit(places: UploadPlaces) -> None:
    them = [upload("") for _ in range(3)]
    for one in them:
        places.wait(one, 0.0)

    assert places.start(0.0) == them[::-1]


def test_who_waited_too_long_is_refused(places: UploadPlaces) -> None:
    started(places, "abc")
    one = upload("d")
    places.wait(one, 10.0)

    assert places.refused(69.9) == []
    assert places.refused(70.0) == [one]
    assert places.refused(70.0) == []


def test_with_too_many_the_newest_of_the_circuit_with_most_is_refused(
    places: UploadPlaces,
) -> None:
    started(places, "abc")
    lone = upload("x")
    flood = [upload("y") for _ in range(MOST_WAITING + 1)]
    for one in [*flood[:-1], lone, flood[-1]]:
        places.wait(one, 0.0)

    assert places.refused(0.0) == [flood[-1], flood[-2]]
    assert places.refused(0.0) == []


def test_of_two_circuits_that_have_too_many_each_loses_its_newest(places: UploadPlaces) -> None:
    started(places, "abc")
    half = MOST_WAITING // 2 + 1
    one, two = ([upload(name) for _ in range(half)] for name in "xy")
    for waiting in (*one, *two):
        places.wait(waiting, 0.0)

    assert set(places.refused(0.0)) == {one[-1], two[-1]}


def test_whoever_has_more_waiting_than_others_loses_them_first_down_to_one(
    places: UploadPlaces,
) -> None:
    started(places, "abc")
    for name in "y" * 34 + "x" * 36:
        places.wait(upload(name), 0.0)
    assert Counter(one.circuit for one in places.refused(0.0)) == {b"x": 4, b"y": 2}
    assert places.refused(WAIT_SECONDS) and places.refused(WAIT_SECONDS) == []
    pair = [upload("pair"), upload("pair")]
    single = [upload(str(number)) for number in range(MOST_WAITING - 1)]
    assert MOST_WAITING == 64
    for one in (*single[:9], *pair, *single[9:]):
        places.wait(one, WAIT_SECONDS)

    assert places.refused(WAIT_SECONDS) == [pair[1]]


def test_of_a_flood_of_circuits_those_are_refused_that_would_get_a_place_last() -> None:
    ranks = {b"seen": 1}
    places = UploadPlaces(LIMITS, lambda circuit, _: ranks.get(circuit, 0))
    started(places, "abc")
    oldest, second = (upload(name, arrived=READY_BYTES) for name in ("oldest", "second"))
    waiting = [
        oldest,
        second,
        *(upload(f"f{number}", arrived=READY_BYTES) for number in range(MOST_WAITING - 4)),
    ]
    behind = [upload("slow"), upload("seen", arrived=READY_BYTES)]
    honest = upload("honest", arrived=READY_BYTES)
    for one in (*waiting, *behind, honest):
        places.wait(one, 0.0)
    assert places.refused(0.0) == [behind[0]]

    places.wait(upload("one more", arrived=READY_BYTES), 0.0)
    assert places.refused(0.0) == [behind[1]]
    places.wait(upload("and one", arrived=READY_BYTES), 0.0)
    assert places.refused(0.0) == [oldest]
    places.end(next(iter(places._running)))
    assert len(places._waiting) == MOST_WAITING and honest in places._waiting


def test_below_the_slowest_rate_an_upload_is_cut_after_its_first_minutes(
    places: UploadPlaces,
) -> None:
    slow, quick, done = started(places, "abc", 1_000.0)
    slow.source.taken, quick.source.taken, done.source.taken = 10_000, 10_001, 0
    done.missing = 0

    assert places.too_slow(1_130.0) == []
    assert places.too_slow(1_130.0005) == [slow]
    slow.source.cut()
    assert places.too_slow(1_130.0005) == []


@pytest.mark.parametrize("others_wait", [False, True])
def test_the_slowest_below_a_fair_rate_gives_its_place_to_one_who_waits(
    places: UploadPlaces, others_wait: bool
) -> None:
    them = started(places, "abc")
    seconds = SETTLED_SECONDS
    assert seconds == 60.0
    for one, rate in zip(them, (7_999, 7_000, 8_000), strict=True):
        one.source.taken = int(rate * seconds)
    if others_wait:
        places.wait(upload("d"), 0.0)

    assert places.too_slow(seconds - 0.1) == []
    assert places.too_slow(seconds) == ([them[1]] if others_wait else [])


def test_nobody_gives_way_for_one_who_would_get_no_place_anyway(places: UploadPlaces) -> None:
    started(places, "aa")
    places.wait(upload("a"), 0.0)

    assert places.too_slow(SETTLED_SECONDS) == []


def test_an_honest_upload_of_25_minutes_keeps_its_place_in_a_crowd(places: UploadPlaces) -> None:
    honest, *_ = started(places, "abc")
    places.wait(upload("d"), 0.0)
    for second in range(1, 25 * 60):
        honest.source.taken += 10_000
        assert honest not in places.too_slow(float(second))


def test_those_of_which_enough_has_arrived_come_first() -> None:
    places = UploadPlaces(LIMITS, lambda circuit, _: int(circuit == b"e"))
    first, *_ = started(places, "abc")
    trickling = upload("d", arrived=READY_BYTES - 1)
    ready = upload("e", arrived=READY_BYTES)
    whole = upload("f", size=100, arrived=100)
    for one in (trickling, ready, whole):
        places.wait(one, 0.0)
    served = []
    for ended in (first, whole, ready):
        places.end(ended)
        served += places.start(1.0)

    # However often its circuit has filed before.
    assert served == [whole, ready, trickling]


def crowd(places: UploadPlaces, *rates: int) -> list[Upload]:
    """Three with places that bring so many bytes a second, looked at all the time."""
    them = started(places, "abc")
    for tick in range(1, int(4 * STALLED_SECONDS)):
        for one, rate in zip(them, rates, strict=True):
            one.source.taken = rate * tick // 4
        assert places.too_slow(tick / 4) == []
    return them


def test_who_stalls_gives_way_to_one_of_which_enough_has_arrived(places: UploadPlaces) -> None:
    assert (STALLED_SECONDS, READY_BYTES) == (20.0, 32_768)
    _, stalls, _ = crowd(places, 2_000, 999, 8_000)
    assert places.too_slow(STALLED_SECONDS) == []
    places.wait(upload("d", arrived=READY_BYTES - 1), STALLED_SECONDS)
    assert places.too_slow(STALLED_SECONDS + 0.1) == []
    places.wait(upload("e", arrived=READY_BYTES), STALLED_SECONDS)

    assert places.too_slow(STALLED_SECONDS + 0.2) == [stalls]
    stalls.source.cut()
    assert places.too_slow(STALLED_SECONDS + 0.3) == []


def test_a_good_beginning_does_not_excuse_who_stalls_later_nor_a_bad_one_who_goes_on(
    places: UploadPlaces,
) -> None:
    stalls, recovers, other = crowd(places, 50_000, 0, 8_000)
    places.wait(upload("d", arrived=READY_BYTES), 0.0)
    assert places.too_slow(STALLED_SECONDS) == [recovers]
    for one in (recovers, other):
        one.source.taken += 50_000
    assert places.too_slow(2 * STALLED_SECONDS) == [stalls]


FEW_LARGE = replace(LIMITS, large_uploads=2, large_bytes=10**6)


def of_sizes(limits: ArrivalLimits, *sizes: int) -> tuple[UploadPlaces, list[Upload]]:
    """Places, and an upload of each size that waits there, of a circuit of its own."""
    places = UploadPlaces(limits)
    them = [upload(f"{number}", size) for number, size in enumerate(sizes)]
    for one in them:
        places.wait(one, 0.0)
    return places, them


def test_large_files_leave_places_to_smaller_ones() -> None:
    places, (small, *large) = of_sizes(FEW_LARGE, 10**6, 10**9, 10**9, 10**6 + 1)
    assert places.start(0.0) == [large[2], large[1], small]
    places.end(small)
    # A large one does not take what is left for smaller ones, and waits for its own kind.
    assert places.start(1.0) == []
    places.end(large[2])

    assert places.start(2.0) == [large[0]]


def test_for_a_large_one_that_waits_only_a_large_one_gives_way() -> None:
    places, (_, slow, slower, small) = of_sizes(FEW_LARGE, 10**9, 10**9, 10**9, 10**6)
    assert set(places.start(0.0)) == {slow, slower, small}
    for one, rate in ((slow, 7_000), (slower, 6_000), (small, 1_000)):
        one.source.taken = int(rate * SETTLED_SECONDS)
    assert places.too_slow(SETTLED_SECONDS) == [slower]
    # So it is while a place is free that only a smaller one could have.
    places.end(small)
    assert places.too_slow(SETTLED_SECONDS) == [slower]


def test_for_a_smaller_one_that_waits_whoever_is_slowest_gives_way() -> None:
    places, (_, *them) = of_sizes(FEW_LARGE, 10**6, 10**9, 10**6, 10**6)
    assert set(places.start(0.0)) == set(them)
    for one, rate in zip(them, (7_000, 6_000, 8_000), strict=True):
        one.source.taken = int(rate * SETTLED_SECONDS)

    assert places.too_slow(SETTLED_SECONDS) == [them[1]]
