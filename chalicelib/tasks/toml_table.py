"""Reads typed values from a TOML document. Errors name the line."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

Location = tuple[str | int, ...]
Text = TypeVar("Text", bound=str)

_HEADER = re.compile(r"^\s*(\[\[?)\s*([\w.-]+)\s*\]\]?")
_KEY = re.compile(r"^\s*([\w-]+)\s*=")


class TaskFileError(ValueError):
    """A task file is invalid; the message starts with `FILE:LINE:`."""


class TomlTable:
    """One table of a TOML file. Getters raise `TaskFileError`, with file and line, for invalid values."""

    def __init__(
        self, path: Path, values: Mapping[str, Any], lines: Mapping[Location, int], location: Location
    ):
        self._path = path
        self._values = values
        self._lines = lines
        self._location = location
        self._read: set[str] = set()

    @classmethod
    def parse(cls, path: Path) -> "TomlTable":
        """The root table of the file at `path`."""
        text = path.read_text(encoding="utf-8")
        try:
            values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            line = re.search(r"line (\d+)", str(error))
            raise TaskFileError(f"{path}:{line[1] if line else len(text.splitlines())}: {error}") from error
        return cls(path, values, _line_numbers(text), ())

    def error(self, problem: str, key: str | None = None) -> TaskFileError:
        """The error for an invalid `key`, or for the whole table."""
        location = self._location if key is None else (*self._location, key)
        while location and location not in self._lines:
            location = location[:-1]
        return TaskFileError(f"{self._path}:{self._lines.get(location, 1)}: {problem}")

    def string(self, key: str, default: str | None = None) -> str:
        """A string that is not blank; for a missing key the `default`, if given."""
        if default is not None and key not in self._values:
            self._read.add(key)
            return default
        value = self._value(key, str, "a string")
        if not value.strip():
            raise self.error(f"'{key}' must not be empty", key)
        return str(value)

    def optional_string(self, key: str) -> str | None:
        """A string that is not blank, or None if the key is missing."""
        self._read.add(key)
        return self.string(key) if key in self._values else None

    def strings(self, key: str) -> tuple[str, ...]:
        """A list of strings."""
        values = self._value(key, list, "a list of strings")
        if not all(isinstance(value, str) for value in values):
            raise self.error(f"'{key}' must be a list of strings", key)
        return tuple(values)

    def optional_strings(self, key: str) -> tuple[str, ...]:
        """A list of strings, empty if the key is missing."""
        self._read.add(key)
        return self.strings(key) if key in self._values else ()

    def choice(self, key: str, choices: tuple[Text, ...]) -> Text:
        """One of `choices`."""
        value = self._value(key, str, "a string")
        for choice in choices:
            if value == choice:
                return choice
        raise self.error(f"'{key}' must be one of {', '.join(choices)}, not '{value}'", key)

    def integer(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """An integer from `low` to `high`; for a missing key the `default`, if given."""
        if default is not None and key not in self._values:
            self._read.add(key)
            return default
        value = self._value(key, int, "an integer")
        if not low <= value <= high:
            raise self.error(f"'{key}' must be from {low} to {high}, not {value}", key)
        return int(value)

    def number(self, key: str, low: float, high: float, default: float | None = None) -> float:
        """A number from `low` to `high`; for a missing key the `default`, if given."""
        if default is not None and key not in self._values:
            self._read.add(key)
            return default
        value = self._value(key, (int, float), "a number")
        if not low <= value <= high:
            raise self.error(f"'{key}' must be from {low} to {high}, not {value}", key)
        return float(value)

    def boolean(self, key: str, default: bool | None = None) -> bool:
        """`true` or `false`; for a missing key the `default`, if given."""
        if default is not None and key not in self._values:
            self._read.add(key)
            return default
        return bool(self._value(key, bool, "true or false"))

    def table(self, key: str) -> "TomlTable":
        """The table `[key]`."""
        values = self._value(key, dict, f"a table [{key}]")
        return TomlTable(self._path, values, self._lines, (*self._location, key))

    def optional_table(self, key: str) -> "TomlTable | None":
        """The table `[key]`, or None if it is missing."""
        self._read.add(key)
        return self.table(key) if key in self._values else None

    def tables(self, key: str) -> list["TomlTable"]:
        """The array of tables `[[key]]`."""
        entries = self._value(key, list, f"tables [[{key}]]")
        if not all(isinstance(entry, dict) for entry in entries):
            raise self.error(f"'{key}' must be written as tables [[{key}]]", key)
        return [
            TomlTable(self._path, entry, self._lines, (*self._location, key, index))
            for index, entry in enumerate(entries)
        ]

    def optional_tables(self, key: str) -> list["TomlTable"]:
        """The array of tables `[[key]]`, empty if it is missing."""
        self._read.add(key)
        return self.tables(key) if key in self._values else []

    @property
    def keys(self) -> list[str]:
        """All keys of this table."""
        return list(self._values)

    def refuse_unknown(self) -> None:
        """Raise if the table has a key that was not read, because a misspelt key must not go unnoticed."""
        for key in self._values:
            if key not in self._read:
                raise self.error(f"unknown key '{key}'; known here: {', '.join(sorted(self._read))}", key)

    def _value(self, key: str, kind: type | tuple[type, ...], wanted: str) -> Any:
        self._read.add(key)
        if key not in self._values:
            raise self.error(f"'{key}' is missing: {wanted} is required")
        value = self._values[key]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self.error(f"'{key}' must be {wanted}", key)
        return value


def _line_numbers(text: str) -> dict[Location, int]:
    """Line of each table header and key. tomllib does not report lines; task files have one key per line."""
    lines: dict[Location, int] = {}
    table: Location = ()
    entries: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            brackets, name = header.groups()
            table = tuple(name.split("."))
            lines.setdefault(table, number)
            if brackets == "[[":
                index = entries.get(name, 0)
                entries[name] = index + 1
                table = (*table, index)
                lines[table] = number
        elif key := _KEY.match(line):
            lines[(*table, key[1])] = number
    return lines
