"""The steps by which a program makes its files durable, in order."""

import os
from pathlib import Path

import pytest

# (step, name of the file or folder, the file's bytes at that moment; b"" for a folder).
Step = tuple[str, str, int | None]


def steps(monkeypatch: pytest.MonkeyPatch) -> list[Step]:
    """A list to which every fsync, rename and removal is appended from now on."""
    found: list[Step] = []
    real_fsync, real_rename, real_unlink = os.fsync, os.rename, os.unlink

    def fsync(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        real_fsync(descriptor)
        name = path.name.removesuffix(" (deleted)")
        found.append(("fsync", name, None if path.is_dir() else os.fstat(descriptor).st_size))

    def rename(source: str | Path, target: str | Path) -> None:
        size = Path(source).stat().st_size
        real_rename(source, target)
        found.append(("rename", Path(target).name, size))

    def unlink(path: str | Path, *, dir_fd: int | None = None) -> None:
        if dir_fd is not None:  # in a folder that is removed as a whole
            real_unlink(path, dir_fd=dir_fd)
            return
        size = Path(path).stat().st_size
        real_unlink(path)
        found.append(("unlink", Path(path).name, size))

    for name, function in (("fsync", fsync), ("rename", rename), ("unlink", unlink)):
        monkeypatch.setattr(os, name, function)
    return found
