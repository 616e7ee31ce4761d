"""How far a long piece of work has come."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

# Gets how much is done, and of how much.
Progress = Callable[[int, int], None]
Item = TypeVar("Item")


def watched(items: Iterable[Item], total: int, progress: Progress | None) -> Iterator[Item]:
    """*items*, of which there are *total*, or about; *progress* is told of each that is done."""
    for done, one in enumerate(items, 1):
        yield one
        if progress is not None:
            progress(done, max(done, total))
