"""Figures as SVG inside an HTML page: no script, nothing from outside, colours by CSS classes."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import accumulate
from unicodedata import east_asian_width

from scripts.desk.charts.shapes import LEFT_OUT, Bars, Cell, Figure, Grid, Listing
from scripts.terminal import one_line

# Lengths in units of the drawing. A label has at most two lines.
_ROW, _BAR, _LINE, _LINES = 26, 18, 15, 2
_COUNTS, _CELL = 60, 34
# A Latin character of the labels takes at most about 7 units, a Chinese one less than two of them.
_CHARACTER = 7
_HEAD_CELLS = 22
_SLANT = 0.75
_LABEL_CHARACTERS = 300


@dataclass(frozen=True)
class _Layout:
    """How wide a drawing is, and the column of its labels; with 0, labels are above the bars."""

    name: str
    width: int
    labels: int
    grid_labels: int

    @property
    def label_cells(self) -> int:
        """How many Latin characters a line of a label has."""
        return _room(self.labels or self.width)


# As wide as the page, and as a telephone of 360 pixels; the style shows one of them.
_LAYOUTS = (_Layout("wide", 720, 260, 260), _Layout("narrow", 312, 0, 120))


def _room(width: int) -> int:
    """How many Latin characters fit into a column so wide."""
    return (width - 12) // _CHARACTER


def drawn(figure: Figure) -> str:
    """The figure as an HTML element."""
    if isinstance(figure, Bars):
        body = "".join(_bars(figure, layout) for layout in _LAYOUTS)
    elif isinstance(figure, Grid):
        body = "".join(_grid(figure, layout) for layout in _LAYOUTS)
    else:
        body = _listing(figure)
    note = f"<p>{_text(figure.note)}</p>" if figure.note else ""
    return f"<figure><figcaption>{_text(figure.title)}</figcaption>{body}{note}</figure>"


def _text(text: str) -> str:
    """*text*, harmless in HTML and on one line."""
    return escape(one_line(text, _LABEL_CHARACTERS))


def _cells_of(text: str) -> list[int]:
    """How much room each character takes, in Latin ones."""
    return [2 if east_asian_width(character) in "WF" else 1 for character in text]


def _cut(text: str, cells: int) -> str:
    """The beginning of *text* that fits into the room of so many Latin characters."""
    line = one_line(text, _LABEL_CHARACTERS)
    taken = list(accumulate(_cells_of(line)))
    if taken and taken[-1] > cells:
        line = line[: sum(upto < cells for upto in taken)].rstrip() + "…"
    return escape(line)


def _wrapped(text: str, cells: int) -> list[str]:
    """*text* in lines of at most *cells*, broken at a space where there is one; the last is cut."""
    left, lines = one_line(text, _LABEL_CHARACTERS), list[str]()
    while left and len(lines) < _LINES - 1:
        fits = sum(upto <= cells for upto in accumulate(_cells_of(left)))
        if fits == len(left):
            break
        # A Latin word is not broken if something is left of the line without it.
        space = left.rfind(" ", 0, fits + 1)
        end = space if space > 0 and left[fits - 1].isascii() else fits
        lines.append(escape(left[:end].rstrip()))
        left = left[end:].lstrip()
    return [*lines, _cut(left, cells)]


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
        f'role="img" aria-label="{_text(label)}">{"".join(parts)}</svg>'
    )


def _bars(figure: Bars, layout: _Layout) -> str:
    most = max((cell or 0 for _, cell in figure.rows), default=0) or 1
    room = layout.width - layout.labels - _COUNTS
    top, parts = 0, list[str]()
    for label, cell in figure.rows:
        lines = _wrapped(label, layout.label_cells)
        more = (len(lines) - 1) * _LINE
        above = 0 if layout.labels else more + _LINE + 4
        named = _label(lines, layout.labels - 8 if layout.labels else 0, top)
        bar = top + above + (more / 2 if layout.labels else 0)
        length = room * (cell or 0) / most
        parts.append(
            f"<g><title>{_text(label)}: {_count(cell)}</title>"
            f"{named if layout.labels else named.replace('end', 'begin')}"
            f'<rect x="{layout.labels}" y="{bar + 4:.0f}" width="{length:.1f}" height="{_BAR}" '
            f'class="bar"/><text x="{layout.labels + length + 6:.1f}" y="{bar + 17:.0f}">'
            f"{_count(cell)}</text></g>"
        )
        top += _ROW + (above or more)
    return _svg(layout, layout.width, top + 4, figure.title, parts)


def _grid(figure: Grid, layout: _Layout) -> str:
    heads = [_cut(column, _HEAD_CELLS) for column in figure.columns]
    longest = max((sum(_cells_of(column)) for column in figure.columns), default=0)
    head = 14 + _SLANT * _CHARACTER * min(longest, _HEAD_CELLS)
    most = max((cell or 0 for _, cells in figure.rows for cell in cells), default=0) or 1
    cell_width = max(_CELL, 8 * max(len(_count(most)), 3) + 6)
    labels, parts = layout.grid_labels, list[str]()
    for number, column in enumerate(heads):
        x = labels + number * cell_width + cell_width / 2
        # Slanted, so that long names have room beside each other.
        turn = f' transform="rotate(-45 {x:.0f} {head - 6:.0f})"' if longest > 3 else ""
        kind = "" if longest > 3 else ' class="middle"'
        parts.append(f'<text x="{x:.0f}" y="{head - 6:.0f}"{turn}{kind}>{column}</text>')
    top = head
    for label, cells in figure.rows:
        lines = _wrapped(label, _room(labels))
        more = (len(lines) - 1) * _LINE
        parts.append(f"<g><title>{_text(label)}</title>{_label(lines, labels - 8, top)}</g>")
        parts += _cells(cells, labels, top + more / 2, cell_width, most)
        top += _ROW + more
    width = max(layout.width, labels + len(heads) * cell_width + (head if longest > 3 else 0))
    return _svg(layout, width, top + 4, figure.title, parts)


def _cells(cells: Sequence[Cell], left: int, top: float, width: float, most: int) -> Iterator[str]:
    for number, cell in enumerate(cells):
        x = left + number * width
        share = 0.0 if not cell else 0.15 + 0.85 * cell / most
        kind = "dark" if share > 0.55 else ""
        yield (
            f'<rect x="{x:.0f}" y="{top + 1:.0f}" width="{width - 2:.0f}" height="24" '
            f'class="cell"/><rect x="{x:.0f}" y="{top + 1:.0f}" width="{width - 2:.0f}" '
            f'height="24" class="heat" fill-opacity="{share:.2f}"/>'
        )
        if cell != 0:
            yield (
                f'<text x="{x + width / 2 - 1:.0f}" y="{top + 17:.0f}" class="middle {kind}">'
                f"{_count(cell)}</text>"
            )


def _listing(figure: Listing) -> str:
    heads = "".join(f"<th>{_text(head)}</th>" for head in figure.heads)
    rows = "".join(
        f"<tr><th>{_text(row[0])}</th>"
        + "".join(f"<td>{_text(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in figure.rows
    )
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
