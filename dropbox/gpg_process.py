"""Running a program once for each of many messages, with its input and output in memory only.

Python's subprocess module costs several times as much: here a child is started, waited for and read
exactly once. A child that uses more output, memory or processor time than its message can need is
killed. Only CPU time counts, since gpg may wait for a person to type a passphrase; gpg's agent,
which gpg starts and which lives on, inherits none of these limits.
"""

import fcntl
import os
import select
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from io import RawIOBase
from pathlib import Path
from typing import BinaryIO, NamedTuple

from dropbox.errors import CannotSeal, Damaged, OpensLarger

# Larger than a whole opened report: the child rarely blocks, and the reader rarely has to wake up.
_PIPE_BYTES = 131_072
_FEED_BYTES = 65_536
# For a file that passes through: as much as gpg takes in a millisecond.
_LARGE_PIPE_BYTES = 262_144
_GATHER_SECONDS = 0.001
# A gpg that does not read its input for this long, on any machine, is waiting for something else.
_STALLED_SECONDS = 60.0
# A child that runs longer than this is writing more than the pipe holds, or waiting for a person.
_POLL_MILLISECONDS = 50
# Status lines and messages take some hundred bytes; only a hostile message brings more.
_MAX_ERR_BYTES = 2**20
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
# Where a child of :func:`run` finds what it is given besides its input.
THIRD = "/proc/self/fd/3"


class Bounds(NamedTuple):
    """What a child may use: bytes of output, processor seconds, bytes of resident memory.

    gpg opens 60 MB a second and has 10 MiB resident, so the defaults are generous for any report.
    """

    out_bytes: int
    seconds: float = 3.0
    memory_bytes: int = 256 * 2**20


class Result(NamedTuple):
    """A child's exit code (negative for a signal), standard output and standard error."""

    code: int
    out: bytes
    err: bytes


def run(
    command: Sequence[str],
    data: bytes | memoryview,
    environ: Mapping[str, str],
    bounds: Bounds,
    third: bytes = b"",
) -> Result:
    """Run *command* with *data* as its standard input, and *third*, if any, in the file THIRD.

    Raises OSError if it cannot start, OpensLarger for too much output, and Damaged for too much
    of anything else. Safe to call from several threads. Standard output goes through a pipe; the
    input, *third* and standard error are anonymous files in memory, on no disk.
    """
    pieces: list[bytes] = []
    with ExitStack() as sources:
        given = [_in_memory(one, sources) for one in ([data, third] if third else [data])]
        child = _Child(command, given, environ, pieces.append, bounds)
    with closing(child):
        waiting = select.poll()
        waiting.register(child.ended, select.POLLIN)
        while not waiting.poll(_POLL_MILLISECONDS):
            child.read()
            child.check()
        code, err = child.result()
    return Result(code, b"".join(pieces), err)


def stream(
    command: Sequence[str],
    read: Callable[[int], bytes],
    sink: Callable[[bytes], None],
    environ: Mapping[str, str],
    bounds: Bounds,
) -> Result:
    """Run *command* with everything that *read* gives, piece by piece; its output goes to *sink*.

    Neither is ever completely in memory. Otherwise like :func:`run`, but ``out`` is empty. What
    *read* or *sink* raises is raised here, once the child has been killed.
    """
    reader, writer = os.pipe()
    with closing(_Feed(writer, read)) as feed:
        try:
            child = _Child(command, [reader], environ, sink, bounds)
        finally:
            os.close(reader)
        with closing(child):
            waiting = select.poll()
            for file, event in (
                (child.ended, select.POLLIN),
                (child.out, select.POLLIN),
                (writer, select.POLLOUT),
            ):
                waiting.register(file, event)
            while True:
                ready = {file for file, _ in waiting.poll(_POLL_MILLISECONDS)}
                if child.ended in ready:
                    code, err = child.result()
                    return Result(code, b"", err)
                if child.out in ready and not child.read():
                    waiting.unregister(child.out)
                if writer in ready and not feed.push():
                    waiting.unregister(writer)
                    feed.close()
                child.check()


