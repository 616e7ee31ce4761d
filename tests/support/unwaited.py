"""A pytest plugin: whatever process a test starts, it waits for.

One that nobody has waited for is complained about when Python frees what started it: at any moment,
in any later test, by its number alone. Here it is named with the test that started it, and at the
latest when the last test of that one's module has ended.
"""

import subprocess
import warnings
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

import pytest

Process = subprocess.Popen[Any]


def starter(process: Process) -> str:
    """The test that started a process."""
    return getattr(process, "started_by", "") or "no test"


class Unwaited:
    """The processes that nobody has waited for yet, and the tests that started them."""

    def __init__(self) -> None:
        self._test = ""
        self._started: WeakSet[Process] = WeakSet()
        self._patch = pytest.MonkeyPatch()

    def install(self) -> None:
        """Have Python note each process that it starts from now on."""
        started: Callable[..., None] = subprocess.Popen.__init__
        freed: Callable[..., None] = subprocess.Popen.__del__

        def start(process: Process, *arguments: Any, **named: Any) -> None:
            started(process, *arguments, **named)
            process.started_by = self._test  # type: ignore[attr-defined]
            self._started.add(process)

        def free(process: Process) -> None:
            def warn(message: str, kind: type[Warning], source: object) -> None:
                message += f", which {starter(process)} started"
                warnings.warn(message, kind, stacklevel=2, source=source)

            freed(process, _warn=warn)

        self._patch.setattr(subprocess.Popen, "__init__", start)
        self._patch.setattr(subprocess.Popen, "__del__", free)

    def remove(self) -> None:
        """Undo that."""
        self._patch.undo()

    def keep(self, process: Process) -> None:
        """*process* stays for the whole run, and is waited for at its end."""
        self._started.discard(process)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        self._test = item.nodeid

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """Fail if a module ends, and with it its fixtures, before its processes do."""
        if nextitem is not None and nextitem.path == item.path:
            return
        left = [process for process in self._started if process.returncode is None]
        for process in left:
            process.kill()
            process.wait()
        self._started.clear()
        assert not left, "nobody waited for " + ", ".join(
            f"process {process.pid}, which {starter(process)} started" for process in left
        )


_unwaited = Unwaited()
keep = _unwaited.keep


def pytest_configure(config: pytest.Config) -> None:
    _unwaited.install()
    config.pluginmanager.register(_unwaited, "unwaited")


def pytest_unconfigure() -> None:
    _unwaited.remove()
