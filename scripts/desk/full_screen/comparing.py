"""Two cases side by side: their stories, with a mark on what the other does not say.

As for linking cases, texts are compared by the 3-grams of their folded letters: either script,
case, spaces and the order of passages make no difference, and the time only grows with the length.
"""

import re
from collections.abc import Iterator, Sequence

from scripts.desk.case import Case
from scripts.desk.full_screen.wrapped import Line, steady, unisolated
from scripts.desk.screen.cases import file_line
from scripts.desk.search.folding import letters

# The limit for a case; comparing a longer story takes longer than a reviewer waits.
_MOST_CHARACTERS = 50_000
_GRAM = 3
# Word characters without Chinese ones, each of which is a word.
_WORD = re.compile("[^\\W\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")


def compared(case: Case, other: Case) -> Iterator[Line]:
    """The story and the files of *case*, marked where *other* has nothing like it."""
    grams = set[str]()
    for text in _texts(other):
        grams |= _grams(_folded(text)[0])
    for part, text in zip(case.parts, _texts(case), strict=True):
        report = part.report
        yield Line(f"── {report.kind}, {part.day}, {report.language}", "head")
        yield Line(text or "(no text)", marks=differing(text, grams))
        if len(text) < len(report.text):
            yield Line("(The rest is too long to compare; the case shows it.)", "warning")
        yield Line("")
    yield from _files(case, other)


def _texts(case: Case) -> Iterator[str]:
    """The texts of the parts as they are shown, as far as they are compared."""
    left = _MOST_CHARACTERS
    for part in case.parts:
        text = part.report.text[:left]
        left -= len(text)
        yield steady(text)


def _files(case: Case, other: Case) -> Iterator[Line]:
    theirs = {one.attachment.sha256 for one in other.files}
    for number, one in enumerate(case.files, 1):
        same = one.attachment.sha256 in theirs
        style, remark = ("", "in both") if same else ("differs", "only here")
        yield Line(unisolated(f"{number}. {file_line(one)}: {remark}"), style)


def differing(text: str, grams: set[str]) -> bytes:
    """A byte for each character of *text*: 1 if it belongs to none of *grams*, else 0.

    A word is marked as a whole.
    """
    folded, owners = _folded(text)
    covered = bytearray(len(folded))
    for index in range(max(1, len(folded) - _GRAM + 1)):
        if folded[index : index + _GRAM] in grams:
            covered[index : index + _GRAM] = b"\1" * len(folded[index : index + _GRAM])
    marks = bytearray(len(text))
    for owner, is_covered in zip(owners, covered, strict=True):
        marks[owner] |= not is_covered
    for word in _WORD.finditer(text):
        if any(marks[word.start() : word.end()]):
            marks[word.start() : word.end()] = b"\1" * (word.end() - word.start())
    return bytes(marks)


def _folded(text: str) -> tuple[str, Sequence[int]]:
    """The folded letters of *text*, and for each of them the character that it comes from."""
    folded, owners = list[str](), list[int]()
    for index, character in enumerate(text):
        found = letters(character)
        folded.append(found)
        owners += [index] * len(found)
    return "".join(folded), owners


def _grams(folded: str) -> set[str]:
    return {folded[index : index + _GRAM] for index in range(max(1, len(folded) - _GRAM + 1))}
