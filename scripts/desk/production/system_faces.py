"""Typefaces of this computer, for characters that those which come with Casedrop do not have.

They are used only for such a character, so a page without one looks the same everywhere. A typeface
that is missing or cannot be read is treated as not installed.
"""

import io
import struct
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from fontTools.ttLib import TTFont, TTLibError

# Where Debian's packages fonts-noto-cjk, fonts-noto-core and fonts-symbola put them, in the order
# in which they are tried: Hong Kong's and rare characters, Tibetan, and emoji.
PATHS = (
    Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"),
    Path("/usr/share/fonts/truetype/noto/NotoSerifTibetan-Regular.ttf"),
    Path("/usr/share/fonts/truetype/ancient-scripts/Symbola_hint.ttf"),
)
# In such a collection, the last one is made for Hong Kong.
_COLLECTION, _OF_COLLECTION = ".ttc", -1
# How far a converted curve may deviate, as a fraction of a letter's height: too little to see.
_OFF = 1_000
# What reading a damaged file, or one of another kind, raises.
_DAMAGED = (TTLibError, ValueError, LookupError, AttributeError, AssertionError, struct.error)


class SystemFace:
    """A typeface of this computer, read when a character is first looked up in it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @cached_property
    def data(self) -> bytes:
        """The file, "" if it cannot be read."""
        try:
            return self._path.read_bytes()
        except OSError:
            return b""

    @cached_property
    def index(self) -> int:
        """The number of the face in its file."""
        if self._path.suffix != _COLLECTION:
            return 0
        faces = int.from_bytes(self.data[8:12], "big")
        return max(0, faces + _OF_COLLECTION)

    @cached_property
    def glyphs(self) -> dict[int, str]:
        """The glyphs by code point; none if the file cannot be read."""
        try:
            return dict(self._font.getBestCmap() or {}) if self._font is not None else {}
        except _DAMAGED:
            return {}

    def has(self, code: int) -> bool:
        """Whether it has the character with this code point, and can draw it."""
        if not self.glyphs.get(code):
            return False
        try:
            self.width(code)
            self.part(chr(code))
        except _DAMAGED:
            return False
        return True

    @cached_property
    def _font(self) -> TTFont | None:
        try:
            return TTFont(io.BytesIO(self.data), lazy=True, fontNumber=self.index)
        except _DAMAGED:
            return None

    def width(self, code: int) -> float:
        """The width of the character with this code point, which the face has, in ems."""
        assert self._font is not None
        advance, _ = self._font["hmtx"][self.glyphs[code]]
        return float(advance / self._font["head"].unitsPerEm)

    def part(self, characters: Iterable[str]) -> bytes:
        """A TrueType file with the glyphs of *characters* alone, which the face must have.

        The same characters give the same bytes, and nothing in them is of any other character.
        """
        # Loaded only where such a character is drawn.
        from fontTools.fontBuilder import FontBuilder  # noqa: PLC0415
        from fontTools.pens.ttGlyphPen import TTGlyphPen  # noqa: PLC0415

        font = self._font
        assert font is not None
        units = font["head"].unitsPerEm
        codes = sorted({ord(one) for one in characters})
        names = {code: f"u{code:05X}" for code in codes}
        made = {".notdef": TTGlyphPen(None).glyph()}
        advances = {".notdef": units}
        for code in codes:
            made[names[code]] = self._outline(font, self.glyphs[code], units / _OFF)
            advances[names[code]] = font["hmtx"][self.glyphs[code]][0]
        builder = FontBuilder(units, isTTF=True)
        # Keep the face's own times: otherwise it would contain the present one, and differ each
        # time.
        builder.font.recalcTimestamp = False
        head = font["head"]
        builder.setupHead(unitsPerEm=units, created=head.created, modified=head.modified)
        builder.setupGlyphOrder(list(made))
        builder.setupCharacterMap(names)
        builder.setupGlyf(made)
        glyf = builder.font["glyf"]
        builder.setupHorizontalMetrics(
            {name: (advances[name], getattr(glyf[name], "xMin", 0)) for name in made}
        )
        ascent, descent = font["hhea"].ascent, font["hhea"].descent
        builder.setupHorizontalHeader(ascent=ascent, descent=descent)
        builder.setupOS2(sTypoAscender=ascent, sTypoDescender=descent)
        builder.setupNameTable({"familyName": "Part", "styleName": "Regular"})
        builder.setupPost(keepGlyphNames=False)
        out = io.BytesIO()
        builder.save(out)
        return out.getvalue()

    @staticmethod
    def _outline(font: TTFont, glyph: str, off: float) -> object:
        """A glyph with TrueType curves, whatever its own are."""
        from fontTools.pens.cu2quPen import Cu2QuPen  # noqa: PLC0415
        from fontTools.pens.recordingPen import DecomposingRecordingPen  # noqa: PLC0415
        from fontTools.pens.ttGlyphPen import TTGlyphPen  # noqa: PLC0415

        pen = TTGlyphPen(None)
        # Decomposed: otherwise the glyphs that it is made of would have to be included, too.
        drawn = DecomposingRecordingPen(font.getGlyphSet())
        font.getGlyphSet()[glyph].draw(drawn)
        if "glyf" in font:
            drawn.replay(pen)
        else:
            # PostScript's outlines go the other way round.
            drawn.replay(Cu2QuPen(pen, off, reverse_direction=True))
        return pen.glyph()
