"""What a room's process gives up before its first request, for itself and every program it starts.

The front sees plaintext, so it cannot write a byte to any file, and can run nothing but gpg. The
vault can write to one folder and run nothing. Each part is enforced by the kernel and cannot be
undone. If this kernel lacks a part the room does not start, unless the operator has waived that
part by name.
"""

import ctypes
import os
import resource
import sys
import sysconfig
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dropbox import data_files, kernel_memory, landlock, seccomp
from dropbox.errors import CannotLockDown
from dropbox.landlock import DATABASE, READ, Access
from dropbox.mounts import Mount, journals_files
from dropbox.system_error import told

_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38

# To test the allocator, a piece of memory is freed and then inspected from an offset, since glibc
# writes its own pointers into the first 16 bytes. Its per-thread cache would leave pieces of up to
# 1,032 bytes unchanged.
_PROBE_BYTES, _PROBE_OFFSET = 512, 256
# A byte that glibc does not write itself: it writes 165 and its complement, 90.
_CANARY = b"\x33"


@dataclass(frozen=True)
class Room:
    """What a process can still do.

    Python, shared libraries and Casedrop's code are always readable. *sockets* are the folders of
    the unix sockets that its requests go through.
    """

    name: str
    readable: tuple[Path, ...] = ()
    programs: tuple[Path, ...] = ()
    sockets: tuple[Path, ...] = ()
    writable: Path | None = None  # one folder; without it no byte can be written to any file
    sees_plaintext: bool = False
    takes_connections: bool = False  # that another process has made: it can make none itself
    makes_connections: bool = False  # to unix sockets, for others
    proc: Path = kernel_memory.PROC  # where the kernel tells of this machine


def lock(room: Room, waived: Collection[str] = ()) -> None:
    """Lock this process down as *room*, except for the PARTS that are *waived*.

    Call this before starting a second thread. Raises CannotLockDown naming the part that cannot be
    enforced; the process must then not serve requests.
    """
    if len(list(Path("/proc/self/task").iterdir())) != 1:
        raise CannotLockDown(
            f"The {room.name} cannot be locked down: it already has more than one thread."
        )
    _apply(room, PARTS, waived)


def check_disk(room: Room, waived: Collection[str] = ()) -> None:
    """Raise CannotLockDown if the room's folder is on a file system that keeps what is overwritten.

    Call this before the first byte is written there, and before SQLite opens a file there: files
    are opened and closed here, which ends the locks that this process has on them. ``lock`` only
    looks at the mount again.
    """
    if room.writable is not None and room.writable.is_dir():
        _apply(room, {"copies": _copies, "journal": _journal_and_files}, waived)


def _apply(
    room: Room, parts: Mapping[str, Callable[[Room], None]], waived: Collection[str]
) -> None:
    for part, enforce in parts.items():
        if part in waived:
            continue
        try:
            enforce(room)
        except (CannotLockDown, OSError) as why:
            if isinstance(why, OSError) and _is_own(room, why.filename):
                # Its file is at fault, which is no reason to waive this part.
                raise CannotLockDown(f"The {room.name} may not open {told(why)}") from None
            reason = f"{why.strerror}." if isinstance(why, OSError) else str(why)
            raise CannotLockDown(
                f"The {room.name} cannot be locked down, part {part}: {reason} To start without "
                "this part, name it in the setting [lockdown] waived."
            ) from None


def _is_own(room: Room, name: str | Path | None) -> bool:
    """Whether *name* is in the folder in which the room may write."""
    return None not in (name, room.writable) and Path(str(name)).is_relative_to(str(room.writable))


def warn_waived(room: Room, waived: Collection[str]) -> None:
    """Tell the operator, at every start, which parts are not enforced."""
    for part in PARTS:
        if part in waived:
            sys.stderr.write(
                f"The lockdown of the {room.name} is incomplete: the settings waive {part}.\n"
            )


def _copies(room: Room) -> None:
    """What the room overwrites is really gone."""
    _refuse_mount(room.writable, Mount.keeps_copies)


def _journal(room: Room) -> None:
    """What the room writes is written only once."""
    _refuse_mount(room.writable, Mount.journals_data)


def _journal_and_files(room: Room) -> None:
    _journal(room)
    if room.writable is not None:
        _refuse(journals_files(room.writable))


def _access(room: Room) -> None:
    """Reading for a request leaves no timestamp.

    The vault opens its file so that reading stamps nothing; see dropbox.vault.slot_schema.
    """
    folders = {*room.readable, *room.sockets, *(path.parent for path in room.programs)}
    if room.sees_plaintext:
        # Some of it is read only when first needed: pages, translations, gpg's libraries.
        folders |= {path if path.is_dir() else path.parent for path in _python_files()}
    for folder in sorted(folders):
        _refuse_mount(folder, Mount.stamps_reading)


