"""The key ceremony, on the offline workstation: makes a reviewer's key and the public file that the server pins.

    python -m scripts.ceremony new --home GNUPGHOME --name NAME --out DIR

The secret key stays in GNUPGHOME. ``NAME.asc`` and ``FINGERPRINTS`` in DIR are public and go to the server's ``keys/``.
"""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from dropbox import openpgp
from dropbox.errors import CasedropError
from dropbox.packets import PublicKey, dearmor, read_pins
from scripts.landing import NewFile

# One year of weekly keys and one more, so that a yearly ceremony may be a week late.
WEEKS = 53
_MOST_WEEKS = 520


class CeremonyError(CasedropError):
    """The ceremony cannot go on."""


@dataclass(frozen=True)
class Weeks:
    """How many weekly encryption subkeys a reviewer's key gets, and the day (UTC) on which the first begins."""

    start: date
    count: int = WEEKS

    def __post_init__(self) -> None:
        if not 1 <= self.count <= _MOST_WEEKS:
            raise CeremonyError(f"The number of weeks is from 1 to {_MOST_WEEKS}.")


def new_reviewer(home: Path, *, name: str, out: Path, weeks: Weeks, protected: bool) -> str:
    """Make the key of reviewer *name* in *home*, export it to *out* as ``NAME.asc`` and pin it in ``FINGERPRINTS``.

    *home* is made (0700) if absent. With *protected* gpg asks for the passphrase in its own window. Returns the
    fingerprint. Raises CeremonyError or KeysError; when anything stands in the way nothing is made.
    """
    if not re.fullmatch("[a-z][a-z0-9-]{1,30}", name, re.ASCII):
        raise CeremonyError("A reviewer's name here is public: a word of the letters a-z, digits and hyphens, no person's.")
    _refuse_in_the_way(home, out, name)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    out.mkdir(parents=True, exist_ok=True)
    fingerprint = openpgp.make_reviewer_key(home, name=name, weeks=weeks.count, start=weeks.start, protected=protected)
    armored = openpgp.export_public(home, fingerprint)
    # Read back as the server will: what is written out is this one key and no secret.
    if PublicKey.read(dearmor(armored)).fingerprint != fingerprint:
        raise CeremonyError("gpg exported another key than the one that was made.")
    with NewFile(out / f"{name}.asc") as file:
        file.write(armored)
    _pin(out / "FINGERPRINTS", f"{fingerprint}  {name}.asc\n")
    return fingerprint


def _refuse_in_the_way(home: Path, out: Path, name: str) -> None:
    if home.exists():
        if home.stat().st_mode & 0o077:
            raise CeremonyError(f"Others on this computer can read {home}; close it with chmod 700 first.")
        if openpgp.Opener(home).secret_fingerprints():
            raise CeremonyError(f"There is a secret key in {home} already; each reviewer has a directory of their own.")
    file = out / f"{name}.asc"
    pins = read_pins(out) if (out / "FINGERPRINTS").exists() else {}
    if file.exists() or file.name in pins.values():
        raise CeremonyError(f"{file} exists already or is pinned; take another name.")


def _pin(path: Path, line: str) -> None:
    """Append to the pin file, durable; the lines before it stay."""
    with path.open("a+", encoding="utf-8") as pins:
        pins.seek(0)
        before = pins.read()
        pins.write(line if not before or before.endswith("\n") else "\n" + line)
        pins.flush()
        os.fsync(pins.fileno())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code: 1 after an error, which is one sentence on standard error."""
    asked = _parser().parse_args(arguments)
    if asked.unprotected:
        print("This key has no passphrase: it is only for demonstrations and tests.")
    elif sys.stdin.isatty():
        # Where gpg's own passphrase window is to appear.
        os.environ["GPG_TTY"] = os.ttyname(sys.stdin.fileno())
    try:
        _print_key(asked.name, _made(asked))
    except CasedropError as why:
        print(why, file=sys.stderr)
        return 1
    except OSError as why:
        print(f"{why.filename or 'The output'}: {why.strerror}.", file=sys.stderr)
        return 1
    print(f"{asked.name}.asc and FINGERPRINTS in {asked.out} go to the server; {asked.home} stays here.")
    return 0


def _made(asked: argparse.Namespace) -> str:
    weeks = Weeks(asked.start or datetime.now(UTC).date(), asked.weeks)
    protected = not asked.unprotected
    fingerprint = new_reviewer(asked.home, name=asked.name, out=asked.out, weeks=weeks, protected=protected)
    # It holds the opened secret key.
    openpgp.stop_agent(asked.home)
    return fingerprint


def _print_key(name: str, fingerprint: str) -> None:
    print(f"The key of {name} is made; its fingerprint is")
    print("    " + " ".join(fingerprint[at : at + 4] for at in range(0, len(fingerprint), 4)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ceremony", description="The reviewers' key ceremony.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    new = commands.add_parser("new", help="make a reviewer's key", description="Make a reviewer's key.")
    new.add_argument("--home", type=Path, required=True, metavar="DIR", help="gpg's directory for the secret key")
    new.add_argument("--name", required=True, help="a public name for the key, no person's: a-z, digits, hyphens")
    new.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the public files go")
    new.add_argument("--weeks", type=int, default=WEEKS, help=f"how many weekly encryption keys (default {WEEKS})")
    new.add_argument("--start", type=date.fromisoformat, metavar="YYYY-MM-DD", help="the first day (default today, UTC)")
    new.add_argument("--unprotected", action="store_true", help="no passphrase: for demonstrations and tests only")
    return parser


if __name__ == "__main__":
    sys.exit(main())
