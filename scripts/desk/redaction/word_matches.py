"""Finding words in a text to black them out: in either script, whatever is between the letters.

It may find more than was meant, never less: words inside longer words are found, and a span never
leaves half a character, such as an accent or one face of a family emoji.
"""

import unicodedata
from typing import NamedTuple

from dropbox.errors import CasedropError
from scripts.desk.search.folding import letters

_MARKS = frozenset({"Mn", "Me"})
_JOINER = "\u200d"
_SELECTORS = range(0xFE00, 0xFE10)
_SKIN_TONES = range(0x1F3FB, 0x1F400)


class NoWords(CasedropError):
    """The words to black out hold neither a letter nor a digit."""


class Span(NamedTuple):
    """Characters ``start`` to ``stop`` (exclusive) of a text."""

    start: int
    stop: int


class Folded:
    """A text to search, folded once for all searches. It is plaintext."""

    def __init__(self, text: str) -> None:
        self._text = text
        folded = [_folded(character) for character in text]
        self._at = [number for number, some in enumerate(folded) for _ in some]
        self._joined = "".join(folded)

    def occurrences(self, words: str, *, whole_words: bool = False) -> list[Span]:
        """As :func:`occurrences`."""
        wanted = "".join(map(_folded, words))
        if not wanted:
            raise NoWords
        found: list[Span] = []
        start = self._joined.find(wanted)
        while start >= 0:
            first, last = self._at[start], self._at[start + len(wanted) - 1]
            span = whole_characters(self._text, first, last + 1)
            start = self._joined.find(wanted, start + 1)
            if whole_words and not _stands_alone(self._text, span):
                continue
            if found and span.start <= found[-1].stop:
                found[-1] = Span(found[-1].start, max(found[-1].stop, span.stop))
            else:
                found.append(span)
        return found


def occurrences(text: str, words: str, *, whole_words: bool = False) -> list[Span]:
    """Where *text* has *words*, in order; overlapping or touching spans are joined. Raises NoWords.

    Case, width, accents, script, punctuation, white space and invisible characters make no
    difference. With *whole_words*, there must be no letter or digit beside them that is not
    Chinese.
    """
    return Folded(text).occurrences(words, whole_words=whole_words)


def has_letters(words: str) -> bool:
    """Whether *words* have a letter or a digit, so that they can be looked for."""
    return any(map(_folded, words))


def whole_characters(text: str, start: int, stop: int) -> Span:
    """The span from *start* to *stop*, widened so that it cuts no character that people see.

    Raises ValueError for a span that is not in *text*.
    """
    if not 0 <= start < stop <= len(text):
        raise ValueError("a span that is not in the text")
    while start > 0 and (_belongs(text[start]) or text[start - 1] == _JOINER):
        start -= 1
    while stop < len(text) and (_belongs(text[stop]) or text[stop - 1] == _JOINER):
        stop += 1
    return Span(start, stop)


def _folded(character: str) -> str:
    """The letters, digits and emoji that *character* counts as; accents do not count."""
    return "".join(one for one in letters(character) if unicodedata.category(one) not in _MARKS)


def _belongs(character: str) -> bool:
    """Whether *character* is seen only together with the one before it."""
    code = ord(character)
    return (
        unicodedata.category(character) in ("Mn", "Mc", "Me")
        or character == _JOINER
        or code in _SELECTORS
        or code in _SKIN_TONES
    )


def _stands_alone(text: str, span: Span) -> bool:
    ends = ((span.start - 1, span.start), (span.stop - 1, span.stop))
    return not any(all(0 <= at < len(text) and _joins(text[at]) for at in pair) for pair in ends)


def _joins(character: str) -> bool:
    """Whether *character* forms one word with another such character beside it."""
    return character.isalnum() and not unicodedata.name(character, "").startswith("CJK")
