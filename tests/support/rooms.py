"""A room under gunicorn with its packaged settings; optionally behind another program or another
app.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from onion import launch
from onion.child_process import Child
from onion.launch import FRONT_MEMORY, answers
from scripts.newsite import Site

TESTS = Path(__file__).parents[1]


def socket_of(site: Site, room: str) -> Path:
    """The socket of *room*."""
    return {"front": site.front_socket, "vault": site.settings_file.parent / "intake.sock"}[room]


def started(
    site: Site,
    room: str,
    more: Mapping[str, str] | None = None,
    *,
    through: tuple[str, ...] = (),
    application: tuple[str, ...] = (),
    log: Callable[[str], None] | None = None,
) -> Child:
    """*room*, with *more* in its environment.

    *through*: a program and its arguments that start what follows them.
    """
    environ = {
        **os.environ,
        **(FRONT_MEMORY if room == "front" else {}),
        "CASEDROP_SETTINGS": str(site.settings_file),
        "CASEDROP_FRONT_SOCKET": str(site.front_socket),
        **(more or {}),
    }
    packaged = str(Path(launch.__file__).parent / f"gunicorn_{room}.py")
    argv = [
        *through,
        sys.executable,
        "-m",
        "gunicorn",
        "-c",
        packaged,
        "--pythonpath",
        str(TESTS),
        *application,
    ]
    return Child(room, argv, environ=environ, cwd=TESTS.parent, log=log)


@contextmanager
def serving(child: Child, socket: Path) -> Iterator[Child]:
    """*child*, once it responds on *socket*; stopped at the end."""
    try:
        wait(lambda: answers(socket) or not child.running)
        assert child.running, child.last_lines
        yield child
    finally:
        if child.running:
            # All processes: a watcher in front of the room ends only when the room does.
            os.killpg(child.pid, signal.SIGTERM)
        child.stop(20)


def wait(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Until *condition* holds; fails after *seconds*."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
