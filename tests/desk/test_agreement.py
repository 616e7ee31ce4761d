"""Agreement and intervals, against published worked examples and tables."""

import pytest

from scripts.desk.review.agreement import alpha, interval, kappa


def table(*cells: tuple[str, int]) -> list[tuple[str, str]]:
    """Pairs by what both said, such as ("yn", 5)."""
    return [(both[0], both[1]) for both, count in cells for _ in range(count)]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        # Fifty applications, read by two: the usual textbook example, and two with one share of
        # agreement (60 %) and different margins.
        ((("yy", 20), ("yn", 5), ("ny", 10), ("nn", 15)), 0.40),
        ((("yy", 45), ("yn", 15), ("ny", 25), ("nn", 15)), 0.1304),
        ((("yy", 25), ("yn", 35), ("ny", 5), ("nn", 35)), 0.2593),
        ((("yy", 7), ("nn", 7)), 1.0),
        ((("yn", 5), ("ny", 5)), -1.0),
    ],
)
def test_kappa_is_that_of_worked_examples(
    cells: tuple[tuple[str, int], ...], expected: float
) -> None:
    assert kappa(table(*cells)) == pytest.approx(expected, abs=5e-5)


# Krippendorff 2011: two observers with two values (A) and with five (B), four observers of whom
# none saw all units (C).
TWO = list(zip("0100000010", "1110010000", strict=True))
FIVE = list(zip("aabbdcccedda", "babbbccceddd", strict=True))
FOUR = [
    [value for value in unit if value != "*"]
    for unit in zip("123321412***", "1233224125*3", "*3332342251*", "12332441251*", strict=True)
]


@pytest.mark.parametrize(
    ("units", "scale", "expected"),
    [
        (TWO, "", 0.095),
        (FIVE, "", 0.692),
        (FOUR, "", 0.743),
        (FOUR, "12345", 0.815),
        # A value that nobody gave does not matter.
        (FOUR, "1234567", 0.815),
    ],
)
def test_alpha_is_that_of_worked_examples(
    units: list[list[str]], scale: str, expected: float
) -> None:
    assert alpha(units, tuple(scale)) == pytest.approx(expected, abs=5e-4)


def test_what_cannot_be_told_is_none() -> None:
    assert kappa([]) is None and kappa(table(("yy", 9))) is None
    assert alpha([]) is None and alpha([["a", "a"], ["a", "a"]]) is None
    assert alpha([["a"], ["b"]]) is None  # one reviewer each
    assert alpha([["a", "a"]] * 3, ("a", "b")) is None


@pytest.mark.parametrize(
    ("found", "units", "low", "high"),
    [
        # From tables of exact confidence limits.
        (0, 10, 0.0, 0.3085),
        (0, 20, 0.0, 0.1684),
        (1, 20, 0.0013, 0.2487),
        (5, 10, 0.1871, 0.8129),
        (10, 100, 0.0490, 0.1762),
        (10, 10, 0.6915, 1.0),
        (0, 300, 0.0, 0.0122),
    ],
)
def test_the_interval_is_that_of_tables(found: int, units: int, low: float, high: float) -> None:
    assert interval(found, units) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.slow
def test_a_large_sample_is_no_trouble() -> None:
    low, high = interval(1_000, 20_000)
    assert 0.046 < low < 0.048 and 0.052 < high < 0.054
