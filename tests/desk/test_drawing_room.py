"""The room around a file that is drawn: what a renderer that was taken over can reach from it.

Each way is tried with no wall, where it has to be open, behind the renderer's own walls alone, in
bubblewrap's room alone, and in the room behind the walls.
"""

import io
import json
import os
import shutil
import socket
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import hostile_files as made
from support.drawing_rooms import (
    ATTEMPTS,
    HELPED,
    RAISED,
    READY,
    needs_bubblewrap,
    shown_by,
    stand_in,
)

from scripts.desk.pictures.drawing_room import Bubblewrap, NoRoom, OwnWalls
from scripts.desk.pictures.frames import Page
from scripts.desk.pictures.kinds import Kind
from scripts.desk.pictures.look import Shown, look


@pytest.fixture
def attempts(tmp_path: Path) -> Iterator[str]:
    """The ways out, each of which is open to a process of this user without walls."""
    secret = tmp_path / "secret"
    for path in (secret, secret.with_name("old")):
        path.write_bytes(b"1")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        yield f"SECRET, PORT, DESK = {str(secret)!r}, {port}, {os.getpid()}\n{ATTEMPTS}"


def found(code: str, room: type[Bubblewrap] | type[OwnWalls]) -> dict[str, str]:
    """What came of each way."""
    shown = shown_by(code, room)
    assert shown.sentences == [], shown.sentences
    return dict(json.loads(shown.text))


def test_without_walls_every_way_is_open(attempts: str) -> None:
    """The control for the tests below."""
    came = found(READY + attempts, OwnWalls)

    # To watch the very process that started it is refused by some kernels' settings.
    traced = came.pop("trace")
    assert set(came.values()) == {"done"}, came
    if Path("/proc/sys/kernel/yama/ptrace_scope").exists() is False:
        assert traced == "done"


def test_behind_its_own_walls_nothing_is_open(attempts: str) -> None:
    came = found(RAISED + READY + attempts, OwnWalls)

    assert came.pop("program") in ("PermissionError", "OSError")
    assert "done" not in came.values(), came


def test_the_filter_of_system_calls_alone_leaves_files_to_landlock_and_refuses_all_else(
    attempts: str,
) -> None:
    forbidden = "from scripts.desk.pictures.walls import forbid_programs\nforbid_programs()\n"
    came = found(forbidden + READY + attempts, OwnWalls)

    files = {"home", "casebook", "folder", "devices", "processes"}
    assert {way for way, result in came.items() if result == "done"} == files


@pytest.mark.bubblewrap
def test_in_bubblewraps_room_alone_nothing_outside_is_open(attempts: str) -> None:
    needs_bubblewrap()
    came = found(READY + attempts, Bubblewrap)

    # It can start a process of its own, if it finds a program; nothing outside.
    assert came.pop("child") == "done"
    assert "done" not in came.values(), came


@pytest.mark.bubblewrap
def test_in_the_room_and_behind_the_walls_nothing_is_open(attempts: str) -> None:
    needs_bubblewrap()

    assert "done" not in found(RAISED + READY + attempts, Bubblewrap).values()


@pytest.mark.bubblewrap
def test_a_room_of_a_converter_reaches_nothing_outside_either(attempts: str) -> None:
    needs_bubblewrap()

    class Converting(Bubblewrap):
        def command(self, kind: Kind, wanted: range) -> list[str]:
            return super().command(Kind.OFFICE, wanted)

    came = found(HELPED + READY + attempts, Converting)

    assert {name for name, result in came.items() if result == "done"} == {"program", "child"}


@pytest.mark.bubblewrap
def test_the_room_holds_python_libraries_and_fonts_and_can_only_be_read() -> None:
    needs_bubblewrap()
    code = (
        f"{READY}"
        "try: Path('/x').write_text('1'); written = True\n"
        "except OSError: written = False\n"
        "seen = sorted(str(path) for path in Path('/').iterdir())\n"
        "sender.text(json.dumps([seen, sorted(os.environ), written, os.getuid()]))\nsender.end()\n"
    )
    seen, environ, written, user = json.loads(shown_by(code, Bubblewrap).text)

    assert set(seen) <= {"/code", "/etc", "/lib", "/lib64", "/usr", "/opt", "/root", "/home"}
    assert (set(environ) <= {"PWD", "LC_CTYPE"}, written, user) == (True, False, 65_534)