def _swap(room: Room) -> None:
    """Memory stays in memory."""
    _refuse(kernel_memory.swaps(room.proc))


def _core_pattern(room: Room) -> None:
    """No program gets the memory of a crashed one: it would ignore that one's limit."""
    _refuse(kernel_memory.dumps_to_a_program(room.proc))


def _init_on_free(room: Room) -> None:
    """Memory is overwritten when the kernel gets it back."""
    _refuse(kernel_memory.keeps_freed_memory(room.proc))


def _refuse(sentence: str) -> None:
    if sentence:
        raise CannotLockDown(sentence)


def _refuse_mount(folder: Path | None, fault: Callable[[Mount], str]) -> None:
    mount = None if folder is None else Mount.of(folder)
    if mount is not None:
        _refuse(fault(mount))


def _allocator(room: Room) -> None:
    """Freed memory is overwritten at once: Python always uses malloc, and glibc fills on free."""
    if not room.sees_plaintext:
        return
    if os.environ.get("PYTHONMALLOC") != "malloc" or sys.flags.ignore_environment:
        raise CannotLockDown("PYTHONMALLOC has to be malloc in the environment.")
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, (ctypes.c_void_p,)
    piece, _next = libc.malloc(_PROBE_BYTES), libc.malloc(_PROBE_BYTES)
    ctypes.memset(piece, _CANARY[0], _PROBE_BYTES)
    libc.free(piece)
    # Still mapped: glibc returns only much larger pieces to the kernel, and the piece after this
    # one is still in use.
    left = ctypes.string_at(piece + _PROBE_OFFSET, _PROBE_OFFSET)
    if _CANARY in left:
        raise CannotLockDown(
            "In the environment MALLOC_PERTURB_ has to be 165 and GLIBC_TUNABLES "
            "glibc.malloc.tcache_count=0, and glibc has to honour them."
        )


def _limits(room: Room) -> None:
    """No core dumps.

    Without a writable folder every write to a file fails, but not to pipes or sockets.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if room.writable is None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _privileges(room: Room) -> None:
    """No program that it starts can gain privileges."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def _files(room: Room) -> None:
    """Landlock: everything is denied except what the room needs."""
    rules = [(path, READ) for path in (*_python_files(), *room.readable)]
    if room.programs:
        # The kernel executes the dynamic loader together with each program.
        rules += [(path, READ | Access.EXECUTE) for path in (*room.programs, _loader())]
    if room.writable is not None:
        rules.append((room.writable, DATABASE))
    landlock.restrict(rules)


def _calls(room: Room) -> None:
    """Seccomp: no call that the room does not need."""
    seccomp.allow_only(
        writing=room.writable is not None,
        executing=bool(room.programs),
        receiving=room.takes_connections,
        connecting=room.makes_connections,
    )


def _dumps(room: Room) -> None:
    """Other processes of the same user cannot read its memory."""
    _prctl(_PR_SET_DUMPABLE, 0)


# The parts that depend on how the machine was set up, whatever a room does.
_OF_THE_MACHINE: Mapping[str, Callable[[Room], None]] = {
    "swap": _swap,
    "core_pattern": _core_pattern,
    "init_on_free": _init_on_free,
}

# The order matters: seccomp and Landlock need "no new privileges", and a process that is not
# dumpable no longer owns its own entries in /proc, which are read to make the rules and to find the
# file systems.
PARTS: Mapping[str, Callable[[Room], None]] = {
    "copies": _copies,
    "journal": _journal,
    "access": _access,
    **_OF_THE_MACHINE,
    "allocator": _allocator,
    "limits": _limits,
    "privileges": _privileges,
    "landlock": _files,
    "seccomp": _calls,
    "dumps": _dumps,
}


def lacking(proc: Path = kernel_memory.PROC) -> tuple[str, ...]:
    """The parts that depend on this machine's set-up and that it lacks."""

    def lacks(enforce: Callable[[Room], None]) -> bool:
        try:
            enforce(Room("machine", proc=proc))
        except (CannotLockDown, OSError):
            return True
        return False

    return tuple(part for part, enforce in _OF_THE_MACHINE.items() if lacks(enforce))


def _python_files() -> Iterator[Path]:
    yield from (data_files.PACKAGE, data_files.templates())
    yield from (
        Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")
    )
    yield from {path.parent for path in _mapped() if ".so" in path.name}
    yield from (Path("/etc/ld.so.cache"), Path("/dev/urandom"))


def _mapped() -> Iterator[Path]:
    """The files mapped into this process, including the libraries and the dynamic loader."""
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
