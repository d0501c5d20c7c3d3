"""Servers and rates, compared with what queueing theory says of them."""

import random
from statistics import fmean

import pytest

from benchmarks.simulation.servers import RateLimit, Servers
from benchmarks.simulation.timeline import Process, Timeline


class Station:
    """Customers who arrive at random, are served, and leave."""

    def __init__(self, servers: int, rate: float, customers: int, *, constant: bool, seed: int = 1) -> None:
        """The mean service takes a second; it is `constant`, or distributed exponentially."""
        self.timeline = Timeline()
        self.servers = Servers(self.timeline, servers)
        self.waits: list[float] = []
        self.times: list[float] = []
        self._rate, self._customers, self._constant = rate, customers, constant
        self._random = random.Random(seed)
        self.timeline.start(self._arrivals())
        self.timeline.run()

    def _arrivals(self) -> Process:
        for _ in range(self._customers):
            yield self._random.expovariate(self._rate)
            self.timeline.start(self._customer())
        return True

    def _customer(self) -> Process:
        arrived = self.timeline.now
        yield from self.servers.take()
        self.waits.append(self.timeline.now - arrived)
        yield 1.0 if self._constant else self._random.expovariate(1.0)
        self.servers.give_back()
        self.times.append(self.timeline.now - arrived)
        return True


def test_random_services_of_one_server_wait_as_in_theory() -> None:
    """M/M/1: the mean wait is rho / (mu - lambda), here 0.7 / 0.3."""
    assert fmean(Station(1, 0.7, 50_000, constant=False).waits) == pytest.approx(0.7 / 0.3, rel=0.07)


def test_constant_services_of_one_server_wait_half_as_long() -> None:
    """M/D/1: the mean wait is rho / (2 (mu - lambda))."""
    assert fmean(Station(1, 0.7, 50_000, constant=True).waits) == pytest.approx(0.7 / 0.6, rel=0.07)


def test_several_servers_wait_as_erlang_says() -> None:
    """M/M/c with four servers at 75 %: Erlang's C is 0.5094, and the mean wait C / (c mu - lambda)."""
    station = Station(4, 3.0, 100_000, constant=False)
    assert fmean(station.waits) == pytest.approx(0.5094, rel=0.08)
    assert fmean(wait > 0 for wait in station.waits) == pytest.approx(0.5094, rel=0.03)


def test_as_many_wait_as_little_says() -> None:
    """L = lambda W, for those who wait and for those who are served."""
    station = Station(2, 1.5, 20_000, constant=False)
    rate = len(station.waits) / station.timeline.now
    assert station.servers.waiting.mean() == pytest.approx(rate * fmean(station.waits))
    served = fmean(station.times) - fmean(station.waits)
    assert station.servers.busy.mean() == pytest.approx(rate * served)


def test_nobody_waits_while_there_are_enough_servers() -> None:
    assert max(Station(60, 10.0, 5000, constant=True).waits) == 0


def test_serve_waits_for_its_turn() -> None:
    timeline = Timeline()
    servers, ends = Servers(timeline, 2), list[float]()

    def customer() -> Process:
        yield from servers.serve(3.0)
        ends.append(timeline.now)
        return True

    for _ in range(5):
        timeline.start(customer())
    timeline.run()
    assert ends == [3, 3, 6, 6, 9]
    assert (servers.busy.peak, servers.busy.value, servers.waiting.peak) == (2, 0, 3)


def test_rate_is_kept_and_refuses_the_rest() -> None:
    timeline = Timeline()
    limit = RateLimit(timeline, rate=10, capacity=20)
    assert sum(limit.take() for _ in range(30)) == 20
    timeline.run(0.5)
    assert sum(limit.take() for _ in range(30)) == 5
    assert not limit.take(2)
    timeline.run(0.75)
    assert limit.has(2)
    assert limit.take(2)
    assert not limit.take(0.6)
    timeline.run(1000)
    assert sum(limit.take() for _ in range(30)) == 20  # what was not used before is lost
