"""What a photograph records besides the picture: the place, and the camera's serial numbers.

It is read while the file arrives, in bounded memory. No library does this on a stream: those that
know the formats need the whole file, and decode the picture. Here nothing is decoded: a JPEG is cut
into its segments, and those that say anything but how to draw it are left out.
"""

import re
import struct
from collections.abc import Iterator

PLACE, SERIAL = "place", "serial"

# How much of a JPEG is examined before its picture; a camera's own notes come first.
HEAD_BYTES = 262_144
# How much of a HEIC's metadata is examined.
_WINDOW_BYTES = 65_536
_HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}

# Tags of TIFF 6.0 and Exif 3.0.
_ORIENTATION, _EXIF_IFD, _GPS_IFD, _CAMERA_SERIAL = 0x0112, 0x8769, 0x8825, 0xC62F
_SERIALS = {0xA430, 0xA431, 0xA435, _CAMERA_SERIAL}  # owner, body, lens, camera
_POSITION = {2, 4}  # latitude, longitude
_ENTRIES = 512
_ENTRY_BYTES = 12
_TEXT, _SHORT, _LONG = 2, 3, 4
# The types whose values are read: text, the picture's orientation, the offset of a directory.
_BYTES_OF = {_TEXT: 1, _SHORT: 2, _LONG: 4}

# Adobe's XMP, and the datasets of IPTC for a city, a part of it, a province and a country.
_IN_XMP = {b"GPSLatitude": PLACE, b"SerialNumber": SERIAL}
_IN_IPTC = re.compile(rb"\x1c\x02[\x5a\x5c\x5f\x65]")

_START, _PICTURE, _END = 0xD8, 0xDA, 0xD9
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD8)}
# In a picture, 0xFF is followed by 0x00, a restart marker or filling; all else ends it.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


class Tiff:
    """A camera's notes in *data*, which begins with a TIFF header; anything malformed counts as
    empty.

    ``traces``: PLACE, SERIAL. ``orientation``: 1 to 8, how to turn the picture.
    """

    def __init__(self, data: bytes) -> None:
        self.traces: set[str] = set()
        self.orientation = 1
        self._data = data
        self._order = {b"II": "<", b"MM": ">"}.get(data[:2], "")
        if self._order:
            self._read(self._number("I", 4))

    def _read(self, first: int) -> None:
        for tag, kind, count, value in self._entries(first):
            if tag == _ORIENTATION and kind == _SHORT:
                turned = self._number("H", value)
                self.orientation = turned if turned in range(1, 9) else 1
            elif tag == _EXIF_IFD:
                for inner, inner_kind, inner_count, at in self._entries(self._number("I", value)):
                    self._note_serial(inner, inner_kind, inner_count, at)
            elif tag == _GPS_IFD:
                found = {one[0] for one in self._entries(self._number("I", value)) if one[2]}
                self.traces |= {PLACE} if found & _POSITION else set()
            self._note_serial(tag, kind, count, value)

    def _note_serial(self, tag: int, kind: int, count: int, value: int) -> None:
        if tag in _SERIALS and kind == _TEXT and self._data[value : value + count].strip(b"\0 "):
            self.traces.add(SERIAL)

    def _entries(self, at: int) -> Iterator[tuple[int, int, int, int]]:
        """(tag, type, count, where its value is) of each entry of the directory at *at*."""
        for number in range(min(self._number("H", at), _ENTRIES)):
            entry = at + 2 + number * _ENTRY_BYTES
            kind, count = self._number("H", entry + 2), self._number("I", entry + 4)
            value = entry + 8
            if count * _BYTES_OF.get(kind, 1) > 4:
                value = self._number("I", value)
            yield self._number("H", entry), kind, count, value

    def _number(self, form: str, at: int) -> int:
        """The number at *at*; 0 outside the data, where no directory can be."""
        try:
            return int(struct.unpack_from(self._order + form, self._data, at)[0])
        except struct.error:
            return 0


