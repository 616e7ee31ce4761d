"""`backup`: copies the casebook into one file, sealed with words that are on paper."""

import argparse
import sys
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path

from dropbox.codename import WordLists
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.snapshot import snapshot
from scripts.desk.casebook_backup import (
    Backup,
    BackupError,
    are_known,
    are_right,
    remember,
    write_backup,
)
from scripts.desk.identity import today, working
from scripts.desk.options import add_json
from scripts.desk.screen.confirmation import typed_words
from scripts.desk.screen.output import counted, print_json, progress_bar, stages
from scripts.sealed_archive import new_passphrase

HELP = "copy the casebook into one file, sealed with words on paper"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="the new file, best on another disk"
    )
    parser.add_argument(
        "--new-words", action="store_true", help="draw other words, for this backup and later ones"
    )
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Ask for the words, copy, seal, and read all of it back."""
    _refuse_existing(asked.file)
    with Casebook.open(asked.casebook):
        """There is one, and this desk can open it: checked before anybody types eight words."""
    words = _words(asked)
    with ExitStack() as kept, progress_bar() as bar:
        with working(asked) as casebook:
            casebook.note("export", "backup")
            found = kept.enter_context(snapshot(asked.casebook, casebook))
        show = partial(stages(bar), "sealing")
        written = write_backup(found, asked.file, words, day=today(), progress=show)
    if asked.json:
        print_json({**asdict(written), "bytes": asked.file.stat().st_size})
    else:
        _tell(asked, written)


def _refuse_existing(file: Path) -> None:
    if file.is_symlink() or file.exists():
        raise BackupError(f"{file} exists already and is not overwritten.")


def _words(asked: argparse.Namespace) -> str:
    """The words of this casebook's backups, drawn and shown the first time."""
    if are_known(asked.casebook) and not asked.new_words:
        words = typed_words("The words of this casebook's backups: ")
        if not are_right(asked.casebook, words):
            raise BackupError(
                "Those are not the words of this casebook's backups; nothing was written. "
                "`--new-words` draws others."
            )
        return words
    if not sys.stdin.isatty():
        raise BackupError("Words are drawn and shown at a terminal only; nothing was written.")
    words = new_passphrase(WordLists.read())
    print(
        "This casebook's backups are sealed with these words. Write them on paper:\n\n"
        f"    {words}\n",
        file=sys.stderr,
    )
    if typed_words("Type them from the paper: ") != words:
        raise BackupError("Those are other words; nothing was written.")
    remember(asked.casebook, words)
    return words


def _tell(asked: argparse.Namespace, written: Backup) -> None:
    size = asked.file.stat()
    print(
        f"{asked.file} holds {counted(written.cases, 'case')} and {counted(written.files, 'file')} "
        f"in {size.st_size:,} bytes; it was read back and compared. Whoever has it and the words "
        "can read every case; without the words nobody can, you neither."
    )
    if written.damaged:
        print(
            "Warning: missing from the casebook, or damaged, already before: "
            f"{counted(len(written.damaged), 'file')}. `verify` names each. Keep the earlier "
            "backups."
        )
    if size.st_dev == asked.casebook.stat().st_dev:
        print("Warning: it is on the same disk as the casebook. Copy it to another one.")
