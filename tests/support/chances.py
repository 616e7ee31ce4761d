"""Whether counts may have come by chance."""

import math
from collections.abc import Sequence


def chance_of_uniform(counts: Sequence[int]) -> float:
    """How likely counts at least as uneven are, if every value is equally likely (chi-square).

    The cube root of chi-square is nearly normal (Wilson and Hilferty, 1931): good to some percent
    of the result from 30 degrees of freedom on. To load scipy for it takes over a second.
    """
    mean, freedom = sum(counts) / len(counts), len(counts) - 1
    square = sum((count - mean) ** 2 for count in counts) / mean
    spread = 2 / (9 * freedom)
    return math.erfc(((square / freedom) ** (1 / 3) - 1 + spread) / math.sqrt(2 * spread)) / 2
