"""Sealing photographs: one that records a place or serial number is sealed again without it.

A file is sealed while it arrives, so its writer can only be asked afterwards. Since both copies are
kept, either answer takes one click and nothing is uploaded again.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

from dropbox.errors import CasedropError
from dropbox.front.file_entry import bytes_of, packed, text_of, unpacked
from dropbox.front.photo_traces import HEAD_BYTES, HeicReader, JpegStripper, is_heic, is_jpeg
from dropbox.front.uploads import Sealer
from dropbox.report import Attachment

# The first bytes, which tell the kind of a file.
_FIRST_BYTES = 12


@dataclass(frozen=True, repr=False)
class Photo:
    """A sealed file that records more than its picture; its writer is asked about that once.

    ``of``: the block key of the file. ``traces``: see dropbox.front.photo_traces. ``stripped``: the
    same picture without the traces, and without a name; None if they cannot be removed.
    """

    of: bytes
    traces: tuple[str, ...]
    stripped: Attachment | None
    asked: bool = False

    def after_asking(self) -> "Photo":
        """The same, marked so that its writer will not be asked again."""
        return replace(self, asked=True)

    def to_json(self) -> list[Any]:
        """The form it has inside a token."""
        stripped = None if self.stripped is None else packed(self.stripped)
        return [text_of(self.of), list(self.traces), stripped, int(self.asked)]

    @classmethod
    def from_json(cls, body: list[Any]) -> Self:
        """The photo of :meth:`to_json`."""
        of, traces, stripped, asked = body
        copy = None if stripped is None else unpacked(stripped)
        return cls(bytes_of(of), tuple(map(str, traces)), copy, bool(asked))


class PhotoSealer:
    """A Sealer that looks for traces in photographs.

    *finished* is called with the file and, if it is a photograph with traces, with those.

    The second sealing needs a place of its own. Without one, or when it fails, the file is sealed
    as it is, and the traces cannot be removed.
    """

    def __init__(
        self,
        open_sealer: Callable[[], Sealer],
        finished: Callable[[Attachment, Photo | None], object],
    ) -> None:
        self._open = open_sealer
        self._finished = finished
        self._file = open_sealer()
        self._first: bytes | None = b""
        self._jpeg: JpegStripper | None = None
        self._heic: HeicReader | None = None
        # The stripped JPEG, kept until it is clear whether the original has traces.
        self._held = bytearray()
        self._looked_at = 0
        self._decided = False
        self._copy: Sealer | None = None

    def write(self, data: bytes | memoryview) -> int:
        """See Sealer."""
        written = self._file.write(data)
        if self._first is not None:
            self._first += data
            if len(self._first) >= _FIRST_BYTES:
                first, self._first = self._first, None
                self._jpeg = JpegStripper() if is_jpeg(first) else None
                self._heic = HeicReader() if is_heic(first) else None
                self._look(first)
        else:
            self._look(data)
        return written

    def finish(self, *, name: str, type: str) -> Attachment:
        """See Sealer."""
        try:
            file = self._file.finish(name=name, type=type)
        except CasedropError:
            self._give_up_copy()
            raise
        traces = self._jpeg.traces if self._jpeg else set[str]()
        if self._heic is not None:
            self._heic.finish()
            traces = self._heic.traces
        stripped = self._finished_copy(type)
        photo = Photo(file.block_key, tuple(sorted(traces)), stripped) if traces else None
        self._finished(file, photo)
        return file

    def abort(self) -> None:
        """See Sealer."""
        self._file.abort()
        self._give_up_copy()

    def _look(self, data: bytes | memoryview) -> None:
        if self._heic is not None:
            self._heic.feed(data)
        if self._jpeg is None or (self._decided and self._copy is None):
            return
        left = self._jpeg.feed(data)
        if self._decided:
            self._copied(left)
            return
        self._held += left
        self._looked_at += len(data)
        if self._jpeg.drawing or self._jpeg.bad or self._looked_at > HEAD_BYTES:
            self._decided = True
            if self._jpeg.traces and not self._jpeg.bad:
                self._begin_copy()
            self._held.clear()

    def _begin_copy(self) -> None:
        try:
            self._copy = self._open()
        except CasedropError:
            return
        self._copied(bytes(self._held))

    def _copied(self, data: bytes) -> None:
        try:
            if self._copy is not None and data:
                self._copy.write(data)
        except CasedropError:
            self._give_up_copy()

    def _finished_copy(self, type: str) -> Attachment | None:
        """The sealed copy, if it is a whole picture."""
        if self._copy is None or self._jpeg is None or not self._jpeg.ended:
            self._give_up_copy()
            return None
        try:
            return self._copy.finish(name="", type=type)
        except CasedropError:
            self._give_up_copy()
            return None

    def _give_up_copy(self) -> None:
        if self._copy is not None:
            self._copy.abort()
            self._copy = None
