"""gunicorn's settings for the front. Started with CASEDROP_SETTINGS and CASEDROP_FRONT_SOCKET in the environment."""

import gc
import os
import secrets
from typing import Any

from onion.gunicorn_hardening import (
    limit_idle_connections,
    lock_application,
    restrict_umask,
    silence_gunicorn,
    stop_on_early_sigterm,
    stop_with_parent,
)

wsgi_app = "dropbox.front.wsgi:app"
bind = "unix:" + os.environ["CASEDROP_FRONT_SOCKET"]
umask = 0o117  # the socket is 0660: tor reaches it through its group, nobody else does
backlog = 128

# Built once, before the workers: a wrong setting stops the start, and all workers share the key of the form tokens.
preload_app = True
worker_class = "gthread"
# Two, so that one goes on serving while the other ends after its last request.
workers = 2
# A slow upload keeps one thread for minutes; the threads cost little while they wait.
threads = 32
worker_connections = 256

# A connection ends after its answer: tor's PROXY line stands only before the first request, and a second request would
# come without the number of its circuit.
keepalive = 0
proxy_protocol = "v1"

# How long a worker's main loop may not answer. Requests run in threads beside it and may take longer.
timeout = 60
# How long a worker that ends waits for its requests: 10 MB at 20 kB/s, a slow bridge, take 500 s.
graceful_timeout = 600
# What may be left of requests in a worker's memory ends with the worker, after so many answers and up to half as many
# more, but only while it answers nothing else: gunicorn's own max_requests would have a worker with a slow upload take no
# other request for minutes, and anybody could bring both workers there.
ANSWERS = 20

# A claimant's page has short addresses and no cookie; a browser sends about twelve header lines, none longer than 300
# bytes. gunicorn's own limits are 4,094 bytes, 100 lines and 8,190 bytes.
limit_request_line = 1_024
limit_request_fields = 32
limit_request_field_size = 2_048

# Only a time stamp, never content; a directory in memory all the same.
worker_tmp_dir = "/dev/shm"  # noqa: S108 - gunicorn makes the file with mkstemp and unlinks it at once
control_socket_disable = True
sendfile = False
accesslog = None
errorlog = "-"
loglevel = "error"

silence_gunicorn()
restrict_umask()
stop_with_parent()
stop_on_early_sigterm()
# A bridge that changes its proxy may fall silent for about a minute.
limit_idle_connections(seconds=120)


def pre_fork(server: Any, worker: Any) -> None:
    """What the application is made of is never looked at again when garbage is collected: that makes collecting cheap."""
    gc.collect()
    gc.freeze()


def post_request(worker: Any, request: Any, environ: Any, response: Any) -> None:
    """Nothing of a request that has been answered waits for Python to look for garbage."""
    environ.clear()
    gc.collect()
    # The one connection is this request's own.
    if worker.nr >= worker.last_answer and worker.nr_conns <= 1:
        worker.alive = False


def post_worker_init(worker: Any) -> None:
    """Before it serves."""
    worker.last_answer = ANSWERS + secrets.randbelow(ANSWERS // 2 + 1)
    lock_application(worker)
