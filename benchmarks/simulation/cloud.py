"""The way of images through a stage on AWS: from the inbox to their results, or until the sweep gives up."""

import random
from array import array
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import ceil, inf

from benchmarks.simulation.lambdas import Account, Concurrency
from benchmarks.simulation.limits import Limits
from benchmarks.simulation.outcome import Outcome
from benchmarks.simulation.parameters import FUNCTIONS, Knobs, Range, Times
from benchmarks.simulation.servers import RateLimit
from benchmarks.simulation.timeline import Process, Timeline
from chalicelib.pipeline.inbox_check import SMALL_INBOX, STALE_AFTER
from chalicelib.pipeline.sweeper import MAX_SECONDS, MAX_TRIES
from chalicelib.results.sharding import SHARDS
from deploy import usage
from deploy.costs import SECONDS, SWEEPS, PriceList

SWEEP_EVERY = SECONDS / SWEEPS
TRIES = 4
"""Of a request to S3 or DynamoDB; a test compares it with `chalicelib.dependencies`."""
ENDPOINT_TRIES = 2
"""Likewise, of a request to an endpoint."""
NOTICE = 150.0
"""Seconds from the record of a sharded period to its beginning, which is rounded down to a full minute."""
UNFINISHED_PARTITIONS = 4
"""Of the index `unfinished` (docs/architecture.md)."""


@dataclass
class Image:
    """An image on its way."""

    series: int
    """Its partition of the index `unfinished`."""
    recorded_at: float = inf
    """When the table got it; only then does the sweep know it."""
    partition: int = 0
    """Of the lists, from then on: 0 is the shared one."""


