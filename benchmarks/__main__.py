"""`make bench`: measures everything and writes docs/speed.md. Run it on an otherwise idle machine."""

import argparse
import contextlib
import importlib
import json
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import machine, price, report
from benchmarks.contestants import TRAINING
from benchmarks.plan import Plan
from benchmarks.program import PROJECT
from benchmarks.section import Section

PARTS = {
    "handlers": "One image after the other",
    "formats": "Formats and sizes",
    "local_system": "The whole system on this machine",
    "training_loops": "Training",
    "batches": "Batches",
    "decoding": "The process that decodes compressed DICOM",
}
"""Modules with a function `measure`, in the order of the report, and what they compare."""
QUICK_FOLDER = PROJECT / ".local" / "speed"


def main() -> None:
    """Measure, and write measurements, page and plots."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds; writes to .local/speed/")
    parser.add_argument("--only", choices=PARTS, help="one comparison; writes to .local/speed/")
    arguments = parser.parse_args()
    load = machine.load()
    if load > 0.5:
        print(f"The machine is busy (load average {load:.1f}): the times will say little.", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        plan = Plan(Path(folder), arguments.quick, say_with_time(time.monotonic()))
        sections = measure_all([arguments.only] if arguments.only else list(PARTS), plan)
    measured = {
        "machine": machine.description(),
        "quick": arguments.quick,
        "measured_at": datetime.now(UTC).isoformat(timespec="minutes"),
        "load": round(load, 1),
        "seconds": round(time.monotonic() - plan.started),
        "sections": [section.as_json() for section in sections],
    }
    page = write(measured, kept=not (arguments.quick or arguments.only))
    print(f"\n{page.read_text(encoding='utf-8')}\n{page.relative_to(PROJECT)} has this page, too.")


def say_with_time(started: float) -> Callable[[str], None]:
    """Prints messages with the seconds since then."""
    return lambda text: print(f"[{time.monotonic() - started:5.0f} s] {text}", flush=True)


def measure_all(names: Sequence[str], plan: Plan) -> list[Section]:
    """The comparisons with these names, and the costs that follow from them."""
    sections = []
    for name in names:
        sections.append(measure(name, plan))
        if name == "handlers" and sections[-1].rows:
            sections.append(price.section_of(sections[-1]))
    return sections


def measure(name: str, plan: Plan) -> Section:
    """One comparison. If it fails, its section says why, and the others are not affected."""
    plan.say(PARTS[name])
    try:
        section: Section = importlib.import_module(f"benchmarks.{name}").measure(plan)
    except Exception as error:  # whatever it is, the other comparisons count
        traceback.print_exc()
        return Section(PARTS[name], "", (), failure=f"{type(error).__name__}: {error}"[:500])
    return section


def write(measured: dict[str, Any], *, kept: bool) -> Path:
    """Write measurements, page and plots; returns the path of the page. Those to be kept are committed."""
    file = report.MEASURED if kept else QUICK_FOLDER / report.MEASURED.name
    page = report.PAGE if kept else QUICK_FOLDER / report.PAGE.name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(measured, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    pictures = report.MEASURED.parent.name if kept else "."
    page.write_text(report.render(report.read(file), pictures), encoding="utf-8")
    for old in file.parent.glob("*.svg"):
        old.unlink()
    with contextlib.suppress(OSError):
        if subprocess.run(
            [TRAINING, "-m", "benchmarks.training.plots", file], cwd=PROJECT, check=False
        ).returncode:
            print("The plots could not be drawn.", file=sys.stderr)
    return page


if __name__ == "__main__":
    main()
