"""Reading a posted form as it arrives: texts into limited memory, each file straight into sealing.

Werkzeug's own form parser would write files to the disk unencrypted; this uses its incremental
decoder directly.
"""

import math
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto, unique
from typing import Protocol

from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import (
    Data,
    Epilogue,
    Event,
    Field,
    File,
    MultipartDecoder,
)

from dropbox.errors import (
    BadReport,
    CannotSeal,
    CannotStore,
    CasedropError,
    NoRoomForFiles,
    TooLarge,
    VaultUnavailable,
)
from dropbox.front.multipart import PatientStream, Piece, PostTooLarge, Source, events
from dropbox.report import NAME_BYTES, Attachment, text_bytes

# All texts of one page, including the padding field: four times as much as a report holds, so that
# a text that is too long comes back whole instead of cut off.
TEXTS_BYTES = 1_048_576
# A browser sends at most about 130 parts: all harms and optional answers, ten files, and the texts.
MAX_PARTS = 192
# The last field of each of our forms.
LAST_FIELD = "end"
# Our field names are short. Others are cut off: TEXTS_BYTES does not count the memory they take.
_FIELD_CHARACTERS = 64
_DECODER_BYTES = 262_144
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}")
_SENT_NAME = re.compile(r';\s*filename="((?:[^"\\]|\\.)*)"', re.DOTALL)
_UNKNOWN_TYPE = "application/octet-stream"


@unique
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
    TOO_MUCH = auto()
    NO_ROOM = auto()
    NOT_ACCEPTED = auto()


class Busy(CasedropError):
    """This server is busy with as much work as it can do at once; try again in a few minutes."""

    trouble = Trouble.BUSY


class TooMuch(Busy):
    """One circuit asked for more than its allowance, which has enough again after *seconds*."""

    trouble = Trouble.TOO_MUCH

    def __init__(self, seconds: float) -> None:
        super().__init__()
        # At least two: nobody has to read "1 minutes" or comes back a moment too early.
        self.minutes = max(2, math.ceil(seconds / 60))


def no_files() -> "Sealer":
    """For a form that has no files. Raises Busy."""
    raise Busy


class Sealer(Protocol):
    """Seals one file; see dropbox.sealing.AttachmentSealer."""

    def write(self, data: bytes | memoryview) -> int:
        """Take the next bytes, which are valid only until this returns."""

    def finish(self, *, name: str, type: str) -> Attachment:
        """The file's entry for its report."""

    def abort(self) -> None:
        """Give up."""


