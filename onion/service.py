"""The service on the real Tor network, in the foreground until Ctrl-C or SIGTERM."""

import fcntl
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from onion.control import Tor, check_version, has_proof_of_work, installed_version
from onion.errors import (
    DropStopped,
    NotBootstrapped,
    OnionError,
    RunsAsRoot,
    StateInUse,
    refused,
)
from onion.launch import STOP_SECONDS, Drop, check_site, vault_sockets
from onion.torrc import OnionService, ServiceTor, service_torrc

# The operator gets a sentence within a minute; stopping everything takes the rest of that.
BOOTSTRAP_SECONDS = 50.0
PUBLISH_SECONDS = 120.0
WATCH_SECONDS = 1.0
DAY_SECONDS = 86_400.0


# What the services of the Debian package have.
LACKING = (
    "This is for trying things on one machine: front, vault and tor are one user's, nothing limits "
    f"what they use, nothing starts them again, and at the end an upload is given "
    f"{STOP_SECONDS:.0f} s. For a real drop install the Debian package: make deb"
)
VAULT_ALONE = (
    "The reviewers' keys have ended, so nobody can file or read. The vault goes on by itself: "
    "fetch what it holds, renew the keys, then start again. Ctrl-C ends it."
)
# In the state's directory; locked, never written to.
LOCK = "lock"
_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class _Ended(Exception):
    """Ctrl-C, SIGTERM, or a terminal that was closed."""


def serve(state: Path, *, as_root: bool = False) -> None:
    """Serve the site in the directory *state* until Ctrl-C or SIGTERM, then stop in an orderly way.

    *as_root*: even if this process runs as root. Raises OnionError with a sentence if it cannot
    start, or if one of its processes stops by itself.
    """
    _refuse_root(as_root)
    for number in _ENDING:
        # Under nohup, closing the terminal ends nothing.
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)
    try:
        _up(state.resolve())
    except OSError as why:
        raise OnionError(
            f"The drop cannot run: {refused(why)} Mend this, then start it again."
        ) from why
    except _Ended:
        print("Stopped.")


def _end(number: int, frame: object) -> None:
    # Further signals must not interrupt the orderly stop.
    for each in _ENDING:
        signal.signal(each, signal.SIG_IGN)
    raise _Ended


def _refuse_root(waived: bool) -> None:
    if os.geteuid() == 0 and not waived:
        raise RunsAsRoot(
            "The drop does not serve as root: whoever broke into it would have the whole machine. "
            "Start it as a user of its own, or with --as-root where there is none, as in a "
            "container."
        )


@contextmanager
def alone(state: Path) -> Iterator[None]:
    """Be the only one that serves from the directory *state*.

    Raises StateInUse before anything there is touched: a second start would take the sockets away
    from the first. The kernel releases the lock when this process ends, however that happens.
    """
    lock = os.open(state / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(lock):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StateInUse(
                f"Another `casedrop up` already serves from {state}; stop that one first. Nothing "
                "was changed."
            ) from None
        yield


def _up(state: Path) -> None:
    check_version(installed_version())
    service = OnionService(state / "tor" / "drop", state / "front.sock", has_proof_of_work())
    if not service.proof_of_work:
        print(
            "This tor was built without proof of work: nothing would stop a flood of requests.",
            file=sys.stderr,
        )
    data, control = state / "tor", state / "tor" / "control"
    torrc = service_torrc(
        ServiceTor(data=data, control=control, service=service, owner=os.getpid())
    )
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = _Log()
    with ExitStack() as undo:
        undo.enter_context(alone(state))
        # Before tor, which may take most of a minute, so that whatever prevents the start is
        # reported at once.
        if (settings := state / "settings.toml").exists():
            vault_sockets(settings, os.environ)
        tor = Tor("onion service", torrc, data=data, control=control)
        undo.callback(tor.stop)
        _join(tor)
        onion = (service.directory / "hostname").read_text(encoding="ascii").strip()
        check_site(state / "settings.toml", onion, os.environ)
        drop = undo.enter_context(
            Drop(
                state / "settings.toml",
                service.socket,
                os.environ,
                log=log.write,
                vault_alone=True,
            )
        )
        if drop.front_refusal:
            print(f"{drop.front_refusal}\n{VAULT_ALONE}", file=sys.stderr, flush=True)
        else:
            print(
                "The front and the vault are up; waiting until the address is published.",
                flush=True,
            )
            tor.wait_published(time.monotonic() + PUBLISH_SECONDS, copies=1)
            print(f"The drop is open: http://{onion}/\nCtrl-C closes it.\n{LACKING}", flush=True)
        log.shown = True
        _watch(tor, drop)


def _join(tor: Tor) -> None:
    print("Joining the Tor network.", flush=True)
    try:
        tor.wait_bootstrapped(
            time.monotonic() + BOOTSTRAP_SECONDS, lambda phase: print(phase, flush=True)
        )
    except NotBootstrapped as late:
        raise NotBootstrapped(
            "The Tor network cannot be reached from here (after "
            f"{BOOTSTRAP_SECONDS:.0f} s: {tor.phase}); check that this computer is online, that "
            "its clock is right, and that no firewall or censor blocks tor's outgoing connections."
        ) from late


def _watch(tor: Tor, drop: Drop) -> None:
    """Stay until a signal arrives. Raises TorStopped or DropStopped if a process stops."""
    next_notice = time.monotonic()
    while drop.running:
        tor.refresh()
        if time.monotonic() >= next_notice:
            next_notice += DAY_SECONDS
            if notice := drop.notice():
                print(notice, file=sys.stderr, flush=True)
        time.sleep(WATCH_SECONDS)
    raise DropStopped(
        "The front or the vault stopped by itself; its last lines are above. "
        "Everything else was stopped."
    )


class _Log:
    """Shows the front's and the vault's output once they run; a failed start has its own
    sentence.
    """

    shown = False

    def write(self, line: str) -> None:
        """Show *line* on standard error if ``shown``."""
        if self.shown:
            print(line, file=sys.stderr, flush=True)
