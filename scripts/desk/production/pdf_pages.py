"""Pages as a PDF: text that can be selected and searched, the part of each typeface that it needs,
and no metadata but a title. The same pages give the same bytes.
"""

import io
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from fpdf import FPDF
from fpdf.fonts import TTFFont
from fpdf.output import OutputProducer, PDFInfo

from scripts.desk.production.faces import Faces
from scripts.desk.production.page_layout import HEIGHT, WIDTH, Mark, Page, Picture, Stroke, Text

_NO_TIME = datetime(1980, 1, 1, tzinfo=UTC)


class _Document(FPDF):
    """A PDF that names neither time, program nor itself."""

    def __init__(self, title: str) -> None:
        super().__init__(unit="pt", format=(WIDTH, HEIGHT))
        self.set_title(title)
        self.set_creation_date(_NO_TIME)

    def file_id(self) -> None:
        """None: it has no identifier."""


class _Producer(OutputProducer):
    def _add_info(self) -> PDFInfo:
        """Only the title."""
        info = super()._add_info()
        info.creation_date = None  # type: ignore[assignment]
        return info


def pdf_of(faces: Faces, title: str, pages: Sequence[Page]) -> bytes:
    """The bytes of a PDF of *pages*."""
    document = _Document(title)
    for number, face in enumerate(faces.faces):
        if used := {one for text in _texts(pages) if text.face == number for one in text.text}:
            key = _key(number)
            part = io.BytesIO(face.part(used))
            # In memory: a file would show which characters a case has.
            document.fonts[key] = TTFFont(document, part, key, "")  # type: ignore[arg-type]
    for page in pages:
        document.add_page()
        for mark in page:
            _draw(document, mark)
    return bytes(document.output(output_producer_class=_Producer))


def _key(face: int) -> str:
    return f"face{face}"


def _texts(pages: Sequence[Page]) -> Iterator[Text]:
    return (mark for page in pages for mark in page if isinstance(mark, Text))


def _draw(document: FPDF, mark: Mark) -> None:
    if isinstance(mark, Text):
        document.set_font(_key(mark.face), size=mark.size)
        document.set_text_color(round(255 * mark.grey))
        document.text(mark.x, mark.y, mark.text)
    elif isinstance(mark, Stroke):
        document.set_draw_color(round(255 * mark.grey))
        document.line(mark.x, mark.y, mark.to_x, mark.to_y)
    elif isinstance(mark, Picture):
        document.image(io.BytesIO(mark.jpeg), mark.x, mark.y, mark.width, mark.height)
