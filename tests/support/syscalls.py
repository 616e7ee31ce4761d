"""Tracing a program's system calls: which bytes it writes, and where."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# All calls that move bytes out of a process, name a file or a program, or share memory.
_CALLS = (
    "write,pwrite64,writev,pwritev,pwritev2,sendto,sendmsg,sendmmsg,sendfile,"
    "copy_file_range,splice,vmsplice,tee,mmap,%file"
)
# Longer than any single write of the rooms: strace shows no more bytes than this.
_MOST_BYTES = 4 * 2**20
_LINE = re.compile(r"(?P<pid>\d+)\s+(?P<call>\w+)\((?P<arguments>.*)")
_TARGET = re.compile(r"\d+<(?P<target>(?:[^>\"]|->)*)>")
# What is not hexadecimal fails where it is read. To count digits here takes seconds in megabytes.
_STRING = re.compile(r'"([\\x0-9a-f]*)"(\.\.\.)?')


# All calls that reach another process or computer, or start a program.
NETWORK_CALLS = "%network,execve,execveat"


def watcher(output: Path, watched: str = _CALLS) -> tuple[str, ...]:
    """The strace command that traces a program and its children; it ends when they do.

    All strings come in hexadecimal, descriptors with their names; arguments and the environment of
    programs come whole.
    """
    return (
        "strace",
        "-f",
        "--seccomp-bpf",
        "-v",
        "-yy",
        "-xx",
        "-s",
        str(_MOST_BYTES),
        "-e",
        "signal=none",
        "-e",
        f"trace={watched}",
        "-o",
        str(output),
    )


@dataclass(frozen=True)
class Call:
    """A system call: its name, its first descriptor's name, the bytes of its strings, the rest of
    its line.
    """

    name: str
    target: str
    data: bytes
    flags: str


def calls(output: Path) -> Iterator[Call]:
    """The calls of a finished trace.

    A call interrupted by another process is reported in its first part.
    """
    with output.open(encoding="ascii", errors="replace") as lines:
        for line in lines:
            if (found := _LINE.match(line)) is None:
                continue
            # Between the strings, each of these and what follows it where it was cut.
            parts = _STRING.split(found["arguments"])
            assert not any(parts[2::3]), f"{found['call']} wrote more than the watcher shows"
            data = b"".join(bytes.fromhex(string.replace("\\x", "")) for string in parts[1::3])
            rest = "".join(parts[::3])
            target = _TARGET.search(rest)
            yield Call(found["call"], _plain(target["target"]) if target else "", data, rest)


@cache
def _plain(target: str) -> str:
    """A descriptor's name: strace writes paths in hexadecimal too."""
    return re.sub(r"\\x([0-9a-f]{2})", lambda byte: chr(int(byte[1], 16)), target)
