"""Photographs that record a place or a serial number: found, asked about once, and stripped."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.front import Front
from support.report_form import TEXT, problems, report_page, send

from dropbox.errors import CannotSeal, VaultUnavailable
from dropbox.front.photo_sealing import Photo, PhotoSealer
from dropbox.front.photo_traces import (
    HEAD_BYTES,
    PLACE,
    SERIAL,
    HeicReader,
    JpegStripper,
    Tiff,
    is_heic,
    is_jpeg,
)
from dropbox.front.uploads import Busy, Sealer
from dropbox.report import Attachment
from scripts.rehearsal.claimant import Browser, File, Page

# Made by Pillow and libheif: a fictional camera, turned by 90 degrees, with a comment.
VECTORS = Path(__file__).parents[1] / "vectors" / "photograph"
TRACES = {"place": {PLACE}, "serial": {SERIAL}, "both": {PLACE, SERIAL}, "neither": set[str]()}
PIECES = (1, 7, 100, 10**6)


def data_of(name: str) -> bytes:
    return (VECTORS / name).read_bytes()


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def stripped(data: bytes, size: int = 10**6) -> tuple[JpegStripper, bytes]:
    stripper = JpegStripper()
    return stripper, b"".join(stripper.feed(piece) for piece in pieces(data, size))


def segments(data: bytes) -> dict[int, list[bytes]]:
    """A JPEG's segments by marker, up to its picture, which is under 0xDA with all behind it."""
    found: dict[int, list[bytes]] = {}
    at = 2
    while True:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xDA:
            return {**found, marker: [data[at:]]}
        found.setdefault(marker, []).append(data[at : at + 2 + length])
        at += 2 + length


def segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + (2 + len(content)).to_bytes(2, "big") + content


def with_segments(*added: bytes) -> bytes:
    """A photograph without traces, with *added* segments."""
    data = data_of("neither.jpg")
    return data[:2] + b"".join(added) + data[2:]


@pytest.mark.parametrize("size", PIECES)
@pytest.mark.parametrize("name", [*TRACES, "both-progressive"])
def test_a_jpeg_keeps_its_picture_and_how_it_is_turned_and_nothing_else(
    name: str, size: int
) -> None:
    data = data_of(f"{name}.jpg")
    stripper, left = stripped(data, size)

    assert stripper.traces == TRACES[name.partition("-")[0]]
    assert stripper.ended and stripper.drawing and not stripper.bad
    before, after = segments(data), segments(left)
    assert after.pop(0xE1) != before.pop(0xE1)
    assert b"fictional comment" in before.pop(0xFE)[0]
    assert after == before, "what draws the picture is the same to the byte"
    assert b"Fictional" not in left and b"CD000017" not in left
    (notes,) = segments(left)[0xE1]
    assert (Tiff(notes[10:]).orientation, Tiff(notes[10:]).traces) == (6, set())
    assert stripped(left, size)[1] == left, "nothing is left to take away"


