"""Plants faults and says how many of them the tests notice.

    python -m mutation --sample 100 --seed 7 [--area core] [--file 'dropbox/vault/*']
    python -m mutation --planted [--area core]

Each fault is planted in a copy of the tree, two copies at a time, and the tests that cover its
file run there: first those that reach the function with the fault, then all of the suite, and at
last those of other suites that reach the function. A sample is drawn from dropbox/, the desk and
the ceremony; from onion/ and the operator's commands only if asked for. Returns 1 when fewer than
--least percent are noticed.
"""

import argparse
import difflib
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from fnmatch import fnmatch
from itertools import chain
from pathlib import Path

from mutation.mutants import Mutant, mutants, sample
from mutation.plan import ROOT, Group, Planted, groups, judged_constants, planted
from mutation.reach import Reach, reach_of

# Twice what the tests take without a fault, and what a machine under load may add.
_GRACE_SECONDS = 60.0
# pytest's exit codes for tests that failed, and for a module that cannot even be imported by a
# test, or by conftest.py.
_NOTICED = (1, 2, 4)
# For tests that passed, and for none that was chosen.
_PASSED = (0, 5)
# Areas that are only sampled by their name.
_ASKED_FOR = ("onion", "operator")


# What coverage measures is written here, in the copy, and how long tests took.
_COVERAGE, _REPORT = ".coverage", "report.xml"
# Seconds of volume or repetition notice little that shorter tests do not.
_CHOSEN = ("-m", "not long")


@dataclass(frozen=True)
class Suite:
    """Tests that pass without a fault: how many *seconds* they may take, and what they reach."""

    tests: tuple[str, ...]
    seconds: float
    reach: Reach


class CannotMutate(Exception):
    """A fault cannot be planted or judged."""


def copied(directory: Path) -> Path:
    """A copy of the tracked files, and of the compiled translations, in *directory*."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True,
    ).stdout.decode().split("\0")  # fmt: skip
    compiled = (str(path.relative_to(ROOT)) for path in (ROOT / "dropbox").rglob("*.mo"))
    for name in [*filter(None, listed), *compiled]:
        if (ROOT / name).is_file():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, directory / name)
    return directory


def run_tests(
    tree: Path,
    tests: Sequence[str],
    seconds: float,
    *,
    options: Sequence[str] = (),
    output: int | None = subprocess.DEVNULL,
) -> int | None:
    """pytest's exit code in *tree*, None when it took longer than *seconds*."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *options]
    with subprocess.Popen(
        [*command, *tests],
        cwd=tree,
        env=os.environ | {"COVERAGE_FILE": str(tree / _COVERAGE)},
        stdout=output,
        stderr=output,
        process_group=0,
    ) as process:
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            subprocess.run(["kill", "-9", "--", f"-{process.pid}"], check=False)
            return None


def noticed(tree: Path, fault: Mutant | Planted, suite: "Suite", others: Sequence["Suite"]) -> bool:
    """Whether the *suite*, or one of the *others*, notices *fault*.

    Raises CannotMutate when it cannot be planted or pytest itself fails.
    """
    path = tree / fault.file
    text = path.read_text("utf-8")
    first: list[str] = []
    beyond: list[str] = []
    options: Sequence[str] = ()
    if isinstance(fault, Mutant):
        options = _CHOSEN
        first = suite.reach.tests(fault.file, text, fault.line)
        reached = (other.reach.tests(fault.file, text, fault.line) for other in others)
        beyond = sorted(set(chain.from_iterable(reached)) - set(first))
    seconds = max(one.seconds for one in (suite, *others))
    try:
        path.write_text(fault.source(text), "utf-8")
        for tests, limit in (
            (first, suite.seconds),
            (suite.tests, suite.seconds),
            (beyond, seconds),
        ):
            if not tests:
                continue
            code = run_tests(tree, tests, limit, options=options)
            if code not in (None, *_PASSED, *_NOTICED):
                raise CannotMutate(f"pytest ended with {code} for {fault}.")
            if code not in _PASSED:
                return True
    except ValueError as why:
        raise CannotMutate(str(why)) from None
    finally:
        path.write_text(text, "utf-8")
    return False


