"""Reading a posted form as it arrives: texts into bounded memory, each file straight into its sealing.

Werkzeug's own form parser would put files on the disk in the clear; here its incremental decoder is driven directly.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import IO, Protocol

from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from dropbox.errors import (
    BadReport,
    CannotSeal,
    CannotStore,
    CasedropError,
    TooLarge,
    VaultUnavailable,
)
from dropbox.report import NAME_BYTES, Attachment, text_bytes

# All texts of one page, the padding field included: four times what a report holds, so that a text that is too long
# comes back whole instead of cut.
TEXTS_BYTES = 1_048_576
# What a browser sends at most: all harms and optional answers ticked, ten files, and the texts, about 130 parts.
MAX_PARTS = 192
# Names of fields are ours and short; others are cut, so that they take no memory that TEXTS_BYTES does not count.
_FIELD_CHARACTERS = 64
_READ_BYTES = 65_536
# What may stand between a delimiter and the end of its line.
_PADDING_BYTES = 64
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}")
_UNKNOWN_TYPE = "application/octet-stream"
# Past the limit the rest is read and thrown away, this often the limit at most, so that the browser shows our answer.
_DRAIN_FACTOR = 2


class Trouble(Enum):
    """What was wrong with one part of a posted form."""

    FILE_TOO_LARGE = auto()
    TOO_MANY_FILES = auto()
    NAME_TOO_LONG = auto()
    POST_TOO_LARGE = auto()
    TEXTS_TOO_LONG = auto()
    NOT_UTF8 = auto()
    BROKEN_OFF = auto()
    BUSY = auto()
    NOT_ACCEPTED = auto()


class Busy(CasedropError):
    """As many files as this server seals at once are on their way; try again in a few minutes."""


class Sealer(Protocol):
    """What one file is written into; see dropbox.sealing.AttachmentSealer."""

    def write(self, data: bytes) -> int:
        """Take the next bytes."""

    def finish(self, *, name: str, type: str) -> Attachment:
        """The file's entry for its report."""

    def abort(self) -> None:
        """Give up."""


@dataclass
class ReceivedForm:
    """What a posted form held. ``troubles`` has at most one entry for each file, with its name ("" for the whole post)."""

    texts: MultiDict[str, str] = field(default_factory=MultiDict)
    attachments: list[Attachment] = field(default_factory=list)
    troubles: list[tuple[Trouble, str]] = field(default_factory=list)

    def trouble(self, trouble: Trouble, name: str = "") -> None:
        """Note *trouble* once."""
        if (trouble, name) not in self.troubles:
            self.troubles.append((trouble, name))


def receive(
    stream: IO[bytes],
    content_type: str,
    *,
    limit_bytes: int,
    files_left: Callable[[MultiDict[str, str]], int],
    open_sealer: Callable[[], Sealer],
) -> ReceivedForm:
    """Read a multipart form from *stream*. Never raises for what a claimant or a bad line sent: see ``troubles``.

    *files_left* is asked with the texts before the first file how many more files this page may have; *open_sealer*
    begins the sealing of one file, or raises Busy.
    """
    form = _Form(ReceivedForm(), files_left, open_sealer)
    try:
        kind, options = parse_options_header(content_type)
        if kind != "multipart/form-data" or not options.get("boundary"):
            raise ValueError
        decoder = MultipartDecoder(
            options["boundary"].encode("ascii"),
            max_form_memory_size=4 * _READ_BYTES,
            max_parts=MAX_PARTS,
        )
        for event in _events(stream, decoder, limit_bytes):
            form.take(event)
            if form.ended:
                break
    except _PostTooLarge:
        form.received.trouble(Trouble.POST_TOO_LARGE)
    except (ValueError, OSError, ClientDisconnected, RequestEntityTooLarge):
        # A broken line, a body shorter than announced, or bytes that are no form.
        form.received.trouble(Trouble.BROKEN_OFF)
    finally:
        form.close()
    return form.received


class _PostTooLarge(Exception):
    """More bytes than one post may have."""


def _events(stream: IO[bytes], decoder: MultipartDecoder, limit_bytes: int) -> Iterator[Event]:
    delimiter = b"--" + decoder.boundary
    cut_delimiter = re.compile(re.escape(delimiter) + rb"-{0,2}[^\S\n]*\Z")
    taken = 0
    while True:
        data = stream.read(_READ_BYTES)
        taken += len(data)
        if taken > limit_bytes:
            _drain(stream, _DRAIN_FACTOR * limit_bytes)
            raise _PostTooLarge
        decoder.receive_data(data or None)
        # Werkzeug counts the line break before a delimiter as content when the delimiter's own end has not come yet.
        if data and cut_delimiter.search(decoder.buffer[-len(delimiter) - _PADDING_BYTES :]):
            continue
        while not isinstance(event := decoder.next_event(), NeedData):
            yield event
            if isinstance(event, Epilogue):
                return


