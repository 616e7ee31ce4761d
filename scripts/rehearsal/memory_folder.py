"""A folder in memory for what the fronts of a rehearsal keep there."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_RUNTIME = "XDG_RUNTIME_DIR"


@contextmanager
def own_memory_folder() -> Iterator[Path]:
    """Have the fronts that are started meanwhile keep the keys of their form pages in this folder.

    Otherwise each site leaves 8 MB of memory behind, so that a front that comes back finds them.
    """
    before = os.environ.get(_RUNTIME)
    with tempfile.TemporaryDirectory(prefix="casedrop-", dir="/dev/shm") as name:
        os.environ[_RUNTIME] = name
        try:
            yield Path(name)
        finally:
            del os.environ[_RUNTIME]
            if before is not None:
                os.environ[_RUNTIME] = before
