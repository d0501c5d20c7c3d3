"""Compares the real local system with its simulation: the same images, and the measured processor time."""

import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from benchmarks import machine
from benchmarks.local_system import SENDERS
from benchmarks.plan import Plan
from benchmarks.section import Lines, Section
from benchmarks.simulation.local_machine import Demands, LocalMachine
from benchmarks.simulation.local_run import PACE, LocalRun, Sent
from benchmarks.simulation.tally import percentiles
from local.stack import LocalStack
from tests.stack.ports import free_ports

MAX_CALIBRATION = 200
"""Images of which the processor time is measured while nothing else happens."""
COLUMNS = ("", "measured", "simulated", "simulated is more by / %")
POINTS = 20
"""Of a line of the chart."""


def measure(images: int, plan: Plan) -> dict[str, Any]:
    """Start the local system, send it images, simulate the same; what docs/scale/measurement.json holds."""
    load, cores = machine.load(), len(os.sched_getaffinity(0))
    with LocalStack(plan.folder / "system", *free_ports(), say=lambda text: plan.say(f"  {text}")) as stack:
        run = LocalRun(stack)
        plan.say("Processor time of single images")
        calibration = min(MAX_CALIBRATION, images)
        demands, alone = run.demands(calibration)
        plan.say("All at once")
        burst = run.burst(images, plan.say)
    workers = os.cpu_count() or 2  # as `LocalStack` chooses
    paced, crowded = (LocalMachine(demands, cores, workers) for _ in range(2))
    paced.paced(calibration, PACE)
    crowded.burst(images, SENDERS)
    return {
        "machine": machine.description(),
        "date": datetime.now(UTC).date().isoformat(),
        "load": round(load, 1),
        "seconds": round(time.monotonic() - plan.started),
        "images": images,
        "sections": [
            one.as_json()
            for one in (
                demand_table(demands, alone.used, burst.used),
                comparison(
                    "One image after the other",
                    f"An image every {PACE} seconds, {calibration} in all: of these is the processor time.",
                    (alone.latencies, paced.latencies),
                ),
                crowd(burst, crowded, images),
            )
        ],
    }


def demand_table(demands: Demands, alone: dict[str, float], crowded: dict[str, float]) -> Section:
    """Processor time of an image: the simulation has the first column, the last one checks it."""
    section = Section(
        "Processor time of an image",
        """\
Milliseconds of an image, by process: while an image is alone, which the simulation takes, and in the run
of all images, which it does not know. What differs between the two, no simulation with constant times can
foresee.""",
        ("", "alone / ms", "all at once / ms", "rise / %"),
    )
    for name in ("sender", "AWS emulator", "prepare", "decode", "classify"):
        one = demands.sender if name == "sender" else alone[name]
        section.add(name, one * 1000, crowded[name] * 1000, percent(one, crowded[name]))
    total = sum(crowded[name] for name in ("sender", "AWS emulator", "prepare", "decode", "classify"))
    section.add("all", demands.total() * 1000, total * 1000, percent(demands.total(), total))
    return section


def comparison(title: str, text: str, latencies: tuple[Sequence[float], Sequence[float]]) -> Section:
    """Percentiles of the time to the result, measured and simulated."""
    section = Section(title, text, COLUMNS)
    measured, simulated = map(percentiles, latencies)
    for name, value in measured.items():
        section.add(
            f"time to the result, p{name} / s", value, simulated[name], percent(value, simulated[name])
        )
    return section


def crowd(sent: Sent, simulated: LocalMachine, images: int) -> Section:
    """The table and chart of the images that were sent at once."""
    section = comparison(
        f"{images:,} images at once",
        f"{SENDERS} senders, each of which sends the next file as soon as the one before is stored.",
        (sent.latencies, simulated.latencies),
    )
    rates = [len(ends) / max(ends) for ends in (sent.ends, simulated.ends)]
    section.add("images a second", *rates, percent(*rates))
    emulator, cores = simulated.emulator.busy.mean(), simulated.cores.busy.mean()
    section.remarks.append(
        f"In the simulation, the emulator is busy for {100 * emulator:.0f} % of the time, and {cores:.2f} "
        "cores are at a time."
    )
    section.remarks.append(f"Meanwhile, other programs used {sent.others:.2f} cores of the real machine.")
    if sent.missing:
        section.remarks.append(
            f"{sent.missing} of the real images had no result in the end, because their events failed three "
            "times. They are left out here; the sweep would have sent them again."
        )
    section.charts = [
        Lines(
            "measured",
            "Images with a result: measured and simulated",
            "seconds",
            "images",
            {"measured": _growth(sent.ends), "simulated": _growth(simulated.ends)},
        )
    ]
    return section


def _growth(ends: Sequence[float]) -> list[tuple[float, float]]:
    """Time and number of results, at some of them."""
    ordered = sorted(ends)
    numbers = sorted({max(1, round(len(ordered) * point / POINTS)) for point in range(1, POINTS + 1)})
    return [(ordered[number - 1], number) for number in numbers]


def percent(measured: float, simulated: float) -> float | None:
    """By how many percent the second is more than the first."""
    return (simulated / measured - 1) * 100 if measured else None
