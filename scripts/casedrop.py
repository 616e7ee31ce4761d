"""The operator's program: the first step of a new drop, the service itself, and its rare repairs.

casedrop setup
casedrop newsite --onion ADDRESS.onion var
casedrop up --state var
casedrop check --settings var/settings.toml
casedrop migrate --settings var/settings.toml
casedrop clock --settings var/settings.toml
casedrop lost-vault --settings var/settings.toml
casedrop texts --settings var/settings.toml
casedrop status --settings var/settings.toml
casedrop watch --settings var/settings.toml
casedrop mail-alarms --folder var
casedrop probe --settings var/settings.toml
casedrop reload --settings var/settings.toml
casedrop backup --settings var/settings.toml ARCHIVE
casedrop restore ARCHIVE DIR
casedrop rollback
casedrop wipe --settings var/settings.toml
"""

from __future__ import annotations

if not __package__:
    # Python then looks for packages beside this file: it does not find Casedrop's, and mistakes
    # some of these files for its own modules. These two modules are already loaded.
    import os
    import sys

    print(
        f"Run it from {os.path.abspath(f'{__file__}/../..')} as python -m "  # noqa: PTH100
        "scripts.casedrop, or as casedrop where Casedrop is installed.",
        file=sys.stderr,
    )
    sys.exit(2)

import argparse
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from dropbox.errors import CasedropError
from onion import __main__ as onion_up
from onion.errors import OnionError
from scripts import command_line, newsite
from scripts.operator import (
    backup,
    check,
    clock,
    lost_vault,
    mail_alarms,
    migrate,
    probe,
    reload,
    restore,
    rollback,
    setup,
    status,
    texts,
    watch,
    wipe,
)

PROGRAM = "casedrop"
_ENDING = (signal.SIGTERM, signal.SIGHUP)
COMMANDS = {
    "setup": setup,
    "newsite": newsite,
    "up": onion_up,
    "check": check,
    "migrate": migrate,
    "clock": clock,
    "lost-vault": lost_vault,
    "texts": texts,
    "status": status,
    "watch": watch,
    "mail-alarms": mail_alarms,
    "probe": probe,
    "reload": reload,
    "backup": backup,
    "restore": restore,
    "rollback": rollback,
    "wipe": wipe,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code."""
    with _ended_in_order():
        return command_line.run(parser, arguments, errors=(CasedropError, OnionError))


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Make SIGTERM, and the closing of the terminal, do what Ctrl-C does.

    Otherwise a restore, say, would leave the drop's keys in a half-made folder.
    """
    ours = []
    if threading.current_thread() is threading.main_thread():
        # Under nohup, closing the terminal ends nothing.
        ours = [one for one in _ENDING if signal.getsignal(one) is signal.SIG_DFL]
    before = {number: signal.getsignal(number) for number in (*ours, signal.SIGINT)}
    for number in ours:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number, handler in before.items() if ours else ():
            signal.signal(number, handler)


def _end(number: int, frame: FrameType | None) -> None:
    # The clean-up must not be interrupted again.
    for each in (*_ENDING, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def parser() -> argparse.ArgumentParser:
    """All commands with their arguments."""
    made = command_line.new_parser(
        PROGRAM,
        "The program of a drop's operator.",
        "casedrop-courier carries bundles; reviewers work with casedrop-desk and "
        "casedrop-ceremony.",
    )
    added = made.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        one = added.add_parser(
            name, help=command.HELP, description=command.HELP, allow_abbrev=False
        )
        command.add_arguments(one)
        one.set_defaults(run=command.run)
    return made


if __name__ == "__main__":
    sys.exit(main())
