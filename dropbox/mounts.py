"""What the file system under a folder records by itself, besides what is written to it."""

import fcntl
import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Self

# These never write in place: what was overwritten stays where it was, or in a snapshot.
_COPYING = frozenset({"bcachefs", "btrfs", "f2fs", "nilfs2", "zfs"})
# Reading there leaves no timestamp on a disk: these are in memory.
_IN_MEMORY = frozenset({"devtmpfs", "ramfs", "tmpfs"})
# ioctl_iflags(2), <linux/fs.h>: _IOR('f', 1, long), of which the kernel fills the first four bytes.
_GET_FLAGS, _FLAGS_BYTES = 0x80086601, 8
_JOURNAL_DATA = 0x4000
_ESCAPED = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class Mount:
    """A mounted file system: where, its type, and the options of the mount and of the whole."""

    place: str
    type: str
    options: frozenset[str]

    @classmethod
    def of(cls, folder: Path, process: Path = Path("/proc/self")) -> Self | None:
        """The mount that *folder* is on; None if the kernel does not say. Raises OSError."""
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            facts = (process / "fdinfo" / str(opened)).read_text("ascii")
        finally:
            os.close(opened)
        found = re.search(r"^mnt_id:\s*(\d+)$", facts, re.MULTILINE)
        table = (process / "mountinfo").read_text("utf-8", "surrogateescape")
        return cls.listed(table, found[1]) if found else None

    @classmethod
    def listed(cls, table: str, mount_id: str) -> Self | None:
        """The entry *mount_id* in the text of /proc/self/mountinfo, see proc(5)."""
        for line in table.splitlines():
            mounted, _, whole = line.partition(" - ")
            first, last = mounted.split(" "), whole.split(" ")
            if first[0] == mount_id and len(first) >= 6 and len(last) >= 3:
                options = frozenset((*first[5].split(","), *last[2].split(",")))
                return cls(_ESCAPED.sub(_character, first[4]), last[0], options)
        return None

    def keeps_copies(self) -> str:
        """A sentence if overwritten data stays there, else ""."""
        if self.type not in _COPYING:
            return ""
        return (
            f"{self.place} is a file system of type {self.type}, which writes elsewhere instead of "
            "in place and so keeps what was deleted; use ext4 or xfs."
        )

    def journals_data(self) -> str:
        """A sentence if its journal holds everything that is written, else ""."""
        if "data=journal" not in self.options:
            return ""
        return (
            f"{self.place} is mounted with data=journal, so its journal keeps a copy of all that "
            "is written, with the time; mount it with data=ordered."
        )

    def stamps_reading(self) -> str:
        """A sentence if it records when a file was last read, else ""."""
        if self.type in _IN_MEMORY or self.options & {"noatime", "ro"}:
            return ""
        return (
            f"{self.place} is mounted without noatime, so its files tell when they were last read, "
            "and with it when something was filed; mount it with noatime."
        )


def journals_files(folder: Path) -> str:
    """A sentence if *folder*, or a file in it, has the attribute of `chattr +j`, else "".

    Raises OSError.
    """
    # Anything but a plain file holds nothing, and opening it could block for ever.
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and not path.is_symlink()]
    for path in (folder, *files):
        if _flags(path) & _JOURNAL_DATA:
            return (
                f"{path} has the attribute j, so the file system's journal keeps a copy of all "
                "that is written there, with the time; remove it with chattr -j."
            )
    return ""


def _flags(path: Path) -> int:
    """The attributes of a file or folder; 0 where the file system has none."""
    opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = fcntl.ioctl(opened, _GET_FLAGS, bytes(_FLAGS_BYTES))
    except OSError:
        return 0
    finally:
        os.close(opened)
    return int(struct.unpack("=I", found[:4])[0])


def _character(escaped: re.Match[str]) -> str:
    return chr(int(escaped[1], 8))
