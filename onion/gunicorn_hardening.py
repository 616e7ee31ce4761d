"""Hardening gunicorn against what it reveals in responses and in its log.

Used by both gunicorn settings files. gunicorn has no settings for this. Each patch names what it
replaces; a gunicorn without that part does not start (AttributeError) instead of revealing things
again.
"""

import ctypes
import errno
import mmap
import os
import signal
import socket
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

from gunicorn import arbiter, glogging, systemd, util
from gunicorn import sock as listeners
from gunicorn.http import body, unreader, wsgi
from gunicorn.workers import base

from onion.errors import SiteMissing, refused
from onion.heartbeat import Heartbeat
from onion.launch import START_FAILED

# The server's name shows which exploits to try; its clock can be compared with those of other
# servers.
DROPPED_HEADERS = ("Server:", "Date:")

Result = TypeVar("Result")

_PR_SET_PDEATHSIG = 1  # <sys/prctl.h>
_PULSE = struct.Struct("d")  # seconds of the monotonic clock
_CREDENTIALS = struct.Struct("3i")  # struct ucred of <sys/socket.h>: process, user, group

# What gunicorn logs when a worker cannot load the application.
BOOT_MESSAGE = "Exception in worker process"

# The exit code of a room that would not start the next time either: its settings are wrong, or the
# machine lacks something. Troubles that may pass have another code, and systemd starts the room
# again.
WRONG = 2
_MAY_PASS = (OSError, MemoryError)

# How many requests of this process ended in each class of error.
_error_counts: Counter[str] = Counter()


def needed(read: Callable[[], Result]) -> Result:
    """The result of *read*, which reads the settings file; if that fails, this process ends with
    WRONG.

    gunicorn would show a traceback for an error in its settings, and end with another code.
    """
    try:
        return read()
    except SiteMissing as why:
        sys.stderr.write(f"{START_FAILED}{why}\n")
        raise SystemExit(WRONG) from None


def silence_gunicorn() -> None:
    """Remove what gunicorn reveals of its own accord.

    These are the Server and Date headers, its error pages, and requests and exception texts in its
    log.
    """
    default_headers: Callable[[Any], list[str]] = wsgi.Response.default_headers

    def neutral_headers(response: Any) -> list[str]:
        return [line for line in default_headers(response) if not line.startswith(DROPPED_HEADERS)]

    _replace(wsgi.Response, "default_headers", neutral_headers)
    _replace(util, "write_error", _close_silently)
    _replace(glogging.Logger, "exception", _log_kind_only)
    # A warning quotes the request line and the address, which is the circuit's number.
    _replace(glogging.Logger, "warning", _log_nothing)
    # A worker that ends with this code ends the master, which passes the code on.
    _replace(arbiter.Arbiter, "APP_LOAD_ERROR", WRONG)
    # Python's own hook would print a traceback; only a failed start of the master gets here.
    sys.excepthook = _print_reason
    threading.excepthook = _print_kind_only


def report_health(path: Path, *, host: str) -> None:
    """Report to systemd, if it started this process, each time a request through *path* was
    answered.

    gunicorn itself would report that it is ready as soon as it listens.
    """
    _replace(systemd, "sd_notify", lambda *_, **__: None)
    heart = Heartbeat.of(os.environ, path, host=host)
    if heart is None:
        return
    murder: Callable[[Any], None] = arbiter.Arbiter.murder_workers

    def beat_and_murder(master: Any) -> None:
        heart.beat()
        murder(master)

    # The master does this in each round of its loop, at least once a second.
    _replace(arbiter.Arbiter, "murder_workers", beat_and_murder)


class _SharedPulse:
    """When a worker was last alive, in a page of memory that it shares with its master.

    This replaces gunicorn's WorkerTmp, which keeps that in the times of a file.
    """

    def __init__(self, _cfg: Any) -> None:
        self._page = mmap.mmap(-1, _PULSE.size)
        # gunicorn asks for a descriptor, to keep it from programs that a worker starts.
        self._descriptor = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        self.notify()

    def notify(self) -> None:
        """Note that the worker is alive now."""
        _PULSE.pack_into(self._page, 0, time.monotonic())

    def last_update(self) -> float:
        """When it last was."""
        return float(_PULSE.unpack_from(self._page)[0])

    def fileno(self) -> int:
        """A descriptor that serves no purpose."""
        return self._descriptor

    def close(self) -> None:
        """Unmap the page here; others keep it."""
        os.close(self._descriptor)
        self._page.close()


def beat_in_memory() -> None:
    """Let workers show that they are alive without a file.

    A worker then needs no call that sets a file's times, which could hide eight bytes.
    """
    _replace(base, "WorkerTmp", _SharedPulse)


def restrict_umask() -> None:
    """Create files that only this user can access; sockets have gunicorn's own umask setting."""
    os.umask(0o077)


