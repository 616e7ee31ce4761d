"""A command that SIGKILL ends at one of its system calls, or at any moment.

It runs in a process forked from one that has loaded it, and begins once strace watches it: to start
Python takes longer than most commands. Each line of that one's standard input is such a run as
JSON, [MODULE, ARGUMENTS, FILE for all that it says, SECONDS after which it is killed, or null]. Its
process is printed, an empty line lets it begin, and its exit code is printed.
"""

import ctypes
import importlib
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
import types
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

TESTS = Path(__file__).parents[1]
# Everything by which a migration changes a disk.
_CALLS = "write,pwrite64,fsync,fdatasync,rename,unlink,ftruncate"
_LINE = re.compile(r"(\d+)\s+(\w+)\(")
_RARE = ("rename", "unlink", "ftruncate")


class At(NamedTuple):
    """The n-th call of its kind in one thread."""

    call: str
    number: int


class KilledCommand:
    """``python -m`` *module* with *arguments*, whose system calls are counted in a run to its end.

    close() ends what starts it. What it says is written below *directory*. *needed* are modules
    that it does not load until it works.
    """

    def __init__(
        self,
        module: str,
        arguments: Sequence[str | Path],
        directory: Path,
        *,
        needed: Sequence[str] = (),
    ) -> None:
        self._command = [module, [*map(str, arguments)], str(directory / "said")]
        self._said, self._trace = directory / "said", directory / "trace"
        path = os.pathsep.join((str(TESTS.parent), str(TESTS)))
        self._ready = subprocess.Popen(
            [sys.executable, "-m", "support.killed_command", module, *needed],
            cwd=TESTS.parent,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.seconds = 0.0

    def close(self) -> None:
        """End the process that is ready; no command runs by then."""
        self._ready.communicate()

    def whole(self) -> list[At]:
        """Run it to its end. Returns all its calls."""
        begun = time.monotonic()
        code = self._run("-o", str(self._trace))
        self.seconds = time.monotonic() - begun
        assert code == 0, self._said.read_text()
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
            seconds = random.uniform(0, 1) * self.seconds
            self.killed_after(seconds)
            yield seconds

    def killed_at(self, at: At) -> None:
        """Run it until it makes that call; the call is not made any more."""
        inject = f"inject={at.call}:signal=SIGKILL:when={at.number}"
        code = self._run("-o", os.devnull, "-e", inject)
        assert code == -signal.SIGKILL, (at, self._said.read_text())

    def killed_after(self, seconds: float) -> None:
        """Run it for so long, unless it ends before."""
        self._run(seconds=seconds)

    def again(self) -> None:
        """Run it once more, to its end."""
        assert self._run() == 0, self._said.read_text()

    def _run(self, *watched: str, seconds: float | None = None) -> int:
        """One run, by strace with these options if there are any. Returns the exit code."""
        assert self._ready.stdin is not None and self._ready.stdout is not None
        print(json.dumps([*self._command, seconds]), file=self._ready.stdin, flush=True)
        process = self._ready.stdout.readline().strip()
        command = ["strace", "-f", "-q", "-p", process, "-e", f"trace={_CALLS}", *watched]
        strace = subprocess.Popen(command, stderr=subprocess.PIPE) if watched else None
        while strace is not None and _watcher(process) == "0":
            assert strace.poll() is None, strace.communicate()
            time.sleep(0.002)
        print(file=self._ready.stdin, flush=True)
        code = int(self._ready.stdout.readline())
        if strace is not None:
            strace.communicate()
        return code


def _watcher(process: str) -> str:
    """The process that watches the system calls of another, or 0."""
    status = Path("/proc", process, "status").read_text("ascii")
    return status.partition("TracerPid:")[2].split()[0]


# --- In the process that is ready ---

# A kernel may let only a parent watch its children; this lets everybody.
_PR_SET_PTRACER, _EVERYBODY = 0x59616D61, ctypes.c_ulong(-1)


def _serve(module: str, *needed: str) -> None:
    # As the command itself does it: what it needs does not need numpy.
    sys.modules["numpy"] = None  # type: ignore[assignment]
    command = importlib.import_module(module)
    command.parser()
    for name in needed:
        importlib.import_module(name)
    for line in iter(sys.stdin.readline, ""):
        _, arguments, said, seconds = json.loads(line)
        reader, writer = os.pipe()
        if (child := os.fork()) == 0:
            code = 1
            try:
                code = _begin(command, [module, *arguments], said, reader)
                sys.stdout.flush()
            finally:
                os._exit(code)
        print(child, flush=True)
        sys.stdin.readline()
        os.write(writer, b"\n")
        for pipe in (reader, writer):
            os.close(pipe)
        if seconds is not None:
            _kill_after(child, seconds)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _begin(command: types.ModuleType, line: list[str], said: str, reader: int) -> int:
    output = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for stream in (1, 2):
        os.dup2(output, stream)
    ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _EVERYBODY, 0, 0, 0)
    os.read(reader, 1)
    sys.argv = line
    return int(command.main())


def _kill_after(child: int, seconds: float) -> None:
    ended = os.pidfd_open(child)
    if not select.select([ended], [], [], seconds)[0]:
        os.kill(child, signal.SIGKILL)
    os.close(ended)


if __name__ == "__main__":
    _serve(*sys.argv[1:])
