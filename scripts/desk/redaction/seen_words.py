"""Words that a machine read in pictures, and the boxes that black their lines out.

The whole line is blacked out, with a margin: where exactly a word begins in it is not known.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scripts.desk.case import Case
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.redactions import BOX, TEXT, Box
from scripts.desk.redaction.line_boxes import box_of_line
from scripts.desk.redaction.standing import Standing
from scripts.desk.redaction.word_matches import Span, occurrences
from scripts.desk.transcripts.transcript import ReadPage, Transcript, Turn


@dataclass(frozen=True, repr=False)
class Seen:
    """Words in a picture: in ``text``, at ``span``, on a page of file ``number`` (both from 1).

    ``boxes`` are the lines that they are on; none for a name above a bubble, whose position is not
    known. No repr: it is plaintext.
    """

    number: int
    sha256: str
    page: int
    text: str
    span: Span
    boxes: tuple[Box, ...]


@dataclass(frozen=True, repr=False)
class Reading:
    """The transcript of file ``number`` (from 1). No repr: it is plaintext."""

    number: int
    sha256: str
    transcript: Transcript


def seen_words(
    casebook: Casebook, case: Case, words: str, *, whole_words: bool = False
) -> list[Seen]:
    """Where a machine read *words* in files of *case*. Raises NoWords."""
    return seen_in(readings(casebook, case), words, whole_words=whole_words)


def readings(casebook: Casebook, case: Case) -> list[Reading]:
    """The latest transcripts of files of *case*, of each file once."""
    kept = casebook.translations.transcripts(case.number)
    found = dict[str, Reading]()
    for number, file in enumerate(case.files, 1):
        sha256 = file.attachment.sha256
        if sha256 in kept and sha256 not in found:
            transcript = Transcript.from_text(kept[sha256].text)
            if transcript is not None:
                found[sha256] = Reading(number, sha256, transcript)
    return list(found.values())


def seen_in(read: Sequence[Reading], words: str, *, whole_words: bool = False) -> list[Seen]:
    """Where *words* are in what was *read*. Raises NoWords."""
    found = list[Seen]()
    for one in read:
        pages = {page.number: page for page in one.transcript.pages}
        for turn in one.transcript.turns:
            for span in occurrences(turn.text, words, whole_words=whole_words):
                page = pages.get(turn.page)
                boxes = tuple(_boxes(turn, span, page)) if page else ()
                found.append(Seen(one.number, one.sha256, turn.page, turn.text, span, boxes))
            for span in occurrences(turn.name, words, whole_words=whole_words):
                found.append(Seen(one.number, one.sha256, turn.page, turn.name, span, ()))
    return found


def uncovered(found: list[Seen], counted: Standing) -> list[Seen]:
    """Those that would still be visible in what leaves."""
    return [one for one in found if not _covered(one, counted)]


def _covered(one: Seen, counted: Standing) -> bool:
    there = counted.of(one.sha256)
    if any(each.kind not in (BOX, TEXT) for each in there):
        return True
    burnt = [each.box for each in there if each.kind == BOX and each.page == one.page]
    return bool(one.boxes) and all(any(_within(box, large) for large in burnt) for box in one.boxes)


def _within(small: Box, large: Box) -> bool:
    return (
        large.x <= small.x
        and large.y <= small.y
        and small.x + small.width <= large.x + large.width
        and small.y + small.height <= large.y + large.height
    )


def _boxes(turn: Turn, span: Span, page: ReadPage) -> Iterator[Box]:
    """The lines of *turn* that *span* of its text is on."""
    for line, start in zip(turn.lines, _starts(turn), strict=True):
        if start < span.stop and span.start < start + len(line.text):
            yield box_of_line(line, page, around=True)


def _starts(turn: Turn) -> Iterator[int]:
    """Where in the text of *turn* each of its lines begins; the text has spaces between some."""
    at = 0
    for line in turn.lines:
        at = turn.text.index(line.text, at)
        yield at
        at += len(line.text)
