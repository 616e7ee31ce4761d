"""What pytest collected in this run, before anything was left out of it."""

import pytest

# The names of the marks on each test function, by its name.
COLLECTED = pytest.StashKey[dict[str, set[str]]]()


def note(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep what was collected for the tests of this run."""
    found: dict[str, set[str]] = {}
    for item in items:
        name = item.originalname if isinstance(item, pytest.Function) else item.name
        found.setdefault(name, set()).update(mark.name for mark in item.iter_markers())
    config.stash[COLLECTED] = found
