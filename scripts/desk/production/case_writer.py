"""Writing one case after another into the folder: its lines, its documents and its dossier.

Nothing of a case is kept once the next one is written, so memory does not grow with their number.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from dropbox import canonical_json
from scripts.desk.case import Case
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.custody import digest
from scripts.desk.casebook.productions import DOSSIER, Act
from scripts.desk.evidence import unaltered
from scripts.desk.pictures.drawing_room import Room
from scripts.desk.production import load_files
from scripts.desk.production.dossier import DOSSIERS, dossier
from scripts.desk.production.dossier_contents import MOST_SHOWN, Making, Shown, Told
from scripts.desk.production.dossier_words import words
from scripts.desk.production.folder import Folder
from scripts.desk.production.follow_the_money import Entities
from scripts.desk.production.imaging import imaged
from scripts.desk.production.records import (
    Document,
    Numbering,
    documents,
    file_numbers,
    record,
    text_numbers,
)
from scripts.desk.production.told_facts import told_facts
from scripts.desk.production.transcribed import Transcribed, transcribed
from scripts.desk.production.transcribed import of_file as transcript_of
from scripts.desk.production.translated import Translated, of_document, translated
from scripts.desk.redaction.standing import counting, standing

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
        images: Write,
        entity_lines: Write,
        entities: Entities,
        room: Room | None,
    ) -> None:
        self._folder, self._casebook, self._making = folder, casebook, making
        self._table, self._lines, self._load, self._images = table, lines, load, images
        self._entity_lines, self._entities = entity_lines, entities
        self._room = room
        self._redactions = standing(casebook, making.language)
        self._word = words(making.language)
        self._own = [one.code for one in casebook.campaign.reviewing.fields]
        # Read before this hand-over adds lines of its own.
        self._acts = casebook.productions.acts()
        self._numbering = Numbering(casebook)

    @classmethod
    @contextmanager
    def into(
        cls,
        folder: Folder,
        casebook: Casebook,
        making: Making,
        entities: Entities,
        room: Room | None,
    ) -> Iterator["CaseWriter"]:
        """A writer into the new *folder*, whose tables are complete when the block ends.

        Files are drawn in *room*; without one they get slip sheets.
        """
        with (
            folder.file("cases.csv") as table,
            folder.file("cases.jsonl") as lines,
            folder.file("load.dat") as load,
            folder.file("load.opt") as images,
            folder.file("entities.ftm.json") as entity_lines,
        ):
            writer = cls(
                folder, casebook, making,
                table=table, lines=lines, load=load, images=images, room=room,
                entity_lines=entity_lines, entities=entities,
            )  # fmt: skip
            table(load_files.csv_row(load_files.case_heads(casebook.campaign), head=True))
            load(load_files.dat_head())
            yield writer

    def write(self, case: Case) -> int:
        """Write *case*. Returns the number of its documents."""
        with self._casebook.together():
            found = documents(case, self._numbering, self._redactions)
        beside = translated(self._casebook, case, text_numbers(found), self._redactions)
        files = file_numbers(found)
        read = transcribed(self._casebook, case, files, self._redactions, self._word)
        shown = list[Shown]()
        found = [self._write_document(case, one, shown) for one in found]
        for one in found:
            of_it = of_document(beside, str(one.number))
            of_file = transcript_of(read, str(one.number))
            self._load(load_files.dat_row(case.name, one, found, of_it, of_file))
            self._images(load_files.opt_rows(one))
        self._write_beside(case, beside, read)
        reviews = self._casebook.layers.of(case)
        told = {
            **record(
                *(self._casebook, case, reviews, found, beside, self._redactions),
                [one.to_json() for one in read],
            ),
            **told_facts(self._casebook, case, found, self._redactions),
        }
        leaving = {one.sha256 for one in found} | {one.sha256 for one in read}
        leaving |= {digest(one.given.text.encode()) for one in beside}
        acts = self._acts_of(case, leaving)
        told["dossier"] = self._write_dossier(
            case, Told(case, told, found, beside, acts, read, shown)
        )
        self._table(load_files.csv_row(load_files.case_cells(told, self._own)))
        self._lines(canonical_json.encode(told, ascii_only=False) + b"\n")
        for line in self._entities.lines(told, found):
            self._entity_lines(line)
        return len(found)

    def _write_document(self, case: Case, one: Document, shown: list[Shown]) -> Document:
        """Write a text or a file, and pictures of its pages. Returns it with their number.

        The first few pictures of files are added to *shown*, for the dossier.
        """
        if one.file is None:
            self._folder.add(one.path, one.text or b"")
        elif one.path:
            self._write_native(one)
        if one.sha256:
            self._note(case, one.sha256)
        count = 0
        for page in imaged(self._casebook, self._redactions, one, self._room, self._word):
            count += 1
            self._folder.add(page.path, page.png)
            self._note(case, digest(page.png))
            if page.small is not None and len(shown) < MOST_SHOWN:
                shown.append(Shown(page.number, *page.small))
        return replace(one, pages=count)

    def _write_native(self, one: Document) -> None:
        assert one.file is not None
        with unaltered(self._casebook, one.file) as kept, self._folder.file(one.path) as write:
            while piece := kept.read(_READ_BYTES):
                write(piece)

    def _acts_of(self, case: Case, leaving: Collection[str]) -> list[Act]:
        """What the custody log says about *case*, without hashes other than those *leaving*.

        A hash would confirm a guess at what is redacted.
        """
        casebook = self._casebook
        whole, former = casebook.names.characters(case.number), casebook.names.former(case.number)
        acts = self._acts.of(whole, former)
        if not counting(casebook, case, self._redactions):
            return acts
        return [one if one.plain in leaving else one._replace(plain="") for one in acts]

    def _write_beside(
        self, case: Case, beside: Sequence[Translated], read: Sequence[Transcribed]
    ) -> None:
        """Write translations of texts, and transcripts of files."""
        texts = [(one.path, one.given.text.encode()) for one in beside if one.path]
        for path, data in (*texts, *((one.path, one.data) for one in read)):
            self._folder.add(path, data)
            self._note(case, digest(data))

    def _write_dossier(self, case: Case, told: Told) -> dict[str, Any]:
        """Write the dossier of *case*. Returns what its record says about it."""
        making = self._making
        # Its content decides whether it is the same dossier as an earlier one, and keeps its
        # number.
        content = [told.told, told.acts, making.language, making.day.isoformat(), making.prepared]
        content += [list(making.approved), [digest(one.jpeg) for one in told.shown]]
        source = digest(canonical_json.encode(content, ascii_only=True))
        with self._casebook.together():
            number = self._numbering.of(case, source, DOSSIER)
        made = dossier(making, told, number)
        path = f"{DOSSIERS}/{number}.pdf"
        self._folder.add(path, made.data)
        sha256 = digest(made.data)
        self._note(case, sha256)
        return {"number": str(number), "pages": made.pages, "path": path, "sha256": sha256}

    def _note(self, case: Case, sha256: str) -> None:
        """Record in the custody log that something in *case* with this hash was written out."""
        self._casebook.note("export", case.name, plain=sha256)
