"""The dossier of a case: what is in it, on which page, and what is not."""

import gc
import hashlib
import io
import json
import re
import struct
import tracemalloc
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support.cases import add, attachment, report
from support.decided_cases import at_work, decided, plan_of, put, written
from support.team import Team
from support.unpacked import pdf_metadata, pdf_text, unpacked

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.productions import Number, page_number
from scripts.desk.casebook.translations import TRANSLATION, Translation
from scripts.desk.production import case_writer
from scripts.desk.production.dossier import _centre, _furnish
from scripts.desk.production.dossier_words import _WORDS, act, words
from scripts.desk.production.faces import FILES, FOLDER, BadFace, Face, faces
from scripts.desk.production.handing_over import hand_over
from scripts.desk.production.imaging import Imaged
from scripts.desk.production.page_layout import (
    BOTTOM,
    HEIGHT,
    RIGHT,
    WIDTH,
    Layout,
    Page,
    Stroke,
    Text,
)
from scripts.desk.production.pdf_pages import pdf_of
from scripts.desk.production.records import Document

DAY = date(2026, 11, 26)
EDGES = json.loads((Path(__file__).parents[1] / "edge_inputs.json").read_text("utf-8"))["inputs"]


def said(casebook: Casebook, out: Path, case: int = 0, **options: Any) -> list[str]:
    """The pages of a case's dossier, as a program reads them."""
    if casebook.session is None:
        at_work(casebook)
    cases = options.pop("cases", (1, 2, 3))
    plan = plan_of(casebook, cases=cases).written(options.pop("language", "en"), pictures=False)
    options = {"day": DAY, **options}
    hand_over(casebook, plan, out, lambda _: b"signature", **options)
    return pdf_text(sorted((out / "dossiers").iterdir())[case].read_bytes())


def flat(pages: Sequence[str]) -> str:
    """Their text without the lines into which it was broken."""
    return re.sub(r"\s", "", "".join(pages))


def test_a_dossier_has_the_original_before_its_translation_and_then_all_else_in_order(
    ready: Team, tmp_path: Path
) -> None:
    with Casebook.open(ready.casebook) as casebook:
        at_work(casebook)
        case = casebook.case(1)
        given = Translation(
            case.parts[0].block_id.hex(), TRANSLATION, "en", "", "[Fictional] A", "F" * 40, DAY
        )
        casebook.translations.add(case, given)
        pages = said(casebook, tmp_path / "out")

    text = "".join(pages)
    assert f"Case {case.name}" in pages[0] and "2026-11-26" in pages[0]
    assert "D0-000001 – D0-000002" in pages[0] and "C0-000001" in pages[0]
    order = ["Statement of the claimant", "【虚构】甲", "Translation into en by", "[Fictional] A"]
    order += ["Answers and correspondence", "Facts", "Guangdong", "Evidence\r\n", "D0-000002"]
    order += ["Custody log", "reviewed", "Hashes", "natives/D0-000002.bin"]
    found = [text.index(one, len(pages[0])) for one in order]
    assert found == sorted(found)
    # Hashes are broken into two lines, which a reader puts together.
    assert hashlib.sha256(b"abc").hexdigest() in flat(pages)


def test_each_page_has_its_own_number_and_says_which_of_how_many_it_is(
    ready: Team, tmp_path: Path
) -> None:
    with Casebook.open(ready.casebook) as casebook:
        pages = said(casebook, tmp_path / "out", 1)

    assert len(pages) > 1
    for at, page in enumerate(pages, 1):
        assert f"{at} of {len(pages)}" in page
        assert page_number(Number(0, 2, "C"), at) in page
    assert page_number(Number(0, 2, "C"), 12) == "C0-000002.0012"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "word"),
    [("zh-Hans", "当事人陈述"), ("zh-Hant", "當事人陳述"), ("en", "Statement of the claimant")],
)
def test_labels_are_in_the_language_that_was_asked_for(
    ready: Team, tmp_path: Path, language: str, word: str
) -> None:
    with Casebook.open(ready.casebook) as casebook:
        assert word in "".join(said(casebook, tmp_path / "out", language=language))


