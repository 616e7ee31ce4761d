"""Figures as SVG inside an HTML page: no script, nothing from outside, colours by CSS classes."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape, unescape
from itertools import accumulate
from unicodedata import east_asian_width

from scripts.desk.charts.shapes import LEFT_OUT, Bars, Cell, Figure, Grid, Listing
from scripts.terminal import one_line

# Lengths in pixels of the drawing, whose letters are 13 pixels high. A label has at most three
# lines.
_ROW, _BAR, _LINE, _LINES = 26, 18, 15, 3
_CELL, _LEAST_CELL, _DIGIT = 34, 26, 8
# The longest name of a column, and how much of its length counts when it is slanted.
_HEAD, _SLANT = 180, 0.75
_LABEL_CHARACTERS, _NOTE_CHARACTERS = 300, 2_000
# The greatest width of characters in the widest of the usual fonts, so that no label is cut off.
_THIN, _BROAD = frozenset(" iljtfrI.,:;'|()’“”"), frozenset("mwMW%@…—")


@dataclass(frozen=True)
class _Layout:
    """The width of a drawing and of its column of labels; 0: labels are above the rows."""

    name: str
    width: int
    labels: int

    @property
    def room(self) -> int:
        """How wide a line of a label can be."""
        return (self.labels or self.width) - 12


# One as wide as the page, one for a telephone of 360 pixels; the style shows one of them.
_LAYOUTS = (_Layout("wide", 720, 260), _Layout("narrow", 312, 0))


def drawn(figure: Figure) -> str:
    """The figure as an HTML element."""
    if isinstance(figure, Bars):
        body = "".join(_bars(figure, layout) for layout in _LAYOUTS)
    elif isinstance(figure, Grid):
        body = "".join(_grid(figure, layout) for layout in _LAYOUTS)
    else:
        body = _listing(figure)
    said = escape(one_line(figure.note, _NOTE_CHARACTERS))
    note = f"<p>{said}</p>" if said else ""
    return f"<figure><figcaption>{_text(figure.title)}</figcaption>{body}{note}</figure>"


def _text(text: str) -> str:
    """*text*, harmless in HTML and on one line."""
    return escape(one_line(text, _LABEL_CHARACTERS))


def _upto(text: str) -> list[float]:
    """The greatest width of *text* up to each of its characters, in pixels."""
    return list(accumulate(map(_width, text)))


def _width(character: str) -> float:
    if east_asian_width(character) in "WF":
        return 14
    return 5.3 if character in _THIN else 12.9 if character in _BROAD else 8.4


def _cut(text: str, room: float) -> str:
    """The beginning of *text* that fits."""
    line = one_line(text, _LABEL_CHARACTERS)
    if line and _upto(line)[-1] > room:
        fits = sum(upto <= room - _width("…") for upto in _upto(line))
        line = line[:fits].rstrip() + "…"
    return escape(line)


def _wrapped(text: str, room: float) -> list[str]:
    """*text* in lines that fit, broken at a space where there is one; the last is cut."""
    left, lines = one_line(text, _LABEL_CHARACTERS), list[str]()
    while left and len(lines) < _LINES - 1:
        fits = sum(upto <= room for upto in _upto(left))
        if fits == len(left):
            break
        # A Latin word is not broken if it can go to the next line.
        space = left.rfind(" ", 0, fits + 1)
        end = space if space > 0 and left[fits - 1].isascii() else fits
        lines.append(escape(left[:end].rstrip()))
        left = left[end:].lstrip()
    return [*lines, _cut(left, room)]


def _label(lines: Sequence[str], x: float, top: float, kind: str = "end") -> str:
    return "".join(
        f'<text x="{x:.0f}" y="{top + 17 + number * _LINE:.0f}" class="{kind}">{line}</text>'
        for number, line in enumerate(lines)
    )


def _count(cell: Cell) -> str:
    return LEFT_OUT if cell is None else f"{cell:,}"


def _svg(layout: _Layout, width: float, height: float, label: str, parts: Iterable[str]) -> str:
    return (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" class="{layout.name}" '
        f'preserveAspectRatio="xMinYMin" role="img" aria-label="{_text(label)}">'
        f"{''.join(parts)}</svg>"
    )


def _bars(figure: Bars, layout: _Layout) -> str:
    most = max([1, *(cell for _, cell in figure.rows if cell)])
    room = layout.width - layout.labels - (_DIGIT + 1) * len(_count(most)) - 12
    top, parts = 0.0, list[str]()
    for label, cell in figure.rows:
        named, above, below = _row_label(label, layout, top)
        bar = top + above
        length = room * (cell or 0) / most
        parts.append(
            f"<g><title>{_text(label)}: {_count(cell)}</title>{named}"
            f'<rect x="{layout.labels}" y="{bar + 4:.0f}" width="{length:.1f}" height="{_BAR}" '
            f'class="bar"/><text x="{layout.labels + length + 6:.1f}" y="{bar + 17:.0f}">'
            f"{_count(cell)}</text></g>"
        )
        top = bar + _ROW + below
    return _svg(layout, layout.width, top + 4, figure.title, parts)


def _row_label(label: str, layout: _Layout, top: float) -> tuple[str, float, float]:
    """The label of a row that begins at *top*, and how far it reaches above and below the bar."""
    lines = _wrapped(label, layout.room)
    if not layout.labels:
        return _label(lines, 0, top, "begin"), len(lines) * _LINE + 7, 0
    half = (len(lines) - 1) * _LINE / 2
    return _label(lines, layout.labels - 8, top), half, half


def _grid(figure: Grid, layout: _Layout) -> str:
    most = max((cell or 0 for _, cells in figure.rows for cell in cells), default=0)
    columns, digits = len(figure.columns), len(_count(most))
    fitting = (layout.width - layout.labels) / max(columns, 1)
    cell_width = max(min(_CELL, max(fitting, _LEAST_CELL)), _DIGIT * digits + 2)
    heads, head, beyond = _heads(figure.columns, layout, cell_width)
    parts, top = [heads], head
    for label, cells in figure.rows:
        named, above, below = _row_label(label, layout, top)
        parts.append(f"<g><title>{_text(label)}</title>{named}</g>")
        parts += _cells(cells, layout.labels, top + above, cell_width, most)
        top += above + _ROW + below
    width = max(layout.width, layout.labels + columns * cell_width + beyond)
    return _svg(layout, width, top + 4, figure.title, parts)


def _heads(columns: Sequence[str], layout: _Layout, cell: float) -> tuple[str, float, float]:
    """The names of *columns*, how high they are, and how far they reach beyond the last one.

    Long names are slanted so that they fit beside each other, and upright on a telephone.
    """
    names = [_cut(column, _HEAD) for column in columns]
    longest = max((_upto(unescape(one))[-1] for one in names if one), default=0)
    short = longest <= cell - 4
    head = 24 if short else 14 + longest * (_SLANT if layout.labels else 1)
    parts = []
    for number, name in enumerate(names):
        x = layout.labels + (number + 0.5) * cell + (0 if short or layout.labels else 4)
        angle = -45 if layout.labels else -90
        turn = (
            ' class="middle"' if short else f' transform="rotate({angle} {x:.0f} {head - 6:.0f})"'
        )
        parts.append(f'<text x="{x:.0f}" y="{head - 6:.0f}"{turn}>{name}</text>')
    return "".join(parts), head, head if layout.labels and not short else 0


def _cells(cells: Sequence[Cell], left: int, top: float, width: float, most: int) -> Iterator[str]:
    for number, cell in enumerate(cells):
        x = left + number * width
        share = 0.0 if not cell else 0.15 + 0.85 * cell / most
        yield (
            f'<rect x="{x:.0f}" y="{top + 1:.0f}" width="{width - 2:.0f}" height="24" '
            f'class="cell"/><rect x="{x:.0f}" y="{top + 1:.0f}" width="{width - 2:.0f}" '
            f'height="24" class="heat" fill-opacity="{share:.2f}"/>'
        )
        if cell != 0:
            yield (
                f'<text x="{x + width / 2 - 1:.0f}" y="{top + 17:.0f}" class="middle">'
                f"{_count(cell)}</text>"
            )


def _listing(figure: Listing) -> str:
    heads = "".join(f"<th>{_text(head)}</th>" for head in figure.heads)
    rows = "".join(
        f"<tr><th>{_text(row[0])}</th>"
        + "".join(
            f'<td data-head="{_text(head)}">{_text(cell)}</td>'
            for head, cell in zip(figure.heads[1:], row[1:], strict=True)
        )
        + "</tr>"
        for row in figure.rows
    )
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
