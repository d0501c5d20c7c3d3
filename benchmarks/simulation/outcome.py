"""What a simulated run on AWS came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from benchmarks.simulation.tally import percentiles
from deploy.costs import SECONDS, PriceList, Workload, table

if TYPE_CHECKING:
    from benchmarks.simulation.cloud import Cloud

KEEPS_UP = 60.0
"""Seconds after the last arrival within which all images have their results if nothing has piled up."""


@dataclass(frozen=True)
class Outcome:
    """Numbers of one run. `arrived` is the sum of `done`, `waiting` and `lost`."""

    arrived: int
    done: int
    waiting: int
    """Without a result when the simulation ended."""
    lost: int
    """Quarantined by the sweep, which gave up: they have to be dropped again."""
    latency: dict[int, float]
    """Percentiles of the seconds from arrival to result."""
    drained: float
    """Seconds from the last arrival to the last end."""
    running: float
    """Mean number of concurrent Lambdas while images arrived."""
    running_peak: int
    queued: float
    """Mean number of throttled events while images arrived."""
    queued_peak: int
    cold_starts: int
    throttled: dict[str, int]
    """Refused tries, by Lambda, and by what else refused: `table`, `bucket`, `endpoint`."""
    breaks_first: str
    """What refused first, and after how many seconds; empty if nothing did."""
    resent: int
    """By the sweep."""
    gave_up: int
    """Events that Lambda put into the queue of lost events."""
    lambda_dollars: float
    """Of 1,000 images."""
    dollars: float
    """Of 1,000 images, with requests, logs and traces."""

    @classmethod
    def of(cls, cloud: Cloud, prices: PriceList, running: float, queued: float) -> Self:
        """The numbers of a cloud that has run; `running` and `queued` are means while images arrived."""
        account, done = cloud.account, len(cloud.latencies)
        throttled = {name: one.throttled for name, one in account.functions.items()} | dict(cloud.refused)
        spent = sum(
            one.invocations * prices["lambda_request"]
            + one.seconds * cloud.knobs.megabytes(name) / 1024 * prices["lambda_gb_second"]
            for name, one in account.functions.items()
        )
        spent *= 1000 / cloud.arrived
        rows = table(prices, Workload(1000, 1000))
        others = sum(
            rows[name]["embedded"] or 0.0 for name in ("S3 and DynamoDB requests", "logs and traces")
        )
        return cls(
            arrived=cloud.arrived,
            done=done,
            waiting=cloud.arrived - done - cloud.lost,
            lost=cloud.lost,
            latency=percentiles(cloud.latencies),
            drained=cloud.ended - cloud.last_arrival,
            running=running,
            running_peak=account.running.peak,
            queued=queued,
            queued_peak=account.queued.peak,
            cold_starts=sum(one.cold_starts for one in account.functions.values()),
            throttled={name: count for name, count in throttled.items() if count},
            breaks_first=_first(account.first_throttle | cloud.first_refusal),
            resent=cloud.resent,
            gave_up=account.gave_up.total(),
            lambda_dollars=spent,
            dollars=spent + others,
        )

    @property
    def keeps_up(self) -> bool:
        """Whether results came as fast as images."""
        return self.drained < KEEPS_UP

    def month(self, prices: PriceList, rate: float) -> float:
        """Dollars of a month at this rate, with what a stage costs anyway, and the month's images at rest."""
        images = round(rate * SECONDS)
        rows = table(prices, Workload(images, images))
        rest = (rows["sum"]["embedded"] or 0.0) - (rows["Lambda for images"]["embedded"] or 0.0)
        return rest + images / 1000 * self.lambda_dollars


def _first(refusals: dict[str, float]) -> str:
    if not refusals:
        return ""
    name, at = min(refusals.items(), key=lambda item: item[1])
    what = {"table": "partition of the lists", "bucket": "S3"}
    return f"{what.get(name, name)}, {at:.0f} s"
