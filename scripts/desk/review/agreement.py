"""How well two reviewers agree beyond chance, and how certain a share is. Pure arithmetic.

Kappa: J. Cohen, A Coefficient of Agreement for Nominal Scales, Educational and Psychological
Measurement 20 (1960). Alpha: K. Krippendorff, Computing Krippendorff's Alpha-Reliability (2011).
Interval: C. Clopper and E. Pearson, The Use of Confidence or Fiducial Limits, Biometrika 26 (1934).
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import accumulate, permutations

CONFIDENCE = 0.95
# Each step halves the interval in which a limit is searched for: more steps than a float can hold.
_HALVINGS = 60

# The distance between two values, squared: 0 for equal ones.
_Distance = Callable[[str, str], float]


def kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Cohen's kappa of two reviewers' values for the same units; None where it is undefined.

    It is undefined if there is no unit, or if both gave all units the same value.
    """
    if not pairs:
        return None
    units = len(pairs)
    first, second = Counter(one for one, _ in pairs), Counter(two for _, two in pairs)
    observed = sum(one == two for one, two in pairs) / units
    expected = sum(first[value] * second[value] for value in first) / units**2
    return (observed - expected) / (1 - expected) if expected < 1 else None


def alpha(units: Sequence[Sequence[str]], scale: Sequence[str] = ()) -> float | None:
    """Krippendorff's alpha of the values that any number of reviewers gave each unit.

    Nominal, or ordinal for values on a *scale*, which lists them in order. Units with a single
    value do not count. None if it is undefined: with fewer than two values in use.
    """
    # The coincidences: each ordered pair of values of one unit, weighted by how many the unit has.
    together: Counter[tuple[str, str]] = Counter()
    for unit in units:
        for pair in permutations(unit, 2):
            together[pair] += 1 / (len(unit) - 1)  # type: ignore[assignment]
    marginal: Counter[str] = Counter()
    for (value, _), weight in together.items():
        marginal[value] += weight
    distance = _ordinal(marginal, scale) if scale else _nominal
    total = sum(marginal.values())
    observed = sum(weight * distance(*pair) for pair, weight in together.items())
    expected = sum(
        marginal[one] * marginal[two] * distance(one, two) for one, two in permutations(marginal, 2)
    )
    return 1 - (total - 1) * observed / expected if expected else None


def _nominal(one: str, two: str) -> float:
    return float(one != two)


def _ordinal(marginal: Counter[str], scale: Sequence[str]) -> _Distance:
    """The distance of two values: how many given values lie between them, squared."""
    counts = [marginal[value] for value in scale]
    below = dict(zip(scale, accumulate(counts, initial=0), strict=False))

    def distance(one: str, two: str) -> float:
        low, high = sorted((one, two), key=scale.index)
        between = below[high] + marginal[high] - below[low]
        return float(between - (marginal[one] + marginal[two]) / 2) ** 2

    return distance


def interval(found: int, units: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The exact (Clopper–Pearson) limits of a share of which *found* of *units* were seen.

    It contains the true share at least as often as *confidence* says. *units* is at least 1.
    """
    tail = (1 - confidence) / 2
    low = 0.0 if found == 0 else _solve(lambda p: 1 - _at_most(found - 1, units, p) < tail)
    high = 1.0 if found == units else _solve(lambda p: _at_most(found, units, p) > tail)
    return low, high


def _solve(below: Callable[[float], bool]) -> float:
    """The share up to which *below* holds."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) else (low, middle)
    return (low + high) / 2


def _at_most(found: int, units: int, share: float) -> float:
    """The probability of at most *found* of *units*, each with this *share* (above 0, below 1)."""
    yes, no = math.log(share), math.log1p(-share)
    return math.fsum(
        math.exp(
            math.lgamma(units + 1)
            - math.lgamma(count + 1)
            - math.lgamma(units - count + 1)
            + count * yes
            + (units - count) * no
        )
        for count in range(found + 1)
    )
