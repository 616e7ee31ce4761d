"""Transcripts of a case's files: made by machine in a closed room, kept beside the originals."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import BinaryIO

from scripts.desk.case import Case
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.translations import TRANSCRIPT, Translation
from scripts.desk.file_access import drawing_seconds, looked_at
from scripts.desk.identity import at_desk
from scripts.desk.pictures.drawing_room import Room
from scripts.desk.pictures.frames import Page
from scripts.desk.pictures.kinds import HEAD_BYTES, IMAGES, Kind, kind_of
from scripts.desk.pictures.look import look
from scripts.desk.transcripts.layout import joined
from scripts.desk.transcripts.lines import SeenPage
from scripts.desk.transcripts.reader import Reader, ReadingFailure, reading
from scripts.desk.transcripts.recognition_room import ReadingRoom
from scripts.desk.transcripts.transcript import ReadPage, Transcript

# Only the first pages of a file are read; a screenshot takes three CPU seconds.
MOST_READ = 50
_KINDS = frozenset({*IMAGES, Kind.PDF})
_MORE = "Only its first {} of {} pages were read."
_NOT_WHOLE = "Page {} has more lines than are kept."
_TURNED = "Page {} was turned by {} degrees to be read."

# Called with the number of each finished page.
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Rooms:
    """The rooms in which a file is drawn and its pages are read, and how transcripts are marked."""

    drawing: Room
    reading: ReadingRoom
    machine: str


def unread(casebook: Casebook, case: Case, machine: str, *, again: bool = False) -> list[int]:
    """The numbers (from 1) of the files of *case* that *machine* has yet to read.

    Pictures and PDFs that were opened, each once; with *again* even those that it has read.
    """
    there = casebook.translations.transcripts(case.number)
    done = {} if again else {sha256: one.machine for sha256, one in there.items()}
    found: dict[str, int] = {}
    for number, one in enumerate(case.files, 1):
        sha256 = one.attachment.sha256
        if (
            sha256 not in found
            and done.get(sha256) != machine
            and _readable(casebook, case, number)
        ):
            found[sha256] = number
    return list(found.values())


def _readable(casebook: Casebook, case: Case, number: int) -> bool:
    one = case.files[number - 1]
    if not casebook.has_file(one.part, one.place):
        return False
    with casebook.file_path(one.attachment.sha256).open("rb") as kept:
        return kind_of(kept.read(HEAD_BYTES)) in _KINDS


def transcribe(
    casebook: Casebook,
    case: Case,
    number: int,
    rooms: Rooms,
    *,
    today: date,
    progress: Progress = lambda _page: None,
) -> Transcript:
    """Read file *number* (from 1) of *case*, and keep the transcript in the reviewer's name.

    Nothing changes until it is kept. Raises NoRoom and EvidenceError.
    """
    sha256 = case.files[number - 1].attachment.sha256
    with looked_at(casebook, case, number) as content:
        transcript = transcript_of(content, rooms, progress)
    with casebook.together():
        casebook.translations.add(
            case,
            Translation(
                source=sha256,
                kind=TRANSCRIPT,
                language="",
                machine=rooms.machine,
                text=transcript.to_text(),
                reviewer=at_desk(casebook),
                day=today,
            ),
        )
    return transcript


def transcript_of(
    content: BinaryIO, rooms: Rooms, progress: Progress = lambda _page: None
) -> Transcript:
    """The text on the pages of *content*, which is positioned at its beginning. Raises NoRoom."""
    wanted = range(1, MOST_READ + 1)
    seen: list[SeenPage] = []
    failures: list[str] = []
    with reading(rooms.reading) as reader:

        def read(page: Page) -> None:
            # The remaining pages are drawn in vain, but what drawing reveals about the file is
            # kept.
            if not failures:
                _read(reader, page, seen, failures)
            progress(page.number)

        shown = look(content, wanted, rooms.drawing, read, seconds=drawing_seconds(wanted))
    sentences = [*shown.sentences, *failures, *_said(seen)]
    if shown.total > MOST_READ:
        sentences.append(_MORE.format(MOST_READ, shown.total))
    return Transcript(
        tuple(ReadPage(page.number, page.width, page.height, page.turned) for page in seen),
        tuple(joined(seen)),
        tuple(sentences),
    )


def _read(reader: Reader, page: Page, seen: list[SeenPage], failures: list[str]) -> None:
    try:
        seen.append(reader.read(page))
    except ReadingFailure as why:
        failures.append(str(why))


def _said(seen: list[SeenPage]) -> Iterator[str]:
    for page in seen:
        if not page.whole:
            yield _NOT_WHOLE.format(page.number)
        if page.turned:
            yield _TURNED.format(page.number, page.turned)


def why_unread(casebook: Casebook, case: Case, number: int) -> str:
    """Why file *number* of *case* cannot be read, "" if it can."""
    one = case.files[number - 1]
    if not casebook.has_file(one.part, one.place):
        return "It could not be opened; see `status` for the reason."
    return "" if _readable(casebook, case, number) else "It is neither a picture nor a PDF."
