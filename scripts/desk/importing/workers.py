"""Several hands at once: what waits for gpg is done in threads, and its results are taken in order, by one."""

import os
import sys
from collections import deque
from collections.abc import Callable, Generator, Hashable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, Self, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")

# While one gpg ends, another begins: with as many as there are cores, the cores wait for the threads.
HANDS = 2 * (os.cpu_count() or 1)
# So many jobs the outrider takes at most.
_FIRST = 64
# So far the threads may run ahead of what has been taken; it bounds the memory.
_AHEAD = 128
_PATIENCE_SECONDS = 0.0005


def in_order(
    jobs: Iterable[Job],
    work: Callable[[Job], Result],
    *,
    apart: Callable[[Job], Hashable] | None = None,
) -> Generator[tuple[Job, Result], None, None]:
    """Each of *jobs* with the result of *work* on it, in the order of the jobs. Close it when leaving early.

    The first job is done alone: gpg's agent then asks for a passphrase once, and not once for each hand. Two jobs for which
    *apart* gives the same are never under way at once. What *work* raises is raised here, at its job's turn.
    """
    waiting: deque[tuple[Job, Future[Result]]] = deque()
    executor = ThreadPoolExecutor(HANDS, thread_name_prefix="desk")
    most = 1
    # Who takes the results also works: the threads, which only start gpg and wait for it, get their turn sooner.
    patience = sys.getswitchinterval()
    sys.setswitchinterval(_PATIENCE_SECONDS)
    try:
        for job in jobs:
            while apart is not None and apart(job) in {apart(other) for other, _ in waiting}:
                yield _next(waiting)
            waiting.append((job, executor.submit(work, job)))
            if len(waiting) >= most:
                yield _next(waiting)
                most = _AHEAD
        while waiting:
            yield _next(waiting)
    finally:
        executor.shutdown(cancel_futures=True)
        sys.setswitchinterval(patience)


def _next(waiting: deque[tuple[Job, Future[Result]]]) -> tuple[Job, Result]:
    job, future = waiting.popleft()
    return job, future.result()


class Outrider(Generic[Job, Result]):
    """One hand that begins with *work* before it is known whether all of it is wanted. Use in a ``with`` block.

    It does one job after the other, so that here, too, a passphrase is asked for once.
    """

    def __init__(self, work: Callable[[Job], Result]) -> None:
        self._work = work
        self._begun: dict[bytes, Future[Result]] = {}
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="desk")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        why: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._executor.shutdown(cancel_futures=True)

    @property
    def free(self) -> bool:
        """Whether it takes another job."""
        return len(self._begun) < _FIRST

    def begin(self, name: bytes, job: Job) -> None:
        """Have *job* done soon; *name* is that of no other."""
        self._begun[name] = self._executor.submit(self._work, job)

    def turn_back(self) -> None:
        """Begin nothing more: from here on others work, and ask for what it has."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def result(self, name: bytes, job: Job) -> Result:
        """What came of the job with this name, done now if it was not begun. Raises what the work raises."""
        begun = self._begun.pop(name, None)
        return self._work(job) if begun is None or begun.cancelled() else begun.result()
