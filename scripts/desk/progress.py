"""How far a long piece of work has come."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

# Called with how much is done, and the total.
Progress = Callable[[int, int], None]
Item = TypeVar("Item")


def watched(items: Iterable[Item], total: int, progress: Progress | None) -> Iterator[Item]:
    """*items*, of which there are about *total*; *progress* is called after each one."""
    for done, one in enumerate(items, 1):
        yield one
        if progress is not None:
            progress(done, max(done, total))
