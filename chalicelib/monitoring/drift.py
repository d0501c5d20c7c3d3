"""Drift: whether a model's latest answers differ from its answers for the validation images.

The mix of labels, the confidence and the distance are compared by the population stability index,
PSI = sum of (o - e) ln(o / e) over bins with expected shares e and observed shares o. With few images, PSI is
large by chance: without drift, PSI of N answers against a profile of M images and B bins is
approximately distributed as chi-square with B - 1 degrees of freedom, times 1/N + 1/M (Yurdakul, Statistical
Properties of Population Stability Index, dissertation, Western Michigan University 2018). Drift is therefore
a PSI that is both large and significant.
"""

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

from chalicelib.monitoring.drift_document import (
    LARGE_PSI,
    MODERATE_PSI,
    SIGNIFICANCE,
    AspectName,
    DriftAspect,
)
from chalicelib.results.result_document import ListedResult

MIN_ANSWERS = 100
"""The smallest sample: ten answers for each decile of the validation images."""

_DECILES = range(1, 10)


@dataclass(frozen=True)
class Aspect:
    """One property of the answers: its expected and its observed distribution."""

    name: str
    bins: tuple[str, ...]
    """Class names, or intervals in words."""
    expected: tuple[float, ...]
    """Shares of the validation images; their sum is 1."""
    observed: tuple[float, ...]
    """Shares of the latest answers."""
    answers: int
    """The number of answers counted."""
    psi: float
    p_value: float
    """Probability of a PSI at least this large without drift."""

    @property
    def is_significant(self) -> bool:
        """Whether the difference is statistically significant."""
        return self.p_value < SIGNIFICANCE

    @property
    def has_drifted(self) -> bool:
        """Whether the difference is both large and significant."""
        return self.psi > LARGE_PSI and self.is_significant

    @property
    def verdict(self) -> str:
        """The interpretation, in words."""
        if self.has_drifted:
            return "Unlike the validation images, and by more than chance."
        if self.psi > LARGE_PSI:
            return "Unlike the validation images, but with so few images that may be chance."
        if self.psi > MODERATE_PSI and self.is_significant:
            return "A little unlike the validation images."
        return "Like the validation images."

    def to_dict(self) -> DriftAspect:
        """The JSON form in reports."""
        shares = zip(self.bins, self.expected, self.observed, strict=True)
        return {
            "aspect": cast(AspectName, self.name),
            "bins": [
                {"name": name, "expected": round(expected, 6), "observed": round(observed, 6)}
                for name, expected, observed in shares
            ],
            "answers": self.answers,
            "psi": round(self.psi, 6),
            "p_value": round(self.p_value, 6),
            "drifted": self.has_drifted,
            "verdict": self.verdict,
        }


def compare(profile: Mapping[str, Any], answers: Sequence[ListedResult]) -> list[Aspect]:
    """Compare a model's answers with its answers for the validation images.

    Args:
        profile: `metrics.validation.profile` of model.json.
        answers: of the same model, at least `MIN_ANSWERS`.

    Returns:
        Every aspect that can be compared. Confidence or distance is missing if the profile does not have it,
        if all its deciles are equal, or if fewer than `MIN_ANSWERS` answers have it.
    """
    aspects = [_labels(profile, [answer["label"] or "" for answer in answers])]
    for name, deciles, measured in (
        ("confidence", profile["confidence_deciles"], [answer["probability"] for answer in answers]),
        ("distance", profile["distance_deciles"], [answer["distance"] for answer in answers]),
    ):
        values = [value for value in measured if value is not None]
        edges = _edges(deciles or [])
        if edges and len(values) >= MIN_ANSWERS:
            aspects.append(_numbers(name, profile["images"], edges, values))
    return aspects


def _labels(profile: Mapping[str, Any], labels: Sequence[str]) -> Aspect:
    counts = Counter(labels)
    names, expected = tuple(profile["labels"]), tuple(profile["labels"].values())
    return _aspect("labels", names, expected, profile["images"], [counts[name] for name in names])


def _edges(deciles: Sequence[float]) -> dict[float, float]:
    """Value and level of every decile that differs from all others.

    Several deciles are equal if many images have the same value, such as a confidence of 1. It is unknown how
    many lie on either side of that value, so the tenths between the remaining deciles make one bin.
    """
    times = Counter(deciles)
    return {value: level / 10 for value, level in zip(deciles, _DECILES, strict=False) if times[value] == 1}


def _numbers(name: str, images: int, edges: Mapping[float, float], values: Sequence[float]) -> Aspect:
    borders, levels = list(edges), [0.0, *edges.values(), 1.0]
    counts = [0.0] * (len(borders) + 1)
    for value in values:
        # A value on a border counts half for either side.
        counts[bisect_left(borders, value)] += 0.5
        counts[bisect_right(borders, value)] += 0.5
    names = (
        f"below {borders[0]:g}",
        *(f"{low:g} to {high:g}" for low, high in pairwise(borders)),
        f"above {borders[-1]:g}",
    )
    expected = tuple(high - low for low, high in pairwise(levels))
    return _aspect(name, names, expected, images, counts)


def _aspect(
    name: str, bins: tuple[str, ...], expected: tuple[float, ...], images: int, counts: Sequence[float]
) -> Aspect:
    answers = sum(counts)
    observed = tuple(count / answers for count in counts)
    # ln 0 is infinite, so half an image stands for none.
    shares = [
        (e or 0.5 / images, o or 0.5 / answers) for e, o in zip(expected, observed, strict=True) if e or o
    ]
    psi = sum((o - e) * math.log(o / e) for e, o in shares)
    p_value = chi_square_tail(psi / (1 / answers + 1 / images), len(shares) - 1)
    return Aspect(name, bins, expected, observed, round(answers), psi, p_value)


def chi_square_tail(value: float, degrees: int) -> float:
    """Probability that chi-square with `degrees` degrees of freedom is at least `value`; 1 without any.

    It is the incomplete gamma function Q(degrees / 2, value / 2), which grows from Q(1/2, y) = erfc(sqrt y)
    or Q(1, y) = exp(-y) by Q(a + 1, y) = Q(a, y) + y^a exp(-y) / Gamma(a + 1) (NIST DLMF, 8.4 and 8.8).
    """
    if degrees < 1 or value <= 0:
        return 1.0
    y = value / 2
    a, tail = (0.5, math.erfc(math.sqrt(y))) if degrees % 2 else (1.0, math.exp(-y))
    while a < degrees / 2:
        tail += math.exp(a * math.log(y) - y - math.lgamma(a + 1))
        a += 1
    return tail