def stop_with_parent(number: signal.Signals = signal.SIGTERM) -> None:
    """Have the kernel send a signal when the parent dies: a killed one cannot stop its child."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "The kernel does not report the end of a parent process")


def stop_on_early_sigterm() -> None:
    """Make a worker end if it receives SIGTERM in its first moments.

    Until gunicorn installs the worker's own signal handlers, the worker has the master's, which
    would swallow the signal, and the worker would run until graceful_timeout expires. So the signal
    is blocked during the fork, and then handled by the default action.
    """

    def unblock() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})

    def reset_handler_and_unblock() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        unblock()

    os.register_at_fork(
        before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM}),
        after_in_parent=unblock,
        after_in_child=reset_handler_and_unblock,
    )


def application(worker: Any) -> Any:
    """The module of wsgi_app. Raises KeyError if the worker never got as far as loading it."""
    return sys.modules[worker.cfg.wsgi_app.partition(":")[0]]


def lock_application(worker: Any) -> None:
    """Call lock_worker in the module of wsgi_app. If there is none, the worker does not start."""
    application(worker).lock_worker()


def close_application(worker: Any) -> None:
    """Call close_worker in the module of wsgi_app, unless the worker never loaded it."""
    module = sys.modules.get(worker.cfg.wsgi_app.partition(":")[0])
    close = getattr(module, "close_worker", None)
    if close is not None:
        close()


def end_at_once(worker: Any) -> None:
    """End a worker that has answered everything, without Python's own clean-up.

    That would copy most of the memory that it shares with its master, only to free it, which takes
    longer than several requests. Whatever requests left behind was overwritten when it was freed. A
    worker with an error or with unanswered requests ends the way Python does.
    """
    ending = sys.exc_info()[1]
    if isinstance(ending, SystemExit) and not ending.code and not worker.nr_conns:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(0)


def answer_only(users: Mapping[str, Collection[int]]) -> None:
    """Have each unix socket, by its path, answer only processes of its *users*.

    Any other user's connection is closed before anything is read from it; so is every connection to
    a socket that is not named. Applies to all workers that take connections through gunicorn's
    listeners.
    """
    noted = set()

    def accept(listener: Any) -> tuple[socket.socket, Any]:
        connection, address = listener.sock.accept()
        credentials = connection.getsockopt(
            socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size
        )
        _process, user, _group = _CREDENTIALS.unpack(credentials)
        name = listener.sock.getsockname()
        if user in users.get(name, ()):
            return connection, address
        connection.close()
        if (name, user) not in noted:
            noted.add((name, user))
            sys.stderr.write(f"The socket {name} refuses processes of the user {user}.\n")
        # Every worker treats this as a connection that ended before it was accepted.
        raise ConnectionAbortedError(errno.ECONNABORTED, "The socket does not answer this user")

    listeners.UnixSocket.accept = accept


def receive_in_pieces(size: int) -> None:
    """Receive a body in pieces of at most *size* bytes, and reserve no more memory for each.

    gunicorn reserves a megabyte for each piece, only a fraction of which a socket's buffer fills.
    It then copies each piece twice. A caller that offers its own memory gets it filled without
    that.
    """
    _replace(unreader.SocketUnreader, "max_body_chunk", size)
    body.Body.readinto = _read_body_into


def _read_body_into(read: Any, memory: Any) -> int:
    """Fill *memory* with the next bytes of the gunicorn body *read*; fewer only at its end."""
    view = memoryview(memory)
    reader = read.reader
    if read.buf.tell() or not isinstance(reader, body.LengthReader):
        # Something has been read line by line, or the body comes in chunks.
        data = read.read(len(view))
        view[: len(data)] = data
        return len(data)
    view = view[: reader.length]
    # What came with the headers, or was received beyond an earlier read.
    ahead = reader.unreader.take_buffered()
    done = min(len(ahead), len(view))
    view[:done] = ahead[:done]
    reader.unreader.unread(ahead[done:])
    try:
        while done < len(view) and (received := reader.unreader.sock.recv_into(view[done:])):
            done += received
    except OSError:
        # As gunicorn itself does: the connection cannot be used again.
        read.failed = True
        raise
    reader.length -= done
    return done


def _replace(owner: Any, name: str, value: object) -> None:
    getattr(owner, name)  # AttributeError if this gunicorn does not have it
    setattr(owner, name, value)


def _close_silently(sock: Any, status: int, reason: str, message: str) -> None:
    """Send no page, which would quote the request; gunicorn then closes the connection."""


def _log_kind_only(logger: Any, message: str, *args: object, **kwargs: object) -> None:
    error = sys.exc_info()[1]
    if message == BOOT_MESSAGE:
        # Before the first request the text contains nothing from a claimant, and the operator needs
        # it.
        logger.error_log.error("%s%s", START_FAILED, _reason(error))
        if not isinstance(error, _MAY_PASS):
            # Only this worker: it ends with this code at once.
            arbiter.Arbiter.WORKER_BOOT_ERROR = WRONG
    else:
        kind = type(error).__name__
        _error_counts[kind] += 1
        logger.error_log.error("A request ended in %s, number %d.", kind, _error_counts[kind])


def _print_reason(kind: type[BaseException], error: BaseException, trace: object) -> None:
    # One line for the operator. The application is built before the first request, so the text
    # contains nothing from a claimant.
    sys.stderr.write(f"{START_FAILED}{_reason(error) or kind.__name__}\n")
    if not isinstance(error, _MAY_PASS):
        # Python ends with this code instead of 1.
        raise SystemExit(WRONG)


def _reason(error: BaseException | None) -> str:
    return refused(error) if isinstance(error, OSError) else str(error)


def _print_kind_only(ended: threading.ExceptHookArgs) -> None:
    sys.stderr.write(f"A thread ended in {ended.exc_type.__name__}.\n")


def _log_nothing(logger: Any, message: str, *args: object, **kwargs: object) -> None:
    """Log nothing: warnings are about individual requests."""
