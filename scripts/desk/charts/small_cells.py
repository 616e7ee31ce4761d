"""Leaving out small counts, which could point at a person, and what would give them away."""

from collections.abc import Sequence

from scripts.desk.charts.shapes import Cell


def hidden(counts: Sequence[int], least: int) -> tuple[Cell, ...]:
    """*counts* without small ones; if that is a single one, without the next smallest either.

    All of them together are known, so a single one would follow from the others.
    """
    cells: list[Cell] = [None if 0 < count < least else count for count in counts]
    if cells.count(None) == 1:
        others = [count for count in cells if count]
        if others:
            cells[cells.index(min(others))] = None
    return tuple(cells)


def hidden_in_grid(rows: Sequence[Sequence[int]], least: int) -> list[tuple[Cell, ...]]:
    """The same for a grid whose rows and columns have known totals."""
    cells: list[list[Cell]] = [
        [None if 0 < count < least else count for count in row] for row in rows
    ]
    changed = True
    while changed:
        changed = False
        lines = [[(y, x) for x in range(len(row))] for y, row in enumerate(cells)]
        lines += [list(line) for line in zip(*lines, strict=True)]
        for line in lines:
            if sum(cells[y][x] is None for y, x in line) == 1:
                others = [(count, y, x) for y, x in line if (count := cells[y][x])]
                if others:
                    _, y, x = min(others)
                    cells[y][x] = None
                    changed = True
    return [tuple(row) for row in cells]
