"""What a fact rests on: a part, an answer or a file of its case, with page or line.

It is stored as hashes and block ids, which are the same at every desk; people see numbers.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dropbox.label import trilingual
from scripts.desk.case import Answer, Case
from scripts.desk.casebook.translations import source_of_answer

PART, FILE, ANSWER = "part", "file", "answer"
_WRITTEN = re.compile(
    "(part|file|answer) ([0-9a-f]{32}|[0-9a-f]{64})(?: page ([1-9][0-9]{0,6}))?"
    "(?: line ([1-9][0-9]{0,6}))?",
    re.ASCII,
)


_NAMES = {
    PART: trilingual("来文 {}", "來文 {}", "part {}"),
    FILE: trilingual("文件 {}", "檔案 {}", "file {}"),
    ANSWER: trilingual("答复 {}", "答覆 {}", "answer {}"),
}
_PAGE = trilingual("第 {} 页", "第 {} 頁", "page {}")
_LINE = trilingual("第 {} 行", "第 {} 行", "line {}")
ELSEWHERE = trilingual("案外来源", "案外來源", "from elsewhere")
_NOT_HERE = trilingual("这里没有的来源", "這裡沒有的來源", "something that is not here")


@dataclass(frozen=True)
class Source:
    """A part (``key`` is its block id), a file (its SHA-256), an answer (that of its text).

    With the kind "" it is something else, which the fact's text should name. ``page`` and ``line``
    count from 1; 0 is none. A line is one of the text or, for a file, of its transcript.
    """

    kind: str = ""
    key: str = ""
    page: int = 0
    line: int = 0

    @property
    def written(self) -> str:
        """The source as it is stored; :func:`read` reads it."""
        page, line = f" page {self.page}" * bool(self.page), f" line {self.line}" * bool(self.line)
        return f"{self.kind} {self.key}{page}{line}" if self.kind else ""


def read(written: str) -> Source | None:
    """A stored source; None for a notation that this desk does not know."""
    if not written:
        return Source()
    found = _WRITTEN.fullmatch(written)
    if found is None:
        return None
    return Source(found[1], found[2], int(found[3] or 0), int(found[4] or 0))


class Sources:
    """The sources of one case by the numbers that people use, those of `show` and `files`."""

    def __init__(self, case: Case, answers: Sequence[Answer]) -> None:
        parts = [part.block_id.hex() for part in case.parts]
        files = [one.attachment.sha256 for one in case.files]
        texts = [source_of_answer(one.text) for one in answers]
        self._keys: Mapping[str, Sequence[str]] = {PART: parts, FILE: files, ANSWER: texts}
        self._names = [one.attachment.name for one in case.files]

    def source(self, kind: str, number: int, *, page: int = 0, line: int = 0) -> Source | None:
        """The part, file or answer with this number (from 1), None if there is none."""
        keys = self._keys[kind]
        return Source(kind, keys[number - 1], page, line) if 0 < number <= len(keys) else None

    def number(self, source: Source) -> int:
        """Its number among those of its kind, 0 if it is not here."""
        keys = self._keys.get(source.kind, ())
        return keys.index(source.key) + 1 if source.key in keys else 0

    def shown(self, written: str, language: str) -> str:
        """A stored source in words: "file 2, page 3"."""
        source = read(written)
        if source is not None and not source.kind:
            return ELSEWHERE.in_(language)
        number = self.number(source) if source is not None else 0
        if source is None or not number:
            return _NOT_HERE.in_(language)
        words = [_NAMES[source.kind].in_(language).format(number)]
        words += [_PAGE.in_(language).format(source.page)] if source.page else []
        words += [_LINE.in_(language).format(source.line)] if source.line else []
        return ("，" if language.startswith("zh") else ", ").join(words)

    def values(self, written: str) -> dict[str, Any] | None:
        """A stored source for programs: ``{"file": 2, "sha256": …}``; None for anything else."""
        source = read(written)
        if source is None or not source.kind:
            return None
        key = "block" if source.kind == PART else "sha256"
        found: dict[str, Any] = {source.kind: self.number(source) or None, key: source.key}
        found |= {"page": source.page} if source.page else {}
        return found | ({"line": source.line} if source.line else {})
