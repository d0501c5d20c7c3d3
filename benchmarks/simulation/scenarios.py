"""The runs that docs/scale.md shows, and their tables."""

from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import get_args

from benchmarks.section import Cell, Lines, Section
from benchmarks.simulation.cloud import Cloud
from benchmarks.simulation.lambdas import Queue
from benchmarks.simulation.limits import Limits
from benchmarks.simulation.outcome import Outcome
from benchmarks.simulation.parameters import Knobs, Times
from deploy.costs import PriceList

RATES = (1.0, 10.0, 100.0, 1000.0)
CONCURRENCY = "concurrent Lambdas: mean"
COLUMNS = (
    "",
    CONCURRENCY,
    "peak",
    "throttled events: mean",
    "peak",
    "refused tries",
    "p50 / s",
    "p95 / s",
    "p99 / s",
    "last after / s",
    "sent again by the sweep / %",
    "lost / %",
    "$ for 1,000",
    "$ a month",
    "refused first",
)


@dataclass(frozen=True)
class Scenario:
    """Runs that are shown in one table."""

    title: str
    text: str
    runs: Mapping[str, Knobs]
    """By the name of the row."""


_FAST = Knobs(rate=1000)
_AMPLE = replace(_FAST, concurrency=5000)
_SHARDED = replace(_AMPLE, partitions="sharded", seconds=120)
"""Nothing changes after the first seconds."""

SCENARIOS = (
    Scenario(
        "One to a thousand images a second",
        """\
An account with 1,000 concurrent Lambdas, AWS's default, and a stage as `make deploy` leaves it. Images
arrive in the drop folder for five minutes, independently of each other. Here and below, they are DICOM
files of 2,000 x 2,000 pixels, uncompressed, unless a row says otherwise.""",
        {f"{rate:,.0f} a second": Knobs(rate=rate) for rate in RATES},
    ),
    Scenario(
        "A new account",
        """\
Some new accounts may run ten Lambdas at a time. AWS then lets nobody reserve any of them: the quota has
to be raised.""",
        {f"{rate:,.0f} a second": Knobs(rate=rate, concurrency=10) for rate in RATES[:2]},
    ),
    Scenario(
        "A thousand images a second: which knob helps",
        """\
The same thousand images a second, with one thing changed after the other: first the account's quota, then
the lists, then the rest.""",
        {
            "concurrency 5,000": _AMPLE,
            "concurrency 5,000, lists never sharded": replace(_AMPLE, partitions="shared"),
            "concurrency 5,000, after `make shard-lists`": _SHARDED,
            "the same, concurrency 3,000": replace(_SHARDED, concurrency=3000),
            "the same, uploads": replace(_SHARDED, arrival="upload"),
            "the same, small JPEG files": replace(_SHARDED, image="JPEG, 240 x 480"),
            "the same, `decode` with 1,024 MB": replace(_SHARDED, memory={"decode": 1024}),
            "the same, `classify` with 512 MB": replace(_SHARDED, memory={"classify": 512}),
            "the same, an endpoint for 200 requests": replace(_SHARDED, endpoint=200),
            "the same, an endpoint for 5 requests": replace(_SHARDED, endpoint=5),
        },
    ),
    Scenario(
        "Files that are dropped at once",
        """\
All files arrive in the same second. AWS documents for how long a throttled event waits, but not how fast
Lambda reads its queue. So each row is simulated twice: with waits as documented (backoff), and as if the
oldest event were there as soon as its function may run (prompt). The truth should lie between.""",
        {
            f"{images:,}{f', {reserved} reserved for `prepare`' if reserved else ''}, {queue}": Knobs(
                burst=images, reserved={"prepare": reserved} if reserved else {}, queue=queue
            )
            for images, reservations in ((1_000, (0, 300)), (10_000, (0, 300, 500)), (50_000, (0, 300)))
            for reserved in reservations
            for queue in get_args(Queue)
        },
    ),
)


def simulate(knobs: Knobs) -> Outcome:
    """One run."""
    return Cloud(knobs, Limits.read(), Times.read(knobs.image)).run(PriceList())


def sections(processes: int, say: Callable[[str], None]) -> list[Section]:
    """The tables of all scenarios, whose runs share so many processes; `say` prints progress."""
    with ProcessPoolExecutor(processes) as pool:
        started = [
            (scenario, {name: pool.submit(simulate, knobs) for name, knobs in scenario.runs.items()})
            for scenario in SCENARIOS
        ]
        found = []
        for scenario, runs in started:
            outcomes = {}
            for name, run in runs.items():
                outcomes[name] = run.result()
                say(f"  {name}: {outcomes[name].done:,} of {outcomes[name].arrived:,} images have a result")
            found.append(table(scenario, outcomes))
        return found


def table(scenario: Scenario, outcomes: Mapping[str, Outcome]) -> Section:
    """The table of a scenario; if its runs differ in their rates, with a chart."""
    section = Section(scenario.title, scenario.text, COLUMNS)
    for name, outcome in outcomes.items():
        section.add(name, *row(outcome, scenario.runs[name]))
    by_rate = [(scenario.runs[name].rate, outcome) for name, outcome in outcomes.items()]
    if len({rate for rate, _ in by_rate}) == len(RATES):
        lines = {
            f"{percent}th percentile": [(rate, outcome.latency[percent]) for rate, outcome in by_rate]
            for percent in (50, 95, 99)
        }
        section.charts = [
            Lines("time-to-result", "Time to the result", "images a second", "seconds", lines),
            Lines(
                "concurrency",
                "Concurrent Lambdas",
                "images a second",
                "Lambdas",
                {
                    "mean": [(rate, outcome.running) for rate, outcome in by_rate],
                    "peak": [(rate, outcome.running_peak) for rate, outcome in by_rate],
                },
            ),
        ]
    return section


def row(outcome: Outcome, knobs: Knobs) -> list[Cell]:
    """The cells of a run, without its name."""
    share = 100 / outcome.arrived
    steady = knobs.rate > 0
    return [
        outcome.running if steady else None,
        float(outcome.running_peak),
        outcome.queued if steady else None,
        float(outcome.queued_peak),
        float(sum(outcome.throttled.values())),
        *(outcome.latency.get(percent) for percent in (50, 95, 99)),
        outcome.drained,
        outcome.resent * share,
        outcome.lost * share,
        outcome.dollars,
        outcome.month(PriceList(), knobs.rate) if steady and outcome.keeps_up else None,
        outcome.breaks_first or "nothing",
    ]
