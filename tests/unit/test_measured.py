"""What coverage is measured of."""

import sys
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from support import measured


class Coverage:
    """What coverage.py does of it, and what was said to it."""

    _instances: list["Coverage"] = []

    def __init__(self) -> None:
        self.said: list[str] = []

    @classmethod
    def current(cls) -> "Coverage | None":
        return cls._instances[-1] if cls._instances else None

    def stop(self) -> None:
        self.said.append("stop")

    def start(self) -> None:
        self.said.append("start")


def run(marks: tuple[str, ...], context: str | None = None) -> None:
    """Run a test with *marks*; *context* is what `--cov-context` asks for."""
    config = SimpleNamespace(getoption=lambda name, _without: {"cov_context": context}[name])
    item: Any = SimpleNamespace(get_closest_marker=lambda mark: mark in marks, config=config)
    protocol: Any = measured.pytest_runtest_protocol(item)
    next(protocol)
    with pytest.raises(StopIteration, match="True"):
        protocol.send(True)


@pytest.fixture
def coverage(monkeypatch: pytest.MonkeyPatch) -> Coverage:
    monkeypatch.setitem(sys.modules, "coverage", type("Module", (), {"Coverage": Coverage}))
    monkeypatch.setattr(Coverage, "_instances", [made := Coverage()])
    return made


@pytest.mark.parametrize("marks", [(), ("slow",), ("alone", "parametrize")])
def test_a_test_in_this_process_is_measured(coverage: Coverage, marks: tuple[str, ...]) -> None:
    run(marks)

    assert coverage.said == []


@pytest.mark.parametrize("mark", measured.UNMEASURED)
def test_what_takes_a_drop_or_thousands_of_inputs_is_not_measured_and_the_next_test_is(
    coverage: Coverage, mark: str
) -> None:
    run((mark, "slow"))

    assert coverage.said == ["stop", "start"]


@pytest.mark.parametrize("mark", measured.UNMEASURED)
def test_who_asks_which_test_ran_each_line_is_told_of_every_test(
    coverage: Coverage, mark: str
) -> None:
    """pytest-cov notes the test in coverage, which has to run for that."""
    run((mark,), context="test")

    assert coverage.said == []


def test_without_coverage_nothing_is_asked_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "coverage", raising=False)

    run(("browser",))


def test_what_is_not_ours_is_not_traced_and_what_follows_is() -> None:
    def trace(*_: object) -> Any:
        return trace

    def fail() -> None:
        assert sys.gettrace() is None
        raise KeyError

    before = sys.gettrace()
    try:
        sys.settrace(trace)
        assert measured.untraced(sys.gettrace)() is None
        with pytest.raises(KeyError):
            measured.untraced(fail)()
        after = sys.gettrace()
    finally:
        sys.settrace(before)

    assert after is trace


def test_all_that_is_not_ours_is_there_to_be_left_out() -> None:
    for module, owner, name in measured.NOT_OURS:
        assert callable(getattr(getattr(import_module(module), owner), name))
