"""Checks the texts of all languages as a start does, and lists sentences without a translation.

    casedrop texts --settings FILE
    casedrop texts --new TAG > TAG.po

The second prints an empty catalog with every sentence of the pages, for a translator.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

HELP = "check the texts of all languages, or print an empty catalog"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--settings", type=Path, metavar="FILE", help="the drop's settings file")
    what.add_argument(
        "--new", metavar="TAG", help="print an empty catalog for this language, such as ug"
    )


def run(asked: argparse.Namespace) -> None:
    """Do it.

    Raises SettingsError, CampaignError, CatalogError or PageTooLong for what stops a start.
    """
    if asked.new:
        _print_empty(asked.new)
    else:
        check(asked.settings)


def _print_empty(tag: str) -> None:
    # Imported only when the command runs, so that a missing package becomes a sentence.
    from dropbox.catalog import empty_catalog  # noqa: PLC0415

    sys.stdout.write(empty_catalog(tag))


def check(file: Path) -> None:
    """Print which translations are missing for the settings *file*. Raises what :func:`run`
    does.
    """
    from dropbox.campaign import Campaign  # noqa: PLC0415
    from dropbox.catalog import missing, originals  # noqa: PLC0415
    from dropbox.codename import WordLists  # noqa: PLC0415
    from dropbox.front.page_length import check_page_lengths  # noqa: PLC0415
    from dropbox.label import LANGUAGES  # noqa: PLC0415
    from dropbox.settings import FILE_VARIABLE, Settings  # noqa: PLC0415

    settings = Settings.load({**os.environ, FILE_VARIABLE: str(file)})
    campaign = Campaign.read(settings.campaign)
    longest = check_page_lengths(settings, campaign, WordLists.read())
    for tag in settings.languages:
        lacking = [] if tag in LANGUAGES else missing(settings, tag)
        if lacking:
            print(f"{tag}: {len(lacking)} of {len(originals())} sentences are shown in English:")
            print("".join(f"  {sentence}\n" for sentence in lacking), end="")
        else:
            print(f"{tag}: every sentence is translated.")
    print(
        f"The longest page is “{longest.page}” in {longest.tag}: {longest.size:,} of "
        f"{settings.page_bytes:,} bytes."
    )
