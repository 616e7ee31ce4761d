"""Gives mail about alarms, which `casedrop watch --mail-later` left, to the mail program.

    casedrop mail-alarms --folder DIR

The Debian package has a unit for it: the process that looks at the drop as root has no network and
no access to a mail queue, and the one that mails has no access to the drop.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from dropbox.durable_file import replace_file
from scripts.command_line import CannotRun
from scripts.operator.alarms import AlarmsError, mail

HELP = "hand the mail that `watch --mail-later` has left to the program for mail"
_NAME = "mail.json"
_MAX_BYTES = 2**20


@dataclass(frozen=True)
class WaitingMail:
    """``lines`` for the address ``to``, to be given to the program ``sendmail``."""

    to: str
    sendmail: Path
    lines: tuple[str, ...]

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """The mail in *folder*, None if nothing waits. Raises AlarmsError or OSError."""
        path = folder / _NAME
        try:
            with path.open("rb") as file:
                body = json.loads(file.read(_MAX_BYTES))
            found = cls(body["to"], Path(body["sendmail"]), tuple(body["lines"]))
            if not all(isinstance(one, str) for one in (found.to, *found.lines)):
                raise TypeError
        except FileNotFoundError:
            return None
        except (KeyError, TypeError, ValueError):
            raise AlarmsError(f"{path} is damaged; remove it. alarms.log has all alarms.") from None
        return found

    def write(self, folder: Path) -> None:
        """Replace what is in *folder*. Raises OSError."""
        body = {"to": self.to, "sendmail": str(self.sendmail), "lines": self.lines}
        replace_file(folder / _NAME, json.dumps(body, indent=1).encode("utf-8"))


def leave(folder: Path, *, to: str, sendmail: Path, lines: Sequence[str]) -> None:
    """Add *lines* to those waiting in *folder*. Raises AlarmsError or OSError."""
    waiting = WaitingMail.read(folder)
    before = () if waiting is None else waiting.lines
    if before or lines:
        WaitingMail(to, sendmail, (*before, *lines)).write(folder)


def withdraw(folder: Path) -> None:
    """Remove what waits in *folder*: mail is no longer wanted. Raises OSError."""
    (folder / _NAME).unlink(missing_ok=True)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument(
        "--folder", type=Path, required=True, metavar="DIR", help="the folder of `casedrop watch`"
    )


def run(asked: argparse.Namespace) -> None:
    """Give it to the mail program; if that does not take it, it waits for the next time.

    Raises CannotRun, AlarmsError or OSError.
    """
    if not asked.folder.is_dir():
        raise CannotRun(f"There is no folder {asked.folder}.")
    waiting = WaitingMail.read(asked.folder)
    if waiting is not None:
        mail(waiting.sendmail, waiting.to, waiting.lines)
        withdraw(asked.folder)
