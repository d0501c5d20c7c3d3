"""Real images whose processor time and time to the result the simulation is compared with."""

from dataclasses import asdict

import pytest

from benchmarks.simulation import local_run
from benchmarks.simulation.local_run import LocalRun
from local.aws.lambda_events import DELIVERY_DELAY
from local.stack import LocalStack


def test_local_run_measures_what_images_need(stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_run, "REST", 0.5)
    run = LocalRun(stack)
    demands, alone = run.demands(10)
    burst = run.burst(20, lambda text: None)
    # Less than a second of processor time each, and more than nothing: ticks of the clock are 10 ms.
    assert all(0 <= seconds < 1 for seconds in asdict(demands).values())
    assert demands.emulator > 0
    assert demands.total() > 0.01
    assert (len(alone.latencies), len(burst.latencies)) == (10, 20)
    assert all(latency > 2 * DELIVERY_DELAY for latency in alone.latencies + burst.latencies)
    assert max(burst.ends) >= max(burst.latencies)
