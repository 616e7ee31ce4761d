"""Finding a claimant's own words in an answer: somebody who extorts a codename must not read them.

Two texts share words if a reader would call them the same: width, case, script (traditional or
simplified), accents, invisible characters, white space, pictures and punctuation make no
difference.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple, Self

from scripts.desk.case import Case
from scripts.desk.search.folding import is_character, is_picture
from scripts.desk.search.folding import words as folded_words

CHARACTERS, WORDS = 8, 5
# A run of 5 words or 8 Chinese characters is a quotation; in a mixed run, 5 words count as much as
# 8 characters.
_ENOUGH = CHARACTERS * WORDS
# Taiwan's 紀錄 converts to 纪录, but the mainland writes 记录.
_REGIONAL = str.maketrans("紀纪", "记记")


class Quotation(NamedTuple):
    """The length of a run that two texts share: its Chinese characters and its other words."""

    characters: int
    words: int

    @classmethod
    def of(cls, tokens: Sequence[str]) -> Self:
        """The length of the run *tokens*."""
        characters = sum(map(is_character, tokens))
        return cls(characters, len(tokens) - characters)

    def __str__(self) -> str:
        parts = [(self.characters, "character"), (self.words, "word")]
        return " and ".join(
            f"{count} {name}{'s' if count > 1 else ''}" for count, name in parts if count
        )


def quotation(answer: str, words: Iterable[str]) -> Quotation | None:
    """The longest run of *answer* that is in one of the texts *words*, None if none is long enough.

    A run may consist of shorter runs that overlap, each of which is long enough and is in the text.
    """
    mine = _tokens(answer)
    windows = list(_windows(mine))
    runs = [
        run
        for text in words
        for run in _runs(windows, {window for _, window in _windows(_tokens(text))})
    ]
    found = [Quotation.of(mine[start:end]) for start, end in runs]
    return max(found, key=lambda one: one.characters * WORDS + one.words * CHARACTERS, default=None)


def _runs(
    windows: Iterable[tuple[int, tuple[str, ...]]], theirs: set[tuple[str, ...]]
) -> Iterator[tuple[int, int]]:
    """The start and end of each run of *windows* that are in *theirs*."""
    shared = [(at, at + len(window)) for at, window in windows if window in theirs]
    # Windows that begin one word apart belong to one run: both indexes advance by one.
    for _, run in groupby(enumerate(shared), lambda one: one[1][0] - one[0]):
        windows_of_run = [window for _, window in run]
        yield windows_of_run[0][0], windows_of_run[-1][1]


def claimants_words(case: Case) -> Iterator[str]:
    """Everything that the claimant of *case* wrote: texts, file names, answers to questions."""
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


def _tokens(text: str) -> list[str]:
    """The Chinese characters and other words of *text*, folded as for finding, without accents."""
    plain = "".join(
        character
        for character in unicodedata.normalize("NFKD", text)
        if unicodedata.category(character) not in ("Mn", "Me")
    )
    return [word for word in folded_words(plain.translate(_REGIONAL)) if not is_picture(word)]


def _windows(tokens: list[str]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """At each index, the shortest run that is a quotation: longer shared runs begin with one."""
    for at in range(len(tokens)):
        window: list[str] = []
        weight = 0
        for token in tokens[at : at + CHARACTERS]:
            window.append(token)
            weight += WORDS if is_character(token) else CHARACTERS
            if weight >= _ENOUGH:
                yield at, tuple(window)
                break
