"""Makes a running drop use the present reviewers' keys and campaign, after checking them.

    casedrop reload --settings FILE

If anything is wrong, nothing changes. Open forms and uploads under way are not lost: the processes
that serve them finish, and new ones take over.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from scripts.command_line import CannotRun
from scripts.operator import check, site

HELP = "have the running drop take changed keys and a changed campaign, checked first"
_SECONDS = 60.0
_POLL_SECONDS = 0.2
_SYSTEMD = 1
_SYSTEMCTL_SECONDS = 20.0
_NOT_TAKEN = "The {room} was told, but has not taken the keys; its log says why."
_NOT_NAMED = (
    "The keys are taken, but the first page does not name the next address: [site] next_address "
    "was set after the start, and counts from the next one. Restart the front once."
)
_MARKUP = re.compile(rb"<[^>]*>|\s")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    site.add_arguments(parser)


def run(asked: argparse.Namespace) -> None:
    """Check, tell the vault and then the front, and wait until both have reloaded.

    Raises CannotRun, or what the check raises.
    """
    # Imported only when the command runs, so that a missing package becomes a sentence.
    from dropbox.pinned_keys import read_pinned_keys  # noqa: PLC0415

    drop = site.Site.of(asked)
    check.run(asked)
    moves_to = check.next_address(drop.settings)
    reviewers = {key.fingerprint for key in read_pinned_keys(drop.settings.keys)}
    vault = _master("vault", drop.settings.courier_socket)
    front = _master("front", drop.front_socket)
    # The vault first, since it keeps the front's new day key.
    os.kill(vault, signal.SIGHUP)
    _wait(
        lambda: _vault_has(drop.settings.courier_socket, reviewers), _NOT_TAKEN.format(room="vault")
    )
    os.kill(front, signal.SIGHUP)
    _wait(lambda: _front_has(drop, reviewers), _NOT_TAKEN.format(room="front"))
    if moves_to is not None:
        _wait(lambda: _front_names(drop, moves_to.onion), _NOT_NAMED)
    print(f"Reports are sealed to those in {drop.settings.keys} from now on: {len(reviewers)}.")


def _master(room: str, path: Path) -> int:
    """The pid of the process to tell. Raises CannotRun."""
    from onion.socket_owner import owner_of  # noqa: PLC0415

    pid = owner_of(path)
    if pid == _SYSTEMD:
        pid = _main_pid(f"casedrop-{room}.service")
    if not pid:
        raise CannotRun(f"The {room} does not run; a start takes the keys by itself.")
    return pid


def _main_pid(unit: str) -> int:
    try:
        said = subprocess.run(
            ["systemctl", "show", "--property=MainPID", "--value", unit],
            check=False,
            capture_output=True,
            text=True,
            timeout=_SYSTEMCTL_SECONDS,
        ).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        said = ""
    return int(said) if said.isdecimal() else 0


def _wait(done: Callable[[], bool], otherwise: str) -> None:
    """Wait until it is *done*. Raises CannotRun with the sentence *otherwise*."""
    deadline = time.monotonic() + _SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise CannotRun(otherwise)
        time.sleep(_POLL_SECONDS)


def _vault_has(socket: Path, reviewers: set[str]) -> bool:
    from scripts.courier.transfer import CourierError, status  # noqa: PLC0415

    try:
        said = status(socket).get("reviewers")
    except CourierError:
        return False
    return isinstance(said, list) and set(map(str, said)) == reviewers


def _front_has(drop: site.Site, reviewers: set[str]) -> bool:
    """Whether the front's page of reviewers' keys shows exactly these *reviewers*."""
    from scripts.operator.health import front_reviewers  # noqa: PLC0415

    return front_reviewers(drop) == reviewers


def _front_names(drop: site.Site, onion: str) -> bool:
    """Whether the front's first page shows the address *onion*."""
    from onion.service_health import front_page  # noqa: PLC0415

    _, body = front_page(drop.front_socket, drop.settings.onion, "")
    return onion.encode("ascii") in _MARKUP.sub(b"", body)
