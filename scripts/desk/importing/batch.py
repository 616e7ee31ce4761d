"""Things brought to the casebook's disk a batch at a time."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from scripts.desk.casebook.casebook import Casebook

One = TypeVar("One")


class Batch(Generic[One]):
    """Gives things to *keep*, so many in one transaction: on the disk once a batch, and a batch whole or not at all."""

    def __init__(
        self, casebook: Casebook, size: int, keep: Callable[[Sequence[One]], None]
    ) -> None:
        self._casebook = casebook
        self._size = size
        self._keep = keep
        self._waiting: list[One] = []

    def add(self, one: One) -> None:
        """Take *one*; it is in the casebook when its batch is full."""
        self._waiting.append(one)
        if len(self._waiting) >= self._size:
            self.finish()

    def finish(self) -> None:
        """What is left."""
        if self._waiting:
            with self._casebook.together():
                self._keep(self._waiting)
            self._waiting.clear()
