"""Reading a page that is too high for the models in pieces: each line is found whole, once."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

MOST_HEIGHT = 1_900
# How far each piece overlaps its neighbours: more than a line's height.
OVERLAP = 160
# How far apart two pieces may find the same line vertically.
_SHIFT = 8
# Two boxes belong to one line if they share this much of the smaller one.
_SAME = 0.5

Box = tuple[float, float, float, float]


class FoundLine(NamedTuple):
    """A line as it was found: left, top, right and bottom, and a score from 0 to 1."""

    text: str
    box: Box
    score: float


class Piece(NamedTuple):
    """Rows ``top`` to ``bottom`` of a page, which give the lines whose middle is in ``own``."""

    top: int
    bottom: int
    own: tuple[int, int]

    def gives(self, middle: float) -> bool:
        """Whether a line with this middle belongs to this piece; at a cut it belongs to both."""
        return self.own[0] <= middle < self.own[1]


def pieces(height: int) -> Iterator[Piece]:
    """The pieces of a page with *height* rows, all about equally high."""
    count = -(-height // MOST_HEIGHT)
    cuts = [round(height * number / count) for number in range(count + 1)]
    for first, last in pairwise(cuts):
        top, bottom = max(0, first - OVERLAP // 2), min(height, last + OVERLAP // 2)
        yield Piece(top, bottom, (first - _SHIFT, last + _SHIFT))


def once(lines: Iterable[FoundLine]) -> list[FoundLine]:
    """*lines* without those that two pieces gave, from top to bottom."""
    kept: list[FoundLine] = []
    for line in sorted(lines, key=lambda one: -one.score):
        if all(_shared(line.box, other.box) < _SAME for other in kept):
            kept.append(line)
    return sorted(kept, key=lambda one: (one.box[1], one.box[0]))


def _shared(one: Box, other: Box) -> float:
    """How much of the smaller of two boxes is in the other."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    if wide <= 0 or high <= 0:
        return 0.0
    return wide * high / max(1.0, min(_area(one), _area(other)))


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
