"""The local system, simulated."""

from dataclasses import replace

import pytest

from benchmarks.simulation.local_machine import Demands, LocalMachine
from local.aws.lambda_events import DELIVERY_DELAY

DEMANDS = Demands(sender=0.002, put=0.003, emulator=0.018, prepare=0.004, decode=0.005, classify=0.008)


def test_image_alone_takes_the_sum_of_its_parts() -> None:
    machine = LocalMachine(DEMANDS, cores=2, workers=2)
    machine.paced(5, 1.0)
    assert list(machine.latencies) == pytest.approx([DEMANDS.total() + 2 * DELIVERY_DELAY] * 5)
    assert machine.ends[-1] == pytest.approx(4 + DEMANDS.total() + 2 * DELIVERY_DELAY)


@pytest.mark.parametrize(
    ("demands", "cores", "seconds"),
    [
        (DEMANDS, 1, DEMANDS.total()),  # one core does everything
        (DEMANDS, 16, DEMANDS.put + DEMANDS.emulator),  # the emulator does one thing at a time
        (replace(DEMANDS, classify=0.2), 16, 0.2 / 2 + (DEMANDS.emulator / 6 * 2) / 2),  # two processes
    ],
)
def test_rate_is_that_of_what_is_short(demands: Demands, cores: int, seconds: float) -> None:
    machine = LocalMachine(demands, cores, workers=2)
    machine.burst(3000, senders=8)
    assert len(machine.ends) == len(machine.latencies) == 3000
    assert machine.ends[-1] / 3000 == pytest.approx(seconds, rel=0.05)


def test_work_of_the_cores_is_the_demand() -> None:
    machine = LocalMachine(DEMANDS, cores=2, workers=2)
    machine.burst(500, senders=8)
    assert machine.cores.busy.mean() * machine.timeline.now == pytest.approx(500 * DEMANDS.total())
    assert machine.cores.busy.peak == 2
    assert machine.emulator.busy.peak == 1
