"""The thresholds of a model."""

import math

import pytest

from chalicelib.models.thresholds import Thresholds


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"distance": 12}, Thresholds(12.0, 0.0)),  # as earlier packages have it
        ({"distance": 12, "probability": 0.9}, Thresholds(12.0, 0.9)),
        ({"distance": 12, "probability": None}, Thresholds(12.0, None)),
    ],
)
def test_thresholds_are_read_from_model_json(entry: dict[str, object], expected: Thresholds) -> None:
    assert Thresholds.of(entry) == expected


@pytest.mark.parametrize("entry", [{}, {"probability": 0.5}, {"distance": "far"}, {"distance": None}])
def test_malformed_thresholds_are_an_error(entry: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Thresholds.of(entry)


def test_model_without_thresholds_flags_no_image() -> None:
    assert Thresholds() == Thresholds(math.inf, 0.0)
