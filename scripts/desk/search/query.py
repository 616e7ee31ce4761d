"""What a reviewer types to search for: words, phrases, beginnings of words, and alternatives.

Everything else that is typed is also words; none of it is SQLite's own syntax.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from scripts.desk.search.folding import words

# Only the beginning of a pasted page is searched for: at most this many words a phrase, and
# phrases.
MOST_WORDS, MOST_TERMS = 64, 32

_QUOTES = str.maketrans({**dict.fromkeys("“”„‟«»「」『』＂", '"'), "＊": "*", "｜": "|"})
_TERM = re.compile(r'"([^"]*)"(\*?)|(\|)|([^\s"|]+)')
# In English only in capitals: "or" occurs in many texts.
_OR = frozenset({"OR", "或", "|"})


class Phrase(NamedTuple):
    """Folded words in a row; with ``prefix``, the last is the beginning of a word."""

    words: tuple[str, ...]
    prefix: bool = False

    @property
    def match(self) -> str:
        """The phrase as FTS5 reads it: words are letters, digits and _ only, never syntax."""
        return f'"{" ".join(self.words)}"' + (" *" if self.prefix else "")


# Any of these phrases.
Alternatives = tuple[Phrase, ...]


def match(alternatives: Iterable[Phrase]) -> str:
    """The alternatives as FTS5 reads them."""
    return " OR ".join(phrase.match for phrase in alternatives)


def terms(query: str) -> tuple[list[Alternatives], str]:
    """The groups of alternatives, one from each of which a case must contain, and a note of
    omissions.

    Spaces separate phrases, quotation marks of any kind hold one together; OR, 或 or | between two
    makes alternatives of them, and * after one looks for a beginning. Only letters, digits and
    pictures are searched for.
    """
    groups = list(dict.fromkeys(_groups(list(_tokens(query.translate(_QUOTES))))))
    notes = []
    kept, left = list[Alternatives](), MOST_TERMS
    for group in groups:
        if left and group[:left]:
            kept.append(group[:left])
        left -= len(group[:left])
    if sum(map(len, kept)) < sum(map(len, groups)):
        notes.append(f"Only the first {MOST_TERMS} words or phrases were searched for.")
    if any(len(phrase.words) > MOST_WORDS for group in groups for phrase in group):
        notes.append(f"Only the first {MOST_WORDS} words of a phrase were searched for.")
    cut = (tuple(dict.fromkeys(map(_cut, group))) for group in kept)
    return list(dict.fromkeys(cut)), " ".join(notes)


def _tokens(query: str) -> Iterator[Phrase | None]:
    """The phrases, and None for each word that makes alternatives."""
    for quoted, behind, bar, plain in _TERM.findall(query):
        if bar or plain in _OR:
            yield None
        # Empty quotation marks, or only punctuation, make no phrase.
        elif found := tuple(words(quoted or plain)):
            yield Phrase(found, behind == "*" or plain.endswith("*"))


def _groups(tokens: Sequence[Phrase | None]) -> Iterator[Alternatives]:
    """Phrases with None between them belong together; at either end, None means nothing."""
    group: list[Phrase] = []
    joined = False
    for token in tokens:
        if token is None:
            joined = bool(group)
        elif joined:
            group.append(token)
            joined = False
        else:
            if group:
                yield tuple(dict.fromkeys(group))
            group = [token]
    if group:
        yield tuple(dict.fromkeys(group))


def _cut(phrase: Phrase) -> Phrase:
    # A beginning of a word cannot be followed by more of the phrase.
    cut = phrase.words[:MOST_WORDS]
    return Phrase(cut, phrase.prefix and cut == phrase.words)
