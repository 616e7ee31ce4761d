"""What draws and lists files, without a room: each limit, and exactly what is said."""

import gzip
import io
import stat
import tarfile
import zipfile
from typing import Any, cast

import pytest
from PIL import Image, ImageDraw, ImageFont

from scripts.desk.pictures import archive, image
from scripts.desk.pictures.archive import listing_of
from scripts.desk.pictures.fitting import fitted
from scripts.desk.pictures.frames import Page, Sender
from scripts.desk.pictures.image import picture_of
from scripts.desk.pictures.kinds import Kind, kind_of
from scripts.desk.pictures.notes import Note, lasting
from scripts.desk.pictures.ruler import ruled


class Said:
    """Stands in for a sender: keeps what is said."""

    def __init__(self) -> None:
        self.counts: list[int] = []
        self.notes: list[tuple[Note, int]] = []
        self.pages: list[Page] = []
        self.texts: list[str] = []

    def count(self, pages: int) -> None:
        self.counts.append(pages)

    def note(self, code: Note, value: int = 0) -> None:
        self.notes.append((code, value))

    def page(self, page: Page) -> None:
        self.pages.append(page)

    def text(self, text: str) -> None:
        self.texts.append(text)


# --- What a file is ---


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"", Kind.EMPTY),
        (b"\0\0\0\x18ftypavif", Kind.AVIF),
        (b"\0\0\0\x18ftypheic", Kind.HEIC),
        (b"\0\0\0\x18ftypisom", Kind.RECORDING),
        (b"\0\0\0ftypavif", Kind.TEXT),
        (b"RIFF\0\0\0\0WEBP", Kind.WEBP),
        (b"RIFF\0\0\0\0WAVE", Kind.RECORDING),
        (b"RIFF\0\0\0\0xxxx", Kind.TEXT),
        (b"\0" * 257 + b"ustar", Kind.TAR),
        (b"\0" * 256 + b"ustar", Kind.TEXT),
        (b"\0" * 258 + b"ustar", Kind.TEXT),
        (b"%PDF-1.4", Kind.PDF),
        (b"x" * 1_019 + b"%PDF-", Kind.PDF),
        (b"x" * 1_020 + b"%PDF-", Kind.TEXT),
        # Two letters begin a text as well: what follows decides.
        (b"BM is a name", Kind.TEXT),
        (b"BM\t\n\r\x0b\x0c ~", Kind.TEXT),
        *((b"BM" + bytes([byte]), Kind.BMP) for byte in (0, 8, 14, 31)),
        *((b"BM" + bytes([byte]), Kind.TEXT) for byte in (9, 13, 32, 127, 255)),
        (b"MZ\x90\0", Kind.PROGRAM),
        (b"\x84\x5e\x03", Kind.SEALED),
        (b"\x84\x5e\x04", Kind.TEXT),
        (b"\x85\x01\x0c\x03", Kind.SEALED),
        (b"\xc1\x5e\x03", Kind.SEALED),
        (b"\xc1\xc0\x00\x03", Kind.SEALED),
        (b"\xc1\xe0\x00\x03", Kind.TEXT),
    ],
)
def test_the_first_bytes_say_what_a_file_is(head: bytes, kind: Kind) -> None:
    assert kind_of(head) is kind


# --- Archives ---


def listed(kind: Kind, data: bytes) -> Said:
    said = Said()
    listing_of(kind)(data, range(1, 2), cast(Sender, said))
    return said


