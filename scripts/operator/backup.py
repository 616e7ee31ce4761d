"""Makes a sealed backup of everything that a drop cannot do without, and verifies it.

    casedrop backup --settings FILE [--with-vault] ARCHIVE

Without the vault the drop goes on meanwhile. The archive is sealed with random words, which are
shown once and typed again; gpg alone can open it.
"""

from __future__ import annotations

import argparse
import os
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.command_line import CannotRun
from scripts.operator import site
from scripts.operator.typed import answer

if TYPE_CHECKING:
    from dropbox.settings import Settings

HELP = "back up the onion's key, salt, export key, settings and keys, sealed with a passphrase"
SETTINGS, EXPORT_KEY, CAMPAIGN = "settings.toml", "export.key", "campaign.toml"
SALT = "salt"
KEYS, CATALOGS, TOR, STORE = "keys", "catalogs", "tor/drop", "vault/store.sqlite"
SUCCESSOR = "vault/successor.json"
ONION_KEY = "hs_ed25519_secret_key"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    site.add_arguments(parser)
    parser.add_argument(
        "--with-vault",
        action="store_true",
        help="also what was filed, to move or upgrade a drop; it has to be stopped",
    )
    parser.add_argument("archive", type=Path, metavar="ARCHIVE", help="the file to make")


def run(asked: argparse.Namespace) -> None:
    """Ask, make it, verify it. Raises CannotRun, CasedropError or OSError."""
    # Imported only when the command runs, so that a missing package becomes a sentence.
    from dropbox.codename import WordLists  # noqa: PLC0415
    from scripts.sealed_archive import new_passphrase, seal, words_of  # noqa: PLC0415

    drop = site.Site.of(asked)
    _refuse_environment(drop)
    about: dict[str, str | int] = {
        "onion": drop.settings.onion,
        "day": datetime.now(UTC).date().isoformat(),
    }
    files = contents(drop)
    if asked.with_vault:
        files += _vault(drop.settings, about)
    _check_place(asked.archive)
    passphrase = new_passphrase(WordLists.read())
    print(f"The backup is sealed with these words. Write them on paper:\n\n    {passphrase}\n")
    if words_of(answer("Type them from the paper: ")) != passphrase:
        raise CannotRun("Those are other words; nothing was written.")
    manifest = seal(asked.archive, passphrase, files, about)
    print(f"{asked.archive} holds {len(manifest.members)} files; it was opened again and compared.")
    print("Whoever has it and the words is this drop. Keep the two apart, and neither here.")
    if asked.with_vault:
        print(
            "It holds what claimants will take back, too: erase it when the drop runs again. Until "
            "then start this drop no more, or the desk sees two."
        )


def _check_place(archive: Path) -> None:
    """Raise CannotRun unless *archive* can be made, before anybody writes words on paper."""
    if archive.exists():
        raise CannotRun(f"{archive} exists already and is not overwritten.")
    folder = archive.absolute().parent
    if not folder.is_dir():
        raise CannotRun(f"There is no folder {folder} for {archive.name}.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise CannotRun(f"This user may not write into {folder}, or it is mounted read-only.")


def contents(drop: site.Site) -> list[tuple[str, Path]]:
    """(name in the archive, path) of everything but the vault. Raises CannotRun if any is
    missing.
    """
    from dropbox.settings import PACKAGED_CAMPAIGN  # noqa: PLC0415

    settings = drop.settings
    if not (drop.tor_service / ONION_KEY).is_file():
        raise CannotRun(
            f"The onion's key is not in {drop.tor_service}, or this user may not read it; name its "
            "directory with --tor-service."
        )
    found = [
        (SETTINGS, drop.file),
        (EXPORT_KEY, settings.export_key),
        *_folder(TOR, drop.tor_service),
        *_folder(KEYS, settings.keys),
    ]
    if (salt := salt_file(drop.file)) is not None:
        found.append((SALT, salt))
    if settings.campaign != PACKAGED_CAMPAIGN:
        found.append((CAMPAIGN, settings.campaign))
    if settings.catalogs is not None:
        found += _folder(CATALOGS, settings.catalogs)
    for _, path in found:
        if not os.access(path, os.R_OK):
            raise CannotRun(f"{path} is missing, or this user may not read it.")
    return found


def salt_file(file: Path) -> Path | None:
    """The salt's file that the already loaded settings *file* names; None if the salt is in it."""
    named = tomllib.loads(file.read_text("utf-8")).get("site", {}).get("salt_file")
    return None if named is None else file.parent / named


def _folder(name: str, folder: Path) -> list[tuple[str, Path]]:
    """All files in *folder*. Raises OSError where Path.rglob would skip what it may not read."""
    return [
        (f"{name}/{path.relative_to(folder).as_posix()}", path)
        for path in sorted(all_below(folder))
        if path.is_file()
    ]


def all_below(folder: Path) -> Iterator[Path]:
    """All files in *folder* and its subfolders. Raises OSError."""

    def refuse(why: OSError) -> None:
        raise why

    for here, _, names in os.walk(folder, onerror=refuse):
        yield from (Path(here) / name for name in names)


def _vault(settings: Settings, about: dict[str, str | int]) -> list[tuple[str, Path]]:
    from dropbox.vault.migration import stopped  # noqa: PLC0415
    from dropbox.vault.restored_file import series_of  # noqa: PLC0415

    if not stopped(settings.courier_socket):
        raise CannotRun("The drop is running; stop it first, or leave --with-vault away.")
    store = settings.store_file
    # This also plays back a journal that an interrupted run left.
    series = series_of(store)
    about.update(vault=series.vault.hex(), bundle=series.number)
    files = [(STORE, store), (SUCCESSOR, store.with_name("successor.json"))]
    return [(name, path) for name, path in files if path.exists()]


def _refuse_environment(drop: site.Site) -> None:
    """Refuse settings from the environment: a backup of the settings file would not be this
    drop.
    """
    from dropbox.settings import FILE_VARIABLE, Settings  # noqa: PLC0415

    if Settings.load({FILE_VARIABLE: str(drop.file)}) != drop.settings:
        raise CannotRun(
            f"Some settings come from the environment (CASEDROP_...); write them into {drop.file}."
        )
