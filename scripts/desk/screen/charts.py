"""How the desk shows the figures of many cases on a terminal, and to programs."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from scripts.desk.charts.figures import LEFT_OUT, Bars, Cell, Figure, Grid
from scripts.desk.screen.output import table
from scripts.terminal import one_line

_LABEL_CHARACTERS = 60
_HEAD_CELLS = 5
_LEAST_BAR = 10
_FULL, _PARTS = "█", " ▏▎▍▌▋▊▉"


def charts_text(figures: Iterable[Figure], *, width: int) -> Group:
    """The figures one below the other, in *width* characters."""
    shown: list[RenderableType] = []
    for one in figures:
        shown += [Text(one.title, style="bold"), _body(one, width)]
        if one.note:
            shown.append(Text(one.note, style="dim"))
        shown.append(Text())
    return Group(*shown)


def _body(figure: Figure, width: int) -> RenderableType:
    if isinstance(figure, Bars):
        return _bars(figure, width)
    if isinstance(figure, Grid):
        return _grid(figure)
    listed = table(figure.heads[0])
    for head in figure.heads[1:]:
        listed.add_column(head, justify="right")
    for row in figure.rows:
        listed.add_row(*map(Text, row))
    return listed


def _bars(figure: Bars, width: int) -> Table:
    most = max((cell or 0 for _, cell in figure.rows), default=0) or 1
    labels = [one_line(label, _LABEL_CHARACTERS) for label, _ in figure.rows]
    counts = [_count(cell) for _, cell in figure.rows]
    longest = min(max(map(cell_len, labels)), width // 2)
    room = max(_LEAST_BAR, width - longest - max(map(len, counts)) - 4)
    listed = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
    listed.add_column(max_width=longest, no_wrap=True, overflow="ellipsis")
    listed.add_column(justify="right")
    listed.add_column(no_wrap=True)
    for label, count, (_, cell) in zip(labels, counts, figure.rows, strict=True):
        listed.add_row(Text(label), Text(count), Text(_bar(room * (cell or 0) / most)))
    return listed


def _bar(length: float) -> str:
    """A bar of so many characters, to an eighth."""
    eighths = round(8 * length)
    return (_FULL * (eighths // 8) + _PARTS[eighths % 8]).rstrip()


def _grid(figure: Grid) -> RenderableType:
    """The grid, its longer side down; long names of columns are numbered and listed below it."""
    rows, columns = figure.rows, figure.columns
    if len(columns) > len(rows):
        labels, cells = zip(*rows, strict=True)
        rows, columns = tuple(zip(columns, zip(*cells, strict=True), strict=True)), labels
    named = any(cell_len(column) > _HEAD_CELLS for column in columns)
    listed = table("")
    for number, column in enumerate(columns, 1):
        listed.add_column(str(number) if named else column, justify="right", no_wrap=True)
    for label, row in rows:
        counts = ("" if cell == 0 else _count(cell) for cell in row)
        listed.add_row(Text(one_line(label, _LABEL_CHARACTERS)), *map(Text, counts))
    names = [
        Text(f"  {number}: {one_line(column, _LABEL_CHARACTERS)}", style="dim")
        for number, column in enumerate(columns, 1)
        if named
    ]
    return Group(listed, *names)


def _count(cell: Cell) -> str:
    return LEFT_OUT if cell is None else f"{cell:,}"


def chart_values(figures: Iterable[Figure]) -> list[dict[str, Any]]:
    """The figures for programs; null is a count that is left out."""
    return [{"figure": type(one).__name__.lower(), **asdict(one)} for one in figures]
