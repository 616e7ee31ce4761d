"""A fuzz target: a reader of untrusted bytes, and how it is allowed to end."""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

# All inputs that ever failed, by target; none is ever deleted.
VECTORS = Path(__file__).parent.parent / "vectors" / "fuzz"
# Processor time: no valid input of these lengths takes a fiftieth of it, even instrumented on a
# slow machine.
_MOST_SECONDS = 1.0
# Processor time, too, of any input of any reader: what takes longer goes on for ever.
_HANG_SECONDS = 20.0


class Endless(BaseException):
    """An input takes longer than any may."""


def _endless(*_: object) -> None:
    raise Endless


# Makes another input from one, of at most so many bytes; the last argument mutates plain bytes.
Mutate = Callable[[bytes, int, Random, Callable[[bytes], bytes]], bytes]


@dataclass(frozen=True)
class Target:
    """``read`` takes any bytes and returns a value or raises one of ``errors``; its docstring says
    more.

    ``seeds`` are valid inputs or nearly so, ``words`` what a valid input is made of, ``most_bytes``
    the longest input that is tried.
    """

    read: Callable[[bytes], object]
    errors: tuple[type[Exception], ...]
    seeds: Sequence[bytes]
    most_bytes: int
    words: Sequence[bytes] = ()
    mutate: Mutate | None = None
    most_seconds: float = _HANG_SECONDS

    @property
    def name(self) -> str:
        """The name of the reader."""
        return self.read.__name__

    def run(self, data: bytes) -> None:
        """Read one input. Raises whatever is not allowed, and Endless."""
        signal.signal(signal.SIGPROF, _endless)
        signal.setitimer(signal.ITIMER_PROF, self.most_seconds)
        try:
            self.read(data)
        except self.errors:
            return
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)

    def vectors(self, folder: Path = VECTORS) -> list[Path]:
        """The inputs that once failed."""
        return sorted((folder / self.name).glob("*"))


@contextmanager
def bounded_time() -> Iterator[None]:
    """The code inside must not take more processor time than a valid input of that length could."""
    begun = time.process_time()
    yield
    assert time.process_time() - begun < _MOST_SECONDS, (
        "this input takes far longer than its length allows"
    )
