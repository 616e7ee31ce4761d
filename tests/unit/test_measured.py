"""What coverage is measured of."""

import sys
from importlib import import_module
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import FrameType, SimpleNamespace
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


def collected(
    monkeypatch: pytest.MonkeyPatch, folder: Path, sources: dict[str, str], first: str
) -> dict[str, bool]:
    """Of each function that modules with *sources* call as they are loaded, by its name: whether
    it was traced. The module *first*, which imports the others, is loaded while collecting.
    """
    for name, source in sources.items():
        (folder / f"{name}.py").write_text(source + f"def {name}_ran(): pass\n{name}_ran()\n")
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(measured, "OURS", ("ours",))
    entered = list[str]()

    def trace(frame: FrameType, *_: object) -> None:
        entered.append(frame.f_code.co_name)

    before = sys.gettrace()
    try:
        sys.settrace(trace)
        collecting: Any = measured.pytest_collection()
        next(collecting)
        within = sys.gettrace()
        import_module(first)
        with pytest.raises(StopIteration, match="True"):
            collecting.send(True)
        after = sys.gettrace()
    finally:
        sys.settrace(before)
        for name in sources:
            sys.modules.pop(name, None)
    assert (within, after) == (None, trace)
    return {name: f"{name}_ran" in entered for name in sources}


def test_while_tests_are_collected_only_our_own_modules_are_traced(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Those of others are not, whoever loads whom, and ours are traced to their end."""
    sources = {
        "theirs": "import ours_between\n",
        "ours_between": "import deepest_of_theirs\n",
        "deepest_of_theirs": "",
    }
    found = collected(monkeypatch, tmp_path, {"ours": "import theirs\n", **sources}, "ours")

    assert found == {
        "ours": True,
        "theirs": False,
        "ours_between": False,
        "deepest_of_theirs": False,
    }


def test_our_own_module_is_traced_within_one_that_is_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sources = {"theirs": "import ours\n", "ours": "import within\n", "within": ""}

    assert collected(monkeypatch, tmp_path, sources, "theirs") == {
        "theirs": False,
        "ours": True,
        "within": False,
    }


def test_without_a_trace_collecting_begins_none() -> None:
    before = sys.gettrace()
    try:
        sys.settrace(None)
        collecting: Any = measured.pytest_collection()
        next(collecting)
        loads = SourceFileLoader.exec_module
        with pytest.raises(StopIteration, match="True"):
            collecting.send(True)
        after = sys.gettrace()
    finally:
        sys.settrace(before)

    assert after is None and loads.__module__ != measured.__name__