@pytest.mark.slow
def test_a_dossier_keeps_its_number_and_its_bytes_until_something_in_it_changes(
    ready: Team, tmp_path: Path
) -> None:
    """What happens in a hand-over is in the custody log, so a dossier of a later one has more."""
    with Casebook.open(ready.casebook) as casebook:
        said(casebook, tmp_path / "first")
        again = said(casebook, tmp_path / "second")
        names = [
            sorted(path.name for path in (tmp_path / one / "dossiers").iterdir())
            for one in ("first", "second")
        ]

    assert names == [["C0-000001.pdf", "C0-000002.pdf"], ["C0-000003.pdf", "C0-000004.pdf"]]
    assert "written out" in "".join(again)
    layout = [Layout(faces()) for _ in range(2)]
    for one in layout:
        one.paragraph("【虚构】甲 text")
    first, second = (pdf_of(faces(), "Case", one.pages) for one in layout)
    assert first == second


def test_a_pdf_says_nothing_of_itself_but_its_title(ready: Team, tmp_path: Path) -> None:
    with Casebook.open(ready.casebook) as casebook:
        case = casebook.case(1).name
        written(casebook, tmp_path / "out")

    data = (tmp_path / "out" / "dossiers" / "C0-000001.pdf").read_bytes()
    assert pdf_metadata(data) == {"Title": f"Case {case}, C0-000001"}
    for word in (b"/ID", b"Date", b"fpdf", b"/Producer", b"<x:xmpmeta", b"/Metadata", b"/Names"):
        assert word not in data, word


def test_only_the_characters_of_a_case_are_in_its_fonts() -> None:
    part = Face(faces().faces[1].part("微信"))
    assert sorted(map(chr, part.glyphs)) == sorted("微信")
    # Letters with accents are made of two glyphs, which both have to be there.
    for face, text in ((0, "éÅ x"), (1, "微信，")):
        whole = faces().faces[face]
        part = Face(whole.part(text))
        for one in text:
            assert part.width(ord(one)) == whole.width(ord(one))
            assert bool(part._outline(part.glyphs[ord(one)])) == (one != " ")


@pytest.mark.parametrize(
    ("scaled", "between"),
    [(0, 0), (0x8, 2), (0x40, 4), (0x80, 8)],
    ids=["no", "one", "two", "four"],
)
@pytest.mark.parametrize(("words", "offsets"), [(0, 2), (1, 4)])
def test_a_letter_is_made_of_all_the_glyphs_that_its_outline_names(
    monkeypatch: pytest.MonkeyPatch, scaled: int, between: int, words: int, offsets: int
) -> None:
    """Of each kind that TrueType has: ``glyf``, composite glyph description."""
    first = struct.pack(">HH", 0x20 | words | scaled, 258) + bytes(offsets + between)
    outline = struct.pack(">hhhhh", -1, 0, 0, 9, 9) + first + struct.pack(">HH", words, 77)
    monkeypatch.setattr(Face, "_outline", lambda _self, _glyph: outline + bytes(offsets))

    latin = faces().faces[0]
    assert isinstance(latin, Face)
    assert list(latin._components(5)) == [(12, 258), (12 + len(first), 77)]


def strokes(layout: Layout) -> list[Stroke]:
    return [one for one in layout.pages[-1] if isinstance(one, Stroke)]


def test_a_bar_is_at_the_left_of_each_line_of_what_was_translated_and_of_no_other() -> None:
    layout = Layout(faces())
    layout.paragraph("before")
    layout.paragraph("one\ntwo", indent=20, bar=True)
    layout.paragraph("behind")

    lines = {one.text: one for one in layout.pages[-1] if isinstance(one, Text)}
    bars = strokes(layout)
    assert all(one.x == one.to_x < lines["one"].x for one in bars)
    marked = {
        text: [one for one in bars if one.y < line.y < one.to_y] for text, line in lines.items()
    }
    assert [len(marked[text]) for text in ("before", "one", "two", "behind")] == [0, 1, 1, 0]
    # Without a gap between two lines.
    assert bars[0].to_y == bars[1].y


def test_a_line_is_drawn_below_each_row_of_a_table_and_below_a_heading() -> None:
    layout = Layout(faces())
    layout.table([("a", "b"), ("c", "d\ne")], (0.5, 0.5), head=True)
    layout.heading("Facts")

    lines = {one.text: one.y for one in layout.pages[-1] if isinstance(one, Text)}
    drawn = [one.y for one in strokes(layout)]
    assert [one.y == one.to_y for one in strokes(layout)] == [True] * 3
    assert lines["a"] < drawn[0] < lines["c"] < lines["e"] < drawn[1] < lines["Facts"] < drawn[2]


