"""Transcripts that go to counsel: beside their files, and never in place of them.

Each says which machine read it, and that nobody has compared it with the picture.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from scripts.desk.case import Case
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.custody import digest
from scripts.desk.identity import names
from scripts.desk.production.dossier_words import Words
from scripts.desk.production.translated import NAMELESS
from scripts.desk.redaction.leaving_transcripts import (
    LeavingTranscript,
    LeavingTurn,
    leaving_transcripts,
)
from scripts.desk.redaction.standing import Standing
from scripts.desk.transcripts.transcript import Who

TRANSCRIPTS = "transcripts"
# Left of each turn: whose it is.
_SIGNS = {Who.LEFT: "← ", Who.RIGHT: "→ ", Who.SYSTEM: "· ", Who.TEXT: "  "}
# Text below this certainty, in percent, is marked.
UNCERTAIN = 80


@dataclass(frozen=True, repr=False)
class Transcribed:
    """What *machine* read in the file whose document has the number ``of``, as it leaves.

    ``by`` had it read on ``day``; ``data`` is its text, which is at ``path``. No repr: it is
    plaintext.
    """

    of: str
    machine: str
    by: str
    day: date
    path: str
    data: bytes
    read: LeavingTranscript

    @property
    def sha256(self) -> str:
        """The SHA-256 of its text as it leaves."""
        return digest(self.data)

    @property
    def told(self) -> str:
        """Who had it read, and by which machine, on one line."""
        return f"{self.by}, by machine: {self.machine}"

    def to_json(self) -> dict[str, Any]:
        """The JSON that case.schema.json describes."""
        return {
            "of": self.of,
            "machine": self.machine,
            "by": self.by,
            "day": self.day.isoformat(),
            "sha256": self.sha256,
            "path": self.path,
            "notes": list(self.read.sentences),
            "pages": [vars(one) for one in self.read.pages],
            "turns": [_turn_values(one) for one in self.read.turns],
        }


def transcribed(
    casebook: Casebook, case: Case, numbers: Mapping[str, str], redactions: Standing, word: Words
) -> list[Transcribed]:
    """The latest transcript of each file of *case* as it leaves, in the order of the files.

    *numbers* are those of the documents that are files, by the SHA-256 of what was sent; *word* has
    the labels.
    """
    known = names(casebook)
    found = list[Transcribed]()
    for kept, left in leaving_transcripts(casebook, case, redactions):
        number, by = numbers[kept.source], known.get(kept.reviewer, NAMELESS)
        shown = word("nameless") if by == NAMELESS else by
        head = word("transcript", machine=kept.machine, by=shown, day=kept.day)
        lines = (f"[{head}]", "", *lines_of(left, word))
        data = "".join(f"{line}\n" for line in lines).encode()
        path = f"{TRANSCRIPTS}/{number}.txt"
        found.append(Transcribed(number, kept.machine, by, kept.day, path, data, left))
    return found


def lines_of(read: LeavingTranscript, word: Words) -> Iterator[str]:
    """A line for each turn, with page numbers if there are several, and what was not read."""
    if any(one.who in (Who.LEFT, Who.RIGHT) for one in read.turns):
        yield word("legend")
    page = 0
    for one in read.turns:
        if one.page != page and len(read.pages) > 1:
            yield word("transcript_page", page=one.page)
        page = one.page
        yield _line(one)
    if not read.turns:
        yield word("nothing_read")
    yield from (f"({one})" for one in read.sentences)


def of_file(found: Sequence[Transcribed], number: str) -> Transcribed | None:
    """The transcript of the file whose document has this number."""
    return next((one for one in found if one.of == number), None)


def _line(turn: LeavingTurn) -> str:
    name = f"{turn.name}: " if turn.name else ""
    uncertain = turn.confidence is not None and turn.confidence < UNCERTAIN
    sign = _SIGNS[Who(turn.who)] if turn.who else "  "
    return f"{sign}{name}{turn.text}{' (?)' if uncertain else ''}"


def _turn_values(turn: LeavingTurn) -> dict[str, Any]:
    return {
        "page": turn.page,
        "who": turn.who,
        "name": turn.name,
        "text": turn.text,
        "lines": [
            {
                "text": line.text,
                "redacted": bool(line.reasons),
                "box": list(line.box) if line.box else None,
                "confidence": line.confidence,
            }
            for line in turn.lines
        ],
    }
