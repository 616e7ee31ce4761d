"""Plants faults and says how many of them the tests notice.

    python -m mutation --sample 100 --seed 7 [--area core]
    python -m mutation --planted [--area core]

Each fault is planted in a copy of the tree, two copies at a time, and the tests that cover its
file run there. Returns 1 when fewer than --least percent are noticed.
"""

import argparse
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
from pathlib import Path

from mutation.mutants import Mutant, mutants, sample
from mutation.plan import ROOT, Group, Planted, groups, planted

# Twice what the tests take without a fault, and what a machine under load may add.
_GRACE_SECONDS = 60.0
# pytest's exit codes for tests that failed, and for a module that cannot even be imported.
_NOTICED = (1, 2)


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
    tree: Path, tests: Sequence[str], seconds: float, output: int | None = subprocess.DEVNULL
) -> int | None:
    """pytest's exit code in *tree*, None when it took longer than *seconds*."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    with subprocess.Popen(
        command, cwd=tree, stdout=output, stderr=output, process_group=0
    ) as process:
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            subprocess.run(["kill", "-9", "--", f"-{process.pid}"], check=False)
            return None


def noticed(tree: Path, fault: Mutant | Planted, tests: Sequence[str], seconds: float) -> bool:
    """Whether *tests* notice *fault*. Raises CannotMutate when it cannot be planted or pytest
    itself fails.
    """
    path = tree / fault.file
    text = path.read_text("utf-8")
    try:
        path.write_text(fault.source(text), "utf-8")
        code = run_tests(tree, tests, seconds)
    except ValueError as why:
        raise CannotMutate(str(why)) from None
    finally:
        path.write_text(text, "utf-8")
    if code not in (0, None, *_NOTICED):
        raise CannotMutate(f"pytest ended with {code} for {fault}.")
    return code != 0


def chosen(asked: argparse.Namespace) -> list[tuple[str, Mutant | Planted, tuple[str, ...]]]:
    """The faults to plant, each with its area and its tests."""
    if asked.planted:
        return [(one.area, one, one.tests) for one in planted() if asked.area in ("", one.area)]
    wanted = [group for group in groups() if asked.area in ("", group.area)]
    by_file: dict[str, Group] = {file: group for group in wanted for file in group.files}
    found = [mutant for file in sorted(by_file) for mutant in mutants(ROOT, file)]
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
        limits = _baseline(trees, {tests for _, _, tests in faults}, asked.jobs)

        def judge(fault: tuple[str, Mutant | Planted, tuple[str, ...]]) -> tuple[str, bool]:
            area, one, tests = fault
            tree = trees.get()
            try:
                seen = noticed(tree, one, tests, limits[tests])
            finally:
                trees.put(tree)
            print(f"{'noticed ' if seen else 'SURVIVED'} {area}: {one}", flush=True)
            return area, seen

        with ThreadPoolExecutor(asked.jobs) as pool:
            results = list(pool.map(judge, faults))
    return _summary(results, asked.least)


def _baseline(
    trees: "queue.Queue[Path]", suites: set[tuple[str, ...]], jobs: int
) -> dict[tuple[str, ...], float]:
    """Seconds that each suite may take; all have to pass without a fault. Raises CannotMutate.

    What fails beside another suite runs again, alone and seen: a machine under load is no reason.
    """

    def limit(tests: tuple[str, ...], output: int | None) -> float | None:
        tree, start = trees.get(), time.monotonic()
        try:
            passed = run_tests(tree, tests, 1800, output) == 0
        finally:
            trees.put(tree)
        return 2 * (time.monotonic() - start) + _GRACE_SECONDS if passed else None

    ordered = sorted(suites)
    with ThreadPoolExecutor(jobs) as pool:
        found = list(pool.map(lambda tests: limit(tests, subprocess.DEVNULL), ordered))
    limits = dict(zip(ordered, found, strict=True))
    for tests in ordered:
        limits[tests] = limits[tests] or limit(tests, None)
        if limits[tests] is None:
            raise CannotMutate(f"Without any fault these do not pass: {' '.join(tests)}.")
    return {tests: seconds for tests, seconds in limits.items() if seconds is not None}


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
