"""The operating system's refusals as sentences: its own reason, and what to do about it."""

from __future__ import annotations

import errno
import os
import pwd
import stat
from collections.abc import Mapping
from pathlib import Path

_NOT_ALLOWED = "Run this as the user to whom it belongs, or change its owner or permissions."
_READ_AND_WRITE = stat.S_IRUSR | stat.S_IWUSR
_FULL = "Make room on that disk, then try again."
_ADVICE: Mapping[int, str] = {
    errno.EACCES: _NOT_ALLOWED,
    errno.EPERM: _NOT_ALLOWED,
    errno.EEXIST: "Move away what is there, or name another path.",
    errno.ENOTEMPTY: "Move away what is there, or name another path.",
    errno.ENOENT: "Check the path: there is nothing of that name.",
    errno.ENOTDIR: "Check the path: a part of it is a file where a directory should be.",
    errno.EISDIR: "Check the path: a directory is there where a file should be.",
    errno.ELOOP: "Name the path without symbolic links.",
    errno.ENAMETOOLONG: "Name a shorter path.",
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: "Use a disk whose file system takes larger files.",
    errno.EROFS: "Mount that disk so that it can be written, or name a path on another one.",
    errno.EIO: "The disk may be failing: copy what is on it, then use another one.",
    errno.ENODEV: "Is the disk or stick still plugged in?",
    errno.ENXIO: "Is the disk or stick still plugged in?",
    errno.EADDRINUSE: "Another program uses this address; stop it first.",
    errno.EMFILE: "Too many files are open; raise the limit with ulimit -n.",
    errno.ENOMEM: "Close other programs, then try again.",
}


def explained(why: OSError) -> str:
    """The system's reason and what to do, without the path: "Is a directory. Check the path: …"."""
    reason = (why.strerror or str(why)).rstrip(".")
    whose = _whose(Path(why.filename)) if _is_about_rights(why) else ""
    advice = _missing_folder(why) or _ADVICE.get(why.errno or 0)
    return " ".join(filter(None, (f"{reason}.", whose, advice)))


def told(why: OSError) -> str:
    """All of it, with the path if there is one: "/etc/x: Is a directory. Check the path: …"."""
    return f"{why.filename}: {explained(why)}" if why.filename else explained(why)


def reason_of(why: Exception) -> str:
    """What to tell people about *why* after a sentence that already names the file."""
    return explained(why) if isinstance(why, OSError) else str(why)


def _is_about_rights(why: OSError) -> bool:
    return why.errno in (errno.EACCES, errno.EPERM) and isinstance(why.filename, str | Path)


def _missing_folder(why: OSError) -> str:
    """What to say instead of the missing path if its folder is missing, too."""
    if why.errno != errno.ENOENT or not isinstance(why.filename, str | Path):
        return ""
    folder = Path(why.filename).absolute().parent
    return "" if os.path.lexists(folder) else f"There is no folder {folder}."


def _whose(path: Path) -> str:
    """Who owns the file or folder that refuses *path*, and who is asking; "" if unknown."""
    path = path.absolute()
    refusing = _refusing(path)
    try:
        found = refusing.stat()
    except OSError:
        return ""
    name = "It" if refusing == path else f"The folder {refusing}"
    return (
        f"{name} belongs to {_user(found.st_uid)} with mode {stat.S_IMODE(found.st_mode):04o}, and "
        f"this runs as {_user(os.geteuid())}."
    )


def _refusing(path: Path) -> Path:
    """The first folder on the way that may not be entered, else *path*, else its folder."""
    for step in (*reversed(path.parents), path):
        try:
            found = step.stat()
        except OSError:
            return step.parent
    # If everything is allowed on the file itself, its folder refused, as for a new name.
    own = found.st_uid == os.geteuid() and found.st_mode & stat.S_IRWXU >= _READ_AND_WRITE
    return path.parent if own and stat.S_ISREG(found.st_mode) else path


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"