def pipe(
    command: Sequence[str],
    source: BinaryIO | RawIOBase,
    sink: Callable[[bytes], None],
    environ: Mapping[str, str],
) -> Result:
    """Run *command* with all of *source*, its output going to *sink*, through pipes alone.

    This is for a process that may not even make a file in memory. A *source* with a descriptor,
    such as a pipe, becomes the child's standard input as it is, and may be arbitrarily slow.
    Nothing else limits the child: it must be one that writes about as much as it reads. ``out`` is
    empty. What *source* or *sink* raises is raised here, once the child has been killed. Raises
    CannotSeal if the child cannot start, or if it neither reads nor writes although there is
    something to read.
    """
    with closing(_Piped(command, source, environ)) as child:
        child.pass_on(sink)
        return child.result()


class _Piped:
    """A child whose standard input, output and error are pipes."""

    def __init__(
        self, command: Sequence[str], source: BinaryIO | RawIOBase, environ: Mapping[str, str]
    ) -> None:
        self._waiting = select.poll()
        # Tells whether there is something to read, even at the end of a pipe.
        self._unread = select.poll()
        self._feed: _Feed | None = None
        self._err: list[bytes] = []
        self._ours: list[int] = []
        self._reaped = True
        theirs: list[int] = []
        try:
            theirs.append(self._input(source))
            for _ in range(2):
                reader, writer = large_pipe()
                self._ours.append(reader)
                theirs.append(writer)
                self._waiting.register(reader, select.POLLIN)
            self._pid = _spawn(command, environ, theirs)
            self._reaped = False
        except OSError:
            # No program, or no descriptors left: none that were opened may stay open.
            self.close()
            raise CannotSeal("gpg could not be started.") from None
        finally:
            for file in theirs:
                os.close(file)

    def _input(self, source: BinaryIO | RawIOBase) -> int:
        """A descriptor for the child's standard input."""
        try:
            given = source.fileno()
        except OSError:
            # It has none: its bytes are in this process.
            reader, self._writer = large_pipe()
            self._feed = _Feed(self._writer, lambda size: source.read(size) or b"")
            self._waiting.register(self._writer, select.POLLOUT)
            return reader
        self._unread.register(given, select.POLLIN)
        return os.dup(given)

    def pass_on(self, sink: Callable[[bytes], None]) -> None:
        """Pass everything on until the child closes its output and its error."""
        out, err = self._ours
        left, was_unread = {out, err}, False
        while left:
            ready = {file for file, _ in self._waiting.poll(_STALLED_SECONDS / 2 * 1_000)}
            # Checked twice: the first time, it may have arrived at this very moment.
            unread = not ready and (self._feed is not None or bool(self._unread.poll(0)))
            if unread and was_unread:
                raise CannotSeal("gpg stands still.")
            was_unread = unread
            for file in ready & left:
                piece = os.read(file, _LARGE_PIPE_BYTES)
                if not piece:
                    left.remove(file)
                    self._waiting.unregister(file)
                elif file == out:
                    sink(piece)
                else:
                    self._err.append(piece)
            if self._feed is not None and self._writer in ready and not self._feed.push():
                self._waiting.unregister(self._writer)
                self._feed.close()
            if out in left:
                # gpg writes 8 KiB at a time: waking up for each piece costs more than all the rest.
                time.sleep(_GATHER_SECONDS)

    def result(self) -> Result:
        """How it ended."""
        code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        self._reaped = True
        return Result(code, b"", b"".join(self._err))

    def close(self) -> None:
        """Kill the child if it still runs."""
        if self._feed is not None:
            self._feed.close()
        for file in self._ours:
            os.close(file)
        if not self._reaped:
            _end(self._pid)


def large_pipe() -> tuple[int, int]:
    """A pipe's reading and writing end."""
    ends = os.pipe()
    # A user may only have so much memory in pipes.
    with suppress(OSError):
        fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, _LARGE_PIPE_BYTES)
    return ends


