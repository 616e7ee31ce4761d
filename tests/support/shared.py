"""What is made once for a whole run, however many processes it has."""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dropbox.gpg_agent import stop_agent


def made_once(
    directories: pytest.TempPathFactory, name: str, make: Callable[[Path], object]
) -> Path:
    """A directory that *make* fills in the first process that asks; the others wait and use the
    same.

    For reading only. *make* is given an empty directory.
    """
    run = directories.getbasetemp()
    if "PYTEST_WORKER" in os.environ:
        run = run.parent  # each worker has a directory of its own in the run's
    place, made = run / name, run / f"{name}.made"
    with (run / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(mode=0o700)
            make(place)
            made.touch()
    return place


def make_home(make: Callable[[Path], object], home: Path) -> None:
    """Let *make* make keys in the gpg home directory *home*, and leave no agent behind that
    guards them.
    """
    try:
        make(home)
    finally:
        stop_agent(home)


def copy_home(home: Path, to: Path) -> Path:
    """A copy of a gpg home directory, with no agent yet."""
    shutil.copytree(home, to, ignore=shutil.ignore_patterns("S.*", "*.lock"), dirs_exist_ok=True)
    to.chmod(0o700)
    return to
