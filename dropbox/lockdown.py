"""What a room's process gives up before its first request, for itself and for every program it starts.

The front sees plaintext, so it may write no byte to any file, and run nothing but gpg. The vault writes one folder and runs
nothing. Each part is enforced by the kernel and cannot be taken back. A part that this kernel lacks stops the start, unless
the operator has waived it by name.
"""

import ctypes
import os
import resource
import sys
import sysconfig
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dropbox import data_files, landlock, seccomp
from dropbox.errors import CannotLockDown
from dropbox.landlock import DATABASE, READ, Access

_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38

# How long a freed piece of memory is with which the allocator is tried, and where in it one looks: glibc writes its own
# pointers into the first 16 bytes. Pieces up to 1,032 bytes are what its per-thread cache would keep as they were.
_PROBE_BYTES, _PROBE_OFFSET = 512, 256
# Not what glibc itself writes: 165, and its complement 90.
_CANARY = b"\x33"


@dataclass(frozen=True)
class Room:
    """What a process may still do. Python's own files, the shared libraries and Casedrop's code are always readable."""

    name: str
    readable: tuple[Path, ...] = ()
    programs: tuple[Path, ...] = ()
    writable: Path | None = None  # one folder; without it not a byte can be written
    sees_plaintext: bool = False


def lock(room: Room, waived: Collection[str] = ()) -> None:
    """Lock this process as *room*, but for the PARTS that are *waived*. To be called before a second thread is started.

    Raises CannotLockDown naming the part that this kernel or this start lacks; the process must then not serve.
    """
    if len(list(Path("/proc/self/task").iterdir())) != 1:
        raise CannotLockDown(
            f"The {room.name} cannot be locked down: it has more than one thread already."
        )
    for part, apply in PARTS.items():
        if part in waived:
            continue
        try:
            apply(room)
        except (CannotLockDown, OSError) as why:
            reason = f"{why.strerror}." if isinstance(why, OSError) else str(why)
            raise CannotLockDown(
                f"The {room.name} cannot be locked down, part {part}: {reason} To start without this part, name it in the "
                "setting [lockdown] waived."
            ) from None


def warn_waived(room: Room, waived: Collection[str]) -> None:
    """Tell the operator, at every start, which parts are not in force."""
    for part in PARTS:
        if part in waived:
            sys.stderr.write(
                f"The lockdown of the {room.name} is incomplete: {part} is waived by the settings.\n"
            )


def _allocator(room: Room) -> None:
    """Freed memory is overwritten at once: Python takes all of it from malloc, and glibc is told to fill what is freed."""
    if not room.sees_plaintext:
        return
    if os.environ.get("PYTHONMALLOC") != "malloc" or sys.flags.ignore_environment:
        raise CannotLockDown("PYTHONMALLOC has to be malloc in the environment.")
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, (ctypes.c_void_p,)
    piece, guard = libc.malloc(_PROBE_BYTES), libc.malloc(_PROBE_BYTES)
    ctypes.memset(piece, _CANARY[0], _PROBE_BYTES)
    libc.free(piece)
    # Still mapped: it is far below the size that glibc gives back, and the piece behind it is in use.
    left = ctypes.string_at(piece + _PROBE_OFFSET, _PROBE_OFFSET)
    libc.free(guard)
    if _CANARY in left:
        raise CannotLockDown(
            "In the environment MALLOC_PERTURB_ has to be 165 and GLIBC_TUNABLES glibc.malloc.tcache_count=0, "
            "and glibc has to heed them."
        )


def _limits(room: Room) -> None:
    """No core dump; without a writable folder every write to a file of any kind fails. Pipes and sockets are not files."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if room.writable is None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _privileges(room: Room) -> None:
    """No program that it starts can have more rights than it has."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def _files(room: Room) -> None:
    """Landlock: everything is denied but what the room needs."""
    rules = [(path, READ) for path in (*_python_files(), *room.readable)]
    if room.programs:
        # The loader is executed by the kernel together with each program.
        rules += [(path, READ | Access.EXECUTE) for path in (*room.programs, _loader())]
    if room.writable is not None:
        rules.append((room.writable, DATABASE))
    landlock.restrict(rules)


def _calls(room: Room) -> None:
    """Seccomp: no way around the other parts, and no network."""
    seccomp.refuse(writing=room.writable is not None, executing=bool(room.programs))


def _dumps(room: Room) -> None:
    """Its memory cannot be read by other processes of its user."""
    _prctl(_PR_SET_DUMPABLE, 0)


# In this order: the filter and Landlock need "no new privileges"; a process that is not dumpable no longer owns its own
# entries in /proc, which are read for the rules.
PARTS: Mapping[str, Callable[[Room], None]] = {
    "allocator": _allocator,
    "limits": _limits,
    "privileges": _privileges,
    "landlock": _files,
    "seccomp": _calls,
    "dumps": _dumps,
}


def _python_files() -> Iterator[Path]:
    yield from (data_files.PACKAGE, data_files.templates())
    yield from (
        Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")
    )
    yield from {path.parent for path in _mapped() if ".so" in path.name}
    yield from (Path("/etc/ld.so.cache"), Path("/dev/urandom"))


def _mapped() -> Iterator[Path]:
    """The files that are mapped into this process: among them the libraries, and the loader that mapped them."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        fields = line.split(maxsplit=5)
        if len(fields) == 6 and fields[5].startswith("/"):
            yield Path(fields[5])


def _loader() -> Path:
    found = next((path for path in _mapped() if path.name.startswith("ld-")), None)
    if found is None:
        raise CannotLockDown("Python was not started by a dynamic loader.")
    return found


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
