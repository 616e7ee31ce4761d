"""Brings the vault's file of format 1 into a store of format 2, and changes the settings.

    casedrop migrate --settings FILE

The old file is copied first and the copy kept. The settings change last: until then the drop starts
as before. An interrupted run can be repeated; whatever it left is made again.
"""

from __future__ import annotations

import argparse
import os
import re
import tomllib
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from scripts.command_line import CannotRun

if TYPE_CHECKING:
    from dropbox.settings import Settings
    from dropbox.vault.migration import Migrated

HELP = "bring the vault's file of format 1 into a store of format 2"
_DATABASE = re.compile(r"^[ \t]*database[ \t]*=.*$", re.MULTILINE)
# While this file exists, files beside it with this command's names are from an interrupted run.
_MARK, _STORE = "migration.unfinished", "store.sqlite"
_CHUNK = 2**20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument(
        "--settings", type=Path, required=True, metavar="FILE", help="the drop's settings file"
    )


@dataclass(frozen=True)
class _Plan:
    """What to do: the old file and the settings *file* that names it become new ones.

    *text* is the new text of the settings file, *settings* its meaning.
    """

    file: Path
    old: Path
    settings: Settings
    text: str

    @property
    def store(self) -> Path:
        """The new store."""
        return self.old.with_name(_STORE)

    @property
    def copy(self) -> Path:
        """The copy of the old file that is kept."""
        return _copy_of(self.old)

    @property
    def mark(self) -> Path:
        """The file that marks a run as under way, or interrupted."""
        return self.old.with_name(_MARK)

    @property
    def made(self) -> list[Path]:
        """All files that a run makes beside the old one, except the mark."""
        return [path for base in (self.copy, self.store) for path in (base, _journal(base))]


def run(asked: argparse.Namespace) -> None:
    """Migrate and report the result. Raises CannotRun, CasedropError or OSError."""
    from dropbox.settings import FILE_VARIABLE, Settings  # noqa: PLC0415 - see _converted

    file = asked.settings.absolute()
    for variable in ("CASEDROP_VAULT_DATABASE", "CASEDROP_VAULT_STORE"):
        if variable in os.environ:
            raise CannotRun(f"Remove {variable} from the environment; the settings file changes.")
    old = _old_file(file)
    if old is None:
        settings = Settings.load({**os.environ, FILE_VARIABLE: str(file)})
        _finish(settings.store_file.with_name(_MARK))
        print("The settings name a store of format 2 already.")
        return
    plan = _plan(file, old)
    found = _converted(plan, datetime.now(UTC))
    _finish(plan.mark)
    _say(plan, found)


def _plan(file: Path, old: Path) -> _Plan:
    """What to do with the file *old*; nothing is changed. Raises CannotRun if it cannot be done."""
    from dropbox.settings import FILE_VARIABLE, Settings  # noqa: PLC0415
    from dropbox.vault.migration import stopped  # noqa: PLC0415

    store = old.with_name(_STORE)
    settings = Settings.load(
        {**os.environ, FILE_VARIABLE: str(file), "CASEDROP_VAULT_STORE": _url(store)}
    )
    if not old.is_file():
        raise CannotRun(f"There is no vault's file at {old}.")
    if not stopped(settings.courier_socket):
        raise CannotRun("The drop is running; stop it first.")
    plan = _Plan(file, old, settings, _changed(file, settings, store))
    if not plan.mark.exists():
        for path in (plan.copy, plan.store):
            if path.exists():
                raise CannotRun(f"{path} exists already; move it away. Nothing was changed.")
    return plan


def _converted(plan: _Plan, now: datetime) -> Migrated:
    """Copy, convert and change the settings, all of it or nothing.

    A killed run leaves its mark; the next one makes everything beside the mark again.
    """
    # Imported only when the command runs, so that a missing package becomes a sentence.
    from dropbox.pinned_keys import read_pinned_keys  # noqa: PLC0415
    from dropbox.vault.migration import convert  # noqa: PLC0415
    from dropbox.weekly_hpke import WeeklyHpke  # noqa: PLC0415

    reviewers = WeeklyHpke.load(plan.settings.keys, now).current(now.date())
    with ExitStack() as undo:
        for path in plan.made:
            path.unlink(missing_ok=True)
        undo.callback(plan.mark.unlink, missing_ok=True)
        for path in plan.made:
            undo.callback(path.unlink, missing_ok=True)
        _write(plan.mark, str(plan.old).encode())
        _copy(plan.old, plan.copy)
        found = convert(
            plan.copy,
            plan.store,
            reviewers=reviewers,
            fingerprints=[key.fingerprint for key in read_pinned_keys(plan.settings.keys)],
            settings=plan.settings,
            now=now,
        )
        _write(plan.file, plan.text.encode("utf-8"))
        undo.pop_all()
    return found


