"""How far the cases have come, leaving out small counts."""

from scripts.desk.charts.shapes import Cell
from scripts.desk.charts.small_cells import hidden
from scripts.desk.search.counted import DECIDED, OF_MERIT, Cases


def progress(cases: Cases, least: int) -> dict[str, Cell]:
    """How many of *cases* have taken each step."""
    steps = cases.progress()
    cells = dict(zip(steps, hidden(list(steps.values()), least), strict=True))
    if cells[OF_MERIT] is None:
        # Together with the chart of tiers, the number of decided cases would give away how many
        # have merit.
        cells[DECIDED] = None
    return cells
