"""gunicorn's settings for the vault. Its two sockets are in the settings file CASEDROP_SETTINGS."""

import os
import signal
from pathlib import Path
from typing import Any

from onion.gunicorn_hardening import (
    answer_only,
    application,
    beat_in_memory,
    close_application,
    lock_application,
    needed,
    receive_in_pieces,
    report_health,
    restrict_umask,
    silence_gunicorn,
    stop_on_early_sigterm,
    stop_with_parent,
)
from onion.launch import vault_sockets
from onion.sighup import check_first, reload_on_hangup

wsgi_app = "dropbox.vault.wsgi:app"
_sockets = needed(lambda: vault_sockets(Path(os.environ["CASEDROP_SETTINGS"]), os.environ))
bind = [f"unix:{path}" for path in _sockets]
umask = 0o117  # the sockets are 0660: the front and tor can reach them through their groups

# One worker, because one connection writes the store; several threads, because an export can be
# slow. Built in the worker: SQLite forbids using a connection that was opened before a fork.
preload_app = False
worker_class = "gthread"
workers = 1
threads = 8
# The front keeps connections open for five seconds; the vault must not close them before that.
keepalive = 75

timeout = 60
# For an export in progress when the vault ends; a large one over a slow circuit has to be repeated.
graceful_timeout = 30

# Only the front's client and the courier's use it: a short request line and a few headers.
limit_request_line = 1_024
limit_request_fields = 32
limit_request_field_size = 2_048

control_socket_disable = True
sendfile = False
accesslog = None
errorlog = "-"
loglevel = "error"

silence_gunicorn()
restrict_umask()
stop_with_parent()
report_health(_sockets[0], host="vault")
stop_on_early_sigterm()
receive_in_pieces(size=65_536)
beat_in_memory()
reload_on_hangup(check_first("dropbox.vault.reload_check"), one_at_a_time=True)


def post_fork(server: Any, worker: Any) -> None:
    """Have the kernel kill a worker when its master dies, from its first moment on.

    It is not ended gently: the next vault needs the file, which only one process can hold, and
    nothing is reported as stored before it is on the disk.
    """
    stop_with_parent(signal.SIGKILL)
    if os.getppid() != worker.ppid:
        # The master died before the kernel had been told.
        os.kill(os.getpid(), signal.SIGKILL)


def post_worker_init(worker: Any) -> None:
    """Lock a worker before it serves, and let each socket answer only its own users."""
    lock_application(worker)
    answer_only(application(worker).admitted)


def worker_exit(server: Any, worker: Any) -> None:
    """Close the store of a worker that has answered its last request."""
    close_application(worker)
