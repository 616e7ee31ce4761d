"""A tor process: starting it, asking its control socket for progress, stopping it.

Only this module and onion.service_health use stem.
"""

import os
import re
import socket
import subprocess
import time
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from stem import ControllerError, SocketError
from stem.connection import AuthenticationFailure
from stem.control import Controller, EventType
from stem.response.events import HSDescEvent

from onion.child_process import Child
from onion.errors import (
    NotBootstrapped,
    NotPublished,
    TorMissing,
    TorStopped,
    TorTooOld,
    refused,
)

# 0.4.9.9 fixes a crash of services with proof of work, 0.4.9.11 a race that let a rendezvous point
# impersonate the service.
OLDEST_TOR = (0, 4, 9, 11)

POLL_SECONDS = 0.1
VERSION_SECONDS = 10.0
# A service has nothing to hand over, so tor does not get its usual half minute.
STOP_SECONDS = 5.0

_VERSION = re.compile(r"Tor version (\d+)\.(\d+)\.(\d+)\.(\d+)")
_PHASE = re.compile(r"PROGRESS=(\d+) .*SUMMARY=\"([^\"]*)\"")
_RELAY = re.compile(r"^r ", re.MULTILINE)


@dataclass(frozen=True)
class Phase:
    """How far tor has got in joining its network: 0 to 100 percent, and tor's own description."""

    percent: int
    summary: str

    def __str__(self) -> str:
        return f"{self.percent} %, {self.summary}"


NOT_STARTED = Phase(0, "the control socket does not answer yet")


def installed_version(program: str = "tor") -> tuple[int, ...]:
    """The four numbers of the installed tor's version. Raises TorMissing."""
    found = _VERSION.search(_said(program, "--version"))
    if found is None:
        raise TorMissing(f"{program} --version shows no version; reinstall tor.")
    return tuple(int(number) for number in found.groups())


def has_proof_of_work(program: str = "tor") -> bool:
    """Whether the installed tor was built with the proof-of-work defence. Raises TorMissing."""
    return "pow: yes" in _said(program, "--list-modules").splitlines()


def _said(program: str, option: str) -> str:
    """What the installed tor prints with *option*. Raises TorMissing."""
    try:
        done = subprocess.run(
            [program, option],
            check=False,
            capture_output=True,
            text=True,
            timeout=VERSION_SECONDS,
        )
    except FileNotFoundError as missing:
        raise TorMissing from missing
    except (subprocess.TimeoutExpired, OSError) as broken:
        raise TorMissing(f"{program} {option} does not run; reinstall tor.") from broken
    return done.stdout


def check_version(version: tuple[int, ...]) -> None:
    """Raise TorTooOld if *version* is older than OLDEST_TOR."""
    if version < OLDEST_TOR:
        dotted, oldest = (".".join(map(str, numbers)) for numbers in (version, OLDEST_TOR))
        raise TorTooOld(
            f"The installed tor is {dotted}; a public onion service needs {oldest} or newer, "
            "because older versions can be crashed or impersonated. Upgrade the package tor."
        )


def connected(control: Path) -> Controller:
    """An authenticated connection to the control socket *control*; the caller closes it.

    Raises ControllerError or AuthenticationFailure.
    """
    # stem leaks a socket if nobody is listening yet, so look first.
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(control))
        except OSError as why:
            raise SocketError(refused(why)) from why
    with warnings.catch_warnings():
        # stem 1.8.2 calls Thread.setDaemon(), which is deprecated.
        warnings.simplefilter("ignore", DeprecationWarning)
        controller = Controller.from_socket_file(str(control))
    try:
        controller.authenticate()
    except AuthenticationFailure:
        controller.close()
        raise
    return controller


def phase_of(controller: Controller) -> Phase | None:
    """How far the tor behind *controller* has got; None if it does not say.

    Raises ControllerError.
    """
    found = _PHASE.search(str(controller.get_info("status/bootstrap-phase")))
    return Phase(int(found[1]), found[2]) if found else None


class Tor:
    """A tor process and its data directory. The constructor starts it; stop() ends it.

    The torrc is written beside the data directory, which is created (0700) if it does not exist. If
    the torrc names this process as the owner, stem makes tor end together with the control
    connection, so that even a parent that is killed leaves no tor behind.
    """

    def __init__(
        self, name: str, torrc: str, *, data: Path, control: Path, program: str = "tor"
    ) -> None:
        self.name = name
        self.phase = NOT_STARTED
        self.uploads = 0
        self._control_path = control
        self._controller: Controller | None = None
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = data.with_name(data.name + ".torrc")
        file.write_text(torrc, encoding="utf-8")
        try:
            self._child = Child(
                name,
                [program, "--defaults-torrc", "/dev/null", "-f", str(file)],
                environ={"HOME": str(data), "PATH": os.environ.get("PATH", os.defpath)},
                cwd=data,
            )
        except FileNotFoundError as missing:
            raise TorMissing from missing

    @property
    def pid(self) -> int:
        """The process id of tor."""
        return self._child.pid

    def refresh(self) -> Phase:
        """Ask tor for its progress. Raises TorStopped if it is no longer running."""
        if not self._child.running:
            raise TorStopped(
                f"The tor process of the {self.name} stopped by itself at {self.phase}. "
                f"Its last output: {self._child.last_line or 'none'}"
            )
        try:
            if self._controller is None:
                self._controller = self._connected()
            self.phase = phase_of(self._controller) or self.phase
        except (ControllerError, AuthenticationFailure):
            # The socket appears some time after the start, the cookie a moment later.
            self._close_control()
        return self.phase

    def wait_bootstrapped(self, deadline: float, progress: Callable[[str], None]) -> None:
        """Wait until it has joined its network, at most until *deadline* (time.monotonic()).

        *progress* receives each new phase as one line. Raises NotBootstrapped, TorStopped.
        """
        reported = NOT_STARTED
        while self.refresh().percent < 100:
            if time.monotonic() > deadline:
                raise NotBootstrapped(
                    f"The tor process of the {self.name} did not join its network in time; "
                    f"the last phase was {self.phase}."
                )
            if self.phase != reported:
                reported = self.phase
                progress(f"{self.name}: {reported}")
            time.sleep(POLL_SECONDS)

    def relays_known(self) -> int:
        """How many relays its latest consensus lists. Raises TorStopped."""
        self.refresh()
        if self._controller is None:
            return 0
        return len(_RELAY.findall(str(self._controller.get_info("ns/all", ""))))

    def wait_published(self, deadline: float, *, copies: int) -> None:
        """Wait until *copies* of the service's descriptors are uploaded.

        Raises NotPublished, TorStopped. This does not probe from outside: a client that asks a
        directory too early gets a refusal, and does not ask the same one again for a long time.
        """
        while self.uploads < copies:
            self.refresh()
            if time.monotonic() > deadline:
                raise NotPublished(
                    f"The onion service's descriptor did not reach the directory in time: "
                    f"{self.uploads} of {copies} copies arrived."
                )
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Stop the process; a second call does nothing."""
        with ExitStack() as undo:
            # Stop the process even if closing the control connection fails.
            undo.callback(self._child.stop, STOP_SECONDS)
            self._close_control()

    def _connected(self) -> Controller:
        controller = connected(self._control_path)
        controller.add_event_listener(self._count_upload, EventType.HS_DESC)
        return controller

    def _count_upload(self, event: HSDescEvent) -> None:
        if event.action == "UPLOADED":
            self.uploads += 1

    def _close_control(self) -> None:
        if self._controller is not None:
            self._controller.close()
            self._controller = None
