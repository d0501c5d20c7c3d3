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
What happens to a stage on AWS at 1, 10, 100 and 1,000 images a second, and with 10 million stored images.
`make scale` writes this page with a discrete-event simulation. **Nothing here was measured on AWS.** The
simulation uses AWS's documented limits, latencies that AWS documents or that are assumed, and CPU times
measured on one machine ([Speed](speed.md)); `benchmarks/simulation/parameters.toml` lists each with its
source."""
TRUST = """\
To show how far it can be trusted, a model of the same kind is compared with a real run of the local system
[below](#the-simulation-beside-a-real-run)."""
MODEL = """\
An image arrives in the inbox. Its event invokes `prepare`, which records it in the table, waits for
`decode`, and stores the array. The array's event invokes `classify`, which stores document and result. A
Lambda is throttled if it would exceed the account's concurrency, or if no new environment may start yet.
A throttled event is retried after 1 second, then after longer waits of up to 5 minutes. A failed event is
retried twice, after one and two minutes; then the sweep sends the image again, up to five times, before it
quarantines it (the column "lost"). `decode` is invoked synchronously: if it is throttled, the attempt of
`prepare` fails. DynamoDB refuses a write if the partition of the lists has no capacity left; the write is
retried three times, and lists are sharded if that fails."""
LEFT_OUT = """\
The model leaves out API requests of users, which share the account's concurrency; events that S3 or Lambda
deliver late, twice or never; all other failures; DynamoDB's adaptive capacity; the transfer of large files;
and the price of an endpoint. A month has 30 days at the same rate, and includes the storage of the month's
images. "Refused tries" counts each try: an event that is throttled ten times counts ten times. "Last after"
is the time from the last arrival to the last result."""
KNOBS = """\
To print one run with other parameters: `make scale ARGS="--rate 250 --concurrency 2000 --partitions
sharded"`. `make scale ARGS=--help` lists the options: rate and duration, or a burst; the account's
concurrency; each Lambda's reserved concurrency and memory; the partitions of the lists; the queue; the
concurrent requests of an endpoint; how images arrive, and which kind they are; the seed."""
FINDINGS = (
    """\
**Up to 100 images a second, nothing breaks** in an account with AWS's default quota. No event is throttled.
An image takes as long as its steps, most of it for event delivery and S3 requests.""",
    """\
**In a new account, which may run ten Lambdas, ten images a second are too many.** Ask AWS for a higher
"Concurrent executions" quota before the first large folder; `make preflight` shows the current one.""",
    """\
**At 1,000 a second, the account's concurrency breaks first.** An image needs two Lambdas for a second, so
1,000 Lambdas are less than half of what is needed. Images still get their results, but hours later, many
through the sweep. A quota of 3,000 is enough.""",
    """\
**With more Lambdas, the single partition of the lists is next**, at 333 dropped images a second. The stage
shards its lists automatically, but only after some minutes, and writes refused until then come late,
through retries and the sweep. `make shard-lists` before the rush avoids all of it. If lists were never
sharded, the rush would last for hours.""",
    """\
**Overload costs money, not only time**: failed attempts are billed, too. With 5,000 Lambdas and unsharded
lists, 1,000 images cost 1.7 times as much.""",
    """\
**Files dropped at once fill the account with `prepare`**, which then waits in vain for `decode`: its
attempts fail, and are repeated after minutes or by the sweep, which sends some thousand images every ten
minutes. Reserving a third of the concurrency for `prepare` (`reserved_concurrency` in
`.chalice/config.json`) avoids that: then no call of `decode` is refused, and the files are done within
minutes. Half would be too much, because `classify` needs its share.""",
    """\
**An endpoint with few concurrent requests loses images** at a high rate: events fail three times, and the
sweep gives up after five rounds. With five concurrent requests, the default of a serverless endpoint, most
of 1,000 images a second are lost; 200 are just enough, if an answer takes the fifth of a second that
`make cost` assumes. Embedded models have no such limit.""",
    """\
**Memory**: `decode` is CPU-bound, so less memory, which means less of a core, makes it slower and hardly
cheaper. `classify` mostly waits for requests: with 512 MB, an image would cost less and take hardly
longer.""",
    """\
**With ten million stored images**, lists, results and the daily drift check work as before. A batch over
all of them takes days with its default of four concurrent parts, and half a day with a hundred. `make
restore` needs a gigabyte of memory.""",
)
COMPARED = """\
The real local system got {images:,} images ({machine}; {date}; load average before it began: {load:.1f}).
First, the CPU time of single images was measured on the otherwise idle system. From these times alone, the
simulation predicts how long a burst takes. It knows the number of cores and of processes, that the emulator
does one thing at a time, and the time until events are delivered. `make scale ARGS="--measure {images}"`
repeats it."""


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
