"""What the desk makes of a renderer that was taken over: it hangs, floods, lies or ends.

Each stand-in runs where the renderer would, and the desk may believe nothing of what it says.
"""

import io
import json
import os
import time
from pathlib import Path

import pytest
from support import hostile_files as made
from support.drawing_rooms import RAISED, READY, shown_by, stand_in

from scripts.desk.pictures import frames
from scripts.desk.pictures.drawing_room import NoRoom, OwnWalls, Room
from scripts.desk.pictures.frames import MOST_PIXELS, MOST_SIDE, Page
from scripts.desk.pictures.kinds import Kind
from scripts.desk.pictures.look import Shown, look

LIED = "broke its limits"


def looked(data: bytes, wanted: range, room: Room, seconds: float = 30) -> tuple[Shown, list[Page]]:
    pages: list[Page] = []
    return look(io.BytesIO(data), wanted, room, pages.append, seconds=seconds), pages


def test_an_honest_file_comes_back_as_pixels() -> None:
    shown, pages = looked(made.pdf(pages=3), range(2, 9), OwnWalls())

    assert (shown.kind, shown.total, shown.drawn, shown.sentences) == (Kind.PDF, 3, 2, [])
    assert [(page.number, page.rgb) for page in pages] == [
        (number, bytes(made.RED) * 150 * 150) for number in (2, 3)
    ]


def test_two_files_in_one_are_told() -> None:
    data = made.image() + made.archive(("a", b"1"))

    shown, pages = looked(data, range(1, 2), OwnWalls())

    assert shown.kind is Kind.PNG and len(pages) == 1
    assert shown.sentences == [
        "It is two files in one: it also ends as a ZIP archive, which was not opened."
    ]


@pytest.mark.parametrize(
    ("says", "sentence"),
    [
        ("sender._send(b'P', 1, 2, 2, b'x' * 12); sender.end()", ""),
        ("sender._send(b'P', 4, 2, 2, b'x' * 12)", LIED),
        ("sender._send(b'P', 0, 2, 2, b'x' * 12)", LIED),
        ("[sender._send(b'P', 2, 2, 2, b'x' * 12) for _ in range(2)]", LIED),
        ("sender._send(b'P', 3, 30_000, 1, bytes(90_000)); sender.end()", ""),
        ("sender._send(b'P', 1, 1, 30_000, bytes(90_000)); sender.end()", ""),
        (f"sender._send(b'P', 1, {MOST_SIDE + 1}, 1)", LIED),
        (f"sender._send(b'P', 1, 1, {MOST_SIDE + 1})", LIED),
        (f"sender._send(b'P', 1, 10_000, {MOST_PIXELS // 10_000 + 1})", LIED),
        ("sender._send(b'P', 1, 0, 5)", LIED),
        ("sender._send(b'P', 1, 2**32 - 1, 2**32 - 1)", LIED),
        ("sender._send(b'P', 1, 2, 2, b'x' * 11)", "ended before it was done"),
        ("sender._send(b'T', 131_072, 0, 0, bytes(131_072)); sender.end()", ""),
        ("sender._send(b'T', 131_073)", LIED),
        ("[sender.text('a') for _ in range(2)]", LIED),
        ("sender.note(99)", LIED),
        ("[sender._send(b'N', 1) for _ in range(2)]", "could not be drawn"),
        ("sender._send(b'X')", LIED),
        ("os.write(1, b'\\x1b[2J' * 100)", LIED),
        ("os._exit(0)", "ended before it was done"),
        ("os.abort()", "ended before it was done"),
    ],
)
def test_a_renderer_that_lies_or_ends_is_stopped_with_a_sentence(says: str, sentence: str) -> None:
    shown = shown_by(f"{READY}{says}\n")

    assert len(shown.sentences) == (2 if "b'N'" in says else 1 if sentence else 0)
    assert all(sentence in one or LIED in one for one in shown.sentences)


@pytest.mark.parametrize(("width", "height", "lied"), [(2, 3, False), (3, 2, False), (7, 1, True)])
def test_a_page_of_more_pixels_than_may_come_is_not_taken(
    monkeypatch: pytest.MonkeyPatch, width: int, height: int, lied: bool
) -> None:
    monkeypatch.setattr(frames, "MOST_PIXELS", 6)
    size = width * height * 3
    shown = shown_by(
        f"{READY}sender._send(b'P', 1, {width}, {height}, bytes({size})); sender.end()\n"
    )

    assert (shown.drawn, len(shown.sentences)) == ((0, 1) if lied else (1, 0))


def test_a_renderer_that_reads_no_further_is_listened_to() -> None:
    code = f"{READY}os.read(0, 1)\nos.close(0)\nsender.count(7)\nsender.end()\n"
    shown, _ = looked(b"x" * 2_000_000, range(1, 2), stand_in(code))

    assert (shown.total, shown.sentences) == (7, [])


