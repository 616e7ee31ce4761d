"""What gunicorn says of itself to the outside and to its log, taken away. Used by both gunicorn settings files.

gunicorn has no settings for these; each change names what it replaces, and a gunicorn without that part stops the start
with an AttributeError instead of talking again.
"""

import ctypes
import os
import signal
import socket
import struct
import sys
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from gunicorn import glogging, util
from gunicorn.http import wsgi
from gunicorn.workers import gthread

from onion.launch import START_FAILED

# The server's name tells which faults to try, its clock can be compared with other servers' clocks.
DROPPED_HEADERS = ("Server:", "Date:")

_PR_SET_PDEATHSIG = 1  # <sys/prctl.h>

# What gunicorn logs when a worker cannot load the application.
BOOT_MESSAGE = "Exception in worker process"

# How many requests of this process ended in each kind of error.
_error_counts: Counter[str] = Counter()


def silence_gunicorn() -> None:
    """No Server and Date header, no error page of gunicorn's own, no request and no exception text in the log."""
    told: Callable[[Any], list[str]] = wsgi.Response.default_headers

    def neutral_headers(response: Any) -> list[str]:
        return [line for line in told(response) if not line.startswith(DROPPED_HEADERS)]

    _replace(wsgi.Response, "default_headers", neutral_headers)
    _replace(util, "write_error", _close_silently)
    _replace(glogging.Logger, "exception", _log_kind_only)
    # Its text quotes the request line and the address, which is the circuit's number.
    _replace(glogging.Logger, "warning", _log_nothing)
    # Python's own would print a traceback; the master's start is the only thing that can still end here.
    sys.excepthook = _print_reason
    threading.excepthook = _print_kind_only


def restrict_umask() -> None:
    """Whatever this process and its children make is their user's alone; the sockets have gunicorn's own umask."""
    os.umask(0o077)


def stop_with_parent() -> None:
    """Ask the kernel for SIGTERM when the process that started this one is killed: nobody else would stop it then."""
    if (
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
        != 0
    ):
        raise OSError(ctypes.get_errno(), "The kernel does not tell of a parent's end")


def stop_on_early_sigterm() -> None:
    """See that a worker ends which is told to end in its first moments.

    Until gunicorn sets the worker's own handlers it has the master's, which would swallow the signal, and the worker would
    go on until graceful_timeout is over. So the signal waits over the fork and then meets Python's default.
    """

    def let_in() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})

    def forget_handler_and_let_in() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        let_in()

    os.register_at_fork(
        before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM}),
        after_in_parent=let_in,
        after_in_child=forget_handler_and_let_in,
    )


def lock_application(worker: Any) -> None:
    """Have the application lock its worker: lock_worker in the module of wsgi_app. Without one the worker does not start."""
    sys.modules[worker.cfg.wsgi_app.partition(":")[0]].lock_worker()


def limit_idle_connections(seconds: int) -> None:
    """End a connection on which the client sends or takes nothing for *seconds*; it would keep its thread for ever.

    gthread has no limit of its own once a request has begun, and its timeout watches the worker, not the request: an
    upload may take as long as it likes while bytes arrive.
    """
    enqueue: Callable[[Any, Any], None] = gthread.ThreadWorker.enqueue_req
    limit = struct.pack("ll", seconds, 0)

    def enqueue_with_limit(worker: Any, connection: Any) -> None:
        # The kernel's own limit, since gunicorn sets the socket's Python timeout to none for every request.
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        enqueue(worker, connection)

    _replace(gthread.ThreadWorker, "enqueue_req", enqueue_with_limit)


def _replace(owner: Any, name: str, value: object) -> None:
    getattr(owner, name)  # AttributeError when this gunicorn does not have it
    setattr(owner, name, value)


def _close_silently(sock: Any, status: int, reason: str, message: str) -> None:
    """In place of a page that would quote the request; gunicorn closes the connection after this."""


def _log_kind_only(logger: Any, message: str, *args: object, **kwargs: object) -> None:
    error = sys.exc_info()[1]
    if message == BOOT_MESSAGE:
        # Before the first request there is nothing of a claimant's in it, and the operator needs the sentence.
        logger.error_log.error("%s%s", START_FAILED, error)
    else:
        kind = type(error).__name__
        _error_counts[kind] += 1
        logger.error_log.error("A request ended in %s, number %d.", kind, _error_counts[kind])


def _print_reason(kind: type[BaseException], error: BaseException, trace: object) -> None:
    # One line, for the operator; the application is built before the first request, so nothing of a claimant's is in it.
    sys.stderr.write(f"{START_FAILED}{str(error) or kind.__name__}\n")


def _print_kind_only(ended: threading.ExceptHookArgs) -> None:
    sys.stderr.write(f"A thread ended in {ended.exc_type.__name__}.\n")


def _log_nothing(logger: Any, message: str, *args: object, **kwargs: object) -> None:
    """Warnings are about single requests."""
