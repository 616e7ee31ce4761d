"""Checks a running drop once, for a timer: reports each alarm when it begins and when it ends.

    casedrop watch --settings FILE [--folder DIR] [--mail-later]

It reports to the journal (standard error), a file, and a mail address if the settings name one.
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from scripts.operator import site

HELP = "look once at the running drop, and tell each alarm when it begins and ends"
# Priorities of syslog(3) in front of a line, which journald reads: an error, a notice.
_BEGINS, _ENDS = "<3>", "<5>"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    site.add_arguments(parser)
    parser.add_argument(
        "--folder",
        type=Path,
        metavar="DIR",
        help="where alarms.log and what was told are kept; by default beside FILE",
    )
    parser.add_argument(
        "--mail-later",
        action="store_true",
        help="leave mail in DIR for `casedrop mail-alarms`, which may have other rights",
    )


def run(asked: argparse.Namespace) -> None:
    """Check and report. Raises SettingsError, AlarmsError or OSError."""
    # Imported only when the command runs, so that a missing package becomes a sentence.
    from scripts.operator.alarms import Alarms, append, mail  # noqa: PLC0415
    from scripts.operator.health import examine  # noqa: PLC0415
    from scripts.operator.mail_alarms import leave, withdraw  # noqa: PLC0415

    drop = site.Site.of(asked)
    folder: Path = asked.folder or drop.file.parent
    now = datetime.now(UTC)
    before = Alarms.read(folder)
    after, begun, ended = before.compared(examine(drop, now))
    _tell_journal(begun, ended)
    lines = [*(f"begins: {line}" for line in begun), *(f"ends: {line}" for line in ended)]
    append(folder, lines, now)
    settings = drop.settings
    if settings.mail_to is None:
        withdraw(folder)
        after.write(folder)
        return
    if asked.mail_later:
        lines = [*after.unsent, *lines]
        leave(folder, to=settings.mail_to, sendmail=settings.sendmail, lines=lines)
        after.sent().write(folder)
        return
    unsent = after.with_unsent(lines)
    # Before the mail: an alarm that cannot be mailed must not go to the journal every time.
    unsent.write(folder)
    if unsent.unsent:
        mail(settings.sendmail, settings.mail_to, unsent.unsent)
        after.sent().write(folder)


def _tell_journal(begun: list[str], ended: list[str]) -> None:
    journal = "JOURNAL_STREAM" in os.environ
    for mark, what, lines in ((_BEGINS, "Alarm", begun), (_ENDS, "Alarm over", ended)):
        for line in lines:
            print(f"{mark if journal else ''}{what}: {line}", file=sys.stderr)
