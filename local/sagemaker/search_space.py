"""The parameter ranges of a tuning job: which ones are accepted."""

import math
from collections.abc import Mapping
from typing import Any

from local.sagemaker.errors import invalid, unsupported

RANGES = ("IntegerParameterRanges", "ContinuousParameterRanges", "CategoricalParameterRanges")


def check_ranges(ranges: Mapping[str, Any]) -> None:
    """Check ParameterRanges of a tuning job.

    Raises:
        SageMakerError: if there is no range, or one that cannot be searched.
    """
    if ranges.get("AutoParameters"):
        raise unsupported("AutoParameters")
    names = [item["Name"] for kind in RANGES for item in ranges.get(kind, ())]
    if not names:
        raise invalid("At least one parameter range is required.")
    if len(set(names)) < len(names):
        raise invalid("Each tunable hyperparameter must have one range only.")
    for kind, read in (("IntegerParameterRanges", int), ("ContinuousParameterRanges", float)):
        for item in ranges.get(kind, ()):
            _check_range(item, kind, read)


def _check_range(item: Mapping[str, str], kind: str, read: Any) -> None:
    name, scaling = item["Name"], item.get("ScalingType", "Auto")
    try:
        low, high = read(item["MinValue"]), read(item["MaxValue"])
    except ValueError:
        raise invalid(f"The values of {name} are not numbers that fit {kind}.") from None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise invalid(f"The range of {name} needs a MinValue below its MaxValue.")
    if scaling == "Logarithmic" and low <= 0:
        raise invalid(f"The range of {name} has to be positive for ScalingType Logarithmic.")
    if scaling == "ReverseLogarithmic" and (read is int or not 0 <= low < high < 1):
        raise invalid(f"ScalingType ReverseLogarithmic of {name} needs a continuous range within 0 <= x < 1.")