class _Feed:
    """The writing end of a child's standard input."""

    def __init__(self, writer: int, read: Callable[[int], bytes]) -> None:
        self._writer = writer
        self._read = read
        self._open = True
        self._pending = memoryview(b"")
        os.set_blocking(writer, False)

    def push(self) -> bool:
        """Write what the pipe takes. Returns False at the end, or if nobody reads it."""
        self._pending = self._pending or memoryview(self._read(_FEED_BYTES))
        if not self._pending:
            return False
        try:
            self._pending = self._pending[os.write(self._writer, self._pending) :]
        except BlockingIOError:
            return True
        except BrokenPipeError:
            return False
        return True

    def close(self) -> None:
        """End the child's input."""
        if self._open:
            self._open = False
            os.close(self._writer)


class _Child:
    """A running child: ``out`` is its output to poll, ``ended`` is readable when it has ended.

    *given*: its standard input, and whatever it gets from descriptor 3 on.
    """

    def __init__(
        self,
        command: Sequence[str],
        given: Sequence[int],
        environ: Mapping[str, str],
        sink: Callable[[bytes], None],
        bounds: Bounds,
    ) -> None:
        self._sink = sink
        self._bounds = bounds
        self._left = bounds.out_bytes
        self._reaped = False
        self._next_check = 0.0
        self._err = os.memfd_create("err")
        self.out, writer = os.pipe()
        try:
            fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
            os.set_blocking(self.out, False)
            self._pid = _spawn(command, environ, (given[0], writer, self._err, *given[1:]))
        except OSError:
            os.close(self.out)
            os.close(self._err)
            raise
        finally:
            os.close(writer)
        self.ended = os.pidfd_open(self._pid)

    def read(self) -> bool:
        """Pass on what the child has written. Returns False at its end. Raises OpensLarger."""
        try:
            while piece := os.read(self.out, _PIPE_BYTES):
                self._left -= len(piece)
                if self._left < 0:
                    raise OpensLarger
                self._sink(piece)
        except BlockingIOError:
            return True
        return False

    def check(self) -> None:
        """Raise Damaged if the child has exceeded its bounds; checked now and then."""
        if (now := time.monotonic()) < self._next_check:
            return
        self._next_check = now + _POLL_MILLISECONDS / 1_000
        if os.fstat(self._err).st_size > _MAX_ERR_BYTES:
            raise Damaged("gpg was stopped: this message makes it report without end.")
        # The fields after the name, which is in brackets and can contain anything.
        fields = Path(f"/proc/{self._pid}/stat").read_bytes().rpartition(b")")[2].split()
        if (int(fields[11]) + int(fields[12])) / _TICKS > self._bounds.seconds:
            raise Damaged("gpg was stopped: this message takes it too long.")
        if int(fields[21]) * _PAGE_BYTES > self._bounds.memory_bytes:
            raise Damaged("gpg was stopped: this message takes it too much memory.")

    def result(self) -> tuple[int, bytes]:
        """The exit code and standard error, once the child has ended. Passes on the last output."""
        self.read()
        code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        self._reaped = True
        os.lseek(self._err, 0, os.SEEK_SET)
        return code, os.read(self._err, _MAX_ERR_BYTES)

    def close(self) -> None:
        """Kill the child if it still runs."""
        if not self._reaped:
            _end(self._pid)
        for file in (self.out, self._err, self.ended):
            os.close(file)


def _spawn(command: Sequence[str], environ: Mapping[str, str], files: Sequence[int]) -> int:
    """Start *command* with *files* as its standard input, output and error and the descriptors
    after those.

    Raises OSError.
    """
    actions = [(os.POSIX_SPAWN_DUP2, own, number) for number, own in enumerate(files)]
    return os.posix_spawnp(
        command[0], list(command), environ, file_actions=actions, setsigdef=[signal.SIGPIPE]
    )


def _end(pid: int) -> None:
    """Kill a child that nobody has waited for, so that its number cannot be another process's."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def _in_memory(data: bytes | memoryview, until: ExitStack) -> int:
    """A file in memory with *data*, positioned at its beginning, that *until* closes."""
    file = os.memfd_create("in")
    until.callback(os.close, file)
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
    os.lseek(file, 0, os.SEEK_SET)
    return file
