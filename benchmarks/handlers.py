"""Compares ways to classify one image after the other: cold start, warm times, memory, packages."""

import os
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError
from pathlib import Path

from benchmarks.contestants import FLOOR, NEGATOSCOPE, Contestant, contestants
from benchmarks.plan import Plan
from benchmarks.program import PROJECT, ProgramFailed, Running
from benchmarks.samples import write_mammograms
from benchmarks.section import Bars, Section
from benchmarks.timing import median_ratio, percentile

MODELS = PROJECT / ".local" / "speed" / "models"
COLUMNS = (
    "",
    "import / s",
    "cold start / s",
    "× floor, cold",
    "p50 / ms",
    "p99 / ms",
    "× floor, warm",
    "memory / MB",
    "packages / MB",
    "rounds: cold, warm",
)
TEXT = """\
Each answers for the same drawn mammograms, as JPEG and PNG of 240 x 480 and 480 x 960 pixels, in a
process of its own on one core with one thread. Cold start is the time from the start of the process to
its first answer; import is the part of it until all libraries are imported. All are started, and asked
for each image, in turn, so that changes of the machine's speed affect all of them. The factors are
medians of the factors of single rounds. Memory is the largest resident size. Packages are files without
bytecode; ours are those of the whole Lambda layer, with our code and one model. Network and weights are
those of `mammography-views` wherever the name says nothing else; Keras and LiteRT leave out heat map and
distance. The weights of the ResNet-50 are random, because AWS's samples do not publish theirs."""


@dataclass
class Times:
    """What was measured of one contestant."""

    imported: list[float] = field(default_factory=list)
    cold: dict[int, float] = field(default_factory=dict)
    """Seconds, by round."""
    warm: dict[int, float] = field(default_factory=dict)
    """Milliseconds, by number of the request."""
    answers: dict[int, str] = field(default_factory=dict)
    peak_mb: float = 0.0
    failure: str = ""


def measure(plan: Plan, make: Callable[[Path], list[Contestant]] = contestants) -> Section:
    """Measure all contestants."""
    plan.say("Writing the models of other libraries")
    everyone = make(MODELS)
    files = write_mammograms(plan.folder)
    core = max(os.sched_getaffinity(0))
    times = {one.name: Times() for one in everyone}
    running: dict[str, Running] = {}
    try:
        for number in range(plan.choose(5, 1)):
            for one in everyone:
                if one.slow and number:
                    continue
                plan.say(f"Cold start {number + 1}: {one.name}")
                if stale := running.pop(one.name, None):
                    stale.close()
                if not times[one.name].failure and (
                    started := start(one, times[one.name], number, core, files[0])
                ):
                    running[one.name] = started
        plan.say("Warm requests")
        ask_in_turn(everyone, running, times, files, plan.choose(50, 8))
    finally:
        for program in running.values():
            program.close()
    return report(everyone, times)


def start(one: Contestant, times: Times, number: int, core: int, file: Path) -> Running | None:
    """Start a contestant and ask it once; None if that fails."""
    program: Running | None = None
    try:
        program = one.start(core)
        reply = program.ask(file)
    except ProgramFailed as error:
        times.failure = str(error)
        if program:
            program.close()
        return None
    times.cold[number] = program.age
    times.peak_mb = max(times.peak_mb, reply.peak_mb)
    if program.imported_s is not None:
        times.imported.append(program.imported_s)
    return program


def ask_in_turn(
    everyone: list[Contestant],
    running: dict[str, Running],
    times: dict[str, Times],
    files: list[Path],
    rounds: int,
) -> None:
    """Ask all running contestants for each image, round after round; the first round is not counted."""
    for request in range((rounds + 1) * len(files)):
        number, which = divmod(request, len(files))
        for one in everyone:
            if one.name not in running or (one.slow and (which or number % 10 != 1)):
                continue
            try:
                reply = running[one.name].ask(files[which])
            except ProgramFailed as error:
                times[one.name].failure = str(error)
                running.pop(one.name).close()
                continue
            times[one.name].peak_mb = max(times[one.name].peak_mb, reply.peak_mb)
            times[one.name].answers[which] = reply.answer
            if number:
                times[one.name].warm[request] = reply.ms


def report(everyone: list[Contestant], times: dict[str, Times]) -> Section:
    """The table of what was measured."""
    section = Section("One image after the other", TEXT, COLUMNS)
    floor = times[FLOOR]
    for one in everyone:
        mine = times[one.name]
        if not mine.warm:
            section.missing(one.name, mine.failure or "it was not asked")
            continue
        warm = list(mine.warm.values())
        section.add(
            one.name,
            statistics.median(mine.imported) if mine.imported else None,
            statistics.median(mine.cold.values()),
            median_ratio(mine.cold, floor.cold),
            statistics.median(warm),
            percentile(warm, 99),
            median_ratio(mine.warm, floor.warm),
            mine.peak_mb,
            size(one, section),
            f"{len(mine.cold)}, {len(warm)}",
        )
        if one.same and mine.answers != times[NEGATOSCOPE].answers:
            section.remarks.append(f"{one.name} does not give the same answers as Negatoscope.")
    section.charts = [
        Bars("cold-start", "Cold start: seconds to the first answer", "cold start / s"),
        Bars("warm", "Warm: median milliseconds for an image", "p50 / ms"),
        Bars("memory", "Memory: largest resident size in MB", "memory / MB"),
        Bars("packages", "Packages: installed MB", "packages / MB"),
    ]
    return section


def size(one: Contestant, section: Section) -> float | None:
    """The size of its packages; None with a remark if it cannot be told."""
    try:
        return one.megabytes()
    except (ProgramFailed, PackageNotFoundError) as error:
        section.remarks.append(f"Packages of {one.name}: {error}")
        return None
