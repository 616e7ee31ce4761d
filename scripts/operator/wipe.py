"""The emergency stop: stops the drop, overwrites its keys and its vault, and says what remains.

    casedrop wipe --settings FILE

Keys come first: without them, anything that may remain of the rest is useless. It asks for the
drop's address in full, and cannot be undone. Where it broke off, it can be run again.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from dropbox.errors import SettingsError
from scripts.command_line import DONE, FAILED, CannotRun
from scripts.operator import site
from scripts.operator.backup import ONION_KEY, salt_file
from scripts.operator.setup import SERVICES, SOCKETS, TIMERS, TOR, systemctl
from scripts.operator.typed import answer

HELP = "stop the drop and overwrite its keys and its vault, for an emergency"
_DEBIAN_MEMORY = Path("/run/casedrop-front")
_DEBIAN_SOCKETS, _DEBIAN_VAULT = Path("/run/casedrop"), Path("/var/lib/casedrop")
# Copies made by an upgrade of the Debian package, the key first.
_DEBIAN_COPIES = (Path("/run/casedrop-copy"), Path("/var/lib/casedrop-copy"))
_SYSTEMD = Path("/run/systemd/system")
# What to type if nothing says the address any longer.
_ANYTHING = "wipe everything"
_REMAINS = """\
This could not be wiped from here:
- flash memory keeps old copies where no program can overwrite them: an encrypted disk whose
  passphrase is gone protects them, else destroy the disk;
- the memory of this machine, tor's above all: switch it off now, and take its power away;
- the system's journal, and whatever copies others made of this disk (snapshots, a host's backups);
- backups that you made: archive and words; destroy one of both;
- what couriers and desks hold, which only the reviewers' keys open."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    site.add_arguments(parser)


@dataclass(frozen=True)
class Target:
    """What to wipe: ``files`` in order, and the processes behind the ``sockets``, by name.

    ``phrase``: what has to be typed. ``onion_key``: a path that must be among ``files``; None if it
    may already have been wiped.
    """

    phrase: str
    files: list[Path]
    sockets: dict[str, Path]
    onion_key: Path | None
    packaged: bool


def run(asked: argparse.Namespace) -> int:
    """Ask, stop, wipe, say what remains. Returns the exit code. Raises CannotRun, SettingsError."""
    # Imported only when the command runs, so that a missing package becomes a sentence.
    from onion.socket_owner import stop_owner  # noqa: PLC0415

    target = _target(asked)
    print("This stops the drop for ever. Its address, its codenames and all that was filed and not")
    print(f"pulled are lost. {len(target.files)} files are overwritten:")
    print("".join(f"  {path}\n" for path in target.files), end="")
    if answer(f"Type {_asked_for(target)}: ") != target.phrase:
        raise CannotRun("That is something else; nothing was stopped or wiped.")
    # It continues when the terminal is closed.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    failed = 0
    if target.onion_key is not None and target.onion_key not in target.files:
        failed += 1
        _warn(
            f"The onion's key is NOT in {target.onion_key.parent}: run this again with "
            "--tor-service."
        )
    with ExitStack() as undo:
        held = _held(target, undo)
        # Anything that still serves would continue with the keys in its memory.
        failed += not _units_stopped(target)
        for name, path in target.sockets.items():
            trouble = stop_owner(path)
            if trouble:
                failed += 1
                _warn(f"The {name} may still run: {trouble}")
        for path in target.files:
            failed += not _erased(path, held.get(path))
    print(_REMAINS)
    if failed:
        _warn(f"{failed} things above were NOT done; do them by hand.")
        return FAILED
    print("All that was named is overwritten.")
    return DONE


def _target(asked: argparse.Namespace) -> Target:
    try:
        drop = site.Site.of(asked)
    except SettingsError as why:
        # An earlier, interrupted run has wiped them, or there is simply a mistake in them.
        if asked.settings.absolute().parent != site.DEBIAN_SETTINGS:
            raise
        print(f"{why} So all is wiped that the package has here.")
        return _all_of_the_package(asked.tor_service or site.DEBIAN_SERVICE)
    courier = drop.settings.courier_socket
    return Target(
        drop.settings.onion,
        _files(drop),
        {"front": drop.front_socket, "vault": courier, "tor": drop.tor_control},
        drop.tor_service / ONION_KEY,
        _is_packaged(drop),
    )


def _all_of_the_package(tor_service: Path) -> Target:
    """The target without settings: everything in the package's folders."""
    secret = site.DEBIAN_SETTINGS / "secret"
    folders = (secret, site.DEBIAN_SETTINGS, tor_service, site.DEBIAN_PROBE, *_of_the_package())
    found = [tor_service / ONION_KEY]
    found += [one for folder in (*folders, _DEBIAN_VAULT) for one in _below(folder)]
    files = [path for path in dict.fromkeys(found) if _is_there(path)]
    if not files:
        raise CannotRun("There is nothing left to wipe.")
    sockets = {
        "front": _DEBIAN_SOCKETS / "front.sock",
        "vault": _DEBIAN_SOCKETS / "courier.sock",
        "tor": site.DEBIAN_CONTROL,
    }
    return Target(_ANYTHING, files, sockets, onion_key=None, packaged=True)


