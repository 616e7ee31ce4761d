"""Pixel copies of files as they leave: what was under a box is in no pixel and no byte."""

import io
import random
import threading
import time
import tracemalloc
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import BinaryIO

import pytest
from PIL import Image, ImageDraw, ImageFont
from support import hostile_files as made
from support.cases import add, attachment, new_casebook, report
from support.drawing_rooms import needs_bubblewrap
from support.drawn import drawn
from support.redactions import box, redact, whole

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.redactions import WHOLE, Box, Redaction
from scripts.desk.pictures.blackening import Mark, blackened, sheet
from scripts.desk.pictures.drawing_room import Bubblewrap, NoRoom, OwnWalls, Room
from scripts.desk.pictures.frames import Page
from scripts.desk.pictures.kinds import Kind
from scripts.desk.pictures.look import Shown, Sink
from scripts.desk.pictures.png import png_of
from scripts.desk.redaction.boxes import BadBox, box_of, mark_of
from scripts.desk.redaction.copies import Copy, RedactionError, pages
from scripts.desk.redaction.standing import standing

BLACK, WHITE = (0, 0, 0), (255, 255, 255)
TENTH = WHOLE // 10
OWN = OwnWalls()
Opened = Callable[..., Generator[Copy]]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """The copies of a file with these redactions."""
    with new_casebook(tmp_path / "casebook") as casebook:

        def make(data: bytes, *redactions: Redaction) -> Generator[Copy]:
            return _opened(casebook, data, *redactions)

        yield make


