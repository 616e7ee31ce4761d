"""gunicorn's settings for the front. Needs CASEDROP_SETTINGS and CASEDROP_FRONT_SOCKET."""

import gc
import os
import secrets
from pathlib import Path
from typing import Any

from onion.front_worker import MOST_CONNECTIONS, THREADS, FrontWorker
from onion.gunicorn_hardening import (
    beat_in_memory,
    close_application,
    end_at_once,
    lock_application,
    needed,
    receive_in_pieces,
    report_health,
    restrict_umask,
    silence_gunicorn,
    stop_on_early_sigterm,
    stop_with_parent,
)
from onion.launch import site_onion
from onion.sighup import rebuild_application, reload_on_hangup

wsgi_app = "dropbox.front.wsgi:app"
bind = "unix:" + os.environ["CASEDROP_FRONT_SOCKET"]
umask = 0o117  # the socket is 0660: tor can reach it through its group, nobody else can
# Tor gives up a connection for which there is no room here.
backlog = 512

# Built once, before the workers: a wrong setting prevents the start, and all workers share the
# memory with the keys for form tokens.
preload_app = True
worker_class = FrontWorker
# Two, so that one keeps serving while the other ends after its last request.
workers = 2
# A slow upload occupies a thread for minutes; a waiting thread costs little. At most 28 are for
# uploads ([limits] uploads).
threads = THREADS
# Connections whose requests are arriving, waiting, being served or drained. Together with what
# threads open, they stay below the 1,024 descriptors that a process can have by default.
worker_connections = MOST_CONNECTIONS

# A connection ends after one response: tor sends its PROXY line only before the first request, so a
# second one would have no circuit number.
keepalive = 0
proxy_protocol = "v1"

# How long a worker's main loop can be unresponsive. Requests run in other threads and can take
# longer.
timeout = 60
# How long a worker that is ending waits for its requests: 10 MB over a slow bridge (20 kB/s) take
# 500 s. A drop that waited for a file of 100 MB, an hour and a half, could hardly be restarted.
graceful_timeout = 600
# Remains of requests in a worker's memory end with the worker. It ends after this many responses,
# or up to half as many more, as soon as no body is arriving. With gunicorn's own max_requests, a
# worker with a slow upload would accept no other request for minutes, and anybody could bring both
# workers into that state.
RESPONSES = 20

# A claimant's page has short URLs and no cookies; a browser sends about twelve headers, none longer
# than 300 bytes. gunicorn's defaults are 4,094 bytes, 100 headers and 8,190 bytes.
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
report_health(
    Path(os.environ["CASEDROP_FRONT_SOCKET"]),
    host=needed(lambda: site_onion(Path(os.environ["CASEDROP_SETTINGS"]), os.environ)),
)
stop_on_early_sigterm()
receive_in_pieces(size=65_536)
beat_in_memory()
reload_on_hangup(rebuild_application)


def pre_fork(server: Any, worker: Any) -> None:
    """Exclude the application's objects from all later garbage collections, to make those cheap."""
    gc.collect()
    gc.freeze()


def post_request(worker: Any, request: Any, environ: Any, response: Any) -> None:
    """Free everything from a request at once, without waiting for Python's garbage collection."""
    environ.clear()
    gc.collect()


def post_worker_init(worker: Any) -> None:
    """Prepare and lock a worker before it serves."""
    worker.last_response = RESPONSES + secrets.randbelow(RESPONSES // 2 + 1)
    lock_application(worker)


def worker_exit(server: Any, worker: Any) -> None:
    """End a worker that has answered its last request, and whatever it started."""
    close_application(worker)
    end_at_once(worker)
