"""The two typefaces for everything written out as pages, and the part of them that a page needs.

DejaVu Sans has Latin, Cyrillic, Greek, Arabic and symbols; Droid Sans Fallback has Chinese in
simplified and traditional characters. Both come with Casedrop, so pages look the same everywhere. A
character that neither has is taken from a typeface of this computer, if one of a few has it;
otherwise its code point is written. So is that of an invisible character.
"""

import hashlib
import io
import struct
import unicodedata
from array import array
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple, Self

from fontTools.ttLib import TTFont

from dropbox.errors import CasedropError
from scripts.desk.production.system_faces import PATHS, SystemFace

FOLDER = Path(__file__).with_name("fonts")
# In the order in which they are tried; the hashes are those of the files in Debian's packages
# fonts-dejavu-core (2.37) and fonts-droid-fallback (6.0.1).
FILES = {
    "DejaVuSans.ttf": "abdc775b21b1bc470d50c97e790d276f2054b7504e56e5bd3e64f48d68582322",
    "DroidSansFallbackFull.ttf": "acb6440a713d880a13a21b468ba7cd43f5a2b2934972e51be791c880730777b8",
}
# From here on, if both have a character, the second one's is made for Chinese.
_EASTERN = 0x2E80
_SPACES = "\t\u00a0\u3000"
# Tables that the part of a face keeps as they are.
_KEPT = ("OS/2", "cvt ", "fpgm", "prep")
_HAS_MORE, _WORDS, _SCALE, _XY_SCALE, _TWO_BY_TWO = 0x20, 0x1, 0x8, 0x40, 0x80


class BadFace(CasedropError):
    """A typeface that came with Casedrop is missing or altered; install Casedrop again."""


class Seen(NamedTuple):
    """How a character is written: its face, its text, and its width in ems."""

    face: int
    text: str
    width: float


class Face:
    """One TrueType file."""

    index = 0  # of no collection

    def __init__(self, data: bytes) -> None:
        font = TTFont(io.BytesIO(data), lazy=True)
        reader = font.reader
        self.data = data
        self._tables: dict[str, bytes] = {tag: reader[tag] for tag in reader.keys()}  # noqa: SIM118 - no mapping
        self.glyphs: dict[int, int] = {
            code: font.getGlyphID(name) for code, name in font.getBestCmap().items()
        }
        self._units: int
        (self._units,) = struct.unpack_from(">H", self._tables["head"], 18)
        (metrics,) = struct.unpack_from(">H", self._tables["hhea"], 34)
        self._advances: list[int] = [
            struct.unpack_from(">H", self._tables["hmtx"], 4 * at)[0] for at in range(metrics)
        ]
        self._starts = self._read_starts()

    @classmethod
    def read(cls, path: Path, sha256: str) -> Self:
        """The face in the file at *path*. Raises BadFace unless it has this SHA-256, in hex."""
        try:
            data = path.read_bytes()
        except OSError:
            raise BadFace from None
        if hashlib.sha256(data).hexdigest() != sha256:
            raise BadFace
        return cls(data)

    def has(self, code: int) -> bool:
        """Whether it has the character with this code point."""
        return bool(self.glyphs.get(code))

    def width(self, code: int) -> float:
        """The width of the character with this code point, which the face has, in ems."""
        return float(self._advance(self.glyphs[code]) / self._units)

    def part(self, characters: Iterable[str]) -> bytes:
        """A TrueType file with the glyphs of *characters* alone, which the face must have.

        The same characters give the same bytes, and nothing in them is of any other character.
        """
        codes = sorted({ord(one) for one in characters})
        old = list(dict.fromkeys([0, *(self.glyphs[code] for code in codes)]))
        for glyph in old:  # grows while it is read: glyphs that are made of others need these too
            old += (one for _, one in self._components(glyph) if one not in old)
        new = {glyph: at for at, glyph in enumerate(old)}
        outlines, starts = bytearray(), [0]
        for glyph in old:
            outline = bytearray(self._outline(glyph))
            for at, one in self._components(glyph):
                struct.pack_into(">H", outline, at, new[one])
            outlines += outline + bytes(-len(outline) % 4)
            starts.append(len(outlines))
        return _assembled(
            {
                **{tag: self._tables[tag] for tag in _KEPT if tag in self._tables},
                "cmap": _cmap({code: new[self.glyphs[code]] for code in codes}),
                "glyf": bytes(outlines),
                "head": self._tables["head"][:8] + bytes(4) + _long_loca(self._tables["head"]),
                "hhea": self._tables["hhea"][:34] + struct.pack(">H", len(old)),
                "hmtx": b"".join(map(self._metric, old)),
                "loca": struct.pack(f">{len(starts)}I", *starts),
                "maxp": self._tables["maxp"][:4]
                + struct.pack(">H", len(old))
                + self._tables["maxp"][6:],
                "name": self._tables["name"],
                # Version 3: glyphs have no names.
                "post": struct.pack(">I", 0x30000) + self._tables["post"][4:32],
            }
        )

    def _read_starts(self) -> "array[int]":
        (long,) = struct.unpack_from(">h", self._tables["head"], 50)
        starts = array("I" if long else "H", self._tables["loca"])
        starts.byteswap()  # the file is big-endian, and all computers that run this are not
        return starts if long else array("I", (2 * start for start in starts))

    def _outline(self, glyph: int) -> bytes:
        return self._tables["glyf"][self._starts[glyph] : self._starts[glyph + 1]]

    def _advance(self, glyph: int) -> int:
        return int(self._advances[min(glyph, len(self._advances) - 1)])

    def _metric(self, glyph: int) -> bytes:
        """Advance and left side bearing of *glyph*."""
        table, long = self._tables["hmtx"], len(self._advances)
        at = 4 * glyph + 2 if glyph < long else 4 * long + 2 * (glyph - long)
        return struct.pack(">H", self._advance(glyph)) + table[at : at + 2]

    def _components(self, glyph: int) -> Iterator[tuple[int, int]]:
        """The glyphs that *glyph* is made of, and where in its outline it names each."""
        outline = self._outline(glyph)
        if not outline or struct.unpack_from(">h", outline)[0] >= 0:
            return
        at = 10
        while True:
            flags, one = struct.unpack_from(">HH", outline, at)
            yield at + 2, one
            at += 8 if flags & _WORDS else 6
            at += (
                2 if flags & _SCALE else 4 if flags & _XY_SCALE else 8 if flags & _TWO_BY_TWO else 0
            )
            if not flags & _HAS_MORE:
                return


