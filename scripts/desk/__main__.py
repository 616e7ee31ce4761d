"""The offline desk's command line: open a bundle, read and find the cases, answer them, and write the answers' bundle.

    python -m scripts.desk --casebook DIR [--home GNUPGHOME] import BUNDLE

No text is ever an argument, where other users of the computer could see it: answers come from a file or standard input.
"""

import argparse
import gc
import sys

if __name__ == "__main__":
    # What is loaded stays until the end; to look through it for garbage takes as long as many a command.
    gc.disable()
    # sqlite-utils would load it where it is installed, which takes longer than most commands.
    sys.modules["numpy"] = None  # type: ignore[assignment]  # what Python itself puts there for "not to be found"

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from dropbox.errors import CasedropError
from scripts.desk.commands import (
    adjudicate,
    answer,
    export_replies,
    files,
    find,
    import_bundle,
    init,
    list_cases,
    outbox,
    review,
    reviewers,
    show,
    status,
    verify,
)


class Command(Protocol):
    """What each module of :mod:`scripts.desk.commands` has."""

    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add its own arguments."""

    def run(self, asked: argparse.Namespace) -> int | None:
        """Do it. Returns the exit code, None for 0."""


COMMANDS: dict[str, Command] = {
    "init": init,
    "import": import_bundle,
    "list": list_cases,
    "show": show,
    "find": find,
    "review": review,
    "adjudicate": adjudicate,
    "reviewers": reviewers,
    "files": files,
    "answer": answer,
    "outbox": outbox,
    "export-replies": export_replies,
    "status": status,
    "verify": verify,
}
# Other names under which a command is known.
ALIASES = {"import": ["open"]}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code: 1 after an error, which is one sentence on standard error."""
    asked = parser().parse_args(arguments)
    try:
        code: int | None = asked.run(asked)
    except CasedropError as why:
        print(why, file=sys.stderr)
        return 1
    except OSError as why:
        print(f"{why.filename or 'The output'}: {why.strerror}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; what was done is kept, and the command can be run again.", file=sys.stderr)
        return 1
    return code or 0


def parser() -> argparse.ArgumentParser:
    """All commands with their arguments."""
    made = argparse.ArgumentParser(
        prog="desk",
        description="The offline desk: open, read and answer cases.",
        allow_abbrev=False,
    )
    made.add_argument(
        "--casebook", type=Path, required=True, metavar="DIR", help="the casebook's directory"
    )
    made.add_argument(
        "--home",
        type=Path,
        metavar="GNUPGHOME",
        help="gpg's directory with the reviewer's secret keys",
    )
    made.add_argument(
        "--reviewer",
        default="",
        metavar="FINGERPRINT",
        help="who works, when there are several secret keys",
    )
    commands = made.add_subparsers(required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        added = commands.add_parser(
            name,
            aliases=ALIASES.get(name, []),
            help=command.HELP,
            description=command.HELP,
            allow_abbrev=False,
        )
        command.add_arguments(added)
        added.set_defaults(run=command.run)
    return made


if __name__ == "__main__":
    gc.freeze()
    gc.enable()
    sys.exit(main())
