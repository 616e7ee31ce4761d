"""Pages of a PDF as pixels, by PDFium as Chromium uses it, built without JavaScript."""

import math
import re

import pypdfium2
from pypdfium2 import raw

from scripts.desk.pictures.frames import MOST_PIXELS, MOST_SIDE, Page, Sender
from scripts.desk.pictures.notes import Note

# 150 pixels an inch: small print can be read.
_SCALE = 150 / 72
# Compressed parts are not searched: the note says what was found, and nothing is ever run.
_SCRIPT = re.compile(rb"/JavaScript\b|/JS\s*[(<0-9]")
_LAUNCH = re.compile(rb"/S\s*/(Launch|GoToR|GoToE|ImportData|SubmitForm)\b")


def draw(data: bytes, wanted: range, sender: Sender) -> None:
    """Send the pages of the PDF in *data* whose numbers, from 1, are *wanted*."""
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError:
        locked = raw.FPDF_GetLastError() in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY)
        sender.note(Note.ENCRYPTED if locked else Note.DAMAGED)
        return
    sender.count(len(document))
    _warn(document, data, sender)
    # Without this, text typed into a form is not drawn.
    document.init_forms()
    smaller = damaged = 0
    for number in range(max(wanted.start, 1), min(wanted.stop, len(document) + 1)):
        try:
            page, whole = _page(document, number)
        except (pypdfium2.PdfiumError, ValueError):
            damaged += 1
            continue
        smaller += not whole
        sender.page(page)
    for note, count in ((Note.SMALLER, smaller), (Note.DAMAGED_PAGE, damaged)):
        if count:
            sender.note(note, count)


def _page(document: pypdfium2.PdfDocument, number: int) -> tuple[Page, bool]:
    """Page *number*, and whether it has its usual size."""
    page = document[number - 1]
    try:
        width, height = page.get_size()
        if not (width > 0 and height > 0):
            raise ValueError("a page without an area")
        fits = min(math.sqrt(MOST_PIXELS / (width * height)), (MOST_SIDE - 1) / max(width, height))
        # Rounded up by PDFium in both directions.
        bitmap = page.render(scale=min(_SCALE, fits * 0.999), rev_byteorder=True)
        image = bitmap.to_pil().convert("RGB")
    finally:
        page.close()
    return Page(number, image.width, image.height, image.tobytes()), fits >= _SCALE


def _warn(document: pypdfium2.PdfDocument, data: bytes, sender: Sender) -> None:
    """Report what it asks for and does not get."""
    if raw.FPDFDoc_GetJavaScriptActionCount(document) > 0 or _SCRIPT.search(data):
        sender.note(Note.SCRIPTS)
    if _LAUNCH.search(data):
        sender.note(Note.LAUNCHES)
    carried = raw.FPDFDoc_GetAttachmentCount(document)
    if carried > 0:
        sender.note(Note.CARRIES, carried)
