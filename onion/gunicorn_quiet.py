"""What gunicorn says of itself to the outside and to its log, taken away. Used by both gunicorn settings files.

gunicorn has no settings for these; each change names what it replaces, and a gunicorn without that part stops the start
with an AttributeError instead of talking again.
"""

import socket
import struct
import sys
from collections.abc import Callable
from typing import Any

from gunicorn import glogging, util
from gunicorn.http import wsgi
from gunicorn.workers import gthread

from onion.launch import START_FAILED

# The server's name tells which faults to try, its clock can be compared with other servers' clocks.
DROPPED_HEADERS = ("Server:", "Date:")

# What gunicorn logs when a worker cannot load the application.
BOOT_MESSAGE = "Exception in worker process"


def hush() -> None:
    """No Server and Date header, no error page of gunicorn's own, no request and no exception text in the log."""
    told: Callable[[Any], list[str]] = wsgi.Response.default_headers

    def neutral_headers(response: Any) -> list[str]:
        return [line for line in told(response) if not line.startswith(DROPPED_HEADERS)]

    _replace(wsgi.Response, "default_headers", neutral_headers)
    _replace(util, "write_error", _close_without_a_word)
    _replace(glogging.Logger, "exception", _log_kind_only)
    # Its text quotes the request line and the address, which is the circuit's number.
    _replace(glogging.Logger, "warning", _log_nothing)


def bound_silence(seconds: int) -> None:
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


def _close_without_a_word(sock: Any, status: int, reason: str, message: str) -> None:
    """In place of a page that would quote the request; gunicorn closes the connection after this."""


def _log_kind_only(logger: Any, message: str, *args: object, **kwargs: object) -> None:
    error = sys.exc_info()[1]
    if message == BOOT_MESSAGE:
        # Before the first request there is nothing of a claimant's in it, and the operator needs the sentence.
        logger.error_log.error("%s%s", START_FAILED, error)
    else:
        logger.error_log.error("A request ended in %s.", type(error).__name__)


def _log_nothing(logger: Any, message: str, *args: object, **kwargs: object) -> None:
    """Warnings are about single requests."""
