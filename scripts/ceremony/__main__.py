"""The key ceremony, on the offline workstation. Each step writes named files and overwrites none.

    python -m scripts.ceremony new --home GNUPGHOME --name NAME --out DIR

The secret key stays in GNUPGHOME. A ceremony's files are sorted by where they go:

    DIR/01-server/     NAME.asc, NAME.hpke, NAME.hpke.sig, FINGERPRINTS: public; into the server's
                       ``keys/``
    DIR/02-paper/      NAME-fingerprint.txt: public; printed, and handed over in person
    DIR/03-safe/       NAME-revocation.asc: to another medium in a safe elsewhere; not kept here
    DIR/04-shares/     a week's sealed file, which stays here; its sheets, printed and not kept here
    DIR/05-destroyed/  the record of what was destroyed; stays here
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from scripts.command_line import add_directory, new_parser, run
from scripts.terminal import name_terminal

PROGRAM = "casedrop-ceremony"
Step = Callable[[argparse.Namespace], None]
STOPPED = (
    "Stopped between two steps: what was made is whole, and `weeks` lists it. `renew --early` adds "
    "the weeks that are missing, and `public`, `sheet` and `revocation` the files."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code."""
    name_terminal()
    return run(parser, arguments, interrupted=STOPPED)


def parser() -> argparse.ArgumentParser:
    """All commands with their arguments."""
    made = new_parser(PROGRAM, "The reviewers' key ceremony.")
    # They import all that the ceremony needs; `run` reports a package that is missing.
    from scripts.ceremony import steps  # noqa: PLC0415

    added = made.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, step: Step, text: str) -> argparse.ArgumentParser:
        one = added.add_parser(name, help=text, description=text, allow_abbrev=False)
        one.set_defaults(run=step)
        return one

    def on_key(name: str, step: Step, text: str) -> argparse.ArgumentParser:
        one = command(name, steps.alone(step), text)
        add_directory(one, "--home", "GNUPGHOME", "gpg's directory for the secret key", needed=True)
        return one

    def writing(name: str, step: Step, text: str) -> argparse.ArgumentParser:
        one = on_key(name, step, text)
        _out(one, "where this ceremony's files go")
        return one

    _new(writing("new", steps.new, "make a reviewer's key, and the files of steps 01 to 03"))
    writing("public", steps.public, "01 alone: write the public files and their pin")
    writing("sheet", steps.sheet, "02 alone: write the fingerprint sheet")
    text = "03 alone: move the revocation certificate out of gpg's directory"
    writing("revocation", steps.revocation, text)
    text = "add weekly keys for another year, and write 01 and 02 again"
    _renew(writing("renew", steps.renew, text), steps.YEAR)
    text = "put the public files of all reviewers into one folder, with one FINGERPRINTS"
    _gather(command("gather", steps.gather, text))
    on_key("weeks", steps.weeks, "list the weeks of this key, and which secrets are here")
    text = "05: delete the secrets of weeks, and prove that they are gone"
    _destroy(writing("destroy", steps.destroy, text))
    _split(writing("split", steps.split, "04: put a week's secret onto sheets of paper"))
    _join(on_key("join", steps.join, "bring a week's secret back from its sheets"))
    return made


def _out(command: argparse.ArgumentParser, text: str) -> None:
    command.add_argument("--out", type=Path, required=True, metavar="DIR", help=text)


def _day(written: str) -> date:
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"a day is written as 2026-12-01, and {written!r} is none"
        ) from None


def _new(command: argparse.ArgumentParser) -> None:
    from scripts.ceremony.new_key import WEEKS  # noqa: PLC0415

    command.add_argument(
        "--name",
        required=True,
        help="a public name for the key, not a person's: a-z, digits, hyphens",
    )
    text = f"how many weekly encryption keys (default {WEEKS})"
    command.add_argument("--weeks", type=int, default=WEEKS, help=text)
    command.add_argument(
        "--start",
        type=_day,
        metavar="YYYY-MM-DD",
        help="the first day (default today, UTC)",
    )
    which = command.add_mutually_exclusive_group()
    which.add_argument(
        "--own-passphrase",
        action="store_true",
        help="choose a passphrase, instead of words drawn at random; each message then takes half "
        "a second to open",
    )
    which.add_argument(
        "--unprotected",
        action="store_true",
        help="no passphrase: for demonstrations and tests only",
    )


def _renew(command: argparse.ArgumentParser, year: int) -> None:
    text = f"how many weekly keys to add (default {year})"
    command.add_argument("--weeks", type=int, default=year, help=text)
    command.add_argument("--early", action="store_true", help="even if the last week is far away")
    command.add_argument("--after-gap", action="store_true", help="even if the last week is over")


def _gather(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "folders",
        type=Path,
        nargs="+",
        metavar="CEREMONY",
        help="what a reviewer's ceremony wrote, or its 01-server",
    )
    _out(command, "the new folder for all of it")


def _destroy(command: argparse.ArgumentParser) -> None:
    chosen = command.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--week", metavar="YYYY-Www", help="this week")
    chosen.add_argument(
        "--ended-before",
        type=_day,
        metavar="YYYY-MM-DD",
        help="all weeks that ended before this day",
    )
    command.add_argument(
        "--force", action="store_true", help="even if reports are still sealed to it"
    )
    command.add_argument("--yes", action="store_true", help="do not ask for confirmation")


def _split(command: argparse.ArgumentParser) -> None:
    command.add_argument("--week", required=True, metavar="YYYY-Www")
    command.add_argument("--sheets", type=int, required=True, metavar="N", help="how many sheets")
    command.add_argument(
        "--needed", type=int, required=True, metavar="K", help="how many of them bring it back"
    )
    command.add_argument(
        "--terminal",
        action="store_true",
        help="show the sheets here one by one, and do not write them to files",
    )


def _join(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--sealed", type=Path, required=True, metavar="FILE", help="the week's sealed file"
    )
    command.add_argument(
        "--sheet",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="the sheets; without this option you type them in",
    )


if __name__ == "__main__":
    sys.exit(main())
