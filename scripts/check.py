"""Checks all that a start checks, while the drop goes on serving: settings, keys, campaign, pages.

    casedrop check --settings FILE

It changes nothing. Run it before every restart, so that a mistake is found while the drop is open.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dropbox.next_address import NextAddress
    from dropbox.settings import Settings

HELP = "check settings, keys, campaign and pages as a start does, without stopping anything"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument(
        "--settings", type=Path, required=True, metavar="FILE", help="the drop's settings file"
    )


def run(asked: argparse.Namespace) -> None:
    """Do it.

    Raises SettingsError, KeysError, CampaignError, CatalogError or PageTooLong: what would stop a
    start.
    """
    # Imported only when the command runs, so that a missing package becomes a sentence.
    from dropbox.settings import FILE_VARIABLE, Settings  # noqa: PLC0415
    from scripts import texts  # noqa: PLC0415

    settings = Settings.load({**os.environ, FILE_VARIABLE: str(asked.settings)})
    print(check_keys(settings.keys))
    texts.check(asked.settings)
    if settings.next_address is not None:
        print(check_next_address(settings))
    print("A start would find nothing wrong with settings, keys, campaign and pages.")


def next_address(settings: Settings) -> NextAddress | None:
    """The address that the drop moves to, None if there is none. Raises SettingsError, KeysError"""
    from datetime import UTC, datetime  # noqa: PLC0415

    from dropbox.next_address import read_next_address  # noqa: PLC0415

    path, now = settings.next_address, datetime.now(UTC)
    if path is None:
        return None
    return read_next_address(path, onion=settings.onion, keys=settings.keys, now=now)


def check_next_address(settings: Settings) -> str:
    """A sentence about the address that the drop moves to. Raises SettingsError or KeysError."""
    found = next_address(settings)
    if found is None:
        return f"There is no {settings.next_address} yet; the first page names no next address."
    return (
        f"The first page says that the drop moves to {found.onion}, signed by {found.fingerprint}."
    )


def check_keys(keys: Path) -> str:
    """A sentence about the reviewers' keys in the folder *keys*. Raises KeysError."""
    from datetime import UTC, datetime  # noqa: PLC0415

    from dropbox.key_expiry import notice  # noqa: PLC0415
    from dropbox.openpgp import Reviewers  # noqa: PLC0415
    from dropbox.weekly_hpke import WeeklyHpke  # noqa: PLC0415

    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="casedrop-check-") as home:
        reviewers = Reviewers.load(keys, Path(home) / "gnupg")
        last_day = min(reviewers.last_day(), WeeklyHpke.load(keys, now).last_day())
    pinned = len(reviewers.fingerprints)
    return notice(last_day, now.date()) or (
        f"{pinned} reviewer{'s are' if pinned > 1 else ' is'} pinned; reports can be sealed to "
        f"all until {last_day}."
    )