def _drain(stream: IO[bytes], most: int) -> None:
    while most > 0 and (data := stream.read(_READ_BYTES)):
        most -= len(data)


class _Form:
    """One form while it arrives: the part that is being read, and what is done with its bytes."""

    def __init__(
        self,
        received: ReceivedForm,
        files_left: Callable[[MultiDict[str, str]], int],
        open_sealer: Callable[[], Sealer],
    ) -> None:
        self.received = received
        self.ended = False
        self._files_left = files_left
        self._open_sealer = open_sealer
        self._left: int | None = None
        self._room = TEXTS_BYTES
        self._name = ""
        self._text: bytearray | None = None
        self._file: _ArrivingFile | None = None

    def take(self, event: Event) -> None:
        """The decoder's next event."""
        if isinstance(event, Field):
            self._name, self._text = (event.name or "")[:_FIELD_CHARACTERS], bytearray()
        elif isinstance(event, File):
            self._file = _ArrivingFile(event.filename, event.headers.get("content-type", ""))
        elif isinstance(event, Data):
            if self._file is not None:
                self._take_file(self._file, event)
            elif self._text is not None:
                self._take_text(self._text, event)

    def close(self) -> None:
        """The form has ended, well or not: a file that has not come whole is given up."""
        if self._file is not None:
            self._file.abort()

    def _take_text(self, text: bytearray, event: Data) -> None:
        # A text that is cut is never sealed: the trouble stops the page.
        if len(event.data) > self._room:
            self.received.trouble(Trouble.TEXTS_TOO_LONG)
        text += event.data[: self._room]
        self._room -= min(len(event.data), self._room)
        if not event.more_data:
            self.received.texts.add(self._name, self._decoded(bytes(text)))
            self._text = None

    def _decoded(self, text: bytes) -> str:
        try:
            return text.decode("utf-8")
        except UnicodeDecodeError:
            if not any(trouble is Trouble.TEXTS_TOO_LONG for trouble, _ in self.received.troubles):
                self.received.trouble(Trouble.NOT_UTF8)
            return text.decode("utf-8", "replace")

    def _take_file(self, file: "_ArrivingFile", event: Data) -> None:
        if event.data and not file.begun:
            self._begin(file)
        try:
            file.write(event.data)
            if not event.more_data:
                self._finish(file)
        except TooLarge:
            file.abort()
            self.received.trouble(Trouble.FILE_TOO_LARGE, file.name)
        except (CannotSeal, VaultUnavailable, CannotStore):
            file.abort()
            self.received.trouble(Trouble.NOT_ACCEPTED)
        if not event.more_data:
            # Whatever became of it: the next bytes are not this file's.
            self._file = None

    def _begin(self, file: "_ArrivingFile") -> None:
        if self._left is None:
            self._left = self._files_left(self.received.texts)
        file.begun = True
        if self._left < 1:
            self.received.trouble(Trouble.TOO_MANY_FILES)
            return
        if file.name_bytes() > NAME_BYTES:
            self.received.trouble(Trouble.NAME_TOO_LONG, file.name[:60])
            return
        try:
            file.sealer = self._open_sealer()
        except Busy:
            # Not drained: a slow upload would hold the thread that this refusal is to keep free.
            self.received.trouble(Trouble.BUSY)
            self.ended = True

    def _finish(self, file: "_ArrivingFile") -> None:
        if not file.begun and file.name:
            # A file of no bytes is a file; without a name it is a field in which no file was chosen.
            self._begin(file)
        if file.sealer is not None:
            self.received.attachments.append(file.sealer.finish(name=file.name, type=file.type))
            self._left = (self._left or 1) - 1


class _ArrivingFile:
    """One file's name, declared type and sealer; without a sealer its bytes are thrown away."""

    def __init__(self, untrusted_name: str, untrusted_type: str) -> None:
        # Browsers send a line break in a name in percent form. Some clients send the whole path, which often names a
        # person: only its last part is the file's name.
        name = untrusted_name.replace("%0D", "\r").replace("%0A", "\n")
        self.name = re.split(r"[/\\]", name)[-1]
        kind = untrusted_type.partition(";")[0].strip().lower()
        self.type = kind if _TYPE.fullmatch(kind) else _UNKNOWN_TYPE
        self.begun = False
        self.sealer: Sealer | None = None

    def name_bytes(self) -> int:
        """The name's length as it counts in a report; too long when it cannot be encoded."""
        try:
            return text_bytes(self.name)
        except BadReport:
            return NAME_BYTES + 1

    def write(self, data: bytes) -> None:
        """The file's next bytes."""
        if self.sealer is not None and data:
            self.sealer.write(data)

    def abort(self) -> None:
        """Give the file up; its further bytes are thrown away."""
        if self.sealer is not None:
            self.sealer.abort()
            self.sealer = None
