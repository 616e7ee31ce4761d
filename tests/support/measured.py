"""A pytest plugin: coverage is measured of what tests run in this process and in little time.

Where a whole drop, a browser or a command runs, the code is in another process and is not measured
anyway; and what does the same thousands of times runs the same lines as a shorter test. Measuring
takes half as long again as the tests do.
"""

import sys
from collections.abc import Generator

import pytest

UNMEASURED = (
    *("drop", "onion", "browser", "package", "strace", "bubblewrap", "zipapp", "runner"),
    *("fuzz", "long"),
)


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
