"""The emergency stop: stops the drop, overwrites its keys and its vault, and says what remains.

    casedrop wipe --settings FILE

Keys first: without them, what may remain of the rest is of no use to anybody. It asks for the
drop's address in full, and cannot be undone.
"""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import suppress
from pathlib import Path

from scripts.command_line import DONE, FAILED, CannotRun
from scripts.operator import site
from scripts.operator.backup import ONION_KEY, salt_file
from scripts.operator.setup import SERVICES, SOCKETS, TIMERS, TOR, systemctl
from scripts.operator.typed import answer

HELP = "stop the drop and overwrite its keys and its vault, for an emergency"
_DEBIAN_SETTINGS, _DEBIAN_MEMORY = Path("/etc/casedrop"), Path("/run/casedrop-front")
# What an upgrade of the Debian package copied, its key first.
_DEBIAN_COPIES = (Path("/run/casedrop-copy"), Path("/var/lib/casedrop-copy"))
_SYSTEMD = Path("/run/systemd/system")
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


def run(asked: argparse.Namespace) -> int:
    """Ask, stop, wipe, say what remains. Returns the exit code. Raises CannotRun, SettingsError."""
    # Imported only when the command runs, so that a missing package becomes a sentence.
    from onion.socket_owner import stop_owner  # noqa: PLC0415

    drop = site.Site.of(asked)
    files = _files(drop)
    print("This stops the drop for ever. Its address, its codenames and all that was filed and not")
    print(f"pulled are lost. {len(files)} files are overwritten:")
    print("".join(f"  {path}\n" for path in files), end="")
    if answer("Type the drop's address in full: ") != drop.settings.onion:
        raise CannotRun("That is not its address; nothing was stopped or wiped.")
    failed = 0
    if drop.tor_service / ONION_KEY not in files:
        failed += 1
        print(
            f"The onion's key is NOT in {drop.tor_service}: run this again with --tor-service.",
            file=sys.stderr,
        )
    # Whatever still serves would go on with the keys that it has in memory.
    failed += not _units_stopped(drop)
    for name, path in (
        ("front", drop.front_socket),
        ("vault", drop.settings.courier_socket),
        ("tor", drop.tor_control),
    ):
        trouble = stop_owner(path)
        if trouble:
            failed += 1
            print(f"The {name} may still run: {trouble}", file=sys.stderr)
    for path in files:
        failed += not _erased(path)
    print(_REMAINS)
    if failed:
        print(f"{failed} things above were NOT done; do them by hand.", file=sys.stderr)
        return FAILED
    print("All that was named is overwritten.")
    return DONE


def _units_stopped(drop: site.Site) -> bool:
    """Stop at once what systemd runs of the Debian package; whether nothing hinders it."""
    if not _is_packaged(drop) or not _SYSTEMD.is_dir():
        return True
    running = (*SERVICES, TOR)
    every = (*TIMERS, *SOCKETS, *running)
    try:
        # Asked first: what is killed then does not start again, and no visitor starts it.
        systemctl("--no-block", "stop", *every)
        with suppress(CannotRun):
            systemctl("kill", "--signal=KILL", *running)
        systemctl("stop", *every)
    except (CannotRun, OSError) as why:
        print(f"Something may still run: {why}", file=sys.stderr)
        return False
    return True


def _is_packaged(drop: site.Site) -> bool:
    return drop.file.parent == _DEBIAN_SETTINGS


def _files(drop: site.Site) -> list[Path]:
    """All there is to wipe, what matters most first, the largest last."""
    from dropbox.probe_mark import KEY_FILE  # noqa: PLC0415
    from dropbox.successor import successor_path  # noqa: PLC0415

    settings = drop.settings
    store = settings.store_file
    secrets = [drop.tor_service / ONION_KEY, salt_file(drop.file), drop.file]
    export = settings.export_key
    first = [*secrets, export, export.with_suffix(".pub"), export.with_name(KEY_FILE)]
    memory = (*_memory(drop), *_of_the_package(drop))
    folders = (drop.tor_service, drop.probe, *memory, settings.gnupg_home, settings.keys)
    last = [successor_path(store), store.with_name(store.name + "-journal"), store]
    found: list[Path] = []
    for path in [*first, *(one for folder in folders for one in _below(folder)), *last]:
        if path is not None and path not in found and _is_there(path):
            found.append(path)
    return found


def _is_there(path: Path) -> bool:
    try:
        return path.is_file() or path.is_symlink()
    except PermissionError:
        # Wiping it will fail, and be said.
        return True


def _memory(drop: site.Site) -> list[Path]:
    """Where the keys of form pages may be: a front may have chosen by another user's rights."""
    from dropbox.front.shared_keys import default_path  # noqa: PLC0415

    settings, runtime = drop.settings, os.environ.get("XDG_RUNTIME_DIR")
    if settings.key_memory is not None:
        return [settings.key_memory]
    # Its name has the salt in it: never another drop's.
    name = default_path(settings.salt, settings.intake_socket, runtime).name
    places = [settings.intake_socket.parent, Path(runtime or "/dev/shm"), Path("/dev/shm")]  # noqa: S108
    return [place / name for place in places]


def _of_the_package(drop: site.Site) -> list[Path]:
    """What the Debian package has elsewhere: only its unit and its scripts name the folders."""
    return [_DEBIAN_MEMORY, *_DEBIAN_COPIES] if _is_packaged(drop) else []


def _below(path: Path) -> list[Path]:
    return sorted(path.rglob("*")) if path.is_dir() else [path]


def _erased(path: Path) -> bool:
    from dropbox.durable_file import erase  # noqa: PLC0415

    try:
        if path.is_symlink():
            path.unlink()
        else:
            erase(path)
    except OSError as why:
        print(f"NOT overwritten: {path}: {why.strerror}", file=sys.stderr)
        return False
    return True
