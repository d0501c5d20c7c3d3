"""The thresholds of a model that decide which of its answers a person should review."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Thresholds:
    """Thresholds that training chose on the validation images."""

    distance: float = math.inf
    """The distance beyond which an image is out of distribution; infinite for a model without distances."""
    probability: float | None = 0.0
    """Lowest probability of an answer that is right often enough to need no review; None if there is no such
    probability, so that every answer needs one."""

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> "Thresholds":
        """Those in the entry `thresholds` of a model.json.

        Packages made before there was a threshold of the probability lack it.

        Raises:
            KeyError, TypeError, ValueError: if the entry is malformed.
        """
        probability = entry.get("probability", 0.0)
        return cls(float(entry["distance"]), None if probability is None else float(probability))
