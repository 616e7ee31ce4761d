"""What runs first in the desk's one file: sees that this computer has what it needs, and where to unpack to.

Alone in the file beside the packed packages: it imports nothing but the standard library, and stays readable for every
Python since 3.6, so that an older one gets a sentence.
"""

import os
import platform
import shutil
import stat
import sys

FIRST, LAST = (3, 11), (3, 13)
# Unpacked it takes some 30 MiB.
NEEDED_BYTES = 64 * 2**20
_CACHE = "casedrop-desk"
_ROOT = "SHIV_ROOT"


# As `scripts.command_line` has it, for what could not be done.
FAILED = 2


class CannotStart(Exception):
    """The file cannot run on this computer."""


def start() -> None:
    """Run the desk, or the key ceremony when the first argument is ``ceremony``; ends the process."""
    try:
        check()
        root = cache_directory()
    except CannotStart as why:
        sys.stderr.write(f"{why}\n")
        sys.exit(FAILED)
    # What is unpacked here, and what Python adds to it, is for this person alone.
    os.umask(0o077)
    for name in [name for name in os.environ if name.startswith("SHIV_")]:
        del os.environ[name]
    os.environ[_ROOT] = root
    os.environ["SHIV_ENTRY_POINT"] = "scripts.desk.__main__:main"
    if sys.argv[1:2] == ["ceremony"]:
        del sys.argv[1]
        os.environ["SHIV_ENTRY_POINT"] = "scripts.ceremony.__main__:main"
    from _bootstrap import bootstrap  # noqa: PLC0415 - only there inside the file

    bootstrap()


def check() -> None:
    """Raises CannotStart with a sentence when Python, the processor or gpg is not as needed."""
    here = sys.version_info[:2]
    if not FIRST <= here <= LAST:
        names = ".".join(map(str, FIRST)), ".".join(map(str, LAST)), ".".join(map(str, here))
        raise CannotStart("This file runs with Python {} to {}; this is Python {}.".format(*names))
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise CannotStart(
            "This file runs on Linux on an x86-64 processor, such as Debian or Tails on a PC."
        )
    for program, package in (("gpg", "gnupg"), ("gpg-agent", "gpg-agent")):
        if shutil.which(program) is None:
            raise CannotStart(
                f"{program} is not on this computer; it is in the Debian package {package}."
            )


def cache_directory() -> str:
    """Where to unpack to: a directory that is this person's alone, made if absent. Raises CannotStart.

    SHIV_ROOT if it is set. Otherwise in the session's own directory, which is in memory and gone at its end, so that what
    runs after each start of the computer is what is on the stick; else under the home directory.
    """
    if os.environ.get(_ROOT):
        return _own(os.environ[_ROOT])
    session = os.environ.get("XDG_RUNTIME_DIR", "")
    if session and _usable(session):
        return _own(os.path.join(session, _CACHE))  # noqa: PTH118 - as old as this has to be
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")  # noqa: PTH111, PTH118
    return _own(os.path.join(caches, _CACHE))  # noqa: PTH118


def _usable(directory: str) -> bool:
    """Whether compiled modules can be loaded from there, and fit."""
    try:
        there, room = os.stat(directory), os.statvfs(directory)  # noqa: PTH116
    except OSError:
        return False
    if there.st_uid != os.geteuid() or room.f_flag & os.ST_NOEXEC:
        return False
    unpacked = os.path.isdir(os.path.join(directory, _CACHE))  # noqa: PTH112, PTH118
    return unpacked or room.f_bavail * room.f_frsize >= NEEDED_BYTES


def _own(directory: str) -> str:
    try:
        os.makedirs(os.path.dirname(directory) or ".", mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120
        if not os.path.lexists(directory):
            os.mkdir(directory, 0o700)  # noqa: PTH102
        there = os.lstat(directory)
    except OSError as why:
        sentence = "There is no place to unpack to: {}: {}. Name one that is yours alone in the variable {}."
        raise CannotStart(sentence.format(directory, why.strerror, _ROOT)) from None
    # Whoever could write here would run programs as this person; a link may lead to such a place.
    if not stat.S_ISDIR(there.st_mode) or there.st_uid != os.geteuid() or there.st_mode & 0o077:
        raise CannotStart(
            f"{directory} is not a directory of yours alone; remove it, or name another in {_ROOT}."
        )
    return directory
