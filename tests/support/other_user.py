"""Trying something as a user to whom nothing belongs, in a folder that every user may enter."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dropbox.errors import CasedropError

NOBODY = 65_534


@contextmanager
def open_folder() -> Iterator[Path]:
    """A new folder that others may enter; pytest's own may be entered by this user alone."""
    folder = Path(tempfile.mkdtemp(prefix="casedrop-test-"))
    try:
        folder.chmod(0o755)
        yield folder
    finally:
        for path in (folder, *folder.rglob("*")):
            if path.is_dir():
                path.chmod(0o700)
        shutil.rmtree(folder)


def said_to_another(call: Callable[[], object]) -> str:
    """What the error of *call* says where this user may not do everything; "" if it has none.

    For root it is tried as nobody, for others as themselves.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        said = ""
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            call()
        except (OSError, CasedropError) as why:
            said = str(why)
        finally:
            os.write(writing, said.encode("utf-8"))
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        said = answer.read().decode("utf-8")
    os.waitpid(child, 0)
    return said
