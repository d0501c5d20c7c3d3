"""What a comparison reports: a table and its charts, as data from which page and plots are made."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

Cell = float | str | None
"""None where nothing was measured."""


@dataclass(frozen=True)
class Bars:
    """A chart with a bar for each row of one column."""

    name: str
    """Of its file."""
    title: str
    column: str
    kind: str = "bars"


@dataclass(frozen=True)
class Lines:
    """A chart with a line for each name, on logarithmic axes."""

    name: str
    title: str
    x: str
    """What the axes show."""
    y: str
    lines: dict[str, list[tuple[float, float]]]
    kind: str = "lines"


@dataclass
class Section:
    """The result of one comparison."""

    title: str
    text: str
    """What was done, and with what."""
    columns: Sequence[str]
    rows: list[list[Cell]] = field(default_factory=list)
    """The first cell is the name, and the last one the number of rounds or a remark."""
    remarks: list[str] = field(default_factory=list)
    charts: list[Bars | Lines] = field(default_factory=list)
    failure: str = ""
    """Why there is no result, or only a part of it."""

    def add(self, name: str, *values: Cell) -> None:
        """Add a row.

        Raises:
            ValueError: if it has too few or too many cells.
        """
        if 1 + len(values) != len(self.columns):
            raise ValueError(f"{name}: {len(values)} values for {len(self.columns) - 1} columns")
        self.rows.append([name, *values])

    def missing(self, name: str, why: str) -> None:
        """Add a row of what could not be measured, with the reason as a remark."""
        self.add(name, *[None] * (len(self.columns) - 1))
        self.remarks.append(f"{name} could not be measured: {why}")

    def as_json(self) -> dict[str, Any]:
        """The section as JSON."""
        return asdict(self)
