"""Loads the whole system for any time: `python -m tests.soak --count 10000 --minutes 120`."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from local.stack import LocalStack
from tests.soak import archive, disk, scenarios, serving, traffic
from tests.soak.report import Report, table
from tests.soak.system import System
from tests.stack.ports import free_ports
from tests.stage import ROOT

STARTED = time.monotonic()


def say(text: str) -> None:
    """Print a message with the time."""
    print(f"[{time.monotonic() - STARTED:6.0f} s] {text}", flush=True)


def main() -> None:
    """Run the chosen scenarios and print a table; exit with 1 if there is a problem."""
    data = Path(os.environ.get("NEGATOSCOPE_DATA") or ROOT / ".." / "shared" / "data").resolve()
    runs: dict[str, Callable[[System], Report]] = {
        "burst": lambda system: scenarios.burst(system, arguments.count),
        "throttled": lambda system: scenarios.burst(system, arguments.count // 10, reserved=1),
        "events": lambda system: scenarios.events(system, arguments.count // 10),
        "kills": lambda system: scenarios.kills(system, arguments.kills, data / "mammography-views" / "test"),
        "endpoint": lambda system: serving.endpoint(system, arguments.count // 20),
        "restarts": lambda system: scenarios.restarts(system, arguments.count // 10, 3),
        "archive": lambda system: archive.archive(system, arguments.count),
        "disk": lambda system: disk.full_disk(system, arguments.count // 50),
        "traffic": lambda system: traffic.mixed_traffic(system, 60 * arguments.minutes, 60, arguments.pause),
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="images of the burst")
    parser.add_argument("--minutes", type=float, default=120, help="of mixed traffic")
    parser.add_argument(
        "--pause", type=float, default=traffic.PAUSE_SECONDS, help="of a user after each action, in seconds"
    )
    parser.add_argument("--kills", type=int, default=200, help="images that arrive while Lambdas are killed")
    parser.add_argument("--only", nargs="+", choices=runs, default=list(runs))
    arguments = parser.parse_args()
    reports = []
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalStack(Path(folder), *free_ports(), say) as stack,
    ):
        for name in arguments.only:
            say(name)
            reports.append(run(runs[name], name, stack))
            say(table(reports[-1:]))
    print(f"\n{table(reports)}")
    sys.exit(any(report.problems for report in reports))


def run(scenario: Callable[[System], Report], name: str, stack: LocalStack) -> Report:
    """The report of a scenario, even if it fails, so that the others still run."""
    system = System(stack, say)
    try:
        return scenario(system)
    except Exception as error:
        return Report(name, len(system.arrived), problems=[f"{type(error).__name__}: {error}"])


if __name__ == "__main__":
    main()
