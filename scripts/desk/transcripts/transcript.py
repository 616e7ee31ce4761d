"""A transcript: what a machine read in the pictures of one file, and how it is stored.

Speakers are told apart by their side of the screen: on the right is the one whose telephone it was,
on the left everybody else. Who that is, only a reviewer can say.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from dropbox import canonical_json
from scripts.desk.transcripts.lines import MOST_CHARACTERS, clean

_FORMAT = 1
# Fifty pages full of small print.
MOST_KEPT_BYTES = 2**20
_MOST_NAME = 60


class Who(StrEnum):
    """A text's place in a conversation, or that it is not in one."""

    LEFT = "left"
    RIGHT = "right"
    SYSTEM = "system"
    TEXT = "text"


Box = tuple[int, int, int, int]


@dataclass(frozen=True, repr=False)
class Line:
    """One line as it was seen: ``box`` is left, top, right, bottom in pixels of its turned page.

    ``confidence`` is a percentage. No repr: it is plaintext.
    """

    text: str
    box: Box
    confidence: int


@dataclass(frozen=True, repr=False)
class Turn:
    """What one speaker said in one bubble, or one grey line, or one paragraph of page ``page``.

    ``name`` is what is written above a bubble in a group, or "".
    """

    who: Who
    name: str
    page: int
    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        """Its lines as one, as they were before they were wrapped."""
        return as_one(line.text for line in self.lines)

    @property
    def confidence(self) -> int:
        """The confidence of its least certain line."""
        return min((line.confidence for line in self.lines), default=0)


def as_one(lines: Iterable[str]) -> str:
    """*lines* joined; only those that are not Chinese have spaces between them."""
    whole = ""
    for line in lines:
        apart = whole[-1:].isascii() and line[:1].isascii() and whole
        whole += f" {line}" if apart else line
    return whole


@dataclass(frozen=True)
class ReadPage:
    """A page that was read: its size in pixels after it was turned by ``turned`` degrees."""

    number: int
    width: int
    height: int
    turned: int


@dataclass(frozen=True, repr=False)
class Transcript:
    """Everything that was read in one file, and what was not, as sentences. No repr: plaintext."""

    pages: tuple[ReadPage, ...]
    turns: tuple[Turn, ...]
    sentences: tuple[str, ...]

    @property
    def text(self) -> str:
        """Its words, a line for each turn: for finding and comparing."""
        return "\n".join(" ".join(filter(None, (turn.name, turn.text))) for turn in self.turns)

    def to_text(self) -> str:
        """The stored form: canonical JSON of at most MOST_KEPT_BYTES."""
        turns = [
            [turn.who, turn.name, turn.page, [[one.text, one.box, one.confidence]
                                              for one in turn.lines]]
            for turn in self.turns
        ]  # fmt: skip
        pages = [[one.number, one.width, one.height, one.turned] for one in self.pages]
        value: dict[str, Any] = {
            "format": _FORMAT,
            "pages": pages,
            "sentences": list(self.sentences),
            "turns": turns,
        }
        while True:
            data = canonical_json.encode(value, ascii_only=False)
            if len(data) <= MOST_KEPT_BYTES:
                return data.decode()
            turns = turns[: len(turns) // 2]
            value |= {"turns": turns, "sentences": [*self.sentences, _TOO_LONG]}

    @classmethod
    def from_text(cls, untrusted: str) -> "Transcript | None":
        """The transcript of :meth:`to_text`, None for anything else: other desks' rows come here,
        too.
        """
        try:
            value = json.loads(untrusted)
            if type(value["format"]) is not int or value["format"] != _FORMAT:
                return None
            return cls(
                pages=tuple(ReadPage(*map(_number, page)) for page in value["pages"]),
                turns=tuple(_turn(*turn) for turn in value["turns"]),
                sentences=tuple(_text(one, MOST_CHARACTERS) for one in value["sentences"]),
            )
        except (KeyError, TypeError, ValueError, RecursionError):
            return None

    def on(self, page: int) -> Iterator[Turn]:
        """The turns of this page."""
        return (turn for turn in self.turns if turn.page == page)


_TOO_LONG = "It is too long to be kept whole; only its beginning is here."


def _turn(who: Any, name: Any, page: Any, lines: Any) -> Turn:
    read = tuple(
        Line(_text(text, MOST_CHARACTERS), _box(box), _number(confidence))
        for text, box, confidence in lines
    )
    return Turn(Who(who), _text(name, _MOST_NAME), _number(page), read)


def _text(untrusted: Any, most: int) -> str:
    if type(untrusted) is not str or len(untrusted) > most:
        raise ValueError
    return clean(untrusted)


def _box(untrusted: Any) -> Box:
    left, top, right, bottom = map(_number, untrusted)
    return left, top, right, bottom


def _number(untrusted: Any) -> int:
    return canonical_json.whole_number(untrusted, least=0)
