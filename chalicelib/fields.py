"""Checked values out of JSON bodies, query parameters and paths. `limits` holds the limits."""

import json
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from chalicelib import limits
from chalicelib.errors import InvalidRequest
from chalicelib.limits import MAX_DEPTH, MAX_JSON_BODY, MAX_NUMBER, MIN_NUMBER, Range
from chalicelib.timestamps import timestamp


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
    """JSON can escape halves of surrogate pairs, of which no UTF-8 can be made."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidRequest(
            "A text is not valid Unicode: it holds one half of a surrogate pair (\\ud800 to \\udfff)."
        ) from None


def _int_if_integral(digits: str) -> float | int:
    """JSON does not tell 3.0 and 3 apart."""
    number = float(digits)
    return int(number) if number.is_integer() and math.fabs(number) <= MAX_NUMBER else number


def _refuse_constant(name: str) -> Any:
    raise InvalidRequest(f"{name} is not a JSON number.")


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        raise InvalidRequest("A JSON object of the body names one of its members twice. Send each once.")
    return found


def _too_deep() -> InvalidRequest:
    return InvalidRequest(f"The body is nested too deeply; {MAX_DEPTH} levels are accepted.")


def refuse_unknown(values: Mapping[str, Any], *known: str) -> None:
    """Make sure that an object has only `known` members: a misspelt one would be lost without a word.

    Raises:
        InvalidRequest: naming one that it has, and those there are.
    """
    if unknown := sorted(values.keys() - set(known)):
        raise InvalidRequest(f"'{unknown[0][:50]}' is not known here. Known: {', '.join(known)}.")


def text(values: Mapping[str, Any], name: str, longest: int = limits.MAX_TEXT) -> str:
    """A string that must be there and must not be blank.

    Raises:
        InvalidRequest: if it is missing, not a string, too long, or holds control characters.
    """
    value = optional_text(values, name, longest)
    if value is None:
        raise InvalidRequest(f"'{name}' is missing or blank.")
    return value


def optional_text(values: Mapping[str, Any], name: str, longest: int = limits.MAX_TEXT) -> str | None:
    """A string that may be missing; None if it is missing, null or blank.

    Raises:
        InvalidRequest: if it is not a string, too long, or holds control characters.
    """
    value = optional_string(values, name, longest)
    if value is None:
        return None
    _check_unicode(value)
    if not limits.TEXT.fullmatch(value):
        raise InvalidRequest(f"'{name}' holds a control character. Only tabs and line breaks are accepted.")
    return value if value.strip() else None


def optional_string(values: Mapping[str, Any], name: str, longest: int) -> str | None:
    """Any string of bounded length; None if it is missing or null.

    Raises:
        InvalidRequest: if it is not a string, or too long.
    """
    value = values.get(name)
    if value is None or (isinstance(value, str) and len(value) <= longest):
        return value
    if isinstance(value, str):
        raise InvalidRequest(f"'{name}' may have {longest:,} characters, not {len(value):,}.")
    raise InvalidRequest(f"'{name}' must be a string.")


def path_parameter(name: str, value: str) -> None:
    """Check a path parameter before anything is looked up under it.

    Raises:
        InvalidRequest: if it cannot be the name of anything.
    """
    longest = limits.PATH_PARAMETERS[name]
    if len(value) > longest:
        raise InvalidRequest(f"'{name}' in the path may have {longest} characters, not {len(value):,}.")
    if not limits.PATH_PARAMETER.fullmatch(value):
        raise InvalidRequest(f"'{name}' in the path may hold letters, digits, '.', '-' and '_' only.")


def flag(value: str | None, name: str) -> bool | None:
    """A query parameter that is `true`, `false` or absent.

    Raises:
        InvalidRequest: if it is anything else.
    """
    chosen = choice(value, name, ("true", "false"))
    return None if chosen is None else chosen == "true"


def number(value: str | None, name: str, allowed: Range) -> int:
    """A query parameter that is a whole number within a range, or absent.

    Raises:
        InvalidRequest: if it is anything else.
    """
    if value is None:
        return allowed.default
    is_short_number = value.isascii() and value.isdecimal() and len(value) <= len(str(allowed.high))
    if not is_short_number or not allowed.low <= int(value) <= allowed.high:
        raise InvalidRequest(f"'{name}' must be a whole number from {allowed.low} to {allowed.high}.")
    return int(value)


def choice(value: str | None, name: str, choices: Iterable[str]) -> str | None:
    """A query parameter that is one of a few words, or absent.

    Raises:
        InvalidRequest: if it is anything else.
    """
    if value is None or value in choices:
        return value
    raise InvalidRequest(f"'{name}' must be one of {', '.join(choices)}.")


def query_text(query: Mapping[str, str], name: str, longest: int) -> str | None:
    """A query parameter of a few characters, or None if it is absent.

    Raises:
        InvalidRequest: if it is blank, too long, or holds control characters.
    """
    return text(query, name, longest) if name in query else None


def moment(value: str | None, name: str) -> str | None:
    """A query parameter that is a time with its offset from UTC, as results write times; or absent.

    Raises:
        InvalidRequest: if it is anything else, or lies too far in the past or the future.
    """
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
        f"'{name}' must be a time such as 2026-11-21T00:00:00Z, from {limits.FIRST_YEAR} to "
        f"{limits.LAST_YEAR}."
    )