def _opened(
    casebook: Casebook, data: bytes, *redactions: Redaction, room: Room = OWN
) -> Generator[Copy]:
    one = attachment(f"file {casebook.last_part()}", data)
    path = casebook.file_path(one.sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    (case,) = add(casebook, report("", casebook.last_part() + 1, attachments=(one,)))
    redact(casebook, *redactions, case=case)
    (file,) = casebook.case(case).files
    return pages(casebook, standing(casebook), file, room)


def noise(seed: int, size: tuple[int, int] = (90, 60)) -> Image.Image:
    return Image.frombytes("RGB", size, random.Random(seed).randbytes(size[0] * size[1] * 3))


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def chunks(png: bytes) -> list[bytes]:
    """The kinds of chunks that a PNG file consists of."""
    found, at = list[bytes](), 8
    while at < len(png):
        found.append(png[at + 4 : at + 8])
        at += 12 + int.from_bytes(png[at : at + 4], "big")
    return found


def decoded(png: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(png))
    assert image.format == "PNG" and image.info == {}
    assert set(chunks(png)) == {b"IHDR", b"IDAT", b"IEND"}
    return image.convert("RGB")


def colours(image: Image.Image) -> dict[object, int]:
    """How many pixels of each colour *image* has."""
    return {colour: count for count, colour in image.getcolors(image.width * image.height) or ()}


# --- Boxes in pixels ---


def test_each_pixel_of_a_box_is_black_or_white_and_each_other_one_is_as_it_was() -> None:
    image = noise(1, (200, 150))
    page = Page(1, *image.size, image.tobytes())
    marks = [Mark(10, 20, 150, 60, "privilege"), Mark(100, 50, 190, 90, "third_person")]

    found = decoded(png_of(blackened(page, marks)))

    inside = {
        (x, y)
        for one in marks
        for x in range(one.left, one.right)
        for y in range(one.top, one.bottom)
    }
    seen = set()
    for x in range(200):
        for y in range(150):
            if (x, y) in inside:
                seen.add(found.getpixel((x, y)))
            else:
                assert found.getpixel((x, y)) == image.getpixel((x, y)), (x, y)
    assert seen == {BLACK, WHITE}
    # Nothing of the file's pixels decides even which of the two.
    other = noise(2, (200, 150))
    for one in marks:
        area = one[:4]
        again = decoded(png_of(blackened(Page(1, 200, 150, other.tobytes()), marks)))
        assert again.crop(area).tobytes() == found.crop(area).tobytes()


@pytest.mark.parametrize("size", [(1, 1), (4, 60), (60, 8), (12, 12)])
def test_a_box_too_small_for_its_reason_is_only_black(size: tuple[int, int]) -> None:
    page = Page(1, 80, 80, bytes((255, 0, 0)) * 6_400)
    found = decoded(png_of(blackened(page, [Mark(5, 5, 5 + size[0], 5 + size[1], "privilege")])))

    area = size[0] * size[1]
    assert colours(found) == {BLACK: area, (255, 0, 0): 6_400 - area}


@pytest.mark.parametrize("width", range(40, 150, 7))
def test_no_letter_of_a_reason_reaches_out_of_its_box(width: int) -> None:
    page = Page(1, 200, 60, bytes((255, 0, 0)) * 12_000)
    found = decoded(png_of(blackened(page, [Mark(20, 10, 20 + width, 40, "third_person")])))

    assert colours(found)[255, 0, 0] == 12_000 - 30 * width
    found.paste((255, 0, 0), (20, 10, 20 + width, 40))
    assert colours(found) == {(255, 0, 0): 12_000}


def ink(image: Image.Image) -> tuple[int, int, int, int] | None:
    """The box around what is white in *image*."""
    return image.convert("L").getbbox()


def letters_of(label: str, size: int) -> tuple[int, int]:
    """How wide and high *label* is in letters of a *size*, without shades."""
    alone = Image.new("RGB", (900, 100))
    draw = ImageDraw.Draw(alone)
    draw.fontmode = "1"
    draw.text((200, 20), label, fill=WHITE, font=ImageFont.load_default(size))
    left, top, right, bottom = ink(alone) or (0, 0, 0, 0)
    return right - left, bottom - top


def wide_as(size: int) -> int:
    """How wide a box is in which "third_person" just fits in letters of a *size*."""
    return letters_of("third_person", size)[0] + 4


@pytest.mark.parametrize(
    ("box", "label", "size"),
    [
        # As large as seven tenths of the height, and no larger than can be read at a glance.
        ((400, 20), "minor", 14),
        ((400, 56), "minor", 39),
        ((400, 57), "minor", 39),
        ((400, 58), "minor", 40),
        ((400, 200), "minor", 40),
        # As small as can be read in print, or there is none.
        ((400, 15), "minor", 10),
        ((400, 14), "minor", 0),
        # With two pixels of black at each side, and not with fewer.
        *(((wide_as(size), 60), "third_person", size) for size in (10, 11, 21, 40)),
        *(((wide_as(size) - 1, 60), "third_person", size - 1) for size in (11, 21, 40)),
        ((wide_as(10) - 1, 60), "third_person", 0),
    ],
)
def test_a_reason_is_as_large_as_fits_and_in_the_middle_of_its_box(
    box: tuple[int, int], label: str, size: int
) -> None:
    width, height = box
    page = Page(7, width + 20, height + 20, bytes((255, 0, 0)) * (width + 20) * (height + 20))
    burnt = blackened(page, [Mark(10, 10, width + 10, height + 10, label)])
    image = Image.frombytes("RGB", (burnt.width, burnt.height), burnt.rgb)
    found = ink(image.crop((10, 10, width + 10, height + 10)))

    assert burnt.number == 7
    if not size:
        assert found is None
        return
    assert found is not None
    left, top, right, bottom = found
    # Whole, and with margins that are alike.
    assert (right - left, bottom - top) == letters_of(label, size)
    assert (left, top) == ((width - (right - left)) // 2, (height - (bottom - top)) // 2)


def test_a_slip_sheet_is_a_page_of_a4_with_its_lines_one_below_the_other() -> None:
    lines = ("PAGE 3 WITHHELD", "", "It cannot be drawn.")
    made_of_it = sheet(3, lines)
    expected = Image.new("RGB", (1_240, 1_754), WHITE)
    draw = ImageDraw.Draw(expected)
    font = ImageFont.load_default(23.8)
    for top, line in zip((120, 154, 188), lines, strict=True):
        draw.text((120, top), line, fill=BLACK, font=font)

    assert made_of_it == Page(3, 1_240, 1_754, expected.tobytes())


def test_a_box_never_shrinks_between_what_was_typed_and_what_is_burnt() -> None:
    for width, height in ((1_275, 1_650), (33, 7), (3, 3), (29_999, 800)):
        page = Page(1, width, height, b"")
        for left, top, across, down in ((0, 0, 1, 1), (1, 2, 1, 1), (width // 3, 1, width // 2, 2)):
            one = mark_of(page, box_of(f"{left},{top},{across},{down}", page), "")
            assert one.left <= left and one.top <= top
            assert min(left + across, width) <= one.right <= left + across + 1
            assert min(top + down, height) <= one.bottom <= top + down + 1
        half = mark_of(page, box_of("25,25,50.5,50%", page), "")
        assert half.left * 4 <= width and half.right * 1_000 >= width * 755


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "X,Y,WIDTH"),
        ("1,2,3", "X,Y,WIDTH"),
        ("-1,2,3,4", "X,Y,WIDTH"),
        ("1.5,2,3,4", "X,Y,WIDTH"),
        ("a,b,c,d", "X,Y,WIDTH"),
        ("1,2,0,4", "no area"),
        ("1,2,0,4%", "no area"),
        ("1,2,3,0%", "no area"),
        ("80,1,5,5", "outside the page, whose picture has 80 × 40 pixels"),
        ("1,40,5,5", "outside"),
        ("100,1,5,5%", "outside"),
    ],
)
def test_a_box_that_is_none_or_outside_the_page_is_a_sentence(typed: str, sentence: str) -> None:
    with pytest.raises(BadBox, match=sentence):
        box_of(typed, Page(1, 80, 40, b""))


@pytest.mark.parametrize("typed", ["1,2,0,4", "1,2,4,0"])
def test_a_box_of_no_pixels_has_no_area_where_rounding_would_give_it_one(typed: str) -> None:
    with pytest.raises(BadBox, match="no area"):
        box_of(typed, Page(1, 7, 7, b""))


def test_the_smallest_boxes_and_the_last_pixels_are_boxes() -> None:
    page = Page(1, 80, 40, b"")

    assert box_of("0,0,0.0001,0.0001%", page) == Box(0, 0, 1, 1)
    assert box_of("99.9999,99.9999,1,1%", page) == Box(WHOLE - 1, WHOLE - 1, 1, 1)
    assert box_of("0,0,1,1", page) == Box(0, 0, WHOLE // 80, WHOLE // 40)
    assert box_of(" 79%, 39 %,1,1%", page) == Box(790_000, 390_000, 10_000, 10_000)
    assert mark_of(page, Box(WHOLE - 1, WHOLE - 1, 1, 1), "x") == Mark(79, 39, 80, 40, "x")
    assert mark_of(page, Box(0, 0, 1, 1), "x") == Mark(0, 0, 1, 1, "x")


def test_of_a_box_that_begins_before_the_page_what_is_on_it_is_blacked_out() -> None:
    page = Page(1, 80, 40, b"")
    eighth = WHOLE // 8

    assert mark_of(page, Box(-eighth, -eighth, 2 * eighth, 3 * eighth), "x") == Mark(
        0, 0, 10, 10, "x"
    )
    assert mark_of(page, Box(eighth, eighth, 9 * eighth, 9 * eighth), "x") == Mark(
        10, 5, 80, 40, "x"
    )
    # Of what only touches the page from outside nothing is on it: such a box is none.
    for outside in (Box(-eighth, 0, eighth, eighth), Box(0, -eighth, eighth, eighth)):
        assert mark_of(page, outside, "x") == Mark(0, 0, 80, 40, "x")


def test_what_a_box_has_beyond_the_edge_is_not_there() -> None:
    page = Page(1, 80, 40, b"")

    assert box_of("70,30,500,500", page) == box_of("87.5,75,12.5,25%", page)
    assert mark_of(page, box_of("70,30,500,500", page), "") == Mark(70, 30, 80, 40, "")


@pytest.mark.parametrize(
    "where", [Box(0, 0, 0, 0), Box(2 * WHOLE, 0, 9, 9), Box(-9, -9, 5, 5), Box(5, 5, -9, 9)]
)
def test_a_box_that_is_none_blacks_out_the_whole_page(where: Box) -> None:
    # No desk of this version adds such a one; another desk's row may say anything.
    assert mark_of(Page(1, 80, 40, b""), where, "x") == Mark(0, 0, 80, 40, "x")


# --- Files through the room ---


def turned(seed: int) -> bytes:
    """A photograph whose metadata turn it and hold a thumbnail; the left third is of *seed*."""
    image = noise(0)
    image.paste(noise(seed, (30, 60)), (0, 0))
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, f"SECRET {seed}"
    exif.get_ifd(0x8825)[1] = "N"
    return encoded(image, "PNG", exif=exif)


@pytest.mark.slow
def test_a_turned_photograph_is_blacked_out_as_it_is_shown(opened: Opened) -> None:
    one, other = turned(1), turned(2)
    # Turned by a quarter to the right: what was at the left is at the top.
    (first,), (second,) = (
        list(opened(data, box(data, 1, Box(0, 0, WHOLE, WHOLE // 3)))) for data in (one, other)
    )
    found = decoded(first.png)

    assert found.size == (60, 90) and first.png == second.png
    assert b"SECRET" in one and b"SECRET" not in first.png and b"eXIf" not in first.png
    plain = Image.frombytes("RGB", (60, 90), drawn(one).pages[0].rgb)
    assert found.crop((0, 30, 60, 90)).tobytes() == plain.crop((0, 30, 60, 90)).tobytes()
    assert set(found.crop((0, 0, 60, 30)).get_flattened_data()) <= {BLACK, WHITE}


def rotated_pdf(secret: str, rotate: int) -> bytes:
    """A page of 72 by 144 points, turned; a red square at its lower left, and a text in it."""
    whole = made.pdf(size=(72, 144))
    old = b"1 0 0 rg 0 0 72 144 re f"
    new = f"1 0 0 rg 0 0 36 36 re f BT /F1 6 Tf 0 g 2 2 Td ({secret}) Tj ET".encode()
    page = b"/Contents 3 0 R"
    assert old in whole and page in whole
    font = (
        b"/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"
    )
    info = f"/Rotate {rotate} ".encode()
    return (
        whole.replace(str(len(old)).encode(), str(len(new)).encode(), 1)
        .replace(old, new)
        .replace(page, info + font + page)
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rotate", "where"),
    # Where the square at the lower left comes to be, in squares from the upper left.
    [(0, (0, 3)), (90, (0, 0)), (180, (1, 0)), (270, (3, 1))],
)
def test_a_turned_page_is_blacked_out_as_it_is_shown(
    opened: Opened, rotate: int, where: tuple[int, int]
) -> None:
    across, down = (2, 4) if rotate % 180 == 0 else (4, 2)
    one = Box(where[0] * WHOLE // across, where[1] * WHOLE // down, WHOLE // across, WHOLE // down)
    found = [
        list(opened(data, box(data, 1, one)))
        for data in (rotated_pdf("SECRET", rotate), rotated_pdf("OTHER", rotate))
    ]

    assert found[0] == found[1]
    assert set(colours(decoded(found[0][0].png))) == {BLACK, WHITE}
    (plain,) = drawn(rotated_pdf("SECRET", rotate)).pages
    image = Image.frombytes("RGB", (plain.width, plain.height), plain.rgb)
    assert colours(image)[255, 0, 0] > 2_000
    assert image.tobytes() != drawn(rotated_pdf("OTHER", rotate)).pages[0].rgb


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["TIFF", "GIF"])
def test_a_box_is_on_its_own_frame_alone(opened: Opened, kind: str) -> None:
    frames = [Image.new("RGB", (40, 30), (number * 80, 10, 10)) for number in range(1, 4)]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:])

    found = list(opened(data, box(data, 2, Box(0, 0, WHOLE, WHOLE))))

    assert [one.number for one in found] == [1, 2, 3]
    seen = [set(colours(decoded(one.png))) for one in found]
    assert [BLACK in one for one in seen] == [False, True, False] and seen[1] <= {BLACK, WHITE}


@pytest.mark.slow
def test_what_cannot_be_pictured_is_a_slip_sheet_and_never_the_file(opened: Opened) -> None:
    text = "【虚构】张三".encode()
    for data in (text, made.encrypted_pdf(), made.archive(("a", b"1")), b"ID3" + bytes(99), b""):
        found = list(opened(data, box(data, 1, Box(0, 0, TENTH, TENTH))))
        (sheet,) = found
        assert sheet.number == 0 and sheet.withheld
        assert data not in sheet.png or not data
        assert decoded(sheet.png).size == (1_240, 1_754)


@pytest.mark.slow
def test_a_whole_file_is_withheld_and_a_page_that_is_damaged_is_a_slip_sheet(
    opened: Opened,
) -> None:
    data = made.pdf(pages=3)
    (sheet,) = opened(data, whole(data, "minor"))
    assert (sheet.number, sheet.withheld) == (0, "redacted: minor")

    page = b"/Type /Page /Parent 2 0 R /MediaBox [0 0 72 72]"
    start = data.index(page, data.index(page) + 1)
    broken = data[:start] + page.replace(b"/Page ", b"/Pgae ") + data[start + len(page) :]
    found = list(opened(broken, box(broken, 2, Box(0, 0, TENTH, TENTH))))
    assert [(one.number, bool(one.withheld)) for one in found] == [
        (1, False),
        (2, True),
        (3, False),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("page", [7, 0])
def test_a_box_on_a_page_that_is_not_there_stops_everything(opened: Opened, page: int) -> None:
    data = made.pdf(pages=2)

    with pytest.raises(RedactionError, match=f"on page {page} of a file that has 2 here"):
        list(opened(data, box(data, page, Box(0, 0, TENTH, TENTH))))


@pytest.mark.slow
def test_a_hundred_pages_are_in_memory_one_at_a_time(opened: Opened) -> None:
    data = made.pdf(pages=100, size=(200, 200))
    a_page = (200 * 150 // 72) ** 2 * 3
    copies = opened(data, box(data, 50, Box(0, 0, TENTH, TENTH)))
    next(copies)
    tracemalloc.start()
    count = sum(1 for _ in copies)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == 99 and peak < 12 * a_page


class Endless:
    """Stands in for a look at a file whose pages never end; ``drawn`` counts them."""

    def __init__(self) -> None:
        self.drawn = 0

    def __call__(
        self,
        _content: BinaryIO,
        wanted: range,
        _room: Room,
        sink: Sink,
        *,
        seconds: float,
        stopped: Callable[[], bool],
    ) -> Shown:
        assert seconds > 60
        while not stopped() and self.drawn < len(wanted):
            self.drawn += 1
            sink(Page(self.drawn, 1, 1, b"red"))
        return Shown(Kind.PDF, total=10_000, drawn=self.drawn)


def test_no_page_is_drawn_long_before_it_is_taken_and_none_once_nobody_takes_them(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless, before = Endless(), threading.active_count()
    monkeypatch.setattr("scripts.desk.redaction.copies.look", endless)
    copies = opened(made.pdf())
    for number in (1, 2, 3):
        assert next(copies).number == number
    # Time enough to draw them all.
    time.sleep(0.1)
    assert endless.drawn <= 3 + 2 and threading.active_count() == before + 1

    copies.close()

    assert endless.drawn <= 3 + 3 and threading.active_count() == before


def test_a_file_of_more_pages_than_one_look_is_looked_at_in_several(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[range] = []

    def look(_content: BinaryIO, wanted: range, _room: Room, sink: Sink, **_: object) -> Shown:
        looks.append(wanted)
        assert _content.tell() == 0
        _content.read()
        for number in range(wanted.start, min(wanted.stop, 406)):
            sink(Page(number, 1, 1, b"red"))
        return Shown(Kind.PDF, total=407)

    monkeypatch.setattr("scripts.desk.redaction.copies.look", look)
    found = list(opened(made.pdf()))

    assert looks == [range(1, 201), range(201, 401), range(401, 601)]
    assert [one.number for one in found] == list(range(1, 407))
    assert [one.number for one in found if one.withheld] == [406]
    assert found[-1].withheld == "neither it nor any page after it can be drawn"


def test_a_room_that_cannot_be_closed_off_is_said_and_nothing_leaves(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **_named: object) -> Shown:
        raise NoRoom("no room")

    monkeypatch.setattr("scripts.desk.redaction.copies.look", refused)
    with pytest.raises(NoRoom, match="no room"):
        list(opened(made.pdf()))


@pytest.mark.bubblewrap
def test_in_bubblewraps_room_the_copies_are_the_same(opened: Opened, tmp_path: Path) -> None:
    needs_bubblewrap()
    data = made.pdf(pages=2)
    where = box(data, 2, Box(0, 0, TENTH, TENTH))
    own = list(opened(data, where))
    with new_casebook(tmp_path / "other") as casebook:
        bubbled = list(_opened(casebook, data, where, room=Bubblewrap()))

    assert bubbled == own and len(own) == 2