def _asked_for(target: Target) -> str:
    return f'"{_ANYTHING}"' if target.phrase == _ANYTHING else "the drop's address in full"


def _held(target: Target, undo: ExitStack) -> dict[Path, BinaryIO]:
    """The front's files in memory, opened, since systemd removes their names when it stops."""
    held: dict[Path, BinaryIO] = {}
    for path in target.files:
        if path.is_relative_to(_DEBIAN_MEMORY) and not path.is_symlink():
            # What cannot be opened cannot be overwritten either, which is reported later.
            with suppress(OSError):
                held[path] = undo.enter_context(path.open("r+b"))
    return held


def _warn(sentence: str) -> None:
    # A lost terminal is no reason to stop.
    with suppress(OSError):
        print(sentence, file=sys.stderr)


def _units_stopped(target: Target) -> bool:
    """Stop at once whatever systemd runs for the package. Returns whether that worked."""
    if not target.packaged or not _SYSTEMD.is_dir():
        return True
    running = (*SERVICES, TOR)
    every = (*TIMERS, *SOCKETS, *running)
    try:
        # Stopped by systemd first: then nothing that is killed is restarted, by systemd or a
        # visitor.
        systemctl("--no-block", "stop", *every)
        with suppress(CannotRun):
            systemctl("kill", "--signal=KILL", *running)
        systemctl("stop", *every)
    except (CannotRun, OSError) as why:
        _warn(f"Something may still run: {why}")
        return False
    return True


def _is_packaged(drop: site.Site) -> bool:
    return drop.file.parent == site.DEBIAN_SETTINGS


def _files(drop: site.Site) -> list[Path]:
    """All files to wipe, the most important first, the largest last."""
    from dropbox.probe_mark import KEY_FILE  # noqa: PLC0415
    from dropbox.successor import successor_path  # noqa: PLC0415

    settings = drop.settings
    store = settings.store_file
    secrets = [drop.tor_service / ONION_KEY, salt_file(drop.file), drop.file]
    export = settings.export_key
    first = [*secrets, export, export.with_suffix(".pub"), export.with_name(KEY_FILE)]
    memory = (*_memory(drop), *(_of_the_package() if _is_packaged(drop) else ()))
    folders = (drop.tor_service, drop.probe, *memory, settings.gnupg_home, settings.keys)
    last = [successor_path(store), store.with_name(store.name + "-journal"), store]
    found: list[Path] = []
    for path in [*first, *(one for folder in folders for one in _below(folder)), *last]:
        if path is not None and path not in found and _is_there(path):
            found.append(path)
    return found


def _is_there(path: Path) -> bool:
    try:
        return path.is_file() or path.is_symlink() or (path.is_dir() and not _is_open(path))
    except PermissionError:
        # Wiping it will fail, and be reported.
        return True


def _is_open(folder: Path) -> bool:
    return os.access(folder, os.R_OK | os.X_OK)


def _memory(drop: site.Site) -> list[Path]:
    """Where the keys of form pages may be: a front under another user may have chosen
    differently.
    """
    from dropbox.front.shared_keys import default_path  # noqa: PLC0415

    settings, runtime = drop.settings, os.environ.get("XDG_RUNTIME_DIR")
    if settings.key_memory is not None:
        return [settings.key_memory]
    # Its name depends on the salt, so it is never another drop's.
    name = default_path(settings.salt, settings.intake_socket, runtime).name
    places = [settings.intake_socket.parent, Path(runtime or "/dev/shm"), Path("/dev/shm")]  # noqa: S108
    return [place / name for place in places]


def _of_the_package() -> list[Path]:
    """What the Debian package keeps elsewhere, in folders that only its unit and scripts name."""
    return [_DEBIAN_MEMORY, *_DEBIAN_COPIES]


def _below(path: Path) -> list[Path]:
    """The files in *path*; for an unreadable folder the folder itself, which cannot be wiped."""
    closed: list[Path] = []
    files = [
        Path(here) / name
        for here, folders, names in os.walk(
            path, onerror=lambda why: closed.append(Path(why.filename))
        )
        for name in (*names, *(one for one in folders if (Path(here) / one).is_symlink()))
    ]
    # os.walk also fails to open a path that is not a folder.
    return sorted(files + closed)


def _erased(path: Path, held: BinaryIO | None) -> bool:
    from dropbox.durable_file import erase  # noqa: PLC0415

    try:
        if held is not None and not path.exists():
            held.write(os.urandom(os.fstat(held.fileno()).st_size))
            held.flush()
            return True
        if path.is_symlink():
            path.unlink()
        else:
            erase(path)
    except OSError as why:
        _warn(f"NOT overwritten: {path}: {why.strerror}")
        return False
    return True
