"""The steps of the key ceremony, and what each tells the person who takes it."""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from dropbox.durable_file import NewFile
from dropbox.gpg_agent import refuse_missing, stop_agent
from dropbox.reviewer_key import ReviewerKey, reviewer_key
from scripts.ceremony import gathering, renewal, shares
from scripts.ceremony.gathering import SERVER as _SERVER
from scripts.ceremony.new_key import Weeks, new_reviewer
from scripts.ceremony.outputs import (
    check_name,
    refuse_in_the_way,
    refuse_open,
    take_revocation,
    write_public,
    write_sheet,
)
from scripts.ceremony.paper import grouped
from scripts.ceremony.passphrase import Choice, drawn, own, unprotected
from scripts.ceremony.weeks import CeremonyError, ended_before, epoch_of, record, week_lines
from scripts.ceremony.weeks import destroy as destroy_weeks

YEAR = 52
_PAPER, _SAFE, _SHARES, _DESTROYED = (
    "02-paper",
    "03-safe",
    "04-shares",
    "05-destroyed",
)


def alone(step: Callable[[argparse.Namespace], None]) -> Callable[[argparse.Namespace], None]:
    """*step* with gpg's passphrase window on this terminal, and without an agent left behind.

    The agent would remember passphrases.
    """

    def taken(asked: argparse.Namespace) -> None:
        refuse_missing()
        if sys.stdin.isatty():
            os.environ["GPG_TTY"] = os.ttyname(sys.stdin.fileno())
        try:
            step(asked)
        finally:
            if asked.home.is_dir():
                stop_agent(asked.home)

    return taken


def _today() -> date:
    return datetime.now(UTC).date()


def _key(home: Path) -> ReviewerKey:
    if not home.is_dir():
        raise CeremonyError(f"There is no directory {home}.")
    refuse_open(home)
    key = reviewer_key(home)
    check_name(key.name)
    return key


def new(asked: argparse.Namespace) -> None:
    """Make a reviewer's key, and take steps 01 to 03."""
    if asked.unprotected:
        print("This key has no passphrase: it is only for demonstrations and tests.")
    weeks = Weeks(asked.start or _today(), asked.weeks)
    out = asked.out / _SERVER
    fingerprint = new_reviewer(
        asked.home,
        name=asked.name,
        out=out,
        weeks=weeks,
        choose=_choice(asked),
        progress=_progress,
    )
    print(
        "\n    ".join(
            [f"The key of {asked.name} was made; its fingerprint is", *grouped(fingerprint)]
        )
    )
    _say_public(out / asked.name)
    sheet(asked)
    revocation(asked)
    print(f"{asked.home} stays here.")


def _progress(done: int, total: int) -> None:
    """Show the progress on one line; with a passphrase of one's own a year takes minutes."""
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        print(f"\r{done} of {total} weekly keys", end=end, file=sys.stderr, flush=True)


def _choice(asked: argparse.Namespace) -> Choice:
    if asked.unprotected:
        return unprotected
    if asked.own_passphrase:
        return own
    if not sys.stdout.isatty():
        raise CeremonyError(
            "The passphrase is shown only in a terminal. To choose your own words instead, use "
            "--own-passphrase."
        )
    return lambda home: drawn(home, _show_words)


def _show_words(words: str) -> None:
    print(
        "The passphrase of this key, drawn at random. Write it on paper: it is shown this once, "
        f"and nobody can find it again.\n\n    {words}\n"
    )
    _clear_after(
        "When it is on paper, press Enter; the terminal is then cleared.",
        "No passphrase was chosen, and no key was made.",
    )


def _clear_after(request: str, refusal: str) -> None:
    """Ask for Enter, and clear the terminal. Raises CeremonyError when the input ends instead."""
    print(request, end="", flush=True)
    if not sys.stdin.readline():
        raise CeremonyError(refusal)
    print("\x1b[H\x1b[2J\x1b[3J", end="", flush=True)


def _say_public(stem: Path) -> None:
    print(
        f"01 for the server: {stem}.asc, and beside it {stem.name}.hpke, {stem.name}.hpke.sig and "
        "FINGERPRINTS"
    )


def public(asked: argparse.Namespace) -> None:
    """01: write the public files and their pin."""
    key = _key(asked.home)
    refuse_in_the_way(asked.out / _SERVER, key.name)
    renewal.add_hpke(asked.home, today=_today())
    write_public(asked.home, key.fingerprint, name=key.name, out=asked.out / _SERVER)
    _say_public(asked.out / _SERVER / key.name)


def sheet(asked: argparse.Namespace) -> None:
    """02: write the fingerprint sheet."""
    print(f"02 to print: {write_sheet(_key(asked.home), asked.out / _PAPER)}")


