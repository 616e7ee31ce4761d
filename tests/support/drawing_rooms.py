"""Rooms in which something else than the renderer runs, and what it tries there."""

import io
from functools import cache

import pytest

from scripts.desk.pictures.drawing_room import Bubblewrap, NoRoom, OwnWalls, Room
from scripts.desk.pictures.look import Shown, look

# Begins each stand-in: frames to the desk, and the walls unless they are left out.
WALLS = """
import os, sys, json
from pathlib import Path
from scripts.desk.pictures.frames import HEADER, Page, Sender
from scripts.desk.pictures.walls import raise_walls
sender = Sender(os.dup(1))
kind, first, last, alone, *readable = sys.argv[1:]
"""
RAISED = "raise_walls([Path(path) for path in readable], helped=False, alone=bool(int(alone)))\n"
HELPED = "raise_walls([], helped=True, alone=False)\n"
READY = "sender.ready()\n"

# Each way out, and what comes of it: "done", or the error's name. Nothing of it does any harm.
ATTEMPTS = """
import ctypes, socket, subprocess
secret, parent = Path(SECRET), os.getppid()
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *given):
    came = libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, given))
    if came < 0:
        raise OSError(ctypes.get_errno(), "")
def child():
    number = os.fork()
    if number == 0:
        os._exit(0)
    os.waitpid(number, 0)
ways = {
    "network": lambda: socket.create_connection(("127.0.0.1", PORT), 5).close(),
    "home": lambda: secret.read_bytes(),
    "casebook": lambda: secret.with_name("written").write_bytes(b"1"),
    "shorten": lambda: os.truncate(secret, 1),
    "remove": lambda: secret.with_name("old").unlink(),
    "folder": lambda: [*secret.parent.iterdir()][0],
    "devices": lambda: Path("/dev/zero").open("rb").read(1),
    "processes": lambda: Path(f"/proc/{DESK}/cmdline").read_bytes(),
    "signal": lambda: os.kill(DESK, 0),
    "program": lambda: subprocess.run(["/usr/bin/true"], check=True),
    "child": child,
    # PTRACE_SEIZE, which stops nothing, and ends with this process.
    "trace": lambda: call(101, 0x4206, DESK, 0, 0),
}
def tried(way):
    try:
        way()
    except OSError as why:
        return type(why).__name__
    return "done"
found = {name: tried(way) for name, way in ways.items()}
sender.text(json.dumps(found))
sender.end()
"""


@cache
def refusal() -> str:
    """Why bubblewrap can make no room here; "" if it can."""
    try:
        look(io.BytesIO(b"text"), range(1, 1), Bubblewrap(), lambda _page: None, seconds=60)
    except NoRoom as why:
        return str(why)
    return ""


def needs_bubblewrap() -> None:
    """Skip the test where the kernel refuses namespaces, as in many containers."""
    why = refusal()
    if why and "not on this computer" not in why:
        pytest.skip(why)


def stand_in(code: str, room: type[Bubblewrap] | type[OwnWalls] = OwnWalls) -> Room:
    """A room in which *code* runs instead of the renderer."""
    return room(WALLS + code)


def shown_by(code: str, room: type[Bubblewrap] | type[OwnWalls] = OwnWalls) -> Shown:
    """What the desk makes of a renderer that runs *code*; it has 10 seconds."""
    pages = range(1, 4)
    data = io.BytesIO(b"a text")
    return look(data, pages, stand_in(code, room), lambda _page: None, seconds=10)