def _say(plan: _Plan, found: Migrated) -> None:
    print(f"The vault's store is {plan.store}; {plan.file} names it now.")
    print(
        f"It has {found.reports} reports, {found.pieces} blocks of files and {found.replies} "
        "answers. Codenames open, answer and withdraw them as before."
    )
    if found.today:
        print(f"{found.today} blocks are filed under today, since their own days would soon leave.")
    if found.pending or found.expired:
        print(
            f"Left out: {found.pending} blocks of uploads that never ended, {found.expired} "
            "answers whose time was over."
        )
    print(
        f"{plan.copy} is the old file. Whoever has it and reaches the vault could delete what came "
        "from it: erase it when the desk has imported the next bundle."
    )


def _old_file(file: Path) -> Path | None:
    """The vault's file of format 1 in the settings *file*; None if that has a store, or no vault.

    Settings.load then reports what is wrong with it, if anything.
    """
    try:
        vault = tomllib.loads(file.read_text("utf-8")).get("vault")
    except (OSError, ValueError):
        return None
    if not isinstance(vault, dict) or "store" in vault or "database" not in vault:
        return None
    if not isinstance(vault["database"], str) or not vault["database"]:
        raise CannotRun(f"The setting [vault] database in {file} has to be a path.")
    return file.parent / vault["database"]


def _url(store: Path) -> str:
    return f"sqlite://{quote(str(store))}"


def _changed(file: Path, settings: Settings, store: Path) -> str:
    """The text of the settings with the store instead of the database, checked by loading it."""
    from dropbox.settings import FILE_VARIABLE, Settings  # noqa: PLC0415

    text = file.read_text("utf-8")
    place = store.relative_to(file.parent) if store.is_relative_to(file.parent) else store
    url = _url(place) if place.is_absolute() else f"sqlite:{quote(str(place))}"
    changed, count = _DATABASE.subn(f'store = "{url}"', text)
    trial = file.with_name(file.name + ".trial")
    try:
        _write(trial, changed.encode("utf-8"))
        loaded = Settings.load({**os.environ, FILE_VARIABLE: str(trial)}) if count == 1 else None
    finally:
        trial.unlink(missing_ok=True)
    if loaded != settings:
        raise CannotRun(f"{file} has no single line `database = ...`; nothing was changed.")
    return changed


def _write(path: Path, data: bytes) -> None:
    from dropbox.durable_file import replace_file  # noqa: PLC0415

    replace_file(path, data)


def _copy(old: Path, copy: Path) -> None:
    """Copy the file, and its journal if a run of the vault was interrupted; durable."""
    from dropbox.durable_file import NewFile  # noqa: PLC0415

    for source, target in ((old, copy), (_journal(old), _journal(copy))):
        if source.exists():
            target.with_name(target.name + ".part").unlink(missing_ok=True)
            with source.open("rb") as file, NewFile(target) as new:
                while piece := file.read(_CHUNK):
                    new.write(piece)


def _finish(mark: Path) -> None:
    """Once the settings have changed, erase the original, which has a copy, and then the mark."""
    from dropbox.durable_file import erase  # noqa: PLC0415

    if not mark.exists():
        return
    original = Path(mark.read_text("utf-8"))
    copy = _copy_of(original)
    if original.exists() and (not copy.exists() or copy.stat().st_size != original.stat().st_size):
        raise CannotRun(f"{copy} is not a copy of {original}, which was not erased.")
    for path in (_journal(original), original):
        if path.exists():
            erase(path)
    mark.unlink()


def _copy_of(original: Path) -> Path:
    return original.with_name(original.name + ".format-1")


def _journal(path: Path) -> Path:
    return path.with_name(path.name + "-journal")
