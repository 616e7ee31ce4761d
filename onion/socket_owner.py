"""Which process is behind a unix socket, and stopping it: the emergency stop has no pid files."""

import os
import select
import signal
import socket
import struct
from pathlib import Path

_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: unix(7), SO_PEERCRED
_SYSTEMD = 1
_SYSTEMCTL = "systemctl kill --signal=KILL casedrop-front casedrop-vault tor@default"
_END_SECONDS = 10.0


def owner_of(path: Path) -> int | None:
    """The pid of the process that listens on the socket *path*, None if nobody does.

    Raises OSError if the kernel cannot be asked.
    """
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        raw = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, _, _ = _CREDENTIALS.unpack(raw)
    return int(pid)


def stop_owner(path: Path) -> str:
    """Kill the process behind the socket *path* at once, with its workers; "" or what prevents it.

    The kernel ends a worker with its master.
    """
    try:
        pid = owner_of(path)
        if pid is None:
            return ""
        if pid == _SYSTEMD:
            return f"systemd holds {path}; run {_SYSTEMCTL}."
        ended = os.pidfd_open(pid)
        try:
            signal.pidfd_send_signal(ended, signal.SIGKILL)
            waiting = select.poll()
            waiting.register(ended, select.POLLIN)
            if not waiting.poll(_END_SECONDS * 1_000):
                return f"process {pid} does not end."
        finally:
            os.close(ended)
    except ProcessLookupError:
        return ""
    except OSError as why:
        return f"{path}: {why.strerror}."
    return ""
