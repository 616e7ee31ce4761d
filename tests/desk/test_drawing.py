"""What is drawn of honest, damaged and hostile files, and which sentence each of them gets."""

import io
import struct
import subprocess
import sys

import pytest
from PIL import Image
from support import hostile_files as made
from support.drawn import drawn

from scripts.desk.pictures import archive, image, pdf
from scripts.desk.pictures.frames import Page
from scripts.desk.pictures.kinds import HEAD_BYTES, Kind, kind_of
from scripts.desk.pictures.notes import SENTENCES, Note, lasting, sentence
from scripts.desk.pictures.png import png_of

ISO = b"\0\0\0\x18ftyp"


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"", Kind.EMPTY),
        (b"%PDF-1.7", Kind.PDF),
        (b"\0" * 1_019 + b"%PDF-", Kind.PDF),
        (b"\0" * 1_020 + b"%PDF-", Kind.TEXT),
        (b"\x89PNG\r\n\x1a\n%PDF-", Kind.PNG),
        (b"PK\x03\x04%PDF-", Kind.ZIP),
        (ISO + b"heic", Kind.HEIC),
        (ISO + b"avif", Kind.AVIF),
        (ISO + b"mp42", Kind.RECORDING),
        (b"RIFF\0\0\0\0WEBP", Kind.WEBP),
        (b"RIFF\0\0\0\0WAVE", Kind.RECORDING),
        (b"\0" * 257 + b"ustar", Kind.TAR),
        (b"\x02#!SILK_V3", Kind.WECHAT_VOICE),
        (b"-----BEGIN PGP MESSAGE-----", Kind.SEALED),
        (b"\x85\x01\x0c\x03", Kind.SEALED),
        (b"\x84\x5e\x03", Kind.SEALED),
        (b"\xc1\x5e\x03", Kind.SEALED),
        (b"\xc1\xc0\x4c\x03", Kind.SEALED),
        (b"\xc1\x5e\x02", Kind.TEXT),
        (b"BM\0\0", Kind.BMP),
        (b"BM is a car", Kind.TEXT),
        (b"MZ\x90\0", Kind.PROGRAM),
        (b"\x7fELF", Kind.PROGRAM),
        ("你好".encode(), Kind.TEXT),
    ],
)
def test_the_bytes_say_what_a_file_is(head: bytes, kind: Kind) -> None:
    assert kind_of(head) is kind


def test_the_wanted_pages_of_a_pdf_are_drawn_in_their_colours() -> None:
    taken = drawn(made.pdf(pages=5), range(2, 4))

    assert (taken.total, taken.notes) == (5, {})
    assert [(page.number, page.width, page.height) for page in taken.pages] == [
        (2, 150, 150),
        (3, 150, 150),
    ]
    assert all(page.rgb == bytes(made.RED) * 150 * 150 for page in taken.pages)


def test_a_page_of_any_size_is_drawn_within_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    # As large as a PDF's page can be; with smaller limits it costs less.
    monkeypatch.setattr(pdf, "MOST_PIXELS", 10_000)
    monkeypatch.setattr(pdf, "MOST_SIDE", 500)
    for size in ((14_400, 14_400), (14_400, 10)):
        (page,) = (taken := drawn(made.pdf(size=size))).pages
        assert page.width * page.height <= 10_000 and page.width <= 500
        assert len(page.rgb) == 3 * page.width * page.height
        assert taken.notes == {Note.SMALLER: 1}


