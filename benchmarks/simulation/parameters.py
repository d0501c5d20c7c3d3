"""How long things take on AWS, and the knobs of a simulated run."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any, Literal, Self

from benchmarks import report
from benchmarks.contestants import NEGATOSCOPE
from benchmarks.peers.negatoscope import TASK
from benchmarks.price import FULL_CORE
from benchmarks.simulation.lambdas import Queue
from benchmarks.simulation.limits import Limits, content
from deploy import usage
from deploy.costs import PriceList

FUNCTIONS = ("prepare", "decode", "classify")
Partitions = Literal["shared", "sharded", "automatic"]
Arrival = Literal["drop-folder", "upload"]
Range = tuple[float, float]
"""The smallest and the largest of a time in seconds; any between is equally likely."""


@dataclass(frozen=True)
class Times:
    """How long single things take, in seconds."""

    object_request: Range
    table_request: Range
    event: Range
    """From the storing of an object to the first attempt to deliver its event."""
    invoke: Range
    environment: Range
    """A new one, before it imports."""
    imports: float
    """Of one core, in a new environment."""
    decode: float
    """Of one core, the median; so is the next."""
    classify: float
    endpoint: float
    """Of an endpoint's answer, the median; assumed (deploy/prices.toml)."""
    sigma: float
    """The standard deviation of the logarithm of a time of computing."""

    @classmethod
    def read(cls, image: str) -> Self:
        """The times for a kind of image: measured ones of docs/speed, the others from the file.

        Raises:
            KeyError: if the file has no times of that kind of image.
        """
        file, speed = content(), report.read()
        ours = _row(speed, "One image after the other", NEGATOSCOPE)
        ranges = {name: (float(low), float(high)) for name, (low, high) in file["times"].items()}
        return cls(
            **ranges,
            imports=ours["import / s"],
            decode=file["measured"]["decode"][image],
            classify=_row(speed, "Batches", TASK)["alone / ms"] / 1000,
            endpoint=PriceList().assumption("endpoint_seconds"),
            sigma=math.log(ours["p99 / ms"] / ours["p50 / ms"]) / NormalDist().inv_cdf(0.99),
        )


@dataclass(frozen=True)
class Knobs:
    """What a run is asked for, and what can be changed about a stage."""

    rate: float = 0.0
    """Images a second, which arrive independently of each other (a Poisson process)."""
    seconds: float = 300.0
    """For which they arrive."""
    burst: int = 0
    """Images that arrive at the start, all at once."""
    concurrency: int = 1000
    """Of the account's Lambdas."""
    reserved: Mapping[str, int] = field(default_factory=dict)
    """Concurrency that is reserved for functions."""
    memory: Mapping[str, int] = field(default_factory=dict)
    """MB of functions; of the others as in `.chalice/config.json`."""
    partitions: Partitions = "automatic"
    """Whether lists are sharded from the start, never, or when DynamoDB first refuses writes."""
    queue: Queue = "backoff"
    arrival: Arrival = "drop-folder"
    endpoint: int | None = None
    """Requests that the task's endpoint answers at a time; None: the Lambdas have the model."""
    image: str = "DICOM, 2000 x 2000"
    seed: int = 1

    def megabytes(self, function: str) -> float:
        """The memory of a function."""
        return self.memory.get(function) or usage.memory_gb(function) * 1024

    def core(self, function: str) -> float:
        """The part of a core that a function has, at most one: none of them uses two."""
        return min(1.0, self.megabytes(function) / FULL_CORE)

    def check(self, limits: Limits) -> None:
        """Make sure that AWS would take these settings.

        Raises:
            ValueError: if not; the message says why.
        """
        if self.reserved and sum(self.reserved.values()) > self.concurrency - limits.unreserved_concurrency:
            raise ValueError(
                f"AWS keeps {limits.unreserved_concurrency} of the account's {self.concurrency} concurrent "
                "Lambdas unreserved: reserve less, or raise the concurrency."
            )


def kinds_of_images() -> list[str]:
    """The kinds of images that there are times of."""
    return [*content()["measured"]["decode"]]


def _row(speed: Mapping[str, Any], title: str, name: str) -> dict[str, float]:
    """A row of docs/speed, by column."""
    (section,) = (one for one in speed["sections"] if one["title"] == title)
    (row,) = (one for one in section["rows"] if one[0] == name)
    return dict(zip(section["columns"], row, strict=True))