def _long_loca(head: bytes) -> bytes:
    """The rest of *head* after its checksum, changed to say that offsets have four bytes."""
    return head[12:50] + struct.pack(">h", 1) + head[52:]


def _cmap(glyphs: dict[int, int]) -> bytes:
    """A table of format 12, with one group for each character."""
    groups = b"".join(struct.pack(">III", code, code, one) for code, one in glyphs.items())
    table = struct.pack(">HHIII", 12, 0, 16 + len(groups), 0, len(glyphs)) + groups
    return struct.pack(">HHHHI", 0, 1, 3, 10, 12) + table


def _assembled(tables: dict[str, bytes]) -> bytes:
    """A TrueType file of these *tables*."""
    count = len(tables)
    power = 1 << (count.bit_length() - 1)
    head = struct.pack(
        ">IHHHH", 0x10000, count, 16 * power, power.bit_length() - 1, 16 * (count - power)
    )
    at, entries, body = 12 + 16 * count, b"", b""
    for tag, data in sorted(tables.items()):
        entries += struct.pack(">4sIII", tag.encode(), _checksum(data), at + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    return head + entries + body


def _checksum(data: bytes) -> int:
    padded = data + bytes(-len(data) % 4)
    return int(sum(struct.unpack(f">{len(padded) // 4}I", padded)) & 0xFFFFFFFF)


class Faces:
    """The faces, and how each character is written; *others* are tried for what these lack."""

    def __init__(self, faces: Iterable[Face], others: Iterable[SystemFace] = ()) -> None:
        own = tuple(faces)
        self.faces: tuple[Face | SystemFace, ...] = (*own, *others)
        self._own = len(own)
        self._seen: dict[str, Seen] = {}

    def seen(self, character: str) -> Seen:
        """How *character* is written."""
        found = self._seen.get(character)
        if found is None:
            found = self._seen[character] = self._look(character)
        return found

    def width(self, text: str) -> float:
        """The width of *text* in ems."""
        return sum(self.seen(one).width for one in text)

    def written(self, untrusted: str) -> str:
        """*untrusted* with code points in place of characters that could not be seen."""
        return "".join(self.seen(one).text for one in untrusted)

    def runs(self, text: str) -> Iterator[tuple[int, str]]:
        """*text*, which :meth:`written` gave, in pieces of one face."""
        face, piece = 0, ""
        for one in text:
            its = self.seen(one).face
            if its != face and piece:
                yield face, piece
                piece = ""
            face = its
            piece += one
        if piece:
            yield face, piece

    def _look(self, character: str) -> Seen:
        if character in _SPACES:
            wide = 2 if character == "\u3000" else 1
            return Seen(0, " " * wide, wide * self.faces[0].width(ord(" ")))
        code = ord(character)
        own, others = range(self._own), range(self._own, len(self.faces))
        # A character without a shape of its own is named: otherwise one text could look like
        # another.
        if unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp"):
            for at in (*(reversed(own) if code >= _EASTERN else own), *others):
                face = self.faces[at]
                if face.has(code) and not _is_selector(code):
                    return Seen(at, character, face.width(code))
        named = f"[U+{code:04X}]"
        return Seen(0, named, self.width(named))


def _is_selector(code: int) -> bool:
    """Whether it only selects a shape of the previous character."""
    return 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF


@cache
def faces() -> Faces:
    """The faces that came with Casedrop, and those of this computer. Raises BadFace."""
    own = (Face.read(FOLDER / name, sha256) for name, sha256 in FILES.items())
    return Faces(own, map(SystemFace, PATHS))
