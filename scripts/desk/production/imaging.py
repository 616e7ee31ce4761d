"""The pictures of a document's pages, each under a number of its own.

A text is drawn as it leaves. A file is drawn in the room, with its redactions blacked out; if that
is impossible, a slip sheet says why, and whether the file itself is handed over.
"""

from collections.abc import Iterator
from typing import NamedTuple

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.productions import page_number
from scripts.desk.pictures.drawing_room import Room
from scripts.desk.production.dossier_words import Words
from scripts.desk.production.records import Document
from scripts.desk.redaction.copies import Copy, pages
from scripts.desk.redaction.standing import Standing

IMAGES = "images"


class Imaged(NamedTuple):
    """A page: its number, its place in what is handed over, and its PNG.

    ``small`` is a JPEG of it for the dossier, with its width and height in pixels; None for a text.
    """

    number: str
    path: str
    png: bytes
    small: tuple[bytes, tuple[int, int]] | None

    def __repr__(self) -> str:
        """Without the pixels, which are plaintext."""
        return f"Imaged({self.number})"


def imaged(
    casebook: Casebook, redactions: Standing, one: Document, room: Room | None, word: Words
) -> Iterator[Imaged]:
    """The pages of *one* in order, at least one, one in memory at a time; *word* gives the labels.

    Without a *room* there are slip sheets for files. Raises NoRoom, EvidenceError, or
    RedactionError if a box is on a page that its file does not have.
    """
    # Loaded only when something is handed over.
    from scripts.desk.production import page_pictures  # noqa: PLC0415

    if one.file is None:
        head = word(
            "text_head",
            code=one.kind,
            kind=word(one.kind),
            day=one.part.day,
            language=one.part.report.language,
        )
        images = page_pictures.text_pages(head, (one.text or b"").decode())
        for at, image in enumerate(images, 1):
            yield _imaged(one, at, page_pictures.numbered(image, page_number(one.number, at)), None)
        return
    copies: Iterator[Copy] = (
        iter([Copy(0, b"", word("no_room"))])
        if room is None
        else pages(casebook, redactions, one.file, room)
    )
    for at, copy in enumerate(copies, 1):
        image = (
            page_pictures.slip_sheet(_slip(one, copy, word))
            if copy.withheld
            else page_pictures.opened(copy.png)
        )
        png = page_pictures.numbered(image, page_number(one.number, at))
        yield _imaged(one, at, png, page_pictures.small(image))


def _imaged(
    one: Document, at: int, png: bytes, small: tuple[bytes, tuple[int, int]] | None
) -> Imaged:
    number = page_number(one.number, at)
    return Imaged(number, f"{IMAGES}/{number}.png", png, small)


def _slip(one: Document, copy: Copy, word: Words) -> list[str]:
    """What a slip sheet says about page ``copy.number`` of *one*, or about all of it."""
    return [
        word("slip_page" if copy.number else "slip_file", number=one.number, page=copy.number),
        word("slip_why", why=copy.withheld),
        word("slip_withheld" if one.redacted else "slip_native", path=one.path),
    ]
