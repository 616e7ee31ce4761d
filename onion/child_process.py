"""One child process: started in a session of its own, its output drained into memory, stopped by its own pid."""

import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

KEPT_LINES = 20  # what a sentence about a failed start may need; nothing of it is written anywhere
LINE_CHARACTERS = (
    400  # longer lines are cut into pieces of this length, so that no output can fill the memory
)
REAP_SECONDS = 5.0  # after SIGKILL; more means that the kernel itself is stuck


class Child:
    """A running program. Its output goes to a pipe, never to a file.

    A process under a file-size limit of zero could not write to a redirected file, and a log file would be one more
    thing on the disk. The session of its own keeps the terminal's Ctrl-C from reaching the child before its parent
    stops it in order, and lets kill() reach workers too.
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
        """Its process id, which is also its group's."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    @property
    def last_lines(self) -> list[str]:
        """The last non-empty lines of its output, for a sentence about why it stopped."""
        if not self.running:
            self._drain.join(1.0)
        return [line.strip() for line in tuple(self._lines) if line.strip()]

    @property
    def last_line(self) -> str:
        """The last of them; "" when there was none."""
        return self.last_lines[-1] if self.last_lines else ""

    def stop(self, seconds: float) -> bool:
        """Ask it to end, wait at most *seconds*, then kill it. True when it ended by itself."""
        with ExitStack() as undo:
            # Whatever ends the wait, a second Ctrl-C too, must not leave it running.
            undo.callback(self.kill)
            if self.running:
                self._process.terminate()
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                return False
        return True

    def kill(self) -> None:
        """End it and all its own children at once; nothing happens when it has ended already."""
        # The group's number cannot belong to anybody else here: its leader is not reaped before wait() below.
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
