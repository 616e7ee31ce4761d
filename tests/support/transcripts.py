"""Transcripts in a casebook, as a machine would have made them."""

import hashlib

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.translations import TRANSCRIPT, Translation
from scripts.desk.transcripts.transcript import Line, ReadPage, Transcript, Turn, Who
from support.cases import DAY

# Of the page in which the lines below are.
WIDTH, HEIGHT = 400, 300


def line(text: str, top: int, left: int = 40, certain: int = 90) -> Line:
    """A line 100 pixels wide and 20 high."""
    return Line(text, (left, top, left + 100, top + 20), certain)


def turn(who: Who, *lines: Line, name: str = "", page: int = 1) -> Turn:
    return Turn(who, name, page, lines)


def transcript(*turns: Turn, pages: int = 1, sentences: tuple[str, ...] = ()) -> Transcript:
    read = tuple(ReadPage(number, WIDTH, HEIGHT, 0) for number in range(1, pages + 1))
    return Transcript(read, turns, sentences)


def transcribe(
    casebook: Casebook, data: bytes, read: Transcript, case: int = 1, machine: str = "machine 1"
) -> None:
    """Keep *read* as what *machine* read in the file *data*."""
    source = hashlib.sha256(data).hexdigest()
    given = Translation(source, TRANSCRIPT, "", machine, read.to_text(), "F" * 40, DAY)
    with casebook.together():
        casebook.translations.add(casebook.case(case), given)
