"""Layouts of public data sets: the class of a file by its path."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LAYOUTS = Path(__file__).with_name("layouts.toml")


@dataclass(frozen=True)
class Table:
    """A CSV file that comes with the images and describes them."""

    file: str
    key: str
    class_column: str
    group: str
    attributes: tuple[str, ...]
    unknown: str


@dataclass(frozen=True)
class Layout:
    """How a public data set is laid out."""

    name: str
    title: str
    classes: tuple[tuple[re.Pattern[str], str], ...]
    """A pattern to search for in a path, and its class."""
    skip: tuple[re.Pattern[str], ...] = ()
    table: Table | None = None

    def find_class(self, path: str) -> str:
        """The class of the file at `path`; empty if the path does not show it."""
        return next((name for pattern, name in self.classes if pattern.search(path)), "")

    def skips(self, path: str) -> bool:
        """Whether the file is not an image to train on, but a mask for instance."""
        return any(pattern.search(path) for pattern in self.skip)


def load_layouts(path: Path = LAYOUTS) -> dict[str, Layout]:
    """All described layouts, by name."""
    entries = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: _layout(name, entry) for name, entry in entries.items()}


def _layout(name: str, entry: Mapping[str, Any]) -> Layout:
    table = entry.get("table")
    return Layout(
        name,
        entry["title"],
        tuple((re.compile(rule["pattern"]), rule["class"]) for rule in entry["classes"]),
        tuple(map(re.compile, entry.get("skip", ()))),
        table
        and Table(
            table["file"],
            table["key"],
            table["class"],
            table["group"],
            tuple(table["attributes"]),
            table["unknown"],
        ),
    )
