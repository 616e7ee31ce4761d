"""Typefaces of this computer, for characters that those which come with Casedrop do not have."""

import io
from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.t2CharStringPen import T2CharStringPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont
from support.unpacked import pdf_text

from scripts.desk.production import page_pictures
from scripts.desk.production.faces import Face, Faces, faces
from scripts.desk.production.page_layout import Layout
from scripts.desk.production.pdf_pages import pdf_of
from scripts.desk.production.system_faces import SystemFace

# A family and a Tibetan letter: no face that comes with Casedrop has them.
MADE = 3_000_000_000  # seconds since 1904
RARE, OTHER = "\U0001f468", "\u0f66"


def square(pen: TTGlyphPen | T2CharStringPen) -> None:
    pen.moveTo((0, 0))
    pen.lineTo((0, 500))
    pen.lineTo((500, 500))
    pen.lineTo((500, 0))
    pen.closePath()


def installed(path: Path, *, postscript: bool = False) -> SystemFace:
    """A typeface with two characters, and latin letters that must never be taken from it."""
    codes = {ord(one): f"g{at}" for at, one in enumerate((RARE, OTHER, "a"))}
    names = [".notdef", *codes.values()]
    builder = FontBuilder(1_000, isTTF=not postscript)
    builder.font.recalcTimestamp = False
    builder.setupHead(unitsPerEm=1_000, created=MADE, modified=MADE)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap(codes)
    if postscript:
        pens = {name: T2CharStringPen(700, None) for name in names}
        for pen in pens.values():
            square(pen)
        strings = {name: pen.getCharString() for name, pen in pens.items()}
        builder.setupCFF("Made", {}, strings, {})
    else:
        outlines = {name: TTGlyphPen(None) for name in names}
        for outline in outlines.values():
            square(outline)
        builder.setupGlyf({name: outline.glyph() for name, outline in outlines.items()})
    builder.setupHorizontalMetrics(dict.fromkeys(names, (700, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupOS2()
    builder.setupNameTable({"familyName": "Made"})
    builder.setupPost()
    builder.save(path)
    return SystemFace(path)


def with_others(*others: SystemFace) -> Faces:
    own = (one for one in faces().faces if isinstance(one, Face))
    return Faces(own, others)


@pytest.mark.parametrize("postscript", [False, True])
def test_a_rare_character_is_drawn_with_a_typeface_of_this_computer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postscript: bool
) -> None:
    found = with_others(installed(tmp_path / "one", postscript=postscript))

    assert found.written(f"a{RARE}微{OTHER}") == f"a{RARE}微{OTHER}"
    assert [face for face, _ in found.runs(f"a{RARE}微")] == [0, 2, 1]
    assert found.seen(RARE).width == 0.7
    layout = Layout(found)
    layout.paragraph(f"a{RARE}微")
    data = pdf_of(found, "Case", layout.pages)
    assert pdf_of(found, "Case", layout.pages) == data
    assert pdf_text(data)[0].strip() == f"a{RARE}微"
    # Pictures of pages as well.
    monkeypatch.setattr(page_pictures, "faces", lambda: found)
    page_pictures._font.cache_clear()
    colours = {pixel for _, pixel in page_pictures._drawn(layout.pages[0]).getcolors() or ()}
    page_pictures._font.cache_clear()
    assert 0 in colours


def test_only_the_characters_of_a_case_are_taken_from_it(tmp_path: Path) -> None:
    for postscript in (False, True):
        face = installed(tmp_path / f"{postscript}", postscript=postscript)
        part = Face(face.part(RARE))
        assert list(part.glyphs) == [ord(RARE)]
        assert part.width(ord(RARE)) == 0.7 and part._outline(part.glyphs[ord(RARE)])
        assert face.part(RARE + RARE) == face.part(RARE) != face.part(OTHER)
        assert b"Made" not in face.part(RARE)
        # When it was made would make another file of it each second.
        parts = [TTFont(io.BytesIO(one))["head"] for one in (face.part(RARE), face.data)]
        assert len({(one.created, one.modified) for one in parts}) == 1
        assert parts[0].created == MADE


def test_what_is_not_there_or_cannot_be_read_is_as_if_it_was_not_installed(tmp_path: Path) -> None:
    files = {"none": None, "empty": b"", "text": b"no typeface", "a.ttc": b"ttcf"}
    for name, data in files.items():
        if data is not None:
            (tmp_path / name).write_bytes(data)
        found = with_others(SystemFace(tmp_path / name), installed(tmp_path / "good"))
        assert found.written(RARE) == RARE
        assert with_others(SystemFace(tmp_path / name)).written(RARE) == "[U+1F468]"
    # What nobody would see is named, whoever has it.
    assert found.written("\u200b\ufe0f\u202e") == "[U+200B][U+FE0F][U+202E]"
    good = (tmp_path / "good").read_bytes()
    for length in range(12, len(good), 40):
        (tmp_path / "cut").write_bytes(good[:length])
        cut = with_others(SystemFace(tmp_path / "cut"))
        if cut.written(RARE) == RARE:
            assert Face(cut.faces[2].part(RARE)).width(ord(RARE)) == 0.7
