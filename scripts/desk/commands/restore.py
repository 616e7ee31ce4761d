"""`restore`: rebuilds a casebook from what `backup` wrote."""

import argparse
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from scripts.command_line import DONE, FOUND
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook_backup import restore
from scripts.desk.identity import opener, working
from scripts.desk.options import add_json
from scripts.desk.screen.confirmation import typed_words
from scripts.desk.screen.output import (
    counted,
    print_disk_warning,
    print_json,
    progress_bar,
    stages,
)

HELP = "restore a casebook from a backup into the new directory --casebook"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("file", type=Path, metavar="FILE", help="what `backup` wrote")
    add_json(parser)


def run(asked: argparse.Namespace) -> int:
    """Open it, verify all of it, and only then give the casebook its name.

    Returns FOUND if something had been altered in the casebook before it was backed up.
    """

    def at_work(directory: Path) -> AbstractContextManager[Casebook]:
        return working(argparse.Namespace(**{**vars(asked), "casebook": directory}))

    # Checked before anybody types eight words.
    opener(asked)
    asked.file.open("rb").close()
    words = typed_words("The words of the backup: ")
    with progress_bar() as bar:
        restored = restore(
            asked.file,
            asked.casebook,
            words,
            now=datetime.now(UTC),
            working=at_work,
            progress=stages(bar),
        )
    if asked.json:
        print_json(asdict(restored))
        return FOUND if restored.findings else DONE
    print(
        f"The casebook of desk {restored.desk} with {counted(restored.cases, 'case')}, as it was "
        f"on {restored.day}, is in {asked.casebook}. Its reply bundles go on after number "
        f"{restored.last_bundle}."
    )
    print(
        "Never use the old casebook again: two with one desk number would overwrite each other's "
        "answers. Import the other desks' latest files and the drop's next bundle before you "
        "answer anybody."
    )
    print_disk_warning(asked.casebook)
    if restored.findings:
        print("It was not whole when it was backed up:")
        print("\n".join(restored.findings))
    return FOUND if restored.findings else DONE
