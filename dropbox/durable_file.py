"""Files that are complete or absent: written to a temporary name, synced, renamed. Also erasing."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from dropbox.errors import CasedropError
from dropbox.system_error import explained

_PRIVATE = 0o600


class CannotWrite(CasedropError):
    """The file cannot be written."""


class NewFile:
    """A new file at *path*, which must not exist: ``with NewFile(path) as file: file.write(...)``.

    The bytes go to ``path`` + ".part" (readable by its owner only), are synced to the disk, and
    only then get their name. An exception inside the block leaves nothing behind. Raises
    CannotWrite with a sentence.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.part = path.with_name(path.name + ".part")

    def __enter__(self) -> Self:
        self._refuse_existing()
        try:
            self._descriptor = os.open(
                self.part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600
            )
        except FileExistsError:
            raise CannotWrite(
                f"{self.part} is left over from an interrupted run; remove it."
            ) from None
        except OSError as why:
            raise self._failure(why) from None
        return self

    def write(self, data: bytes) -> None:
        """Append *data*. Raises CannotWrite, for example when the disk is full."""
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError as why:
            raise self._failure(why) from None

    def set_name(self, name: str) -> Path:
        """Use another *name* in the same directory, one that depends on the content.

        Returns its path.
        """
        self._path = self._path.with_name(name)
        self._refuse_existing()
        return self._path

    def __exit__(
        self, kind: type[BaseException] | None, *rest: BaseException | TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        except OSError as why:
            raise self._failure(why) from None
        finally:
            os.close(self._descriptor)
            # After success this name no longer exists.
            self.part.unlink(missing_ok=True)

    def _finish(self) -> None:
        os.fsync(self._descriptor)
        self._refuse_existing()
        give_name(self.part, self._path)

    def _refuse_existing(self) -> None:
        if self._path.is_symlink() or self._path.exists():
            raise CannotWrite(f"{self._path} already exists and is not overwritten.")

    def _failure(self, why: OSError) -> CannotWrite:
        return CannotWrite(f"{self._path} cannot be written: {explained(why)}")


def write_new(path: Path, data: bytes) -> None:
    """Write *data* to a :class:`NewFile` at *path*."""
    with NewFile(path) as file:
        file.write(data)


def replace_file(path: Path, data: bytes, mode: int = _PRIVATE) -> None:
    """Replace *path*, if it exists, by a file with *data*; durable when this returns.

    A failed call leaves *path* as it was and nothing beside it. One that is killed leaves at most a
    ``.part``, which the next run replaces. Raises OSError.
    """
    part = path.with_name(path.name + ".part")
    # Not truncated and reused: a leftover file may be readable by others.
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _PRIVATE)
    with ExitStack() as undo, naming(path):
        # For example on a full disk, or at Ctrl-C.
        undo.callback(part.unlink, missing_ok=True)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if mode != _PRIVATE:
                # The file systems of sticks may have no modes.
                os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        give_name(part, path)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Make an OSError inside name *path* if it names nothing, as an error from writing does."""
    try:
        yield
    except OSError as why:
        if why.filename is None and why.errno is not None:
            why.filename = str(path)
        raise


def give_name(part: Path, path: Path) -> None:
    """Rename the synced file *part* to *path* in the same directory; durable when this returns."""
    # Not a hard link: the file systems of USB sticks do not have them.
    part.rename(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Sync the names in *folder* to the disk."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def erase(path: Path, remove: Callable[[Path], object] = Path.unlink) -> None:
    """Remove a file and overwrite its bytes; both are durable when this returns.

    *remove* unlinks the path. Raises OSError, or what *remove* raises. A magnetic disk then holds
    nothing of the file; flash memory may keep old copies that no program can overwrite.
    """
    with path.open("r+b") as file:
        size = os.fstat(file.fileno()).st_size
        # Unlink first: the open file still refers to the same bytes, and a file that is only half
        # overwritten never has a name.
        remove(path)
        file.write(os.urandom(size))
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path.parent)