@pytest.mark.bubblewrap
@pytest.mark.parametrize(
    "data",
    [made.pdf(), made.image(), made.image(format="JPEG"), made.image(format="WEBP")],
    ids=["pdf", "png", "jpeg", "webp"],
)
def test_honest_files_are_drawn_in_the_room(data: bytes) -> None:
    needs_bubblewrap()
    pages: list[Page] = []

    shown = look(io.BytesIO(data), range(1, 2), Bubblewrap(), pages.append, seconds=60)

    assert (shown.total, shown.drawn, shown.sentences) == (1, 1, [])
    assert pages[0].rgb[0] > 250 and max(pages[0].rgb[1:3]) < 5


@pytest.mark.bubblewrap
def test_what_runs_in_the_room_ends_with_it() -> None:
    needs_bubblewrap()
    marker = f"room-{os.getpid()}-{time.monotonic_ns()}"
    code = f"{READY}\nos.fork(); name = {marker!r}; import time\nwhile True: time.sleep(1)\n"
    data = io.BytesIO(b"text")
    shown = look(data, range(1, 2), stand_in(code, Bubblewrap), lambda _page: None, seconds=0.5)

    assert "was stopped" in shown.sentences[0]
    for _ in range(100):
        if not running(marker):
            break
        time.sleep(0.05)
    assert running(marker) == []


def running(marker: str) -> list[str]:
    """The processes whose command line holds *marker*."""
    held = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if marker.encode() in path.read_bytes():
                held.append(path.parent.name)
        except OSError:
            continue
    return held


def test_a_computer_without_bubblewrap_or_namespaces_gets_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shutil.which", lambda _name: None)

    with pytest.raises(NoRoom, match="it is in the Debian package bubblewrap"):
        Bubblewrap().command(Kind.PDF, range(1, 2))


def looked(data: bytes, wanted: range = range(1, 3)) -> tuple[Shown, list[Page]]:
    """What comes of *data* in bubblewrap's room, with the converters of this computer."""
    needs_bubblewrap()
    pages: list[Page] = []
    return look(io.BytesIO(data), wanted, Bubblewrap(), pages.append, seconds=120), pages


@pytest.mark.bubblewrap
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not on this computer")
def test_an_office_document_is_drawn_by_libreoffice_in_the_room() -> None:
    shown, pages = looked(rb"{\rtf1 one\page two\page three}")
    damaged, none = looked(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))

    assert (shown.kind, shown.total, shown.drawn) == (Kind.OFFICE, 3, 2), shown.sentences
    assert all(len(set(page.rgb)) > 1 for page in pages)
    assert none == [] and len(damaged.sentences) == 1


@pytest.mark.bubblewrap
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not on this computer")
def test_of_a_recording_its_length_and_stills_are_shown() -> None:
    sound = wave_of(seconds=2)
    shown, none = looked(sound)
    damaged, _ = looked(b"ID3\x04\0\0" + bytes(100))

    assert (shown.kind, none) == (Kind.RECORDING, [])
    assert shown.sentences[0] == "It says that it lasts 0:02."
    assert len(damaged.sentences) == 1


@pytest.mark.bubblewrap
def test_a_converter_that_hangs_ends_with_its_room(monkeypatch: pytest.MonkeyPatch) -> None:
    needs_bubblewrap()
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    code = f"{HELPED}{READY}import subprocess; subprocess.run(['/usr/bin/sleep', '60'])\n"

    data, room = io.BytesIO(b"{\\rtf1}"), stand_in(code, Bubblewrap)
    shown = look(data, range(1, 2), room, lambda _page: None, seconds=0.5)

    assert shown.kind is Kind.OFFICE and "was stopped" in shown.sentences[0]


def wave_of(seconds: int) -> bytes:
    """Silence."""
    out = io.BytesIO()
    with wave.open(out, "wb") as made:
        made.setnchannels(1)
        made.setsampwidth(2)
        made.setframerate(8_000)
        made.writeframes(bytes(16_000 * seconds))
    return out.getvalue()
