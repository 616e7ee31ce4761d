"""Whether counts may have come by chance."""

from collections.abc import Sequence


def chance_of_uniform(counts: Sequence[int]) -> float:
    """How likely counts at least as uneven are, if every value is equally likely (chi-square)."""
    from scipy.stats import chisquare  # noqa: PLC0415  # loading it takes over a second

    return float(chisquare(counts).pvalue)
