"""The words that are blacked out in a case's texts, to be looked for outside of these texts."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from scripts.desk.case import Case
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.redaction.leaving_texts import texts_of_case
from scripts.desk.redaction.standing import Standing
from scripts.desk.redaction.word_matches import Folded, has_letters


class Blacked(NamedTuple):
    """Blacked-out words that contain a letter or a digit, and the reason."""

    words: str
    reason: str

    def __repr__(self) -> str:
        """Without the words, which nobody is to read."""
        return f"Blacked({self.reason})"


def redacted_words(casebook: Casebook, case: Case, counted: Standing) -> list[Blacked]:
    """The blacked-out words in texts of *case* that can be looked for, each once."""
    if not counted:
        return []
    found = {
        Blacked(hidden, reason)
        for text in texts_of_case(casebook, case)
        for hidden, reason in counted.hidden(text.text)
        if has_letters(hidden)
    }
    return sorted(found)


def touched(pieces: Iterable[str], blacked: Iterable[Blacked]) -> Iterator[tuple[int, str]]:
    """Which of *pieces* of one text, by position, have words that are *blacked*, and why.

    Words that begin in one piece and end in another are in both.
    """
    starts, text = list[int](), ""
    for piece in pieces:
        starts.append(len(text))
        text += f"{piece}\n"
    folded = Folded(text)
    for one in blacked:
        for span in folded.occurrences(one.words):
            first, last = bisect_right(starts, span.start), bisect_right(starts, span.stop - 1)
            for at in range(first - 1, last):
                yield at, one.reason
