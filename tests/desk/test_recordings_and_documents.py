"""What the desk asks of ffmpeg and LibreOffice, and what it makes of their answers.

Other programs answer in their place, in the test's own process and without a room.
"""

import io
import json
import sys
import time
from pathlib import Path

import pytest
from PIL import Image
from support.drawn import Drawn

from scripts.desk.pictures import drawing, office, pdf, recording
from scripts.desk.pictures.frames import Page
from scripts.desk.pictures.notes import Note

VIDEO = [{"codec_type": "audio"}, {"codec_type": "video"}]
SOUND = VIDEO[:1]
QUIET = ["-v", "quiet", "-protocol_whitelist", "file"]


def ppm(*colour: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (2, 1), colour).save(out, "PPM")
    return out.getvalue()


class Answering:
    """Stands in for both programs: ``asked`` is each command, with how much is read of its
    answer.
    """

    def __init__(self, facts: object, *stills: bytes) -> None:
        self.asked: list[tuple[list[str], int]] = []
        self._facts = json.dumps(facts).encode() if facts is not None else b""
        self._stills = [*stills]

    def __call__(self, command: list[str], most: int) -> bytes:
        self.asked.append((command, most))
        return self._facts if command[0] == "ffprobe" else self._stills.pop(0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In place of the room's own memory."""
    for module in (recording, office):
        monkeypatch.setattr(module, "_FOLDER", tmp_path)
    return tmp_path


def recorded(
    monkeypatch: pytest.MonkeyPatch, answering: Answering, wanted: range = range(1, 7)
) -> Drawn:
    taken = Drawn()
    monkeypatch.setattr(recording, "_run", answering)
    drawing.drawn(recording.stills, b"a recording", wanted, taken)
    return taken


def facts(duration: object, streams: object = VIDEO) -> dict[str, object]:
    return {"format": {"duration": duration}, "streams": streams}


def test_a_video_has_six_stills_from_the_middle_of_each_sixth(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering = Answering(facts("12.4"), *(ppm(number, 0, 0) for number in range(1, 7)))
    taken = recorded(monkeypatch, answering)

    assert (taken.total, taken.notes) == (6, {Note.SECONDS: 12})
    assert taken.pages == [Page(number, 2, 1, bytes([number, 0, 0]) * 2) for number in range(1, 7)]
    source = str(folder / "recording")
    assert Path(source).read_bytes() == b"a recording"
    (probing, said), *drawings = answering.asked
    assert (probing, said) == (
        ["ffprobe", *QUIET, "-print_format", "json", "-show_format", "-show_streams", source],
        2**20,
    )
    middles = ("1.033", "3.100", "5.167", "7.233", "9.300", "11.367")
    assert drawings == [
        (
            [
                *("ffmpeg", *QUIET, "-nostdin", "-ss", second, "-i", source, "-frames:v", "1"),
                *("-protocol_whitelist", "pipe", "-vf", "scale='min(960,iw)':-2"),
                *("-f", "image2pipe", "-c:v", "ppm", "pipe:1"),
            ],
            16 * 2**20,
        )
        for second in middles
    ]


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (range(0, 2), [1]),
        (range(1, 2), [1]),
        (range(2, 4), [2, 3]),
        (range(6, 99), [6]),
        (range(7, 99), []),
        (range(1, 1), []),
    ],
)
@pytest.mark.usefixtures("folder")
def test_those_stills_are_drawn_that_are_wanted(
    monkeypatch: pytest.MonkeyPatch, wanted: range, numbers: list[int]
) -> None:
    taken = recorded(monkeypatch, Answering(facts(6), *[ppm(1, 2, 3)] * 6), wanted)

    assert [page.number for page in taken.pages] == numbers and taken.total == 6
    assert (Note.NO_STILLS in taken.notes) == (not numbers)