@pytest.mark.parametrize("above", range(44, 60))
def test_a_heading_or_the_beginning_of_a_row_is_not_the_last_thing_on_a_page(above: int) -> None:
    for add_rest in (
        lambda one: (one.heading("HEAD"), one.paragraph("NEXT")),
        lambda one: one.table([("HEAD\nb\nc\nNEXT", "")], (0.5, 0.5)),
    ):
        layout = Layout(faces())
        for _ in range(above):
            layout.paragraph("x", size=8)
        add_rest(layout)
        pages = [{one.text for one in page if isinstance(one, Text)} for page in layout.pages]
        assert [page for page in pages if "HEAD" in page] == [
            page for page in pages if "NEXT" in page
        ]


def test_a_character_that_cannot_be_shown_or_seen_is_written_as_its_code_point() -> None:
    assert faces().written("a\u202eb\u200b\U0001f468\x07\ud83d\ufe0f\u0f66") == (
        "a[U+202E]b[U+200B][U+1F468][U+0007][U+D83D][U+FE0F][U+0F66]"
    )
    assert faces().written("微信 被封\t號Ａé") == "微信 被封 號Ａé"


def test_every_edge_input_is_on_a_page_and_within_its_margins() -> None:
    layout = Layout(faces())
    texts = [one["value"] for one in EDGES if isinstance(one.get("value"), str)]
    for text in texts:
        layout.paragraph(text)
        layout.table([(text[:3000], text[:300])], (0.3, 0.7))
    layout.paragraph("x" * 5000)

    right = max(
        mark.x + faces().width(mark.text) * mark.size
        for page in layout.pages
        for mark in page
        if isinstance(mark, Text)
    )
    lowest = max(m.y for page in layout.pages for m in page if isinstance(m, Text))
    assert right <= WIDTH - RIGHT + 0.01 and lowest <= HEIGHT - BOTTOM
    found = flat(pdf_text(pdf_of(faces(), "Edges", layout.pages)))
    assert "微[U+200B]信" in found and "x" * 5000 in found


def test_punctuation_does_not_begin_a_line_and_a_word_is_not_broken() -> None:
    layout = Layout(faces())
    lines = list(
        layout.lines("微信，" * 40 + "「微信」" * 40 + " several English words" * 9, 10, 101)
    )
    assert not any(line.startswith(tuple("，」")) or line.endswith("「") for line in lines)
    words = {word for line in lines for word in re.findall("[a-zA-Z]+", line)}
    assert words == {"several", "English", "words"}
    assert list(layout.lines("a\r\nb\n\nc", 10, 100)) == ["a", "b", "", "c"]


@pytest.mark.long
def test_a_story_of_two_hundred_parts_is_whole(ready: Team, tmp_path: Path) -> None:
    with Casebook.open(ready.casebook) as casebook:
        at_work(casebook)
        add(casebook, *(report(f"第{at}件", 3, kind="message") for at in range(200)))
        decided(casebook, 3)
        text = "".join(said(casebook, tmp_path / "out", 2))

    assert all(f"第{at}件" in text for at in range(200))


@pytest.mark.long
def test_memory_does_not_grow_with_the_number_of_cases(ready: Team, tmp_path: Path) -> None:
    held = dict[int, int]()

    def look(done: int, _total: int) -> None:
        if done == 4:  # what all cases share is there by then
            tracemalloc.start()
        # Pages refer to each other, so they go when the collector comes.
        gc.collect()
        held[done] = tracemalloc.get_traced_memory()[0]

    with Casebook.open(ready.casebook) as casebook:
        at_work(casebook)
        numbers = add(casebook, *(report(f"第{at}件" * 300, at) for at in range(10, 28)))
        for number in numbers:
            decided(casebook, number)
        plan = plan_of(casebook, cases=tuple(numbers))
        try:
            hand_over(casebook, plan, tmp_path / "out", lambda _: b"signature", look)
        finally:
            tracemalloc.stop()

    grown = held[17] - held[5]
    dossiers = sorted((tmp_path / "out" / "dossiers").iterdir())[5:17]
    # All dossiers and pictures of those cases, if they were kept, would be far more.
    assert grown < sum(path.stat().st_size for path in dossiers) / 4


