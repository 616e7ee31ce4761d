"""Finding a claimant's own words in an answer: whoever forces a codename out of somebody must not read the case there.

Compared is what a reader would call the same words: width, case, script (traditional or simplified), accents, invisible
signs, white space, pictures and punctuation make no difference.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Self

from scripts.desk.case import Case
from scripts.desk.search.folding import is_character, is_picture
from scripts.desk.search.folding import words as folded_words

CHARACTERS, WORDS = 8, 5
# A word of letters weighs as much more than a Chinese character as fewer of them are a quotation: 5 words, 8 characters.
_ENOUGH = CHARACTERS * WORDS
# Taiwan's 紀錄 becomes 纪录, which on the mainland is written 记录.
_REGIONAL = str.maketrans("紀纪", "记记")


class Quotation(NamedTuple):
    """How long the longest run is that two texts share: so many Chinese characters and so many other words."""

    characters: int
    words: int

    @classmethod
    def of(cls, tokens: Sequence[str]) -> Self:
        """The length of a run."""
        characters = sum(map(is_character, tokens))
        return cls(characters, len(tokens) - characters)

    def __str__(self) -> str:
        parts = [(self.characters, "character"), (self.words, "word")]
        return " and ".join(
            f"{count} {name}{'s' if count > 1 else ''}" for count, name in parts if count
        )


def quotation(answer: str, words: Iterable[str]) -> Quotation | None:
    """The longest run of *answer* that stands in one of the texts *words*, None when none is long enough to tell.

    A run may be pieced together of shorter ones that overlap: as long as it takes to tell them, each stands there.
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


def _tokens(text: str) -> list[str]:
    """Each Chinese character and each other word, folded as for finding, and without accents."""
    plain = "".join(
        sign
        for sign in unicodedata.normalize("NFKD", text)
        if unicodedata.category(sign) not in ("Mn", "Me")
    )
    return [word for word in folded_words(plain.translate(_REGIONAL)) if not is_picture(word)]


def _windows(tokens: list[str]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """From each place the shortest run that is a quotation; what two texts share begins with the same run in both."""
    for at in range(len(tokens)):
        window: list[str] = []
        weight = 0
        for token in tokens[at : at + CHARACTERS]:
            window.append(token)
            weight += WORDS if is_character(token) else CHARACTERS
            if weight >= _ENOUGH:
                yield at, tuple(window)
                break