def test_a_renderer_gets_nothing_of_the_reviewers_and_at_most_two_hundred_pages_to_draw(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SECRET", "1")
    code = (
        f"{READY}own = os.getsid(0) == os.getpid()\n"
        "said = [own, os.getcwd(), sorted(os.environ), kind, first, last, alone]\n"
        "sender.text(json.dumps(said))\n"
        "sender.end()\n"
    )
    for wanted, last in ((range(7, 9), "9"), (range(7, 207), "207"), (range(7, 208), "207")):
        own, folder, environ, *asked = json.loads(looked(b"text", wanted, stand_in(code))[0].text)
        assert own and folder == "/" and set(environ) <= {"LC_CTYPE"}
        assert asked == ["a text", "7", last, "1"]


@pytest.mark.parametrize(
    "acts",
    [
        "import time; time.sleep(60)",
        "while True: pass",
        # It reads nothing and says nothing.
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.pause()",
        "while True: sender.count(1)",
    ],
)
def test_a_renderer_that_never_ends_is_killed(acts: str) -> None:
    code = f"{READY}sender.count(os.getpid())\n{acts}\n"

    shown, _ = looked(b"text" * 2**18, range(1, 2), stand_in(code), seconds=0.3)

    assert shown.sentences == ["Drawing it took longer than 0 seconds and was stopped."]
    if shown.total != 1:
        with pytest.raises(ProcessLookupError):
            os.kill(shown.total, 0)


def test_pixels_without_end_are_taken_only_as_far_as_was_asked() -> None:
    code = (
        f"{READY}number = 0\n"
        "while True:\n  number += 1\n  sender._send(b'P', number, 9, 9, b'x' * 243)\n"
    )

    shown, pages = looked(b"text", range(1, 4), stand_in(code))

    assert len(pages) == 3 and LIED in shown.sentences[0]


def test_no_byte_of_the_file_leaves_before_the_walls_are_up(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    code = (
        "import select\n"
        "early = select.select([0], [], [], 0.3)[0]\n"
        f"Path({str(taken)!r}).write_text(str(len(early)))\n{READY}sender.end()\n"
    )

    shown, _ = looked(b"text", range(1, 1), stand_in(code))

    assert taken.read_text() == "0" and shown.sentences == []


def test_a_room_that_cannot_be_closed_off_is_an_error_and_gets_nothing() -> None:
    with pytest.raises(NoRoom, match=r"could not be closed off\. It says: no walls$"):
        shown_by("sys.stderr.write('first\\nno walls\\n'); sys.exit(1)\n")


def test_a_large_file_goes_in_while_pixels_come_out() -> None:
    code = (
        f"{RAISED}{READY}"
        "sender._send(b'P', 1, 1_000, 1_000, bytes(3_000_000))\n"
        "data = os.fdopen(0, 'rb').read()\n"
        "sender.count(len(data)); sender.end(); os._exit(0)\n"
    )

    shown, pages = looked(b"x" * 2_000_000, range(1, 2), stand_in(code))

    assert (shown.total, len(pages), shown.sentences) == (2_000_000, 1, [])


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "It holds nothing."),
        (b"MZ\x90\0", "It was not started, and must never be."),
        (b"Rar!\x1a\x07\0", "What is in it is not listed, and nothing in it was opened."),
        (b"\x02#!SILK_V3", "Nothing here can play it."),
    ],
)
def test_what_cannot_be_drawn_starts_no_program(data: bytes, sentence: str) -> None:
    class Never(OwnWalls):
        def command(self, kind: Kind, wanted: range) -> list[str]:
            raise AssertionError("a program was started")

    assert looked(data, range(1, 2), Never())[0].sentences == [sentence]


def test_a_missing_converter_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _name: None)
    office, _ = looked(made.document(), range(1, 2), OwnWalls())
    recording, _ = looked(b"ID3\x04\0", range(1, 2), OwnWalls())

    assert office.kind is Kind.OFFICE and "libreoffice-writer-nogui" in office.sentences[0]
    assert "Debian package ffmpeg" in recording.sentences[0]


def test_a_converter_never_runs_outside_bubblewraps_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")

    shown, _ = looked(b"{\\rtf1}", range(1, 2), OwnWalls())

    assert shown.sentences == [
        "Only bubblewrap's room is safe enough for the program that would draw it."
    ]


def test_the_time_that_the_desk_takes_for_a_page_is_not_the_renderers() -> None:
    room = stand_in(
        f"{READY}[sender._send(b'P', one, 1, 1, b'rgb') for one in (1, 2)]; sender.end()\n"
    )

    shown = look(io.BytesIO(b"text"), range(1, 3), room, lambda _page: time.sleep(0.3), seconds=0.5)

    assert (shown.drawn, shown.sentences) == (2, [])


def test_a_look_is_not_longer_than_its_time() -> None:
    begun = time.monotonic()
    shown_by(f"{READY}sender.end()\nimport time; time.sleep(60)\n")

    # The renderer said that it is done, and is not waited for.
    assert time.monotonic() - begun < 10


def test_memory_files_and_time_of_a_processor_are_limited() -> None:
    code = (
        f"{RAISED}{READY}import resource\n"
        "names = ('AS', 'CPU', 'CORE', 'FSIZE', 'NOFILE')\n"
        "limits = [resource.getrlimit(getattr(resource, f'RLIMIT_{name}')) for name in names]\n"
        "try: bytearray(2**31); limits.append('2 GiB')\n"
        "except MemoryError: limits.append('none')\n"
        "sender.text(json.dumps(limits)); sender.end()\n"
    )
    *limits, memory = json.loads(shown_by(code).text)

    assert memory == "none" and all(soft == hard for soft, hard in limits)
    assert [soft for soft, _ in limits] == [1_536 * 2**20, 60, 0, 0, 64]


def test_bytes_of_no_known_kind_are_called_so() -> None:
    shown, pages = looked(bytes(range(256)), range(1, 2), OwnWalls())

    assert (shown.kind, shown.text, pages) == (Kind.UNKNOWN, "", [])
    assert shown.sentences == ["Nothing of it can be shown here."]
