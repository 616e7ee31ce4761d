"""What the renderer gives up for good before the first byte of a file reaches it.

These walls are inside bubblewrap's room, and without it they are the only ones.
"""

import ctypes
import ctypes.util
import os
import resource
import signal
from collections.abc import Sequence
from pathlib import Path

from dropbox.errors import CannotLockDown

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
# pyseccomp runs a program to find its libraries, and there is none in the room.
_LIBRARIES = {"c": "libc.so.6", "seccomp": "libseccomp.so.2"}
_CPU_SECONDS = 60
_OPEN_FILES = 64
_MEMORY_BYTES = 1_536 * 2**20
# A converter maps more memory than it uses, starts programs, and writes into the room's memory.
_HELPED_MEMORY_BYTES = 6 * 2**30
_HELPED_FILE_BYTES = 512 * 2**20
_HELPED_PROCESSES = 256
_HELPED_OPEN_FILES = 1_024


def raise_walls(
    readable: Sequence[Path],
    *,
    helped: bool,
    alone: bool,
    cpu_seconds: int = _CPU_SECONDS,
    memory_bytes: int = _MEMORY_BYTES,
) -> None:
    """Leave this process nothing but its memory, its pipes and what it may read in *readable*.

    *helped*: it may still start programs and write files, in a room that has nothing else.
    *alone*: bubblewrap is not around it. Raises CannotLockDown.
    """
    _limits(cpu_seconds, _HELPED_MEMORY_BYTES if helped else memory_bytes, helped=helped)
    if alone:
        # As bubblewrap does: the process ends with the desk, however that ends.
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    if helped:
        _refuse_calls()
        return
    _read_only(readable, alone=alone)
    forbid_programs()


def forbid_programs() -> None:
    """Forbid programs, processes, sockets and removing files, even for helped ones."""
    _named_libraries()
    from dropbox import seccomp  # noqa: PLC0415 - it looks for its library when it is imported

    seccomp.allow_only(writing=False, executing=False, receiving=False, connecting=False)


def _limits(cpu_seconds: int, memory_bytes: int, *, helped: bool) -> None:
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: cpu_seconds,
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_FSIZE: _HELPED_FILE_BYTES if helped else 0,
        resource.RLIMIT_NOFILE: _HELPED_OPEN_FILES if helped else _OPEN_FILES,
    }
    if helped:
        # The kernel counts all of the user's processes, here and outside.
        limits[resource.RLIMIT_NPROC] = _HELPED_PROCESSES
    for which, most in limits.items():
        soft, hard = resource.getrlimit(which)
        lower = [most, *(one for one in (soft, hard) if one != resource.RLIM_INFINITY)]
        resource.setrlimit(which, (min(lower), min(lower)))


def _read_only(readable: Sequence[Path], *, alone: bool) -> None:
    from dropbox import landlock  # noqa: PLC0415

    try:
        landlock.restrict([(path, landlock.READ) for path in readable])
    except CannotLockDown:
        # A kernel without it: bubblewrap has shown this process only what it may read.
        if alone:
            raise


def _refuse_calls() -> None:
    _named_libraries()
    from dropbox import seccomp  # noqa: PLC0415

    seccomp.refuse_ways_out()


def _named_libraries() -> None:
    ctypes.util.find_library = _LIBRARIES.get  # type: ignore[assignment]


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise CannotLockDown(f"{os.strerror(ctypes.get_errno())}.")
