"""How tests are spread over workers: one by one, or a module that shares a fixture as a whole."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest

# What takes longest begins first, so that no worker is left alone with it in the end.
LONGEST_FIRST = ("browser", "onion", "drop", "package", "desk")


@cache
def shares_a_fixture(module: Path) -> bool:
    """Whether something is made once for all tests in this file, and so once in each worker."""
    return 'scope="module"' in module.read_text("utf-8")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What runs together begins first, then by folder."""
    places = {name: number for number, name in enumerate(LONGEST_FIRST)}

    def place(item: pytest.Item) -> tuple[bool, int]:
        folders = item.path.relative_to(config.rootpath).parts
        first = min((places[one] for one in folders if one in places), default=len(places))
        return not shares_a_fixture(item.path), first

    items.sort(key=place)


# Groups by mark do nothing here: xdist 3.8 writes them into an attribute of each test that pytest
# 9.2 no longer reads.
@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """See xdist."""
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415  # a run without workers needs none of it

    class Scheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
        def _split_scope(self, nodeid: str) -> str:
            module = nodeid.partition("::")[0]
            return module if shares_a_fixture(config.rootpath / module) else nodeid

    return Scheduling(config, log)
