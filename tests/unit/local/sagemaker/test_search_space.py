"""Checks of the ranges of a search."""

import pytest

from local.sagemaker.errors import SageMakerError
from local.sagemaker.search_space import check_ranges


@pytest.mark.parametrize(
    "item",
    [
        {"MinValue": "2", "MaxValue": "1"},
        {"MinValue": "a", "MaxValue": "b"},
        {"MinValue": "0", "MaxValue": "1", "ScalingType": "Logarithmic"},
        {"MinValue": "0", "MaxValue": "1", "ScalingType": "ReverseLogarithmic"},
        {"MinValue": "0", "MaxValue": "inf"},
    ],
)
def test_invalid_ranges_are_refused(item: dict[str, str]) -> None:
    with pytest.raises(SageMakerError):
        check_ranges({"ContinuousParameterRanges": [{"Name": "x", **item}]})
