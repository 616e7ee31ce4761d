"""A room started as systemd would from its unit: sockets, environment, system calls, reports."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from scripts.release.debian_files import UNITS, files

ROOT = Path(__file__).parents[2]
SERVICES = ("casedrop-front.service", "casedrop-vault.service")
# Puts the sockets where systemd does, lets through the named system calls only, and becomes the
# room. Its arguments: how many sockets, the calls, and the command.
_START = """
import errno, os, sys
import pyseccomp
count, calls, *command = sys.argv[1:]
os.environ |= {"LISTEN_FDS": count, "LISTEN_PID": str(os.getpid())}
if calls:
    rules = pyseccomp.SyscallFilter(defaction=pyseccomp.ERRNO(errno.EPERM))
    for call in calls.split():
        try:
            rules.add_rule(pyseccomp.ALLOW, call)
        except (OSError, ValueError):
            pass  # of another processor, or newer than this libseccomp
    rules.load()
os.execv(command[0], command)
"""


def text(name: str) -> str:
    """The unit *name*."""
    return files()[f"{UNITS}/{name}"]


def values(name: str, setting: str) -> list[str]:
    """All values of *setting* in the unit *name*."""
    return re.findall(rf"^{setting}=(.*)$", text(name), re.MULTILINE)


def analyse(*arguments: object) -> subprocess.CompletedProcess[str]:
    """What systemd-analyze says."""
    return subprocess.run(
        ["systemd-analyze", "--no-pager", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )


@cache
def _sets() -> dict[str, list[str]]:
    """The lines of each of systemd's sets of system calls."""
    made: dict[str, list[str]] = {}
    for line in analyse("syscall-filter").stdout.splitlines():
        if line.startswith("@"):
            made[line.strip()] = []
        elif line.startswith(" ") and not line.strip().startswith("#") and made:
            made[list(made)[-1]].append(line.strip())
    return made


def members(name: str) -> set[str]:
    """The system calls in a set of systemd's, with those of the sets in it."""
    found: set[str] = set()
    for line in _sets()[name]:
        found |= members(line) if line.startswith("@") else {line}
    return found


def allowed(service: str) -> set[str]:
    """The system calls that the filter of a service lets through."""
    calls: set[str] = set()
    for rule in values(service, "SystemCallFilter"):
        names = rule.removeprefix("~").split()
        each = [members(name) if name.startswith("@") else {name} for name in names]
        calls = calls.difference(*each) if rule.startswith("~") else calls.union(*each)
    return calls | members("@default")


class Service:
    """The service *name*, on *sockets* that outlive it.

    *places*: what takes the place of paths in its environment. *folder*: for NOTIFY_SOCKET.
    *python*: instead of the one that runs this, in *home*. *user*: the ids of its user and group.
    """

    def __init__(
        self,
        name: str,
        sockets: Sequence[socket.socket],
        places: Mapping[str, str],
        folder: Path,
        *,
        python: str = sys.executable,
        home: Path = ROOT,
        user: tuple[int, int] | None = None,
    ) -> None:
        self.name = name
        self._sockets = sockets
        self._places = places
        self._python, self._home, self._user = python, home, user
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._address = folder / f"{name}.notify"
        self._notify.bind(str(self._address))
        if user is not None:
            os.chown(self._address, *user)
        self._running: subprocess.Popen[str] | None = None

    def start(self, *, without: Sequence[str] = (), filtered: bool = True) -> None:
        """Start it; *without* these system calls, or *filtered* not at all."""
        environ = dict(
            self._placed(line).split("=", 1) for line in values(self.name, "Environment")
        )
        [command] = values(self.name, "ExecStart")
        calls = sorted(allowed(self.name) - set(without)) if filtered else []
        argv = [self._python, *shlex.split(command)[1:]]
        held = [sock.fileno() for sock in self._sockets]

        def place() -> None:
            # Above those that systemd begins with first, lest one overwrites another.
            for at, number in enumerate([os.dup(one) for one in held]):
                os.dup2(number, 3 + at, inheritable=True)
            if self._user is not None:
                os.setgroups([])
                os.setgid(self._user[1])
                os.setuid(self._user[0])

        self._running = subprocess.Popen(
            [self._python, "-c", _START, str(len(held)), " ".join(calls), *argv],
            cwd=self._home,
            env={
                "PATH": os.environ["PATH"],
                **{key: value for key, value in os.environ.items() if key.startswith("CASEDROP_")},
                **environ,
                "NOTIFY_SOCKET": str(self._address),
                "WATCHDOG_USEC": "4000000",
                "CREDENTIALS_DIRECTORY": self._places["%d"],
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            close_fds=False,
            start_new_session=True,
            preexec_fn=place,  # noqa: PLW1509 - the test has one thread
        )

    def _placed(self, line: str) -> str:
        for path, place in self._places.items():
            line = line.replace(path, place)
        return line

    def heard(self, seconds: float = 30) -> str:
        """Its next report."""
        self._notify.settimeout(seconds)
        return self._notify.recv(100).decode()

    def reports(self) -> bool:
        """Whether it has reported anything since."""
        self._notify.setblocking(False)
        try:
            return bool(self._notify.recv(100))
        except BlockingIOError:
            return False

    def said(self) -> str:
        """Ends it; all that it said."""
        assert self._running is not None
        os.killpg(self._running.pid, signal.SIGKILL)
        return self._running.communicate()[0]

    def stop(self) -> int:
        """Tell its master to stop; its exit code."""
        assert self._running is not None
        self._running.send_signal(signal.SIGTERM)
        return self.ended()[0]

    def ended(self, seconds: float = 40) -> tuple[int, str]:
        """Its exit code once it has ended, and what it said."""
        assert self._running is not None
        said, _ = self._running.communicate(timeout=seconds)
        return self._running.returncode, said

    def close(self) -> None:
        """End it, however far it came."""
        if self._running is not None and self._running.poll() is None:
            # Its workers, too: one may wait for a vault that is not there.
            os.killpg(self._running.pid, signal.SIGKILL)
            self._running.communicate()
        self._notify.close()


def listening(path: Path) -> socket.socket:
    """A socket as systemd holds it."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.bind(str(path))
    made.listen(16)
    # Out of the way of the numbers that the service gets its sockets under.
    os.set_inheritable(made.fileno(), False)
    return made