def chosen(asked: argparse.Namespace) -> list[tuple[str, Mutant | Planted, tuple[str, ...]]]:
    """The faults to plant, each with its area and its tests."""

    def is_wanted(area: str, file: str, *, unasked: bool) -> bool:
        in_area = area == asked.area or (not asked.area and unasked)
        return in_area and fnmatch(file, asked.file)

    if asked.planted:
        return [
            (one.area, one, one.tests)
            for one in planted()
            if is_wanted(one.area, one.file, unasked=True)
        ]
    by_file: dict[str, Group] = {
        file: group
        for group in groups()
        for file in group.files
        if is_wanted(group.area, file, unasked=group.area not in _ASKED_FOR)
    }
    judged = judged_constants()
    found = [one for file in sorted(by_file) for one in mutants(ROOT, file, judged.get(file, ()))]
    return [
        (by_file[one.file].area, one, by_file[one.file].tests)
        for one in sample(ROOT, found, asked.sample, asked.seed)
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Plant, test, and print each fault that no test noticed. Returns the exit code."""
    asked = _parser().parse_args(arguments)
    faults = chosen(asked)
    with ExitStack() as stack:
        trees: queue.Queue[Path] = queue.Queue()
        for _ in range(asked.jobs):
            trees.put(copied(Path(stack.enter_context(tempfile.TemporaryDirectory()))))
        suites = _suites(trees, {tests for _, _, tests in faults}, asked)

        def judge(fault: tuple[str, Mutant | Planted, tuple[str, ...]]) -> tuple[str, bool]:
            area, one, tests = fault
            tree = trees.get()
            try:
                others = [suite for suite in suites.values() if suite.tests != tests]
                seen = noticed(tree, one, suites[tests], others)
                shown = "" if seen else "\n" + _difference(tree, one)
            finally:
                trees.put(tree)
            print(f"{'noticed ' if seen else 'SURVIVED'} {area}: {one}{shown}", flush=True)
            return area, seen

        with ThreadPoolExecutor(asked.jobs) as pool:
            results = list(pool.map(judge, faults))
    return _summary(results, asked.least)


def _difference(tree: Path, fault: Mutant | Planted) -> str:
    """What a fault changes in its file."""
    text = (tree / fault.file).read_text("utf-8")
    lines = difflib.unified_diff(
        text.splitlines(), fault.source(text).splitlines(), n=0, lineterm=""
    )
    return "\n".join(f"    {line}" for line in lines if line[:3] not in ("---", "+++"))


def _suites(
    trees: "queue.Queue[Path]", wanted: set[tuple[str, ...]], asked: argparse.Namespace
) -> dict[tuple[str, ...], Suite]:
    """Each of the suites *wanted*, run without a fault. Raises CannotMutate if one does not pass.

    What fails beside another suite runs again, alone and seen: a machine under load is no reason.
    """
    # No report, and none of coverage's own limits: what is wanted is the lines of each test. The
    # suites of faults planted by hand are single tests already.
    options = ["--cov", "--cov-context=test", "--cov-report=", "--cov-fail-under=0"]
    options += [f"--junit-xml={_REPORT}", *_CHOSEN]
    if asked.planted:
        options = []

    def run(tests: tuple[str, ...], output: int | None) -> Suite | None:
        tree, start = trees.get(), time.monotonic()
        try:
            passed = run_tests(tree, tests, 1800, options=options, output=output) == 0
            reach = reach_of(tree, tree / _COVERAGE, tree / _REPORT)
        finally:
            trees.put(tree)
        seconds = 2 * (time.monotonic() - start) + _GRACE_SECONDS
        return Suite(tests, seconds, reach) if passed else None

    ordered = sorted(wanted)
    with ThreadPoolExecutor(asked.jobs) as pool:
        found = list(pool.map(lambda tests: run(tests, subprocess.DEVNULL), ordered))
    suites = {}
    for tests, first in zip(ordered, found, strict=True):
        suite = first or run(tests, None)
        if suite is None:
            raise CannotMutate(f"Without any fault these do not pass: {' '.join(tests)}.")
        suites[tests] = suite
    return suites


def _summary(results: Sequence[tuple[str, bool]], least: float) -> int:
    total, seen = (
        Counter(area for area, _ in results),
        Counter(area for area, one in results if one),
    )
    for area in sorted(total):
        print(f"{area}: {seen[area]} of {total[area]} noticed")
    share = 100 * seen.total() / max(1, total.total())
    print(
        f"In all: {seen.total()} of {total.total()} noticed, {share:.0f} %; "
        f"at least {least:.0f} % are wanted."
    )
    return 0 if share >= least else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mutation", description="Plants faults and says how many the tests notice."
    )
    parser.add_argument(
        "--sample", type=int, default=100, metavar="N", help="how many, drawn by --seed"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument(
        "--planted", action="store_true", help="those of planted.toml instead of a sample"
    )
    parser.add_argument("--area", default="", help="only this area of covering.toml")
    parser.add_argument("--file", default="*", metavar="PATTERN", help="only in such files")
    parser.add_argument(
        "--jobs", type=int, default=2, metavar="N", help="copies of the tree at work at once"
    )
    parser.add_argument(
        "--least", type=float, default=90, metavar="PERCENT", help="fewer are a failure"
    )
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CannotMutate as why:
        print(why, file=sys.stderr)
        sys.exit(2)
