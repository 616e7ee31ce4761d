"""Running a program once for each of many messages, with its input and output in memory only.

Python's subprocess module costs several times as much: here a child is started, waited for and
read exactly once.
"""

import fcntl
import os
import select
import signal
from collections.abc import Mapping, Sequence
from typing import NamedTuple

# Larger than a whole opened report: the child rarely blocks, and the reader rarely has to wake up.
_PIPE_BYTES = 131_072
# A child that runs longer than this is writing more than the pipe holds, or waiting for a person.
_POLL_MILLISECONDS = 50


class Result(NamedTuple):
    """A child's exit code (negative for a signal), standard output and standard error."""

    code: int
    out: bytes
    err: bytes


def run(command: Sequence[str], data: bytes | memoryview, environ: Mapping[str, str]) -> Result:
    """Run *command* with *data* as its standard input. Raises OSError if it cannot start.

    Safe to call from several threads. Standard output goes through a pipe; the input and standard
    error are anonymous files in memory, on no disk.
    """
    source, err = os.memfd_create("in"), os.memfd_create("err")
    reader, writer = os.pipe()
    try:
        try:
            _write_all(source, data)
            fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
            actions = [
                (os.POSIX_SPAWN_DUP2, own, number)
                for number, own in enumerate((source, writer, err))
            ]
            pid = os.posix_spawnp(
                command[0], list(command), environ, file_actions=actions, setsigdef=[signal.SIGPIPE]
            )
        finally:
            os.close(writer)
        out = _read_all(reader, pid)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.lseek(err, 0, os.SEEK_SET)
        return Result(code, out, _read_available(err))
    finally:
        for descriptor in (source, err, reader):
            os.close(descriptor)


def _write_all(file: int, data: bytes | memoryview) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
    os.lseek(file, 0, os.SEEK_SET)


def _read_all(reader: int, pid: int) -> bytes:
    """Everything a child writes into a pipe until it ends."""
    os.set_blocking(reader, False)
    pieces = []
    child = os.pidfd_open(pid)
    try:
        waiting = select.poll()
        waiting.register(child, select.POLLIN)
        while not waiting.poll(_POLL_MILLISECONDS):
            pieces.append(_read_available(reader))
    finally:
        os.close(child)
    return b"".join([*pieces, _read_available(reader)])


def _read_available(file: int) -> bytes:
    """Everything that can be read without waiting."""
    pieces = []
    try:
        while piece := os.read(file, _PIPE_BYTES):
            pieces.append(piece)
    except BlockingIOError:
        pass
    return b"".join(pieces)
