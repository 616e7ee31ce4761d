"""A command that SIGKILL ends at one of its system calls, or at any moment."""

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
# Everything by which a migration changes a disk.
_CALLS = "write,pwrite64,fsync,fdatasync,rename,unlink,ftruncate"
_LINE = re.compile(r"(\d+)\s+(\w+)\(")
_RARE = ("rename", "unlink", "ftruncate")


class At(NamedTuple):
    """The n-th call of its kind in one thread."""

    call: str
    number: int


class KilledCommand:
    """``python -m`` *arguments*, whose system calls are counted in a run to its end."""

    def __init__(self, arguments: Sequence[str | Path], trace: Path) -> None:
        self._command = [sys.executable, "-m", *map(str, arguments)]
        self._trace = trace
        self._environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        self.seconds = 0.0

    def whole(self) -> list[At]:
        """Run it to its end. Returns all its calls."""
        begun = time.monotonic()
        done = self._run("strace", "-f", "-o", str(self._trace), "-e", f"trace={_CALLS}")
        self.seconds = time.monotonic() - begun
        assert done.returncode == 0, done.stderr
        counts: Counter[tuple[str, str]] = Counter()
        found = []
        for line in self._trace.read_text(errors="replace").splitlines():
            if match := _LINE.match(line):
                counts[match[1], match[2]] += 1
                found.append(At(match[2], counts[match[1], match[2]]))
        return found

    def chosen(self, calls: Sequence[At], count: int, random: Random) -> list[At]:
        """Every call that gives or takes a name or a length, and *count* of the others."""
        rare = sorted({one for one in calls if one.call in _RARE})
        return rare + random.sample(sorted(set(calls) - set(rare)), count)

    def killings(
        self,
        calls: Sequence[At],
        random: Random,
        *,
        begin: Callable[[], None],
        count: int,
        moments: int,
    ) -> Iterator[At | float]:
        """Kill it at each of its ``chosen`` *calls* and at *moments* others.

        *begin* is called before each run. Yields once it is dead, for the caller to look.
        """
        for at in self.chosen(calls, count, random):
            begin()
            self.killed_at(at)
            yield at
        for _ in range(moments):
            begin()
            seconds = random.uniform(0.3, 1) * self.seconds
            self.killed_after(seconds)
            yield seconds

    def killed_at(self, at: At) -> None:
        """Run it until it makes that call; the call is not made any more."""
        inject = f"inject={at.call}:signal=SIGKILL:when={at.number}"
        done = self._run("strace", "-f", "-o", os.devnull, "-e", f"trace={_CALLS}", "-e", inject)
        # As strace ends itself, or as a shell would say it.
        assert done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL), (at, done.stderr)

    def killed_after(self, seconds: float) -> None:
        """Run it for so long, unless it ends before."""
        child = subprocess.Popen(
            self._command,
            cwd=ROOT,
            env=self._environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(seconds)
        child.kill()
        child.wait()

    def again(self) -> None:
        """Run it once more, to its end."""
        done = self._run()
        assert done.returncode == 0, done.stderr

    def _run(self, *before: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*before, *self._command],
            cwd=ROOT,
            env=self._environ,
            capture_output=True,
            text=True,
            check=False,
        )