@pytest.mark.parametrize(
    ("data", "notes", "pages"),
    [
        (made.scripted_pdf(), {Note.SCRIPTS: 0}, 1),
        (made.launching_pdf(), {Note.LAUNCHES: 0}, 1),
        (made.carrying_pdf(), {Note.CARRIES: 1}, 1),
        (made.encrypted_pdf(), {Note.ENCRYPTED: 0}, 0),
        (made.looping_pdf(), {Note.DAMAGED_PAGE: 1}, 0),
        (made.pdf()[:200], {Note.DAMAGED: 0}, 0),
        (b"%PDF-" + bytes(range(256)) * 9, {Note.DAMAGED: 0}, 0),
        (made.png(100_000, 100_000), {Note.TOO_LARGE: 10_000}, 0),
        (made.png(2, 2), {Note.DAMAGED: 0}, 0),
        (made.image()[:40], {Note.DAMAGED: 0}, 0),
        (made.image((64, 64), "JPEG")[:300], {Note.DAMAGED: 0}, 0),
        (b"GIF89a" + b"\xff" * 20, {Note.DAMAGED: 0}, 0),
        (ISO + b"heic" + bytes(40), {Note.HEIC: 0}, 0),
        (b"\xff\xd8\xff" + b"%!PS" * 50, {Note.DAMAGED: 0}, 0),
        (b"II*\0" + b"\xff" * 40, {Note.DAMAGED: 0}, 0),
        (b"PK\x03\x04" + b"\0" * 40, {Note.DAMAGED: 0}, 0),
        (b"\x1f\x8b\x08" + b"\0" * 40, {Note.DAMAGED: 0}, 0),
        (bytes(range(256)), {Note.NO_TEXT: 0}, 0),
        (made.document(), {Note.IS_OFFICE: 0}, 0),
    ],
)
# Pillow warns of what is damaged before it gives up.
@pytest.mark.filterwarnings("ignore")
def test_a_hostile_or_damaged_file_ends_in_a_sentence(
    data: bytes, notes: dict[Note, int], pages: int
) -> None:
    taken = drawn(data)

    assert (taken.notes, len(taken.pages)) == (notes, pages)


def test_every_note_but_the_one_for_the_desk_has_a_sentence() -> None:
    assert set(Note) - set(SENTENCES) == {Note.IS_OFFICE}
    assert sentence(Note.TOO_LARGE, 10_000).startswith("It says that it has 10,000 megapixels")
    assert [lasting(seconds) for seconds in (7, 750, 3_723)] == ["0:07", "12:30", "1:02:03"]


def test_a_picture_is_turned_as_its_camera_was_and_paper_is_white() -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    clear = io.BytesIO()
    Image.new("RGBA", (1, 1), (9, 9, 9, 0)).save(clear, "PNG")

    (upright,) = drawn(made.image((40, 20), "JPEG", exif=turned)).pages
    (paper,) = drawn(clear.getvalue()).pages

    assert (upright.width, upright.height) == (20, 40)
    assert paper.rgb == b"\xff\xff\xff"


def test_sixteen_bits_a_pixel_are_drawn_in_eight() -> None:
    deep = io.BytesIO()
    Image.frombytes("I;16", (1, 1), struct.pack("<H", 0x8000)).save(deep, "PNG")

    assert drawn(deep.getvalue()).pages[0].rgb == b"\x80\x80\x80"


def test_the_frames_of_a_moving_picture_are_its_pages() -> None:
    frames = [Image.new("RGB", (2, 2), colour) for colour in ("red", "blue", "white")]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])

    taken = drawn(out.getvalue(), range(2, 9))

    assert taken.total == 3
    assert [(page.number, page.rgb[:3]) for page in taken.pages] == [
        (2, b"\0\0\xff"),
        (3, b"\xff\xff\xff"),
    ]


def test_a_picture_with_too_many_pixels_is_drawn_smaller() -> None:
    (page,) = (taken := drawn(made.image((31_000, 10), "PNG"))).pages

    assert (page.width, page.height, taken.notes) == (30_000, 9, {Note.SMALLER: 1})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_a_text_is_read_in_the_encodings_of_chinese_computers(encoding: str) -> None:
    taken = drawn("训诫书，第一页\r\n第二行".encode(encoding))

    assert (taken.shown, taken.notes) == ("训诫书，第一页\n第二行", {})


def test_of_a_long_text_the_beginning_is_shown_and_its_lines_counted() -> None:
    taken = drawn(b"line\n" * 1_000)

    assert taken.shown.count("line") == 400 and taken.notes == {Note.CUT_TEXT: 1_000}
    assert len(drawn(b"x" * 10**6).shown) == 30_000


@pytest.mark.parametrize(
    ("text", "shown", "notes"),
    [
        ("一\n" * 400, 799, {}),
        ("一\n" * 401, 799, {Note.CUT_TEXT: 401}),
        ("a" * 29_999, 29_999, {}),
        ("a" * 30_001, 30_000, {Note.CUT_TEXT: 1}),
    ],
)
def test_a_text_is_shown_up_to_four_hundred_lines_or_thirty_thousand_characters(
    text: str, shown: int, notes: dict[Note, int]
) -> None:
    taken = drawn(text.encode())

    assert (len(taken.shown), taken.notes) == (shown, notes)


