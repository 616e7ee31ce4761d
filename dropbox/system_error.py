"""What the operating system refused, as sentences: its own reason, and what to do about it."""

from __future__ import annotations

import errno
from collections.abc import Mapping

_NOT_ALLOWED = "Change its owner or permissions, or run this as the user to whom it belongs."
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
    return " ".join(filter(None, (f"{reason}.", _ADVICE.get(why.errno or 0))))
