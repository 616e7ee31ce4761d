"""Writing one case after another into the folder: its lines, its documents and its dossier.

Nothing of a case is kept once the next one is written, so memory does not grow with their number.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from dropbox import canonical_json
from scripts.desk.case import Case
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.custody import digest
from scripts.desk.casebook.productions import DOSSIER
from scripts.desk.evidence import unaltered
from scripts.desk.production import load_files
from scripts.desk.production.dossier import DOSSIERS, Making, Told, dossier
from scripts.desk.production.folder import Folder
from scripts.desk.production.records import (
    Document,
    Numbering,
    documents,
    record,
    text_numbers,
)
from scripts.desk.production.translated import Translated, of_document, sent, translated

_READ_BYTES = 2**20
Write = Callable[[bytes], None]


class CaseWriter:
    """Writes cases into a folder whose tables are open."""

    def __init__(
        self,
        folder: Folder,
        casebook: Casebook,
        making: Making,
        *,
        table: Write,
        lines: Write,
        load: Write,
    ) -> None:
        self._folder, self._casebook, self._making = folder, casebook, making
        self._table, self._lines, self._load = table, lines, load
        self._own = [one.code for one in casebook.campaign.reviewing.fields]
        # Before this hand-over adds lines of its own.
        self._acts = casebook.productions.acts()
        self._numbering = Numbering(casebook)

    @classmethod
    @contextmanager
    def into(cls, folder: Folder, casebook: Casebook, making: Making) -> Iterator["CaseWriter"]:
        """A writer into the new *folder*, whose tables are whole when the block ends."""
        with (
            folder.file("cases.csv") as table,
            folder.file("cases.jsonl") as lines,
            folder.file("load.dat") as load,
        ):
            writer = cls(folder, casebook, making, table=table, lines=lines, load=load)
            table(load_files.csv_row(load_files.case_heads(casebook.campaign), head=True))
            load(load_files.dat_head())
            yield writer

    def write(self, case: Case) -> int:
        """Write *case*. Returns the number of its documents."""
        with self._casebook.together():
            found = documents(case, self._numbering)
        beside = translated(self._casebook, case, text_numbers(found))
        numbers = [str(one.number) for one in found]
        for one in found:
            self._write_document(one)
            self._note(case, one.sha256)
            of_it = of_document(beside, str(one.number))
            self._load(load_files.dat_row(case.name, one, numbers, of_it))
        self._write_translations(case, beside)
        reviews = self._casebook.layers.of(case)
        told = record(self._casebook, case, reviews, found, beside)
        told["dossier"] = self._write_dossier(case, told, found, beside)
        self._table(load_files.csv_row(load_files.case_cells(told, self._own)))
        self._lines(canonical_json.encode(told, ascii_only=False) + b"\n")
        return len(found)

    def _write_document(self, one: Document) -> None:
        if one.file is None:
            self._folder.add(one.path, one.text or b"")
            return
        with unaltered(self._casebook, one.file) as kept, self._folder.file(one.path) as write:
            while piece := kept.read(_READ_BYTES):
                write(piece)

    def _write_translations(self, case: Case, beside: Sequence[Translated]) -> None:
        for one in beside:
            if one.path:
                data = one.given.text.encode()
                self._folder.add(one.path, data)
                self._note(case, digest(data))

    def _write_dossier(
        self,
        case: Case,
        told: dict[str, Any],
        found: Sequence[Document],
        beside: Sequence[Translated],
    ) -> dict[str, Any]:
        """Write the dossier of *case*. Returns what its record says of it."""
        casebook, making = self._casebook, self._making
        whole, former = casebook.names.characters(case.number), casebook.names.former(case.number)
        acts = self._acts.of(whole, former)
        # What is in it decides whether it is the same dossier as one before: then its number is.
        content = [told, acts, making.language, making.day.isoformat(), making.prepared]
        content.append(list(making.approved))
        source = digest(canonical_json.encode(content, ascii_only=True))
        with casebook.together():
            number = self._numbering.of(case, source, DOSSIER)
        answers = sent(casebook, case)
        made = dossier(making, Told(case, told, found, beside, answers, acts), number)
        path = f"{DOSSIERS}/{number}.pdf"
        self._folder.add(path, made.data)
        sha256 = digest(made.data)
        self._note(case, sha256)
        return {"number": str(number), "pages": made.pages, "path": path, "sha256": sha256}

    def _note(self, case: Case, sha256: str) -> None:
        """Note in the custody log that something of *case* with this hash was written out."""
        self._casebook.note("export", case.name, plain=sha256)
