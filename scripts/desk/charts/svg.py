"""Figures as SVG inside an HTML page: no script, nothing from outside, colours by CSS classes."""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import accumulate
from unicodedata import east_asian_width

from scripts.desk.charts.figures import LEFT_OUT, Bars, Cell, Figure, Grid, Listing
from scripts.terminal import one_line

# Lengths in units of the drawing, 720 of which are the width of the page's column.
_WIDTH, _ROW = 720, 26
_LABELS, _COUNTS = 260, 60
_CELL = 34
# A Latin character of the labels takes at most about 8 units, a Chinese one less than two of them.
_CHARACTER = 8
_LABEL_CELLS = _LABELS // _CHARACTER
_HEAD_CELLS = 20
_SLANT = 0.75
_LABEL_CHARACTERS = 300


def drawn(figure: Figure) -> str:
    """The figure as an HTML element."""
    if isinstance(figure, Bars):
        body = _bars(figure)
    elif isinstance(figure, Grid):
        body = _grid(figure)
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


def _count(cell: Cell) -> str:
    return LEFT_OUT if cell is None else f"{cell:,}"


def _svg(width: float, height: float, label: str, parts: Iterator[str]) -> str:
    return (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" role="img" '
        f'aria-label="{_text(label)}">{"".join(parts)}</svg>'
    )


def _bars(figure: Bars) -> str:
    most = max((cell or 0 for _, cell in figure.rows), default=0) or 1
    room = _WIDTH - _LABELS - _COUNTS

    def rows() -> Iterator[str]:
        for number, (label, cell) in enumerate(figure.rows):
            top = number * _ROW
            length = room * (cell or 0) / most
            yield (
                f"<g><title>{_text(label)}: {_count(cell)}</title>"
                f'<text x="{_LABELS - 8}" y="{top + 17}" class="end">{_cut(label, _LABEL_CELLS)}'
                f'</text><rect x="{_LABELS}" y="{top + 4}" width="{length:.1f}" height="18" '
                f'class="bar"/><text x="{_LABELS + length + 6:.1f}" y="{top + 17}">'
                f"{_count(cell)}</text></g>"
            )

    return _svg(_WIDTH, len(figure.rows) * _ROW + 4, figure.title, rows())


def _grid(figure: Grid) -> str:
    heads = [_cut(column, _HEAD_CELLS) for column in figure.columns]
    longest = max((sum(_cells_of(column)) for column in figure.columns), default=0)
    head = 14 + _SLANT * _CHARACTER * min(longest, _HEAD_CELLS)
    most = max((cell or 0 for _, cells in figure.rows for cell in cells), default=0) or 1
    cell_width = max(_CELL, 8 * max(len(_count(most)), 3) + 6)

    def parts() -> Iterator[str]:
        for number, column in enumerate(heads):
            x = _LABELS + number * cell_width + cell_width / 2
            # Slanted, so that long names have room beside each other.
            turn = f' transform="rotate(-45 {x:.0f} {head - 6:.0f})"' if longest > 3 else ""
            kind = "" if longest > 3 else ' class="middle"'
            yield f'<text x="{x:.0f}" y="{head - 6:.0f}"{turn}{kind}>{column}</text>'
        for line, (label, cells) in enumerate(figure.rows):
            top = head + line * _ROW
            yield (
                f'<text x="{_LABELS - 8}" y="{top + 17:.0f}" class="end">'
                f"<title>{_text(label)}</title>{_cut(label, _LABEL_CELLS)}</text>"
            )
            yield from _cells(cells, top, cell_width, most)

    width = max(_WIDTH, _LABELS + len(heads) * cell_width + head)
    return _svg(width, head + len(figure.rows) * _ROW + 4, figure.title, parts())


def _cells(cells: Sequence[Cell], top: float, width: float, most: int) -> Iterator[str]:
    for number, cell in enumerate(cells):
        x = _LABELS + number * width
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
