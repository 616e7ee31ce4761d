"""Backups of a casebook: one file, sealed with words, that gpg alone opens; and restoring one.

    gpg --decrypt FILE | tar --extract

It is not sealed to the reviewers' keys: weekly ones are destroyed, and the backup would be lost
with them. One casebook's backups are all sealed with the same words, which are on paper. The
casebook keeps their hash, so that a wrong word is noticed before anything is sealed with it.
"""

import hashlib
import re
import secrets
import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import IO

from dropbox.durable_file import NewFile, give_name, replace_file, sync_folder
from dropbox.errors import CasedropError
from scripts.desk.audit import findings
from scripts.desk.casebook import custody
from scripts.desk.casebook.casebook import ATTACHMENTS, CAMPAIGN, FILE, VERSION, VIEWS, Casebook
from scripts.desk.casebook.snapshot import Snapshot
from scripts.desk.casebook.upgrade import migrate
from scripts.sealed_archive import Manifest, seal, unseal

WORDS_FILE = "backup-words"
_KIND = "casebook"
_SALT_BYTES = 16
_PIECE_BYTES = 2**18
_MEMBER = re.compile(
    f"{re.escape(FILE)}|{re.escape(CAMPAIGN)}|{re.escape(VIEWS)}|{ATTACHMENTS}/[0-9a-f]{{64}}",
    re.ASCII,
)


class BackupError(CasedropError):
    """The backup cannot be made or used."""


@dataclass(frozen=True)
class Backup:
    """A backup that was written: its cases, and the files that came with them.

    ``damaged``: the SHA-256 of files that were already missing, or altered since they arrived.
    """

    cases: int
    files: int
    damaged: tuple[str, ...]


@dataclass(frozen=True)
class Restored:
    """A restored casebook: the backup's day, its desk, and how many cases it has.

    ``last_bundle`` is the number after which its reply bundles continue. ``findings``: what had
    already been altered when the backup was made, as `verify` puts it.
    """

    day: str
    desk: int
    cases: int
    last_bundle: int
    findings: tuple[str, ...]


# Words


def are_known(directory: Path) -> bool:
    """Whether the casebook in *directory* has words for its backups."""
    return (directory / WORDS_FILE).exists()


def are_right(directory: Path, words: str) -> bool:
    """Whether *words* are those of this casebook's backups."""
    salt, _, known = (directory / WORDS_FILE).read_text("ascii").strip().partition(" ")
    return secrets.compare_digest(_hash(salt, words), known)


def remember(directory: Path, words: str) -> None:
    """Make *words* those of this casebook's backups."""
    salt = secrets.token_hex(_SALT_BYTES)
    replace_file(directory / WORDS_FILE, f"{salt} {_hash(salt, words)}\n".encode("ascii"))


def _hash(salt: str, words: str) -> str:
    # Random words need no slow hash, and whoever can read this can read the casebook.
    return hashlib.sha256(f"{salt} {words}".encode()).hexdigest()


# A backup


def write_backup(
    found: Snapshot,
    path: Path,
    words: str,
    *,
    day: date,
    progress: Callable[[int, int], None],
) -> Backup:
    """Seal *found* with *words* into the new file *path*, and read it back.

    *progress* gets the bytes done and the total. Raises ArchiveError, CannotWrite, CannotSeal or
    OSError; there is no file then.
    """
    files = [(name, file) for name, file in found.files.items() if file.is_file()]
    about: dict[str, str | int] = {
        "kind": _KIND,
        "day": day.isoformat(),
        "version": found.version,
        "desk": found.desk,
        "cases": found.cases,
        "head": found.head.sha256,
    }
    total = 2 * sum(file.stat().st_size for _, file in files)
    manifest = seal(path, words, files, about, _adding_up(progress, total))
    attachments = [name for name in found.files if name.startswith(f"{ATTACHMENTS}/")]
    damaged = [
        Path(name).name
        for name in attachments
        if name not in manifest.members or manifest.members[name].sha256 != Path(name).name
    ]
    return Backup(found.cases, len(attachments), tuple(damaged))


def _adding_up(progress: Callable[[int, int], None], total: int) -> Callable[[int], None]:
    done = 0

    def add(size: int) -> None:
        nonlocal done
        done += size
        progress(min(done, total), total)

    return add


# Restoring one


def restore(
    path: Path,
    directory: Path,
    words: str,
    *,
    now: datetime,
    working: Callable[[Path], AbstractContextManager[Casebook]],
    progress: Callable[[str, int, int], None],
) -> Restored:
    """Restore the backup *path*, sealed with *words*, into the new *directory*.

    *working* opens a casebook for the reviewer at work, in whose name the custody log records this.
    *progress* gets what is being done, how much of it is done, and the total. The directory gets
    its name only once all of it was checked. Raises BackupError, ArchiveError, CasebookError, or
    what *working* raises; there is no directory then.
    """
    directory = directory.absolute()
    part = directory.with_name(directory.name + ".part")
    _refuse_existing(directory, part)
    with ExitStack() as undo:
        part.mkdir(mode=0o700, parents=True)
        undo.callback(shutil.rmtree, part, ignore_errors=True)
        (part / ATTACHMENTS).mkdir(mode=0o700)
        read = _adding_up(partial(progress, "opening"), path.stat().st_size)
        manifest = unseal(path, words, lambda name, content: _keep(part, name, content), read)
        about = _about(manifest)
        if (copy := migrate(part)) is not None:
            # Its former state is in the backup.
            copy.unlink()
        with working(part) as casebook:
            found = findings(
                casebook,
                casebook.pinned(),
                now,
                noted_head=str(about["head"]),
                progress=partial(progress, "verifying"),
            )
            digest = custody.digest(manifest.to_bytes())
            last = casebook.restored(now.astimezone(UTC).date(), digest)
            restored = Restored(
                str(about["day"]), casebook.desk, casebook.counts().cases, last, tuple(found)
            )
        remember(part, words)
        sync_folder(part / ATTACHMENTS)
        give_name(part, directory)
        undo.pop_all()
    return restored


def _refuse_existing(directory: Path, part: Path) -> None:
    if part.exists():
        raise BackupError(f"{part} is left over from an interrupted run; remove it.")
    if directory.is_symlink() or (directory.exists() and not _is_empty(directory)):
        raise BackupError(
            f"{directory} exists already and is not overwritten; name a new directory with "
            "--casebook."
        )


def _is_empty(directory: Path) -> bool:
    return directory.is_dir() and next(directory.iterdir(), None) is None


def _keep(folder: Path, name: str, content: IO[bytes]) -> None:
    if not _MEMBER.fullmatch(name):
        raise BackupError("This is not the backup of a casebook.")
    with NewFile(folder / name) as file:
        while piece := content.read(_PIECE_BYTES):
            file.write(piece)


def _about(manifest: Manifest) -> Mapping[str, str | int]:
    """What *manifest* says about the casebook. Raises BackupError if this desk cannot use it."""
    about = manifest.about
    if about.get("kind") != _KIND or FILE not in manifest.members:
        raise BackupError("This is not the backup of a casebook.")
    if int(about["version"]) > VERSION:
        raise BackupError(
            f"The backup is of a casebook of version {about['version']}; this desk works with "
            f"version {VERSION}. Restore it with the newer desk."
        )
    return about
