"""The full screen in a real terminal, as a command: how it begins, locks and ends."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from support.cases import DAY, report
from support.team import Team

from scripts.desk.casebook.casebook import Casebook

ROOT = Path(__file__).parents[2]
SECONDS = 60


class Terminal:
    """A terminal of 80 columns and 24 lines with a program in it."""

    def __init__(self, *command: str) -> None:
        self.person, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        environ = {**os.environ, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
        environ |= {"TEXTUAL_LOG": "/nowhere/log", "TEXTUAL_SCREENSHOT": "1"}
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env=environ,
            start_new_session=True,
        )
        os.close(terminal)
        self.said = b""

    def until(self, text: str) -> None:
        """Read what the program writes until *text* is in what is new of it."""
        new, end = b"", time.monotonic() + SECONDS
        while text.encode() not in new:
            assert time.monotonic() < end, new[-2000:]
            if select.select([self.person], [], [], 1)[0]:
                new += self._read()
        self.said += new

    def _read(self) -> bytes:
        try:
            return os.read(self.person, 65_536)
        except OSError:
            return b""  # the program has ended

    def type(self, keys: str) -> None:
        os.write(self.person, keys.encode())

    def end(self) -> int:
        """Wait for the program's end. Returns its exit code."""
        code = self.process.wait(SECONDS)
        while more := self._read():
            self.said += more
        os.close(self.person)
        return code


@pytest.mark.slow
def test_it_works_in_a_terminal_and_leaves_nothing_there(team: Team) -> None:
    with Casebook.open(team.casebook) as casebook:
        casebook.add_part(
            block_id=b"b" * 16,
            block_sha256="00" * 32,
            day=DAY,
            bundle=1,
            report=report("【虚构】金丝雀正文七三一零"),
        )
        name = casebook.names.of(1)
    command = [sys.executable, "-m", "scripts.desk", "--casebook", str(team.casebook)]
    terminal = Terminal(*command, "--home", str(team.homes[0]), "screen")

    terminal.until(name)
    terminal.type("\r")
    terminal.until("Review of")
    terminal.type("312s")
    terminal.until("First review done")
    terminal.type("\x0c")
    terminal.until("Locked.")
    terminal.type("\r")
    terminal.until("Queue: ")
    terminal.type("q")
    code = terminal.end()

    said = terminal.said.decode("utf-8", "replace")
    assert code == 0 and "Traceback" not in said
    before, _, inside = said.partition("\x1b[?1049h")
    after = inside.rpartition("\x1b[?1049l")[2]
    for text in (name, "金丝雀"):
        assert text in inside and text not in before and text not in after
    # Neither the window's title nor the clipboard: only the shape of the mouse's pointer.
    assert set(re.findall("\x1b\\]([0-9]*)", said)) <= {"22"}
    with Casebook.open(team.casebook) as casebook:
        (layer,) = casebook.layers.of(casebook.case(1)).layers
        assert (layer.judgement.merit, layer.judgement.urgency) == ("m2", "normal")
