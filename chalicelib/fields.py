"""Checked values out of JSON bodies. `limits` holds the limits."""

import json
import math
from collections.abc import Mapping
from typing import Any

from chalicelib import limits
from chalicelib.errors import InvalidRequest
from chalicelib.limits import MAX_DEPTH, MAX_JSON_BODY, MAX_NUMBER, MIN_NUMBER


def decode_json(body: bytes) -> dict[str, Any]:
    """The JSON object in a request's body.

    Raises:
        InvalidRequest: if there is none, or it breaks one of the limits.
    """
    if len(body) > MAX_JSON_BODY:
        raise InvalidRequest(
            f"The body has {len(body):,} bytes; at most {MAX_JSON_BODY:,} are accepted here."
        )
    try:
        value = json.loads(
            body.decode("utf-8-sig"),  # some clients on Windows send a byte order mark
            parse_float=_int_if_integral,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object,
        )
    except InvalidRequest:
        raise
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        raise InvalidRequest("The body is not valid JSON in UTF-8.") from None
    check_json(value)
    if not isinstance(value, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return value


def check_json(value: Any) -> None:
    """Check a decoded JSON value: its depth, its numbers, and that its strings are valid Unicode.

    Raises:
        InvalidRequest: saying what is wrong.
    """
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH + 1):
        inner: list[Any] = []
        for member in level:
            if isinstance(member, dict):
                inner += [*member, *member.values()]
            elif isinstance(member, list):
                inner += member
            else:
                _check_scalar(member)
        level = inner
        if not level:
            return
    raise _too_deep()


def _check_scalar(value: Any) -> None:
    if isinstance(value, str):
        _check_unicode(value)
    elif isinstance(value, int | float) and not (value == 0 or MIN_NUMBER <= abs(value) <= MAX_NUMBER):
        raise InvalidRequest(
            f"A number is out of range. Numbers may have magnitudes from {MIN_NUMBER:g} to {MAX_NUMBER}."
        )


def _check_unicode(value: str) -> None:
    """JSON can escape halves of surrogate pairs, which UTF-8 cannot encode."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidRequest(
            "A string is not valid Unicode: it holds one half of a surrogate pair (\\ud800 to \\udfff)."
        ) from None


def _int_if_integral(digits: str) -> float | int:
    """JSON makes no difference between 3.0 and 3."""
    number = float(digits)
    return int(number) if number.is_integer() and math.fabs(number) <= MAX_NUMBER else number


def _refuse_constant(name: str) -> Any:
    raise InvalidRequest(f"{name} is not a JSON number.")


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        raise InvalidRequest("A JSON object in the body has a member twice. Send each member once.")
    return found


def _too_deep() -> InvalidRequest:
    return InvalidRequest(f"The body is nested too deeply; {MAX_DEPTH} levels are accepted.")


def refuse_unknown(values: Mapping[str, Any], *known: str) -> None:
    """Make sure that an object has only `known` members, so that misspelt ones are noticed.

    Raises:
        InvalidRequest: naming an unknown member, and the known ones.
    """
    if unknown := sorted(values.keys() - set(known)):
        raise InvalidRequest(f"There is no member '{unknown[0][:50]}'. Known: {', '.join(known)}.")


def required_str(values: Mapping[str, Any], name: str, max_length: int = limits.MAX_TEXT) -> str:
    """A string that must be there and must not be blank.

    Raises:
        InvalidRequest: if it is missing, not a string, too long, or holds control characters.
    """
    value = optional_str(values, name, max_length)
    if value is None:
        raise InvalidRequest(f"'{name}' is missing or blank.")
    return value


def optional_str(values: Mapping[str, Any], name: str, max_length: int = limits.MAX_TEXT) -> str | None:
    """A string that may be missing; None if it is missing, null or blank.

    Raises:
        InvalidRequest: if it is not a string, too long, or holds control characters.
    """
    value = raw_str(values, name, max_length)
    if value is None:
        return None
    _check_unicode(value)
    if not limits.TEXT.fullmatch(value):
        raise InvalidRequest(f"'{name}' holds a control character. Only tabs and line breaks are accepted.")
    return value if value.strip() else None


def optional_bool(values: Mapping[str, Any], name: str) -> bool:
    """True or false; False if it is missing or null.

    Raises:
        InvalidRequest: if it is anything else.
    """
    value = values.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise InvalidRequest(f"'{name}' must be true or false.")


def raw_str(values: Mapping[str, Any], name: str, max_length: int) -> str | None:
    """Any string of bounded length; None if it is missing or null.

    Raises:
        InvalidRequest: if it is not a string, or too long.
    """
    value = values.get(name)
    if value is None or (isinstance(value, str) and len(value) <= max_length):
        return value
    if isinstance(value, str):
        raise InvalidRequest(f"'{name}' may have {max_length:,} characters, not {len(value):,}.")
    raise InvalidRequest(f"'{name}' must be a string.")
