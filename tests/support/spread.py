"""Tests in several processes at once, forked from the one that has collected them.

``--workers N`` forks so many. Each takes groups of tests from one queue until it is empty: a single
test, or all of a module that shares a fixture. What a worker reports is counted as if the tests had
run here. Modules are loaded and tests collected once; workers that begin by themselves would each
do that again, which takes longer than a tenth of the quick tests.

``--spare-workers N`` forks N more, which take a group only while a processor has nothing to do.
Where tests wait for processes and clocks there are many at once, and where they compute as few as
without.
"""

import fcntl
import json
import os
import selectors
import signal
import struct
import sys
import termios
import time
import traceback
from array import array
from collections.abc import Generator, Iterator, Sequence
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import IO, Any

import pytest
from _pytest import runner

# The worker's name is in the environment of what it runs.
WORKER = "PYTEST_WORKER"
# Set when a worker did not come to its end.
DIED = pytest.StashKey[bool]()

# Folders whose tests wait for processes, clocks and each other most of their time, what takes
# longest first.
WAITING = ("browser", "onion", "package", "drop")
# The last of them begins when so much of the others has begun: these fill up the end.
WAITING_ENDS = 0.7
_NUMBER = struct.Struct("=I")
_QUEUE_BYTES = 2**18
# How long a spare worker watches the processors, and how much of one has to be idle meanwhile for
# it to take a group. They watch one after the other, each what the one before has begun.
WATCHED_SECONDS = 0.25
IDLE_PROCESSORS = 0.5
STAT = Path("/proc/stat")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("spread").addoption(
        "--workers", type=int, default=0, help="run tests in so many processes at once"
    )
    parser.getgroup("spread").addoption(
        "--spare-workers",
        type=int,
        default=0,
        help="and in so many more while a processor has nothing to do",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("workers"):
        config.pluginmanager.register(Spread(config))


@cache
def shares_a_fixture(module: Path) -> bool:
    """Whether something is made once for all tests in this file, and so once in each worker."""
    return 'scope="module"' in module.read_text("utf-8")


def groups_of(items: Sequence[pytest.Item]) -> list[list[pytest.Item]]:
    """What one worker runs at a time.

    What waits is spread evenly among what computes, so that the processors have something to do
    meanwhile. Of both, what takes long begins first, so that no worker is left alone with it.
    """
    groups: dict[object, list[pytest.Item]] = {}
    for item in items:
        key: object = item.path if shares_a_fixture(item.path) else item
        groups.setdefault(key, []).append(item)
    by_length = sorted(groups.values(), key=_place)
    waiting = [group for group in by_length if _folder(group[0])]
    computing = [group for group in by_length if not _folder(group[0])]
    begins = [(WAITING_ENDS * number / len(waiting), group) for number, group in enumerate(waiting)]
    begins += [(number / len(computing), group) for number, group in enumerate(computing)]
    return [group for _, group in sorted(begins, key=itemgetter(0))]


def _folder(item: pytest.Item) -> str:
    """The folder of what waits that a test is in, or nothing."""
    return next((name for name in WAITING if item.get_closest_marker(name)), "")


def _place(group: Sequence[pytest.Item]) -> tuple[bool, int, int]:
    item = group[0]
    lengths = [item.get_closest_marker(mark) is not None for mark in ("long", "slow")]
    length = lengths.index(True) if True in lengths else len(lengths)
    return not shares_a_fixture(item.path), length, (*WAITING, "").index(_folder(item))


def unended(name: str, why: str, when: Any) -> pytest.TestReport:
    """What is reported of a test whose process ended before it."""
    return pytest.TestReport(
        name, (name.partition("::")[0], None, name), {}, "failed", why, when=when
    )


def report_of(config: pytest.Config, told: Any) -> pytest.TestReport:
    """The report that a Reporter in another process has written, read back from JSON."""
    report: pytest.TestReport = config.hook.pytest_report_from_serializable(
        config=config, data=told
    )
    if report.outcome == "skipped" and isinstance(report.longrepr, list):
        # Where and why: pytest's summary wants the tuple that JSON does not know.
        path, line, reason = report.longrepr
        report.longrepr = (path, line, reason)
    return report


class Reporter:
    """In a process that runs tests for another: tells that one of each as it goes."""

    def __init__(self, config: pytest.Config, reports: IO[str]) -> None:
        self._config = config
        self._reports = reports

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.tell(
            self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        )

    def tell(self, what: object) -> None:
        """Write a line."""
        self._reports.write(json.dumps(what) + "\n")
        self._reports.flush()


class Worker:
    """A process that runs groups of tests, as the one that forked it sees it."""

    def __init__(self, process: int, reports: int) -> None:
        self.process = process
        self.reports = reports
        self.group: int | None = None
        self.ended = set[str]()
        self.trouble = ""
        self._rest = b""

    def read(self) -> list[Any] | None:
        """What it has told since; None when it tells nothing more."""
        data = os.read(self.reports, 2**16)
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [json.loads(line) for line in lines] if data else None


class Spread:
    """The run as a whole."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """See pytest. Where nothing is to be run, pytest says what there is to say."""
        if session.testsfailed or self._config.option.collectonly or not session.items:
            return None
        if terminal := self._config.pluginmanager.get_plugin("terminalreporter"):
            # A line for each file would be one for each test.
            terminal.showfspath = False
        # Each worker has a directory of its own in the run's.
        run: Path = self._config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
        self._turn = run / "spare-workers.lock"
        self._groups = groups_of(session.items)
        queue = self._queue()
        workers = list[Worker]()
        busy, spare = map(self._config.getoption, ("workers", "spare_workers"))
        try:
            for number in range(min(busy + spare, len(self._groups))):
                workers.append(self._forked(session, number, queue, spare=number >= busy))
            for report in self._reports(workers, queue):
                self._config.hook.pytest_runtest_logreport(report=report)
                if session.shouldfail:
                    raise session.Failed(session.shouldfail)
        finally:
            for worker in workers:
                # Those that are over are reaped already.
                if worker.process:
                    os.kill(worker.process, signal.SIGKILL)
                    os.waitpid(worker.process, 0)
            os.close(queue)
        return True

    def _queue(self) -> int:
        """A pipe with the number of each group: reading it takes a number, for one worker only."""
        reader, writer = os.pipe()
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, _QUEUE_BYTES)
        numbers = b"".join(map(_NUMBER.pack, range(len(self._groups))))
        assert len(numbers) <= _QUEUE_BYTES
        os.write(writer, numbers)
        os.close(writer)
        return reader

    def _reports(
        self, workers: Sequence[Worker], queue: int
    ) -> Generator[pytest.TestReport, None, None]:
        with selectors.DefaultSelector() as waiting:
            for worker in workers:
                waiting.register(worker.reports, selectors.EVENT_READ, worker)
            while waiting.get_map():
                for key, _ in waiting.select():
                    told = key.data.read()
                    if told is None:
                        waiting.unregister(key.fd)
                        os.close(key.fd)
                        yield from self._ended(key.data)
                    for what in told or ():
                        yield from self._told(key.data, what)
        for number in _taken(queue):
            for item in self._groups[number]:
                yield unended(item.nodeid, "No worker was left to run it.", "setup")

    def _told(self, worker: Worker, what: Any) -> Iterator[pytest.TestReport]:
        if isinstance(what, int):
            worker.group, worker.ended = what, set()
        elif isinstance(what, str):
            worker.trouble = what
        else:
            report = report_of(self._config, what)
            worker.ended.update([report.nodeid] if report.when == "teardown" else [])
            yield report

    def _ended(self, worker: Worker) -> Iterator[pytest.TestReport]:
        _, status = os.waitpid(worker.process, 0)
        worker.process = 0
        if (code := os.waitstatus_to_exitcode(status)) == 0:
            return
        self._config.stash[DIED] = True
        why = f"The worker did not come to its end (exit code {code}).\n{worker.trouble}"
        group = [] if worker.group is None else self._groups[worker.group]
        left = [item.nodeid for item in group if item.nodeid not in worker.ended]
        for name in left or ["worker"]:
            yield unended(name, why, "call")

    # --- In a worker ---

    def _forked(self, session: pytest.Session, number: int, queue: int, *, spare: bool) -> Worker:
        reader, writer = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        if process := os.fork():
            os.close(writer)
            return Worker(process, reader)
        os.close(reader)
        code = 1
        try:
            groups = _taken_when_idle(queue, self._turn) if spare else _taken(queue)
            self._work(session, number, groups, writer)
            code = 0
        finally:
            os._exit(code)

    def _work(
        self, session: pytest.Session, number: int, groups: Iterator[int], reports: int
    ) -> None:
        with os.fdopen(reports, "w", encoding="ascii") as stream:
            reporter = Reporter(self._config, stream)
            try:
                self._settle(f"w{number}", reporter)
                for taken in groups:
                    reporter.tell(taken)
                    self._run(self._groups[taken])
                runner.pytest_sessionfinish(session)
                _save_coverage()
            except BaseException:
                reporter.tell(traceback.format_exc())
                raise

    def _settle(self, name: str, reporter: Reporter) -> None:
        """Have what may not be shared with the process that forked this one."""
        os.environ[WORKER] = name
        # A run in the background ignores Ctrl-C, and so would whatever a test starts.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        plugins = self._config.pluginmanager
        for plugin in ("terminalreporter", "runs"):
            if plugins.get_plugin(plugin):
                plugins.unregister(name=plugin)
        plugins.register(reporter)
        directories: Any = self._config._tmp_path_factory  # type: ignore[attr-defined]
        own = directories.getbasetemp() / name
        own.mkdir(mode=0o700)
        directories._basetemp = own
        capture: Any = plugins.get_plugin("capturemanager")
        # Its files have one position for all processes that share them.
        capture.stop_global_capturing()
        capture.start_global_capturing()
        capture.suspend_global_capture()

    def _run(self, group: Sequence[pytest.Item]) -> None:
        # Behind the last one only what is made for the whole session stays: nobody knows yet where
        # the next group is.
        for item, following in zip(group, [*group[1:], group[0].session], strict=True):
            self._config.hook.pytest_runtest_protocol(item=item, nextitem=following)


def _taken(queue: int) -> Iterator[int]:
    """Numbers from the queue, one by one, until it is empty."""
    while number := os.read(queue, _NUMBER.size):
        yield _NUMBER.unpack(number)[0]


def _taken_when_idle(queue: int, turn: Path) -> Iterator[int]:
    """The same in a spare worker: each number once the processors have had little to do."""
    left = array("i", [0])
    while True:
        with turn.open("a") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            fcntl.ioctl(queue, termios.FIONREAD, left)
            idle = left[0] and idle_processors(WATCHED_SECONDS) >= IDLE_PROCESSORS
        if not left[0]:
            return
        if idle and (number := os.read(queue, _NUMBER.size)):
            yield _NUMBER.unpack(number)[0]


def idle_processors(seconds: float) -> float:
    """How many processors did nothing in the *seconds* that this takes, whoever uses them."""
    before = idle_seconds(STAT.read_text("ascii"))
    time.sleep(seconds)
    return (idle_seconds(STAT.read_text("ascii")) - before) / seconds


def idle_seconds(stat: str) -> float:
    """How long all processors together did nothing since the start, or waited for a disk."""
    _, _, _, _, idle, for_disks, *_ = stat.partition("\n")[0].split()
    return (int(idle) + int(for_disks)) / os.sysconf("SC_CLK_TCK")


def _save_coverage() -> None:
    """Write what this process ran where the run as a whole finds it."""
    if coverage := sys.modules.get("coverage"):
        current = coverage.Coverage.current()
        if current is not None:
            current.stop()
            current.save()
