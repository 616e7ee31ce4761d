"""From lines on a page to a conversation: which lines are one bubble, and whose it is.

Conversations look alike in WeChat and similar programs: each bubble is on its speaker's side, and
coloured if it is the owner's; names, times and notices are on the page's background.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scripts.desk.transcripts.lines import Colour, SeenLine, SeenPage
from scripts.desk.transcripts.transcript import Line, Turn, Who

# The least difference in a channel that makes a bubble: white and light grey differ by 18.
_BUBBLE = 9
# The greatest difference between the colours of two lines in one bubble.
_ALIKE = 14
# The owner's bubbles are coloured (green, blue), those of others white or grey.
_COLOURED = 45
# How far apart two lines of a bubble can be, in line heights, and how much their heights can
# differ.
_APART, _TALLER = 0.75, 1.8
# Relative to the page's width: the outer columns with faces, what counts as centred, and as
# aligned.
_FACES, _CENTRED, _BESIDE = 0.135, 0.05, 0.06
# How much nearer to one side a bubble must be, relative to the page's width, to be clearly on it.
_NEARER = 0.12
# The most letters that a face is mistaken for.
_MOST_OF_A_FACE = 2
# The least share of the column beside the line that a face fills, in percent.
_A_FACE = 25
_MOST_NAME = 60


@dataclass(repr=False)
class _Block:
    """Lines that belong together."""

    lines: list[SeenLine]
    bubble: bool

    @property
    def box(self) -> tuple[int, int, int, int]:
        lefts, tops, rights, bottoms = zip(*(line.box for line in self.lines), strict=True)
        return min(lefts), min(tops), max(rights), max(bottoms)

    @property
    def paper(self) -> Colour:
        return self.lines[0].paper

    def turn(self, who: Who, page: int, name: str = "") -> Turn:
        lines = tuple(Line(line.text, line.box, line.confidence) for line in self.lines)
        return Turn(who, name, page, lines)


def turns_of(page: SeenPage) -> list[Turn]:
    """The turns on *page*, from top to bottom."""
    blocks = _blocks([line for line in page.lines if not _is_face(line, page.width)])
    bubbles = [block for block in blocks if block.bubble]
    sides = _sides(bubbles, page.width)
    turns: list[Turn] = []
    waiting: _Block | None = None
    for block in blocks:
        if not block.bubble:
            if waiting is not None:
                turns.append(_beside_bubbles(waiting, page, bool(bubbles)))
            waiting = block
            continue
        name = ""
        who = sides[id(block)]
        if waiting is not None:
            if _is_name(waiting, block, page.width):
                name = waiting.lines[0].text
            else:
                turns.append(_beside_bubbles(waiting, page, conversation=True))
            waiting = None
        turns.append(block.turn(who, page.number, name))
    if waiting is not None:
        turns.append(_beside_bubbles(waiting, page, bool(bubbles)))
    return turns


def _is_face(line: SeenLine, width: int) -> bool:
    """Whether it is not text but a face, an arrow or a button in the outer columns."""
    left, top, right, bottom = line.box
    outer = right <= _FACES * width or left >= (1 - _FACES) * width
    square = right - left < 1.6 * (bottom - top)
    letters = sum(unicodedata.category(one)[0] in "LN" for one in line.text)
    if outer and square and letters <= _MOST_OF_A_FACE:
        return True
    return not letters and (outer or _is_shape(line.text))


def _is_shape(text: str) -> bool:
    """Whether it is only shapes, which is how the recognizer reads pictures."""
    return all(unicodedata.category(one) in ("So", "Pd", "Sm", "Sk") for one in text)


def _blocks(lines: Iterable[SeenLine]) -> list[_Block]:
    blocks: list[_Block] = []
    for line in sorted(lines, key=lambda one: (one.box[1], one.box[0])):
        bubble = _away(line.paper, line.ground) >= _BUBBLE
        for block in reversed(blocks[-3:]):
            if block.bubble == bubble and _goes_on(block.lines[-1], line):
                block.lines.append(line)
                break
        else:
            blocks.append(_Block([line], bubble))
    for block in blocks:
        block.lines = _in_rows(block.lines)
    return blocks


def _goes_on(above: SeenLine, line: SeenLine) -> bool:
    """Whether *line* continues the bubble or paragraph that *above* is in."""
    left, top, right, bottom = above.box
    high, mine = bottom - top, line.box[3] - line.box[1]
    if _away(above.paper, line.paper) > _ALIKE:
        return False
    apart = line.box[1] - bottom
    overlap = min(right, line.box[2]) - max(left, line.box[0])
    if -apart > 0.5 * min(high, mine):  # in one row
        return overlap > -2 * high
    like = max(high, mine) <= _TALLER * min(high, mine)
    return like and overlap > 0 and apart < _APART * max(high, mine)


def _in_rows(lines: Sequence[SeenLine]) -> list[SeenLine]:
    """*lines* in reading order: lines that overlap in height are one row."""
    rows: list[list[SeenLine]] = []
    for line in lines:
        middle = (line.box[1] + line.box[3]) / 2
        if rows and middle < rows[-1][0].box[3]:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [line for row in rows for line in sorted(row, key=lambda one: one.box[0])]


def _sides(bubbles: Sequence[_Block], width: int) -> dict[int, Who]:
    """Whose each bubble is, by its position, its colour, and where the face is."""
    coloured = [_saturation(block.paper) >= _COLOURED for block in bubbles]
    # If all bubbles are coloured, colour says nothing.
    by_colour = any(coloured) and not all(coloured)
    found: dict[int, Who] = {}
    for block, own in zip(bubbles, coloured, strict=True):
        left, _, right, _ = block.box
        nearer = (left - (width - right)) / width
        first = block.lines[0]
        face = first.right - first.left
        if abs(nearer) >= _NEARER:
            mine = nearer > 0
        elif by_colour:
            mine = own
        elif abs(face) >= _A_FACE:
            mine = face > 0
        else:
            mine = own if any(coloured) else nearer > 0
        found[id(block)] = Who.RIGHT if mine else Who.LEFT
    return found


def _is_name(block: _Block, bubble: _Block, width: int) -> bool:
    """Whether *block* is the name above *bubble*: one line, at its left or right edge."""
    if len(block.lines) > 1 or len(block.lines[0].text) > _MOST_NAME:
        return False
    left, _, right, bottom = block.box
    high = bubble.lines[0].box[3] - bubble.lines[0].box[1]
    below = bubble.box[1] - bottom
    beside = min(abs(left - bubble.box[0]), abs(right - bubble.box[2]))
    return below < 1.5 * high and beside < _BESIDE * width


def _beside_bubbles(block: _Block, page: SeenPage, conversation: bool) -> Turn:
    """A text on the page's background: a time or notice in a conversation, or a paragraph."""
    left, _, right, _ = block.box
    centred = abs(left - (page.width - right)) / 2 < _CENTRED * page.width
    who = Who.SYSTEM if conversation and centred else Who.TEXT
    return block.turn(who, page.number)


def _saturation(colour: Colour) -> int:
    return max(colour) - min(colour)


def _away(one: Colour, other: Colour) -> int:
    return max(abs(mine - theirs) for mine, theirs in zip(one, other, strict=True))


def joined(pages: Iterable[SeenPage]) -> list[Turn]:
    """The turns on all *pages*, in order."""
    return [turn for page in pages for turn in turns_of(page)]