def test_bytes_with_controls_that_no_text_has_are_none() -> None:
    texts = {byte for byte in range(256) if drawn(b"a" + bytes([byte])).notes == {}}

    assert texts & set(range(33)) == {9, 10, 12, 13, 27, 32}
    assert drawn(b"a\xff").notes == {Note.NO_TEXT: 0}


def test_what_two_letters_begin_is_judged_by_the_first_four_thousand_bytes() -> None:
    for at, kind in ((4_095, Kind.BMP), (4_096, Kind.TEXT)):
        data = b"BM".ljust(at, b"a") + b"\0"
        assert kind_of(data[:HEAD_BYTES]) is kind


def test_a_picture_of_a_hundred_megapixels_is_unpacked_and_one_of_more_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unpacked: list[int] = []

    def page(picture: Image.Image, number: int) -> tuple[Page, bool]:
        unpacked.append(picture.width * picture.height)
        return Page(number, 1, 1, b"red"), True

    monkeypatch.setattr(image, "_page", page)
    photograph = made.image((64, 64), "JPEG")
    start = photograph.index(b"\xff\xc0") + 5
    for height in (10_000, 10_001):
        size = struct.pack(">HH", height, 25_000)
        for data in (
            made.png(10_000, height),
            photograph[:start] + size + photograph[start + 4 :],
        ):
            megapixels = 100 if data.startswith(b"\x89") else 250
            notes = {} if height == 10_000 else {Note.TOO_LARGE: megapixels}
            assert drawn(data).notes == notes
    assert unpacked == [100_000_000, 250_000_000]


def test_an_archive_is_listed_and_what_is_strange_in_it_is_said() -> None:
    bomb = made.archive((f"a{made.ESCAPE}\nb", b"0" * 10**6), link="../../x", locked=True)
    taken = drawn(bomb)

    assert taken.total == 2 and taken.notes[Note.UNPACKS] > 200
    assert taken.notes[Note.LINKS] == taken.notes[Note.LOCKED_ENTRIES] == 1
    assert Note.NOT_OPENED in taken.notes and taken.pages == []
    # An entry has one line, whatever its name is.
    assert len(taken.shown.split("\n")) == 2 and "1,000,000  a" in taken.shown


def test_a_packed_archive_is_listed_as_far_as_it_is_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = made.packed_archive(("a", b"0" * 50_000), ("b", b"1"), link="c")

    assert (drawn(packed).total, drawn(packed).notes[Note.LINKS]) == (3, 1)
    monkeypatch.setattr(archive, "_MOST_UNPACKED", 2**15)
    assert Note.STOPPED_UNPACKING in drawn(packed).notes


def test_a_packed_file_that_is_no_archive_is_left_alone() -> None:
    packed = made.packed_archive(("a", b"0"))[:20]

    assert drawn(packed).notes in ({Note.DAMAGED: 0}, {Note.NOT_OPENED: 0})


def test_a_long_list_is_cut() -> None:
    taken = drawn(made.archive(*((f"{number}", b"") for number in range(501))))

    assert taken.notes[Note.CUT_LISTING] == 501 and len(taken.shown.splitlines()) == 500


def test_a_png_of_pixels_holds_nothing_else_and_is_always_the_same() -> None:
    page = Page(1, 2, 1, b"\x01\x02\x03\x04\x05\x06")

    data = png_of(page)

    assert Image.open(io.BytesIO(data)).tobytes() == page.rgb and png_of(page) == data
    kinds = {data[at : at + 4] for at in range(len(data)) if data[at : at + 4].isalpha()}
    assert {b"IHDR", b"IDAT", b"IEND"} <= kinds and not {b"tEXt", b"tIME", b"eXIf"} & kinds
    assert repr(page) == "Page(1, 2, 1)"


@pytest.mark.slow
def test_the_desk_starts_without_what_reads_pictures() -> None:
    check = "import sys; from scripts.desk.__main__ import parser; parser(); print([*sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)

    assert "'scripts.desk.pictures.look'" in done.stdout
    assert "'PIL'" not in done.stdout and "'pypdfium2'" not in done.stdout
