"""Random search over the parameter ranges of a tuning job."""

import math
import random
from collections.abc import Mapping
from typing import Any

from local.sagemaker.errors import SageMakerError, invalid, unsupported

RANGES = ("IntegerParameterRanges", "ContinuousParameterRanges", "CategoricalParameterRanges")


def check_ranges(ranges: Mapping[str, Any]) -> None:
    """Raise SageMakerError unless values can be drawn from all ranges, and there is one at least."""
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
        raise invalid(f"The range of {name} is not one of numbers that fit {kind}.") from None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise invalid(f"The range of {name} needs a MinValue below its MaxValue.")
    if scaling == "Logarithmic" and low <= 0:
        raise invalid(f"The range of {name} has to be positive for ScalingType Logarithmic.")
    if scaling == "ReverseLogarithmic" and (read is int or not 0 <= low < high < 1):
        raise invalid(f"ScalingType ReverseLogarithmic of {name} needs a continuous range within 0 <= x < 1.")


def draw(ranges: Mapping[str, Any], generator: random.Random) -> dict[str, str]:
    """One value of every parameter, as the texts that hyper-parameters are."""
    values = {}
    for item in ranges.get("IntegerParameterRanges", ()):
        low, high = int(item["MinValue"]), int(item["MaxValue"])
        scaling = item.get("ScalingType", "Auto")
        if scaling == "Logarithmic":
            drawn = round(math.exp(generator.uniform(math.log(low), math.log(high))))
            values[item["Name"]] = str(min(max(drawn, low), high))
        else:
            values[item["Name"]] = str(generator.randint(low, high))
    for item in ranges.get("ContinuousParameterRanges", ()):
        low_, high_ = float(item["MinValue"]), float(item["MaxValue"])
        drawn_ = _continuous(low_, high_, item.get("ScalingType", "Auto"), generator)
        values[item["Name"]] = repr(min(max(drawn_, low_), high_))
    for item in ranges.get("CategoricalParameterRanges", ()):
        values[item["Name"]] = generator.choice(item["Values"])
    return values


def _continuous(low: float, high: float, scaling: str, generator: random.Random) -> float:
    match scaling:
        case "Logarithmic":
            return math.exp(generator.uniform(math.log(low), math.log(high)))
        case "ReverseLogarithmic":  # even in log(1 - x)
            return 1 - math.exp(generator.uniform(math.log(1 - high), math.log(1 - low)))
        case "Linear" | "Auto":
            return generator.uniform(low, high)
    raise SageMakerError("InternalFailure", f"There is no ScalingType {scaling}.", 500)
