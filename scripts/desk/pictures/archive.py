"""The contents of an archive as a list of names and sizes. Nothing in it is unpacked or opened."""

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import IO, Any, cast

from scripts.desk.pictures.frames import Sender
from scripts.desk.pictures.kinds import Kind
from scripts.desk.pictures.notes import Note

_MOST_LISTED = 500
_MOST_NAME = 200
# An archive that shrinks its files this much is not an honest one; text shrinks to a tenth.
_SUSPICIOUS = 200
# How much of a tar.gz is unpacked to find the names; nothing of it is kept.
_MOST_UNPACKED = 512 * 2**20
_PACKERS: Mapping[bytes, Callable[[IO[bytes]], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZ": bz2.open,
    b"\xfd7": lzma.open,
}
_OFFICE = ("[Content_Types].xml", "META-INF/manifest.xml")
_OFFICE_FOLDERS = ("word/", "xl/", "ppt/", "content.xml")


def listing_of(kind: Kind) -> partial[None]:
    """A function that lists archives of *kind*."""
    return partial({Kind.ZIP: _list_zip, Kind.TAR: _list_tar, Kind.PACKED: _list_packed}[kind])


def _list_zip(data: bytes, _wanted: range, sender: Sender) -> None:
    try:
        entries = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except zipfile.BadZipFile:
        sender.note(Note.DAMAGED)
        return
    names = [entry.filename for entry in entries]
    if any(name in _OFFICE for name in names) and any(
        name.startswith(_OFFICE_FOLDERS) for name in names
    ):
        sender.note(Note.IS_OFFICE)
        return
    links = sum(stat.S_ISLNK(entry.external_attr >> 16) for entry in entries)
    locked = sum(entry.flag_bits & 1 for entry in entries)
    _say(sender, len(data), [(entry.filename, entry.file_size) for entry in entries], links, locked)


def _list_tar(data: bytes, _wanted: range, sender: Sender) -> None:
    _tar(io.BytesIO(data), len(data), sender)


def _list_packed(data: bytes, _wanted: range, sender: Sender) -> None:
    packer = _PACKERS[data[:2]]
    stream = packer(io.BytesIO(data))
    try:
        head = stream.read(512)
    except (OSError, EOFError, lzma.LZMAError, zlib.error):
        sender.note(Note.DAMAGED)
        return
    if head[257:262] != b"ustar":
        sender.note(Note.NOT_OPENED)
        return
    _tar(_Bounded(packer(io.BytesIO(data))), len(data), sender)


class _TooMuch(Exception):
    """More was unpacked than any list of names needs."""


class _Bounded(io.RawIOBase):
    """The unpacked bytes of *stream*, up to a limit."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._left = _MOST_UNPACKED

    def read(self, size: int = -1) -> bytes:
        """The next bytes. Raises _TooMuch."""
        data = self._stream.read(min(size, 2**20) if size >= 0 else 2**20)
        self._left -= len(data)
        if self._left < 0:
            raise _TooMuch
        return data


def _tar(stream: IO[bytes] | _Bounded, size: int, sender: Sender) -> None:
    listed: list[tuple[str, int]] = []
    links = 0
    try:
        with tarfile.open(fileobj=cast(IO[bytes], stream), mode="r|") as archive:
            for entry in archive:
                links += entry.issym() or entry.islnk()
                listed.append((entry.name, entry.size))
    except _TooMuch:
        sender.note(Note.STOPPED_UNPACKING, _MOST_UNPACKED // 2**20)
    except (tarfile.TarError, OSError, EOFError, lzma.LZMAError, zlib.error):
        sender.note(Note.DAMAGED)
    _say(sender, size, listed, links, 0)


def _say(sender: Sender, size: int, listed: list[tuple[str, int]], links: int, locked: int) -> None:
    sender.count(len(listed))
    ratio = sum(size for _, size in listed) // max(size, 1)
    if ratio >= _SUSPICIOUS:
        sender.note(Note.UNPACKS, ratio)
    for note, count in ((Note.LINKS, links), (Note.LOCKED_ENTRIES, locked)):
        if count:
            sender.note(note, count)
    if len(listed) > _MOST_LISTED:
        sender.note(Note.CUT_LISTING, len(listed))
    sender.note(Note.NOT_OPENED)
    # One line for each entry, whatever its name contains.
    lines = (
        f"{size:>15,}  {' '.join(name[:_MOST_NAME].splitlines())}"
        for name, size in listed[:_MOST_LISTED]
    )
    sender.text("\n".join(lines))
