"""Writing a claimant's files out of the casebook: byte for byte, unopened, under harmless names.

A file that was sent in parts is written out joined as well, beside its parts.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from dropbox.durable_file import NewFile, write_new
from dropbox.errors import CasedropError
from dropbox.split_name import Kind
from scripts.desk.case import Case, FileOfPart
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.split_files import Member, SplitFile, split_files

# Leaves room, within a file system's 255 bytes, for the case and file numbers before it and ".part"
# after it.
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


def write_picture(path: Path, png: bytes) -> None:
    """Write a picture to *path* for its owner alone; the directory (0700) is made if absent.

    The same picture is left alone. Raises EvidenceError when something else has its name.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _is_there(path):
        write_new(path, png)
    elif _sha256_of(path) != hashlib.sha256(png).hexdigest():
        raise _taken(path)


def write_out(casebook: Casebook, case: Case, directory: Path) -> Iterator[Path]:
    """Write the opened files of *case* into *directory* and yield their paths.

    *directory* is made (0700) if absent. A file that is already there with the same bytes is left
    alone. Raises EvidenceError when a file was never opened or has been altered since, or when
    something else has its name.
    """
    names = _names(case)
    for number, one in enumerate(case.files, 1):
        if not casebook.has_file(one.part, one.place):
            raise EvidenceError(
                f"File {number} of {case.name} could not be opened; see `status` for the reason."
            )
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = directory / names[number]
        if _is_there(path):
            if _sha256_of(path) != one.attachment.sha256:
                raise _taken(path)
        else:
            with NewFile(path) as file:
                _read(casebook, [one], file.write)
        yield path


@contextmanager
def unaltered(casebook: Casebook, one: FileOfPart) -> Iterator[BinaryIO]:
    """The casebook's copy of file *one*, open at its beginning.

    Raises EvidenceError when it was never opened or has been altered since.
    """
    if not casebook.has_file(one.part, one.place):
        raise EvidenceError("It could not be opened; see `status` for the reason.")
    with casebook.file_path(one.attachment.sha256).open("rb") as kept:
        if hashlib.file_digest(kept, "sha256").hexdigest() != one.attachment.sha256:
            raise _altered()
        kept.seek(0)
        yield kept


class Joined(NamedTuple):
    """A file that was sent in parts: where it was written out joined, and its SHA-256 in hex.

    Without a path it was not joined, and ``sentence`` says why.
    """

    split: SplitFile
    path: Path | None
    sha256: str
    sentence: str


def join_out(casebook: Casebook, case: Case, directory: Path) -> Iterator[Joined]:
    """Write files that *case* has in parts into *directory* once more, joined, if there is no
    doubt.

    No file is ever completely in memory. Raises what :func:`write_out` raises.
    """
    for split in split_files(case.files):
        doubt = split.doubt or _doubt(casebook, split)
        if doubt:
            yield Joined(split, None, "", doubt)
            continue
        files = [member.file for member in split.parts]
        agrees, found = _compared(casebook, case, split)
        if not agrees:
            yield Joined(split, None, "", found)
            continue
        name = safe_name(case, split.members[0].number, f"joined-{split.whole}")
        path = directory / name
        if _is_there(path):
            digest = _read(casebook, files, lambda _piece: None)
            if _sha256_of(path) != digest:
                raise _taken(path)
        else:
            with NewFile(path) as file:
                digest = _read(casebook, files, file.write)
        yield Joined(split, path, digest, " ".join(filter(None, (split.note, found))))


def _names(case: Case) -> dict[int, str]:
    """The names of the files of *case*, by number.

    Volumes of an archive keep one number: its program finds the others by their names.
    """
    names = {
        number: safe_name(case, number, one.attachment.name)
        for number, one in enumerate(case.files, 1)
    }
    for split in split_files(case.files):
        if split.kind is Kind.VOLUME:
            _name_volumes(case, split.parts, names)
    return names


def _name_volumes(case: Case, volumes: Sequence[Member], names: dict[int, str]) -> None:
    first = min(volume.number for volume in volumes)
    alike = {
        volume.number: safe_name(case, first, volume.file.attachment.name) for volume in volumes
    }
    others = {name for number, name in names.items() if number not in alike}
    if len(others | set(alike.values())) == len(names):
        names |= alike


