"""What the file system under a folder records of its own accord, beside what is written to it.

Access times are not among it: the store opens its file so that reading stamps nothing on it.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

# These never write in place: what was overwritten stays where it was, or in a snapshot.
_COPYING = frozenset({"bcachefs", "btrfs", "f2fs", "nilfs2", "zfs"})
_ESCAPED = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class Mount:
    """A mounted file system: where, its type, and the options of the mount and of the whole."""

    place: str
    type: str
    options: frozenset[str]

    @classmethod
    def of(cls, folder: Path, process: Path = Path("/proc/self")) -> Self | None:
        """The mount that *folder* is on; None if the kernel does not tell. Raises OSError."""
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
        """A sentence if what is overwritten there is not gone, else ""."""
        if self.type not in _COPYING:
            return ""
        return (
            f"{self.place} is a file system of type {self.type}, which writes elsewhere instead of "
            "in place and so keeps what was deleted; use ext4 or xfs."
        )

    def journals_data(self) -> str:
        """A sentence if its journal holds all that is written, else ""."""
        if "data=journal" not in self.options:
            return ""
        return (
            f"{self.place} is mounted with data=journal, so its journal keeps a copy of all that "
            "is written, with the time; mount it with data=ordered."
        )


def _character(escaped: re.Match[str]) -> str:
    return chr(int(escaped[1], 8))
