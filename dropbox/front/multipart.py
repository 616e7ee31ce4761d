"""The parts of a posted form as they arrive: Werkzeug's decoder, except inside a file."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, cast

from flask import Request
from werkzeug.sansio.multipart import Epilogue, Event, MultipartDecoder, NeedData, State

_READ_BYTES = 65_536
# The white space allowed between a delimiter and the end of its line.
_PADDING_BYTES = 64
# Firefox shows a response only once it has sent all of its form; if it cannot, it shows "connection
# reset". So what is not accepted is still read and discarded: beyond the limit up to this multiple
# of it, and where all places for sealing are taken, up to the limit.
_DRAIN_FACTOR = 2
# A client that is slower than this, on average after the first minutes, is not waited for: a byte
# now and then could hold a thread for ever. A slow bridge brings twenty times as much.
SLOWEST_BYTES, FREE_SECONDS = 1_024, 600.0


class Source(Protocol):
    """Where a form comes from: the stream of a request."""

    def readinto(self, memory: memoryview, /) -> int | None:
        """Put the next bytes into *memory*. Returns how many; none at the end."""


def stream_of(request: Request) -> Source:
    """The stream of *request*, which has ``readinto`` although its type does not say so."""
    return cast(Source, request.stream)


class PostTooLarge(Exception):
    """The post has more bytes than allowed."""


class PatientStream:
    """A stream that waits for its sender unless that is too slow; raises TimeoutError."""

    def __init__(self, stream: Source, clock: Callable[[], float]) -> None:
        self._stream = stream
        self._clock = clock
        self._end = clock() + FREE_SECONDS

    def read_into(self, memory: memoryview) -> int:
        """Put the next bytes into *memory*. Returns how many; none at the end."""
        size = self._stream.readinto(memory) or 0
        self._end += size / SLOWEST_BYTES
        if size and self._clock() > self._end:
            raise TimeoutError
        return size


@dataclass(frozen=True, repr=False)
class Piece:
    """Bytes from inside a part, in memory that the next ones will overwrite."""

    data: memoryview


def events(
    stream: PatientStream, decoder: MultipartDecoder, limit_bytes: int
) -> Iterator[Event | Piece]:
    """What *decoder* finds in *stream*; pieces of files bypass it, because it would copy them.

    Raises PostTooLarge beyond *limit_bytes*, and what the decoder and the stream raise.
    """
    delimiter = b"--" + decoder.boundary
    cut_delimiter = re.compile(re.escape(delimiter) + rb"-{0,2}[^\S\n]*\Z")
    line_break = re.compile(rb"[\r\n]")
    # Everything arrives in the same memory: a new one for each piece would have to be overwritten
    # each time. Only this form uses it, and it is overwritten when it is freed.
    most_held = len(delimiter) + 2
    memory = bytearray(most_held + _READ_BYTES)
    room = memoryview(memory)
    taken = held = 0
    while True:
        arrived = stream.read_into(room[held : held + _READ_BYTES])
        taken += arrived
        if taken > limit_bytes:
            _drain(stream, room, _DRAIN_FACTOR * limit_bytes)
            raise PostTooLarge
        data = room[: held + arrived]
        held = 0
        amid = arrived and decoder.state is State.DATA and not decoder.buffer
        if amid and memory.find(delimiter, 0, len(data)) < 0:
            # Inside a file: Werkzeug would find the same, after copying it three times. A delimiter
            # may begin with a line break at the end.
            begins = line_break.search(data, max(0, len(data) - most_held))
            piece = data if begins is None else data[: begins.start()]
            if piece:
                yield Piece(piece)
            held = len(data) - len(piece)
            room[:held] = data[len(piece) :]
            continue
        if data:
            decoder.receive_data(bytes(data))
        if not arrived:
            decoder.receive_data(None)
        # Werkzeug mistakes the line break before a delimiter for content if the delimiter is
        # incomplete.
        if data and cut_delimiter.search(decoder.buffer[-len(delimiter) - _PADDING_BYTES :]):
            continue
        while not isinstance(event := decoder.next_event(), NeedData):
            yield event
            if isinstance(event, Epilogue):
                return


def _drain(stream: PatientStream, room: memoryview, max_bytes: int) -> None:
    while max_bytes > 0 and (arrived := stream.read_into(room[:_READ_BYTES])):
        max_bytes -= arrived
