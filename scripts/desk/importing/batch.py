"""Writing to the casebook in batches, because SQLite waits for the disk after each transaction."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from scripts.desk.casebook.casebook import Casebook

Item = TypeVar("Item")


class Batch(Generic[Item]):
    """Gives items to *keep* in batches of *size*, each written whole or not at all."""

    def __init__(
        self, casebook: Casebook, size: int, keep: Callable[[Sequence[Item]], None]
    ) -> None:
        self._casebook = casebook
        self._size = size
        self._keep = keep
        self._waiting: list[Item] = []

    def add(self, one: Item) -> None:
        """Take *one*; it is written to the casebook when its batch is full."""
        self._waiting.append(one)
        if len(self._waiting) >= self._size:
            self.finish()

    def finish(self) -> None:
        """Write what is left over."""
        if self._waiting:
            with self._casebook.together():
                self._keep(self._waiting)
            self._waiting.clear()
