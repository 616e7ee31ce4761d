"""A pytest plugin for what runs by itself at the end of a run, in a process of its own when
nothing else is running.

That is tests marked ``alone``, when the others were spread over several workers; and with
``--second-try`` each test that failed, once more. One that then passes is flaky: it no longer
fails the run, which names it in its last lines and in build/flaky.txt. One that fails again has
failed. What the other process reports is counted as if it had run here.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Sequence
from itertools import chain
from typing import Any

import pytest
from _pytest.terminal import TerminalReporter

from support.spread import DIED, Reporter, report_of, unended

# A run with more failures than this has one cause; to try all of them again would hide it for
# half an hour.
MOST_SECOND_TRIES = 40
SAID_BYTES = 20_000


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("alone")
    group.addoption(
        "--second-try", action="store_true", help="run each test that failed once more, by itself"
    )
    group.addoption("--reports-to", type=int, help="for the plugin itself: an open descriptor")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "alone: measures, and needs the machine for itself")
    descriptor = config.getoption("reports_to")
    if descriptor is None:
        config.pluginmanager.register(Runs(config), "runs")
    else:
        # An agent that a test leaves running must not keep it open.
        os.set_inheritable(descriptor, False)
        reports = os.fdopen(descriptor, "w", encoding="ascii")
        # See the workers of support.spread.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        config.pluginmanager.register(Reporter(config, reports))


class Runs:
    """The run as a whole: what has to run alone, what has failed, and what came of it the second
    time.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._alone: list[str] = []
        self._failed: dict[str, list[pytest.TestReport]] = {}
        self._flaky: list[str] = []
        self._ended = False

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        if self._config.getoption("workers"):
            alone = [item for item in items if item.get_closest_marker("alone")]
            items[:] = [item for item in items if item not in alone]
            self._alone = [item.nodeid for item in alone]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed.setdefault(report.nodeid, []).append(report)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        result = yield
        if self._alone:
            session.testscollected += len(self._alone)
            for report in self._run(self._alone):
                if report.when == "setup":
                    self._hook.pytest_runtest_logstart(
                        nodeid=report.nodeid, location=report.location
                    )
                self._hook.pytest_runtest_logreport(report=report)
        if self._config.getoption("second_try"):
            # Where a worker has died its tests did not all run, and no second try makes that good.
            died = self._config.stash.get(DIED, False)
            if not died and 0 < len(self._failed) <= MOST_SECOND_TRIES:
                self._try_again(session)
            self._ended = True
        return result

    @property
    def _hook(self) -> Any:
        return self._config.hook

    def _try_again(self, session: pytest.Session) -> None:
        again: dict[str, list[pytest.TestReport]] = {name: [] for name in self._failed}
        for report in self._run(list(self._failed)):
            again.setdefault(report.nodeid, []).append(report)
        for name, reports in again.items():
            if any(report.failed for report in reports):
                for report in self._failed.get(name, ()):
                    report.sections.append(("Second try", "It failed again, alone."))
                continue
            self._flaky.append(name)
            session.testsfailed -= len(self._failed[name])
        if terminal := self._terminal():
            for outcome in ("failed", "error"):
                flaky = [one for one in terminal.stats.get(outcome, []) if self._is_flaky(one)]
                for report in flaky:
                    terminal.stats[outcome].remove(report)
                    terminal.stats.setdefault("flaky", []).append(report)
                if flaky and not terminal.stats[outcome]:
                    del terminal.stats[outcome]

    def _is_flaky(self, report: object) -> bool:
        return isinstance(report, pytest.TestReport) and report.nodeid in self._flaky

    def _terminal(self) -> TerminalReporter | None:
        found = self._config.pluginmanager.get_plugin("terminalreporter")
        return found if isinstance(found, TerminalReporter) else None

    def _run(self, node_ids: Sequence[str]) -> Generator[pytest.TestReport, None, None]:
        """Run these in another process, one after the other. Each of them is reported, whatever
        happens to it.
        """
        reader, writer = os.pipe()
        command = [sys.executable, "-m", "pytest", "-q", f"--reports-to={writer}"]
        command += ["-p", "no:cacheprovider", *self._options()]
        ended, seen = set[str](), set[str]()
        with tempfile.TemporaryFile() as said, os.fdopen(reader, encoding="ascii") as reports:
            shown = None if self._config.getoption("capture") == "no" else said
            with subprocess.Popen(
                [*command, *node_ids],
                cwd=self._config.rootpath,
                pass_fds=[writer],
                stdout=shown,
                stderr=shown,
            ) as process:
                os.close(writer)
                try:
                    for line in reports:
                        report = report_of(self._config, json.loads(line))
                        seen.add(report.nodeid)
                        ended.update([report.nodeid] if report.when == "teardown" else [])
                        yield report
                except BaseException:
                    process.terminate()
                    raise
            said.seek(max(0, said.seek(0, os.SEEK_END) - SAID_BYTES))
            why = said.read().decode("utf-8", "replace")
        for name in node_ids:
            if name not in ended:
                yield unended(
                    name,
                    f"It did not come to its end alone (exit code {process.returncode}).\n{why}",
                    "call" if name in seen else "setup",
                )

    def _options(self) -> list[str]:
        """Those of this run that hold for tests that run by themselves, too."""
        config = self._config
        given = [f"--override-ini={one}" for one in config.getoption("override_ini") or ()]
        given += chain.from_iterable(("-p", name) for name in config.getoption("plugins"))
        if config.getoption("capture") == "no":
            given += ["-s"]
        if config.getoption("basetemp"):
            given += [f"--basetemp={config.getoption('basetemp')}-{os.urandom(4).hex()}"]
        return given

    # Around everything else, pytest's own summary included: nothing comes behind these lines.
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Generator[None, None, None]:
        yield
        if not self._ended:
            return
        listed = self._config.rootpath / "build" / "flaky.txt"
        if not self._flaky:
            listed.unlink(missing_ok=True)
            return
        listed.parent.mkdir(exist_ok=True)
        listed.write_text("".join(f"{name}\n" for name in self._flaky), "utf-8")
        if terminal := self._terminal():
            terminal.ensure_newline()
            terminal.write_line("flaky:", yellow=True)
            for name in self._flaky:
                terminal.write_line(name, yellow=True)

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        if self._flaky:
            terminalreporter.write_sep("=", "FLAKY: HOW THEY FAILED FIRST")
            for report in terminalreporter.stats.get("flaky", []):
                terminalreporter.write_sep("_", f"{report.nodeid} ({report.when})")
                terminalreporter.write_line(report.longreprtext)
