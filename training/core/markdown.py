"""Pieces of Markdown, and numbers with their intervals."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

UNDEFINED = "not defined"
"""Stands for a value that is undefined for the images."""


def percent(interval: Mapping[str, float | None]) -> str:
    """A proportion with its 95 % interval, in percent."""
    return _with_interval(interval, lambda value: f"{100 * value:.1f}", " %")


def share(value: float | None) -> str:
    """A proportion without an interval, in percent."""
    return UNDEFINED if value is None else f"{100 * value:.1f} %"


def fraction(interval: Mapping[str, float | None]) -> str:
    """A value from 0 to 1 with its 95 % interval."""
    return _with_interval(interval, lambda value: f"{value:.3f}", "")


def points(difference: Mapping[str, float | None]) -> str:
    """A difference of proportions with its 95 % interval, in percentage points."""
    return _with_interval(difference, lambda value: f"{100 * value:+.1f}", "")


def bullets(lines: Iterable[str]) -> str:
    """A bulleted list."""
    return "\n".join(f"- {line}" for line in lines)


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table; vertical bars in cells are escaped."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(
        "| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def _with_interval(interval: Mapping[str, float | None], words: Callable[[Any], str], unit: str) -> str:
    value, low, high = (interval[name] for name in ("value", "low", "high"))
    if value is None:
        return UNDEFINED
    return f"{words(value)}{unit} ({words(low)} to {words(high)})"