def _doubt(casebook: Casebook, split: SplitFile) -> str:
    """Why a file is not joined although its parts' names and sizes allow it; "" if it is joined."""
    opened = {
        member.part
        for member in split.members
        if casebook.has_file(member.file.part, member.file.place)
    }
    closed = [member.part for member in split.parts if member.part not in opened]
    if closed:
        return f"Part {closed[0]} could not be opened; see `status` for the reason."
    kinds = [_beginning(casebook, member.file) for member in split.parts]
    if kinds[0] and all(kind == kinds[0] for kind in kinds):
        return "Each of them begins like a file of its own."
    if split.kind is Kind.UNSURE and not kinds[0]:
        return "They may be parts, or files of their own."
    return ""


# The hashes that splitters and people note in a small file beside the parts, by its ending.
_HASHES = {"md5": 32, "sha1": 40, "sha256": 64}
_LIST_BYTES = 4_096


def _compared(casebook: Casebook, case: Case, split: SplitFile) -> tuple[bool, str]:
    """Whether the joined parts have the hash that was sent with them, and a sentence if one was."""
    for number, one in enumerate(case.files, 1):
        name, _, ending = one.attachment.name.lower().rpartition(".")
        algorithm = ending.removesuffix("sum")
        if (
            name != split.whole.lower()
            or algorithm not in _HASHES
            or one.attachment.size > _LIST_BYTES
            or not casebook.has_file(one.part, one.place)
        ):
            continue
        text = casebook.file_path(one.attachment.sha256).read_bytes().lower()
        told = set(re.findall(rb"\b[0-9a-f]{%d}\b" % _HASHES[algorithm], text))
        if len(told) != 1:
            continue
        # Claimants' own programs write MD5; it is compared here and protects nothing.
        digest = hashlib.new(algorithm, usedforsecurity=False)
        _read(casebook, [member.file for member in split.parts], digest.update)
        if digest.hexdigest().encode() == told.pop():
            return True, f"It has the {algorithm.upper()} that file {number} names."
        return False, f"Together they do not have the {algorithm.upper()} that file {number} names."
    return True, ""


# The signatures of the usual file types: offset and bytes.
_BEGINNINGS = (
    (4, b"ftyp"),
    (0, b"PK\x03\x04"),
    (0, b"7z\xbc\xaf\x27\x1c"),
    (0, b"Rar!\x1a\x07"),
    (0, b"\x1a\x45\xdf\xa3"),
    (0, b"RIFF"),
    (0, b"ID3"),
    (0, b"OggS"),
    (0, b"fLaC"),
    (0, b"#!AMR"),
    (0, b"%PDF-"),
    (0, b"\x89PNG\r\n"),
    (0, b"\xff\xd8\xff"),
    (0, b"\x1f\x8b\x08"),
    (0, b"\xfd7zXZ\0"),
    (0, b"\xd0\xcf\x11\xe0"),
)


def _beginning(casebook: Casebook, one: FileOfPart) -> int:
    """The number (from 1) of the file type whose signature a file has, 0 for none."""
    with casebook.file_path(one.attachment.sha256).open("rb") as kept:
        head = kept.read(16)
    found = (kind for kind, (at, what) in enumerate(_BEGINNINGS, 1) if head.startswith(what, at))
    return next(found, 0)


def _read(casebook: Casebook, files: Iterable[FileOfPart], sink: Callable[[bytes], object]) -> str:
    """Give *files*, one after another, to *sink*. Returns the SHA-256 of all of it, in hex."""
    whole = hashlib.sha256()
    for one in files:
        digest = hashlib.sha256()
        with casebook.file_path(one.attachment.sha256).open("rb") as kept:
            while piece := kept.read(_READ_BYTES):
                digest.update(piece)
                whole.update(piece)
                sink(piece)
        if digest.hexdigest() != one.attachment.sha256:
            raise _altered()
    return whole.hexdigest()


def _is_there(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _sha256_of(path: Path) -> str:
    """The SHA-256 of the file at *path*, in hex; "" if it is a link or not a plain file."""
    if path.is_symlink() or not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _altered() -> EvidenceError:
    return EvidenceError("The casebook's copy of this file has been altered since it was opened.")


def _taken(path: Path) -> EvidenceError:
    return EvidenceError(f"{path} exists already and is something else; it is not overwritten.")
