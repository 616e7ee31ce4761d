"""Opens a sealed backup into a new folder, from which the drop can be started.

    casedrop restore ARCHIVE DIR

It overwrites nothing. A vault that went on after the copy was made becomes a new vault, which names
the one it replaces.
"""

from __future__ import annotations

import argparse
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from scripts.command_line import CannotRun
from scripts.operator import backup
from scripts.operator.typed import answer

HELP = "open a sealed backup into a new folder"
_PIECE_BYTES = 2**18
_PLACES = {
    ("site", "salt_file"): backup.SALT,
    ("site", "keys"): backup.KEYS,
    ("site", "campaign"): backup.CAMPAIGN,
    ("site", "catalogs"): backup.CATALOGS,
    ("vault", "store"): f"sqlite:{backup.STORE}",
    ("vault", "export_key"): backup.EXPORT_KEY,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("archive", type=Path, metavar="ARCHIVE", help="the backup")
    parser.add_argument("directory", type=Path, metavar="DIR", help="the new folder")


def run(asked: argparse.Namespace) -> None:
    """Ask, open, verify, and give the folder its name. Raises CannotRun, CasedropError, OSError."""
    # Imported only when the command runs, so that a missing package becomes a sentence.
    from dropbox.settings import FILE_VARIABLE, Settings  # noqa: PLC0415
    from scripts.sealed_archive import unseal, words_of  # noqa: PLC0415

    target: Path = asked.directory.absolute()
    part = target.parent / f"{target.name}.part"
    for path in (target, part):
        if path.exists() or path.is_symlink():
            left = " It is left of a run that was killed, with keys in it." if path == part else ""
            raise CannotRun(f"{path} exists already; nothing was changed.{left}")
    # Checked before the words are typed.
    asked.archive.open("rb").close()
    passphrase = words_of(answer("The words of the backup: "))
    with ExitStack() as undo:
        part.mkdir(mode=0o700, parents=True)
        undo.callback(shutil.rmtree, part)
        manifest = unseal(asked.archive, passphrase, lambda name, file: _keep(part, name, file))
        (part / "vault").mkdir(mode=0o700, exist_ok=True)
        settings_file = part / backup.SETTINGS
        _place(settings_file)
        settings = Settings.load({FILE_VARIABLE: str(settings_file)})
        told = settle_vault(settings.store_file, str(manifest.about.get("day")))
        part.rename(target)
        undo.pop_all()
    print(f"The drop of {manifest.about.get('day')} is in {target}, every file as it was.")
    print(told)
    print(
        f"Check it with `casedrop check --settings {target / backup.SETTINGS}`. tor's user has to "
        f"own {target / backup.TOR}, where tor runs as another one."
    )


def _keep(folder: Path, name: str, content: IO[bytes]) -> None:
    from dropbox.durable_file import NewFile  # noqa: PLC0415

    path = folder / name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with NewFile(path) as file:
        while piece := content.read(_PIECE_BYTES):
            file.write(piece)


def _place(settings_file: Path) -> None:
    from dropbox.durable_file import replace_file  # noqa: PLC0415
    from scripts.operator.restored_settings import rewritten  # noqa: PLC0415

    try:
        text = settings_file.read_text("utf-8")
    except FileNotFoundError:
        raise CannotRun("The backup holds no settings.") from None
    replace_file(settings_file, rewritten(text, _PLACES).encode("utf-8"))


def settle_vault(store: Path, day: str) -> str:
    """Let a copy from *day* go on, or become a new vault. Returns what the operator has to know.

    Raises CannotRun, StoreError or OSError.
    """
    if not store.exists():
        return (
            "It has no vault: the first start makes one, and the desk takes its bundles once "
            "`casedrop lost-vault` has said which one it replaces."
        )
    from dropbox.export_bundle import Successor  # noqa: PLC0415
    from dropbox.successor import successor_path, write_successor  # noqa: PLC0415
    from dropbox.vault.restored_file import become_another, series_of  # noqa: PLC0415

    vault, number = series_of(store)
    print(f"The copy of {day} was made after bundle {number}.")
    print("The courier and the desk know the number of the last bundle that was pulled.")
    typed = answer("The last bundle that anybody pulled from this drop: ")
    if not typed.isascii() or not typed.isdecimal() or int(typed) < number:
        raise CannotRun(f"That is a number, {number} or more; nothing was restored.")
    if int(typed) == number:
        return (
            "Its vault goes on with the next bundle. Never start the old one again: the desk "
            "would see two series. If a day or more has passed, `casedrop clock` asks for the day."
        )
    statement = successor_path(store)
    statement.unlink(missing_ok=True)
    lost = (
        f"Everything that came after bundle {number} and was not pulled; what was taken back "
        "since may be there again."
    )
    become_another(store)
    write_successor(statement, Successor(vault, int(typed), lost))
    return (
        f"Bundles were pulled after the copy. So its vault is another one now, and says in "
        f"{statement.name} that it takes the place of {vault.hex()}. What claimants took back "
        "after the copy is there again, until their days leave. If a day or more has passed, "
        "`casedrop clock` asks for the day."
    )
