"""Leaving out small counts and telling sums, which could point at a person, and what would give
them away.
"""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

from scripts.desk.charts.shapes import Cell

# Nobody may be able to estimate the largest part of a sum to within a fifth, not even somebody who
# knows the second largest because it is their own. This is the p% rule of official statistics
# (Handbook on Statistical Disclosure Control, chapter 4); they choose their p and publish none.
_WITHIN = Decimal("0.2")


def hidden(counts: Sequence[int], least: int) -> tuple[Cell, ...]:
    """*counts* without the small ones; if only one is small, without the next smallest either.

    Their total is known, so a single missing one could be computed from the others.
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


def dominated(parts: Sequence[Decimal]) -> bool:
    """Whether the largest of *parts*, one a person, could be estimated from their sum."""
    first, _second, *others = [*sorted(parts, reverse=True), Decimal(), Decimal()]
    return sum(others, Decimal()) < _WITHIN * first


def hidden_sums(
    persons: Sequence[Mapping[str, Decimal]], left_out: Collection[str], least: int
) -> frozenset[str]:
    """The kinds whose sums are left out, where the sum over all kinds is known.

    Each of *persons* has a part of some kinds. The total of everything left out, including the
    kinds in *left_out*, can be computed: so it has to come from enough persons, too, and none may
    dominate it.
    """
    kinds = {kind for one in persons for kind in one}
    sums = {kind: sum((one.get(kind, Decimal()) for one in persons), Decimal()) for kind in kinds}

    def tells(some: frozenset[str]) -> bool:
        parts = [
            sum(map(one.__getitem__, some & one.keys()), Decimal())
            for one in persons
            if not some.isdisjoint(one)
        ]
        return len(parts) < least or dominated(parts)

    found = frozenset(left_out).union(kind for kind in kinds if tells(frozenset({kind})))
    while found and found != kinds and tells(found):
        found |= {min(kinds - found, key=lambda kind: (sums[kind], kind))}
    return found
