"""What a renderer, a converter and a recognizer may use, and what they do with what is too much.

Each limit is read where it counts: in the process that it binds.
"""

import io
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from support.drawing_rooms import HELPED, RAISED, READY, needs_bubblewrap, shown_by, stand_in
from support.drawn import Drawn
from support.readers import NoPackages

from dropbox import landlock
from dropbox.errors import CannotLockDown
from scripts.desk.pictures import drawing, exchange, walls
from scripts.desk.pictures.drawing_room import Bubblewrap, NoRoom, OwnWalls, start
from scripts.desk.pictures.exchange import Exchange, Late
from scripts.desk.pictures.frames import Page
from scripts.desk.pictures.kinds import Kind
from scripts.desk.pictures.look import look
from scripts.desk.pictures.notes import SENTENCES, Note
from scripts.desk.transcripts import recognition
from scripts.desk.transcripts.reader import reading
from scripts.desk.transcripts.recognition_room import OwnProcess

GIB = 2**30
NAMES = ("AS", "CPU", "CORE", "FSIZE", "NOFILE", "NPROC")
LIMITS = (
    "import resource\n"
    f"limits = [resource.getrlimit(getattr(resource, 'RLIMIT_' + one)) for one in {NAMES}]\n"
)
SAID = f"{LIMITS}{READY}sender.text(json.dumps(limits)); sender.end()\n"


def limits_of(code: str) -> list[int]:
    """The limits behind the walls that *code* raises; none of them can be lifted again."""
    limits = json.loads(shown_by(code + SAID).text)
    assert all(soft == hard for soft, hard in limits[:5])
    return [soft for soft, _ in limits]


@pytest.mark.slow
def test_a_converter_may_use_more_than_a_renderer_but_not_all() -> None:
    assert limits_of(HELPED) == [6 * GIB, 60, 0, 512 * 2**20, 1_024, 256]
    assert limits_of(RAISED)[:5] == [1_536 * 2**20, 60, 0, 0, 64]


@pytest.mark.slow
def test_a_limit_that_is_lower_already_stays() -> None:
    lower = (
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (7, 9))\n"
        f"resource.setrlimit(resource.RLIMIT_AS, ({GIB}, {GIB}))\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (40, 50))\n"
    )
    for walls_raised in (RAISED, HELPED):
        found = limits_of(lower + walls_raised)
        assert (found[0], found[1], found[4]) == (GIB, 7, 40)


@pytest.mark.slow
def test_a_process_of_its_own_ends_with_the_desk_and_gains_no_rights() -> None:
    # PR_GET_PDEATHSIG and PR_GET_NO_NEW_PRIVS.
    code = (
        "import ctypes\nlibc, signal = ctypes.CDLL(None), ctypes.c_int(-1)\n{}"
        "libc.prctl(2, ctypes.byref(signal), 0, 0, 0)\n"
        "found = [signal.value, libc.prctl(39, 0, 0, 0, 0)]\n"
        f"{READY}sender.text(json.dumps(found)); sender.end()\n"
    )
    alone = HELPED.replace("alone=False", "alone=True")

    found = [json.loads(shown_by(code.format(raised)).text) for raised in ("", HELPED, alone)]
    assert found == [[0, 0], [0, 1], [9, 1]]


def test_without_landlock_there_is_no_drawing_but_in_bubblewraps_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(_allowed: object) -> None:
        raise CannotLockDown("no Landlock")

    monkeypatch.setattr(landlock, "restrict", refused)
    walls._read_only([], alone=False)
    with pytest.raises(CannotLockDown):
        walls._read_only([], alone=True)


def test_a_wall_that_the_kernel_refuses_is_an_error_that_says_why() -> None:
    with pytest.raises(CannotLockDown, match=r"^Invalid argument\.$"):
        walls._prctl(2**31 - 1, 0)


@pytest.mark.bubblewrap
def test_a_converters_memory_to_write_in_is_of_a_size() -> None:
    needs_bubblewrap()

    class Converting(Bubblewrap):
        def command(self, kind: Kind, wanted: range) -> list[str]:
            return super().command(Kind.RECORDING, wanted)

    code = (
        f"{HELPED}{READY}one = os.statvfs('/tmp')\n"
        "sender.text(json.dumps([one.f_blocks * one.f_frsize, os.environ['HOME']])); sender.end()\n"
    )
    assert json.loads(shown_by(code, Converting).text) == [1_536 * 2**20, "/tmp"]


# --- What is drawn of what is too much ---


