"""The offline desk's command line: import bundles; list, find, show, review and answer cases.

    python -m scripts.desk --casebook DIR [--home DIR] import BUNDLE

A text is never an argument, where other users of the computer could see it: answers come from a
file or standard input.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Protocol

from scripts.command_line import add_directory, new_parser, run

PROGRAM = "casedrop-desk"
# Other names of commands.
ALIASES = {"import": ["open"]}


class Command(Protocol):
    """The interface of each module of :mod:`scripts.desk.commands`."""

    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add its own arguments."""

    def run(self, asked: argparse.Namespace) -> int | None:
        """Run the command. Returns the exit code, None for 0."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code."""
    return run(
        parser,
        arguments,
        interrupted="Stopped; what was done is kept, and the command can be run again.",
    )


def parser() -> argparse.ArgumentParser:
    """All commands with their arguments."""
    made = new_parser(
        PROGRAM,
        "The offline desk: open, read and answer cases.",
        "The key ceremony is a separate program: casedrop-ceremony, or, in the desk's one file, "
        "`python3 casedrop-desk.pyz ceremony`.",
    )
    add_directory(made, "--casebook", "CASEDROP_CASEBOOK", "the casebook's directory", needed=True)
    add_directory(
        made, "--home", "GNUPGHOME", "gpg's directory with the reviewer's secret keys", needed=False
    )
    made.add_argument(
        "--reviewer",
        default="",
        metavar="FINGERPRINT",
        help="the reviewer at work, if there are several secret keys",
    )
    added = made.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, command in commands().items():
        one = added.add_parser(
            name,
            aliases=ALIASES.get(name, []),
            help=command.HELP,
            description=command.HELP,
            allow_abbrev=False,
        )
        command.add_arguments(one)
        one.set_defaults(run=command.run)
    return made


def commands() -> dict[str, Command]:
    """The commands by name."""
    # They import all that the desk needs; `run` reports a package that is missing.
    from scripts.desk.commands import (  # noqa: PLC0415
        adjudicate,
        answer,
        assign,
        backup,
        charts,
        clock,
        contact,
        damages,
        event,
        export_replies,
        export_work,
        files,
        find,
        hand_over,
        import_bundle,
        import_work,
        init,
        link,
        list_cases,
        lock,
        migrate,
        outbox,
        party,
        picture,
        quality,
        queues,
        redact,
        release,
        restore,
        review,
        reviewers,
        screen,
        set_aside,
        show,
        status,
        timeline,
        transcribe,
        translate,
        verify,
        views,
    )

    return {
        "init": init,
        "import": import_bundle,
        "queues": queues,
        "screen": screen,
        "list": list_cases,
        "views": views,
        "show": show,
        "find": find,
        "review": review,
        "adjudicate": adjudicate,
        "translate": translate,
        "assign": assign,
        "quality": quality,
        "link": link,
        "event": event,
        "party": party,
        "contact": contact,
        "timeline": timeline,
        "reviewers": reviewers,
        "files": files,
        "picture": picture,
        "redact": redact,
        "transcribe": transcribe,
        "answer": answer,
        "release": release,
        "outbox": outbox,
        "export-replies": export_replies,
        "export-work": export_work,
        "import-work": import_work,
        "set-aside": set_aside,
        "status": status,
        "charts": charts,
        "clock": clock,
        "damages": damages,
        "hand-over": hand_over,
        "verify": verify,
        "lock": lock,
        "migrate": migrate,
        "backup": backup,
        "restore": restore,
    }


if __name__ == "__main__":
    sys.exit(main())
