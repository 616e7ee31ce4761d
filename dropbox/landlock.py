"""Landlock: the kernel limits, irrevocably, the files that a process and its children can reach.

Three system calls, made by number, since neither glibc nor Debian's Python wraps them. Names and
numbers are from <linux/landlock.h> and <asm-generic/unistd.h>; they are the same on every
architecture.
"""

import ctypes
import os
from collections.abc import Iterable
from enum import IntFlag
from pathlib import Path

from dropbox.errors import CannotLockDown

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1
_PATH_BENEATH = 1
# The scopes of ABI version 6: no abstract unix sockets of, and no signals to, processes outside.
_SCOPES, _SCOPES_SINCE = 0b11, 6


class Access(IntFlag):
    """LANDLOCK_ACCESS_FS_*. Everything listed here is denied unless a rule allows it."""

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    REMOVE_DIR = 1 << 4
    REMOVE_FILE = 1 << 5
    MAKE_CHAR = 1 << 6
    MAKE_DIR = 1 << 7
    MAKE_REG = 1 << 8
    MAKE_SOCK = 1 << 9
    MAKE_FIFO = 1 << 10
    MAKE_BLOCK = 1 << 11
    MAKE_SYM = 1 << 12
    REFER = 1 << 13
    TRUNCATE = 1 << 14
    IOCTL_DEV = 1 << 15


READ = Access.READ_FILE | Access.READ_DIR
# What SQLite needs in its directory: its file, and a journal that it creates, truncates and
# removes.
DATABASE = READ | Access.WRITE_FILE | Access.MAKE_REG | Access.REMOVE_FILE | Access.TRUNCATE
_OF_A_FILE = (
    Access.EXECUTE | Access.WRITE_FILE | Access.READ_FILE | Access.TRUNCATE | Access.IOCTL_DEV
)
# The rights that are newer than ABI version 1, and the version that introduced each.
_SINCE = {Access.REFER: 2, Access.TRUNCATE: 3, Access.IOCTL_DEV: 5}

Rule = tuple[Path, Access]


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scopes", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def interface() -> int:
    """The kernel's Landlock ABI version, from 1.

    Raises CannotLockDown if the kernel has no Landlock.
    """
    return _call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))


def restrict(rules: Iterable[Rule]) -> None:
    """Limit this thread and everything it starts, for good, to what *rules* allow.

    Each rule is for one file or a whole folder; a rule for a path that does not exist is skipped.
    Requires "no new privileges". Raises CannotLockDown.
    """
    version = interface()
    handled = Access(sum(right for right in Access if _SINCE.get(right, 1) <= version))
    # An older kernel rejects a structure with fields that it does not know; it can tell by the
    # size.
    size = ctypes.sizeof(_Ruleset) if version >= _SCOPES_SINCE else _Ruleset.network.offset
    attributes = _Ruleset(handled, 0, _SCOPES)
    ruleset = _call(
        _CREATE_RULESET, ctypes.byref(attributes), ctypes.c_size_t(size), ctypes.c_uint32(0)
    )
    try:
        for path, access in rules:
            _allow(ruleset, path, access & handled)
        _call(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, access: Access) -> None:
    try:
        # O_PATH gives no access to the content. Links are followed: Debian's /lib and /lib64 are
        # links.
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        rule = _PathBeneath(access if path.is_dir() else access & _OF_A_FILE, parent)
        _call(
            _ADD_RULE,
            ctypes.c_int(ruleset),
            ctypes.c_int(_PATH_BENEATH),
            ctypes.byref(rule),
            ctypes.c_uint32(0),
        )
    finally:
        os.close(parent)


def _call(number: int, *arguments: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    result = int(libc.syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        raise CannotLockDown(f"Landlock: {os.strerror(ctypes.get_errno())}.")
    return result
