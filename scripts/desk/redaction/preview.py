"""A preview of what would leave of a case's files: the copies, written for a reviewer to look
at.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from scripts.desk.case import Case
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.evidence import write_picture
from scripts.desk.pictures.drawing_room import Room
from scripts.desk.redaction.copies import pages
from scripts.desk.redaction.standing import standing


class Written(NamedTuple):
    """A copy of file ``number`` (from 1), and why it is a slip sheet, "" if it is a page."""

    number: int
    path: Path
    withheld: str


def preview(casebook: Casebook, case: Case, folder: Path, room: Room) -> Iterator[Written]:
    """Write the copies of all files of *case* that do not leave as they came into *folder*.

    Raises what :func:`pages` and :func:`write_picture` raise.
    """
    counted = standing(casebook)
    for number, file in enumerate(case.files, 1):
        if not counted.must_not_leave_natively(file):
            continue
        casebook.note("view", case.name, plain=file.attachment.sha256)
        for copy in pages(casebook, counted, file, room):
            path = folder / f"{case.name}-{number:02d}-copy-{copy.number:03d}.png"
            write_picture(path, copy.png)
            casebook.note("export", case.name, plain=hashlib.sha256(copy.png).hexdigest())
            yield Written(number, path, copy.withheld)
