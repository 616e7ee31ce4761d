"""Fixtures of the tests that start vault and front."""

from collections.abc import Iterator

import pytest
from support.desk_side import QUANTUM


@pytest.fixture(scope="session", autouse=True)
def drops_have_small_quanta() -> Iterator[None]:
    """A vault then writes 23 MB at each of its starts, and not 137."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CASEDROP_VAULT_QUANTUM", str(QUANTUM))
        yield
