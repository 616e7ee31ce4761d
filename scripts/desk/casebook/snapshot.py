"""The casebook at one moment, for a backup: it holds the lock only while its file is copied."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.desk.casebook import custody, schema
from scripts.desk.casebook.casebook import ATTACHMENTS, CAMPAIGN, FILE, VIEWS, Casebook
from scripts.desk.casebook.file import copy_into

_COPY = FILE + ".snapshot"
_FILES = "SELECT DISTINCT sha256 FROM attachment ORDER BY sha256"


@dataclass(frozen=True)
class Snapshot:
    """A casebook's files by their names in its directory, and what it is.

    ``head`` is the number and hash of the custody log's last line.
    """

    files: Mapping[str, Path]
    version: int
    desk: int
    campaign: str
    cases: int
    head: custody.Head


@contextmanager
def snapshot(directory: Path, casebook: Casebook) -> Iterator[Snapshot]:
    """*casebook*, open in *directory*, as it is now; it may be closed before the block ends.

    Opened files are only ever added, never changed, so they are read in place. Raises CasebookError
    or OSError.
    """
    copy = directory / _COPY
    # Left by a run that was killed: whoever makes one holds the lock.
    copy.unlink(missing_ok=True)
    with ExitStack() as kept:
        try:
            copy_into(casebook.database.conn, copy)
            files = {FILE: _opened(copy, kept)}
        finally:
            # It exists only while it is open here: nothing is left of it when this process ends.
            copy.unlink(missing_ok=True)
        files[CAMPAIGN] = directory / CAMPAIGN
        if (directory / VIEWS).exists():
            files[VIEWS] = _opened(directory / VIEWS, kept)
        attachments = [sha256 for (sha256,) in casebook.database.execute(_FILES)]
        files |= {f"{ATTACHMENTS}/{one}": casebook.file_path(one) for one in attachments}
        yield Snapshot(
            files=files,
            version=schema.version(casebook.database.conn),
            desk=casebook.desk,
            campaign=casebook.campaign.code,
            cases=casebook.counts().cases,
            head=custody.head(casebook.database, casebook.origin),
        )


def _opened(path: Path, kept: ExitStack) -> Path:
    """The file at *path* as it is now, even if it is replaced or removed while *kept* lasts."""
    file = os.open(path, os.O_RDONLY)
    kept.callback(os.close, file)
    return Path(f"/proc/self/fd/{file}")
