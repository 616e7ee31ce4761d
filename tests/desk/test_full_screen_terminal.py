"""The full screen in a real terminal, as a command: how it begins, locks and ends."""

import fcntl
import os
import pty
import re
import select
import signal
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

    def __init__(self, *command: str, term: str = "xterm-256color") -> None:
        self.person, terminal = pty.openpty()
        # Of the terminal, not of what is connected to it: to see later whether it was restored.
        self.kept = os.dup(terminal)
        self.before = termios.tcgetattr(terminal)
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        environ = {**os.environ, "TERM": term, "LANG": "C.UTF-8"}
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
        assert termios.tcgetattr(self.kept) == self.before
        os.close(self.kept)
        while more := self._read():
            self.said += more
        os.close(self.person)
        return code


# A title, the clipboard, a cleared screen, a bell, a picture, in both forms of control characters.
HOSTILE = "\x1b]0;PWNED\x07\x1b]52;c;UFdORUQ=\x07\x1b[2J\x1bPq#0;2\x1b\\\x9b2J\x9d0;PWNED\x9c"


def filed(team: Team) -> str:
    """The name of a case with a hostile text."""
    with Casebook.open(team.casebook) as casebook:
        casebook.add_part(
            block_id=b"b" * 16,
            block_sha256="00" * 32,
            day=DAY,
            bundle=1,
            report=report(f"【虚构】金丝雀正文七三一零 {HOSTILE}"),
        )
        return casebook.names.of(1)


def begin(team: Team, term: str = "xterm-256color") -> Terminal:
    command = [sys.executable, "-m", "scripts.desk", "--casebook", str(team.casebook)]
    return Terminal(*command, "--home", str(team.homes[0]), "screen", term=term)


def outside(said: str) -> str:
    """What is left in the terminal: before and after its other screen was shown."""
    before, _, inside = said.partition("\x1b[?1049h")
    assert "金丝雀" in inside
    shown, left, after = inside.rpartition("\x1b[?1049l")
    assert left
    # What the claimant wrote is spelled out, and acts on nothing: neither the window's title nor
    # the clipboard, only the shape of the mouse's pointer.
    assert "‹U+001B›]0;PWNED" in shown
    assert set(re.findall("\x1b\\]([0-9]*)", said)) <= {"22"}
    assert not re.search("[\x80-\x9f]", said) and "\x1bP" not in said
    return before + after


@pytest.mark.slow
def test_it_works_in_a_terminal_and_leaves_nothing_there(team: Team) -> None:
    name = filed(team)
    terminal = begin(team)

    terminal.until(name)
    terminal.type("\r")
    # Its text is drawn before a key can close it again.
    terminal.until("PWNED")
    terminal.type("312s")
    terminal.until("First review done")
    # Once more, and not saved: gpg seals it, and opens it again after the lock.
    terminal.type("\r")
    terminal.until("fill in")
    terminal.type("1")
    terminal.until("not saved")
    terminal.type("\x0c")
    terminal.until("sealed")
    terminal.type("\r")
    terminal.until("throws it")
    terminal.type("y")
    terminal.until("Review, not saved")
    terminal.type("s")
    terminal.until("was saved")
    terminal.type("q")
    code = terminal.end()

    said = terminal.said.decode("utf-8", "replace")
    assert code == 0 and "Traceback" not in said
    assert not [one for one in (name, "金丝雀", "PWNED") if one in outside(said)]
    with Casebook.open(team.casebook) as casebook:
        first, second = casebook.layers.of(casebook.case(1)).layers
        assert (first.judgement.merit, first.judgement.urgency) == ("m2", "normal")
        assert second.judgement != first.judgement


@pytest.mark.slow
def test_whoever_ends_it_from_elsewhere_leaves_the_terminal_clean(team: Team) -> None:
    name = filed(team)
    terminal = begin(team, "linux")

    terminal.until(name)
    terminal.until("no Chinese characters")
    terminal.type("\r")
    terminal.until("PWNED")
    terminal.process.terminate()
    code = terminal.end()

    assert code == -signal.SIGTERM
    left = outside(terminal.said.decode("utf-8", "replace"))
    assert not [one for one in (name, "金丝雀", "Traceback") if one in left]
