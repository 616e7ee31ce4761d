"""Workers: threads that start gpg and wait for it, while one takes their results in order."""

import os
import sys
from collections import deque
from collections.abc import Callable, Generator, Hashable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, Self, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")

# Two threads a core: while one gpg exits, another starts, and no core waits.
WORKERS = 2 * (os.cpu_count() or 1)
# The most jobs that may be started early.
_MOST_EARLY = 64
# How far the threads may run ahead of the results that were taken; it bounds the memory.
_AHEAD = 128
_SWITCH_SECONDS = 0.0005


def in_order(
    jobs: Iterable[Job],
    work: Callable[[Job], Result],
    *,
    apart: Callable[[Job], Hashable] | None = None,
) -> Generator[tuple[Job, Result], None, None]:
    """Each of *jobs* with the result of *work* on it, in the order of the jobs.

    Close it when leaving early.

    The first job runs alone, so that gpg's agent asks for a passphrase once and not once for each
    thread. Two jobs for which *apart* gives the same value never run at the same time. What *work*
    raises is raised here, at its job's turn.
    """
    waiting: deque[tuple[Job, Future[Result]]] = deque()
    executor = ThreadPoolExecutor(WORKERS, thread_name_prefix="desk")
    most = 1
    # The thread that takes the results is busy too. The workers only start gpg and wait for it, so
    # they should get the interpreter sooner than after the usual interval.
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_SECONDS)
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
        sys.setswitchinterval(before)


def _next(waiting: deque[tuple[Job, Future[Result]]]) -> tuple[Job, Result]:
    job, future = waiting.popleft()
    return job, future.result()


class EarlyWorker(Generic[Job, Result]):
    """One thread that does jobs before anybody knows whether they are all wanted.

    Use in a ``with`` block.

    It does one job after another, so that gpg's agent asks for a passphrase only once here, too.
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
        return len(self._begun) < _MOST_EARLY

    def begin(self, name: bytes, job: Job) -> None:
        """Start *job* soon, under a *name* that no other job has."""
        self._begun[name] = self._executor.submit(self._work, job)

    def stop(self) -> None:
        """Start no more jobs: from now on others work, and ask for the results that exist."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def result(self, name: bytes, job: Job) -> Result:
        """The result of the job with this name; the job is done now if it was not started.

        Raises what the work raises.
        """
        begun = self._begun.pop(name, None)
        return self._work(job) if begun is None or begun.cancelled() else begun.result()