class Cloud:
    """A stage on AWS, and the images that arrive there."""

    def __init__(self, knobs: Knobs, limits: Limits, times: Times) -> None:
        """Raises ValueError if AWS would not take the knobs."""
        knobs.check(limits)
        self.knobs, self.limits, self.times = knobs, limits, times
        self.timeline = Timeline()
        self._random = random.Random(knobs.seed)
        self._cores = {name: knobs.core(name) for name in FUNCTIONS}
        settings = Concurrency(FUNCTIONS, knobs.concurrency, knobs.reserved, knobs.queue)
        self.account = Account(self.timeline, limits, settings, self._cold_start, self._random)
        units = limits.partition_write_units
        self._lists = [RateLimit(self.timeline, units, units) for _ in range(1 + len(SHARDS))]
        self._unfinished = [RateLimit(self.timeline, units, units) for _ in range(UNFINISHED_PARTITIONS)]
        puts = limits.prefix_puts
        self._prefixes = {prefix: RateLimit(self.timeline, puts, puts) for prefix in usage.PUTS}
        self._sharded_from = {"shared": inf, "sharded": 0.0, "automatic": inf}[knobs.partitions]
        self._asked = 0  # requests that the endpoint is answering
        self._swept = Counter[int]()
        one = 2 * _mean(times.table_request) + _mean(times.invoke)
        self._per_sweep = int(MAX_SECONDS / one)  # one after the other
        self.refused = Counter[str]()
        """Refusals, by what refused: each try counts."""
        self.first_refusal: dict[str, float] = {}
        """When each of them refused for the first time."""
        self.arrived = self.lost = self.resent = 0
        self.latencies = array("d")
        """Seconds from the arrival of an image to its result in the table."""
        self.last_arrival = self.ended = 0.0
        """When the last image arrived, and when the last one had its end."""

    def run(self, prices: PriceList, horizon: float = 86_400.0) -> Outcome:
        """Let images arrive, and wait until all have an end, or so many seconds have passed."""
        for _ in range(self.knobs.burst):
            self.timeline.start(self._image())
        if self.knobs.rate:
            self.timeline.start(self._arrivals())
        self.timeline.run(self.knobs.seconds if self.knobs.rate else 0.0)
        running, queued = self.account.running.mean(), self.account.queued.mean()
        self.timeline.run(horizon)
        return Outcome.of(self, prices, running, queued)

    def _arrivals(self) -> Process:
        while True:
            yield self._random.expovariate(self.knobs.rate)
            if self.timeline.now > self.knobs.seconds:
                return True
            self.timeline.start(self._image())

    def _image(self) -> Process:
        self.arrived += 1
        arrived = self.last_arrival = self.timeline.now
        sent = 0
        image = Image(self._random.randrange(UNFINISHED_PARTITIONS))
        if self.knobs.arrival == "upload":  # its announcement
            yield from self._write(image, usage.WRITTEN_KB[0])
        yield self._any(self.times.event)
        while True:
            if (yield from self.account.deliver("prepare", partial(self._prepare, image))):
                yield self._any(self.times.event)
                if (yield from self.account.deliver("classify", partial(self._classify, image))):
                    self.ended = self.timeline.now
                    self.latencies.append(self.ended - arrived)
                    return True
            known = image.recorded_at < inf
            yield self._until_sweep(image, arrived)
            if known:
                if sent == MAX_TRIES:
                    self.ended = self.timeline.now
                    self.lost += 1
                    return False
                sent += 1
            else:  # it was found by listing the inbox
                image.recorded_at = self.timeline.now
            self.resent += 1

    def _prepare(self, image: Image) -> Process:
        if not (yield from self._write(image, usage.WRITTEN_KB[0])):
            return False
        yield self._any(self.times.invoke)
        if not (yield from self.account.invoke("decode", self._decode)):
            return False
        return (yield from self._put("prepared"))

    def _decode(self) -> Process:
        yield self._any(self.times.object_request) + self._computing("decode", self.times.decode)
        return (yield from self._put("pictures"))

    def _classify(self, image: Image) -> Process:
        yield self._any(self.times.object_request)
        if self.knobs.endpoint is None:
            yield self._computing("classify", self.times.classify)
        elif not (yield from self._ask_endpoint()):
            return False
        if not (yield from self._put("results")):
            return False
        return (yield from self._write(image, usage.WRITTEN_KB[-1]))

    def _ask_endpoint(self) -> Process:
        def has_room() -> bool:
            return self._asked < (self.knobs.endpoint or 0)

        if not (yield from self._retried("endpoint", has_room, ENDPOINT_TRIES)):
            return False
        self._asked += 1
        yield self._varied(self.times.endpoint)
        self._asked -= 1
        return True

    def _put(self, prefix: str) -> Process:
        if not (yield from self._retried("bucket", self._prefixes[prefix].take, TRIES)):
            return False
        yield self._any(self.times.object_request)
        return True

    def _write(self, image: Image, kilobytes: float) -> Process:
        """Write an image's item to the table, of which all indexes must have room for it."""
        units = ceil(kilobytes)
        if not (yield from self._retried("table", partial(self._take_units, image, units), TRIES)):
            if self.knobs.partitions == "automatic" and self._sharded_from == inf:
                self._sharded_from = (self.timeline.now + NOTICE) // 60 * 60
            return False
        image.recorded_at = min(image.recorded_at, self.timeline.now)
        yield self._any(self.times.table_request)
        return True

    def _take_units(self, image: Image, units: int) -> bool:
        if image.recorded_at == inf:
            sharded = self.timeline.now >= self._sharded_from
            image.partition = 1 + self._random.randrange(len(SHARDS)) if sharded else 0
        lists, unfinished = self._lists[image.partition], self._unfinished[image.series]
        return lists.has(units) and unfinished.has(1) and lists.take(units) and unfinished.take(1)

    def _retried(self, what: str, attempt: Callable[[], bool], tries: int) -> Process:
        """A request that the SDK repeats while it is refused, after a random part of a growing time."""
        for number in range(tries):
            if attempt():
                return True
            self.refused[what] += 1
            self.first_refusal.setdefault(what, self.timeline.now)
            if number + 1 < tries:
                yield self._random.random() * self.limits.retry_base_seconds * 2**number
        return False

    def _until_sweep(self, image: Image, arrived: float) -> float:
        """Seconds until a sweep has time for an image, once it counts as stuck."""
        if image.recorded_at < inf:
            stale, every = image.recorded_at + STALE_AFTER.total_seconds(), SWEEP_EVERY
        else:
            stale, every = arrived + STALE_AFTER.total_seconds(), SMALL_INBOX.total_seconds()
        at = ceil(max(self.timeline.now, stale) / every) * every
        sweep = int(at / SWEEP_EVERY)
        while self._swept[sweep] >= self._per_sweep:
            sweep += 1
        self._swept[sweep] += 1
        return sweep * SWEEP_EVERY - self.timeline.now

    def _cold_start(self, function: str) -> float:
        return self._any(self.times.environment) + self.times.imports / self._cores[function]

    def _computing(self, function: str, median: float) -> float:
        return self._varied(median / self._cores[function])

    def _varied(self, median: float) -> float:
        return median * self._random.lognormvariate(0.0, self.times.sigma)

    def _any(self, span: Range) -> float:
        return self._random.uniform(*span)


def _mean(span: Range) -> float:
    return sum(span) / 2
