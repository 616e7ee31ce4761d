"""Every reader of untrusted bytes returns a value or raises an error of its own."""

import re
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
from fuzz.control import BROKEN
from fuzz.mutation import changed
from fuzz.run import Engines, Outcome, run
from fuzz.target import VECTORS, Endless, Target
from fuzz.targets import ALL, BY_NAME
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.unwaited import keep

# `make fuzz` goes on for a minute. Here nothing ends by a clock: beside other work a second is
# nothing.
INPUTS = 1_000
# The planted fault is found with less than half a million.
MOST_INPUTS = 20_000_000
LARGE = 300 * 2**20

by_target = pytest.mark.parametrize("target", ALL, ids=lambda target: target.name)


@st.composite
def altered(draw: Any, target: Target) -> bytes:
    """A seed with a few parts cut, overwritten or filled with typical words; or no seed at all."""
    data = bytearray(draw(st.sampled_from(target.seeds) | st.binary(max_size=200)))
    new = st.binary(max_size=16) | st.sampled_from([*target.words, b""])
    for _ in range(draw(st.integers(0, 4))):
        at, gone = (
            draw(st.integers(0, len(data))),
            draw(st.integers(0, 16) | st.integers(0, len(data))),
        )
        data[at : at + gone] = draw(new) * draw(st.sampled_from([1, 1, 1, 50]))
    return bytes(data[: target.most_bytes])


@by_target
def test_a_target_says_how_it_may_end_and_has_a_valid_seed(target: Target) -> None:
    valid = 0
    for seed in target.seeds:
        assert len(seed) <= target.most_bytes
        try:
            target.read(seed)
            valid += 1
        except target.errors:
            continue

    assert valid > 0 and all(
        error.__name__ in (target.read.__doc__ or "") for error in target.errors
    )


@pytest.mark.parametrize(
    "vector", sorted(VECTORS.glob("*/*")), ids=lambda path: f"{path.parent.name}-{path.name}"
)
def test_what_once_ended_otherwise_than_it_may_never_does_again(vector: Path) -> None:
    BY_NAME[vector.parent.name].run(vector.read_bytes())


@pytest.mark.fuzz
@by_target
def test_no_altered_input_ends_otherwise_than_it_may(target: Target) -> None:
    @given(altered(target))
    @settings(
        max_examples=200, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    def holds(data: bytes) -> None:
        target.run(data)

    holds()


@pytest.mark.fuzz
@pytest.mark.parametrize(
    "target", [target for target in ALL if target.mutate], ids=lambda target: target.name
)
def test_no_altered_manifest_report_or_reply_ends_otherwise_than_it_may(target: Target) -> None:
    @given(st.sampled_from(target.seeds), st.integers(0, 2**32))
    @settings(
        max_examples=200, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    def holds(data: bytes, seed: int) -> None:
        assert target.mutate is not None
        for _ in range(3):
            data = target.mutate(data, target.most_bytes, Random(seed), lambda plain: plain)
            target.run(data)

    holds()


def test_a_change_inside_json_changes_one_place_and_leaves_json() -> None:
    value = {"a": [1, 2, {"b": "c"}], "d": "2026"}
    results = [changed(value, Random(seed)) for seed in range(200)]

    assert value == {"a": [1, 2, {"b": "c"}], "d": "2026"}
    assert len({repr(result) for result in results}) > 50


# The tests of this module run in one worker, so that everything is instrumented once for all.
@pytest.fixture(scope="module")
def engines() -> Iterator[Engines]:
    """Where everything is instrumented already."""
    with closing(Engines()) as started:
        keep(started.process)
        yield started


@pytest.mark.fuzz
@by_target
def test_guided_fuzzing_finds_nothing_in_a_short_time(
    target: Target, engines: Engines, tmp_path: Path
) -> None:
    vectors = tmp_path / "vectors"
    outcome = run(
        target,
        seconds=0,
        build=tmp_path,
        vectors=vectors,
        most_inputs=INPUTS,
        engines=engines,
    )

    assert outcome.found == (), [path.read_bytes() for path in outcome.found]
    assert outcome.good and outcome.tried >= INPUTS and outcome.edges > 1, outcome.said


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """A run over the reader with a planted fault; it ends once it has found it. What starts it was
    large for a moment.
    """
    folder = tmp_path_factory.mktemp("control")
    bytearray(LARGE)
    return planted(folder)


def planted(folder: Path, engines: Engines | None = None) -> Outcome:
    return run(
        BROKEN,
        seconds=0,
        build=folder,
        vectors=folder / "vectors",
        seed=1,
        most_inputs=MOST_INPUTS,
        engines=engines,
    )


@pytest.mark.fuzz
def test_a_planted_fault_is_found_and_its_input_kept(control: Outcome) -> None:
    assert not control.good
    assert [path.read_bytes()[:4] for path in control.found] == [b"DROP"]
    with pytest.raises(IndexError, match="the planted fault"):
        BROKEN.run(control.found[0].read_bytes())


@pytest.mark.fuzz
def test_a_planted_fault_is_found_by_an_engine_that_was_ready(
    engines: Engines, tmp_path: Path
) -> None:
    found = planted(tmp_path, engines)

    assert not found.good and [path.read_bytes()[:4] for path in found.found] == [b"DROP"]


@pytest.mark.fuzz
def test_what_started_an_engine_does_not_count_as_its_memory(control: Outcome) -> None:
    peak = re.search(r"stat::peak_rss_mb:\s+(\d+)", control.said)

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024 > LARGE
    assert peak is not None and 0 < int(peak[1]) * 2**20 < LARGE


def test_an_input_that_is_read_for_ever_is_found_by_the_time_of_the_processor() -> None:
    def endless(data: bytes) -> None:
        while data:
            time.sleep(0)

    target = Target(endless, (), [b""], 1, most_seconds=0.02)
    target.run(b"")
    with pytest.raises(Endless):
        target.run(b"1")


def test_an_input_that_waits_for_the_processor_is_not_endless() -> None:
    target = Target(lambda data: time.sleep(0.1), (), [b""], 1, most_seconds=0.02)

    target.run(b"1")
    assert signal.getitimer(signal.ITIMER_PROF) == (0, 0)


@pytest.mark.fuzz
def test_only_casedrop_and_the_decoder_of_forms_are_instrumented(control: Outcome) -> None:
    names = {line.split()[-1] for line in control.said.splitlines() if "Instrumenting" in line}

    assert "werkzeug.sansio.multipart" in names and "dropbox.bundle" in names
    assert all(name.split(".")[0] == "dropbox" for name in names - {"werkzeug.sansio.multipart"})


@pytest.mark.fuzz
def test_a_run_that_does_not_start_is_not_a_good_one(tmp_path: Path, engines: Engines) -> None:
    def unheard_of(_data: bytes) -> None:
        """It is not among the targets."""

    target = Target(unheard_of, (), [b""], 10)
    outcome = run(target, seconds=1, build=tmp_path, vectors=tmp_path, engines=engines)

    assert not outcome.good and "KeyError: 'unheard_of'" in outcome.said


def test_every_target_has_its_own_name_and_every_vector_its_target() -> None:
    assert len({target.name for target in ALL}) == len(ALL)
    assert {path.name for path in VECTORS.iterdir()} <= set(BY_NAME)
