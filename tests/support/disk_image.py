"""Images of ext4, mounted by a loop device. Where that is not possible, the test is skipped."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest


def make_image(path: Path, megabytes: int = 64) -> Path:
    """A new image of ext4 at *path*, as mkfs makes it."""
    with path.open("wb") as file:
        file.truncate(megabytes * 2**20)
    _run_or_skip(["mkfs.ext4", "-q", "-F", path])
    return path


@contextmanager
def mounted(image: Path, place: Path, options: str) -> Iterator[Path]:
    """*image* at *place*, which is made, with these mount options."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount an image")
    place.mkdir(exist_ok=True)
    _run_or_skip(["mount", "-o", f"loop,{options}", image, place])
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


def _run_or_skip(command: Sequence[str | Path]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except OSError as why:
        pytest.skip(f"{command[0]} cannot be run here: {why.strerror}")
    except subprocess.CalledProcessError as why:
        pytest.skip(f"{command[0]} does not work here: {why.stderr.strip()}")
