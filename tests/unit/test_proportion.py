"""Wilson's interval of a proportion."""

import pytest

from chalicelib.proportion import proportion


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    # Published values: Newcombe, Statistics in Medicine 1998, table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_interval_is_that_of_wilson(count: int, of: int, low: float, high: float) -> None:
    found = proportion(count, of)
    assert (found["count"], found["of"], found["value"]) == (count, of, round(count / of, 6))
    assert [found["low"], found["high"]] == pytest.approx([low, high], abs=5e-5)


def test_proportion_of_all_ends_at_one() -> None:
    found = proportion(20, 20)
    assert (found["value"], found["high"]) == (1.0, 1.0)


def test_proportion_of_nothing_is_unknown() -> None:
    assert proportion(0, 0) == {"count": 0, "of": 0, "value": None, "low": None, "high": None}
