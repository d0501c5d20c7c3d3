"""Measures exports of a million made-up results: `.venv-training/bin/python -m benchmarks.training.exports`.

It writes what DynamoDB's export to S3 would, and runs the program that the processing job runs, for each
format. Of every process, the largest memory is counted.
"""

import argparse
import base64
import gzip
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from boto3.dynamodb.types import TypeSerializer

from benchmarks.made_up_results import KINDS, TASK, made_up
from chalicelib.exports.request import FORMATS, ExportRequest
from chalicelib.results.selection import Selection
from chalicelib.results.table_item import result_item

FILES = 8
POLL_SECONDS = 0.2


def main() -> None:
    """Measure both formats, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        began = time.monotonic()
        write_table(folder / "table", rows)
        size = sum(file.stat().st_size for file in (folder / "table").rglob("*.gz"))
        print(
            f"table: {rows:,} items, {size / 1e6:.0f} MB, made in {time.monotonic() - began:.0f} s",
            flush=True,
        )
        for kind in FORMATS:
            request = folder / f"{kind}.json"
            request.write_text(json.dumps(ExportRequest(Selection(task=TASK), kind).to_json()))
            seconds, processor, peak = measure(folder, request)
            written = json.loads((folder / "output" / "summary.json").read_text())
            print(
                f"{kind}: {written['rows']:,} rows, {written['bytes'] / 1e6:.0f} MB, {seconds:.0f} s, "
                f"{processor:.0f} s of processors, "
                f"all processes together {peak / 1e6:.0f} MB",
                flush=True,
            )


def measure(folder: Path, request: Path) -> tuple[float, float, int]:
    """Seconds of an export, those of processors, and the most bytes that its processes have together."""
    began, before, peak = time.monotonic(), used(), 0
    arguments = ("--table", folder / "table", "--request", request, "--output", folder / "output")
    with subprocess.Popen([sys.executable, "-m", "training.export_results", *map(str, arguments)]) as job:
        while job.poll() is None:
            peak = max(peak, sum(resident(pid) for pid in tree(job.pid)))
            time.sleep(POLL_SECONDS)
    if job.returncode:
        raise SystemExit("The export has failed.")
    return time.monotonic() - began, used() - before, peak


def used() -> float:
    """Seconds of processors that ended processes have used."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def tree(pid: int) -> Iterator[int]:
    """A process and all that it has started."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from tree(int(child))


def resident(pid: int) -> int:
    """Bytes of memory that a process has alone, plus its share of what it has together with others."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has ended
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _base64(data: bytes) -> str:
    """As DynamoDB writes binary values, such as heat maps."""
    return base64.b64encode(data).decode()


def write_table(folder: Path, rows: int) -> None:
    """Write made-up results as DynamoDB exports a table."""
    serialize = TypeSerializer().serialize
    items = map(result_item, map(made_up, range(KINDS)))
    lines = [
        json.dumps({"Item": {name: serialize(value) for name, value in item.items()}}, default=_base64)
        for item in items
    ]
    folder.mkdir()
    for number in range(FILES):
        with gzip.open(folder / f"{number}.json.gz", "wt", compresslevel=1) as file:
            for row in range(number, rows, FILES):
                line = lines[row % KINDS].replace(f"{row % KINDS:032x}", f"{row:032x}")
                file.write(line + "\n")


if __name__ == "__main__":
    main()
