"""Parameters of paths and queries: what openapi.json says of each, and how its value is read and checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from chalicelib import limits
from chalicelib.errors import (
    InvalidRequest,
    NegatoscopeError,
    UnknownBatch,
    UnknownExport,
    UnknownResult,
    UnknownRetraining,
    UnknownTask,
)
from chalicelib.fields import required_str
from chalicelib.limits import Range
from chalicelib.timestamps import timestamp

Query = Mapping[str, str]


class QueryParameter(Protocol):
    """A parameter of a query, whatever its type."""

    @property
    def name(self) -> str:
        """As requests write it."""

    @property
    def description(self) -> str:
        """For openapi.json."""

    @property
    def required(self) -> bool:
        """Whether requests without it are refused."""

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema of its value."""


@dataclass(frozen=True)
class StrParameter:
    """A short text without control characters, not blank."""

    name: str
    max_length: int
    description: str
    required: bool = False
    opaque: bool = False
    """Whether only this API writes such values, so that their characters need no description."""

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema of its value."""
        lengths = {"type": "string", "minLength": 1, "maxLength": self.max_length}
        return lengths if self.opaque else lengths | {"pattern": f"^{limits.TEXT.pattern}$"}

    def read(self, query: Query) -> str | None:
        """Its value; None if it is absent.

        Raises:
            InvalidRequest: if it is blank, too long, or holds control characters.
        """
        return self.read_required(query) if self.name in query else None

    def read_required(self, query: Query) -> str:
        """Its value.

        Raises:
            InvalidRequest: if it is absent, blank, too long, or holds control characters.
        """
        return required_str(query, self.name, self.max_length)


@dataclass(frozen=True)
class IntParameter:
    """A whole number within a range."""

    name: str
    range: Range
    description: str
    required: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema of its value."""
        known = self.range
        return {"type": "integer", "minimum": known.low, "maximum": known.high, "default": known.default}

    def read(self, query: Query) -> int:
        """Its value; the default if it is absent.

        Raises:
            InvalidRequest: if it is not a whole number within the range.
        """
        value, known = query.get(self.name), self.range
        if value is None:
            return known.default
        is_short_number = value.isascii() and value.isdecimal() and len(value) <= len(str(known.high))
        if not is_short_number or not known.low <= int(value) <= known.high:
            raise InvalidRequest(f"'{self.name}' must be a whole number from {known.low} to {known.high}.")
        return int(value)


@dataclass(frozen=True)
class EnumParameter:
    """One of a few words."""

    name: str
    choices: Sequence[str]
    description: str
    default: str | None = None
    required: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema of its value."""
        default = {"default": self.default} if self.default else {}
        return {"type": "string", "enum": list(self.choices)} | default

    def read(self, query: Query) -> str | None:
        """Its value; the default if it is absent.

        Raises:
            InvalidRequest: if it is none of the words.
        """
        value = query.get(self.name, self.default)
        if value is None or value in self.choices:
            return value
        raise InvalidRequest(f"'{self.name}' must be one of {', '.join(self.choices)}.")


@dataclass(frozen=True)
class BoolParameter:
    """`true` or `false`."""

    name: str
    description: str
    required: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema of its value."""
        return self._words.schema

    def read(self, query: Query) -> bool | None:
        """Its value; None if it is absent.

        Raises:
            InvalidRequest: if it is anything else.
        """
        value = self._words.read(query)
        return None if value is None else value == "true"

    @property
    def _words(self) -> EnumParameter:
        return EnumParameter(self.name, ("true", "false"), self.description)


@dataclass(frozen=True)
class DatetimeParameter:
    """A time with its offset from UTC."""

    name: str
    description: str
    required: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema of its value."""
        return {"type": "string", "format": "date-time", "pattern": f"^{limits.TIME.pattern}$"}

    def read(self, query: Query) -> str | None:
        """Its value in UTC, as results write times; None if it is absent.

        Raises:
            InvalidRequest: if it is no such time, or too far in the past or the future.
        """
        value = query.get(self.name)
        if value is None:
            return None
        try:
            if limits.TIME.fullmatch(value):
                time = datetime.fromisoformat(value).astimezone(UTC)
                if limits.FIRST_YEAR <= time.year <= limits.LAST_YEAR:
                    return timestamp(time)
        except (ValueError, OverflowError):
            pass
        raise InvalidRequest(
            f"'{self.name}' must be a time such as 2026-11-21T00:00:00Z, from {limits.FIRST_YEAR} to "
            f"{limits.LAST_YEAR}."
        )


@dataclass(frozen=True)
class PathParameter:
    """A part of a path: letters, digits, `.`, `-` and `_`."""

    name: str
    description: str
    missing: type[NegatoscopeError] | None = None
    """The error if nothing has that name."""
    pattern: str = f"^{limits.PATH_PARAMETER.pattern}$"
    """What names of existing things look like."""
    required: bool = True

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema of its value."""
        return {"type": "string", "pattern": self.pattern, "maxLength": limits.PATH_PARAMETERS[self.name]}

    def check(self, value: str) -> None:
        """Check a value before anything is looked up under it.

        Raises:
            InvalidRequest: if it cannot be the name of anything.
        """
        max_length = limits.PATH_PARAMETERS[self.name]
        if len(value) > max_length:
            raise InvalidRequest(
                f"'{self.name}' in the path may have {max_length} characters, not {len(value):,}."
            )
        if not limits.PATH_PARAMETER.fullmatch(value):
            raise InvalidRequest(
                f"'{self.name}' in the path may hold letters, digits, '.', '-' and '_' only."
            )


PATH_PARAMETERS = {
    parameter.name: parameter
    for parameter in (
        PathParameter("task", "Name of a task, as GET /tasks lists them.", UnknownTask),
        PathParameter("id", "Id of a result, 32 hexadecimal digits.", UnknownResult, "^[0-9a-f]{32}$"),
        PathParameter("name", "Name of a retraining, as GET /retrainings lists them.", UnknownRetraining),
        PathParameter("batch", "Name of a batch, as GET /batches lists them.", UnknownBatch),
        PathParameter("version", "Version of a model, as GET /tasks/{task}/models lists them."),
        PathParameter("export", "Name of an export, as GET /exports lists them.", UnknownExport),
        PathParameter("file", "Name of a file, without its folder: roc.svg for plots/roc.svg."),
    )
}
