"""Small files made to do harm, or damaged, and the honest ones beside them."""

import gzip
import io
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Sequence

from PIL import Image

RED = (255, 0, 0)
ESCAPE = "\x1b[2J\u202e"


def pdf(
    pages: int = 1, size: tuple[int, int] = (72, 72), catalog: str = "", objects: Sequence[str] = ()
) -> bytes:
    """A PDF of red pages of *size* points; *objects* have the numbers from 10 on."""
    kids = " ".join(f"{100 + number} 0 R" for number in range(pages))
    paint = f"1 0 0 rg 0 0 {size[0]} {size[1]} re f"
    named = {
        1: f"<< /Type /Catalog /Pages 2 0 R {catalog} >>",
        2: f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>",
        3: f"<< /Length {len(paint)} >>\nstream\n{paint}\nendstream",
    }
    named |= dict(enumerate(objects, 10))
    for number in range(pages):
        named[100 + number] = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {size[0]} {size[1]}] /Contents 3 0 R >>"
        )
    body, offsets = b"%PDF-1.7\n", {}
    for number, text in named.items():
        offsets[number] = len(body)
        body += f"{number} 0 obj\n{text}\nendobj\n".encode("latin-1")
    table = "xref\n0 1\n0000000000 65535 f \n" + "".join(
        f"{number} 1\n{offset:010} 00000 n \n" for number, offset in offsets.items()
    )
    trailer = f"trailer\n<< /Size {max(named) + 1} /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF\n"
    return body + (table + trailer).encode()


def scripted_pdf() -> bytes:
    """It asks to run JavaScript when it is opened."""
    return pdf(catalog="/OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >>")


def launching_pdf() -> bytes:
    """It asks to start a program when it is opened."""
    return pdf(catalog="/OpenAction << /S /Launch /F (/bin/sh) >>")


def carrying_pdf() -> bytes:
    """It carries a file inside."""
    return pdf(
        catalog="/Names << /EmbeddedFiles << /Names [(a.exe) 10 0 R] >> >>",
        objects=[
            "<< /Type /Filespec /F (a.exe) /EF << /F 11 0 R >> >>",
            "<< /Type /EmbeddedFile /Length 2 >>\nstream\nMZ\nendstream",
        ],
    )


def encrypted_pdf() -> bytes:
    """A password that nobody here has."""
    key = "<" + "00" * 32 + ">"
    whole = pdf(objects=[f"<< /Filter /Standard /V 1 /R 2 /O {key} /U {key} /P -4 >>"])
    return whole.replace(b"/Root 1 0 R", b"/Root 1 0 R /Encrypt 10 0 R /ID [<00><00>]")


def looping_pdf() -> bytes:
    """Its page tree is its own child."""
    return pdf().replace(b"/Kids [100 0 R]", b"/Kids [2 0 R  ]")


def png(width: int, height: int, rows: bytes = b"") -> bytes:
    """A PNG that says it has this size, with *rows* as its compressed pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    return start + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def image(size: tuple[int, int] = (4, 2), format: str = "PNG", **options: object) -> bytes:
    """A red picture."""
    out = io.BytesIO()
    Image.new("RGB", size, RED).save(out, format, **options)
    return out.getvalue()


def archive(*files: tuple[str, bytes], link: str = "", locked: bool = False) -> bytes:
    """A ZIP archive; *link*: the name of a link to /etc/passwd in it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files:
            made.writestr(name, data)
        if link:
            entry = zipfile.ZipInfo(link)
            entry.external_attr = (stat.S_IFLNK | 0o777) << 16
            made.writestr(entry, "/etc/passwd")
    listed = bytearray(out.getvalue())
    if locked:
        # The flags of the last entry in the list at the end.
        listed[listed.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(listed)


def packed_archive(*files: tuple[str, bytes], link: str = "") -> bytes:
    """A tar.gz."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        for name, data in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            made.addfile(entry, io.BytesIO(data))
        if link:
            entry = tarfile.TarInfo(link)
            entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
            made.addfile(entry)
    return gzip.compress(out.getvalue(), mtime=0)


def document() -> bytes:
    """What says that it is a document of Word, and is none."""
    return archive(("[Content_Types].xml", b"<Types/>"), ("word/document.xml", b"<w/>"))
