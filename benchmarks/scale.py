"""`make scale`: simulates many images, on AWS and on this machine, and writes docs/scale.md.

Without options, it runs what the page shows; with a rate or a burst, that one run, and prints it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

from benchmarks import report
from benchmarks.__main__ import say_with_time
from benchmarks.contestants import TRAINING
from benchmarks.plan import Plan
from benchmarks.program import PROJECT
from benchmarks.simulation import comparison, page, scenarios, shares, stored
from benchmarks.simulation.lambdas import Queue
from benchmarks.simulation.limits import Limits
from benchmarks.simulation.parameters import FUNCTIONS, Arrival, Knobs, Partitions, kinds_of_images
from benchmarks.simulation.scenarios import Scenario
from deploy.costs import PriceList

STORED = 10_000_000


def main() -> None:
    """Simulate, or measure, and write the page; or print one run."""
    parser = options()
    arguments = parser.parse_args()
    plan = Plan(Path(), say=say_with_time(time.monotonic()))
    if arguments.measure is not None:
        with tempfile.TemporaryDirectory() as folder:
            plan = Plan(Path(folder), say=plan.say)
            write(page.MEASURED, comparison.measure(arguments.measure, plan), arguments.to)
    elif arguments.rate or arguments.burst:
        try:
            print(one_run(knobs(arguments)))
        except ValueError as error:
            parser.error(str(error))
    else:
        plan.say("Simulating; that takes some minutes")
        write(page.SIMULATED, simulated(arguments.processes, plan.say), arguments.to)


def options() -> argparse.ArgumentParser:
    """The command line."""
    default = Knobs()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    add = parser.add_argument
    add("--measure", type=positive, metavar="IMAGES", help="send images to a local system, and compare")
    add("--to", type=Path, default=page.FOLDER, help="folder of the results; docs/scale is that of the page")
    add("--processes", type=positive, default=os.cpu_count() or 1, help="runs at a time")
    add("--rate", type=float, default=0.0, help="images a second")
    add("--seconds", type=float, default=default.seconds, help="for which they arrive")
    add("--burst", type=positive, default=0, help="images that arrive at once")
    add("--concurrency", type=positive, default=default.concurrency, help="of the account's Lambdas")
    for name, what in (("--reserved", "concurrency"), ("--memory", "MB")):
        add(
            name,
            type=setting,
            nargs="+",
            default=(),
            metavar="LAMBDA=NUMBER",
            help=f"{what} of {', '.join(FUNCTIONS)}",
        )
    add(
        "--partitions",
        choices=get_args(Partitions),
        default=default.partitions,
        help="when lists are sharded",
    )
    add("--queue", choices=get_args(Queue), default=default.queue, help="how throttled events wait")
    add("--arrival", choices=get_args(Arrival), default=default.arrival)
    add("--endpoint", type=positive, help="requests that an endpoint answers at a time")
    add("--image", choices=kinds_of_images(), default=default.image)
    add("--seed", type=int, default=default.seed, help="other ones give other random times")
    return parser


def positive(text: str) -> int:
    """A whole number from 1 on."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is not a whole number from 1 on")
    return int(text)


def setting(text: str) -> tuple[str, int]:
    """The name of a Lambda and a number."""
    name, _, number = text.partition("=")
    if name not in FUNCTIONS:
        raise argparse.ArgumentTypeError(f"{name[:20]!r} is none of {', '.join(FUNCTIONS)}")
    return name, positive(number)


def knobs(arguments: argparse.Namespace) -> Knobs:
    """The knobs that a command line sets."""
    return Knobs(
        rate=arguments.rate,
        seconds=arguments.seconds,
        burst=arguments.burst,
        concurrency=arguments.concurrency,
        reserved=dict(arguments.reserved),
        memory=dict(arguments.memory),
        partitions=arguments.partitions,
        queue=arguments.queue,
        arrival=arguments.arrival,
        endpoint=arguments.endpoint,
        image=arguments.image,
        seed=arguments.seed,
    )


def one_run(chosen: Knobs) -> str:
    """A run, as a list of its numbers.

    Raises:
        ValueError: if AWS would not take the knobs.
    """
    outcome = scenarios.simulate(chosen)
    section = scenarios.table(Scenario("", "", {"run": chosen}), {"run": outcome})
    cells = zip(section.columns[1:], section.rows[0][1:], strict=True)
    lines = [f"{name:<26}{report.number(value)}" for name, value in cells]
    lines += [f"{f'refused by {name}':<26}{count:,}" for name, count in outcome.throttled.items()]
    return "\n".join(lines)


def simulated(processes: int, say: Callable[[str], None]) -> dict[str, Any]:
    """What docs/scale/simulation.json holds."""
    found = scenarios.sections(processes, say)
    limits, prices = Limits.read(), PriceList()
    mean = found[0].columns.index(scenarios.CONCURRENCY)
    (busy,) = (row[mean] for row in found[0].rows if row[0] == "100 a second")
    assert isinstance(busy, float)
    both = [shares.section_of(scenarios.RATES, busy / 100, limits), *found, stored.section_of(STORED, prices)]
    return {"date": datetime.now(UTC).date().isoformat(), "sections": [section.as_json() for section in both]}


def write(name: str, content: dict[str, Any], folder: Path) -> None:
    """Write a file of results, its plots and, if they are those of the page, the page."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    command: Sequence[str | Path] = [TRAINING, "-m", "benchmarks.training.plots", file]
    if subprocess.run(command, cwd=PROJECT, check=False).returncode:
        print("The plots could not be drawn.", file=sys.stderr)
    if folder == page.FOLDER:
        page.PAGE.write_text(page.render(), encoding="utf-8")
        print(f"{page.PAGE.relative_to(PROJECT)} is written.")
    else:
        print("\n\n".join("\n\n".join(report.section_parts(one, ".")) for one in content["sections"]))


if __name__ == "__main__":
    main()
