"""The key ceremony, on the offline workstation. Each step leaves named files and overwrites none.

    python -m scripts.ceremony new --home GNUPGHOME --name NAME --out DIR

The secret key stays in GNUPGHOME. What a ceremony puts out is sorted by where it goes:

    DIR/01-server/     NAME.asc, FINGERPRINTS: public; into the server's ``keys/``
    DIR/02-paper/      NAME-fingerprint.txt: public; printed, and given from hand to hand
    DIR/03-safe/       NAME-revocation.asc: onto another medium, into a safe at another place, and away from here
    DIR/04-shares/     a week's sealed file, which stays here, and its sheets: printed, and away from here
    DIR/05-destroyed/  what was destroyed, and what was seen then; stays here
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from dropbox.durable_file import NewFile
from dropbox.errors import CasedropError
from dropbox.gpg_agent import stop_agent
from dropbox.openpgp import ReviewerKey, reviewer_key
from scripts.ceremony.new_key import WEEKS, Weeks, new_reviewer
from scripts.ceremony.outputs import (
    check_name,
    refuse_in_the_way,
    refuse_open,
    take_revocation,
    write_public,
    write_sheet,
)
from scripts.ceremony.paper import grouped
from scripts.ceremony.renewal import renew
from scripts.ceremony.shares import join, split
from scripts.ceremony.weeks import (
    CeremonyError,
    destroy,
    ended_before,
    epoch_of,
    record,
    week_lines,
)

YEAR = 52
_SERVER, _PAPER, _SAFE, _SHARES, _DESTROYED = (
    "01-server",
    "02-paper",
    "03-safe",
    "04-shares",
    "05-destroyed",
)


def _today() -> date:
    return datetime.now(UTC).date()


def _key(home: Path) -> ReviewerKey:
    if not home.is_dir():
        raise CeremonyError(f"There is no directory {home}.")
    refuse_open(home)
    key = reviewer_key(home)
    check_name(key.name)
    return key


def _new(asked: argparse.Namespace) -> None:
    if asked.unprotected:
        print("This key has no passphrase: it is only for demonstrations and tests.")
    weeks = Weeks(asked.start or _today(), asked.weeks)
    out = asked.out / _SERVER
    fingerprint = new_reviewer(
        asked.home, name=asked.name, out=out, weeks=weeks, protected=not asked.unprotected
    )
    print(
        "\n    ".join(
            [f"The key of {asked.name} is made; its fingerprint is", *grouped(fingerprint)]
        )
    )
    print(f"01 for the server: {out / asked.name}.asc and FINGERPRINTS beside it")
    _sheet(asked)
    _revocation(asked)
    print(f"{asked.home} stays here.")


def _public(asked: argparse.Namespace) -> None:
    key = _key(asked.home)
    write_public(asked.home, key.fingerprint, name=key.name, out=asked.out / _SERVER)
    print(f"01 for the server: {asked.out / _SERVER / key.name}.asc and FINGERPRINTS beside it")


def _sheet(asked: argparse.Namespace) -> None:
    print(f"02 to print: {write_sheet(_key(asked.home), asked.out / _PAPER)}")


def _revocation(asked: argparse.Namespace) -> None:
    path = take_revocation(asked.home, _key(asked.home), asked.out / _SAFE)
    print(f"03 onto another medium, into a safe at another place, then to be deleted here: {path}")


def _renew(asked: argparse.Namespace) -> None:
    key = _key(asked.home)
    Weeks(_today(), asked.weeks)
    # Before anything is added: the new file has the old name, so it needs a new directory.
    refuse_in_the_way(asked.out / _SERVER, key.name)
    added = renew(
        asked.home, weeks=asked.weeks, today=_today(), early=asked.early, after_gap=asked.after_gap
    )
    print(
        f"{len(added)} weeks were added, {added[0].week} to {added[-1].week}; the last day is {added[-1].last}."
    )
    _public(asked)
    _sheet(asked)


def _weeks(asked: argparse.Namespace) -> None:
    print("\n".join(week_lines(_key(asked.home), _today())))


def _destroy(asked: argparse.Namespace) -> None:
    key, today = _key(asked.home), _today()
    chosen = (epoch_of(key, asked.week),) if asked.week else ended_before(key, asked.ended_before)
    last = chosen[-1].week
    stem = last if len(chosen) == 1 else f"{chosen[0].week}-to-{last}"
    if not asked.yes:
        _ask_back([str(epoch) for epoch in chosen], last)
    path = asked.out / _DESTROYED / f"{key.name}-{stem}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    with NewFile(path) as file:
        seen = destroy(asked.home, chosen, today=today, although_valid=asked.although_valid)
        file.write(record(key, seen, today).encode("utf-8"))
    print(path.read_text("utf-8") + f"\n05 stays here: {path}")
    print(
        "On flash memory old copies of a file may remain; this disk's encryption and the key's passphrase guard those."
    )


def _ask_back(weeks: Sequence[str], last: str) -> None:
    print("What was sealed to these weeks can then never be opened again:")
    print("\n".join(f"  {week}" for week in weeks))
    print("Have all desks opened every bundle of that time, and nothing is listed as not opened?")
    print(f"To destroy, type the name of the last of these weeks ({last}): ", end="", flush=True)
    if sys.stdin.readline().strip() != last:
        raise CeremonyError("That is not the week's name. Nothing was destroyed.")


def _split(asked: argparse.Namespace) -> None:
    key = _key(asked.home)
    out = asked.out / _SHARES
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = split(
        asked.home,
        epoch_of(key, asked.week),
        name=key.name,
        needed=asked.needed,
        shares=asked.sheets,
        out=out,
        show=_show_sheet if asked.terminal else None,
    )
    print(f"04 stays here: {written[0]}")
    print("\n".join(f"04 to print, hand over, and delete here: {path}" for path in written[1:]))
    print(
        f"The secret of {asked.week} is no longer in {asked.home}; {asked.needed} of {asked.sheets} sheets bring it back."
    )


def _show_sheet(sheet: str) -> None:
    print(sheet)
    print(
        "When this sheet is copied onto paper, press Enter; the terminal is then cleared.",
        end="",
        flush=True,
    )
    if not sys.stdin.readline():
        raise CeremonyError("The sheets were not all taken; the secret stays where it was.")
    print("\x1b[H\x1b[2J\x1b[3J", end="", flush=True)


def _join(asked: argparse.Namespace) -> None:
    _key(asked.home)
    sheets = [(path.name, path.read_text("utf-8")) for path in asked.sheet] or _typed_sheets()
    epoch = join(asked.home, asked.sealed, sheets)
    print(
        f"The secret of {epoch.week} is in {asked.home} again. When it is no longer needed: `destroy --week {epoch.week}`."
    )


def _typed_sheets() -> list[tuple[str, str]]:
    """The sheets' words from standard input, an empty line behind each sheet."""
    print(
        "Type the words of each sheet in their order, in as many lines as you like; an empty line ends a sheet,",
        flush=True,
    )
    print("and a second empty line, or Ctrl-D, ends the typing.", flush=True)
    sheets, lines = list[str](), list[str]()
    for line in sys.stdin:
        if line.strip():
            lines.append(line)
        elif lines:
            sheets.append(" ".join(lines))
            lines = []
        else:
            break
    sheets += [" ".join(lines)] if lines else []
    return [(f"Sheet {number}", text) for number, text in enumerate(sheets, 1)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code: 1 after an error, which is one sentence on standard error."""
    asked = _parser().parse_args(arguments)
    if sys.stdin.isatty():
        # Where gpg's own passphrase window is to appear.
        os.environ["GPG_TTY"] = os.ttyname(sys.stdin.fileno())
    try:
        asked.run(asked)
    except CasedropError as why:
        print(why, file=sys.stderr)
        return 1
    except UnicodeDecodeError:
        print("A sheet's file is not text.", file=sys.stderr)
        return 1
    except OSError as why:
        print(f"{why.filename or 'The output'}: {why.strerror}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; look with `weeks` what was done.", file=sys.stderr)
        return 1
    finally:
        if asked.home.is_dir():
            # It remembers passphrases.
            stop_agent(asked.home)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ceremony", description="The reviewers' key ceremony.", allow_abbrev=False
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[argparse.Namespace], None], text: str, *, out: bool = True
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        added.set_defaults(run=run)
        added.add_argument(
            "--home",
            type=Path,
            required=True,
            metavar="DIR",
            help="gpg's directory for the secret key",
        )
        if out:
            added.add_argument(
                "--out",
                type=Path,
                required=True,
                metavar="DIR",
                help="where this ceremony's files go",
            )
        return added

    new = command("new", _new, "make a reviewer's key, and the files of steps 01 to 03")
    new.add_argument(
        "--name", required=True, help="a public name for the key, no person's: a-z, digits, hyphens"
    )
    new.add_argument(
        "--weeks",
        type=int,
        default=WEEKS,
        help=f"how many weekly encryption keys (default {WEEKS})",
    )
    new.add_argument(
        "--start",
        type=date.fromisoformat,
        metavar="YYYY-MM-DD",
        help="the first day (default today, UTC)",
    )
    new.add_argument(
        "--unprotected",
        action="store_true",
        help="no passphrase: for demonstrations and tests only",
    )
    command("public", _public, "01 alone: write the public file and its pin")
    command("sheet", _sheet, "02 alone: write the fingerprint sheet")
    command(
        "revocation",
        _revocation,
        "03 alone: move the revocation certificate out of gpg's directory",
    )
    again = command("renew", _renew, "add weekly keys for another year, and write 01 and 02 again")
    again.add_argument(
        "--weeks", type=int, default=YEAR, help=f"how many weekly keys to add (default {YEAR})"
    )
    again.add_argument("--early", action="store_true", help="although the last week is not near")
    again.add_argument("--after-gap", action="store_true", help="although the last week is over")
    command("weeks", _weeks, "list the weeks of this key, and which secrets are here", out=False)
    end = command("destroy", _destroy, "05: delete the secrets of weeks, and show that it is done")
    which = end.add_mutually_exclusive_group(required=True)
    which.add_argument("--week", metavar="YYYY-Www", help="this week")
    which.add_argument(
        "--ended-before",
        type=date.fromisoformat,
        metavar="YYYY-MM-DD",
        help="all that ended before this day",
    )
    end.add_argument(
        "--although-valid", action="store_true", help="although reports are still sealed to it"
    )
    end.add_argument("--yes", action="store_true", help="do not ask back")
    cut = command("split", _split, "04: put a week's secret onto sheets of paper")
    cut.add_argument("--week", required=True, metavar="YYYY-Www")
    cut.add_argument("--sheets", type=int, required=True, metavar="N", help="how many sheets")
    cut.add_argument(
        "--needed", type=int, required=True, metavar="K", help="how many of them bring it back"
    )
    cut.add_argument(
        "--terminal",
        action="store_true",
        help="show the sheets here one by one, and write none to a file",
    )
    back = command("join", _join, "bring a week's secret back from its sheets", out=False)
    back.add_argument(
        "--sealed", type=Path, required=True, metavar="FILE", help="the week's sealed file"
    )
    back.add_argument(
        "--sheet",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="the sheets; else they are typed in",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
