"""A folder in memory for what a rehearsal's fronts keep there."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_RUNTIME = "XDG_RUNTIME_DIR"


@contextmanager
def own_memory_folder() -> Iterator[Path]:
    """Make fronts that start meanwhile keep the keys of their form pages in this folder.

    Otherwise each site would leave 8 MB in memory for a front that comes back.
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
