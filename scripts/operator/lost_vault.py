"""Writes the operator's statement that this drop's vault takes the place of a lost one.

    casedrop lost-vault --settings FILE

No desk takes bundles of a vault that it does not know until the statement is there.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from scripts.command_line import CannotRun

HELP = "state that the vault takes the place of a lost one"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument(
        "--settings", type=Path, required=True, metavar="FILE", help="the drop's settings file"
    )


def run(asked: argparse.Namespace) -> None:
    """Ask for the lost vault and what was lost. Raises CannotRun, SettingsError or CannotWrite."""
    # Imported only when the command runs, so that a missing package becomes a sentence.
    from dropbox.export_bundle import Successor  # noqa: PLC0415
    from dropbox.settings import FILE_VARIABLE, Settings  # noqa: PLC0415
    from dropbox.successor import successor_path, write_successor  # noqa: PLC0415

    settings = Settings.load({**os.environ, FILE_VARIABLE: str(asked.settings)})
    path = successor_path(settings.store_file)
    print("The lost vault's id and its last bundle are what `casedrop-desk status` shows.")
    vault, number = _answer("The lost vault's id (32 digits): "), _answer("Its last bundle: ")
    lost = _answer("What was lost, in one sentence for the reviewers: ")
    try:
        successor = Successor(bytes.fromhex(vault), int(number), lost)
    except ValueError:
        raise CannotRun(
            "The id has 32 hexadecimal digits, and the bundle a number; nothing was written."
        ) from None
    write_successor(path, successor)
    print(f"The statement is in {path}. The vault reads it at its next start; restart the drop.")


def _answer(question: str) -> str:
    try:
        return input(question).strip()
    except EOFError:
        return ""
