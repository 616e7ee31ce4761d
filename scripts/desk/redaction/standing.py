"""The redactions that count, and texts as they leave: each span becomes a marker that always looks
the same.

A text or a file is found by the hash of its bytes. So what one reviewer blacked out in a file is
blacked out wherever the same file was sent, in whichever case.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from scripts.desk.case import Case, FileOfPart
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.custody import digest
from scripts.desk.casebook.redactions import BOX, TEXT, Box, Redaction
from scripts.desk.redaction.leaving_texts import BESIDE, CaseText, texts_of_case
from scripts.desk.redaction.leaving_words import LeavingWords

# The reason is a code of the campaign; whatever else another desk wrote there does not leave.
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_NO_CODE = "other"
ENGLISH = LeavingWords()


class Burnt(NamedTuple):
    """A box to burn into page ``page`` (from 1) of a file, and the code of its reason."""

    page: int
    box: Box
    reason: str


def sha256_of(text: str) -> str:
    """The hash by which redactions identify *text*."""
    # Half a character (a surrogate) has no UTF-8. No report contains one; it is not an error here.
    return digest(text.encode("utf-8", "surrogatepass"))


def code(reason: str) -> str:
    """*reason* as it may leave."""
    return reason if _CODE.fullmatch(reason) else _NO_CODE


class Standing:
    """Redactions that were not taken back, by the hash of their text or file.

    ``words`` are those of markers and slip sheets.
    """

    def __init__(self, redactions: Iterable[Redaction], words: LeavingWords = ENGLISH) -> None:
        self.words = words
        self._of: dict[str, list[Redaction]] = {}
        for one in redactions:
            self._of.setdefault(one.sha256, []).append(one)

    def __bool__(self) -> bool:
        """Whether anything is blacked out at all."""
        return bool(self._of)

    def of(self, sha256: str) -> tuple[Redaction, ...]:
        """Those of the text or file with this SHA-256."""
        return tuple(self._of.get(sha256, ()))

    def text(self, text: str) -> str:
        """*text* as it leaves."""
        pieces, done = list[str](), 0
        for start, stop, reasons in _merged(self._spans(text)):
            pieces += (text[done:start], self.marker(reasons))
            done = stop
        return "".join((*pieces, text[done:]))

    def hidden(self, text: str) -> list[tuple[str, str]]:
        """The blacked-out words in *text* with their reasons, one for each redaction."""
        return [(text[start:stop], reason) for start, stop, reason in self._spans(text)]

    def marker(self, reasons: Iterable[str]) -> str:
        """The marker in place of something: it says why, never how long it was."""
        return f"[{self.words.redacted(map(code, reasons))}]"

    def _spans(self, text: str) -> list[tuple[int, int, str]]:
        if not self._of:
            return []
        found = self._of.get(sha256_of(text), ())
        return [(*_within(one, len(text)), one.reason) for one in found]

    def values(self, value: Any) -> Any:
        """A JSON *value* with all its texts as they leave; names of fields are ours."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {name: self.values(one) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.values(one) for one in value]
        return value

    def beside(self, text: str, original: str) -> str:
        """*text*, a translation or gist of *original*, as it leaves.

        It is withheld whole unless something was blacked out in it for each reason that its
        original has redactions for: it would say the same in other words.
        """
        there = {one.reason for one in self._of.get(sha256_of(original), ())}
        here = {one.reason for one in self._of.get(sha256_of(text), ())}
        return self.text(text) if there <= here else self.marker(there)

    def shown(self, one: CaseText) -> str:
        """A text of a case as it leaves, wherever in the case it is."""
        return self.beside(one.text, one.original) if one.kind == BESIDE else self.text(one.text)

    def must_not_leave_natively(self, file: FileOfPart) -> bool:
        """Whether only pixel copies of *file* may leave, or a slip sheet."""
        return file.attachment.sha256 in self._of

    def burnt(self, sha256: str) -> list[Burnt]:
        """The boxes of the file with this SHA-256."""
        return [
            Burnt(one.page, one.box, code(one.reason)) for one in self.of(sha256) if one.kind == BOX
        ]

    def withheld(self, sha256: str) -> list[str]:
        """The reasons for which nothing of the file with this SHA-256 leaves; [] if pages do."""
        # A kind that a later version knows hides at least as much.
        whole = {code(one.reason) for one in self.of(sha256) if one.kind not in (BOX, TEXT)}
        return sorted(whole)


def standing(casebook: Casebook, language: str = "en") -> Standing:
    """All redactions that count in *casebook*, whoever added them; markers are in *language*."""
    words = LeavingWords.of(casebook.campaign, language)
    return Standing(casebook.redactions.all_standing(), words)


def must_not_leave_natively(casebook: Casebook, file: FileOfPart) -> bool:
    """Whether only pixel copies of *file* may leave. For many files, ask a :class:`Standing`."""
    return standing(casebook).must_not_leave_natively(file)


def counting(casebook: Casebook, case: Case, counted: Standing) -> list[list[object]]:
    """The redactions of *case* that count, as JSON: an approval binds them."""
    if not counted:
        return []
    hashes = {sha256_of(one.text) for one in texts_of_case(casebook, case)}
    hashes |= {one.attachment.sha256 for one in case.files}
    found = {one for sha256 in hashes for one in counted.of(sha256)}
    found |= set(casebook.redactions.standing(case.number))
    return sorted([*one[:-1], one.day.isoformat()] for one in found)


def _within(one: Redaction, length: int) -> tuple[int, int]:
    """The span of *one* in a text of *length* characters; the whole text if it does not fit."""
    if one.kind == TEXT and 0 <= one.start < one.stop <= length:
        return one.start, one.stop
    return 0, length


def _merged(spans: Sequence[tuple[int, int, str]]) -> list[tuple[int, int, set[str]]]:
    """*spans* in order, with those joined that overlap or touch, and the reasons of each."""
    found: list[tuple[int, int, set[str]]] = []
    for start, stop, reason in sorted(spans):
        if found and start <= found[-1][1]:
            first, last, reasons = found[-1]
            found[-1] = first, max(last, stop), reasons | {reason}
        else:
            found.append((start, stop, {reason}))
    return found