@pytest.mark.parametrize("size", PIECES)
@pytest.mark.parametrize("name", TRACES)
def test_the_notes_of_a_heic_are_found_wherever_they_are(name: str, size: int) -> None:
    data = data_of(f"{name}.heic")
    assert is_heic(data[:12]) and not is_jpeg(data)
    for far in (data, data[:100] + bytes(300_000) + data[100:]):
        reader = HeicReader()
        for piece in pieces(far, max(size, len(far) // 2_000)):
            reader.feed(piece)
        reader.finish()

        assert reader.traces == TRACES[name]


@pytest.mark.parametrize(
    ("added", "traces"),
    [
        (segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x exif:GPSLatitude='31'/>"), {PLACE}),
        (segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x aux:SerialNumber='1'/>"), {SERIAL}),
        (segment(0xED, b"Photoshop 3.0\0\x1c\x02\x5a\x00\x04City"), {PLACE}),
        (segment(0xFE, b"comment"), set()),
        (segment(0xE2, b"MPF\0II*\0"), set()),
        (segment(0xE0, b"JFXX\0thumbnail"), set()),
        (segment(0xEB, b"JP C2PA"), set()),
    ],
)
def test_other_notes_of_a_jpeg_are_taken_away(added: bytes, traces: set[str]) -> None:
    stripper, left = stripped(with_segments(added))

    assert stripper.traces == traces and added not in left and stripper.ended


def test_what_colours_a_picture_stays() -> None:
    kept = [segment(0xE2, b"ICC_PROFILE\0\1\1x"), segment(0xEE, b"Adobe\0d\0\0\0\0\1")]
    _, left = stripped(with_segments(*kept))

    assert all(one in left for one in kept)


def test_what_follows_a_picture_is_taken_away() -> None:
    data = data_of("both.jpg")
    for behind in (data, b"\0\0\0\x20ftypmp42", b"\xff\xd9"):
        assert stripped(data + behind)[1] == stripped(data)[1]


def test_restart_markers_and_filling_belong_to_the_picture() -> None:
    data = data_of("both.jpg")
    longer = data[:-2] + b"\xff\x00\xff\xd0\xff\xd7\xff\xff\xd9"
    stripper, left = stripped(longer, 1)

    assert stripper.ended and left.endswith(longer[-9:])


@pytest.mark.parametrize("cut", [3, 40, 300, 700])
def test_half_a_jpeg_is_no_whole_one(cut: int) -> None:
    assert not stripped(data_of("both.jpg")[:cut])[0].ended
    assert not stripped(data_of("both.jpg")[:cut] + b"\xff\xd8\xff\xd8" * 300)[0].ended


@pytest.mark.parametrize("name", ["both.jpg", "both.heic"])
@pytest.mark.slow
def test_damaged_notes_never_raise(name: str) -> None:
    data = data_of(name)
    for at in range(len(data)):
        for byte in (0, 0xFF, data[at] ^ 0x55):
            damaged = data[:at] + bytes([byte]) + data[at + 1 :]
            stripped(damaged)
            reader = HeicReader()
            reader.feed(damaged)
            reader.finish()
    Tiff(b"MM\0*\0\0\0\x08\xff\xff" + b"\x87\x69\0\4\0\0\0\1\0\0\0\x08" * 100)


class Collector:
    """Seals into memory."""

    def __init__(self, fails: str = "") -> None:
        self.data, self.fails, self.aborted = b"", fails, False

    def write(self, data: bytes | memoryview) -> int:
        if self.fails == "write":
            raise CannotSeal
        self.data += data
        return len(data)

    def finish(self, *, name: str, type: str) -> Attachment:
        if self.fails == "finish":
            raise VaultUnavailable
        return Attachment(name, type, len(self.data), "0" * 64, bytes(32), 1, 100)

    def abort(self) -> None:
        self.aborted = True


def sealed(data: bytes, *sealers: Collector, size: int = 50) -> tuple[list[Photo], Attachment]:
    """*data* sealed with *sealers* in turn; Busy when there are no more."""
    left, found = list(sealers), list[Photo]()

    def open_sealer() -> Sealer:
        if not left:
            raise Busy
        return left.pop(0)

    sealer = PhotoSealer(open_sealer, lambda _, photo: found.extend([photo] if photo else []))
    for piece in pieces(data, size):
        sealer.write(piece)
    return found, sealer.finish(name="a.jpg", type="image/jpeg")


def test_a_photograph_with_traces_is_sealed_twice() -> None:
    data = data_of("both.jpg")
    whole, copy = Collector(), Collector()
    (photo,), file = sealed(data, whole, copy)

    assert whole.data == data and copy.data == stripped(data)[1]
    assert photo.of == file.block_key and photo.traces == (PLACE, SERIAL)
    assert photo.stripped is not None and photo.stripped.size == len(copy.data)
    assert Photo.from_json(photo.to_json()) == photo


@pytest.mark.parametrize("name", ["both.jpg", "both.heic"])
def test_a_photograph_is_known_however_few_bytes_come_first(name: str) -> None:
    data, found = data_of(name), list[Photo | None]()
    for first in range(1, 14):
        sealer = PhotoSealer(Collector, lambda _, photo: found.append(photo))
        sealer.write(data[:first])
        sealer.write(data[first:])
        sealer.finish(name=name, type="")

    assert [photo and photo.traces for photo in found] == [(PLACE, SERIAL)] * 13


@pytest.mark.parametrize("name", ["neither.jpg", "neither.heic"])
def test_one_without_traces_is_sealed_once(name: str) -> None:
    whole, copy = Collector(), Collector()
    found, _ = sealed(data_of(name), whole, copy)

    assert found == [] and whole.data == data_of(name) and copy.data == b"" and not copy.aborted


@pytest.mark.parametrize("fails", ["write", "finish"])
def test_a_copy_that_fails_does_not_lose_the_file(fails: str) -> None:
    whole, copy = Collector(), Collector(fails)
    (photo,), _ = sealed(data_of("both.jpg"), whole, copy)

    assert whole.data == data_of("both.jpg") and photo.stripped is None and copy.aborted


def test_without_a_place_for_it_there_is_no_copy_and_none_is_begun_later() -> None:
    (photo,), _ = sealed(data_of("both.jpg"), Collector())

    assert photo.stripped is None and photo.traces == (PLACE, SERIAL)


def test_a_file_that_breaks_off_gives_up_its_copy() -> None:
    made = [Collector(), Collector()]
    sealers = iter(made)
    sealer = PhotoSealer(lambda: next(sealers), lambda file, photo: None)
    sealer.write(data_of("both.jpg")[:-10])
    sealer.abort()
    assert all(one.data and one.aborted for one in made)
    whole, copy = Collector("finish"), Collector()
    with pytest.raises(VaultUnavailable):
        sealed(data_of("both.jpg"), whole, copy)

    assert whole.data and copy.data and copy.aborted


def test_half_a_photograph_has_no_stripped_form() -> None:
    """It would be another file than the one that its writer chose, cut off where nobody said."""
    whole, copy = Collector(), Collector()
    (photo,), _ = sealed(data_of("both.jpg")[:-10], whole, copy)

    assert photo.stripped is None and copy.data and copy.aborted


def test_no_more_of_a_file_is_held_than_was_said() -> None:
    notes = b"".join(segment(0xE5, bytes(60_000)) for _ in range(HEAD_BYTES // 60_000 + 2))
    kept = b"".join(segment(0xDB, bytes(60_000)) for _ in range(HEAD_BYTES // 60_000 + 2))
    data = data_of("both.jpg")
    late = data[:2] + notes + data[2:]
    assert sealed(late, Collector(), Collector(), size=20_000)[0] == []
    sealer = PhotoSealer(Collector, lambda file, photo: None)
    for piece in pieces(data[:2] + kept, 10_000):
        sealer.write(piece)
        assert len(sealer._held) <= HEAD_BYTES


@pytest.mark.parametrize("name", ["both.jpg", "neither.jpg"])
def test_once_it_is_clear_whether_there_are_traces_nothing_is_held(name: str) -> None:
    sealer, held = PhotoSealer(Collector, lambda file, photo: None), list[int]()
    for piece in pieces(data_of(name), 100):
        sealer.write(piece)
        held.append(len(sealer._held))

    assert max(held) > 0 and held[-1] == 0


def test_a_damaged_photograph_takes_no_place_for_a_copy() -> None:
    data = data_of("both.jpg")
    begins = data.index(b"\xff\xda")  # where its picture would begin
    whole, copy = Collector(), Collector()
    (photo,), _ = sealed(data[:begins] + b"??" + data[begins + 2 :], whole, copy)

    assert photo.traces and photo.stripped is None
    assert copy.data == b"" and not copy.aborted


# --- On the pages ---


@pytest.fixture
def browser(front: Front) -> Iterator[Browser]:
    with front.browser() as made:
        yield made


def asked(page: Page) -> str:
    return " ".join(tag.get_text(" ", strip=True) for tag in page.html.select(".problems"))


def filed(front: Front) -> list[tuple[str, bytes]]:
    """(name, content) of each file of the one report, opened as the desk does."""
    (report,) = front.reports()
    return [(file.name, front.file(file)) for file in report.attachments]


JPEG = File("张三.jpg", "image/jpeg", data_of("both.jpg"))
HEIC = File("b.heic", "image/heic", data_of("place.heic"))
PLAIN = File("c.jpg", "image/jpeg", data_of("neither.jpg"))


@pytest.mark.parametrize(
    ("act", "content"), [("strip", stripped(data_of("both.jpg"))[1]), ("as-is", JPEG.content)]
)
def test_a_photograph_is_asked_about_once_and_goes_as_its_writer_says(
    front: Front, browser: Browser, act: str, content: bytes
) -> None:
    question = send(browser, report_page(browser), [JPEG, PLAIN])
    assert question.status == 200 and front.vault.final == {}
    assert f"{JPEG.name} : 拍摄地点、相机的序列号或机主" in asked(question)
    assert PLAIN.name not in asked(question) and "电话号码" not in asked(question)
    assert question.html.select_one('button.main[value="strip"]')
    done = send(browser, question, act=act)

    assert done.codename() == question.codename()
    assert filed(front) == [(JPEG.name, content), (PLAIN.name, PLAIN.content)]
    assert front.vault.pending == {}, "the other form of the photograph is erased"


def test_after_the_question_an_ordinary_press_sends_it_as_it_is(
    front: Front, browser: Browser
) -> None:
    question = send(browser, report_page(browser), [JPEG], text=TEXT + " 13800138000")
    assert "电话号码" in asked(question) and "拍摄地点" in asked(question)
    send(browser, question, text=TEXT + " 13800138000")

    assert filed(front) == [(JPEG.name, JPEG.content)] and front.vault.pending == {}


def test_a_photograph_added_after_the_question_is_asked_about_too(
    front: Front, browser: Browser
) -> None:
    asked_before = send(browser, report_page(browser), text=TEXT + " 13800138000")
    question = send(browser, asked_before, [JPEG], text=TEXT + " 13800138000")
    assert "拍摄地点" in asked(question) and "电话号码" not in asked(question)

    assert front.vault.final == {}


@pytest.mark.slow
def test_what_cannot_be_removed_is_said_and_does_not_go_with_the_rest(
    front: Front, browser: Browser
) -> None:
    question = send(browser, report_page(browser), [JPEG, HEIC], nameless="1")
    assert asked(question).count("请截图，改发截图") == 1
    still = send(browser, question, act="strip")
    assert front.vault.final == {} and HEIC.name in asked(still)
    assert JPEG.name not in asked(still) and not still.html.select('button[value="strip"]')
    send(browser, still, act="as-is")

    assert [name for name, _ in filed(front)] == ["1.jpg", "2.heic"]
    assert [content for _, content in filed(front)] == [
        stripped(data_of("both.jpg"))[1],
        HEIC.content,
    ]


def test_a_photograph_that_is_taken_out_leaves_nothing(front: Front, browser: Browser) -> None:
    kept = send(browser, report_page(browser), [JPEG], act="files")
    assert len(front.vault.pending) == 2, "both forms of it"
    (box,) = kept.html.select('[name="remove"]')
    send(browser, kept, remove=str(box["value"]))

    assert filed(front) == [] and front.vault.pending == {}


@pytest.mark.parametrize("lose", [True, False])
def test_a_photograph_of_an_addition_keeps_its_question_over_a_codename_typed_again(
    front: Front, browser: Browser, lose: bool
) -> None:
    codename = report_page(browser).codename()
    case = browser.send(browser.get("/zh-hans/inbox").form(), {"codename": codename})
    front.now += front.settings.token_minutes * 60 + 1
    inbox = browser.send(case.form(), {"text": TEXT}, files=[JPEG], button=("act", "files"))
    opened = browser.send(inbox.form(), {"codename": codename})
    if lose:
        browser.send(opened.form(), {}, button=("act", "withdraw"))
        assert front.vault.pending == {}
        return
    question = browser.send(opened.form(), {})
    assert "拍摄地点" in asked(question) and not problems(question).count("未提交")
    browser.send(question.form(), {}, button=("act", "strip"))

    assert filed(front) == [(JPEG.name, stripped(data_of("both.jpg"))[1])]