def drawn_by_main(data: bytes, changes: str, kind: Kind = Kind.TEXT) -> tuple[str, list[str]]:
    """The text and the sentences that the renderer itself gives, after *changes* to it."""

    class Changed(OwnWalls):
        def command(self, _kind: Kind, wanted: range) -> list[str]:
            return super().command(kind, wanted)

    room = Changed(f"from scripts.desk.pictures import drawing\n{changes}\ndrawing.main()")
    shown = look(io.BytesIO(data), range(1, 2), room, lambda _page: None, seconds=10)
    return shown.text, shown.sentences


@pytest.mark.parametrize("more", [0, 1])
def test_no_file_of_more_bytes_than_fit_is_drawn(more: int) -> None:
    data = b"a text PK\x05\x06"
    two_in_one = SENTENCES[Note.TWO_IN_ONE]

    # Not even its end is looked at.
    assert drawn_by_main(data, f"drawing.MOST_BYTES = {len(data) - more}") == (
        ("", [SENTENCES[Note.NO_MEMORY]]) if more else ("", [SENTENCES[Note.NO_TEXT], two_in_one])
    )
    assert drawing.MOST_BYTES == 512 * 2**20


@pytest.mark.parametrize("kind", [Kind.TAR, Kind.ZIP, Kind.OFFICE])
def test_only_what_is_no_archive_itself_is_two_files_in_one(kind: Kind) -> None:
    nothing = "drawing.drawing_of = lambda _kind: (lambda *_: None, False)"
    told = [] if kind in (Kind.ZIP, Kind.OFFICE) else [SENTENCES[Note.TWO_IN_ONE]]

    assert drawn_by_main(b"x PK\x05\x06", nothing, kind) == ("", told)


@pytest.mark.parametrize(("comment", "ends"), [(0, True), (65_553, True), (65_554, False)])
def test_an_archive_is_seen_at_the_end_of_a_file_whatever_comment_it_has(
    comment: int, ends: bool
) -> None:
    assert drawing._ends_as_archive(b"picture" + b"PK\x05\x06" + bytes(comment)) is ends


def test_a_renderer_that_has_drawn_all_ends_well() -> None:
    done = start(OwnWalls().command(Kind.TEXT, range(1, 2)))
    said, complaint = done.communicate(b"hi")

    assert said == b"R" + bytes(12) + b"T\0\0\0\2" + bytes(8) + b"hi" + b"E" + bytes(12)
    assert (complaint, done.returncode) == (b"", 0)


def test_a_library_that_prints_something_prints_it_nowhere() -> None:
    code = (
        "from scripts.desk.pictures.drawing import channels\n"
        "content, sender = channels()\nrefused = []\n"
        "for descriptor in (1, 2):\n"
        "  try: os.write(descriptor, b'x')\n"
        "  except OSError: refused.append(descriptor)\n"
        f"{READY}sender.text(json.dumps([refused, content.read().decode()])); sender.end()\n"
    )
    shown = shown_by(code)

    assert (json.loads(shown.text), shown.sentences) == ([[1, 2], "a text"], [])


@pytest.mark.parametrize(
    ("why", "note"),
    [
        (MemoryError, Note.NO_MEMORY),
        *(
            (one, Note.DAMAGED)
            for one in (ZeroDivisionError, OverflowError, AttributeError, KeyError, IndexError,
                        OSError, TypeError, ValueError, RecursionError, SyntaxError, EOFError,
                        AssertionError)
        ),
    ],
)  # fmt: skip
def test_whatever_a_reader_of_damaged_files_raises_is_said(
    why: type[Exception], note: Note
) -> None:
    def draw(*_: object) -> None:
        raise why

    taken = Drawn()
    drawing.drawn(draw, b"", range(1), taken)
    assert taken.notes == {note: 0}


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_has_its_own_reader_and_only_two_start_a_program(kind: Kind) -> None:
    readers = {
        Kind.PDF: "pdf", Kind.ZIP: "archive", Kind.TAR: "archive", Kind.PACKED: "archive",
        Kind.OFFICE: "office", Kind.RECORDING: "recording", Kind.PNG: "image", Kind.JPEG: "image",
        Kind.GIF: "image", Kind.BMP: "image", Kind.TIFF: "image", Kind.WEBP: "image",
        Kind.AVIF: "image", Kind.HEIC: "image",
    }  # fmt: skip
    draw, helped = drawing.drawing_of(kind)

    module = getattr(draw, "func", draw).__module__
    assert module == f"scripts.desk.pictures.{readers.get(kind, 'plain_text')}"
    assert helped is (kind in (Kind.OFFICE, Kind.RECORDING))


