"""What a front worker gives up before its first request: writing files, core dumps, being watched, new privileges."""

import ctypes
import os
import resource

_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38


class CannotLockDown(OSError):
    """The kernel refused a part of the worker's lockdown."""


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise CannotLockDown(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def lock_worker() -> None:
    """Lock this process and every gpg it starts. Raises CannotLockDown, and the worker must then not serve.

    A file-size limit of 0 makes every write to a regular file fail, spooled uploads included; pipes and sockets, which
    are all that sealing needs, are not files. Child processes inherit it.
    """
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    # Last, since a process that is not dumpable no longer owns its own /proc entries.
    _prctl(_PR_SET_DUMPABLE, 0)
