"""Transcripts as they leave: what is blacked out in a picture does not leave as text either.

A line is removed if a box touches it, or if it has words that are blacked out in a text of the
case. The marker in its place says why, but not where it was, how long, or who said it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from scripts.desk.case import Case
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.redactions import BOX, WHOLE
from scripts.desk.casebook.redactions import Box as PlaceOnPage
from scripts.desk.casebook.translations import Translation
from scripts.desk.redaction.line_boxes import box_of_line
from scripts.desk.redaction.redacted_words import Blacked, redacted_words, touched
from scripts.desk.redaction.standing import Standing
from scripts.desk.transcripts.transcript import Box, Line, ReadPage, Transcript, as_one


class LeavingLine(NamedTuple):
    """A line of text; if blacked out, it has ``reasons``, and ``text`` is their marker."""

    text: str
    box: Box | None = None
    confidence: int | None = None
    reasons: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        """Without the text, which is plaintext."""
        return f"LeavingLine({self.box})"


@dataclass(frozen=True, repr=False)
class LeavingTurn:
    """A turn as it leaves; ``who`` is "" if all of it is blacked out. No repr: it is plaintext."""

    page: int
    who: str
    name: str
    lines: tuple[LeavingLine, ...]

    @property
    def text(self) -> str:
        """Its lines as one, as they were before they were wrapped."""
        return as_one(line.text for line in self.lines)

    @property
    def confidence(self) -> int | None:
        """The confidence of its least certain line, None if all of it is blacked out."""
        known = [one.confidence for one in self.lines if one.confidence is not None]
        return min(known, default=None)


@dataclass(frozen=True, repr=False)
class LeavingTranscript:
    """A transcript as it leaves. No repr: it is plaintext."""

    pages: tuple[ReadPage, ...]
    turns: tuple[LeavingTurn, ...]
    sentences: tuple[str, ...]

    @property
    def text(self) -> str:
        """Its words, a line for each turn."""
        return "\n".join(f"{one.name} {one.text}" for one in self.turns)


def leaving_transcripts(
    casebook: Casebook, case: Case, redactions: Standing
) -> Iterator[tuple[Translation, LeavingTranscript]]:
    """The latest transcripts of the files of *case*, as they are stored and as they leave.

    Transcripts in a format in which this desk cannot black out do not leave.
    """
    given = casebook.translations.transcripts(case.number)
    if not given:
        return  # as of nearly all cases
    blacked = redacted_words(casebook, case, redactions)
    for sha256 in dict.fromkeys(one.attachment.sha256 for one in case.files):
        kept = given.get(sha256)
        transcript = Transcript.from_text(kept.text) if kept else None
        left = leaving(transcript, sha256, blacked, redactions) if transcript else None
        if kept and left:
            yield kept, left


def leaving(
    transcript: Transcript, sha256: str, blacked: Sequence[Blacked], redactions: Standing
) -> LeavingTranscript | None:
    """*transcript* of the file with this SHA-256, None if nothing of it leaves.

    *blacked* are the words that are blacked out in the texts of its case.
    """
    # Anything but a box hides the whole file, and so does a box on a page that does not exist.
    if any(one.kind != BOX or one.page < 1 for one in redactions.of(sha256)):
        return None
    turns = _Turns(transcript, sha256, blacked, redactions)
    hidden: dict[int, set[str]] = {}
    for at, reason in touched(transcript.sentences, blacked):
        hidden.setdefault(at, set()).add(reason)
    sentences = (
        redactions.marker(hidden[at]) if at in hidden else one
        for at, one in enumerate(transcript.sentences)
    )
    return LeavingTranscript(transcript.pages, tuple(turns.leaving()), tuple(sentences))


class _Turns:
    """The turns of a transcript, and which of their names and lines are removed and why."""

    def __init__(
        self, transcript: Transcript, sha256: str, blacked: Sequence[Blacked], redactions: Standing
    ) -> None:
        self._turns, self._redactions = transcript.turns, redactions
        self._names: list[set[str]] = [set() for _ in self._turns]
        self._lines: list[list[set[str]]] = [[set() for _ in one.lines] for one in self._turns]
        if blacked:
            self._hide_words(blacked)
        pages = {page.number: page for page in transcript.pages}
        for one in redactions.burnt(sha256):
            for at, turn in enumerate(self._turns):
                if turn.page == one.page:
                    self._hide_box(at, pages.get(turn.page), one.box, one.reason)

    def _hide_words(self, blacked: Sequence[Blacked]) -> None:
        """Hide lines with words, even if these begin in one bubble and end in the next.

        A name may be between these two, so lines are read both with names and without.
        """
        named, lines = list[tuple[str, set[str]]](), list[tuple[str, set[str]]]()
        for at, turn in enumerate(self._turns):
            here = [(line.text, why) for line, why in zip(turn.lines, self._lines[at], strict=True)]
            named += [(turn.name, self._names[at]), *here]
            lines += here
        for places in (named, lines):
            for number, reason in touched((text for text, _ in places), blacked):
                places[number][1].add(reason)

    def _hide_box(self, at: int, page: ReadPage | None, box: PlaceOnPage, reason: str) -> None:
        """Hide the lines of a turn that *box* touches; *page* is None if it is not known."""
        # The transcript does not say where a name is, so every name on this page is removed.
        self._names[at].add(reason)
        for line, reasons in zip(self._turns[at].lines, self._lines[at], strict=True):
            if page is None or _touches(box, line, page):
                reasons.add(reason)

    def leaving(self) -> list[LeavingTurn]:
        """The turns as they leave, with adjacent blacked-out ones joined."""
        found = list[LeavingTurn]()
        for at, turn in enumerate(self._turns):
            name = self._redactions.marker(self._names[at]) if self._names[at] else turn.name
            lines = self._merged(map(_line, turn.lines, self._lines[at]))
            here = LeavingTurn(turn.page, turn.who.value, name if turn.name else "", lines)
            if lines and all(one.reasons for one in lines):
                here = LeavingTurn(turn.page, "", "", lines)
            self._append(found, here)
        return found

    def _append(self, found: list[LeavingTurn], turn: LeavingTurn) -> None:
        """Add *turn*; blacked-out lines before and after its beginning are joined, whoever said
        them.

        A longer secret may span more lines, and these more bubbles.
        """
        before = found[-1] if found else None
        both = before is not None and before.page == turn.page and before.lines and turn.lines
        if before is None or not both:
            found.append(turn)
        elif not turn.who and before.lines[-1].reasons:
            found[-1] = self._with(before, self._merged((*before.lines, *turn.lines)))
        elif not before.who and turn.lines[0].reasons:
            found[-1] = self._with(turn, self._merged((*before.lines, *turn.lines)))
        else:
            found.append(turn)

    @staticmethod
    def _with(turn: LeavingTurn, lines: tuple[LeavingLine, ...]) -> LeavingTurn:
        return LeavingTurn(turn.page, turn.who, turn.name, lines)

    def _merged(self, lines: Iterable[LeavingLine]) -> tuple[LeavingLine, ...]:
        """*lines*, with consecutive blacked-out ones joined."""
        found = list[LeavingLine]()
        for one in lines:
            reasons = one.reasons
            if reasons and found and found[-1].reasons:
                reasons |= found.pop().reasons
            found.append(
                LeavingLine(self._redactions.marker(reasons), reasons=reasons) if reasons else one
            )
        return tuple(found)


def _line(line: Line, reasons: set[str]) -> LeavingLine:
    if reasons:
        return LeavingLine("", reasons=frozenset(reasons))
    return LeavingLine(line.text, line.box, line.confidence)


def _touches(box: PlaceOnPage, line: Line, page: ReadPage) -> bool:
    """Whether *box* and that of *line* overlap; an invalid box counts as the whole page."""
    place = box_of_line(line, page)
    left, top = max(box.x, 0), max(box.y, 0)
    right, bottom = min(box.x + box.width, WHOLE), min(box.y + box.height, WHOLE)
    if left >= right or top >= bottom:
        return True
    across = left < place.x + place.width and place.x < right
    return across and top < place.y + place.height and place.y < bottom