# --- How long somebody waits ---


class Clock:
    """Stands in for the monotonic clock."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def exchanging(
    monkeypatch: pytest.MonkeyPatch, code: str, stopped: Callable[[], bool] = lambda: False
) -> tuple[Exchange, Clock]:
    clock = Clock()
    monkeypatch.setattr(exchange, "time", SimpleNamespace(monotonic=clock))
    process = start(stand_in(code).command(Kind.TEXT, range(1, 2)))
    return Exchange(process, stopped), clock


def test_a_room_has_half_a_minute_to_be_closed_off_and_then_nobody_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, clock = exchanging(monkeypatch, f"{READY}sender._send(b'X')\nimport signal\n")

    assert begun.deadline == clock.now + 30
    begun.await_walls()
    for late in (30.0, 30.5):
        clock.now = begun.deadline - 30 + late
        with pytest.raises(Late):
            begun.exactly(1)
    clock.now = begun.deadline - 0.1
    assert begun.exactly(1) == b"X"
    begun._process.communicate()


def test_whoever_stops_a_look_waits_a_quarter_of_a_second_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, clock = exchanging(monkeypatch, "import time; time.sleep(60)")
    waited: list[float] = []

    def nothing_yet(*given: object) -> tuple[list[object], list[object], list[object]]:
        waited.append(cast(float, given[3]))
        return [], [], []

    monkeypatch.setattr(exchange, "select", SimpleNamespace(select=nothing_yet))
    for now in (clock.now, begun.deadline - 0.125):
        clock.now = now
        assert begun._wait() is False
    assert waited == [0.25, 0.125]
    begun._process.kill()
    begun._process.communicate()


def test_of_a_long_complaint_the_desk_reads_four_hundred_bytes() -> None:
    code = "sys.stderr.write('x' * 401); sys.stderr.flush(); sys.exit(1)\n"

    with pytest.raises(NoRoom) as why:
        shown_by(code)
    assert str(why.value).endswith(f"It says: {'x' * 400}")


# --- The recognizer ---

# Says what it may use, instead of reading.
SAYING_LIMITS = f"""
import json, sys, types
from scripts.desk.transcripts.lines import SeenLine
{LIMITS.splitlines()[0]}
class Recognizer:
    def lines(self, width, height, rgb):
        limits = [resource.getrlimit(getattr(resource, 'RLIMIT_' + one)) for one in {NAMES[:5]}]
        said = json.dumps([limits, width, height, len(rgb)])
        return 180, [SeenLine(said, (0, 0, 1, 1), 1, (0, 0, 0), (0, 0, 0), 0, 0)]
engine = types.ModuleType("scripts.desk.transcripts.engine")
engine.Recognizer = Recognizer
sys.modules[engine.__name__] = engine
from scripts.desk.transcripts.recognition import main; main()
"""


def test_a_recognizer_has_an_hour_three_gibibytes_and_writes_no_file() -> None:
    with reading(OwnProcess(NoPackages(Path("none")), SAYING_LIMITS)) as reader:
        pages = [reader.read(Page(number, 4, 5, bytes(60))) for number in (1, 2)]

    for number, page in enumerate(pages, 1):
        limits, *size = json.loads(page.lines[0].text)
        assert [soft for soft, hard in limits if soft == hard] == [3 * GIB, 3_600, 0, 0, 64]
        assert (page.number, page.turned, size) == (number, 180, [4, 5, 60])


def test_a_recognizer_that_gets_no_more_pages_says_that_it_is_done() -> None:
    done = start(OwnProcess(NoPackages(Path("none")), SAYING_LIMITS).command())
    said, _ = done.communicate()

    assert said == b"R" + bytes(12) + b"E" + bytes(12) and done.returncode == 0


@pytest.mark.parametrize(("width", "height", "taken"), [(4, 3, True), (3, 4, True), (13, 1, False)])
def test_no_page_of_more_pixels_than_are_drawn_is_read(
    monkeypatch: pytest.MonkeyPatch, width: int, height: int, taken: bool
) -> None:
    monkeypatch.setattr(recognition, "MOST_PIXELS", 12)
    sent = recognition.PAGE_HEADER.pack(1, width, height) + bytes(3 * width * height)

    assert (recognition._page(io.BytesIO(sent)) is not None) is taken
    assert recognition._page(io.BytesIO(sent[:11])) is None
