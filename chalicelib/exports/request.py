"""What is asked of an export, as it is stored beside its file."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from chalicelib.results.selection import Selection

FileFormat = Literal["csv", "parquet"]
SUMMARY = "summary.json"
"""Name of the file beside an export's that says how many rows it has."""
FORMATS: tuple[FileFormat, ...] = get_args(FileFormat)


@dataclass(frozen=True)
class ExportRequest:
    """The results wanted, and the format of the file."""

    selection: Selection
    format: FileFormat

    @property
    def file(self) -> str:
        """Name of the file in the folder of the export."""
        return f"results.{self.format}"

    @property
    def filters(self) -> dict[str, Any]:
        """The filters that are set, by name."""
        defaults = dataclasses.asdict(Selection())
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in dataclasses.asdict(self.selection).items()
            if value != defaults[name]
        }

    @property
    def parameters(self) -> dict[str, Any]:
        """The filters that are set, by the names of the API's parameters, without the tasks of the user."""
        names = {"since": "from", "until": "to"}
        return {names.get(name, name): value for name, value in self.filters.items() if name != "tasks"}

    def to_json(self) -> dict[str, Any]:
        """As it is stored."""
        return {"format": self.format, "filters": self.filters}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "ExportRequest":
        """A stored request."""
        return cls(Selection(**stored["filters"]), stored["format"])

    @classmethod
    def parse(cls, text: str | bytes) -> "ExportRequest":
        """A request in a file."""
        return cls.from_json(json.loads(text))