def revocation(asked: argparse.Namespace) -> None:
    """03: move the revocation certificate out of gpg's directory."""
    path = take_revocation(asked.home, _key(asked.home), asked.out / _SAFE)
    print(f"03 to copy to another medium, store in a safe elsewhere, and delete here: {path}")


def renew(asked: argparse.Namespace) -> None:
    """Add weekly keys for another year, and take steps 01 and 02 again."""
    key = _key(asked.home)
    Weeks(_today(), asked.weeks)
    # Checked before anything is added: the new file has the old name, so it needs a new directory.
    refuse_in_the_way(asked.out / _SERVER, key.name)
    added = renewal.renew(
        asked.home,
        weeks=asked.weeks,
        today=_today(),
        early=asked.early,
        after_gap=asked.after_gap,
        progress=_progress,
    )
    print(
        f"{len(added)} weeks were added, {added[0].week} to {added[-1].week}; "
        f"the last day is {added[-1].last}."
    )
    public(asked)
    sheet(asked)


def gather(asked: argparse.Namespace) -> None:
    """Put the public files of all reviewers into one folder."""
    refuse_missing("gpg")
    with tempfile.TemporaryDirectory(prefix="casedrop-") as scratch:
        found = gathering.gather(asked.folders, asked.out, Path(scratch))
    for fingerprint, name in found.items():
        print("\n    ".join([name, *grouped(fingerprint)]))
    print(
        f"The public files of {len(found)} reviewers are in {asked.out}, with one FINGERPRINTS. "
        "Compare each fingerprint by voice; then copy all of the folder into the server's keys/."
    )


def weeks(asked: argparse.Namespace) -> None:
    """List the weeks of this key, and which secrets are here."""
    print("\n".join(week_lines(_key(asked.home), _today())))


def destroy(asked: argparse.Namespace) -> None:
    """05: delete the secrets of weeks, and prove that they are gone."""
    key, today = _key(asked.home), _today()
    chosen = (epoch_of(key, asked.week),) if asked.week else ended_before(key, asked.ended_before)
    last = chosen[-1].week
    stem = last if len(chosen) == 1 else f"{chosen[0].week}-to-{last}"
    if not asked.yes:
        _ask_back([str(epoch) for epoch in chosen], last)
    path = asked.out / _DESTROYED / f"{key.name}-{stem}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    with NewFile(path) as file:
        seen = destroy_weeks(asked.home, chosen, today=today, although_valid=asked.force)
        file.write(record(key, seen, today).encode("utf-8"))
    print(path.read_text("utf-8") + f"\n05 stays here: {path}")
    print(
        "On flash memory, old copies of a file may remain; only this disk's encryption and the "
        "key's passphrase protect those."
    )


def _ask_back(weeks: Sequence[str], last: str) -> None:
    print("What was sealed to these weeks can then never be opened again:")
    print("\n".join(f"  {week}" for week in weeks))
    print("Have all desks imported every bundle of that time, with nothing listed as not opened?")
    print(f"To destroy, type the name of the last of these weeks ({last}): ", end="", flush=True)
    if sys.stdin.readline().strip() != last:
        raise CeremonyError("That is not the week's name. Nothing was destroyed.")


def split(asked: argparse.Namespace) -> None:
    """04: put a week's secret onto sheets of paper."""
    key = _key(asked.home)
    out = asked.out / _SHARES
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = shares.split(
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
        f"The secret of {asked.week} is no longer in {asked.home}; "
        f"{asked.needed} of {asked.sheets} sheets bring it back."
    )


def _show_sheet(sheet: str) -> None:
    print(sheet)
    _clear_after(
        "When you have copied this sheet to paper, press Enter; the terminal is then cleared.",
        "Not all sheets were copied; the secret stays where it was.",
    )


def join(asked: argparse.Namespace) -> None:
    """Bring a week's secret back from its sheets."""
    _key(asked.home)
    read = [(path.name, _sheet_text(path)) for path in asked.sheet]
    epoch = shares.join(asked.home, asked.sealed, read or _typed_sheets)
    print(
        f"The secret of {epoch.week} is in {asked.home} again. When it is no longer needed, run "
        f"`destroy --week {epoch.week}`."
    )


def _sheet_text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        raise CeremonyError(
            f"{path} is not text; name the sheets' text files, or type the words."
        ) from None


def _typed_sheets() -> list[tuple[str, str]]:
    """The sheets' words from standard input, with an empty line after each sheet."""
    print(
        "Type the words of each sheet in order, on as many lines as you like. An empty line ends "
        "a\nsheet; a second empty line, or Ctrl-D, ends the typing.",
        flush=True,
    )
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