def zipped(*names: str, content: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name in names:
            made.writestr(name, content)
    return out.getvalue()


def test_a_zip_archive_is_a_list_of_names_and_sizes() -> None:
    said = listed(Kind.ZIP, zipped("a.txt", "b\nc", content=b"12345"))

    assert said.counts == [2] and said.notes == [(Note.NOT_OPENED, 0)]
    assert said.texts == [f"{'5':>15}  a.txt\n{'5':>15}  b c"]


def test_links_and_locked_entries_are_counted() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, mode in (("a", stat.S_IFLNK), ("b", stat.S_IFREG), ("c", stat.S_IFLNK)):
            one = zipfile.ZipInfo(name)
            one.external_attr = (mode | 0o644) << 16
            made.writestr(one, b"x")
    data = bytearray(out.getvalue())
    # The general purpose flags of the second entry of the central directory, and others of the
    # first: only the lowest bit says that an entry is encrypted.
    first = data.index(b"PK\x01\x02")
    second = data.index(b"PK\x01\x02", first + 1)
    data[first + 8] |= 0x06
    data[second + 8] |= 0x01

    assert listed(Kind.ZIP, bytes(data)).notes == [
        *((Note.LINKS, 2), (Note.LOCKED_ENTRIES, 1), (Note.NOT_OPENED, 0)),
    ]


@pytest.mark.parametrize(
    ("names", "office"),
    [
        (("[Content_Types].xml", "word/document.xml"), True),
        (("META-INF/manifest.xml", "content.xml"), True),
        (("[Content_Types].xml", "a"), False),
        (("word/document.xml",), False),
    ],
)
def test_an_office_document_is_no_archive(names: tuple[str, ...], office: bool) -> None:
    said = listed(Kind.ZIP, zipped(*names))

    assert ((Note.IS_OFFICE, 0) in said.notes) == office
    assert bool(said.texts) != office


@pytest.mark.parametrize(("count", "cut"), [(500, False), (501, True)])
def test_five_hundred_entries_are_listed(count: int, cut: bool) -> None:
    said = listed(Kind.ZIP, zipped(*map(str, range(count))))

    assert said.counts == [count] and len(said.texts[0].split("\n")) == 500
    assert ((Note.CUT_LISTING, count) in said.notes) == cut


def test_two_hundred_characters_of_a_name_are_listed() -> None:
    (text,) = listed(Kind.ZIP, zipped("a" * 201)).texts

    assert text == f"{'0':>15}  {'a' * 200}"


@pytest.mark.parametrize(("size", "notes"), [(199, []), (200, [(Note.UNPACKS, 200)])])
def test_what_grows_two_hundred_times_is_made_to_fill_a_disk(
    size: int, notes: list[tuple[Note, int]]
) -> None:
    said = Said()
    archive._say(cast(Sender, said), 10, [("a", size * 10), ("b", 9)], 0, 0)
    assert said.notes == [*notes, (Note.NOT_OPENED, 0)]
    said = Said()
    archive._say(cast(Sender, said), 0, [("a", size)], 0, 0)
    assert said.notes == [*notes, (Note.NOT_OPENED, 0)]


def tarred(content: bytes = b"12345") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as made:
        one = tarfile.TarInfo("a")
        one.size = len(content)
        made.addfile(one, io.BytesIO(content))
        for name, kind in (("b", tarfile.SYMTYPE), ("c", tarfile.LNKTYPE)):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = kind, "a"
            made.addfile(link)
    return out.getvalue()


@pytest.mark.parametrize("kind", [Kind.TAR, Kind.PACKED])
def test_a_tar_archive_is_listed_with_its_links_packed_or_not(kind: Kind) -> None:
    data = tarred() if kind is Kind.TAR else gzip.compress(tarred())
    said = listed(kind, data)

    assert said.counts == [3] and said.notes == [(Note.LINKS, 2), (Note.NOT_OPENED, 0)]
    assert said.texts == [f"{'5':>15}  a\n{'0':>15}  b\n{'0':>15}  c"]


def test_what_is_packed_and_no_tar_is_not_opened_and_what_is_damaged_is_said() -> None:
    assert listed(Kind.PACKED, gzip.compress(b"text" * 200)).notes == [(Note.NOT_OPENED, 0)]
    assert listed(Kind.PACKED, b"\x1f\x8bno").notes == [(Note.DAMAGED, 0)]
    assert listed(Kind.ZIP, b"PK\x03\x04no").notes == [(Note.DAMAGED, 0)]
    cut = listed(Kind.PACKED, gzip.compress(tarred(bytes(9_000)))[:-20])
    assert (Note.DAMAGED, 0) in cut.notes and cut.counts


@pytest.mark.parametrize(("less", "stopped"), [(0, False), (1, True)])
def test_only_so_much_is_unpacked_to_find_names(
    monkeypatch: pytest.MonkeyPatch, less: int, stopped: bool
) -> None:
    whole = tarred()
    monkeypatch.setattr(archive, "_MOST_UNPACKED", len(whole) - less)
    said = listed(Kind.PACKED, gzip.compress(whole))

    assert ((Note.STOPPED_UNPACKING, 0) in said.notes) == stopped
    monkeypatch.undo()
    assert archive._MOST_UNPACKED == 512 * 2**20


def test_what_is_unpacked_comes_in_pieces_of_a_mebibyte_at_most() -> None:
    for asked, given in ((5, 5), (2**21, 2**20), (-1, 2**20), (0, 0)):
        assert len(archive._Bounded(io.BytesIO(bytes(2**21))).read(asked)) == given


# --- Pictures ---


def drawn(kind: Kind, data: bytes, wanted: range = range(1, 3)) -> Said:
    said = Said()
    picture_of(kind)(data, wanted, cast(Sender, said))
    return said


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def png(width: int, height: int) -> bytes:
    return encoded(Image.new("RGB", (width, height), "red"), "PNG")


def test_a_picture_is_drawn_as_it_is() -> None:
    said = drawn(Kind.PNG, png(3, 2))

    assert said.counts == [1] and said.notes == []
    assert said.pages == [Page(1, 3, 2, b"\xff\0\0" * 6)]
    assert drawn(Kind.PNG, png(3, 2), range(2, 3)).pages == []
    assert drawn(Kind.PNG, png(3, 2), range(1)).pages == []
    assert drawn(Kind.PNG, b"\x89PNG\r\n\x1a\nno").notes == [(Note.DAMAGED, 0)]
    assert drawn(Kind.HEIC, b"\0\0\0\x18ftypheic").notes == [(Note.HEIC, 0)]


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (range(3), [1, 2]),
        (range(1, 2), [1]),
        (range(2, 4), [2, 3]),
        (range(3, 9), [3]),
        (range(4, 9), []),
    ],
)
def test_of_several_frames_those_are_drawn_that_are_wanted(
    wanted: range, numbers: list[int]
) -> None:
    frames = [Image.new("RGB", (2, 2), (shade, 0, 0)) for shade in (50, 100, 150)]
    data = encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    said = drawn(Kind.TIFF, data, wanted)

    assert said.counts == [3] and [one.number for one in said.pages] == numbers
    assert [one.rgb[0] for one in said.pages] == [50 * number for number in numbers]


