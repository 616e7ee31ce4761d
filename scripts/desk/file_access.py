"""Access to claimants' files for pictures and copies, each noted in the custody log."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from scripts.desk.case import Case
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.evidence import Joined, join_out, unaltered, write_out, write_picture

# The pages drawn unless a reviewer asks for others.
FIRST_PAGES = range(1, 21)
# On an old computer LibreOffice alone takes ten seconds to start, and a page takes one second.
_SECONDS, _SECONDS_A_PAGE = 60.0, 2.0


def drawing_seconds(pages: range) -> float:
    """How long drawing these pages of a file may take."""
    return _SECONDS + _SECONDS_A_PAGE * len(pages)


@contextmanager
def looked_at(casebook: Casebook, case: Case, number: int) -> Iterator[BinaryIO]:
    """File *number* (from 1) of *case*, open at its beginning. Raises EvidenceError."""
    one = case.files[number - 1]
    with unaltered(casebook, one) as content:
        casebook.note("view", case.name, plain=one.attachment.sha256)
        yield content


def write_page(
    casebook: Casebook, case: Case, number: int, page: int, png: bytes, folder: Path
) -> Path:
    """Write a picture of page *page* of file *number* into *folder*. Raises EvidenceError."""
    path = folder / f"{case.name}-{number:02d}-page-{page:03d}.png"
    write_picture(path, png)
    casebook.note("export", case.name, plain=hashlib.sha256(png).hexdigest())
    return path


def write_files(casebook: Casebook, case: Case, folder: Path) -> Iterator[Path | Joined]:
    """Write all files of *case* into *folder*, one at each step, and then the joined files.

    Raises EvidenceError.
    """
    for one, path in zip(case.files, write_out(casebook, case, folder), strict=True):
        casebook.note("export", case.name, plain=one.attachment.sha256)
        yield path
    for joined in join_out(casebook, case, folder):
        if joined.path is not None:
            casebook.note("export", case.name, plain=joined.sha256)
        yield joined
