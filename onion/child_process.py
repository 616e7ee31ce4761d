"""A child process: started in its own session, its output read into memory, stopped by its pid."""

import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

# Enough lines to explain a failed start; they are kept in memory only.
KEPT_LINES = 20
# Longer lines are split into pieces of this length, so that output cannot fill the memory.
LINE_CHARACTERS = 400
# How long a process can take to end after SIGKILL; longer means that the kernel itself is stuck.
REAP_SECONDS = 5.0


class Child:
    """A running program. Its output goes to a pipe, never to a file.

    A process with a file-size limit of zero could not write to a redirected file, and a log file
    would leave traces on the disk. Because of its own session, the terminal's Ctrl-C does not reach
    the child, so its parent can stop it in an orderly way; kill() also ends its workers.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        environ: Mapping[str, str],
        cwd: Path,
        log: Callable[[str], None] | None = None,
    ) -> None:
        self.name = name
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._log = log
        self._process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(environ),
            cwd=cwd,
            start_new_session=True,
            text=True,
            errors="replace",
        )
        self._drain = threading.Thread(
            target=self._read_output, name=f"output of {name}", daemon=True
        )
        self._drain.start()

    @property
    def pid(self) -> int:
        """The process id, which is also the id of its process group."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it is still running."""
        return self._process.poll() is None

    @property
    def last_lines(self) -> list[str]:
        """The last non-empty lines of its output, to explain why it stopped."""
        if not self.running:
            self._drain.join(1.0)
        return [line.strip() for line in tuple(self._lines) if line.strip()]

    @property
    def last_line(self) -> str:
        """The last of last_lines, or "" if there are none."""
        return self.last_lines[-1] if self.last_lines else ""

    def stop(self, seconds: float) -> bool:
        """Send SIGTERM, wait at most *seconds*, then kill it. Returns whether it ended in time."""
        with ExitStack() as undo:
            # Whatever interrupts the wait, such as a second Ctrl-C, must not leave it running.
            undo.callback(self.kill)
            if self.running:
                self._process.terminate()
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                return False
        return True

    def kill(self) -> None:
        """Kill it and its children at once; does nothing if it has already ended."""
        # The group id cannot have been reused: its leader is not reaped before the wait() below.
        if self.running:
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait(REAP_SECONDS)
        self._drain.join(1.0)

    def _read_output(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as output:
            while line := output.readline(LINE_CHARACTERS):
                self._lines.append(line.rstrip("\n"))
                if self._log is not None:
                    self._log(f"{self.name}: {line.rstrip()}")
