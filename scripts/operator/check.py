"""Checks everything that a start checks, while the drop serves: settings, keys, campaign, pages.

    casedrop check --settings FILE

It changes nothing. Run it before every restart, so that a mistake is found while the drop is open.
"""

from __future__ import annotations

import argparse
import os
import pwd
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dropbox.next_address import NextAddress
    from dropbox.settings import Settings

# Prints those of its arguments that it may not read, each followed by a zero byte.
_UNREADABLE = """
import os, sys
for path in sys.argv[1:]:
    if not os.access(path, os.R_OK | (os.X_OK if os.path.isdir(path) else 0)):
        os.write(1, os.fsencode(path) + bytes(1))
"""
# Where the Debian package's rooms read.
_PACKAGED = Path("/etc/casedrop")
# Root, who runs restore.
_OWNER = 0
HELP = "check settings, keys, campaign and pages as a start does, without stopping anything"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument(
        "--settings", type=Path, required=True, metavar="FILE", help="the drop's settings file"
    )


def run(asked: argparse.Namespace) -> None:
    """Do it.

    Raises SettingsError, KeysError, CampaignError, CatalogError, PageTooLong, CannotRun or OSError:
    what would stop a start.
    """
    # Imported only when the command runs, so that a missing package becomes a sentence.
    from dropbox.settings import FILE_VARIABLE, Settings  # noqa: PLC0415
    from scripts.operator import texts  # noqa: PLC0415
    from scripts.operator.export_key import read_export_key  # noqa: PLC0415

    settings = Settings.load({**os.environ, FILE_VARIABLE: str(asked.settings)})
    print(check_keys(settings.keys))
    texts.check(asked.settings)
    read_export_key(settings.export_key)
    check_rights(settings, asked.settings)
    if settings.next_address is not None:
        print(check_next_address(settings))
    if settings.mail_to is not None:
        print(check_mail(settings.mail_to, settings.sendmail))
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


def check_mail(to: str, sendmail: Path) -> str:
    """A sentence about mailing alarms to the address *to*; the drop starts even if that fails.

    Nothing else would say so: an alarm cannot report that alarms cannot be mailed.
    """
    if sendmail.is_file() and os.access(sendmail, os.X_OK):
        return f"Alarms are mailed to {to} with {sendmail}."
    return (
        f"Alarms CANNOT be mailed to {to}: {sendmail} is not a program. Install one for mail, such "
        "as dma or postfix, or name it in [alarms] sendmail."
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


def check_rights(settings: Settings, file: Path) -> None:
    """Raise SettingsError for files that root can read, but not the users that the rooms run as.

    These are separate users if [vault] front_user names one; the vault's owns the store's folder.
    """
    from dropbox.errors import SettingsError  # noqa: PLC0415

    if settings.front_user is None or os.geteuid() != 0 or _is_restored(file.absolute().parent):
        return
    try:
        users = [pwd.getpwnam(settings.front_user)]
        if settings.store_file.parent.is_dir():
            users.append(pwd.getpwuid(settings.store_file.parent.stat().st_uid))
    except KeyError:
        raise SettingsError(
            f"This computer does not know the user {settings.front_user} of [vault] front_user, or "
            f"whom {settings.store_file.parent} belongs to."
        ) from None
    for user in users:
        if found := unreadable([*_read_by_rooms(settings, file)], user):
            raise SettingsError(
                f"The user {user.pw_name}, whom a room runs as, may not read "
                f"{found[0]}: chmod a+rX {found[0]}"
            )


def _is_restored(folder: Path) -> bool:
    """Whether only root may enter *folder*, as `casedrop restore` leaves it.

    No room reads it then. Its contents still have to be copied to where they do, as the sheet for a
    lost server says.
    """
    found = folder.stat()
    return folder != _PACKAGED and found.st_uid == _OWNER and not found.st_mode & 0o077


def _read_by_rooms(settings: Settings, file: Path) -> Iterator[Path]:
    yield from (file.absolute(), settings.keys, *sorted(settings.keys.iterdir()), settings.campaign)
    if settings.catalogs is not None:
        yield from (settings.catalogs, *sorted(settings.catalogs.rglob("*")))
    if settings.next_address is not None and settings.next_address.exists():
        yield settings.next_address


def unreadable(paths: Sequence[Path], user: pwd.struct_passwd) -> list[str]:
    """Those of *paths* that *user* may not read. Only root can check this for another user."""
    other = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    asked = subprocess.run(
        [sys.executable, "-I", "-c", _UNREADABLE, *paths],
        capture_output=True,
        check=True,
        cwd="/",
        **({} if user.pw_uid == os.geteuid() else other),  # type: ignore[call-overload]
    )
    return [os.fsdecode(path) for path in asked.stdout.split(b"\0") if path]
