"""Proportions of counted things, with confidence intervals."""

import math
from typing import Annotated, TypedDict

from chalicelib.json_schema import Schema

Share = Annotated[float, Schema(minimum=0, maximum=1)]
Count = Annotated[int, Schema(minimum=0)]

_NORMAL_QUANTILE = 1.959964
"""The 97.5 % quantile of the normal distribution, for intervals of 95 %."""


class Proportion(TypedDict):
    """A proportion with its 95 % interval, Wilson's score interval.

    It suits small counts and proportions near 0 and 1 (Brown, Cai and DasGupta, Interval Estimation for a
    Binomial Proportion, Statistical Science 2001).
    """

    count: Count
    of: Count
    value: Share | None
    """`count` / `of`; null, as are the ends of the interval, if `of` is 0."""
    low: Share | None
    high: Share | None


def proportion(count: int, of: int) -> Proportion:
    """The proportion `count` / `of` with its interval."""
    if of == 0:
        return {"count": count, "of": of, "value": None, "low": None, "high": None}
    share, squared = count / of, _NORMAL_QUANTILE**2
    centre = share + squared / (2 * of)
    margin = _NORMAL_QUANTILE * math.sqrt(share * (1 - share) / of + squared / (4 * of * of))
    low, high = ((centre + side * margin) / (1 + squared / of) for side in (-1, 1))
    return {
        "count": count,
        "of": of,
        "value": round(share, 6),
        "low": round(max(low, 0.0), 6),
        "high": round(min(high, 1.0), 6),
    }
