"""The folder of a hand-over until it is complete, and what a killed hand-over leaves.

It is not encrypted. So the next hand-over beside it removes it, recognising it by a mark that only
we leave, and only if nobody is writing there any longer: a writer holds a lock on the mark.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dropbox.durable_file import sync_folder

_INFIX = ".unfinished-"
_MARK, _WORD = ".casedrop-unfinished", b"This folder of a hand-over is not whole; erase it.\n"


@contextmanager
def begun(out: Path) -> Iterator[Path]:
    """A folder beside *out* that, when the block ends, is durable under that name, or gone."""
    part = Path(tempfile.mkdtemp(prefix=f"{out.name}{_INFIX}", dir=out.parent))
    mark = part / _MARK
    descriptor = os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.write(descriptor, _WORD)
        yield part
        mark.unlink()
        sync_folder(part)
        part.rename(out)
        sync_folder(out.parent)
    finally:
        os.close(descriptor)
        # Gone once it has its name.
        shutil.rmtree(part, ignore_errors=True)


def remove(folder: Path) -> int:
    """Remove what killed hand-overs into *folder* left. Returns how many there were."""
    return sum(_removed(path) for path in sorted(folder.glob(f"*{_INFIX}*")))


def _removed(path: Path) -> bool:
    """Remove *path* if it has the mark, belongs to this user, and nobody is writing there."""
    if path.is_symlink() or not path.is_dir() or path.stat().st_uid != os.getuid():
        return False
    try:
        descriptor = os.open(path / _MARK, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        # If the mark is empty, its hand-over was killed before writing it.
        if os.read(descriptor, len(_WORD) + 1) not in (_WORD, b""):
            return False
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path)
            return True
        return False
    finally:
        os.close(descriptor)
