"""A fuzz target: one reader of untrusted bytes, and how it may end."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

# Every input that ever ended otherwise than it may, by target; none is ever deleted.
VECTORS = Path(__file__).parent.parent / "vectors" / "fuzz"
# Processor time: no honest input of these lengths takes a fiftieth of it, instrumented and on a slow machine.
_MOST_SECONDS = 1.0

# Gives another input from one, of at most so many bytes; the last argument changes bytes without knowing their meaning.
Mutate = Callable[[bytes, int, Random, Callable[[bytes], bytes]], bytes]


@dataclass(frozen=True)
class Target:
    """``read`` takes any bytes and may end only in a value or in one of ``errors``; its docstring says what else holds.

    ``seeds`` are valid inputs or nearly so, ``words`` what a valid input is made of, ``most_bytes`` the longest input that
    is tried.
    """

    read: Callable[[bytes], object]
    errors: tuple[type[Exception], ...]
    seeds: Sequence[bytes]
    most_bytes: int
    words: Sequence[bytes] = ()
    mutate: Mutate | None = None

    @property
    def name(self) -> str:
        """The name of the reader."""
        return self.read.__name__

    def run(self, data: bytes) -> None:
        """One input. Raises whatever it may not end in."""
        try:
            self.read(data)
        except self.errors:
            return

    def vectors(self, folder: Path = VECTORS) -> list[Path]:
        """The inputs that once ended otherwise than they may."""
        return sorted((folder / self.name).glob("*"))


@contextmanager
def bounded_time() -> Iterator[None]:
    """What is done inside must not take more processor time than any honest input of its length could."""
    begun = time.process_time()
    yield
    assert time.process_time() - begun < _MOST_SECONDS, (
        "this input takes far longer than its length allows"
    )
