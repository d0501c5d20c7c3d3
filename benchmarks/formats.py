"""Compares decoding and preparing images of each format with Pillow, pydicom and OpenCV."""

import os
import statistics
from collections.abc import Iterator
from pathlib import Path

from benchmarks.contestants import OTHERS, OURS
from benchmarks.peers.negatoscope import TASK
from benchmarks.plan import Plan
from benchmarks.program import Program, ProgramFailed, Running
from benchmarks.samples import KINDS, film, film_as
from benchmarks.section import Lines, Section
from benchmarks.timing import median_ratio
from chalicelib.tasks import load_task

NEGATOSCOPE, OPENCV = "Negatoscope", "OpenCV"
LIBRARIES = (NEGATOSCOPE, "Pillow", "pydicom", OPENCV)
COLUMNS = (
    "",
    "Negatoscope / ms",
    "Pillow / ms",
    "pydicom / ms",
    "OpenCV / ms",
    "Pillow, pydicom: ×",
    "OpenCV: ×",
    "rounds",
)
TEXT = """\
From the bytes of a file to the input of `mammography-views`: our `prepare`, with its checks of the file,
beside Pillow, pydicom and OpenCV as plain scripts use them, without checks. Each runs in a process of its
own on one core, in turn. The factors say how many times as long the others take; below 1, ours is slower.
The images are square, drawn, and have 8 or 12 bits. JPEG 2000 is measured up to 4 megapixels, because
drawing larger ones takes minutes."""
SIDES = (50, 500, 2000, 9990)
MAX_JPEG_2000 = 2000
DRAWN = ("JPEG", "PNG", "DICOM")


def measure(plan: Plan) -> Section:
    """One row per format and size."""
    section = Section("Formats and sizes", TEXT, COLUMNS)
    running, reasons = start_all()
    try:
        for side in plan.choose(SIDES, (50, 1000)):
            pixels = film(side)
            for kind in KINDS:
                if kind.endswith("JPEG 2000") and side > MAX_JPEG_2000:
                    continue
                plan.say(f"Formats: {kind}, {side} x {side}")
                file = plan.folder / "image"
                file.write_bytes(film_as(kind, pixels))
                rounds = plan.choose(3 if side > MAX_JPEG_2000 else 9, 2)
                add(
                    section,
                    f"{kind}, {side} x {side}",
                    ask_in_turn(kind, running, reasons, file, rounds),
                    rounds,
                )
    finally:
        for program in running.values():
            program.close()
    section.remarks += [f"{name} could not be measured: {why}" for name, why in reasons.items()]
    section.charts = [*charts(section)]
    return section


def start_all() -> tuple[dict[str, Running], dict[str, str]]:
    """The running programs by library, and why others do not run."""
    spec = load_task(TASK).input
    core = max(os.sched_getaffinity(0))
    running: dict[str, Running] = {}
    reasons: dict[str, str] = {}
    for name in LIBRARIES:
        plain = ["benchmarks.peers.plain_preparation", name, str(spec.width), str(spec.height)]
        module = ["benchmarks.peers.preparation"] if name == NEGATOSCOPE else plain
        python = OURS if name in (NEGATOSCOPE, "Pillow") else OTHERS
        try:
            running[name] = Program([str(python), "-m", *module], core)
        except ProgramFailed as error:
            reasons[name] = str(error)
    return running, reasons


def ask_in_turn(
    kind: str, running: dict[str, Running], reasons: dict[str, str], file: Path, rounds: int
) -> dict[str, dict[int, float]]:
    """Milliseconds of each library that reads this kind, by round; the first round is not counted.

    A library that fails is closed, and the reason noted.
    """
    readers = {NEGATOSCOPE, "pydicom"} if kind.startswith("DICOM") else {NEGATOSCOPE, "Pillow", OPENCV}
    times: dict[str, dict[int, float]] = {name: {} for name in running if name in readers}
    for number in range(rounds + 1):
        for name in list(times):
            try:
                ms = running[name].ask(file).ms
            except ProgramFailed as error:
                reasons[name] = f"{kind}: {error}"
                running.pop(name).close()
                del times[name]
                continue
            if number:
                times[name][number] = ms
    return times


def add(section: Section, name: str, times: dict[str, dict[int, float]], rounds: int) -> None:
    """Add a row."""
    ours = times.get(NEGATOSCOPE, {})

    def factor(library: str) -> float | None:
        return median_ratio(times.get(library, {}), ours)

    medians = [statistics.median(times[one].values()) if one in times else None for one in LIBRARIES]
    plain = factor("Pillow") if "Pillow" in times else factor("pydicom")
    section.add(name, *medians, plain, factor(OPENCV), str(rounds))


def charts(section: Section) -> Iterator[Lines]:
    """A chart for each of some formats, with a line for each library."""
    for kind in DRAWN:
        rows = [row for row in section.rows if str(row[0]).rpartition(", ")[0] == kind]
        lines: dict[str, list[tuple[float, float]]] = {}
        for row in rows:
            side = float(str(row[0]).rpartition(" ")[2])
            for name, ms in zip(LIBRARIES, row[1:], strict=False):
                if isinstance(ms, float):
                    lines.setdefault(name, []).append((side * side / 1e6, ms))
        yield Lines(f"formats-{kind.lower()}", f"{kind}: decoding and preparing", "megapixels", "ms", lines)
