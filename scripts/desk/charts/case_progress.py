"""How far the cases have come, without what is small."""

from scripts.desk.charts.shapes import Cell
from scripts.desk.charts.small_cells import hidden
from scripts.desk.search.counted import DECIDED, OF_MERIT, Cases


def progress(cases: Cases, least: int) -> dict[str, Cell]:
    """How many of *cases* have taken each step."""
    steps = cases.progress()
    cells = dict(zip(steps, hidden(list(steps.values()), least), strict=True))
    if cells[OF_MERIT] is None:
        # With the chart of tiers, the decided ones would give away how many are of merit.
        cells[DECIDED] = None
    return cells
