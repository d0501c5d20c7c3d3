"""The report on a prepared data set, as text and as Markdown."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from training.core.markdown import bullets, table
from training.data.findings import FINDINGS, describe_findings
from training.data.parts import PARTS
from training.data.preparation import PreparedData

MAX_NAMES = 20
"""Files named per reason in the report; data.json has them all."""


def render_summary(data: PreparedData) -> str:
    """The report for a log, without file names."""
    split = data.describe_split()
    classes = list(split[PARTS[0]]["classes"])
    width = max(map(len, [*classes, "groups (patients)"]))
    rows: dict[str, Sequence[Any]] = {
        "": PARTS,
        **{name: [split[part]["classes"][name] for part in PARTS] for name in classes},
        "images": [split[part]["images"] for part in PARTS],
        "groups (patients)": [split[part]["groups"] for part in PARTS],
    }
    lines = [f"{title:{width}}" + "".join(f"{cell:>12}" for cell in row) for title, row in rows.items()]
    return "\n".join(
        [
            f"{data.source.title}: {describe_findings(data.findings)}",
            f"read as: {data.how}",
            *_leaks(data),
            *lines,
            f"fingerprint {data.fingerprint}, split seed {data.split_seed}",
        ]
    )


def render_report(data: PreparedData) -> str:
    """The whole report as Markdown."""
    sections = (
        f"# {data.source.title}",
        _about(data),
        "## Parts",
        _parts(data),
        "![Some images of every class](contact-sheet.png)",
        "## What was found",
        table(
            ("Files", "Outcome"),
            [(data.findings[key], title) for key, title in FINDINGS.items() if data.findings.get(key)],
        ),
        *_leaks(data),
        "## Groups",
        _groups(data),
        *_subgroup_tables(data),
        "## Formats and sizes",
        _shapes(data.shapes),
        *_names(data),
    )
    return "\n\n".join(sections) + "\n"


def _about(data: PreparedData) -> str:
    return bullets(
        (
            f"Read as: {data.how}",
            f"Fingerprint (SHA-256 of contents, labels, groups and parts): `{data.fingerprint}`",
            f"Split seed: {data.split_seed}",
            f"Citation: {data.source.citation}",
            f"Licence: {data.source.licence}",
            f"Taken from: {data.source.origin}",
        )
    )


def _parts(data: PreparedData) -> str:
    split = data.describe_split()
    rows: list[tuple[Any, ...]] = []
    for name in data.class_names:
        counts = [split[part]["classes"][name] for part in PARTS]
        rows.append((name, *counts, sum(counts)))
    for key, title in (("images", "images"), ("groups", "groups (patients)")):
        counts = [split[part][key] for part in PARTS]
        rows.append((f"**{title}**", *counts, sum(counts)))
    how = "Test is the part that came with the data." if data.keeps_test else "All parts were drawn here."
    if data.left_out_source:
        how = "Test is the source that was left out; train and validation were drawn here."
    text = f"No group, file or content is in two parts (checked). {how}"
    return f"{text}\n\n{table(('Class', *PARTS, 'all'), rows)}"


def _leaks(data: PreparedData) -> Iterator[str]:
    """The test part that was left out or came with the data; nothing if there is none."""
    described = data.describe_given_test()
    if described:
        yield described


def _groups(data: PreparedData) -> str:
    sizes = sorted(Counter(record.group for record in data.records).values())
    several = sum(size > 1 for size in sizes)
    return (
        f"{len(sizes)} groups; {several} have more than one image, the largest {sizes[-1]}, "
        f"half of them at most {sizes[len(sizes) // 2]}."
    )


def _subgroup_tables(data: PreparedData) -> Iterator[str]:
    subgroups = {part: data.subgroups(part) for part in PARTS}
    for attribute in subgroups["train"]:
        counts = {part: Counter(subgroups[part][attribute]) for part in PARTS}
        values = sorted(set().union(*counts.values()))
        yield f"### By {attribute}"
        yield table(
            (attribute, *PARTS),
            [(value or "unknown", *(counts[part][value] for part in PARTS)) for value in values],
        )


def _shapes(shapes: Counter[tuple[str, int, int]]) -> str:
    rows = []
    for format_ in sorted({name for name, _, _ in shapes}):
        sizes = Counter(
            {(width, height): n for (name, width, height), n in shapes.items() if name == format_}
        )
        widths, heights = [width for width, _ in sizes], [height for _, height in sizes]
        (width, height), count = min(sizes.items(), key=lambda item: (-item[1], item[0]))
        rows.append(
            (
                format_,
                sizes.total(),
                f"{min(widths)} to {max(widths)}",
                f"{min(heights)} to {max(heights)}",
                f"{width} x {height} ({count})",
            )
        )
    return table(("Format", "Files", "Width", "Height", "Most frequent"), rows)


def _names(data: PreparedData) -> Iterator[str]:
    """The files that were left out, by name."""
    if data.contradictions:
        yield "## The same image under different labels"
        yield bullets(
            _limited(
                [
                    f"{' = '.join(contradiction.paths)} (correlation {contradiction.correlation:.4f})"
                    for contradiction in data.contradictions
                ]
            )
        )
    if data.problems:
        yield "## Files that cannot be read"
        yield bullets(_limited([f"{path}: {problem}" for path, problem in sorted(data.problems.items())]))


def _limited(lines: Sequence[str]) -> Iterable[str]:
    more = len(lines) - MAX_NAMES
    return (*lines[:MAX_NAMES], f"and {more} more, in data.json") if more > 0 else lines
