"""Validation of requests and responses against botocore's model of the API.

Clients check only types and required members, and Step Functions sends requests without a client, so the
service checks every constraint.
"""

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.session

from local.sagemaker.errors import SageMakerError, invalid

Path = tuple[str, ...]

PYTHON_EQUIVALENTS = {
    "${1,128}": "$",
    "${1,256}": "$",
    r"\uD800\uDC00-\uDBFF\uDFFF": r"\U00010000-\U0010FFFF",
    r"\p{Print}+": r"[\x20-\x7e]+",
    r"\p{Alnum}": "a-zA-Z0-9",
    r"\p{ASCII}": r"\x00-\x7f",
    r"\p{Print}": r"\x20-\x7e",
    r"\p{L}": r"\w",
    r"\p{N}": r"\d",
    r"\p{Z}": r"\s",
    r"\p{M}": r"\S",
    r"\p{S}": r"\S",
    r"\p{P}": r"\S",
}
"""Java's regular expression syntax in Python; for marks, symbols and punctuation more permissive."""
TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "structure": ((dict,), "a structure"),
    "map": ((dict,), "a map"),
    "list": ((list,), "a list"),
    "string": ((str,), "a String"),
    "boolean": ((bool,), "a Boolean"),
    "integer": ((int,), "an Integer"),
    "long": ((int,), "a Long"),
    "float": ((int, float), "a Float"),
    "double": ((int, float), "a Double"),
    "timestamp": ((int, float, str), "a timestamp"),
    "blob": ((str, bytes), "a blob"),
}


@functools.cache
def model(service: str = "sagemaker") -> Any:
    """Botocore's model of a service."""
    return botocore.session.get_session().get_service_model(service)


def check_request(operation: str, request: Mapping[str, Any], service: str = "sagemaker") -> None:
    """Raise SageMakerError if the request violates the model."""
    shape = model(service).operation_model(operation).input_shape
    found = list(violations(shape, request))
    if found:
        count = f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected: "
        raise invalid(count + "; ".join(found))


def response_of(operation: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """Reduce a record to the members of an operation's response."""
    shape = model().operation_model(operation).output_shape
    return of_shape(shape, record) if shape else {}


def of_shape(shape: Any, value: Any) -> Any:
    """Reduce a value to its shape: structures keep only the members that the shape has."""
    match shape.type_name:
        case "structure":
            known = {name: value[name] for name in shape.members if value.get(name) is not None}
            return {name: of_shape(shape.members[name], item) for name, item in known.items()}
        case "list":
            return [of_shape(shape.member, item) for item in value]
        case "map":
            return {key: of_shape(shape.value, item) for key, item in value.items()}
    return value


def violations(shape: Any, value: Any, path: Path = ()) -> Iterator[str]:
    """The violations of a shape, in the service's words; raise SageMakerError if a type is wrong."""
    check_type(shape, value, path)
    match shape.type_name:
        case "structure":
            yield from _in_structure(shape, value, path)
        case "list":
            yield from _in_size(shape, len(value), value, path, "length")
            for number, item in enumerate(value, 1):
                yield from violations(shape.member, item, (*path, str(number), "member"))
        case "map":
            yield from _in_size(shape, len(value), value, path, "length")
            for key, item in value.items():
                yield from violations(shape.key, key, (*path, "key"))
                yield from violations(shape.value, item, (*path, key, "member"))
        case "string":
            yield from _in_string(shape, value, path)
        case "integer" | "long" | "float" | "double":
            yield from _in_size(shape, value, value, path, "value")


def check_type(shape: Any, value: Any, path: Path) -> None:
    """Raise SageMakerError if the value does not have the type of the shape."""
    types, title = TYPES[shape.type_name]
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        location = f" at '{_written(path)}'" if path else ""
        raise SageMakerError(
            "SerializationException", f"{type(value).__name__}{location} can not be converted to {title}"
        )


def _in_structure(shape: Any, value: Mapping[str, Any], path: Path) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield _violation(None, (*path, name), "Member must not be null")
    for name, item in value.items():
        if name not in shape.members:
            yield _violation(item, (*path, name), f"Member must be one of {', '.join(shape.members)}")
        elif item is not None:
            yield from violations(shape.members[name], item, (*path, name))


def _in_string(shape: Any, value: str, path: Path) -> Iterator[str]:
    yield from _in_size(shape, len(value), value, path, "length")
    if shape.enum and value not in shape.enum:
        yield _violation(value, path, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]")
    pattern = shape.metadata.get("pattern")
    expression = compiled(pattern) if pattern else None
    if expression and not expression.fullmatch(value):
        yield _violation(value, path, f"Member must satisfy regular expression pattern: {pattern}")


def _in_size(shape: Any, size: float, value: Any, path: Path, what: str) -> Iterator[str]:
    lowest, highest = shape.metadata.get("min"), shape.metadata.get("max")
    if lowest is not None and size < lowest:
        yield _violation(value, path, f"Member must have {what} greater than or equal to {lowest}")
    if highest is not None and size > highest:
        yield _violation(value, path, f"Member must have {what} less than or equal to {highest}")


@functools.cache
def compiled(pattern: str) -> re.Pattern[str] | None:
    """A pattern of the model for Python; None if Python has no equivalent."""
    for java, python in PYTHON_EQUIVALENTS.items():
        pattern = pattern.replace(java, python)
    try:
        return re.compile(pattern, re.DOTALL)
    except re.error:
        return None


def _violation(value: Any, path: Path, constraint: str) -> str:
    shown = "null" if value is None else f"'{value}'"
    return f"Value {shown} at '{_written(path)}' failed to satisfy constraint: {constraint}"


def _written(path: Path) -> str:
    return ".".join(name[:1].lower() + name[1:] for name in path)