@dataclass(repr=False)
class ReceivedForm:
    """A posted form.

    ``troubles`` has (trouble, file name), each once; "" is for the whole form. ``lost``: the names
    of the files that began to arrive and were not taken. ``complete``: the form was read to its
    end.
    """

    texts: MultiDict[str, str] = field(default_factory=MultiDict)
    attachments: list[Attachment] = field(default_factory=list)
    troubles: list[tuple[Trouble, str]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    complete: bool = False

    @property
    def cut_page(self) -> bool:
        """Whether it arrived completely, but from a page that its browser had not fully loaded."""
        return self.complete and LAST_FIELD not in self.texts

    def trouble(self, trouble: Trouble, name: str = "") -> None:
        """Note *trouble* once."""
        if (trouble, name) not in self.troubles:
            self.troubles.append((trouble, name))


def receive(
    stream: Source,
    content_type: str,
    *,
    limit_bytes: int,
    files_left: Callable[[MultiDict[str, str]], int],
    open_sealer: Callable[[], Sealer],
    drains: threading.Semaphore | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> ReceivedForm:
    """Read a multipart form from *stream*.

    Never raises for bad or incomplete input: see ``troubles``. At the first file, *files_left* is
    called with the texts before it and returns how many more files the page can have. *open_sealer*
    starts sealing one file, or raises Busy. *drains*: the places for reading on after Busy; if none
    is free, reading ends. *clock* is in seconds.
    """
    form = _Form(ReceivedForm(), files_left, open_sealer, drains or threading.Semaphore(0))
    try:
        kind, options = parse_options_header(content_type)
        if kind != "multipart/form-data" or not options.get("boundary"):
            raise ValueError
        decoder = MultipartDecoder(
            options["boundary"].encode("ascii"),
            max_form_memory_size=_DECODER_BYTES,
            max_parts=MAX_PARTS,
        )
        for event in events(PatientStream(stream, clock), decoder, limit_bytes):
            form.handle(event)
            if form.ended:
                break
    except PostTooLarge:
        form.received.trouble(Trouble.POST_TOO_LARGE)
    except (ValueError, OSError, ClientDisconnected, RequestEntityTooLarge):
        # A lost connection, a body shorter than announced, or bytes that are not a form.
        form.received.trouble(Trouble.BROKEN_OFF)
    finally:
        form.close()
    return form.received


class _Form:
    """A form while it arrives: handles the bytes of the current part."""

    def __init__(
        self,
        received: ReceivedForm,
        files_left: Callable[[MultiDict[str, str]], int],
        open_sealer: Callable[[], Sealer],
        drains: threading.Semaphore,
    ) -> None:
        self.received = received
        self.ended = False
        self._files_left = files_left
        self._open_sealer = open_sealer
        self._drains = drains
        self._draining = False
        self._left: int | None = None
        self._room = TEXTS_BYTES
        self._name = ""
        self._text: bytearray | None = None
        self._file: _ArrivingFile | None = None

    def handle(self, event: Event | Piece) -> None:
        """Handle the decoder's next event."""
        if isinstance(event, Field):
            self._name, self._text = (event.name or "")[:_FIELD_CHARACTERS], bytearray()
        elif isinstance(event, File):
            self._file = _ArrivingFile(_sent_name(event), event.headers.get("content-type", ""))
        elif isinstance(event, Piece):
            self._handle_data(event.data, more=True)
        elif isinstance(event, Data):
            self._handle_data(event.data, more=event.more_data)
        elif isinstance(event, Epilogue):
            self.received.complete = True

    def close(self) -> None:
        """End the form: a file that is incomplete is abandoned."""
        if self._file is not None:
            self._file.abort()
            if self._file.begun or self._file.name:
                self.received.lost.append(self._file.name)
        if self._draining:
            self._drains.release()

    def _handle_data(self, data: bytes | memoryview, *, more: bool) -> None:
        if self._file is not None:
            self._handle_file(self._file, data, more=more)
        elif self._text is not None:
            self._handle_text(self._text, data, more=more)

    def _handle_text(self, text: bytearray, data: bytes | memoryview, *, more: bool) -> None:
        # A truncated text is never sealed: the trouble prevents filing.
        if len(data) > self._room:
            self.received.trouble(Trouble.TEXTS_TOO_LONG)
        text += data[: self._room]
        self._room -= min(len(data), self._room)
        if not more:
            self.received.texts.add(self._name, self._decoded(bytes(text)))
            self._text = None

    def _decoded(self, text: bytes) -> str:
        try:
            return text.decode("utf-8")
        except UnicodeDecodeError:
            if not any(trouble is Trouble.TEXTS_TOO_LONG for trouble, _ in self.received.troubles):
                self.received.trouble(Trouble.NOT_UTF8)
            return text.decode("utf-8", "replace")

    def _handle_file(self, file: "_ArrivingFile", data: bytes | memoryview, *, more: bool) -> None:
        if data and not file.begun:
            self._begin(file)
        try:
            file.write(data)
            if not more:
                self._finish(file)
        except TooLarge:
            self._lose(file, Trouble.FILE_TOO_LARGE, file.name)
        except Busy:
            # The vault has more to write than it can keep up with.
            self._lose(file, Trouble.BUSY)
        except NoRoomForFiles:
            self._lose(file, Trouble.NO_ROOM)
        except (CannotSeal, VaultUnavailable, CannotStore):
            self._lose(file, Trouble.NOT_ACCEPTED)
        if not more:
            # In any case: the next bytes belong to another part.
            self._file = None

    def _lose(self, file: "_ArrivingFile", trouble: Trouble, name: str = "") -> None:
        file.abort()
        self.received.trouble(trouble, name)
        self.received.lost.append(file.name)

    def _begin(self, file: "_ArrivingFile") -> None:
        if self._left is None:
            self._left = self._files_left(self.received.texts)
        file.begun = True
        if self._left < 1:
            self._lose(file, Trouble.TOO_MANY_FILES)
            return
        if file.name_bytes() > NAME_BYTES:
            self._lose(file, Trouble.NAME_TOO_LONG, file.name[:60])
            return
        try:
            file.sealer = self._open_sealer()
        except Busy as why:
            self._lose(file, why.trouble)
            self._draining = self._draining or self._drains.acquire(blocking=False)
            # Without a place the rest is not read: slow uploads would hold all threads, and this
            # refusal should free one.
            self.ended = not self._draining

    def _finish(self, file: "_ArrivingFile") -> None:
        if not file.begun and file.name:
            # An empty file is a file; but without a name, no file was chosen in this field.
            self._begin(file)
        if file.sealer is not None:
            self.received.attachments.append(file.sealer.finish(name=file.name, type=file.type))
            self._left = (self._left or 1) - 1


def _sent_name(file: File) -> str:
    """A file's name as its browser sent it.

    Browsers write a backslash as it is; Werkzeug takes it for the beginning of an escape, and would
    join the parts of a Windows path into one name.
    """
    sent = _SENT_NAME.search(file.headers.get("content-disposition", ""))
    return sent.group(1).replace("%22", '"') if sent and "\\" in sent.group(1) else file.filename


class _ArrivingFile:
    """A file's name, declared type and sealer; without a sealer its bytes are discarded."""

    def __init__(self, untrusted_name: str, untrusted_type: str) -> None:
        # Browsers send a line break in a name percent-encoded. Some clients send the whole path,
        # which often contains a person's name: only the last part is the file's name.
        name = untrusted_name.replace("%0D", "\r").replace("%0A", "\n")
        self.name = re.split(r"[/\\]", name)[-1]
        kind = untrusted_type.partition(";")[0].strip().lower()
        self.type = kind if _TYPE.fullmatch(kind) else _UNKNOWN_TYPE
        self.begun = False
        self.sealer: Sealer | None = None

    def name_bytes(self) -> int:
        """The name's length in a report; more than NAME_BYTES if it cannot be encoded."""
        try:
            return text_bytes(self.name)
        except BadReport:
            return NAME_BYTES + 1

    def write(self, data: bytes | memoryview) -> None:
        """Take the file's next bytes."""
        if self.sealer is not None and data:
            self.sealer.write(data)

    def abort(self) -> None:
        """Abandon the file; further bytes are discarded."""
        if self.sealer is not None:
            self.sealer.abort()
            self.sealer = None
