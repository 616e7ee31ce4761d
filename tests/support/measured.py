"""A pytest plugin: coverage is measured of what tests run in this process and in little time.

Where a whole drop, a browser or a command runs, the code is in another process and is not measured
anyway; and what does the same thousands of times runs the same lines as a shorter test. Measuring
takes half as long again as the tests do.

Python traces all that runs, whosever it is. While a page is rendered or parsed hardly anything of
ours runs: that is not traced. While tests are collected nothing of ours runs but what modules run
as they are loaded: only that is traced.
"""

import sys
from collections.abc import Callable, Generator
from functools import wraps
from importlib.machinery import SourceFileLoader
from types import ModuleType
from typing import Any

import pytest
from _pytest.assertion.rewrite import AssertionRewritingHook

UNMEASURED = (
    *("drop", "onion", "browser", "package", "strace", "bubblewrap", "zipapp", "runner"),
    *("fuzz", "long"),
)

# A sixth of what the tests of the front take when they are measured.
NOT_OURS = (("jinja2", "Template", "render"), ("bs4", "BeautifulSoup", "__init__"))

# What is measured, and what the tests share, which runs it as it is loaded.
OURS = ("dropbox", "onion", "scripts", "fuzz", "installation", "mutation", "support")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Generator[None, object, object]:
    """Trace only what our own modules and the tests' run as they are loaded: to collect takes twice
    as long otherwise, and the other processors wait for it.
    """
    trace = sys.gettrace()
    if trace is None:
        return (yield)

    def exec_traced(load: Any, measured: bool) -> Callable[[Any, ModuleType], None]:
        def exec_module(loader: Any, module: ModuleType) -> None:
            # Back in the frame that took it away: coverage.py counts calls and returns.
            before = sys.gettrace()
            ours = measured or module.__name__.partition(".")[0] in OURS
            sys.settrace(trace if ours else None)
            try:
                load(loader, module)
            finally:
                sys.settrace(before)

        return exec_module

    with pytest.MonkeyPatch.context() as patch:
        for loader, measured in ((SourceFileLoader, False), (AssertionRewritingHook, True)):
            made = exec_traced(loader.exec_module, measured)
            patch.setattr(loader, "exec_module", made)
        sys.settrace(None)
        try:
            return (yield)
        finally:
            sys.settrace(trace)


def pytest_collection_finish() -> None:
    """Trace nothing in what is not ours."""
    coverage = sys.modules.get("coverage")
    if coverage is None or coverage.Coverage.current() is None:
        return
    for module, owner, name in NOT_OURS:
        if module in sys.modules:
            made = getattr(sys.modules[module], owner)
            setattr(made, name, untraced(getattr(made, name)))


def untraced(run: Callable[..., Any]) -> Callable[..., Any]:
    """*run*, without the trace that is on when it is called."""

    @wraps(run)
    def without(*given: Any, **named: Any) -> Any:
        trace = sys.gettrace()
        sys.settrace(None)
        try:
            return run(*given, **named)
        finally:
            sys.settrace(trace)

    return without


def is_measured(item: pytest.Item) -> bool:
    """Whether what this test runs counts. With inputs by chance the figure would be by chance."""
    return not any(item.get_closest_marker(mark) for mark in UNMEASURED)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Pause for a test that does not count, and for what is made and removed for it."""
    coverage = sys.modules.get("coverage")
    current = coverage.Coverage.current() if coverage else None
    # Whoever asks which test ran each line is told of every test.
    if current is None or item.config.getoption("cov_context", None) or is_measured(item):
        return (yield)
    current.stop()
    try:
        return (yield)
    finally:
        current.start()
