"""The first code to run in the desk's one file: it checks the computer and chooses where to unpack.

It imports only the standard library, and every Python since 3.6 can read it, so that an older one
gets a sentence instead of a syntax error.
"""

import os
import platform
import shutil
import stat
import sys

FIRST, LAST = (3, 11), (3, 13)
# The unpacked file takes about 80 MiB.
NEEDED_BYTES = 128 * 2**20
_CACHE = "casedrop-desk"
_ROOT = "SHIV_ROOT"


# The exit code of `scripts.command_line` for what could not be done.
FAILED = 2


class CannotStart(Exception):
    """The file cannot run on this computer."""


def start() -> None:
    """Run the desk, or with the first argument ``ceremony`` the key ceremony; ends the process."""
    try:
        check()
        root = cache_directory()
    except CannotStart as why:
        sys.stderr.write(f"{why}\n")
        sys.exit(FAILED)
    # Only this user may read what is unpacked here, and what Python adds to it.
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
    """Raise CannotStart with a sentence if this computer's Python, processor or gpg will not do."""
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
    """The directory to unpack to, which only this user can read; made if absent.

    Raises CannotStart.

    It is SHIV_ROOT if that is set. Otherwise it is in the session's directory, which is in memory
    and gone when the session ends, so that after each start of the computer the desk is unpacked
    afresh from the stick; or else in the home directory.
    """
    if os.environ.get(_ROOT):
        return _own(os.environ[_ROOT])
    session = os.environ.get("XDG_RUNTIME_DIR", "")
    if session and _usable(session):
        return _own(os.path.join(session, _CACHE))  # noqa: PTH118 - as old as this has to be
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")  # noqa: PTH111, PTH118
    return _own(os.path.join(caches, _CACHE))  # noqa: PTH118


def _usable(directory: str) -> bool:
    """Whether compiled modules fit into *directory* and may be loaded from there."""
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
        sentence = "There is nowhere to unpack to: {}: {}. Name a directory of your own in {}."
        raise CannotStart(sentence.format(directory, why.strerror, _ROOT)) from None
    # Anybody who can write here can run programs as this user; a link may lead to such a place.
    if not stat.S_ISDIR(there.st_mode) or there.st_uid != os.geteuid() or there.st_mode & 0o077:
        raise CannotStart(
            f"{directory} is open to others; remove it, or name another directory in {_ROOT}."
        )
    return directory
