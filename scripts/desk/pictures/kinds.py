"""What a file is, by its first bytes, never by its name or declared type."""

import re
from enum import StrEnum

# How much of the beginning decides; tar has its mark at byte 257, PDF anywhere in the first 1,024.
HEAD_BYTES = 4_096
_PDF_WITHIN = 1_024
_TAR_AT = 257


class Kind(StrEnum):
    """A kind of file, as a sentence names it."""

    PDF = "a PDF"
    PNG = "a PNG picture"
    JPEG = "a JPEG picture"
    GIF = "a GIF picture"
    BMP = "a BMP picture"
    TIFF = "a TIFF picture"
    WEBP = "a WebP picture"
    AVIF = "an AVIF picture"
    HEIC = "a HEIC picture"
    ZIP = "a ZIP archive"
    TAR = "a tar archive"
    PACKED = "a packed file"
    OTHER_ARCHIVE = "an archive (7z or RAR)"
    OFFICE = "an Office document"
    RECORDING = "a recording (sound or video)"
    WECHAT_VOICE = "a voice message (SILK)"
    PROGRAM = "a program"
    SEALED = "a message sealed with OpenPGP"
    TEXT = "a text"
    EMPTY = "an empty file"
    UNKNOWN = "a file of no known kind"


IMAGES = frozenset(
    {Kind.PNG, Kind.JPEG, Kind.GIF, Kind.BMP, Kind.TIFF, Kind.WEBP, Kind.AVIF, Kind.HEIC}
)
# Brands of ISO media files after "ftyp"; all others hold sound or video.
_BRANDS = {
    b"avif": Kind.AVIF, b"avis": Kind.AVIF, b"heic": Kind.HEIC, b"heix": Kind.HEIC,
    b"hevc": Kind.HEIC, b"heim": Kind.HEIC, b"heis": Kind.HEIC, b"mif1": Kind.HEIC,
    b"msf1": Kind.HEIC,
}  # fmt: skip
# What is inside RIFF, at byte 8.
_RIFF = {b"WEBP": Kind.WEBP, b"AVI ": Kind.RECORDING, b"WAVE": Kind.RECORDING}
_BEGINNINGS = (
    (b"%PDF-", Kind.PDF),
    (b"\x89PNG\r\n\x1a\n", Kind.PNG),
    (b"\xff\xd8\xff", Kind.JPEG),
    (b"GIF87a", Kind.GIF),
    (b"GIF89a", Kind.GIF),
    (b"BM", Kind.BMP),
    (b"II*\0", Kind.TIFF),
    (b"MM\0*", Kind.TIFF),
    (b"PK\x03\x04", Kind.ZIP),
    (b"PK\x05\x06", Kind.ZIP),
    (b"7z\xbc\xaf\x27\x1c", Kind.OTHER_ARCHIVE),
    (b"Rar!\x1a\x07", Kind.OTHER_ARCHIVE),
    (b"\x1f\x8b\x08", Kind.PACKED),
    (b"BZh", Kind.PACKED),
    (b"\xfd7zXZ\0", Kind.PACKED),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind.OFFICE),
    (b"{\\rtf", Kind.OFFICE),
    (b"\x1a\x45\xdf\xa3", Kind.RECORDING),
    (b"ID3", Kind.RECORDING),
    (b"\xff\xfb", Kind.RECORDING),
    (b"\xff\xf3", Kind.RECORDING),
    (b"\xff\xf1", Kind.RECORDING),
    (b"OggS", Kind.RECORDING),
    (b"fLaC", Kind.RECORDING),
    (b"#!AMR", Kind.RECORDING),
    (b"FLV\x01", Kind.RECORDING),
    (b"#!SILK", Kind.WECHAT_VOICE),
    (b"\x02#!SILK", Kind.WECHAT_VOICE),
    (b"-----BEGIN PGP MESSAGE-----", Kind.SEALED),
    (b"MZ", Kind.PROGRAM),
    (b"\x7fELF", Kind.PROGRAM),
)
# The beginning of a packet with a session key for one recipient (RFC 9580, 4.2 and 5.1): its tag, a
# length of one or two bytes, then version 3.
_SEALED = re.compile(rb"\x84.\x03|\x85..\x03|\xc1[\x00-\xbf]\x03|\xc1[\xc0-\xdf].\x03", re.DOTALL)
# Two or three letters could also begin a text, so what follows must not be text.
_WEAK = frozenset({b"BM", b"MZ", b"BZh", b"ID3"})


def kind_of(head: bytes) -> Kind:
    """The kind of a file that begins with *head* (HEAD_BYTES of it, or all)."""
    if not head:
        return Kind.EMPTY
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], Kind.RECORDING)
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12], Kind.TEXT)
    for begins, kind in _BEGINNINGS:
        if head.startswith(begins) and not (begins in _WEAK and _reads(head)):
            return kind
    further = (
        (_SEALED.match(head) is not None, Kind.SEALED),
        (head[_TAR_AT : _TAR_AT + 5] == b"ustar", Kind.TAR),
        # PDF readers skip what comes before it.
        (b"%PDF-" in head[:_PDF_WITHIN], Kind.PDF),
    )
    return next((kind for found, kind in further if found), Kind.TEXT)


def _reads(head: bytes) -> bool:
    """Whether *head* has no control characters except those used in texts."""
    return not any(byte < 9 or 13 < byte < 32 for byte in head)
