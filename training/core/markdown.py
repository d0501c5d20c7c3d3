"""Pieces of Markdown, and numbers as people read them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

UNDEFINED = "not defined"
"""Stands where the images do not define a value."""


def percent(interval: Mapping[str, float | None]) -> str:
    """A proportion with its 95 % interval, in percent."""
    return _with_interval(interval, lambda value: f"{100 * value:.1f}", " %")


def fraction(interval: Mapping[str, float | None]) -> str:
    """A value from 0 to 1 with its 95 % interval."""
    return _with_interval(interval, lambda value: f"{value:.3f}", "")


def points(difference: Mapping[str, float | None]) -> str:
    """A difference of proportions with its 95 % interval, in percentage points."""
    return _with_interval(difference, lambda value: f"{100 * value:+.1f}", "")


def bullets(lines: Iterable[str]) -> str:
    """A list."""
    return "\n".join(f"- {line}" for line in lines)


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table; a vertical bar in a cell stays one."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(
        "| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def _with_interval(interval: Mapping[str, float | None], words: Callable[[Any], str], unit: str) -> str:
    value, low, high = (interval[name] for name in ("value", "low", "high"))
    if value is None:
        return UNDEFINED
    return f"{words(value)}{unit} ({words(low)} to {words(high)})"
