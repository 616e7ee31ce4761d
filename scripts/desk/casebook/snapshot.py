"""The casebook at one moment, for a backup: it holds the lock only while its file is copied."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.desk.casebook import custody, schema
from scripts.desk.casebook.casebook import ATTACHMENTS, CAMPAIGN, FILE, Casebook
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

    Opened files are added and never changed, so they are read where they are. Raises CasebookError
    or OSError.
    """
    copy = directory / _COPY
    # A run that was killed left it; whoever makes one holds the lock.
    copy.unlink(missing_ok=True)
    try:
        copy_into(casebook.database.conn, copy)
        file = os.open(copy, os.O_RDONLY)
    finally:
        # It lives as long as it is open here: nothing is left of it when this process ends.
        copy.unlink(missing_ok=True)
    try:
        attachments = [row[0] for row in casebook.database.execute(_FILES)]
        yield Snapshot(
            files={
                FILE: Path(f"/proc/self/fd/{file}"),
                CAMPAIGN: directory / CAMPAIGN,
                **{f"{ATTACHMENTS}/{one}": casebook.file_path(one) for one in attachments},
            },
            version=schema.version(casebook.database.conn),
            desk=casebook.desk,
            campaign=casebook.campaign.code,
            cases=casebook.counts().cases,
            head=custody.head(casebook.database, casebook.origin),
        )
    finally:
        os.close(file)