class JpegStripper:
    """Takes a JPEG as it arrives and gives it back without its notes.

    It keeps how to draw the picture, its colours (JFIF, ICC profile, Adobe) and its orientation.
    Everything after the picture is removed too, such as a film of the same moment. ``traces``:
    those found so far. ``drawing``: whether the picture itself has begun. ``bad``: this is not a
    complete JPEG.
    """

    def __init__(self) -> None:
        self.traces: set[str] = set()
        self.drawing = self.ended = self.bad = False
        self._buffer = bytearray()
        self._begun = self._scanning = False

    def feed(self, data: bytes | memoryview) -> bytes:
        """The next bytes, stripped. Keeps at most one segment of 64 KiB in memory."""
        if self.ended or self.bad:
            return b""
        self._buffer += data
        kept = bytearray()
        while not (self.ended or self.bad):
            part = self._scan() if self._scanning else self._segment()
            if part is None:
                break
            kept += part
        return bytes(kept)

    def _scan(self) -> bytes | None:
        """Bytes of the picture up to its next marker."""
        found = _MARKER.search(self._buffer)
        if found:
            self._scanning = False
            return self._taken(found.start())
        # The last byte may be the first half of a marker.
        return self._taken(len(self._buffer) - 1) if len(self._buffer) > 1 else None

    def _segment(self) -> bytes | None:
        """The next segment, stripped; None if it has not arrived completely."""
        buffer = self._buffer
        while len(buffer) >= 2 and buffer[0] == buffer[1] == 0xFF:
            del buffer[0]
        if len(buffer) < 2:
            return None
        marker = buffer[1]
        if buffer[0] != 0xFF or self._begun != (marker != _START):
            self.bad = True
            return None
        self._begun = True
        if marker == _END:
            self.ended = True
        if marker in (_START, _END) or marker in _WITHOUT_LENGTH:
            return self._taken(2)
        length = int.from_bytes(buffer[2:4], "big")
        if len(buffer) < 4 or len(buffer) < 2 + length:
            return None
        segment = self._taken(2 + max(length, 2))
        if marker == _PICTURE:
            self.drawing = self._scanning = True
        return self._left_of(marker, segment)

    def _left_of(self, marker: int, segment: bytes) -> bytes:
        content = segment[4:]
        if marker == 0xE1 and content.startswith(b"Exif\0"):
            notes = Tiff(content[6:])
            self.traces |= notes.traces
            return _turned(notes.orientation) if notes.orientation > 1 else b""
        if marker == 0xE1:
            self.traces |= {trace for word, trace in _IN_XMP.items() if word in content}
        if marker == 0xED and _IN_IPTC.search(content):
            self.traces.add(PLACE)
        drawing = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
        if marker in drawing:
            return segment if content.startswith(drawing[marker]) else b""
        # The other segments of applications, and comments.
        return b"" if 0xE0 <= marker <= 0xEF or marker == 0xFE else segment

    def _taken(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken


def _turned(orientation: int) -> bytes:
    """A segment that gives nothing but the picture's orientation."""
    entry = struct.pack(">HHIHH", _ORIENTATION, _SHORT, 1, orientation, 0)
    content = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 1) + entry + bytes(4)
    return b"\xff\xe1" + struct.pack(">H", 2 + len(content)) + content


class HeicReader:
    """Looks for a camera's notes in a HEIC as it arrives; they can be anywhere in it.

    ``traces``: those found so far.
    """

    _TIFF = re.compile(rb"II\*\0\x08\0\0\0|MM\0\*\0\0\0\x08")
    _LONGEST = max(map(len, _IN_XMP))

    def __init__(self) -> None:
        self.traces: set[str] = set()
        self._tail = b""
        self._window: bytearray | None = None

    def feed(self, data: bytes | memoryview) -> None:
        """Look at the next bytes. Keeps at most one window and *data* in memory."""
        if self._window is None:
            searched = self._tail + data
            self.traces |= {trace for word, trace in _IN_XMP.items() if word in searched}
            found = self._TIFF.search(searched)
            if found is None:
                self._tail = searched[-self._LONGEST :]
                return
            self._window = bytearray(searched[found.start() :])
        else:
            self._window += data
        if len(self._window) >= _WINDOW_BYTES:
            self.finish()

    def finish(self) -> None:
        """Look at what is left."""
        if self._window is not None:
            window = bytes(self._window[:_WINDOW_BYTES])
            self.traces |= Tiff(window).traces
            self.traces |= {trace for word, trace in _IN_XMP.items() if word in window}
            self._tail, self._window = b"", None


def is_jpeg(head: bytes) -> bool:
    """Whether a file that begins with *head* is a JPEG."""
    return head.startswith(b"\xff\xd8\xff")


def is_heic(head: bytes) -> bool:
    """Whether a file that begins with *head*, of 12 bytes at least, is a HEIC."""
    return head[4:8] == b"ftyp" and head[8:12] in _HEIC
