"""Pixel copies of a file as they leave: drawn in the room, boxes burnt in, encoded as new PNGs.

Nothing of the file's own bytes is in them: no text, no layers, no metadata, no small preview.
"""

import queue
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import BinaryIO, NamedTuple

from dropbox.errors import CasedropError
from scripts.desk.case import FileOfPart
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.evidence import unaltered
from scripts.desk.file_access import drawing_seconds
from scripts.desk.pictures.drawing_room import Room
from scripts.desk.pictures.frames import MOST_PAGES, Page
from scripts.desk.pictures.kinds import HEAD_BYTES, IMAGES, Kind, kind_of
from scripts.desk.pictures.look import Shown, look
from scripts.desk.redaction.boxes import mark_of
from scripts.desk.redaction.leaving_words import LeavingWords
from scripts.desk.redaction.standing import Burnt, Standing

# Everything in such a file is on its pages. A recording would only have stills.
_PICTURED = frozenset({Kind.PDF, Kind.OFFICE, Kind.ZIP, *IMAGES})


class RedactionError(CasedropError):
    """This cannot be blacked out."""


class Copy(NamedTuple):
    """A page as a PNG file: page ``number`` (from 1) of a file, or a slip sheet in its place.

    For a slip sheet, ``withheld`` says why; its number is 0 if it replaces the whole file.
    """

    number: int
    png: bytes
    withheld: str = ""

    def __repr__(self) -> str:
        """Without the pixels, which are plaintext."""
        return f"Copy({self.number}, {len(self.png)} bytes)"


def pages(
    casebook: Casebook, redactions: Standing, file: FileOfPart, room: Room
) -> Generator[Copy]:
    """The pages of *file* in order, one in memory at a time, with its boxes burnt in.

    A page that cannot be drawn, or a file that cannot be pictured, becomes a slip sheet. Raises
    NoRoom, EvidenceError, or RedactionError if a box is on a page that the file does not have.
    """
    sha256 = file.attachment.sha256
    if reasons := redactions.withheld(sha256):
        yield slip_sheet(0, redactions.words.redacted(reasons))
        return
    with unaltered(casebook, file) as content:
        if kind_of(content.read(HEAD_BYTES)) not in _PICTURED:
            yield slip_sheet(0, redactions.words.word("no_kind"))
            return
        yield from _copies(content, redactions.burnt(sha256), room, redactions.words)


def slip_sheet(number: int, why: str) -> Copy:
    """A page that replaces page *number*, or the whole file for 0."""
    # Loaded only when there is a page.
    from scripts.desk.pictures.blackening import sheet  # noqa: PLC0415
    from scripts.desk.pictures.png import png_of  # noqa: PLC0415

    if not why.isascii():
        # Only a preview shows this sheet, and previews are in English.
        return Copy(number, b"", why)
    of = f"PAGE {number}" if number else "FILE"
    lines = (f"{of} WITHHELD", "", why[0].upper() + why[1:] + ".")
    return Copy(number, png_of(sheet(number, lines)), why)


def _copies(
    content: BinaryIO, burnt: Sequence[Burnt], room: Room, words: LeavingWords
) -> Iterator[Copy]:
    damaged = words.word("damaged")
    boxes: dict[int, list[Burnt]] = {}
    for one in burnt:
        boxes.setdefault(one.page, []).append(one)
    total, first = 0, 1
    while True:
        drawing = _Drawing(content, range(first, first + MOST_PAGES), room, boxes)
        expected = first
        for copy in drawing.copies():
            yield from (slip_sheet(number, damaged) for number in range(expected, copy.number))
            yield copy
            expected = copy.number + 1
        total = drawing.shown.total
        if not total or drawing.shown.kind is Kind.ZIP:
            yield slip_sheet(0, words.word("no_picture"))
            return
        if expected <= total and expected < first + MOST_PAGES:
            # Whatever stopped it would stop it again; the number of pages is the file's own claim.
            yield slip_sheet(expected, words.word("rest") if expected < total else damaged)
            break
        first += MOST_PAGES
        if first > total:
            break
    if missing := [page for page in boxes if not 1 <= page <= total]:
        raise RedactionError(
            f"A box is on page {missing[0]} of a file that has {total} here. Take it back, or "
            "black out the whole file."
        )


class _Drawing:
    """The room draws on a thread of its own and waits while a copy is waiting to be taken."""

    def __init__(
        self, content: BinaryIO, wanted: range, room: Room, boxes: Mapping[int, Sequence[Burnt]]
    ) -> None:
        self.shown = Shown(Kind.EMPTY)
        self._content, self._wanted, self._room, self._boxes = content, wanted, room, boxes
        self._made = queue.Queue[Copy | None](maxsize=1)
        self._stopped = threading.Event()

    def copies(self) -> Iterator[Copy]:
        """The pages that could be drawn. Raises what drawing raises."""
        with ThreadPoolExecutor(max_workers=1) as pool:
            drawing = pool.submit(self._run)
            try:
                while (copy := self._made.get()) is not None:
                    yield copy
                self.shown = drawing.result()
            finally:
                self._stopped.set()
                while not drawing.done():
                    # It may be waiting to hand over a page that is no longer wanted.
                    with suppress(queue.Empty):
                        self._made.get(timeout=0.05)

    def _run(self) -> Shown:
        try:
            self._content.seek(0)
            return look(
                self._content,
                self._wanted,
                self._room,
                self._take,
                seconds=drawing_seconds(self._wanted),
                stopped=self._stopped.is_set,
            )
        finally:
            self._made.put(None)

    def _take(self, page: Page) -> None:
        from scripts.desk.pictures.blackening import blackened  # noqa: PLC0415
        from scripts.desk.pictures.png import png_of  # noqa: PLC0415

        marks = [mark_of(page, one.box, one.reason) for one in self._boxes.get(page.number, ())]
        self._made.put(Copy(page.number, png_of(blackened(page, marks))))
