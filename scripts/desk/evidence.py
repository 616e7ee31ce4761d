"""Writing a claimant's files out of the casebook: byte for byte, unopened, under harmless names."""

import hashlib
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from dropbox.durable_file import NewFile
from dropbox.errors import CasedropError
from scripts.desk.case import Case, FileOfPart
from scripts.desk.casebook.casebook import Casebook

# Leaves room, in a file system's 255 bytes, for the case and file numbers before and ".part" after.
_NAME_BYTES = 150
_READ_BYTES = 2**20


class EvidenceError(CasedropError):
    """The file cannot be written out."""


def safe_name(case: Case, number: int, untrusted: str) -> str:
    """The name for file *number* (from 1) of *case*: letters and digits of any script, and ``.-_``.

    It begins with the case's name, so that it is never hidden, absolute, an option or a device's.
    """
    kept = "".join(
        character if character in ".-_" or character.isalnum() else "_"
        for character in unicodedata.normalize("NFC", untrusted)
    )
    while ".." in kept:
        kept = kept.replace("..", "_")
    kept = kept.strip(".")
    stem, dot, ending = kept.rpartition(".")
    if not dot or len(ending.encode()) > 10:
        stem, dot, ending = kept, "", ""
    room = _NAME_BYTES - len((dot + ending).encode())
    stem = stem.encode("utf-8")[:room].decode("utf-8", "ignore")
    return f"{case.name}-{number:02d}-{stem}{dot}{ending}"


def write_out(casebook: Casebook, case: Case, directory: Path) -> Iterator[Path]:
    """Write the opened files of *case* into *directory* and yield their paths.

    *directory* is made (0700) if absent. A file that is there already, with the same bytes, is left
    alone.
    Raises EvidenceError when a file was never opened or has been altered since, or when something
    else has its name.
    """
    for number, one in enumerate(case.files, 1):
        if not casebook.has_file(one.part, one.place):
            raise EvidenceError(
                f"File {number} of {case.name} could not be opened; see `status` for the reason."
            )
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = directory / safe_name(case, number, one.attachment.name)
        if path.is_symlink() or path.exists():
            if (
                path.is_symlink()
                or hashlib.sha256(path.read_bytes()).hexdigest() != one.attachment.sha256
            ):
                raise EvidenceError(
                    f"{path} exists already and is something else; it is not overwritten."
                )
        else:
            _copy(casebook, one, path)
        yield path


def _copy(casebook: Casebook, one: FileOfPart, path: Path) -> None:
    digest = hashlib.sha256()
    with casebook.file_path(one.attachment.sha256).open("rb") as kept, NewFile(path) as file:
        while piece := kept.read(_READ_BYTES):
            digest.update(piece)
            file.write(piece)
        if digest.hexdigest() != one.attachment.sha256:
            raise EvidenceError(
                "The casebook's copy of this file has been altered since it was opened."
            )