@pytest.mark.parametrize(
    ("said", "notes"),
    [
        (None, {Note.DAMAGED: 0}),
        ({}, {Note.DAMAGED: 0}),
        (facts(5, []), {Note.DAMAGED: 0}),
        (facts("long"), {Note.DAMAGED: 0}),
        ([], {Note.DAMAGED: 0}),
        (facts(6.5, SOUND), {Note.SECONDS: 6, Note.NO_STILLS: 0}),
        (facts(0.6, SOUND), {Note.SECONDS: 1, Note.NO_STILLS: 0}),
        (facts(-5, SOUND), {Note.SECONDS: 0, Note.NO_STILLS: 0}),
        ({"streams": SOUND}, {Note.SECONDS: 0, Note.NO_STILLS: 0}),
        ({"streams": [{}]}, {Note.SECONDS: 0, Note.NO_STILLS: 0}),
        # It says that it is a video, and no still of it can be drawn.
        (facts(5), {Note.SECONDS: 5, Note.NO_STILLS: 0}),
    ],
)
@pytest.mark.usefixtures("folder")
def test_sound_has_a_length_and_no_stills_and_what_is_damaged_neither(
    monkeypatch: pytest.MonkeyPatch, said: object, notes: dict[Note, int]
) -> None:
    answering = Answering(said, *[b"", b"P6 no", b"P6 9 9 255 ", b"GIF89a"] * 2)
    taken = recorded(monkeypatch, answering)
    stills = 6 if said == facts(5) else 0

    assert (taken.notes, taken.pages, taken.total) == (notes, [], stills)
    assert len(answering.asked) == 1 + stills


@pytest.mark.usefixtures("folder")
def test_a_still_that_cannot_be_drawn_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    grey = b"P5 2 1 255 \x07\x09"
    taken = recorded(monkeypatch, Answering(facts(6), ppm(1, 1, 1), b"", grey, *[b""] * 3))

    assert [(page.number, page.rgb) for page in taken.pages] == [
        (1, b"\1" * 6),
        (3, b"\7\7\7\t\t\t"),
    ]
    assert taken.notes == {Note.SECONDS: 6}


def program(code: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", f"import os, sys\n{code}"]


def test_of_a_program_that_never_ends_a_limit_is_read_and_then_it_is_killed() -> None:
    begun = time.monotonic()
    endless = program("sys.stderr.write('x')\nwhile True: os.write(1, bytes(65_536))")

    assert recording._run(endless, 100_000) == bytes(100_000)
    # One that goes on without a word is not waited for either.
    silent = program("import time\nos.write(1, b'12345')\ntime.sleep(60)")
    assert recording._run(silent, 5) == b"12345"
    assert recording._run(program("os.write(1, sys.stdin.buffer.read() + b'end')"), 9) == b"end"
    assert time.monotonic() - begun < 30


@pytest.mark.parametrize("makes", [True, False])
def test_libreoffice_makes_a_pdf_that_is_drawn_once_no_program_can_be_started_any_more(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], makes: bool
) -> None:
    stand_in = folder / "soffice"
    lines = [
        "#!/bin/sh",
        f'printf "%s\\n" "$@" > {folder}/asked',
        "cat",
        "echo said",
        "echo no >&2",
    ]
    if makes:
        lines += [f"mkdir {folder}/made", f"cp {folder}/document {folder}/made/document.pdf"]
    stand_in.write_text("\n".join([*lines, "exit 3", ""]))
    stand_in.chmod(0o700)
    monkeypatch.setattr(office, "PROGRAM", str(stand_in))
    acts: list[object] = []
    monkeypatch.setattr(office, "forbid_programs", lambda: acts.append("forbidden"))
    monkeypatch.setattr(pdf, "draw", lambda *given: acts.append(given))

    taken = Drawn()
    office.convert(b"a document", range(2, 5), taken)

    assert acts == ["forbidden", *([(b"a document", range(2, 5), taken)] if makes else [])]
    assert taken.notes == ({} if makes else {Note.NOT_CONVERTED: 0})
    assert (folder / "asked").read_text().splitlines() == [
        *("--headless", "--norestore", "--nologo", "--nolockcheck", "--nodefault"),
        "-env:UserInstallation=file:///tmp/profile",
        *("--convert-to", "pdf", "--outdir", "/tmp/made", f"{folder}/document"),
    ]
    # Neither its words nor a question of its reach the desk's terminal.
    assert tuple(capfd.readouterr()) == ("", "")
