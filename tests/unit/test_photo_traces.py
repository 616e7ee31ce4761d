"""A camera's notes, directory by directory, and a JPEG's segments, marker by marker."""

import struct
from collections.abc import Sequence
from pathlib import Path

import pytest

from dropbox.front.photo_traces import (
    PLACE,
    SERIAL,
    HeicReader,
    JpegStripper,
    Tiff,
    is_heic,
    is_jpeg,
)

PHOTOGRAPH = (Path(__file__).parents[1] / "vectors/photograph/neither.jpg").read_bytes()
TEXT, SHORT, LONG = 2, 3, 4
ORIENTATION, EXIF, GPS = 0x0112, 0x8769, 0x8825
SERIALS = (0xA430, 0xA431, 0xA435, 0xC62F)

# tag, type, count, and the value: a number, a text, or the entries of another directory.
Entry = tuple[int, int, int, object]
ORDERS = pytest.mark.parametrize("order", ["<", ">"])


def notes(*entries: Entry, order: str = "<") -> bytes:
    """A TIFF with one directory, and those to which its entries lead."""
    header = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    return header + directory(entries, order, 8)


def directory(entries: Sequence[Entry], order: str, at: int) -> bytes:
    head = struct.pack(order + "H", len(entries))
    behind, start = b"", at + 2 + 12 * len(entries) + 4
    for tag, kind, count, value in entries:
        if isinstance(value, int):
            form = "HH" if kind == SHORT else "I"
            field = struct.pack(order + form, *((value, 0) if kind == SHORT else (value,)))
        elif isinstance(value, bytes) and len(value) <= 4:
            field = value.ljust(4, b"\0")
        else:
            place = start + len(behind)
            field = struct.pack(order + "I", place)
            is_text = isinstance(value, bytes)
            behind += value if is_text else directory(value, order, place)  # type: ignore[operator, arg-type]
        head += struct.pack(order + "HHI", tag, kind, count) + field
    return head + bytes(4) + behind


@ORDERS
@pytest.mark.parametrize("turned", range(11))
def test_a_picture_is_turned_in_one_of_eight_ways(turned: int, order: str) -> None:
    expected = turned if 1 <= turned <= 8 else 1

    assert Tiff(notes((ORIENTATION, SHORT, 1, turned), order=order)).orientation == expected
    assert Tiff(notes((ORIENTATION, LONG, 1, turned), order=order)).orientation == 1


@ORDERS
@pytest.mark.parametrize("tag", SERIALS)
@pytest.mark.parametrize(
    ("kind", "text", "traces"),
    [
        (TEXT, b"x\0", {SERIAL}),
        (TEXT, b"x", {SERIAL}),
        (TEXT, b"1234", {SERIAL}),
        (TEXT, b"12345", {SERIAL}),
        (TEXT, b"1234567890123456", {SERIAL}),
        (TEXT, b"", set()),
        (TEXT, b"\0\0\0\0", set()),
        (TEXT, b"    \0", set()),
        (TEXT, bytes(20), set()),
        (7, b"1234567890", set()),
    ],
)
def test_a_serial_number_is_a_text_that_says_something(
    kind: int, text: bytes, traces: set[str], tag: int, order: str
) -> None:
    entry = (tag, kind, len(text), text)

    assert Tiff(notes(entry, order=order)).traces == traces
    assert Tiff(notes((EXIF, LONG, 1, [entry]), order=order)).traces == traces
    assert Tiff(notes((0xA432, kind, len(text), text), order=order)).traces == set()


@ORDERS
@pytest.mark.parametrize(
    ("inner", "traces"),
    [
        ([(2, 5, 3, bytes(24))], {PLACE}),
        ([(4, 5, 3, bytes(24))], {PLACE}),
        ([(1, TEXT, 2, b"N\0"), (2, 5, 3, bytes(24))], {PLACE}),
        ([(2, 5, 0, b"")], set()),
        ([(1, TEXT, 2, b"N\0"), (3, TEXT, 2, b"E\0"), (5, 1, 1, b"\0")], set()),
        ([], set()),
    ],
)
def test_a_place_is_a_latitude_or_a_longitude(
    inner: list[Entry], traces: set[str], order: str
) -> None:
    assert Tiff(notes((GPS, LONG, 1, inner), order=order)).traces == traces


def test_so_many_entries_of_a_directory_are_read() -> None:
    filling: list[Entry] = [(0x0100, SHORT, 1, 1)] * 511
    turned: Entry = (ORIENTATION, SHORT, 1, 6)

    assert Tiff(notes(*filling, turned)).orientation == 6
    assert Tiff(notes(*filling, (0x0100, SHORT, 1, 1), turned)).orientation == 1


@pytest.mark.parametrize("data", [b"", b"II", b"MM\0*", b"II*\0\x08\0\0\0", b"XX*\0\x08\0\0\0\1\0"])
def test_what_holds_no_directory_says_nothing(data: bytes) -> None:
    assert (Tiff(data).traces, Tiff(data).orientation) == (set(), 1)


def segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + (2 + len(content)).to_bytes(2, "big") + content


def left_of(added: bytes, size: int = 10**6) -> tuple[JpegStripper, bytes]:
    """What is left of a photograph with *added* behind its beginning."""
    data, stripper = PHOTOGRAPH[:2] + added + PHOTOGRAPH[2:], JpegStripper()
    left = b"".join(stripper.feed(data[at : at + size]) for at in range(0, len(data), size))
    assert stripper.ended and not stripper.bad
    return stripper, left