def test_an_altered_typeface_is_refused(tmp_path: Path) -> None:
    name, sha256 = next(iter(FILES.items()))
    (tmp_path / name).write_bytes((FOLDER / name).read_bytes() + b"\0")
    with pytest.raises(BadFace):
        Face.read(tmp_path / name, sha256)
    with pytest.raises(BadFace):
        Face.read(tmp_path / "absent", sha256)
    # Its licence is where the typeface is.
    assert {path.name for path in FOLDER.iterdir()} - set(FILES) == {
        "LICENSE-DejaVuSans.txt",
        "LICENSE-DroidSansFallback.txt",
    }


def test_every_word_is_in_three_languages_and_all_characters_of_it_have_a_face() -> None:
    for code, (simplified, traditional, english) in _WORDS.items():
        for text in (simplified, traditional, english):
            assert text and faces().written(text) == text, code
    assert act(words("en"), "import") == "imported" and act(words("en"), "other") == "other"


@pytest.mark.slow
def test_no_key_name_or_note_is_in_a_dossier_unpacked(ready: Team, tmp_path: Path) -> None:
    with Casebook.open(ready.casebook) as casebook:
        keys = [hashlib.sha256(one).digest() for one in (b"reply", b"tag", b"symmetric")]
        own = dict(zip(("reply_public", "tag_key", "reply_symmetric"), keys, strict=True))
        add(casebook, report("【虚构】丁", 4, **own))
        decided(casebook, 4)
        written(casebook, tmp_path / "out", cases=(1, 2, 3, 4))
        prints = [key.fingerprint for key in casebook.pinned().values()]
    secrets = [*keys, *(key.hex().encode() for key in keys), *(one.encode() for one in prints)]
    for path in (tmp_path / "out" / "dossiers").iterdir():
        for data in unpacked(path.read_bytes()):
            for secret in (*secrets, b"a note of ours", b"F" * 40):
                assert secret.lower() not in data.lower()


# --- Exact values ---


def test_the_head_and_foot_of_a_page_are_in_its_margins() -> None:
    page: Page = []
    _furnish(faces(), page, "AB", "CD")
    _centre(faces(), page, "EF")
    wide = faces().width

    assert page == [
        Text(60, 42, 8, 0, "AB", 0.4),
        Stroke(60, 48, 552, 48, 0.8),
        Text(552 - wide("CD") * 10, 756, 10, 0, "CD", 0.0),
        Text((612 - wide("EF") * 8) / 2, 756, 8, 0, "EF", 0.4),
    ]


@pytest.mark.slow
def test_a_file_is_followed_by_its_own_pictures_and_a_dossier_has_sixty_at_most(
    ready: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jpeg = io.BytesIO()
    Image.new("L", (2, 1)).save(jpeg, "JPEG")
    pages: dict[str, int] = {}

    def imaged(_casebook: object, _redactions: object, one: Document, *_: object) -> Any:
        for at in range(1, pages.get(one.name, 0) + 1):
            number = page_number(one.number, at)
            yield Imaged(number, f"images/{number}.png", b"png", (jpeg.getvalue(), (2, 1)))

    monkeypatch.setattr(case_writer, "imaged", imaged)
    with Casebook.open(ready.casebook) as casebook:
        for content in (b"first", b"second"):
            put(casebook, content)
        files = attachment("1.png", b"first"), attachment("2.png", b"second")
        (case,) = add(casebook, report("", 9, attachments=files))
        decided(casebook, case)
        for count, more in ((2, False), (3, True)):
            pages |= {"1.png": count, "2.png": 58}
            found = said(casebook, tmp_path / str(count), cases=(case,))
            first, second = Number(0, 1, "D"), Number(0, 2, "D")
            expected = [page_number(first, at) for at in range(1, count + 1)]
            expected += [page_number(second, at) for at in range(1, 61 - count)]
            under = (page.splitlines()[0] for page in found)
            assert [one for one in under if one.startswith("D0-")] == expected
            assert ("pictures of all further pages" in "".join(found)) == more