@pytest.mark.parametrize(("kind", "limit"), [("PNG", "_MOST_UNPACKED"),
                                             ("JPEG", "_MOST_UNPACKED_JPEG")])  # fmt: skip
@pytest.mark.parametrize("more", [0, 1])
def test_a_picture_of_too_many_pixels_is_not_unpacked(
    monkeypatch: pytest.MonkeyPatch, kind: str, limit: str, more: int
) -> None:
    monkeypatch.setattr(image, limit, 600 - more)
    monkeypatch.setattr(image, "_MEGAPIXEL", 100)
    data = encoded(Image.new("RGB", (30, 20)), kind)
    said = drawn(Kind[kind], data)

    assert said.notes == ([(Note.TOO_LARGE, 6)] if more else [])
    assert len(said.pages) == 1 - more


@pytest.mark.parametrize(
    ("pixels", "side", "size"),
    [
        (600, 30, (30, 20)),
        (599, 30, (29, 19)),
        (150, 30, (15, 10)),
        (600, 29, (29, 19)),
        (600, 3, (3, 2)),
        (600, 1, (1, 1)),
    ],
)
def test_a_large_picture_is_drawn_smaller(
    monkeypatch: pytest.MonkeyPatch, pixels: int, side: int, size: tuple[int, int]
) -> None:
    monkeypatch.setattr(image, "MOST_PIXELS", pixels)
    monkeypatch.setattr(image, "MOST_SIDE", side)
    said = drawn(Kind.PNG, png(30, 20))

    (page,) = said.pages
    assert (page.width, page.height) == size and len(page.rgb) == 3 * size[0] * size[1]
    assert said.notes == ([] if size == (30, 20) else [(Note.SMALLER, 1)])


