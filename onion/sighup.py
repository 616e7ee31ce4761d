"""What SIGHUP does to a room: workers with the new keys take over, while the old ones finish.

gunicorn's own reload would load its settings again, and patch what is already patched. It would
also count a worker that waits for a slow upload as one that serves.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

from gunicorn import arbiter

_CHECK_SECONDS = 60.0
# What a check prints when all is well. Its exit code is not used, because gunicorn may reap it.
CHECKED = "checked"

# Builds the room's application again in its master; returns "" or a sentence about what is wrong.
Rebuild = Callable[[Any], str]


def reload_on_hangup(rebuild: Rebuild, *, one_at_a_time: bool = False) -> None:
    """Have SIGHUP replace all workers, if *rebuild* finds nothing wrong.

    Workers that serve requests finish them. *one_at_a_time*: the old worker has to end before there
    can be another one; until then, connections wait.
    """

    def hang_up(server: Any) -> None:
        if why := rebuild(server):
            sys.stderr.write(f"Nothing was reloaded, all goes on as before: {why}\n")
            return
        old = sorted(server.WORKERS)
        server.retiring = {*getattr(server, "retiring", ()), *old}
        if not one_at_a_time:
            for _ in range(server.num_workers):
                server.spawn_worker()
        for pid in old:
            server.kill_worker(pid, signal.SIGTERM)
        sys.stderr.write("Reloaded: new workers have the keys and the campaign of now.\n")

    manage: Callable[[Any], None] = arbiter.Arbiter.manage_workers

    def manage_serving(server: Any) -> None:
        server.retiring = getattr(server, "retiring", set()) & set(server.WORKERS)
        if not server.retiring:
            manage(server)
        elif not one_at_a_time:
            serving = len(server.WORKERS) - len(server.retiring)
            for _ in range(server.num_workers - serving):
                server.spawn_worker()

    arbiter.Arbiter.handle_hup = hang_up
    arbiter.Arbiter.manage_workers = manage_serving


def rebuild_application(server: Any) -> str:
    """A Rebuild for a room that is built before its workers fork.

    Calls reload_application in the module of wsgi_app, which returns "" or a sentence.
    """
    module, _, name = server.cfg.wsgi_app.partition(":")
    why: str = sys.modules[module].reload_application()
    if not why:
        server.app.callable = getattr(sys.modules[module], name)
    return why


def check_first(module: str) -> Rebuild:
    """A Rebuild for a room whose workers build it: runs *module*, which says whether they could."""

    def check(_: Any) -> str:
        return _checked([sys.executable, "-m", module])

    return check


def _checked(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            env=dict(os.environ),
            timeout=_CHECK_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as why:
        return f"the check does not run ({type(why).__name__})."
    if done.stdout.strip() == CHECKED:
        return ""
    return (done.stderr.strip().splitlines() or ["the check ended without a word."])[-1]