@pytest.mark.parametrize("marker", [*range(0xC0, 0xD0), *range(0xDB, 0xFF)])
def test_only_segments_of_applications_and_comments_are_taken_away(marker: int) -> None:
    added = segment(marker, b"what this is about")

    assert (added in left_of(added)[1]) == (not 0xE0 <= marker <= 0xEF and marker != 0xFE)


@pytest.mark.parametrize(
    ("marker", "begins"), [(0xE0, b"JFIF\0"), (0xE2, b"ICC_PROFILE\0"), (0xEE, b"Adobe")]
)
def test_what_draws_the_picture_is_told_by_how_it_begins(marker: int, begins: bytes) -> None:
    assert segment(marker, begins + b"zz") in left_of(segment(marker, begins + b"zz"))[1]
    for other in (b"z" + begins, begins[:-1]):
        assert segment(marker, other) not in left_of(segment(marker, other))[1]


@pytest.mark.parametrize("size", [1, 2, 10**6])
@pytest.mark.parametrize(
    "added",
    [b"\xff\x01", b"\xff\xd0", b"\xff\xd7", b"\xff\xdb\0\2", b"\xff\xdb\0\0", b"\xff\xdb\0\1"],
)
def test_markers_without_content_stay(added: bytes, size: int) -> None:
    assert left_of(added, size)[1] == left_of(b"")[1][:2] + added + left_of(b"")[1][2:]


def test_filling_before_a_marker_is_left_out() -> None:
    assert left_of(b"\xff\xff\xff")[1] == left_of(b"")[1]


@pytest.mark.parametrize("data", [b"x", b"\xff\xdb\0\2", b"\xff\xd8\0", b"\xff\xd8\xff\xd8"])
def test_what_is_no_jpeg_is_bad_and_gives_nothing_more(data: bytes) -> None:
    stripper = JpegStripper()
    stripper.feed(data.ljust(4, b"\0"))

    assert stripper.bad and not stripper.ended
    assert stripper.feed(PHOTOGRAPH) == b""


@pytest.mark.parametrize(
    ("dataset", "traces"),
    [
        (b"\x1c\x02\x5a", {PLACE}),
        (b"\x1c\x02\x5c", {PLACE}),
        (b"\x1c\x02\x5f", {PLACE}),
        (b"\x1c\x02\x65", {PLACE}),
        (b"\x1c\x02\x5b", set()),
        (b"\x1c\x01\x5a", set()),
    ],
)
def test_a_city_or_country_that_an_agency_noted_is_a_place(
    dataset: bytes, traces: set[str]
) -> None:
    assert left_of(segment(0xED, b"Photoshop 3.0\0" + dataset))[0].traces == traces
    assert left_of(segment(0xEC, dataset))[0].traces == set()


@pytest.mark.parametrize(
    ("word", "traces"), [(b"exif:GPSLatitude", {PLACE}), (b"aux:SerialNumber", {SERIAL})]
)
def test_what_adobe_notes_is_looked_for_where_it_is_kept(word: bytes, traces: set[str]) -> None:
    assert left_of(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + word))[0].traces == traces
    for marker in (0xE0, 0xE2, 0xED, 0xFE):
        assert left_of(segment(marker, word))[0].traces == set()


@pytest.mark.parametrize("turned", [1, 2, 8])
def test_how_a_picture_is_turned_is_all_that_is_left_of_its_notes(turned: int) -> None:
    serial = (SERIALS[0], TEXT, 4, b"1234")
    exif = segment(0xE1, b"Exif\0\0" + notes((ORIENTATION, SHORT, 1, turned), serial))
    stripper, left = left_of(exif)

    assert stripper.traces == {SERIAL} and b"1234" not in left
    begin = left_of(b"")[1]
    if turned == 1:
        assert left == begin
    else:
        length = int.from_bytes(left[4:6], "big")
        alone = notes((ORIENTATION, SHORT, 1, turned), order=">")
        assert left[2 : 4 + length] == segment(0xE1, b"Exif\0\0" + alone)
        assert left[:2] + left[4 + length :] == begin


@pytest.mark.parametrize(("far", "traces"), [(65_532, {SERIAL}), (65_536, set())])
@pytest.mark.parametrize("size", [10_000, 10**6])
def test_so_much_of_what_a_heic_records_is_looked_at(far: int, traces: set[str], size: int) -> None:
    data = bytearray(notes((SERIALS[0], TEXT, 5, 0)).ljust(70_000, b"\0"))
    data[18:22] = far.to_bytes(4, "little")
    data[far : far + 5] = b"12345"
    reader = HeicReader()
    for at in range(0, len(data), size):
        reader.feed(bytes(data[at : at + size]))
    reader.finish()

    assert reader.traces == traces


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"])
def test_a_heic_is_known_by_its_brand(brand: bytes) -> None:
    head = b"\0\0\0\x18ftyp" + brand

    assert is_heic(head + b"more") and not is_jpeg(head)
    assert not is_heic(b"\0" + head) and not is_heic(head[1:]) and not is_heic(head[:11])
    assert not is_heic(b"\0\0\0\x18ftypmp42")
    assert is_jpeg(b"\xff\xd8\xff\xe0") and not is_jpeg(b"\xff\xd8\xfe")
