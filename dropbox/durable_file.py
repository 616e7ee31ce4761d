"""Files that are either whole or not there: written beside their place, made durable, then given their name."""

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from dropbox.errors import CasedropError


class CannotWrite(CasedropError):
    """The file cannot be written."""


class NewFile:
    """A new file at *path*, which must not exist: ``with NewFile(path) as file: file.write(...)``.

    The bytes go to ``path`` + ".part" (readable by its owner only), are brought to the disk, and only then get their
    name. When the block is left by an error nothing stays behind. Raises CannotWrite with a sentence.
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
                f"{self.part} is left from a run that broke off; remove it."
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

    def call(self, name: str) -> Path:
        """Land under another *name* in the same directory, one known only from the content. Returns that path."""
        self._path = self._path.with_name(name)
        self._refuse_existing()
        return self._path

    def __exit__(
        self, kind: type[BaseException] | None, *rest: BaseException | TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._land()
        except OSError as why:
            raise self._failure(why) from None
        finally:
            os.close(self._descriptor)
            # After a good end the name is gone already.
            self.part.unlink(missing_ok=True)

    def _land(self) -> None:
        os.fsync(self._descriptor)
        self._refuse_existing()
        # Not a hard link, which the file systems of USB sticks do not have.
        self.part.rename(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _refuse_existing(self) -> None:
        if self._path.is_symlink() or self._path.exists():
            raise CannotWrite(f"{self._path} exists already and is not overwritten.")

    def _failure(self, why: OSError) -> CannotWrite:
        return CannotWrite(f"{self._path} cannot be written: {why.strerror}.")


def erase(path: Path) -> None:
    """Remove a file and overwrite its bytes, durable. Flash may keep an older copy of them; a magnetic disk does not."""
    with path.open("r+b") as file:
        size = path.stat().st_size
        path.unlink()
        file.write(os.urandom(size))
        file.flush()
        os.fsync(file.fileno())
