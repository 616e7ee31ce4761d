"""Goes back to the copy of the vault that an upgrade of the Debian package made.

    casedrop rollback

Use it once the version that the copy was made from is installed again and cannot use the store that
the other version left. Whatever was filed in between and not pulled is lost.
"""

from __future__ import annotations

import argparse
import os
import pwd
import shutil
import signal
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path, PurePosixPath

from scripts.command_line import CannotRun
from scripts.operator import setup
from scripts.operator.restore import settle_vault
from scripts.operator.typed import answer

HELP = "after going back to an earlier package: take the copy of the vault that its upgrade made"
STORE = "store.sqlite"
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_OPEN = [
    "gpg", "--batch", "--no-tty", "--no-options", "--no-autostart", "--pinentry-mode", "loopback",
    "--no-symkey-cache", "--quiet", "--decrypt",
]  # fmt: skip


@dataclass(frozen=True)
class Copies:
    """Where the package keeps copies; *root* is / except in tests. *owner*: the ids of its vault's
    user.
    """

    root: Path
    owner: tuple[int, int]

    @property
    def vault(self) -> Path:
        """The vault's folder."""
        return self.root / "var/lib/casedrop"

    @property
    def folder(self) -> Path:
        """The folder of the sealed copies, each named after the version that it was made from."""
        return self.root / "var/lib/casedrop-copy"

    @property
    def keys(self) -> Path:
        """The folder of their keys, which is in memory."""
        return self.root / "run/casedrop-copy"

    def new_place(self) -> Path:
        """A new path for what is replaced now, beside what was replaced before."""
        names = chain(["replaced"], (f"replaced-{number}" for number in count(2)))
        return next(place for name in names if not (place := self.folder / name).exists())

    def of(self, version: str) -> tuple[Path, Path]:
        """The copy of *version* and its key. Raises CannotRun."""
        copy, key = self.folder / f"{version}.gpg", self.keys / f"{version}.key"
        if copy.exists() and key.exists():
            return copy, key
        there = sorted(path.stem for path in self.folder.glob("*.gpg"))
        raise CannotRun(
            f"There is no copy that was made from version {version}, which is installed. "
            + (f"There are copies of {', '.join(there)}. " if there else "")
            + "A copy stays for a week, and until the machine starts again. Nothing was changed."
        )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none."""


def run(asked: argparse.Namespace) -> None:
    """Ask, stop the rooms, take the copy, start them. Raises CannotRun, StoreError or OSError."""
    if os.geteuid() != 0:
        raise CannotRun("Only root can do this: sudo casedrop rollback")
    version = _installed_version()
    try:
        vault = pwd.getpwnam("casedrop-vault")
    except KeyError:
        raise CannotRun(
            "There is no user casedrop-vault: install the package again. Nothing was changed."
        ) from None
    roll_back(Copies(Path("/"), (vault.pw_uid, vault.pw_gid)), version, setup.systemctl)


def roll_back(copies: Copies, version: str, systemctl: Callable[..., None]) -> None:
    """Replace the contents of the vault's folder with the copy made from *version*."""
    copy, key = copies.of(version)
    made = datetime.fromtimestamp(copy.stat().st_mtime, UTC)
    print(f"The copy was made from version {version} on {made:%Y-%m-%d at %H:%M} UTC.")
    print("What was filed since then and has not been pulled is lost.")
    if answer('Type "go back" to take it: ') != "go back":
        raise CannotRun("Nothing was changed.")
    with tempfile.TemporaryDirectory(dir=copies.folder) as folder:
        opened = Path(folder)
        _open(copy, key, opened)
        told = settle_vault(opened / STORE, made.date().isoformat())
        # The sockets, too: a visitor would start a room again.
        units = (*setup.SOCKETS, *setup.SERVICES)
        try:
            systemctl("stop", *units)
            with _uninterrupted():
                replaced = _swap(copies, opened)
        finally:
            systemctl("reset-failed")
            systemctl("start", *units)
    print(told)
    print(f"What was in the vault's folder is in {replaced} for a week.")


def _swap(copies: Copies, opened: Path) -> Path:
    """Swap the contents of *opened* into the vault's folder.

    Returns where the old contents are now. On OSError everything is back where it was: a vault that
    finds no store makes an empty one.
    """
    replaced = copies.new_place()
    replaced.mkdir(mode=0o700)
    with ExitStack() as undo:
        undo.callback(replaced.rmdir)
        for path in sorted(copies.vault.iterdir()):
            undo.callback(_put_back, replaced / path.name, path)
            shutil.move(path, replaced / path.name)
        for path in sorted(opened.iterdir()):
            os.chown(path, *copies.owner)
            undo.callback((copies.vault / path.name).unlink, missing_ok=True)
            shutil.move(path, copies.vault / path.name)
        undo.pop_all()
    return replaced


def _put_back(moved: Path, path: Path) -> None:
    # A file that was only partly moved is still at its old path, with an incomplete copy at the
    # other.
    if path.exists():
        moved.unlink(missing_ok=True)
    else:
        shutil.move(moved, path)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Delay Ctrl-C, SIGTERM and the closing of the terminal until this is over."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _open(copy: Path, key: Path, folder: Path) -> None:
    """Open the sealed *copy* into *folder*. Raises CannotRun."""
    with tempfile.TemporaryDirectory(dir=key.parent) as home:
        gpg = subprocess.Popen(
            [*_OPEN, "--homedir", home, "--passphrase-file", key, copy],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert gpg.stdout is not None
        try:
            with gpg.stdout, tarfile.open(fileobj=gpg.stdout, mode="r|") as archive:
                for header in archive:
                    _take(archive, header, folder)
        except (tarfile.TarError, EOFError):
            gpg.wait()
            raise CannotRun("The copy cannot be opened; nothing was changed.") from None
        if gpg.wait() != 0 or not (folder / STORE).exists():
            raise CannotRun("The copy is damaged; nothing was changed.")


def _take(archive: tarfile.TarFile, header: tarfile.TarInfo, folder: Path) -> None:
    """Write one member into *folder*, which has no subfolders."""
    name = PurePosixPath(header.name)
    content = archive.extractfile(header) if header.isreg() and len(name.parts) == 1 else None
    if content is not None:
        with (folder / name).open("xb") as file:
            (folder / name).chmod(0o600)
            shutil.copyfileobj(content, file)
            file.flush()
            os.fsync(file.fileno())


def _installed_version() -> str:
    asked = ["dpkg-query", "--show", "--showformat=${Version}", "casedrop"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotRun("The Debian package is not installed here; nothing was changed.")
    return done.stdout.strip()
