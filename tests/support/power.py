"""A simulated power cut: what a program did to its files, as seen by strace, and what can remain of
it.
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

SECTOR = 512
_BYTES = r"((?:\\x[0-9a-f]{2})*)"
# With -xx every byte is written as \xNN, of paths too, and with -y every descriptor has its path.
_CALL = re.compile(rf'(\w+)\((\d+)<{_BYTES}>(?:, "{_BYTES}")?(?:, (\d+))?(?:, (\d+))?\)\s+= (\d+)')
CALLS = ("pwrite64", "write", "ftruncate", "fsync", "fdatasync")
# These would change a file unseen by the calls above.
UNSEEN = (
    "mmap",
    "pwritev",
    "pwritev2",
    "writev",
    "sendfile",
    "copy_file_range",
    "unlink",
    "rename",
    "fallocate",
    "truncate",
)


def command(trace: Path) -> list[str]:
    """The strace command to run a program with one thread, tracing to *trace*."""
    return [
        "strace",
        "-xx",
        "-y",
        "-s",
        "1000000",
        "-e",
        "signal=none",
        "-e",
        f"trace={','.join(CALLS)}",
        "-o",
        str(trace),
    ]


class Write(NamedTuple):
    """Bytes at an offset in a file; without bytes, a truncation there."""

    at: int
    data: bytes | None


class State(NamedTuple):
    """What a power cut left: the number of lines printed by then, and the files by name."""

    said: int
    files: dict[str, bytes]


@dataclass
class Disk:
    """Files by name: what is safe on the disk, and later writes that may be lost, wholly or in
    part.
    """

    safe: dict[str, bytes]
    late: dict[str, list[Write]] = field(default_factory=dict)

    def write(self, name: str, write: Write) -> None:
        """Not safe before ``sync``."""
        self.late.setdefault(name, []).append(write)

    def sync(self, name: str) -> None:
        """Make everything written to this file safe, but nothing of other files."""
        self.safe[name] = applied(self.safe.get(name, b""), self.late.pop(name, []))

    def after_cut(self, chosen: random.Random | None = None) -> dict[str, bytes]:
        """The files after a power cut now: no unsafe write survives, or those *chosen* picks, by
        sector.
        """
        return {
            name: applied(
                self.safe.get(name, b""),
                [] if chosen is None else list(_survivors(self.late.get(name, []), chosen)),
            )
            for name in {*self.safe, *self.late}
        }

    def as_written(self) -> dict[str, bytes]:
        """The files if the program is killed now without a power cut."""
        return {
            name: applied(self.safe.get(name, b""), self.late.get(name, []))
            for name in {*self.safe, *self.late}
        }


def applied(before: bytes, writes: Sequence[Write]) -> bytes:
    """A file's bytes after *writes*."""
    if not writes:
        return before
    content = bytearray(before)
    for at, data in writes:
        content.extend(bytes(max(0, at - len(content))))
        if data is None:
            del content[at:]
        else:
            content[at : at + len(data)] = data
    return bytes(content)


def _survivors(writes: Sequence[Write], chosen: random.Random) -> Iterator[Write]:
    for at, data in writes:
        fate = chosen.randrange(3)
        if fate == 0:
            yield Write(at, data)
        elif fate == 1 and data is not None:
            sectors = range(0, len(data), SECTOR)
            yield from (
                Write(at + start, data[start : start + SECTOR])
                for start in sectors
                if chosen.randrange(2)
            )


def cuts(
    trace: Path, before: dict[str, bytes], chosen: random.Random, tries: int
) -> Iterator[State]:
    """What is left after a power cut before and after every sync and at every printed line, *tries*
    ways each.
    """
    disk, said = Disk(dict(before)), 0
    for line in trace.read_text("ascii").splitlines():
        call = _CALL.match(line)
        if call is None:
            assert line.startswith("+++ exited with 0"), line[:200]
            continue
        name, descriptor, path, data, *numbers, result = call.groups()
        file = Path(bytes.fromhex(path.replace("\\x", "")).decode()).name
        written = bytes.fromhex(data.replace("\\x", "")) if data is not None else None
        if name == "write" and descriptor == "1":
            said += 1
            yield State(said, disk.after_cut())
        elif file in disk.safe and name == "pwrite64":
            assert written is not None and len(written) == int(result)
            disk.write(file, Write(int(numbers[1]), written))
        elif file in disk.safe and name == "ftruncate":
            disk.write(file, Write(int(numbers[0]), None))
        elif file in disk.safe:
            assert name in ("fsync", "fdatasync"), line[:200]
            yield State(said, disk.as_written())
            yield from (State(said, disk.after_cut(chosen)) for _ in range(tries))
            disk.sync(file)
            yield State(said, disk.after_cut())
