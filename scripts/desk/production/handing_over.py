"""Writing a folder for counsel: cases, documents, load files, and a signed list of all hashes.

The folder has its name only once everything in it is on the disk; what was interrupted can be
thrown away, and the documents keep the numbers that they were given.
"""

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from dropbox import canonical_json
from dropbox.durable_file import sync_folder
from dropbox.errors import CasedropError
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.evidence import unaltered
from scripts.desk.production import load_files
from scripts.desk.production.plan import Held, Plan
from scripts.desk.production.records import NATIVES, TEXTS, Document, Numbering, documents, record

SCHEMA = Path(__file__).with_name("case.schema.json")
_READ_BYTES = 2**20
_LIST, _SIGNATURE = "SHA256SUMS", "SHA256SUMS.sig"
_README = """\
What is here

cases.csv           a line for each case, for a spreadsheet (UTF-8)
cases.jsonl         the same and more, a JSON object in each line; case.schema.json says what it is
texts/              what claimants wrote, each text under its number
natives/            what claimants sent, byte for byte, each file under its number
load.dat            all documents with their numbers, for a review platform (Concordance, UTF-8)
privilege-log.csv   cases that are withheld because they are privileged
withheld.csv        all cases of the selection that are not here, and why
SHA256SUMS          the SHA-256 of every file here; SHA256SUMS.sig is a reviewer's OpenPGP signature

Files in natives/ come from strangers and nobody has opened them: treat them as hostile. Check the
folder with `gpg --verify SHA256SUMS.sig SHA256SUMS`, then `sha256sum -c SHA256SUMS`.
"""


class HandOverError(CasedropError):
    """The folder cannot be written."""


@dataclass(frozen=True)
class HandedOver:
    """How many cases, documents and bytes are in the folder, and the SHA-256 of its list."""

    cases: int
    documents: int
    bytes: int
    sha256: str


def hand_over(
    casebook: Casebook,
    plan: Plan,
    out: Path,
    sign: Callable[[bytes], bytes],
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> HandedOver:
    """Write the cases of *plan* into the new folder *out*, for its owner alone.

    *sign* makes a detached OpenPGP signature. Raises HandOverError, EvidenceError for a file that
    was altered, or OSError; then *out* is not there.
    """
    if out.exists():
        raise HandOverError(f"{out} is there already; what is handed over goes into a new folder.")
    part = Path(tempfile.mkdtemp(prefix=f"{out.name}.unfinished-", dir=out.parent))
    try:
        folder = _Folder(part)
        handed = _write(casebook, plan, folder, progress)
        listed = folder.listed()
        folder.add(_LIST, listed)
        folder.add(_SIGNATURE, sign(listed))
        folder.close()
        part.rename(out)
        sync_folder(out.parent)
    finally:
        # Not there any more once it has its name.
        shutil.rmtree(part, ignore_errors=True)
    digest = hashlib.sha256(listed).hexdigest()
    return HandedOver(len(plan.ready), handed, folder.written, digest)


def _write(
    casebook: Casebook, plan: Plan, folder: "_Folder", progress: Callable[[int, int], None]
) -> int:
    """Write everything but the list. Returns the number of documents."""
    own = [one.code for one in casebook.campaign.reviewing.fields]
    numbering, count = Numbering(casebook), 0
    with (
        folder.file("cases.csv") as table,
        folder.file("cases.jsonl") as lines,
        folder.file("load.dat") as load,
    ):
        table(load_files.csv_row((*load_files.CASE_HEADS, *own), head=True))
        load(load_files.dat_head())
        for done, number in enumerate(plan.ready):
            progress(done, len(plan.ready))
            case = casebook.case(number)
            with casebook.together():
                found = documents(case, numbering)
            for one in found:
                _write_document(casebook, folder, one)
                casebook.note("export", case.name, plain=one.sha256)
                load(load_files.dat_row(case.name, one, [str(each.number) for each in found]))
            told = record(casebook, case, casebook.layers.of(case), found)
            table(load_files.csv_row(load_files.case_cells(told, own)))
            lines(canonical_json.encode(told, ascii_only=False) + b"\n")
            count += len(found)
    _write_withheld(casebook, plan, folder)
    folder.add("case.schema.json", SCHEMA.read_bytes())
    folder.add("README.txt", _README.encode())
    return count


def _write_document(casebook: Casebook, folder: "_Folder", one: Document) -> None:
    if one.file is None:
        folder.add(one.path, one.text or b"")
        return
    with unaltered(casebook, one.file) as kept, folder.file(one.path) as write:
        while piece := kept.read(_READ_BYTES):
            write(piece)


def _write_withheld(casebook: Casebook, plan: Plan, folder: "_Folder") -> None:
    def rows(held: list[Held]) -> Iterator[bytes]:
        yield load_files.csv_row(load_files.PRIVILEGE_HEADS, head=True)
        for one in held:
            case = casebook.case(one.number)
            count = len(case.files) + sum(bool(part.report.text) for part in case.parts)
            yield load_files.csv_row((one.name, case.day.isoformat(), count, one.reason))

    privileged = [one for one in plan.held if one.reason == "privileged"]
    for name, held in (("privilege-log.csv", privileged), ("withheld.csv", list(plan.held))):
        folder.add(name, b"".join(rows(held)))


class _Folder:
    """An empty folder whose files are hashed while they are written, and all of it made durable."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._hashes: dict[str, str] = {}
        self.written = 0
        for name in (TEXTS, NATIVES):
            (path / name).mkdir(mode=0o700)

    @contextlib.contextmanager
    def file(self, name: str) -> Iterator[Callable[[bytes], None]]:
        """A new file; the function writes to it."""
        digest = hashlib.sha256()
        with open(self._path / name, "xb", opener=_private) as file:

            def write(data: bytes) -> None:
                digest.update(data)
                self.written += file.write(data)

            yield write
            _fsync(file)
        self._hashes[name] = digest.hexdigest()

    def add(self, name: str, data: bytes) -> None:
        """Write a whole file."""
        with self.file(name) as write:
            write(data)

    def listed(self) -> bytes:
        """The hashes of all files so far, as sha256sum writes them."""
        lines = (f"{sha256}  {name}\n" for name, sha256 in sorted(self._hashes.items()))
        return "".join(lines).encode()

    def close(self) -> None:
        """Make the folders durable."""
        for one in (self._path / TEXTS, self._path / NATIVES, self._path):
            sync_folder(one)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _fsync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
