"""All bytes of a file, unpacked: what PDFs, PNGs and ZIPs hold, with a PDF's text and metadata."""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress

import pypdfium2

_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)


def unpacked(data: bytes) -> Iterator[bytes]:
    """*data* itself, and all that is packed in it."""
    yield data
    if data.startswith(b"%PDF-"):
        yield from _pdf(data)
    elif data.startswith(b"\x89PNG"):
        yield from (body for _, body in png_chunks(data))
    elif data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                yield entry.filename.encode() + entry.extra + entry.comment
                yield from unpacked(archive.read(entry))


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a PNG by kind; those of pixels are unpacked."""
    at = 8
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        yield kind, body
        at += 12 + length


def pdf_text(data: bytes) -> list[str]:
    """The text of each page."""
    with pypdfium2.PdfDocument(data) as document:
        return [document[at].get_textpage().get_text_range() for at in range(len(document))]


def pdf_metadata(data: bytes) -> dict[str, str]:
    """What a PDF says of itself, without what is empty."""
    with pypdfium2.PdfDocument(data) as document:
        return {key: value for key, value in document.get_metadata_dict().items() if value}


def _pdf(data: bytes) -> Iterator[bytes]:
    for found in _STREAM.finditer(data):
        try:
            yield zlib.decompress(found[1])
        except zlib.error:
            yield found[1]
    # One that does not open has no text, but its streams may hold something.
    with suppress(pypdfium2.PdfiumError):
        yield from (page.encode("utf-8", "replace") for page in pdf_text(data))
        yield from (value.encode() for value in pdf_metadata(data).values())
