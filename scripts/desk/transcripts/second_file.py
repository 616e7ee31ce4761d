"""The desk's second file, casedrop-desk-ocr.pyz: wheels of the recognizer, unpacked when needed.

It is not a program. The first file knows the hash of each wheel, from the lock with which both are
built, and unpacks none with a different hash.
"""

import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import IO, Any

from dropbox.errors import CasedropError
from scripts.version import ROOT

NAME = "casedrop-desk-ocr.pyz"
# A file in it: for each Python ("3.12"), the names of its wheels.
LISTED = "wheels.json"
# A file in the first file: the lock with the wheels' hashes. In a checkout it is the lock itself.
LOCK = "ocr.txt"
_IN_CHECKOUT = ROOT / "requirements" / LOCK
_PIECE_BYTES = 2**20
# Disk space to leave free.
_LEFT_BYTES = 64 * 2**20

Progress = Callable[[int, int], None]


class BadSecondFile(CasedropError):
    """The second file cannot be used."""


def beside() -> Path | None:
    """The second file, if it is in the same folder as the first."""
    found = Path(sys.argv[0]).resolve().parent / NAME
    return found if found.is_file() else None


def unpacked(path: Path, cache: Path, progress: Progress = lambda _done, _total: None) -> Path:
    """The directory in *cache* with the wheels from *path* for this Python, unpacked if necessary.

    *progress* gets (done, total) wheels. Raises BadSecondFile.
    """
    python = "{}.{}".format(*sys.version_info[:2])
    try:
        with zipfile.ZipFile(path) as outer:
            wheels = _listed(outer, python)
            known = _known_hashes()
            named = hashlib.sha256("\n".join([python, *wheels, *sorted(known)]).encode())
            place = cache / f"ocr-{named.hexdigest()[:16]}"
            if not place.is_dir():
                _unpack(outer, wheels, known, place, progress)
    except (zipfile.BadZipFile, KeyError, ValueError, NotImplementedError, EOFError) as why:
        raise BadSecondFile(f"{path} is damaged ({type(why).__name__}); copy it again.") from None
    return place


def _listed(outer: zipfile.ZipFile, python: str) -> list[str]:
    listed: Any = json.loads(outer.read(LISTED))
    if python not in listed:
        raise BadSecondFile(
            f"{NAME} serves Python {', '.join(sorted(listed))}; this is Python {python}."
        )
    return [str(name) for name in listed[python]]


def _known_hashes() -> frozenset[str]:
    """The hashes (SHA-256, hex) of the wheels that may be unpacked."""
    carried = files("scripts.desk.transcripts").joinpath(LOCK)
    if carried.is_file():
        text = carried.read_text("utf-8")
    else:
        text = _IN_CHECKOUT.read_text("utf-8") if _IN_CHECKOUT.is_file() else ""
    return frozenset(re.findall(r"--hash=sha256:([0-9a-f]{64})", text))


def _unpack(
    outer: zipfile.ZipFile,
    wheels: list[str],
    known: frozenset[str],
    place: Path,
    progress: Progress,
) -> None:
    """Unpack *wheels* into *place*, completely or not at all."""
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Only this user may read it, and a partial one is never mistaken for a complete one.
    making = Path(tempfile.mkdtemp(prefix=f"{place.name}.", dir=place.parent))
    try:
        for done, name in enumerate(wheels):
            progress(done, len(wheels))
            _unpack_wheel(outer, name, known, making)
        progress(len(wheels), len(wheels))
        try:
            making.rename(place)
        except OSError:
            # Another desk of this user was faster.
            if not place.is_dir():
                raise
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _unpack_wheel(outer: zipfile.ZipFile, name: str, known: frozenset[str], making: Path) -> None:
    with outer.open(name) as wheel:
        if _sha256_of(wheel) not in known:
            raise BadSecondFile(
                f"{NAME} is not of the same source as this desk, or was changed: {name} is not "
                "what the desk knows. Build both files from one source."
            )
        wheel.seek(0)
        with zipfile.ZipFile(wheel) as inner:
            size = sum(entry.file_size for entry in inner.infolist())
            if shutil.disk_usage(making).free < size + _LEFT_BYTES:
                raise BadSecondFile(
                    f"There is no room to unpack {NAME} in {making.parent}: it takes 400 MiB. "
                    "Name a directory with more room in SHIV_ROOT."
                )
            for entry in inner.infolist():
                if not entry.is_dir():
                    _write(inner, entry, making)


def _sha256_of(wheel: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while piece := wheel.read(_PIECE_BYTES):
        digest.update(piece)
    return digest.hexdigest()


def _write(inner: zipfile.ZipFile, entry: zipfile.ZipInfo, making: Path) -> None:
    path = PurePosixPath(entry.filename)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError("a name that leads elsewhere")
    target = making / path
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with inner.open(entry) as source, os.fdopen(descriptor, "wb") as out:
        shutil.copyfileobj(source, out, _PIECE_BYTES)
