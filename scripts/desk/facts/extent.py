"""The extent of a source: the pages and lines that a fact can name, as far as they are known.

No file is opened for this. Its first bytes say whether it is a text or a single picture, and a
complete transcript says how many pages and lines were read.
"""

from collections.abc import Sequence
from typing import NamedTuple

from scripts.desk.case import Answer, Case
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.facts.sources import ANSWER, PART
from scripts.desk.pictures.kinds import HEAD_BYTES, Kind, kind_of
from scripts.desk.transcripts.transcript import Transcript

# Files of other kinds of pictures can hold several.
_SINGLE = frozenset({Kind.PNG, Kind.JPEG, Kind.BMP})


class Extent(NamedTuple):
    """How many pages and lines a source has; None if that is not known here."""

    pages: int | None = None
    lines: int | None = None


def extent(
    casebook: Casebook, case: Case, answers: Sequence[Answer], kind: str, number: int
) -> Extent:
    """The extent of the part, file or answer with this number, which exists."""
    if kind == PART:
        return Extent(0, len(case.parts[number - 1].report.text.splitlines()))
    if kind == ANSWER:
        return Extent(0, len(answers[number - 1].text.splitlines()))
    one = case.files[number - 1]
    kept = casebook.translations.transcripts(case.number).get(one.attachment.sha256)
    read = Transcript.from_text(kept.text) if kept else None
    if read is not None and read.pages and not read.sentences:
        return Extent(
            max(page.number for page in read.pages), sum(len(turn.lines) for turn in read.turns)
        )
    path = casebook.file_path(one.attachment.sha256)
    # Not opened, or lost with a disk: other commands say so.
    if not casebook.has_file(one.part, one.place) or not path.exists():
        return Extent()
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        found = kind_of(head)
        if found is Kind.TEXT:
            return Extent(lines=len((head + file.read()).splitlines()))
    return Extent(pages=1 if found in _SINGLE else None)
