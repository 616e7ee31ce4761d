"""Writing a folder for counsel: cases, documents, load files, and a signed list of all hashes.

The folder has its name only once everything in it is on the disk; what was interrupted can be
thrown away, and the documents keep the numbers that they were given.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dropbox import canonical_json
from dropbox.durable_file import sync_folder
from dropbox.errors import CasedropError
from scripts.desk.case import Case
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.custody import digest
from scripts.desk.evidence import unaltered
from scripts.desk.production import load_files
from scripts.desk.production.folder import Folder
from scripts.desk.production.plan import Held, Plan, size
from scripts.desk.production.records import (
    Document,
    Numbering,
    documents,
    record,
    text_numbers,
)
from scripts.desk.production.translated import Translated, of_document, translated

SCHEMA = Path(__file__).with_name("case.schema.json")
_READ_BYTES = 2**20
_LIST, _SIGNATURE = "SHA256SUMS", "SHA256SUMS.sig"
_README = """\
What is here

cases.csv           a line for each case, for a spreadsheet (UTF-8)
cases.jsonl         the same and more, a JSON object in each line; case.schema.json says what it is
texts/              what claimants wrote, each text under its number
translations/       texts in other languages; load.dat and cases.jsonl say who made each, by hand or
                    by which machine. They are not what claimants wrote
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
        folder = Folder(part)
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
    return HandedOver(len(plan.ready), handed, folder.written, digest(listed))


def _write(
    casebook: Casebook, plan: Plan, folder: Folder, progress: Callable[[int, int], None]
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
            beside = translated(casebook, case, text_numbers(found))
            numbers = [str(one.number) for one in found]
            for one in found:
                _write_document(casebook, folder, one)
                casebook.note("export", case.name, plain=one.sha256)
                of_it = of_document(beside, str(one.number))
                load(load_files.dat_row(case.name, one, numbers, of_it))
            _write_translations(casebook, case, folder, beside)
            told = record(casebook, case, casebook.layers.of(case), found, beside)
            table(load_files.csv_row(load_files.case_cells(told, own)))
            lines(canonical_json.encode(told, ascii_only=False) + b"\n")
            count += len(found)
    _write_withheld(casebook, plan, folder)
    folder.add("case.schema.json", SCHEMA.read_bytes())
    folder.add("README.txt", _README.encode())
    return count


def _write_document(casebook: Casebook, folder: Folder, one: Document) -> None:
    if one.file is None:
        folder.add(one.path, one.text or b"")
        return
    with unaltered(casebook, one.file) as kept, folder.file(one.path) as write:
        while piece := kept.read(_READ_BYTES):
            write(piece)


def _write_translations(
    casebook: Casebook, case: Case, folder: Folder, beside: Sequence[Translated]
) -> None:
    for one in beside:
        if one.path:
            data = one.given.text.encode()
            folder.add(one.path, data)
            casebook.note("export", case.name, plain=digest(data))


def _write_withheld(casebook: Casebook, plan: Plan, folder: Folder) -> None:
    def rows(held: list[Held]) -> Iterator[bytes]:
        yield load_files.csv_row(load_files.PRIVILEGE_HEADS, head=True)
        for one in held:
            yield load_files.csv_row((one.name, *size(casebook, one), one.reason))

    privileged = [one for one in plan.held if one.reason == "privileged"]
    for name, held in (("privilege-log.csv", privileged), ("withheld.csv", list(plan.held))):
        folder.add(name, b"".join(rows(held)))
