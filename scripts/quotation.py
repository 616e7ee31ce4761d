"""Finding a claimant's own words in an answer: whoever forces a codename out of somebody must not read the case there.

Compared is what a reader would call the same words: width, case, script (traditional or simplified), accents, invisible
signs, white space and punctuation make no difference.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple, Self

from opencc import OpenCC

from scripts.case import Case

CHARACTERS, WORDS = 8, 5
# A word of letters weighs as much more than a Chinese character as fewer of them are a quotation: 5 words, 8 characters.
_ENOUGH = CHARACTERS * WORDS
_CHARACTER = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_TOKEN = re.compile(rf"[{_CHARACTER}]|[^\W_{_CHARACTER}]+")
# Taiwan's 帳號 and 紀錄 become 帐号 and 纪录, which on the mainland are written 账号 and 记录.
_REGIONAL = str.maketrans("帐纪", "账记")


class Quotation(NamedTuple):
    """How long the longest run is that two texts share: so many Chinese characters and so many other words."""

    characters: int
    words: int

    @classmethod
    def of(cls, tokens: Sequence[str]) -> Self:
        """The length of a run."""
        characters = sum(map(_is_character, tokens))
        return cls(characters, len(tokens) - characters)

    def __str__(self) -> str:
        parts = [(self.characters, "character"), (self.words, "word")]
        return " and ".join(f"{count} {name}{'s' if count > 1 else ''}" for count, name in parts if count)


def quotation(answer: str, words: Iterable[str]) -> Quotation | None:
    """The longest run of *answer* that stands in one of the texts *words*, None when none is long enough to tell.

    A run may be pieced together of shorter ones that overlap: as long as it takes to tell them, each stands there.
    """
    mine = _tokens(answer)
    windows = list(_windows(mine))
    runs = [run for text in words for run in _runs(windows, {window for _, window in _windows(_tokens(text))})]
    found = [Quotation.of(mine[start:end]) for start, end in runs]
    return max(found, key=lambda one: one.characters * WORDS + one.words * CHARACTERS, default=None)


def _runs(windows: Iterable[tuple[int, tuple[str, ...]]], theirs: set[tuple[str, ...]]) -> Iterator[tuple[int, int]]:
    """Where the runs of *windows* that stand in *theirs* start and end."""
    start = end = last = -1
    for at, window in windows:
        if window in theirs:
            if at != last + 1 and end > 0:
                yield start, end
            start, end, last = (start if at == last + 1 and end > 0 else at), at + len(window), at
    if end > 0:
        yield start, end


def claimants_words(case: Case) -> Iterator[str]:
    """Everything that the claimant wrote: texts, file names, short answers to questions."""
    for part in case.parts:
        yield part.report.text
        yield from (attachment.name for attachment in part.report.attachments)
        yield from _strings(part.report.facts)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for one in value.values() for text in _strings(one))
    elif isinstance(value, list):
        yield from (text for one in value for text in _strings(one))


@cache
def _simplifying() -> OpenCC:
    return OpenCC("t2s")


def _tokens(text: str) -> list[str]:
    """Each Chinese character and each other word, folded."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    seen = "".join(sign for sign in plain if unicodedata.category(sign) not in ("Cf", "Mn", "Me"))
    simplified = str(_simplifying().convert(unicodedata.normalize("NFC", seen)))
    return _TOKEN.findall(simplified.translate(_REGIONAL))


def _is_character(token: str) -> bool:
    return re.match(rf"[{_CHARACTER}]", token) is not None


def _windows(tokens: list[str]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """From each place the shortest run that is a quotation; what two texts share begins with the same run in both."""
    for at in range(len(tokens)):
        window: list[str] = []
        weight = 0
        for token in tokens[at : at + CHARACTERS]:
            window.append(token)
            weight += WORDS if _is_character(token) else CHARACTERS
            if weight >= _ENOUGH:
                yield at, tuple(window)
                break