def test_a_turned_photograph_stays_turned_when_it_is_made_smaller(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(image, "MOST_PIXELS", 150)
    exif = Image.Exif()
    exif[0x0112] = 6
    (page,) = drawn(Kind.PNG, encoded(Image.new("RGB", (30, 20)), "PNG", exif=exif.tobytes())).pages

    assert (page.width, page.height) == (10, 15)
    monkeypatch.setattr(image, "MOST_PIXELS", 100)
    for width, height, shown in ((20, 20, (10, 10)), (20, 30, (12, 8)), (30, 20, (8, 12))):
        square = Image.new("RGB", (width, height))
        (page,) = drawn(Kind.PNG, encoded(square, "PNG", exif=exif.tobytes())).pages
        assert (page.width, page.height) == shown


@pytest.mark.parametrize(
    ("mode", "colour", "shown"),
    [
        ("RGBA", (255, 0, 0, 0), (255, 255, 255)),
        ("RGBA", (255, 0, 0, 255), (255, 0, 0)),
        ("LA", (0, 0), (255, 255, 255)),
        ("L", 7, (7, 7, 7)),
        ("I;16", 256 * 200 + 255, (200, 200, 200)),
    ],
)
def test_what_is_transparent_is_white_and_sixteen_bits_are_eight(
    mode: str, colour: Any, shown: tuple[int, int, int]
) -> None:
    (page,) = drawn(Kind.PNG, encoded(Image.new(mode, (1, 1), colour), "PNG")).pages

    assert tuple(page.rgb) == shown


@pytest.mark.parametrize(
    ("most", "size"),
    [
        ((30, 20), (30, 20)),
        ((99, 99), (30, 20)),
        ((15, 99), (15, 10)),
        ((99, 5), (7, 5)),
        ((1, 1), (1, 1)),
    ],
)
def test_a_page_fits_a_screen_and_is_never_made_larger(
    most: tuple[int, int], size: tuple[int, int]
) -> None:
    page = Page(7, 30, 20, b"\xff\0\0" * 600)
    found = fitted(page, *most)

    assert (found.number, found.width, found.height) == (7, *size)
    assert found.rgb == b"\xff\0\0" * (size[0] * size[1])


def test_of_a_very_long_page_a_pixel_is_left_of_its_shorter_side() -> None:
    for size, most in (((300, 2), (30, 30)), ((2, 300), (30, 30))):
        found = fitted(Page(1, *size, bytes(1_800)), *most)

        assert (found.width, found.height) == ((30, 1) if size == (300, 2) else (1, 30))


@pytest.mark.parametrize(("size", "letters"), [((300, 200), 10), ((600, 450), 15)])
def test_a_ruled_page_has_a_numbered_line_at_every_tenth_of_its_sides(
    size: tuple[int, int], letters: int
) -> None:
    width, height = size
    found = ruled(Page(4, width, height, bytes((0, 0, 255)) * width * height))
    expected = Image.new("RGB", size, "blue")
    draw = ImageDraw.Draw(expected)
    font = ImageFont.load_default(letters)
    for tenth in range(1, 10):
        x, y = width * tenth // 10, height * tenth // 10
        expected.paste((200, 0, 0), (x, 0, x + 1, height))
        expected.paste((200, 0, 0), (0, y, width, y + 1))
        for at in ((x + 2, 0), (0, y + 2)):
            number = str(10 * tenth)
            draw.rectangle(draw.textbbox(at, number, font=font), fill="white")
            draw.text(at, number, fill=(200, 0, 0), font=font)

    assert found == Page(4, width, height, expected.tobytes())


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0:00"), (7, "0:07"), (60, "1:00"), (3_599, "59:59"), (3_600, "1:00:00"),
     (7_325, "2:02:05")],
)  # fmt: skip
def test_a_length_is_shown_as_on_a_clock(seconds: int, shown: str) -> None:
    assert lasting(seconds) == shown
