"""The process that makes a locked worker's connections to the vault.

No filter can see which socket a worker connects to: the address is behind a pointer. So a worker
can connect to none. Before it is locked it starts this process, which knows one path, reads one
byte for each connection and hands the connected socket over. A vault that was restarted is found
again, because each connection goes to whichever process listens there now.
"""

import ctypes
import os
import signal
import socket
import struct
import threading
from collections.abc import Collection
from pathlib import Path

from dropbox.errors import CannotLockDown
from dropbox.lockdown import Room, lock

_PR_SET_PDEATHSIG = 1  # <sys/prctl.h>
_INT = struct.Struct("i")
_ASK = b"?"
# With a descriptor; without one, nobody listens there or the queue is full.
_CONNECTED, _FAILED = b"+", b"-"
_READY = b"ready"
_MAX_SENTENCE_BYTES = 1_000
# It never waits for the vault: anything slower counts as no answer. Measured: 0.1 ms.
_SECONDS = 5.0
# How long locking it may take: measured 10 ms, but a machine can be busy at its start.
_START_SECONDS = 30.0
# Above all descriptors that a worker has.
_ALL_DESCRIPTORS = 2**20


class ConnectorEnded(OSError):
    """The process that makes connections has ended, or does not answer."""


class VaultConnector:
    """Connections to the unix socket at *path*, made by a process that is locked except for
    *waived*.

    Each worker starts one of its own. When that process ends, the worker is told to end too, so
    that gunicorn starts another.
    """

    def __init__(self, path: Path, waived: Collection[str] = ()) -> None:
        self._path = str(path)
        self._waived = waived
        self._lock = threading.Lock()
        self._channel: socket.socket | None = None
        self._child = 0
        self._watching: threading.Thread | None = None
        self._closed = False

    def start(self) -> None:
        """Start the process. Call it before the worker is locked or has a second thread."""
        ours, theirs = socket.socketpair()
        worker = os.getpid()
        self._child = os.fork()
        if self._child == 0:
            try:
                _serve(theirs.fileno(), self._path, self._waived, worker)
            finally:
                os._exit(1)
        theirs.close()
        ours.settimeout(_START_SECONDS)
        self._channel = ours

    def check(self) -> None:
        """Wait until it is locked, and watch it from now on. Raises CannotLockDown."""
        assert self._channel is not None
        try:
            said = self._channel.recv(_MAX_SENTENCE_BYTES)
        except OSError:
            said = b""
        if said != _READY:
            sentence = "The front's process that connects to the vault could not be started."
            raise CannotLockDown(said.decode(errors="replace") or sentence)
        self._channel.settimeout(_SECONDS)
        self._watching = threading.Thread(target=self._watch, daemon=True)
        self._watching.start()

    def connect(self) -> socket.socket:
        """A connection to whoever listens at the path now. Raises OSError."""
        assert self._channel is not None
        with self._lock:
            try:
                self._channel.sendall(_ASK)
                # Close-on-exec: otherwise gpg would inherit the connection. socket.recv_fds() does
                # not pass that flag on.
                answer, extra, _flags, _address = self._channel.recvmsg(
                    1, socket.CMSG_SPACE(_INT.size), socket.MSG_CMSG_CLOEXEC
                )
            except OSError:
                answer, extra = b"", []
            if answer not in (_CONNECTED, _FAILED):
                # A late answer would be mistaken for the answer to a later question.
                _end_worker()
                raise ConnectorEnded("The process that connects to the vault does not answer")
        if answer == _FAILED or not extra:
            # Nobody accepts it there, or this worker has no descriptor left for it.
            raise ConnectionRefusedError("There is no connection to the vault")
        ((_level, _kind, descriptor),) = extra
        return socket.socket(fileno=_INT.unpack(descriptor)[0])

    def close(self) -> None:
        """Let the process end; call this when the worker has answered its last request."""
        self._closed = True
        if self._channel is not None and self._watching is not None:
            self._channel.shutdown(socket.SHUT_RDWR)
            # Reaped here, so that nobody else has to ask how it ended.
            self._watching.join(_SECONDS)

    def _watch(self) -> None:
        os.waitpid(self._child, 0)
        if not self._closed:
            _end_worker()


def _end_worker() -> None:
    """Let this worker finish its requests and end: gunicorn starts another."""
    os.kill(os.getpid(), signal.SIGTERM)


def _serve(channel: int, path: str, waived: Collection[str], worker: int) -> None:
    """Answer on *channel* until the worker is gone."""
    # It ends with the worker and not before: what stops a service is often sent to all its
    # processes, and a worker that is ending still has requests to answer.
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != worker:
        return
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    # Not the front's socket nor its log: a connected client must see when the worker is gone.
    os.closerange(0, channel)
    os.closerange(channel + 1, _ALL_DESCRIPTORS)
    with socket.socket(fileno=channel) as asked:
        try:
            lock(Room("front", makes_connections=True), waived)
        except CannotLockDown as why:
            asked.sendall(str(why).encode()[:_MAX_SENTENCE_BYTES])
            return
        asked.sendall(_READY)
        while asked.recv(1) == _ASK:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as made:
                # A connection that would have to wait for room in the vault's queue fails instead.
                made.setblocking(False)
                try:
                    made.connect(path)
                except OSError:
                    asked.sendall(_FAILED)
                else:
                    socket.send_fds(asked, [_CONNECTED], [made.fileno()])
