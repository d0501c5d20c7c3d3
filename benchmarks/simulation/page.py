"""Writes docs/scale.md from what was simulated and measured last, in docs/scale.

`python -m benchmarks.simulation.page` writes it; with `--check` it fails if the
committed page is not current. It simulates nothing.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import TextWrapper
from typing import Any

from benchmarks.report import ITEM, WRAPPER, section_parts
from deploy.generated import PROJECT, write_or_check

FOLDER = PROJECT / "docs" / "scale"
SIMULATED, MEASURED = "simulation.json", "measurement.json"
PAGE = PROJECT / "docs" / "scale.md"
INTRODUCTION = """\
Written by `make scale`, a discrete-event simulation: what happens to a stage on AWS at 1, 10, 100 and
1,000 images a second, and with 10 million stored images. **Nothing here was measured on AWS.** The
simulation takes the limits that AWS documents, the latencies that AWS documents or that are assumed, and
the processor times that were measured on one machine ([Speed](speed.md)):
`benchmarks/simulation/parameters.toml` has each with its source."""
TRUST = """\
The same kind of model of the local system is compared with a real run
[below](#the-simulation-beside-a-real-run), which says how far it can be trusted."""
MODEL = """\
An image arrives in the inbox; its event is delivered to `prepare`, which records it in the table, waits
for `decode`, and stores the array; the array's event is delivered to `classify`, which stores document
and result. A Lambda that would exceed the concurrency of the account, or for which no new environment may
start yet, is throttled. A throttled event waits for 1 second, then longer each time, up to 5 minutes; one
that failed is tried twice more, after one and two minutes; then the sweep sends the image again, five
times at most, before it quarantines it (the column "lost"). `decode` is asked without a queue: if it is
throttled, the attempt of `prepare` has failed. A write to the table is refused if the partition of the
lists has no units left, and repeated three times; lists are sharded when that was in vain."""
LEFT_OUT = """\
Left out are requests of people to the API, which share the account's concurrency; events that S3 or
Lambda deliver late, twice or never; failures of anything else; the adaptive capacity of DynamoDB; the
transfer of large files; and the price of an endpoint. A month has 30 days of the same rate, and includes
the month's images at rest. The columns of refused tries count each try: an event that is throttled ten
times counts ten times. "Last after" is the time from the last arrival to the last result."""
KNOBS = """\
Each knob is an option, and one run is printed: `make scale ARGS="--rate 250 --concurrency 2000
--partitions sharded"`. `make scale ARGS=--help` lists them: rate and duration, or a burst; concurrency of
the account; reserved concurrency and memory of each Lambda; the partitions of the lists; the queue; the
requests that an endpoint answers at a time; how the images arrive, and of which kind they are; the seed."""
FINDINGS = (
    """\
**Up to 100 images a second nothing breaks** in an account with AWS's default quota. No event is
throttled. An image takes as long as its steps, most of it for events to be delivered and for requests to
S3.""",
    """\
**In a new account, which may run ten Lambdas, ten images a second are too many.** Ask AWS for the quota
"Concurrent executions" before the first large folder; `make preflight` tells what it is.""",
    """\
**At 1,000 a second the account's concurrency breaks first.** An image needs two Lambdas for a second, so
1,000 Lambdas are less than half of what is needed; images still get their results, hours later, many
through the sweep. A quota of 3,000 is enough.""",
    """\
**With more Lambdas, the one partition of the lists is next**, at 333 dropped images a second. The stage
shards its lists by itself, but only after some minutes, and what was refused until then comes late,
through retries and the sweep. `make shard-lists` before the rush avoids all of it. If lists were never
sharded, the rush would last for hours.""",
    """\
**Overload costs money, not only time**: attempts that fail are paid, too. With 5,000 Lambdas and
unprepared lists, 1,000 images cost 1.7 times as much.""",
    """\
**Files that are dropped at once fill the account with `prepare`**, which then waits in vain for `decode`:
its attempts fail, and come back after minutes or with the sweep, which sends some thousand images every
ten minutes. A third of the concurrency reserved for `prepare` (`reserved_concurrency` in
`.chalice/config.json`) avoids that: then no call of `decode` is refused, and the files are through within
minutes. Half would be too much, because `classify` needs its part.""",
    """\
**An endpoint that answers few requests at a time loses images** at a high rate: events fail three times,
and the sweep gives up after five rounds. With five at a time, the default of a serverless endpoint, most
of 1,000 images a second are lost; 200 are just enough, if an answer takes the fifth of a second that
`make cost` assumes. Embedded models have no such limit.""",
    """\
**Memory**: `decode` computes, so that less memory, which is less of a core, makes it slower and hardly
cheaper. `classify` waits for requests most of the time; with 512 MB, an image would cost less and take
hardly longer.""",
    """\
**With ten million stored images**, lists, results and the daily look for drift are as before. A batch
over all of them takes days with its default of four parts at a time, and half a day with a hundred. `make
restore` needs a gigabyte of memory.""",
)
COMPARED = """\
The real local system got {images:,} images ({machine}; {date}; before it began, {load:.1f} other programs
wanted to run). First, the processor time of single images was measured, while nothing else happened. From
these times alone, the simulation says what a burst should take: it knows the number of cores and of
processes, that the emulator does one thing at a time, and the time until events are delivered. `make
scale ARGS="--measure {images}"` repeats it."""


def render(folder: Path = FOLDER, pictures: str = FOLDER.name) -> str:
    """The page in Markdown, from the files in a folder; `pictures` is the path of its plots.

    Raises:
        FileNotFoundError: if nothing has been simulated.
    """
    simulated = _read(folder / SIMULATED)
    measured = folder / MEASURED
    parts = ["# Scale", _fill(f"{INTRODUCTION} {TRUST if measured.exists() else ''}")]
    parts += ["## The model", _fill(MODEL), _fill(LEFT_OUT), _fill(KNOBS)]
    parts += ["## What breaks first, and what helps", "\n".join(_fill(one, ITEM) for one in FINDINGS)]
    for section in simulated["sections"]:
        parts += section_parts(section, pictures)
    if measured.exists():
        parts += _compared(_read(measured), pictures)
    return "\n\n".join(parts) + "\n"


def _compared(measured: dict[str, Any], pictures: str) -> Iterator[str]:
    yield "## The simulation beside a real run"
    yield _fill(COMPARED.format(**measured))
    for section in measured["sections"]:
        yield from section_parts(section, pictures, "###")


def _fill(text: str, wrapper: TextWrapper = WRAPPER) -> str:
    """A paragraph whose lines end within no command."""
    commands = re.sub(r"`[^`]*`", lambda found: found[0].replace(" ", "\xa0"), " ".join(text.split()))
    return wrapper.fill(commands).replace("\xa0", " ")


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    write_or_check(PAGE, render(), "benchmarks.simulation.page")
