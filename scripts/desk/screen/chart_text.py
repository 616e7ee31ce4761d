"""How the desk shows the figures of many cases on a terminal, and to programs."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from scripts.desk.charts.figures import LEFT_OUT, Bars, Cell, Figure, Grid, Listing
from scripts.desk.screen.output import table
from scripts.terminal import one_line

_LABEL_CHARACTERS, _NOTE_CHARACTERS = 200, 2_000
_HEAD_CELLS = 5
_LEAST_BAR, _LEAST_LABEL = 10, 12
_FULL, _PARTS = "█", " ▏▎▍▌▋▊▉"


def charts_text(figures: Iterable[Figure], *, width: int) -> Group:
    """The figures one below the other, in *width* characters."""
    shown: list[RenderableType] = []
    for one in figures:
        shown += [Text(_label(one.title), style="bold"), _body(one, width)]
        if one.note:
            shown.append(Text(one_line(one.note, _NOTE_CHARACTERS), style="dim"))
        shown.append(Text())
    return Group(*shown)


def _body(figure: Figure, width: int) -> RenderableType:
    if isinstance(figure, Bars):
        return _bars(figure, width)
    if isinstance(figure, Grid):
        return _grid(figure, width)
    return _listing(figure, width)


def _label(text: str) -> str:
    return one_line(text, _LABEL_CHARACTERS)


def _listing(figure: Listing, width: int) -> RenderableType:
    """A table or, if a number or a word in its heads would be cut off, its rows one by one."""
    heads = [_label(head) for head in figure.heads]
    rows = [[_label(cell) for cell in row] for row in figure.rows]
    needed = [
        max(map(cell_len, (*heads[column].split(), *(row[column] for row in rows))))
        for column in range(1, len(heads))
    ]
    if _LEAST_LABEL + sum(needed) + 2 * len(heads) > width:
        return Group(*(_stacked(heads, row) for row in rows))
    listed = table()
    listed.add_column(heads[0], overflow="fold")
    for head, least in zip(heads[1:], needed, strict=True):
        listed.add_column(head, justify="right", min_width=least)
    for row in rows:
        listed.add_row(*map(Text, row))
    return listed


def _stacked(heads: Sequence[str], row: Sequence[str]) -> RenderableType:
    listed = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
    listed.add_column(overflow="fold")
    listed.add_column(justify="right", no_wrap=True)
    for head, cell in zip(heads[1:], row[1:], strict=True):
        listed.add_row(Text(f"  {head}"), Text(cell))
    return Group(Text(row[0]), listed)


def _bars(figure: Bars, width: int) -> Table:
    most = max([1, *(cell for _, cell in figure.rows if cell)])
    labels = [_label(label) for label, _ in figure.rows]
    counts = [_count(cell) for _, cell in figure.rows]
    longest = min(max(map(cell_len, labels)), width // 2)
    room = max(_LEAST_BAR, width - longest - max(map(len, counts)) - 4)
    listed = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
    listed.add_column(max_width=longest, overflow="fold")
    listed.add_column(justify="right", no_wrap=True)
    listed.add_column(no_wrap=True)
    for label, count, (_, cell) in zip(labels, counts, figure.rows, strict=True):
        listed.add_row(Text(label), Text(count), Text(_bar(room * (cell or 0) / most)))
    return listed


def _bar(length: float) -> str:
    """A bar of *length* characters, to the nearest eighth."""
    eighths = round(8 * length)
    return (_FULL * (eighths // 8) + _PARTS[eighths % 8]).rstrip()


def _grid(figure: Grid, width: int) -> RenderableType:
    """The grid, its longer side down; long names of columns are numbered and listed below it.

    If not all columns fit beside each other, the others come below.
    """
    rows = tuple((_label(label), cells) for label, cells in figure.rows)
    columns = tuple(map(_label, figure.columns))
    if len(columns) > len(rows):
        labels, cells = zip(*rows, strict=True)
        rows, columns = tuple(zip(columns, zip(*cells, strict=True), strict=True)), labels
    named = any(cell_len(column) > _HEAD_CELLS for column in columns)
    heads = [str(number) if named else one for number, one in enumerate(columns, 1)]
    counts = [["" if cell == 0 else _count(cell) for cell in row] for _, row in rows]
    widest = max(map(cell_len, (*heads, *(one for row in counts for one in row))))
    fit = max(1, (width - _LEAST_LABEL - 3) // (widest + 2))
    shown: list[RenderableType] = []
    for first in range(0, len(heads), fit):
        listed = table()
        listed.add_column(overflow="fold")
        for head in heads[first : first + fit]:
            listed.add_column(head, justify="right", no_wrap=True, min_width=widest)
        for (label, _), row in zip(rows, counts, strict=True):
            listed.add_row(Text(label), *map(Text, row[first : first + fit]))
        shown.append(listed)
    return Group(*shown, *([_names(columns)] if named else []))


def _names(columns: Sequence[str]) -> Table:
    """The names that the numbers above a grid's columns stand for."""
    listed = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
    listed.add_column(justify="right")
    listed.add_column(overflow="fold")
    for number, column in enumerate(columns, 1):
        listed.add_row(Text(f"  {number}:", style="dim"), Text(column, style="dim"))
    return listed


def _count(cell: Cell) -> str:
    return LEFT_OUT if cell is None else f"{cell:,}"


def chart_values(figures: Iterable[Figure]) -> list[dict[str, Any]]:
    """The figures for programs; null means a count that is left out."""
    return [{"figure": type(one).__name__.lower(), **asdict(one)} for one in figures]
